//! Signatures with certificates of a private instance, and what was forged from them.

use std::fs;

use countersign_artifact::Digest;
use countersign_trust::{
    Artifact, Evidence, Material, MaterialError, PublicKey, Signer, TrustRoot, Verifier,
    VerifyError,
};
use serde_json::Value;

use crate::expected::{VERIFIED, check, outcome};
use crate::layout::{Case, cases, file};

#[test]
fn images() {
    check("keyless_images.tsv", &judge_all("keyless/images"));
}

#[test]
fn attestations() {
    check(
        "keyless_attestations.tsv",
        &judge_all("keyless/attestations"),
    );
}

#[test]
fn blobs() {
    check("keyless_blobs.tsv", &judge_all("keyless/blobs"));
}

/// Each flaw must be refused for its own reason, also where cosign lets it pass (`_lax`).
#[test]
fn attacks() {
    let lines = judge_all("attacks");
    for (name, said) in &lines {
        let is_attack = name.ends_with("_fail") || name.ends_with("_lax");
        // One case is good without a log, which is for a policy to allow.
        let good = if name == "genuine-no-log" {
            "policy: no log entry"
        } else {
            VERIFIED
        };
        let is_good = said.split("; ").any(|one| one.starts_with(good));
        let is_stricter = STRICTER.contains(&name.as_str());
        assert_eq!(is_good, !is_attack && !is_stricter, "{name}: {said}");
    }
    check("attacks.tsv", &lines);
}

/// What a root with something missing or ended makes of good material.
#[test]
fn other_roots() {
    let mut lines = Vec::new();
    for spoilt in SPOILT_ROOTS {
        let json = file(&format!("keyless/trust/trusted_root_{spoilt}.json"));
        let root = match TrustRoot::parse(&json) {
            Ok(root) => root,
            Err(error) => {
                lines.push((spoilt.to_owned(), format!("{error:?}")));
                continue;
            }
        };
        for case in [
            "bundle-v3-email-rekor1",
            "bundle-v3-email-rekor2",
            "legacy-v2-email",
        ] {
            let found = cases("keyless/images")
                .into_iter()
                .find(|one| one.name == case)
                .unwrap();
            let wanted = Wanted::of(&found).unwrap();
            let said = wanted.judge(&found, &root);
            lines.push((format!("{spoilt} {case}"), said.join("; ")));
        }
    }
    check("other_roots.tsv", &lines);
}

#[test]
fn weakenings_show() {
    let root = TrustRoot::parse(&file("keyless/trust/trusted_root.json")).unwrap();
    let all = cases("attacks");
    let case = |name: &str| all.iter().find(|case| case.name == name).unwrap();
    let (absent, artifact) = bundle_and_artifact(case("sct-absent_fail"));
    let material = Material::parse_bundle(&absent).unwrap();
    let lax = Verifier::of_certificates(&root).dangerous_without_sct();
    let evidence = lax.verify(&material, &Artifact::Bytes(&artifact)).unwrap();
    assert_eq!(evidence.weakened(), [countersign_trust::Weakening::NoSct]);

    let (expired, artifact) = bundle_and_artifact(case("certificate-expired-no-time_fail"));
    let material = Material::parse_bundle(&expired).unwrap();
    let verifier = Verifier::of_certificates(&root);
    let now = "2030-01-01T00:00:00Z".parse().unwrap();
    let error = verifier
        .clone()
        .dangerous_at(now)
        .verify(&material, &Artifact::Bytes(&artifact))
        .unwrap_err();
    assert!(matches!(
        error,
        VerifyError::Certificate(countersign_trust::certificate::CertificateError::Expired { .. })
    ));
    let unchecked = lax.verify(
        &Material::parse_bundle(&absent).unwrap(),
        &Artifact::Unchecked,
    );
    assert_eq!(unchecked.unwrap().weakened().len(), 2);
}

/// What cosign takes and we do not, beside the `_lax` cases. An authority's certificate signs
/// certificates and nothing else (RFC 5280); webpki, and so sigstore-verify, says the same.
const STRICTER: [&str; 1] = ["certificate-is-ca"];

const SPOILT_ROOTS: [&str; 10] = [
    "ca_ended",
    "ct_ended",
    "media_type",
    "no_ca",
    "no_ct",
    "no_tlog",
    "no_tsa",
    "other_ca",
    "tlog_ended",
    "tsa_ended",
];

/// What a command line asks for, with cosign's rule that at least one log entry must be there.
struct Wanted {
    key: Option<PublicKey>,
    identity: Option<String>,
    issuer: Option<String>,
}

fn judge_all(group: &str) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for case in cases(group) {
        let Some(wanted) = Wanted::of(&case) else {
            continue;
        };
        let root = TrustRoot::parse(&file("keyless/trust/trusted_root.json")).unwrap();
        lines.push((case.name.clone(), wanted.judge(&case, &root).join("; ")));
    }
    lines
}

impl Wanted {
    /// Reads the first command line; `None` where nothing is verified.
    fn of(case: &Case) -> Option<Self> {
        let verdicts = case.json["verdicts"].as_array()?;
        let argv = verdicts.iter().find(|verdict| {
            let argv = verdict["argv"].as_array();
            argv.is_some_and(|argv| {
                argv.iter()
                    .any(|word| word == "--certificate-identity" || word == "--key")
            })
        })?;
        let flag = |name: &str| {
            let argv = argv["argv"].as_array()?;
            let at = argv.iter().position(|word| word == name)?;
            argv.get(at + 1)?.as_str().map(ToOwned::to_owned)
        };
        let key = flag("--key")
            .map(|path| PublicKey::parse_pem(&String::from_utf8(file(&path)).unwrap()).unwrap());
        Some(Self {
            key,
            identity: flag("--certificate-identity"),
            issuer: flag("--certificate-oidc-issuer"),
        })
    }

    fn judge(&self, case: &Case, root: &TrustRoot) -> Vec<String> {
        let verifier = match &self.key {
            Some(key) => Verifier::of_key(key, Some(root)),
            None => Verifier::of_certificates(root),
        };
        let mut said = Vec::new();
        if case.folder.join("layout").is_dir() {
            for material in case.material() {
                said.push(self.one(material, &verifier, &Artifact::Digest(case.digest())));
            }
        }
        for name in [
            "bundle.sigstore.json",
            "blob.sigstore.json",
            "att.sigstore.json",
        ] {
            if case.folder.join(name).is_file() {
                let (bundle, artifact) = bundle_and_artifact(case);
                let material = || Material::parse_bundle(&bundle);
                let by_bytes = self.one(material(), &verifier, &Artifact::Bytes(&artifact));
                let digest = Artifact::Digest(Digest::sha256_of(&artifact));
                let by_digest = self.one(material(), &verifier, &digest);
                if !by_bytes.contains("DigestMismatch") {
                    assert_eq!(by_bytes, by_digest, "{}", case.name);
                }
                said.push(by_bytes);
            }
        }
        said.sort();
        said
    }

    fn one(
        &self,
        material: Result<Material, MaterialError>,
        verifier: &Verifier<'_>,
        artifact: &Artifact<'_>,
    ) -> String {
        let material = match material {
            Ok(material) => material,
            Err(error) => return format!("{:?}", VerifyError::Unreadable(error)),
        };
        let result = verifier.verify(&material, artifact);
        match &result {
            Ok(evidence) => self.refuses(evidence).unwrap_or_else(|| outcome(&result)),
            Err(_) => outcome(&result),
        }
    }

    /// What a policy would miss in the facts.
    fn refuses(&self, evidence: &Evidence) -> Option<String> {
        if let Signer::Certificate(identity) = evidence.signer() {
            if self.issuer.as_deref() != identity.issuer() {
                return Some(format!("policy: issuer {:?}", identity.issuer()));
            }
            // As cosign's bundle mode: one subject is asked.
            let subjects = identity.subjects();
            let first = match evidence.form() {
                countersign_trust::Form::Bundle => subjects.first().into_iter().collect::<Vec<_>>(),
                countersign_trust::Form::Legacy => subjects.iter().collect(),
            };
            if !first.contains(&self.identity.as_ref()?) {
                return Some(format!("policy: identity {subjects:?}"));
            }
        }
        if evidence.entries().is_empty() {
            return Some(format!(
                "policy: no log entry, strangers {:?}",
                evidence.strangers()
            ));
        }
        None
    }
}

/// The bundle of a case and what it is about: the file beside it, or the one of the command line.
fn bundle_and_artifact(case: &Case) -> (Vec<u8>, Vec<u8>) {
    let names = [
        "bundle.sigstore.json",
        "blob.sigstore.json",
        "att.sigstore.json",
    ];
    let bundle = names
        .iter()
        .find_map(|name| fs::read(case.folder.join(name)).ok())
        .unwrap();
    let artifact = fs::read(case.folder.join("artifact")).unwrap_or_else(|_| {
        let argv = case.json["verdicts"][0]["argv"].as_array().unwrap();
        file(argv.last().and_then(Value::as_str).unwrap())
    });
    (bundle, artifact)
}
