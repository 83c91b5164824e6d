//! What the services give makes a bundle that an independent verifier accepts, offline.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_stack::token::GithubWorkflow;
use serde_json::{Value, json};
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::Bundle;
use sigstore_verify::{VerificationPolicy, verify};

use super::signer::{Signer, dsse, envelope, hashedrekord, intoto_v2, sha256, sha256_hex};
use super::{Running, start};

/// The chain as DER.
async fn certificate(running: &Running, signer: &Signer) -> Vec<u8> {
    let workflow = GithubWorkflow::new("octo/app");
    let token = running.issuer().github_workflow(&workflow).unwrap();
    let body = signer.certificate_request(&token, "repo:octo/app:ref:refs/heads/main");
    let answer: Value = running
        .post("/api/v2/signingCert", &body)
        .await
        .json()
        .await
        .unwrap();
    let leaf = &answer["signedCertificateEmbeddedSct"]["chain"]["certificates"][0];
    pem::parse(leaf.as_str().unwrap()).unwrap().into_contents()
}

async fn log_entry(running: &Running, proposal: &Value) -> Value {
    let answer: Value = running
        .post("/api/v1/log/entries", proposal)
        .await
        .json()
        .await
        .unwrap();
    let entry = answer.as_object().unwrap().values().next().unwrap();
    let base64_of_hex =
        |value: &Value| STANDARD.encode(hex::decode(value.as_str().unwrap()).unwrap());
    let proof = &entry["verification"]["inclusionProof"];
    let hashes: Vec<String> = proof["hashes"]
        .as_array()
        .unwrap()
        .iter()
        .map(base64_of_hex)
        .collect();
    json!({
        "logIndex": entry["logIndex"].to_string(),
        "logId": {"keyId": base64_of_hex(&entry["logID"])},
        "kindVersion": {"kind": proposal["kind"], "version": proposal["apiVersion"]},
        "integratedTime": entry["integratedTime"].to_string(),
        "inclusionPromise": {
            "signedEntryTimestamp": entry["verification"]["signedEntryTimestamp"],
        },
        "inclusionProof": {
            "logIndex": proof["logIndex"].to_string(),
            "rootHash": base64_of_hex(&proof["rootHash"]),
            "treeSize": proof["treeSize"].to_string(),
            "hashes": hashes,
            "checkpoint": {"envelope": proof["checkpoint"]},
        },
        "canonicalizedBody": entry["body"],
    })
}

async fn timestamp(running: &Running, signature: &[u8]) -> String {
    let body = json!({
        "artifactHash": STANDARD.encode(sha256(signature)),
        "hashAlgorithm": "sha256",
        "certificates": false,
    });
    let response = running.post("/api/v1/timestamp", &body).await;
    STANDARD.encode(response.bytes().await.unwrap())
}

/// A bundle v0.3 with everything in it.
async fn bundle(
    running: &Running,
    leaf: &[u8],
    entry: Value,
    signature: &[u8],
    content: (&str, Value),
) -> Value {
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": {"rawBytes": STANDARD.encode(leaf)},
            "tlogEntries": [entry],
            "timestampVerificationData": {
                "rfc3161Timestamps": [{"signedTimestamp": timestamp(running, signature).await}],
            },
        },
        content.0: content.1,
    })
}

fn check(running: &Running, bundle: &Value, artifact: &[u8], identity: &str) -> Result<(), String> {
    let root = std::fs::read_to_string(running.dir.path().join("trusted_root.json")).unwrap();
    let root = TrustedRoot::from_json(&root).unwrap();
    let bundle = Bundle::from_json(&bundle.to_string()).map_err(|e| e.to_string())?;
    let policy = VerificationPolicy::new(identity, running.stack.endpoints().issuer.clone());
    let result = verify(artifact, &bundle, &policy, &root).map_err(|e| e.to_string())?;
    assert!(result.sct_verified() && result.tlog_verified() && result.certificate_verified());
    // The entry's time and the authority's.
    assert!(!result.verified_timestamps().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_signed_artifact_verifies() {
    let running = start().await;
    let signer = Signer::p256();
    let artifact = b"an artifact";
    let leaf = certificate(&running, &signer).await;
    let signature = signer.sign(artifact);
    let pem = super::signer::pem("CERTIFICATE", &leaf);
    let entry = log_entry(&running, &hashedrekord(artifact, &signature, &pem)).await;
    let content = json!({
        "messageDigest": {"algorithm": "SHA2_256", "digest": STANDARD.encode(sha256(artifact))},
        "signature": STANDARD.encode(&signature),
    });
    let bundle = bundle(
        &running,
        &leaf,
        entry,
        &signature,
        ("messageSignature", content),
    )
    .await;
    let identity = GithubWorkflow::new("octo/app").identity();
    check(&running, &bundle, artifact, &identity).unwrap();

    // And the verifier does look: each of these must fail.
    check(&running, &bundle, b"another", &identity).unwrap_err();
    check(&running, &bundle, artifact, "https://github.com/octo/other").unwrap_err();
    for pointer in [
        "/verificationMaterial/tlogEntries/0/inclusionPromise/signedEntryTimestamp",
        "/verificationMaterial/certificate/rawBytes",
        "/messageSignature/signature",
    ] {
        let mut broken = bundle.clone();
        let place = broken.pointer_mut(pointer).unwrap();
        let mut bytes = STANDARD.decode(place.as_str().unwrap()).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        *place = STANDARD.encode(bytes).into();
        check(&running, &broken, artifact, &identity).unwrap_err();
    }
}

#[tokio::test]
async fn an_attestation_verifies() {
    let running = start().await;
    let signer = Signer::p256();
    let artifact = b"an artifact";
    let leaf = certificate(&running, &signer).await;
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "artifact", "digest": {"sha256": sha256_hex(artifact)}}],
        "predicateType": "https://spdx.dev/Document",
        "predicate": {},
    });
    let envelope = envelope(&signer, statement.to_string().as_bytes());
    let pem = super::signer::pem("CERTIFICATE", &leaf);
    let signature = STANDARD
        .decode(envelope["signatures"][0]["sig"].as_str().unwrap())
        .unwrap();
    let identity = GithubWorkflow::new("octo/app").identity();
    for proposal in [dsse(&envelope, &[&pem]), intoto_v2(&envelope, &pem)] {
        let entry = log_entry(&running, &proposal).await;
        let content = ("dsseEnvelope", envelope.clone());
        let bundle = bundle(&running, &leaf, entry, &signature, content).await;
        check(&running, &bundle, artifact, &identity).unwrap();
        check(&running, &bundle, b"another", &identity).unwrap_err();
    }
}
