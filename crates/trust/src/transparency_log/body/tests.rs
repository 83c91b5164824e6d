//! Every kind of body: the one that belongs to the material is taken, and with any single value
//! changed it is not. The bodies are written here by another canonicaliser than the verifier's.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::assemble::{pae, pem_block};
use crate::base64_bytes::encode;
use crate::envelope::{Envelope, IN_TOTO};
use crate::material::{Message, StatedDigest};
use crate::public_key::HashAlgorithm;

const KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEyKFVJUQVZz6j6vGTB3dA99uwwGEY
xlXUFX5iG5ieNfDNYXlTosS7WuJ6ltvsPjamBOyXu1XFU+c8tZsd2Gf7tg==
-----END PUBLIC KEY-----
";
const ENVELOPE: &[u8] = br#"{"the":"envelope"}"#;
const PAYLOAD: &[u8] = b"payload";
const SIGNATURE: &[u8] = b"signature";
const CERTIFICATE: &[u8] = b"certificate";

fn hex_of(bytes: &[u8]) -> String {
    let digest = SignedArtifact::Whole([bytes, b""]).digest(HashAlgorithm::Sha256);
    hex::encode(digest.unwrap())
}

fn base64_hash_of(bytes: &[u8]) -> String {
    encode(
        &SignedArtifact::Whole([bytes, b""])
            .digest(HashAlgorithm::Sha256)
            .unwrap(),
    )
}

fn envelope() -> SignedContent {
    SignedContent::Envelope(Envelope {
        payload: Arc::new(PAYLOAD.to_vec()),
        payload_type: IN_TOTO.to_owned(),
        signature: SIGNATURE.to_vec(),
        key_id: None,
        json: Some(ENVELOPE.to_vec()),
    })
}

fn message() -> SignedContent {
    let digest = StatedDigest::Unusual;
    SignedContent::Message(Message {
        digest,
        signature: SIGNATURE.to_vec(),
    })
}

/// Bodies about [`envelope`] or [`message`], with a certificate and with a key.
fn bodies(key: &PublicKey) -> Vec<(Value, SignedContent, bool)> {
    let mut bodies = Vec::new();
    for has_certificate in [true, false] {
        let pem = match has_certificate {
            true => pem_block("CERTIFICATE", CERTIFICATE),
            false => pem_block("PUBLIC KEY", key.spki_der()),
        };
        let (pem, signature) = (encode(pem.as_bytes()), encode(SIGNATURE));
        let verifier = match has_certificate {
            true => json!({"keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "x509Certificate": {"rawBytes": encode(CERTIFICATE)}}),
            false => json!({"keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "publicKey": {"rawBytes": encode(key.spki_der())}}),
        };
        let hash = |bytes: &[u8]| json!({"algorithm": "sha256", "value": hex_of(bytes)});
        let hash2 =
            |bytes: &[u8]| json!({"algorithm": "SHA2_256", "digest": base64_hash_of(bytes)});
        let signed = pae(IN_TOTO, PAYLOAD);
        let hashedrekord = |bytes: &[u8]| {
            json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
                "data": {"hash": hash(bytes)},
                "signature": {"content": signature, "publicKey": {"content": pem}}}})
        };
        let hashedrekord2 = |bytes: &[u8]| {
            json!({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
                "data": hash2(bytes), "signature": {"content": signature, "verifier": verifier}}}})
        };
        let dsse = json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
            "envelopeHash": hash(ENVELOPE), "payloadHash": hash(PAYLOAD),
            "signatures": [{"signature": signature, "verifier": pem}]}});
        let dsse2 = json!({"apiVersion": "0.0.2", "kind": "dsse", "spec": {"dsseV002": {
            "payloadHash": hash2(PAYLOAD),
            "signatures": [{"content": signature, "verifier": verifier}]}}});
        let intoto = json!({"apiVersion": "0.0.1", "kind": "intoto", "spec": {
            "content": {"hash": hash(ENVELOPE), "payloadHash": hash(PAYLOAD)}, "publicKey": pem}});
        let twice = encode(signature.as_bytes());
        let intoto2 = json!({"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": {
            "envelope": {"payloadType": IN_TOTO,
                "signatures": [{"publicKey": pem, "sig": twice}]},
            "hash": hash(ENVELOPE), "payloadHash": hash(PAYLOAD)}}});
        for body in [
            hashedrekord(&signed),
            hashedrekord2(&signed),
            dsse,
            dsse2,
            intoto,
            intoto2,
        ] {
            bodies.push((body, envelope(), has_certificate));
        }
        for body in [hashedrekord(PAYLOAD), hashedrekord2(PAYLOAD)] {
            bodies.push((body, message(), has_certificate));
        }
    }
    bodies
}

fn check(body: &Value, content: &SignedContent, key: &PublicKey, certificate: bool) -> bool {
    let bytes = serde_json_canonicalizer::to_vec(body).unwrap();
    let signer = match certificate {
        true => SignerKey::Certificate(CERTIFICATE, key),
        false => SignerKey::Key(key),
    };
    let signed = pae(IN_TOTO, PAYLOAD);
    let signed = match content {
        SignedContent::Envelope(_) => SignedArtifact::Whole([&signed, b""]),
        _ => SignedArtifact::Whole([PAYLOAD, b""]),
    };
    let expected = Expected { content, signer };
    Body::read(&bytes)
        .and_then(|body| body.check(&expected, &signed))
        .is_ok()
}

#[test]
fn the_right_body_is_taken_and_every_other_refused() {
    let key = PublicKey::parse_pem(KEY).unwrap();
    let mut forged = 0;
    for (body, content, certificate) in bodies(&key) {
        assert!(check(&body, &content, &key, certificate), "{body}");
        assert!(
            !check(&body, &content, &key, !certificate),
            "other signer: {body}"
        );
        for place in strings(&body) {
            let text = body.pointer(&place).unwrap().as_str().unwrap();
            for other in forgeries(text) {
                let mut mutant = body.clone();
                *mutant.pointer_mut(&place).unwrap() = other;
                // Over an envelope that bundles do not have; nothing can be said about it.
                let is_opaque = place.ends_with("envelopeHash/value")
                    || (place.ends_with("content/hash/value") && body["apiVersion"] == "0.0.2");
                let text = mutant.pointer(&place).unwrap().as_str().unwrap_or_default();
                let is_hash = text.len() == 64 && hex::decode(text).is_ok();
                if is_opaque && is_hash {
                    continue;
                }
                forged += 1;
                assert!(
                    !check(&mutant, &content, &key, certificate),
                    "{place} of {body}"
                );
            }
        }
        let mut more = body.clone();
        more["spec"]["more"] = json!("x");
        assert!(
            !check(&more, &content, &key, certificate),
            "a field more: {body}"
        );
    }
    assert!(forged > 300, "{forged}");
}

#[test]
fn only_canonical_bytes_are_rebuilt() {
    let key = PublicKey::parse_pem(KEY).unwrap();
    for (body, content, certificate) in bodies(&key) {
        let spaced = serde_json::to_string_pretty(&body).unwrap();
        let signer = match certificate {
            true => SignerKey::Certificate(CERTIFICATE, &key),
            false => SignerKey::Key(&key),
        };
        let signed = pae(IN_TOTO, PAYLOAD);
        let signed = match &content {
            SignedContent::Envelope(_) => SignedArtifact::Whole([&signed, b""]),
            _ => SignedArtifact::Whole([PAYLOAD, b""]),
        };
        let expected = Expected {
            content: &content,
            signer,
        };
        let said = Body::read(spaced.as_bytes())
            .unwrap()
            .check(&expected, &signed);
        assert_eq!(
            said,
            Err(VerifyError::EntryMismatch {
                part: BodyPart::Form
            }),
            "{body}"
        );
    }
}

fn forgeries(text: &str) -> Vec<Value> {
    let mut flipped = text.to_owned();
    let other = if flipped.starts_with('0') { "1" } else { "0" };
    flipped.replace_range(..1, other);
    let mut longer = text.to_owned();
    longer.push('0');
    vec![
        json!(flipped),
        json!(longer),
        json!(""),
        json!("0".repeat(64)),
        Value::Null,
    ]
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(_) => vec![String::new()],
        Value::Object(fields) => {
            let inner = |(key, value)| -> Vec<String> {
                strings(value)
                    .iter()
                    .map(|rest| format!("/{key}{rest}"))
                    .collect()
            };
            fields.iter().flat_map(inner).collect()
        }
        Value::Array(list) => {
            let inner = |(index, value)| -> Vec<String> {
                strings(value)
                    .iter()
                    .map(|rest| format!("/{index}{rest}"))
                    .collect()
            };
            list.iter().enumerate().flat_map(inner).collect()
        }
        _ => Vec::new(),
    }
}
