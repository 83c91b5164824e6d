//! Our canonical bodies are, byte for byte, those of the real Rekor for what the real cosign sent.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::body::Body;
use crate::certificate::pem_of;

/// What cosign proposed to have this bundle's entry logged.
fn proposal(bundle: &Value) -> Value {
    let material = &bundle["verificationMaterial"];
    let certificate = material["certificate"]["rawBytes"].as_str().unwrap();
    let verifier = STANDARD.encode(pem_of(
        "CERTIFICATE",
        &STANDARD.decode(certificate).unwrap(),
    ));
    let envelope = &bundle["dsseEnvelope"];
    if envelope.is_object() {
        let content = json!({"envelope": envelope.to_string(), "verifiers": [verifier]});
        return json!({
            "apiVersion": "0.0.1", "kind": "dsse", "spec": {"proposedContent": content},
        });
    }
    let message = &bundle["messageSignature"];
    let digest = STANDARD
        .decode(message["messageDigest"]["digest"].as_str().unwrap())
        .unwrap();
    json!({
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": hex::encode(digest)}},
            "signature": {"content": message["signature"], "publicKey": {"content": verifier}},
        },
    })
}

fn bundles(folder: &Path, found: &mut Vec<PathBuf>) {
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            bundles(&path, found);
        } else if std::fs::read(&path)
            .unwrap()
            .windows(18)
            .any(|w| w == b"\"canonicalizedBody")
        {
            found.push(path);
        }
    }
}

#[test]
fn bodies_are_those_of_the_real_rekor() {
    let folder = countersign_testkit::fixtures::folder("signing").join("keyless");
    let mut paths = Vec::new();
    for kind in ["blobs", "images", "attestations"] {
        bundles(&folder.join(kind), &mut paths);
    }
    let mut compared = std::collections::BTreeMap::new();
    for path in paths {
        let Ok(bundle) = serde_json::from_slice::<Value>(&std::fs::read(&path).unwrap()) else {
            continue;
        };
        let material = &bundle["verificationMaterial"];
        let entry = &material["tlogEntries"][0];
        if entry["kindVersion"]["version"] != "0.0.1" || !material["certificate"].is_object() {
            continue;
        }
        let ours = Body::from_proposal(proposal(&bundle).to_string().as_bytes())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let theirs = STANDARD
            .decode(entry["canonicalizedBody"].as_str().unwrap())
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&ours.canonical),
            String::from_utf8_lossy(&theirs),
            "{}",
            path.display()
        );
        *compared
            .entry(entry["kindVersion"]["kind"].to_string())
            .or_insert(0) += 1;
    }
    assert!(
        compared["\"dsse\""] >= 3 && compared["\"hashedrekord\""] >= 3,
        "{compared:?}"
    );
}

#[test]
fn a_legacy_attestation_has_the_body_of_the_real_rekor() {
    let case = "keyless/attestations/attest-legacy-v2-email-intoto/layout/blobs/sha256";
    let blobs = countersign_testkit::fixtures::folder("signing").join(case);
    let mut compared = 0;
    for blob in std::fs::read_dir(&blobs).unwrap() {
        let bytes = std::fs::read(blob.unwrap().path()).unwrap();
        let manifest: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let layer = &manifest["layers"][0];
        let Some(entry) = layer["annotations"]["dev.sigstore.cosign/bundle"].as_str() else {
            continue;
        };
        let entry: Value = serde_json::from_str(entry).unwrap();
        let digest = layer["digest"].as_str().unwrap();
        let envelope =
            std::fs::read_to_string(blobs.join(digest.strip_prefix("sha256:").unwrap())).unwrap();
        let certificate = &layer["annotations"]["dev.sigstore.cosign/certificate"];
        let proposal = json!({"apiVersion": "0.0.1", "kind": "intoto", "spec": {
            "content": {"envelope": envelope},
            "publicKey": STANDARD.encode(certificate.as_str().unwrap()),
        }});
        let ours = Body::from_proposal(proposal.to_string().as_bytes()).unwrap();
        let theirs = STANDARD
            .decode(entry["Payload"]["body"].as_str().unwrap())
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&ours.canonical),
            String::from_utf8_lossy(&theirs)
        );
        compared += 1;
    }
    assert_eq!(compared, 1);
}
