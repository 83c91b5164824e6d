//! Signatures with bare keys, by every version and with every kind of key.

use std::collections::BTreeMap;

use countersign_artifact::Digest;
use countersign_trust::{Artifact, Material, MaterialError, PublicKey, Verifier};

use crate::expected::{VERIFIED, check, outcomes};
use crate::layout::{Case, cases, file};

#[test]
fn image_signatures() {
    let lines = judge_all("signatures", "right key", "wrong key");
    check("signatures.tsv", &lines);
}

#[test]
fn attestations() {
    let lines = judge_all("attestations", "", "wrong key");
    check("attestations.tsv", &lines);
}

/// Blobs in every form; P-384, P-521 and Ed25519 too, which cosign cannot read back.
#[test]
fn blobs() {
    let mut lines = Vec::new();
    for case in cases("blobs") {
        let Some(argv) = case.json["verdicts"].as_array().and_then(|verdicts| {
            let right = verdicts
                .iter()
                .find(|verdict| verdict["check"] == "right")?;
            right["argv"].as_array()
        }) else {
            continue;
        };
        // Of some kinds of keys version 2 could not even make a signature.
        let Some(material) = blob_material(&case) else {
            continue;
        };
        let artifact = file(argv.last().unwrap().as_str().unwrap());
        let key = PublicKey::parse_pem(&text(&case.flag("right", "--key").unwrap())).unwrap();
        let material = [material];
        let verifier = Verifier::of_key(&key, None);
        let said = outcomes(&material, &verifier, &Artifact::Bytes(&artifact)).remove(0);
        assert!(said.starts_with(VERIFIED), "{}: {said}", case.name);
        let by_digest = Artifact::Digest(Digest::sha256_of(&artifact));
        let by_digest = outcomes(&material, &verifier, &by_digest).remove(0);
        let other = outcomes(&material, &verifier, &Artifact::Bytes(b"another blob")).remove(0);
        assert!(!other.starts_with(VERIFIED), "{}: {other}", case.name);
        lines.push((
            case.name.clone(),
            format!("{said}; by digest {by_digest}; other {other}"),
        ));
    }
    check("blobs.tsv", &lines);
}

fn blob_material(case: &Case) -> Option<Result<Material, MaterialError>> {
    let read = |name: &str| std::fs::read(case.folder.join(name)).ok();
    let none = BTreeMap::new();
    if let Some(bundle) = read("blob.sigstore.json").or_else(|| read("att.sigstore.json")) {
        return Some(Material::parse_bundle(&bundle));
    }
    if let Some(bundle) = read("blob.bundle").or_else(|| read("att.bundle")) {
        return Some(Material::parse_legacy_bundle(&bundle));
    }
    if let Some(envelope) = read("att.dsse") {
        return Some(Material::legacy_attestation(envelope, &none));
    }
    read("blob.sig").map(|signature| Material::legacy_message(&signature, &none))
}

/// What each case proves to the holder of the right key; to others it must prove nothing.
fn judge_all(group: &str, right: &str, wrong: &str) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for case in cases(group) {
        let Some(key) = right_key(&case, right) else {
            continue;
        };
        let verifier = Verifier::of_key(&key, None);
        let material = case.material();
        let said = outcomes(&material, &verifier, &Artifact::Digest(case.digest()));
        let is_good = said.iter().any(|text| text.starts_with(VERIFIED));
        let is_forged = case.name.ends_with("_fail") && !OF_THE_REGISTRY.contains(&&*case.name);
        assert!(!(is_good && is_forged), "{}: {said:?}", case.name);

        let path = case
            .flag(wrong, "--key")
            .unwrap_or_else(|| WRONG_KEY.to_owned());
        let other = PublicKey::parse_pem(&text(&path)).unwrap();
        let mut others = vec![(Verifier::of_key(&other, None), case.digest())];
        others.push((verifier, Digest::sha256_of(b"another image")));
        for (verifier, digest) in others {
            for said in outcomes(&material, &verifier, &Artifact::Digest(digest)) {
                assert!(!said.starts_with(VERIFIED), "{} {wrong}: {said}", case.name);
            }
        }
        assert!(
            is_good || is_forged || BY_OTHER_MEANS.contains(&&*case.name),
            "{}",
            case.name
        );
        lines.push((case.name.clone(), said.join("; ")));
    }
    lines
}

fn right_key(case: &Case, check: &str) -> Option<PublicKey> {
    let verdicts = case.json["verdicts"].as_array()?;
    let checks = verdicts
        .iter()
        .filter_map(|verdict| verdict["check"].as_str());
    let path = checks
        .filter(|name| *name == check || (check.is_empty() && *name != "wrong key"))
        .find_map(|name| case.flag(name, "--key"))?;
    Some(PublicKey::parse_pem(&text(&path)).unwrap())
}

fn text(path: &str) -> String {
    String::from_utf8(file(path)).unwrap()
}

/// What is wrong is between manifest and blob, which who fetches them must see.
const OF_THE_REGISTRY: [&str; 1] = ["legacy-layer-wrong-size_fail"];

/// Nothing is there that is read, or it is an unknown field, which protobuf's JSON refuses.
const BY_OTHER_MEANS: [&str; 3] = ["bundle-unknown-field", "oci11-v2-experimental", "unsigned"];

const WRONG_KEY: &str = "keys/p521-v2.pub";
