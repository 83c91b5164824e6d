//! The cases of the sigstore-conformance suite, each as a file and as a digest.

use std::fs;

use countersign_artifact::Digest;
use countersign_trust::{Artifact, Material, PublicKey, TrustRoot, Verifier, VerifyError};
use serde_json::Value;

use crate::expected::{VERIFIED, check, outcome};

#[test]
fn conformance() {
    let Some(folder) = countersign_testkit::fixtures::conformance() else {
        return;
    };
    let list: Value =
        serde_json::from_slice(&fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let mut lines = Vec::new();
    let mut right = 0;
    for case in list.as_array().unwrap() {
        let read = |field: &str| fs::read(folder.join(case[field].as_str().unwrap())).unwrap();
        let name = case["name"].as_str().unwrap();
        let artifact = read("artifact");
        let root = TrustRoot::parse(&read("trusted_root"));
        let by_bytes = judge(case, &read, &root, &Artifact::Bytes(&artifact));
        let digest = Digest::sha256_of(&artifact);
        let by_digest = judge(case, &read, &root, &Artifact::Digest(digest));
        assert_eq!(by_bytes, by_digest, "{name}");
        let must_pass = case["expect"] != "fail";
        assert_eq!(
            by_bytes.starts_with(VERIFIED),
            must_pass,
            "{name}: {by_bytes}"
        );
        right += 2;
        lines.push((name.to_owned(), by_bytes));
    }
    check("conformance.tsv", &lines);
    println!(
        "conformance: {right} of {} cases as expected",
        2 * lines.len()
    );
}

fn judge(
    case: &Value,
    read: &dyn Fn(&str) -> Vec<u8>,
    root: &Result<TrustRoot, countersign_trust::TrustRootError>,
    artifact: &Artifact<'_>,
) -> String {
    let root = match root {
        Ok(root) => root,
        Err(error) => return format!("root: {error:?}"),
    };
    let material = match Material::parse_bundle(&read("bundle")) {
        Ok(material) => material,
        Err(error) => return format!("{:?}", VerifyError::Unreadable(error)),
    };
    let has_key = case.get("key").is_some_and(|key| !key.is_null());
    let key = match has_key.then(|| PublicKey::parse_pem(&String::from_utf8(read("key")).unwrap()))
    {
        Some(Err(error)) => return format!("key: {error:?}"),
        Some(Ok(key)) => Some(key),
        None => None,
    };
    let verifier = match &key {
        Some(key) => Verifier::of_key(key, Some(root)),
        None => Verifier::of_certificates(root),
    };
    let result = verifier.verify(&material, artifact);
    if let Ok(evidence) = &result {
        if let Some(certificate) = evidence.certificate() {
            let (identity, issuer) = (case["identity"].as_str(), case["issuer"].as_str());
            if certificate.subject() != identity || certificate.issuer() != issuer {
                return format!("policy: identity {:?}", certificate.subjects());
            }
        }
        if evidence.entries().is_empty() {
            return "policy: no log entry".to_owned();
        }
    }
    outcome(&result)
}
