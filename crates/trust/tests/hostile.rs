//! Legacy material changed in single places, and bytes that are nothing at all.

use std::collections::BTreeMap;

use countersign_trust::{
    Artifact, Content, Material, MaterialError, TrustRoot, Verifier, VerifyError,
    verify_rekor_entry,
};
use proptest::prelude::*;

use crate::layout::{Case, cases, file};

/// Whatever is changed in a layer or its annotations: it proves what it proved, or nothing.
#[test]
fn legacy_mutations() {
    let root = TrustRoot::parse(&file("keyless/trust/trusted_root.json")).unwrap();
    let verifier = Verifier::of_certificates(&root);
    let mut tried = 0;
    for (group, name) in [
        ("attacks", "legacy-genuine-timestamp"),
        ("keyless/attestations", "attest-legacy-v2-email-timestamp"),
        ("keyless/attestations", "attest-legacy-v2-email-intoto"),
    ] {
        let case = cases(group)
            .into_iter()
            .find(|case| case.name == name)
            .unwrap();
        let (payload, annotations) = case.legacy_layer().unwrap();
        let artifact = Artifact::Digest(case.digest());
        let judge = |payload: &[u8], annotations: &BTreeMap<String, String>| {
            let material = read(&case, payload, annotations).ok()?;
            let evidence = verifier.verify(&material, &artifact).ok()?;
            let entries = !evidence.entries().is_empty();
            let identity = evidence.certificate()?.subjects().to_vec();
            entries.then(|| (identity, signed(evidence.content())))
        };
        let original = judge(&payload, &annotations).unwrap();
        for at in (0..payload.len()).step_by((payload.len() / 100).max(1)) {
            let mut mutant = payload.clone();
            mutant[at] ^= 1;
            tried += 1;
            if let Some(facts) = judge(&mutant, &annotations) {
                assert_eq!(facts, original, "{name}: payload at {at}");
            }
        }
        for key in annotations.keys() {
            for at in (0..annotations[key].len()).step_by(7) {
                let mut mutant = annotations.clone();
                let text = mutant.get_mut(key).unwrap();
                let other = if text.as_bytes()[at] == b'A' {
                    "B"
                } else {
                    "A"
                };
                text.replace_range(at..=at, other);
                tried += 1;
                if let Some(facts) = judge(&payload, &mutant) {
                    assert_eq!(facts, original, "{name}: {key} at {at}");
                }
            }
            let mut mutant = annotations.clone();
            mutant.remove(key);
            if let Some(facts) = judge(&payload, &mutant) {
                assert_eq!(facts, original, "{name}: without {key}");
            }
        }
    }
    assert!(tried > 1_000, "{tried}");
}

/// What is there and unreadable is reported for what it is.
#[test]
fn unreadable_material_verifies_to_its_error() {
    let error = MaterialError::NoContent;
    let material = Material::unreadable(error.clone());
    assert_eq!(material.shape(), countersign_trust::Shape::Unreadable);
    let root = TrustRoot::public_good();
    let said = Verifier::of_certificates(&root).verify(&material, &Artifact::Unchecked);
    assert_eq!(said.unwrap_err(), VerifyError::Unreadable(error));
}

/// CVE-2023-46737, CVE-2024-29902: what is read has a cap, and the cap is tried before reading.
#[test]
fn caps() {
    let bundle = file("attacks/genuine-rekor1/bundle.sigstore.json");
    let spoil = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut bundle = serde_json::from_slice(&bundle).unwrap();
        change(&mut bundle);
        Material::parse_bundle(&serde_json::to_vec(&bundle).unwrap()).unwrap_err()
    };
    let timestamps = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps";
    let many = spoil(&|bundle| {
        let list = bundle
            .pointer_mut(timestamps)
            .unwrap()
            .as_array_mut()
            .unwrap();
        *list = vec![list[0].clone(); 33];
    });
    assert_eq!(
        many,
        MaterialError::TooManyTimestamps {
            limit: 32,
            found: 33
        }
    );
    let long = spoil(&|bundle| {
        let hashes = "/verificationMaterial/tlogEntries/0/inclusionProof/hashes";
        let list = bundle.pointer_mut(hashes).unwrap().as_array_mut().unwrap();
        *list = vec![list[0].clone(); 65];
    });
    assert!(matches!(long, MaterialError::Entry { .. }));
}

proptest! {
    #[test]
    fn nothing_is_read_from_noise(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let none = BTreeMap::new();
        prop_assert!(Material::parse_bundle(&bytes).is_err());
        prop_assert!(Material::parse_legacy_bundle(&bytes).is_err());
        prop_assert!(Material::legacy_signature(bytes.clone(), &none).is_err());
        prop_assert!(Material::legacy_attestation(bytes.clone(), &none).is_err());
        prop_assert!(TrustRoot::parse(&bytes).is_err());
        prop_assert!(verify_rekor_entry(&bytes, &TrustRoot::public_good()).is_err());
    }
}

fn read(
    case: &Case,
    payload: &[u8],
    annotations: &BTreeMap<String, String>,
) -> Result<Material, MaterialError> {
    if case.name.starts_with("attest") {
        Material::legacy_attestation(payload.to_vec(), annotations)
    } else {
        Material::legacy_signature(payload.to_vec(), annotations)
    }
}

fn signed(content: &Content) -> Vec<u8> {
    match content {
        Content::ImageSignature(signature) => signature.payload().to_vec(),
        Content::Statement(statement) => statement.payload().to_vec(),
        Content::Message(digest) => digest.as_bytes().to_vec(),
    }
}
