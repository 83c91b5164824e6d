//! Trust roots, and entries as a log's API returns them.

use countersign_artifact::Digest;
use countersign_trust::{
    Artifact, AuthorityPart, LogPart, Material, PublicKey, TrustRoot, TrustRootError,
    TrustRootParts, Validity, Verifier, VerifyError, verify_rekor_entry,
};
use serde_json::{Value, json};

use crate::layout::{cases, file};

#[test]
fn public_good_is_embedded() {
    let root = TrustRoot::public_good();
    assert!(root.has_transparency_log() && root.has_timestamp_authority());
    assert_eq!(root.fingerprint(), TrustRoot::public_good().fingerprint());
}

/// Single keys and chains make the root that `trusted_root.json` makes.
#[test]
fn of_parts() {
    let text = |path: &str| String::from_utf8(file(&format!("keyless/trust/{path}"))).unwrap();
    let log = |url: &str, key: &str| LogPart {
        url: url.to_owned(),
        public_key: PublicKey::parse_pem(&text(key)).unwrap(),
        id: None,
        window: Validity::default(),
    };
    let authority = |chain: &str| {
        AuthorityPart::from_pem("https://a.example", &text(chain), Validity::default()).unwrap()
    };
    let parts = TrustRootParts {
        certificate_authorities: vec![authority("fulcio-chain.pem")],
        ct_logs: vec![log("https://ct.example", "ctlog.pub")],
        transparency_logs: vec![
            log("https://rekor.example", "rekor.pub"),
            // The identifier of a Rekor v2 log is made of the host and the key.
            log("http://rekor2.loopback.test:8080", "rekor-v2.pub"),
        ],
        timestamp_authorities: vec![authority("tsa-chain.pem")],
    };
    let root = TrustRoot::from_parts(parts.clone()).unwrap();
    for name in ["genuine-rekor1", "genuine-rekor2"] {
        let case = cases("attacks")
            .into_iter()
            .find(|case| case.name == name)
            .unwrap();
        let bundle = std::fs::read(case.folder.join("bundle.sigstore.json")).unwrap();
        let artifact = std::fs::read(case.folder.join("artifact")).unwrap();
        let material = Material::parse_bundle(&bundle).unwrap();
        let verifier = Verifier::of_certificates(&root);
        let evidence = verifier
            .verify(&material, &Artifact::Bytes(&artifact))
            .unwrap();
        assert_eq!(evidence.entries().len(), 1, "{name}");
    }
    // What differs has another name.
    let mut other = parts.clone();
    other.transparency_logs.pop();
    let other = TrustRoot::from_parts(other).unwrap();
    assert_ne!(other.fingerprint(), root.fingerprint());
    assert_eq!(
        TrustRoot::from_parts(parts.clone()).unwrap().fingerprint(),
        root.fingerprint()
    );
    // A chain in the wrong order proves nothing.
    let mut broken = parts;
    broken.certificate_authorities[0].chain.reverse();
    assert!(matches!(
        TrustRoot::from_parts(broken),
        Err(TrustRootError::BrokenChain { .. })
    ));
}

#[test]
fn what_is_not_a_root() {
    let good = file("keyless/trust/trusted_root.json");
    let spoil = |change: &dyn Fn(&mut Value)| {
        let mut root: Value = serde_json::from_slice(&good).unwrap();
        change(&mut root);
        TrustRoot::parse(&serde_json::to_vec(&root).unwrap())
    };
    assert!(matches!(
        TrustRoot::parse(b"{"),
        Err(TrustRootError::Syntax { .. })
    ));
    assert!(matches!(
        spoil(&|root| root["certificateAuthorities"][0]["certChain"]["certificates"] = json!([])),
        Err(TrustRootError::EmptyChain { .. })
    ));
    assert!(matches!(
        spoil(&|root| root["tlogs"][1] = root["tlogs"][0].clone()),
        Err(TrustRootError::DuplicateLog { .. })
    ));
    assert!(matches!(
        spoil(&|root| {
            root["certificateAuthorities"][0]["certChain"]["certificates"][0]["rawBytes"] =
                json!("MAA=");
        }),
        Err(TrustRootError::Certificate { .. })
    ));
    // A log with a kind of key that is not known is left out, not an end to everything.
    let root = spoil(&|root| root["tlogs"][0]["publicKey"]["rawBytes"] = json!("MAA=")).unwrap();
    assert!(root.has_transparency_log());
    // So is an authority: here its curve is called secp384k1, which nobody uses.
    let text = String::from_utf8(good.clone()).unwrap();
    let named: Value = serde_json::from_str(&text).unwrap();
    let root = named["certificateAuthorities"][0]["certChain"]["certificates"][1]["rawBytes"]
        .as_str()
        .unwrap()
        .to_owned();
    let other = replace_in_base64(
        &root,
        &[0x2b, 0x81, 0x04, 0, 0x22],
        &[0x2b, 0x81, 0x04, 0, 0x7f],
    );
    let without = TrustRoot::parse(text.replace(&root, &other).as_bytes()).unwrap();
    assert!(without.has_transparency_log());
    assert!(matches!(
        TrustRoot::parse(&vec![b' '; 5 << 20]),
        Err(TrustRootError::TooLarge { .. })
    ));
}

#[test]
fn entries_of_the_api() {
    let root = TrustRoot::parse(&file("keyless/trust/trusted_root.json")).unwrap();
    let answer = api_answer();
    let verify = |answer: &Value| verify_rekor_entry(&serde_json::to_vec(answer).unwrap(), &root);
    let entry = verify(&answer).unwrap();
    assert_eq!(entry.kind().to_string(), "hashedrekord 0.0.1");
    assert_eq!(
        entry.recorded_identity().unwrap().subjects(),
        ["alice@example.com"]
    );
    assert!(matches!(entry.recorded_digest(), Some(Digest::Sha256(_))));
    assert!(entry.integrated_time().is_some() && entry.has_inclusion_proof());

    let spoilt = |place: &str, value: Value| {
        let mut answer = answer.clone();
        *answer.pointer_mut(&format!("/uuid{place}")).unwrap() = value;
        verify(&answer).unwrap_err()
    };
    let proof = "/verification/inclusionProof";
    let other_hash = json!("00".repeat(32));
    assert!(matches!(
        spoilt("/logID", other_hash.clone()),
        VerifyError::UnknownLog { .. }
    ));
    assert!(matches!(
        spoilt("/integratedTime", json!(1)),
        VerifyError::Promise { .. }
    ));
    assert!(matches!(
        spoilt("/logIndex", json!(7)),
        VerifyError::Promise { .. }
    ));
    for (field, value) in [
        ("rootHash", other_hash),
        ("treeSize", json!(7)),
        ("hashes", json!([])),
    ] {
        let error = spoilt(&format!("{proof}/{field}"), value);
        assert!(
            matches!(error, VerifyError::InclusionProof { .. }),
            "{field}: {error:?}"
        );
    }
    assert!(matches!(
        spoilt(&format!("{proof}/checkpoint"), json!("x")),
        VerifyError::Checkpoint { .. }
    ));
    assert!(matches!(
        spoilt(proof, Value::Null),
        VerifyError::Unreadable(_)
    ));
    assert!(matches!(
        spoilt("/body", json!("e30=")),
        VerifyError::Unreadable(_)
    ));
    assert!(verify(&json!({"one": answer["uuid"], "two": answer["uuid"]})).is_err());
}

/// The entry of a good bundle, written as Rekor's API writes it.
fn api_answer() -> Value {
    let bundle: Value =
        serde_json::from_slice(&file("attacks/genuine-rekor1/bundle.sigstore.json")).unwrap();
    let entry = &bundle["verificationMaterial"]["tlogEntries"][0];
    let proof = &entry["inclusionProof"];
    let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
    let hex_of = |value: &Value| {
        use base64::Engine;
        let engine = base64::engine::general_purpose::STANDARD;
        hex::encode(engine.decode(value.as_str().unwrap()).unwrap())
    };
    let hashes = proof["hashes"].as_array().unwrap();
    json!({"uuid": {
        "body": entry["canonicalizedBody"],
        "integratedTime": number(&entry["integratedTime"]),
        "logID": hex_of(&entry["logId"]["keyId"]),
        "logIndex": number(&entry["logIndex"]),
        "verification": {
            "inclusionProof": {
                "checkpoint": proof["checkpoint"]["envelope"],
                "hashes": hashes.iter().map(hex_of).collect::<Vec<_>>(),
                "logIndex": number(&proof["logIndex"]),
                "rootHash": hex_of(&proof["rootHash"]),
                "treeSize": number(&proof["treeSize"]),
            },
            "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
        },
    }})
}

fn replace_in_base64(text: &str, from: &[u8], to: &[u8]) -> String {
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD;
    let mut bytes = engine.decode(text).unwrap();
    let at = bytes
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    engine.encode(bytes)
}
