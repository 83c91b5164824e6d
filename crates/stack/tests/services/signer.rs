//! A client's side of the protocols, written from the specifications and not from the stack's
//! code: a key, and what it sends.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A key pair of a client.
pub(super) struct Signer {
    pair: EcdsaKeyPair,
}

impl Signer {
    pub(super) fn p256() -> Signer {
        Signer::new(&ECDSA_P256_SHA256_ASN1_SIGNING)
    }

    pub(super) fn p384() -> Signer {
        Signer::new(&ECDSA_P384_SHA384_ASN1_SIGNING)
    }

    fn new(algorithm: &'static EcdsaSigningAlgorithm) -> Signer {
        Signer {
            pair: EcdsaKeyPair::generate(algorithm).unwrap(),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.pair.sign(&SystemRandom::new(), message).unwrap();
        signature.as_ref().to_vec()
    }

    pub(super) fn public_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().unwrap();
        der.as_ref().to_vec()
    }

    pub(super) fn public_pem(&self) -> String {
        pem("PUBLIC KEY", &self.public_der())
    }

    /// The body of `POST /api/v2/signingCert`, possession proven over `challenge`.
    pub(super) fn certificate_request(&self, token: &str, challenge: &str) -> Value {
        json!({
            "credentials": {"oidcIdentityToken": token},
            "publicKeyRequest": {
                "publicKey": {"algorithm": "ECDSA", "content": self.public_pem()},
                "proofOfPossession": STANDARD.encode(self.sign(challenge.as_bytes())),
            },
        })
    }

    /// A PKCS#10 request as PEM.
    pub(super) fn csr_pem(&self) -> String {
        use der::{Decode as _, Encode as _};
        use x509_cert::request::{CertReq, CertReqInfo, Version};
        let info = CertReqInfo {
            version: Version::V1,
            subject: Default::default(),
            public_key: x509_cert::spki::SubjectPublicKeyInfoOwned::from_der(&self.public_der())
                .unwrap(),
            attributes: Default::default(),
        };
        let signature = self.sign(&info.to_der().unwrap());
        let request = CertReq {
            info,
            algorithm: x509_cert::spki::AlgorithmIdentifierOwned {
                oid: const_oid::db::rfc5912::ECDSA_WITH_SHA_256,
                parameters: None,
            },
            signature: der::asn1::BitString::from_bytes(&signature).unwrap(),
        };
        pem("CERTIFICATE REQUEST", &request.to_der().unwrap())
    }
}

/// A `hashedrekord` 0.0.1 proposal; `verifier` is PEM.
pub(super) fn hashedrekord(artifact: &[u8], signature: &[u8], verifier: &str) -> Value {
    json!({
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": sha256_hex(artifact)}},
            "signature": {
                "content": STANDARD.encode(signature),
                "publicKey": {"content": STANDARD.encode(verifier)},
            },
        },
    })
}

/// A DSSE envelope around `payload`, signed.
pub(super) fn envelope(signer: &Signer, payload: &[u8]) -> Value {
    let kind = "application/vnd.in-toto+json";
    let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    message.extend(payload);
    json!({
        "payloadType": kind,
        "payload": STANDARD.encode(payload),
        "signatures": [{"sig": STANDARD.encode(signer.sign(&message))}],
    })
}

/// A `dsse` 0.0.1 proposal.
pub(super) fn dsse(envelope: &Value, verifiers: &[&str]) -> Value {
    let verifiers: Vec<String> = verifiers.iter().map(|pem| STANDARD.encode(pem)).collect();
    json!({
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {"proposedContent": {"envelope": envelope.to_string(), "verifiers": verifiers}},
    })
}

/// An `intoto` 0.0.1 proposal.
pub(super) fn intoto_v1(envelope: &Value, verifier: &str) -> Value {
    json!({
        "apiVersion": "0.0.1",
        "kind": "intoto",
        "spec": {
            "content": {"envelope": envelope.to_string()},
            "publicKey": STANDARD.encode(verifier),
        },
    })
}

/// An `intoto` 0.0.2 proposal, as sigstore-js makes it for npm.
pub(super) fn intoto_v2(envelope: &Value, verifier: &str) -> Value {
    let again = |text: &Value| STANDARD.encode(text.as_str().unwrap());
    json!({
        "apiVersion": "0.0.2",
        "kind": "intoto",
        "spec": {"content": {
            "envelope": {
                "payloadType": envelope["payloadType"],
                "payload": again(&envelope["payload"]),
                "signatures": [{
                    "publicKey": STANDARD.encode(verifier),
                    "sig": again(&envelope["signatures"][0]["sig"]),
                }],
            },
            "hash": {"algorithm": "sha256", "value": sha256_hex(envelope.to_string().as_bytes())},
            "payloadHash": {"algorithm": "sha256", "value": "00"},
        }},
    })
}

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let config = ::pem::EncodeConfig::new().set_line_ending(::pem::LineEnding::LF);
    ::pem::encode_config(&::pem::Pem::new(label, der), config)
}

pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().to_vec()
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(sha256(bytes))
}
