use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::signer::{Signer, sha256};
use super::{Running, refused, start};

async fn issue(running: &Running) -> Vec<Vec<u8>> {
    let (signer, email) = (Signer::p256(), "ada@example.com");
    let token = running.issuer().email(email).unwrap();
    let body = signer.certificate_request(&token, email);
    let answer: Value = running
        .post("/api/v2/signingCert", &body)
        .await
        .json()
        .await
        .unwrap();
    let chain = &answer["signedCertificateEmbeddedSct"]["chain"]["certificates"];
    let pems = chain.as_array().unwrap().iter();
    pems.map(|pem| pem::parse(pem.as_str().unwrap()).unwrap().into_contents())
        .collect()
}

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn every_certificate_is_in_the_log() {
    let running = start().await;
    for _ in 0..3 {
        issue(&running).await;
    }
    let head = running.get_json("/ct/ct/v1/get-sth").await;
    assert_eq!(head["tree_size"], 3);
    let entries = running
        .get_json("/ct/ct/v1/get-entries?start=0&end=99")
        .await;
    let entries = entries["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 3);

    // The root, from the leaves alone.
    let leaf = |position: usize| {
        let mut bytes = vec![0];
        bytes.extend(decoded(&entries[position]["leaf_input"]));
        sha256(&bytes)
    };
    let node = |left: &[u8], right: &[u8]| sha256(&[&[1], left, right].concat());
    let root = node(&node(&leaf(0), &leaf(1)), &leaf(2));
    assert_eq!(decoded(&head["sha256_root_hash"]), root);

    let hash = STANDARD
        .encode(leaf(1))
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let proof = running
        .get_json(&format!(
            "/ct/ct/v1/get-proof-by-hash?hash={hash}&tree_size=3"
        ))
        .await;
    assert_eq!(proof["leaf_index"], 1);
    assert_eq!(decoded(&proof["audit_path"][0]), leaf(0));
    assert_eq!(decoded(&proof["audit_path"][1]), leaf(2));
    let consistency = running
        .get_json("/ct/ct/v1/get-sth-consistency?first=2&second=3")
        .await;
    assert_eq!(decoded(&consistency["consistency"][0]), leaf(2));
}

#[tokio::test]
async fn a_precertificate_sent_again_gets_the_timestamp_it_has() {
    let running = start().await;
    let chain = issue(&running).await;
    let entries = running
        .get_json("/ct/ct/v1/get-entries?start=0&end=0")
        .await;
    // extra_data begins with the precertificate: three bytes of length, then it.
    let extra = decoded(&entries["entries"][0]["extra_data"]);
    let length = u32::from_be_bytes([0, extra[0], extra[1], extra[2]]) as usize;
    let precertificate = STANDARD.encode(&extra[3..3 + length]);
    let leaf = decoded(&entries["entries"][0]["leaf_input"]);
    let logged_at = u64::from_be_bytes(leaf[2..10].try_into().unwrap());

    let body = json!({"chain": [precertificate]});
    let sct: Value = running
        .post("/ct/ct/v1/add-pre-chain", &body)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(sct["timestamp"], logged_at);
    assert_eq!(running.get_json("/ct/ct/v1/get-sth").await["tree_size"], 1);

    // The finished certificate is another entry.
    let body = json!({"chain": [STANDARD.encode(&chain[0])]});
    let response = running.post("/ct/ct/v1/add-chain", &body).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(running.get_json("/ct/ct/v1/get-sth").await["tree_size"], 2);

    // Each form only where it belongs.
    let message = refused(
        running.post("/ct/ct/v1/add-pre-chain", &body).await,
        StatusCode::BAD_REQUEST,
    )
    .await;
    assert!(message.contains("no poison"), "{message}");
    let body = json!({"chain": [precertificate]});
    let message = refused(
        running.post("/ct/ct/v1/add-chain", &body).await,
        StatusCode::BAD_REQUEST,
    )
    .await;
    assert!(message.contains("is a precertificate"), "{message}");
}

#[tokio::test]
async fn strangers_certificates_are_refused() {
    let running = start().await;
    let other = start().await;
    let foreign = issue(&other).await;
    for (expected, chain) in [
        (
            "not signed by this instance",
            vec![STANDARD.encode(&foreign[0])],
        ),
        ("no X.509", vec![STANDARD.encode("junk")]),
        ("begin with a certificate", vec![]),
    ] {
        let response = running
            .post("/ct/ct/v1/add-chain", &json!({"chain": chain}))
            .await;
        let message = refused(response, StatusCode::BAD_REQUEST).await;
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(running.get_json("/ct/ct/v1/get-sth").await["tree_size"], 0);
}
