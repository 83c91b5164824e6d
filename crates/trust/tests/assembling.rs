//! What we write is what the real cosign 3.1 wrote, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use countersign_artifact::Digest;
use countersign_trust::assemble::{
    BundleContent, ContentHash, Envelope, KeyMaterial, LogEntry, LogEntryError, LogVerifier,
    PredicateError, attestation_statement, bundle, image_signature_statement, pae,
    rekor_v1_dsse_entry, rekor_v1_hashedrekord_entry, rekor_v2_hashedrekord_entry,
    simple_signing_payload,
};
use countersign_trust::{Material, PredicateType, PublicKey, Timestamp};
use serde_json::{Value, json};

use crate::layout::{Case, cases, file};

/// Every bundle of version 3, taken apart and put together again.
#[test]
fn bundles() {
    let mut count = 0;
    for group in [
        "signatures",
        "attestations",
        "keyless/images",
        "keyless/attestations",
        "blobs",
        "keyless/blobs",
    ] {
        for case in cases(group).into_iter().filter(is_by_version_3) {
            for found in found_bundles(&case.folder) {
                let value: Value = serde_json::from_slice(&found).unwrap();
                let written = rewritten(&value, &artifact(&case));
                assert_eq!(text(&written), text(&found), "{group}/{}", case.name);
                count += 1;
            }
        }
    }
    assert_eq!(count, 100, "bundles compared");
}

#[test]
fn image_statements() {
    let mut count = 0;
    for group in ["signatures", "keyless/images"] {
        for case in cases(group).into_iter().filter(is_by_version_3) {
            for found in found_bundles(&case.folder) {
                let payload = payload(&serde_json::from_slice(&found).unwrap());
                let value: Value = serde_json::from_slice(&payload).unwrap();
                let subject = &value["subject"][0];
                let annotations: BTreeMap<String, String> =
                    serde_json::from_value(subject["annotations"].clone()).unwrap();
                let written = image_signature_statement(&digest(subject), &annotations);
                assert_eq!(text(&written), text(&payload), "{group}/{}", case.name);
                count += 1;
            }
        }
    }
    assert_eq!(count, 39, "statements compared");
}

/// One difference is on purpose: a whole number that no double has is written as it is, where cosign
/// signs another number than the file has.
#[test]
fn attestation_statements() {
    let mut count = 0;
    for case in cases("attestations").into_iter().filter(is_by_version_3) {
        let made: Vec<(PredicateType, String)> = case.json["made"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|made| made["exit"] == 0 && made["version"] == "v3.1.2")
            .filter_map(predicate_of)
            .collect();
        for found in found_bundles(&case.folder) {
            let payload = payload(&serde_json::from_slice(&found).unwrap());
            let value: Value = serde_json::from_slice(&payload).unwrap();
            let subject = &value["subject"][0];
            let now = value["predicate"]["Timestamp"]
                .as_str()
                .unwrap_or("2026-01-01T00:00:00Z");
            let candidates: Vec<String> = made
                .iter()
                .map(|(kind, path)| {
                    let name = subject["name"].as_str().unwrap();
                    let now = now.parse().unwrap();
                    let statement =
                        attestation_statement(name, &digest(subject), kind, &file(path), now)
                            .unwrap();
                    rounded(text(&statement), &value)
                })
                .collect();
            assert!(
                candidates.contains(&text(&payload)),
                "{}: {candidates:#?}",
                case.name
            );
            count += 1;
        }
    }
    assert_eq!(count, 32, "statements compared");
}

#[test]
fn predicates_that_are_refused() {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let make = |kind: &str, content: &[u8]| {
        let kind = PredicateType::parse(kind).unwrap();
        attestation_statement("r/i", &Digest::sha256_of(b""), &kind, content, now)
            .map(|found| text(&found))
    };
    let note = file("inputs/note.txt");
    for kind in [
        "spdxjson",
        "cyclonedx",
        "vuln",
        "link",
        "slsaprovenance",
        "slsaprovenance1",
        "openvex",
        "https://example.com/x",
    ] {
        assert!(
            matches!(make(kind, &note), Err(PredicateError::NotJson { .. })),
            "{kind}"
        );
    }
    assert_eq!(
        make("link", b"{}"),
        Err(PredicateError::FieldMissing { field: "_type" })
    );
    for kind in [
        "openvex",
        "slsaprovenance1",
        "vuln",
        "https://example.com/x",
    ] {
        assert_eq!(
            make(kind, b"[1]"),
            Err(PredicateError::NotAnObject),
            "{kind}"
        );
    }
    assert_eq!(make("custom", b"\xff"), Err(PredicateError::NotText));
    let wrong = make("slsaprovenance", br#"{"builder":{"id":7}}"#);
    assert_eq!(
        wrong,
        Err(PredicateError::Field {
            field: "builder.id".to_owned(),
            expected: "text"
        })
    );
    let wrong = make("vuln", br#"{"metadata":{"scanStartedOn":"yesterday"}}"#);
    assert!(matches!(wrong, Err(PredicateError::Field { .. })));
    assert!(
        make("cyclonedx", b"{}")
            .unwrap()
            .ends_with(r#""predicate":{}}"#)
    );
    // A deep predicate ends in an error, not in a crash.
    let deep = "[".repeat(100_000);
    assert!(matches!(
        make("spdxjson", deep.as_bytes()),
        Err(PredicateError::NotJson { .. })
    ));
}

/// The logs' bodies are made of our requests: rebuilt as the log does it, they are equal.
#[test]
fn requests_to_logs() {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for group in ["keyless/images", "keyless/attestations", "keyless/blobs"] {
        for case in cases(group).into_iter().filter(is_by_version_3) {
            for found in found_bundles(&case.folder) {
                let value: Value = serde_json::from_slice(&found).unwrap();
                let Some(entry) = value["verificationMaterial"]["tlogEntries"].get(0) else {
                    continue;
                };
                let body: Value =
                    serde_json::from_slice(&bytes(&entry["canonicalizedBody"])).unwrap();
                let logged = logged_body(&value, &body, &artifact(&case));
                assert_eq!(logged, body, "{group}/{}", case.name);
                let kind = format!("{} {}", body["kind"], body["apiVersion"]);
                *kinds.entry(kind).or_default() += 1;
            }
        }
    }
    assert_eq!(kinds.into_values().collect::<Vec<_>>(), [19, 2, 11]);
}

#[test]
fn legacy_payloads() {
    let mut count = 0;
    for case in cases("signatures")
        .into_iter()
        .filter(|case| case.name.starts_with("legacy-v") && case.folder.join("layout").is_dir())
    {
        for payload in legacy_payloads_of(&case.folder.join("layout")) {
            let value: Value = serde_json::from_slice(&payload).unwrap();
            let critical = &value["critical"];
            let annotations: Option<BTreeMap<String, String>> =
                serde_json::from_value(value["optional"].clone()).unwrap();
            let digest = critical["image"]["docker-manifest-digest"]
                .as_str()
                .unwrap();
            let written = simple_signing_payload(
                critical["identity"]["docker-reference"].as_str().unwrap(),
                &Digest::parse(digest).unwrap(),
                &annotations.unwrap_or_default(),
            );
            // `--record-creation-timestamp` and attached payloads add what we do not write.
            if value["optional"].get("creator").is_none() {
                assert_eq!(text(&written), text(&payload), "{}", case.name);
                count += 1;
            }
        }
    }
    assert_eq!(count, 35, "payloads compared");
}

#[test]
fn answers_of_logs() {
    let answer = v1_answer(|_| {});
    let entry = LogEntry::from_rekor_v1(&answer).unwrap();
    assert_eq!(entry.log_index(), 0);
    let envelope = Envelope::of_statement(b"{}".to_vec(), vec![1]);
    let key = PublicKey::parse_pem(&text(&file("keys/gen-v3.pub"))).unwrap();
    let made = bundle(
        BundleContent::Envelope(&envelope),
        KeyMaterial::Key(&key),
        &[entry],
        &[],
    );
    // The first entry of a log has the index 0, which protobuf's JSON leaves out.
    assert!(!text(&made).contains(r#""logIndex""#));
    assert!(Material::parse_bundle(&made).is_ok());
    let refused = |change: &dyn Fn(&mut Value)| {
        LogEntry::from_rekor_v1(&v1_answer(change))
            .map(drop)
            .unwrap_err()
    };
    let no_proof = refused(&|entry| {
        drop(
            entry["verification"]
                .as_object_mut()
                .unwrap()
                .remove("inclusionProof"),
        )
    });
    assert_eq!(no_proof, LogEntryError::NoProof);
    let id = refused(&|entry| entry["logID"] = json!("00"));
    assert_eq!(id, LogEntryError::Field { field: "logID" });
    let body = refused(&|entry| entry["body"] = json!("e30="));
    assert_eq!(body, LogEntryError::Field { field: "body" });
    let index = refused(&|entry| entry["logIndex"] = json!(-1));
    assert!(matches!(index, LogEntryError::Syntax { .. }));
    assert_eq!(
        LogEntry::from_rekor_v1(b"{}"),
        Err(LogEntryError::Count { found: 0 })
    );
    let two = format!(
        "{{\"b\":{0},\"a\":{0}}}",
        text(&answer[5..answer.len() - 1])
    );
    assert_eq!(
        LogEntry::from_rekor_v1(two.as_bytes()),
        Err(LogEntryError::Count { found: 2 })
    );
}

#[test]
fn pre_authentication_encoding() {
    // The vector of the DSSE specification.
    let encoded = pae("http://example.com/HelloWorld", b"hello world");
    assert_eq!(
        text(&encoded),
        "DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
}

fn v1_answer(change: impl Fn(&mut Value)) -> Vec<u8> {
    let body = STANDARD.encode(r#"{"apiVersion":"0.0.1","kind":"dsse","spec":{}}"#);
    let hash = "ab".repeat(32);
    let mut entry = json!({
        "body": body, "integratedTime": 1_795_460_173, "logID": hash, "logIndex": 0,
        "verification": {
            "inclusionProof": {"logIndex": 0, "rootHash": hash, "treeSize": 1, "hashes": [], "checkpoint": "c"},
            "signedEntryTimestamp": "AQ==",
        },
    });
    change(&mut entry);
    json!({ "a": entry }).to_string().into_bytes()
}

/// Takes a bundle apart and lets ours be made of the parts.
fn rewritten(found: &Value, artifact: &[u8]) -> Vec<u8> {
    let material = &found["verificationMaterial"];
    let entries: Vec<LogEntry> = material["tlogEntries"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| {
            let entry_json = serde_json::to_vec(entry).unwrap();
            match entry["kindVersion"]["version"].as_str() {
                Some("0.0.2") => LogEntry::from_rekor_v2(&entry_json).unwrap(),
                _ => LogEntry::from_rekor_v1(&as_v1_answer(entry)).unwrap(),
            }
        })
        .collect();
    let timestamps = material["timestampVerificationData"]["rfc3161Timestamps"].as_array();
    let timestamps: Vec<Vec<u8>> = timestamps
        .into_iter()
        .flatten()
        .map(|one| bytes(&one["signedTimestamp"]))
        .collect();
    let hash = ContentHash::for_key(key_of(material).algorithm(), artifact);
    let (certificate, key);
    let material = if let Some(raw) = material["certificate"].get("rawBytes") {
        certificate = bytes(raw);
        KeyMaterial::Certificate(&certificate)
    } else {
        key = key_of_hint(material["publicKey"]["hint"].as_str().unwrap());
        KeyMaterial::Key(&key)
    };
    if let Some(message) = found.get("messageSignature") {
        let digest = message["messageDigest"].get("digest").map(|_| &hash);
        let signature = bytes(&message["signature"]);
        let content = BundleContent::Message {
            digest,
            signature: &signature,
        };
        return bundle(content, material, &entries, &timestamps);
    }
    let envelope = envelope(found);
    bundle(
        BundleContent::Envelope(&envelope),
        material,
        &entries,
        &timestamps,
    )
}

/// What the log would store of our request for this bundle.
fn logged_body(found: &Value, body: &Value, artifact: &[u8]) -> Value {
    let material = &found["verificationMaterial"];
    let verifier_pem = match material["certificate"].get("rawBytes") {
        Some(raw) => countersign_trust::assemble::pem_block("CERTIFICATE", &bytes(raw)),
        None => key_of_hint(material["publicKey"]["hint"].as_str().unwrap()).to_pem(),
    };
    let parse = |request: Vec<u8>| -> Value { serde_json::from_slice(&request).unwrap() };
    match (
        body["kind"].as_str().unwrap(),
        body["apiVersion"].as_str().unwrap(),
    ) {
        ("dsse", "0.0.1") => {
            let envelope = envelope(found);
            let request = parse(rekor_v1_dsse_entry(&envelope, &verifier_pem));
            let proposed = &request["spec"]["proposedContent"];
            let hash = |content: &[u8]| json!({"algorithm": "sha256", "value": Digest::sha256_of(content).hex()});
            let signature = STANDARD.encode(envelope.signature());
            json!({"apiVersion": request["apiVersion"], "kind": request["kind"], "spec": {
                "envelopeHash": hash(proposed["envelope"].as_str().unwrap().as_bytes()),
                "payloadHash": hash(envelope.payload()),
                "signatures": [{"signature": signature, "verifier": proposed["verifiers"][0]}],
            }})
        }
        ("hashedrekord", "0.0.1") => {
            let signature = bytes(&found["messageSignature"]["signature"]);
            let hash = ContentHash::for_key(key_of(material).algorithm(), artifact);
            parse(rekor_v1_hashedrekord_entry(
                &hash,
                &signature,
                &verifier_pem,
            ))
        }
        ("hashedrekord", "0.0.2") => {
            let spec = &body["spec"]["hashedRekordV002"];
            let envelope = found.get("dsseEnvelope").map(|_| envelope(found));
            let signature = match &envelope {
                Some(envelope) => envelope.signature().to_vec(),
                None => bytes(&found["messageSignature"]["signature"]),
            };
            let signed = envelope.map_or_else(|| artifact.to_vec(), |found| found.signed_bytes());
            let digest = ContentHash::for_key(key_of(material).algorithm(), &signed);
            let (der, key) = (
                material["certificate"].get("rawBytes").map(bytes),
                key_of(material),
            );
            let verifier = match &der {
                Some(der) => LogVerifier::Certificate(der, &key),
                None => LogVerifier::Key(&key),
            };
            let request =
                parse(rekor_v2_hashedrekord_entry(&digest, &signature, verifier).unwrap());
            let request = &request["hashedRekordRequestV002"];
            let data = json!({"algorithm": spec["data"]["algorithm"], "digest": request["digest"]});
            json!({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
                "data": data, "signature": request["signature"],
            }}})
        }
        other => panic!("{other:?}"),
    }
}

fn key_of(material: &Value) -> PublicKey {
    match material["certificate"].get("rawBytes") {
        Some(raw) => key_of_certificate(&bytes(raw)),
        None => key_of_hint(material["publicKey"]["hint"].as_str().unwrap()),
    }
}

/// What a blob's bundle is about.
fn artifact(case: &Case) -> Vec<u8> {
    let kept = fs::read(case.folder.join("artifact")).ok();
    kept.or_else(|| {
        let argv = case.json["made"][0]["argv"].as_array()?;
        let path = argv.last()?.as_str()?;
        path.starts_with("inputs/").then(|| file(path))
    })
    .unwrap_or_default()
}

fn key_of_certificate(der: &[u8]) -> PublicKey {
    use x509_cert::der::{Decode, Encode};
    let certificate = x509_cert::Certificate::from_der(der).unwrap();
    let spki = certificate
        .tbs_certificate
        .subject_public_key_info
        .to_der()
        .unwrap();
    PublicKey::from_spki_der(&spki).unwrap()
}

fn as_v1_answer(entry: &Value) -> Vec<u8> {
    let proof = &entry["inclusionProof"];
    let number = |value: &Value| value.as_str().unwrap_or("0").parse::<u64>().unwrap();
    let hashes: Vec<String> = proof["hashes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|hash| hex(&bytes(hash)))
        .collect();
    let answer = json!({
        "body": entry["canonicalizedBody"],
        "integratedTime": number(&entry["integratedTime"]),
        "logID": hex(&bytes(&entry["logId"]["keyId"])),
        "logIndex": number(&entry["logIndex"]),
        "verification": {
            "inclusionProof": {
                "logIndex": number(&proof["logIndex"]), "rootHash": hex(&bytes(&proof["rootHash"])),
                "treeSize": number(&proof["treeSize"]), "hashes": hashes,
                "checkpoint": proof["checkpoint"]["envelope"],
            },
            "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
        },
    });
    json!({ "id": answer }).to_string().into_bytes()
}

fn envelope(found: &Value) -> Envelope {
    let signature = bytes(&found["dsseEnvelope"]["signatures"][0]["sig"]);
    Envelope::of_statement(payload(found), signature)
}

fn payload(found: &Value) -> Vec<u8> {
    bytes(&found["dsseEnvelope"]["payload"])
}

/// `--type` and `--predicate` of a command.
fn predicate_of(made: &Value) -> Option<(PredicateType, String)> {
    let argv: Vec<&str> = made["argv"]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let after = |flag: &str| {
        argv.iter()
            .position(|word| *word == flag)
            .map(|at| argv[at + 1])
    };
    let kind = after("--type").unwrap_or("custom");
    Some((
        PredicateType::parse(kind).unwrap(),
        after("--predicate")?.to_owned(),
    ))
}

/// cosign's double instead of the number in the file.
fn rounded(ours: String, theirs: &Value) -> String {
    let is_custom = theirs["predicateType"] == "https://cosign.sigstore.dev/attestation/v1";
    if is_custom {
        ours
    } else {
        ours.replace("9007199254740993", "9007199254740992")
    }
}

fn digest(subject: &Value) -> Digest {
    Digest::parse(&format!(
        "sha256:{}",
        subject["digest"]["sha256"].as_str().unwrap()
    ))
    .unwrap()
}

fn key_of_hint(hint: &str) -> PublicKey {
    let folder = countersign_testkit::fixtures::folder("signing").join("keys");
    let keys = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let keys = keys.filter(|path| path.extension().is_some_and(|ext| ext == "pub"));
    keys.map(|path| PublicKey::parse_pem(&fs::read_to_string(path).unwrap()).unwrap())
        .find(|key| key.hint() == hint)
        .unwrap()
}

/// Only what cosign 3.1 wrote is compared, not what was forged of it or written by 2.6.
fn is_by_version_3(case: &Case) -> bool {
    case.name.contains("-v3") || case.name == "bundle-v3-annotations"
}

fn found_bundles(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for name in [
        "blob.sigstore.json",
        "att.sigstore.json",
        "bundle.sigstore.json",
    ] {
        found.extend(fs::read(folder.join(name)).ok());
    }
    for layout in ["layout", "layout-2"] {
        found.extend(layers(&folder.join(layout), |kind| {
            kind.starts_with("application/vnd.dev.sigstore.bundle")
        }));
    }
    found
}

fn legacy_payloads_of(layout: &Path) -> Vec<Vec<u8>> {
    layers(layout, |kind| {
        kind == "application/vnd.dev.cosign.simplesigning.v1+json"
    })
}

fn layers(layout: &Path, wanted: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let blob = |digest: &Value| {
        let hex = digest.as_str().unwrap().strip_prefix("sha256:").unwrap();
        fs::read(layout.join("blobs/sha256").join(hex)).ok()
    };
    let Ok(index) = fs::read(layout.join("index.json")) else {
        return Vec::new();
    };
    let index: Value = serde_json::from_slice(&index).unwrap();
    let manifests = index["manifests"].as_array().unwrap().iter();
    let manifests =
        manifests.filter_map(|one| serde_json::from_slice::<Value>(&blob(&one["digest"])?).ok());
    let layers =
        manifests.flat_map(|manifest| manifest["layers"].as_array().cloned().unwrap_or_default());
    layers
        .filter(|layer| layer["mediaType"].as_str().is_some_and(&wanted))
        .filter_map(|layer| blob(&layer["digest"]))
        .collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
