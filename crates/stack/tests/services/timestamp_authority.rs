use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::{Decode as _, Encode as _};
use reqwest::{Response, StatusCode};
use serde_json::json;

use super::signer::sha256;
use super::{Running, refused, start};

const PATH: &str = "/api/v1/timestamp";
const SHA256: &str = "300d06096086480165030402010500";
const SHA1: &str = "300906052b0e03021a0500";

/// A DER `TimeStampReq` of the parts given as hexadecimal.
fn query(version: u8, algorithm: &str, digest: &[u8], rest: &str) -> Vec<u8> {
    let sequence = |content: Vec<u8>| {
        let mut out = vec![0x30, u8::try_from(content.len()).unwrap()];
        out.extend(content);
        out
    };
    let mut imprint = hex::decode(algorithm).unwrap();
    imprint.extend([4, u8::try_from(digest.len()).unwrap()]);
    imprint.extend(digest);
    let mut request = vec![2, 1, version];
    request.extend(sequence(imprint));
    request.extend(hex::decode(rest).unwrap());
    sequence(request)
}

async fn ask(running: &Running, query: Vec<u8>) -> Response {
    let request = running.client.post(running.url(PATH));
    let request = request.header("content-type", "application/timestamp-query");
    request.body(query).send().await.unwrap()
}

/// The `TSTInfo` bytes and the signed data of a granted response.
async fn granted(response: Response) -> (Vec<u8>, SignedData) {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()["content-type"],
        "application/timestamp-reply"
    );
    #[derive(der::Sequence)]
    struct Reply {
        status: Status,
        token: ContentInfo,
    }
    #[derive(der::Sequence)]
    struct Status {
        status: u8,
    }
    let bytes = response.bytes().await.unwrap();
    let reply = Reply::from_der(&bytes).unwrap();
    assert_eq!(reply.status.status, 0);
    let signed: SignedData = reply.token.content.decode_as().unwrap();
    let info = signed.encap_content_info.econtent.clone().unwrap();
    (info.value().to_vec(), signed)
}

#[tokio::test]
async fn a_digest_gets_a_signed_time() {
    let running = start().await;
    let digest = sha256(b"signature");
    // Nonce 0x0123456789, certificate wanted.
    let response = ask(&running, query(1, SHA256, &digest, "020501234567890101ff")).await;
    let (info, signed) = granted(response).await;
    let contains = |part: &[u8]| info.windows(part.len()).any(|window| window == part);
    assert!(contains(&digest) && contains(&hex::decode("02050123456789").unwrap()));
    assert_eq!(signed.certificates.as_ref().unwrap().0.len(), 1);

    // The signature, with the published certificate and nothing else.
    let chain = running
        .get("/api/v1/timestamp/certchain")
        .await
        .text()
        .await
        .unwrap();
    let chain = pem::parse_many(chain).unwrap();
    assert_eq!(chain.len(), 2);
    let leaf = x509_cert::Certificate::from_der(chain[0].contents()).unwrap();
    let signer = signed.signer_infos.0.get(0).unwrap();
    let attributes = signer.signed_attrs.as_ref().unwrap();
    let key = &leaf
        .tbs_certificate
        .subject_public_key_info
        .subject_public_key;
    aws_lc_rs::signature::UnparsedPublicKey::new(
        &aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1,
        key.raw_bytes(),
    )
    .verify(&attributes.to_der().unwrap(), signer.signature.as_bytes())
    .unwrap();
    let message_digest = attributes
        .iter()
        .find(|a| a.oid.to_string() == "1.2.840.113549.1.9.4");
    let value = message_digest
        .unwrap()
        .values
        .get(0)
        .unwrap()
        .value()
        .to_vec();
    assert_eq!(value, sha256(&info));

    // The one purpose, critical (RFC 3161 §2.3).
    let purpose = leaf
        .tbs_certificate
        .extensions
        .as_ref()
        .unwrap()
        .iter()
        .find(|extension| extension.extn_id == const_oid::db::rfc5280::ID_CE_EXT_KEY_USAGE);
    let purpose = purpose.unwrap();
    assert!(purpose.critical);
    assert_eq!(
        hex::encode(purpose.extn_value.as_bytes()),
        "300a06082b06010505070308"
    );
}

#[tokio::test]
async fn the_json_form_is_answered_too() {
    let running = start().await;
    let digest = sha256(b"signature");
    let body = json!({
        "artifactHash": STANDARD.encode(&digest),
        "hashAlgorithm": "sha256",
        "certificates": false,
        "nonce": 305_419_896,
    });
    let (info, signed) = granted(running.post(PATH, &body).await).await;
    assert!(
        info.windows(6)
            .any(|window| window == hex::decode("020412345678").unwrap())
    );
    assert!(signed.certificates.is_none());
}

#[tokio::test]
async fn requests_that_are_not_right_are_refused() {
    let running = start().await;
    let digest = sha256(b"signature");
    for (expected, request) in [
        ("none of SHA-256", query(1, SHA1, &digest[..20], "")),
        ("digest's length", query(1, SHA256, &digest[..20], "")),
        ("version", query(2, SHA256, &digest, "")),
        // Policy 1.2.3.4.
        ("policy", query(1, SHA256, &digest, "06032a0304")),
        // One extension, 1.2.3.4, empty.
        (
            "extensions",
            query(1, SHA256, &digest, "a009300706032a03040400"),
        ),
        ("no timestamp query", b"junk".to_vec()),
        ("no timestamp query", vec![]),
    ] {
        let message = refused(ask(&running, request).await, StatusCode::BAD_REQUEST).await;
        assert!(message.contains(expected), "{message} lacks {expected}");
    }
    for (expected, change) in [
        ("none of SHA-256", json!({"hashAlgorithm": "sha1"})),
        ("digest's length", json!({"hashAlgorithm": "sha512"})),
        ("policy", json!({"tsaPolicyOID": "1.2.3.4"})),
        ("policy", json!({"tsaPolicyOID": "1.".repeat(300)})),
        ("no timestamp query", json!({"unknown": 1})),
        ("no timestamp query", json!({"artifactHash": "!"})),
        (
            "no timestamp query",
            json!({"hashAlgorithm": "x".repeat(2000)}),
        ),
    ] {
        let mut body = json!({"artifactHash": STANDARD.encode(&digest), "hashAlgorithm": "sha256"});
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let message = refused(running.post(PATH, &body).await, StatusCode::BAD_REQUEST).await;
        assert!(message.contains(expected), "{message} lacks {expected}");
    }
    let request = running.client.post(running.url(PATH)).body("text");
    let response = request.send().await.unwrap();
    refused(response, StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
}
