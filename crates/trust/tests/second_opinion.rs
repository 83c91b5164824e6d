//! sigstore-verify judges what we judge: every keyless bundle of the fixtures, and mutations of good
//! ones. Where we accept and it refuses, the reason is in [`MORE_THAN_THEIRS`].

use std::fs;

use countersign_trust::{Artifact, Material, Stranger, TrustRoot, Verifier};
use serde_json::Value;
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::Bundle;

use crate::layout::{cases, file};

/// A bundle with all that is needed to judge it.
struct Sample {
    name: String,
    bundle: Vec<u8>,
    artifact: Vec<u8>,
}

/// Both verifiers, with one root.
struct Judges {
    ours: TrustRoot,
    theirs: sigstore_verify::Verifier,
}

/// What we take and sigstore-verify does not, by the beginning of a sample's name.
const MORE_THAN_THEIRS: [(&str, &str); 1] = [(
    "sct-two-one-good",
    "two SCTs, one of them good: sigstore-verify wants exactly one",
)];

/// The same for mutants. Both changes take something away that was not needed.
fn reason_for_more(change: &str, ours: &Ours) -> Option<&'static str> {
    if change.ends_with("becomes null") {
        return Some("null is an absent field, as in protobuf's JSON");
    }
    let is_stranger = ours.strangers.contains(&Stranger::TimestampAuthority);
    is_stranger.then_some("a timestamp that names an unknown authority is no fact, not an error")
}

/// What we say is proven.
struct Ours {
    facts: String,
    strangers: Vec<Stranger>,
}

#[test]
fn agrees_on_all_bundles() {
    let judges = Judges::of(&file("keyless/trust/trusted_root.json"));
    let samples = samples();
    assert!(samples.len() > 80, "{}", samples.len());
    for sample in &samples {
        let (ours, theirs) = judges.judge(&sample.bundle, &sample.artifact);
        judges_agree(&sample.name, ours.is_some(), theirs);
    }
}

/// Whatever a mutation does, nothing is accepted that sigstore-verify refuses, and what is accepted
/// proves what the original proved.
#[test]
fn mutations() {
    let judges = Judges::of(&file("keyless/trust/trusted_root.json"));
    let (mut tried, mut accepted, mut more) = (0, 0, Vec::new());
    for sample in samples()
        .iter()
        .filter(|sample| MUTATED.contains(&&*sample.name))
    {
        let original = judges.judge(&sample.bundle, &sample.artifact).0.unwrap();
        for (change, mutant) in mutants(&sample.bundle) {
            let (ours, theirs) = judges.judge(&mutant, &sample.artifact);
            tried += 1;
            if let Some(ours) = ours {
                accepted += 1;
                if !theirs && reason_for_more(&change, &ours).is_none() {
                    more.push(format!("{}: {change}", sample.name));
                }
                assert_eq!(ours.facts, original.facts, "{}: {change}", sample.name);
            }
        }
    }
    assert!(more.is_empty(), "we accept more: {more:#?}");
    assert!(tried >= 2_000, "{tried}");
    println!("{tried} mutants, {accepted} as good as the original");
}

const MUTATED: [&str; 3] = ["genuine-rekor1", "genuine-rekor2", "dsse-genuine-rekor1"];

fn judges_agree(name: &str, ours: bool, theirs: bool) {
    let listed = MORE_THAN_THEIRS
        .iter()
        .any(|(listed, _)| name.starts_with(listed));
    assert_eq!(
        ours && !theirs,
        listed,
        "{name}: ours {ours}, theirs {theirs}"
    );
}

impl Judges {
    fn of(root: &[u8]) -> Self {
        let theirs = TrustedRoot::from_json(std::str::from_utf8(root).unwrap()).unwrap();
        Self {
            ours: TrustRoot::parse(root).unwrap(),
            theirs: sigstore_verify::Verifier::new(&theirs).unwrap(),
        }
    }

    /// What we say is proven, with sigstore-verify's rule that a log entry must be there; and whether
    /// sigstore-verify accepts.
    fn judge(&self, bundle: &[u8], artifact: &[u8]) -> (Option<Ours>, bool) {
        let ours = || {
            let material = Material::parse_bundle(bundle).ok()?;
            let verifier = Verifier::of_certificates(&self.ours);
            let evidence = verifier
                .verify(&material, &Artifact::Bytes(artifact))
                .ok()?;
            let identity = evidence.certificate()?;
            let (subjects, issuer) = (identity.subjects(), identity.issuer());
            (!evidence.entries().is_empty()).then(|| Ours {
                facts: format!("{subjects:?} {issuer:?} {:?}", evidence.content()),
                strangers: evidence.strangers().to_vec(),
            })
        };
        let theirs = || {
            let bundle = Bundle::from_json(std::str::from_utf8(bundle).ok()?).ok()?;
            let policy = sigstore_verify::VerificationPolicy::any_identity();
            self.theirs.verify(artifact, &bundle, &policy).ok()
        };
        (ours(), theirs().is_some())
    }
}

/// The keyless bundles whose artifact is at hand: an empty manifest stands for an image.
fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for group in ["attacks", "keyless/blobs"] {
        for case in cases(group) {
            for name in [
                "bundle.sigstore.json",
                "blob.sigstore.json",
                "att.sigstore.json",
            ] {
                let Ok(bundle) = fs::read(case.folder.join(name)) else {
                    continue;
                };
                let artifact = fs::read(case.folder.join("artifact")).unwrap_or_else(|_| {
                    let argv = case.json["verdicts"][0]["argv"].as_array().unwrap();
                    file(argv.last().and_then(Value::as_str).unwrap())
                });
                samples.push(Sample {
                    name: case.name.clone(),
                    bundle,
                    artifact,
                });
            }
        }
    }
    for group in ["attacks", "keyless/images", "keyless/attestations"] {
        for case in cases(group)
            .iter()
            .filter(|case| case.folder.join("layout").is_dir())
        {
            let Some(artifact) = case.manifest() else {
                continue;
            };
            for bundle in case.bundles() {
                let artifact = artifact.clone();
                samples.push(Sample {
                    name: case.name.clone(),
                    bundle,
                    artifact,
                });
            }
        }
    }
    samples
}

/// Single steps away from `bundle`: characters changed, values removed, emptied or doubled, values
/// exchanged for each other.
fn mutants(bundle: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut mutants = Vec::new();
    let stride = (bundle.len() / 500).max(1);
    for at in (0..bundle.len()).step_by(stride) {
        for change in [b'A', b'0', b'"'] {
            if bundle[at] != change {
                let mut mutant = bundle.to_vec();
                mutant[at] = change;
                let (from, to) = (char::from(bundle[at]), char::from(change));
                mutants.push((format!("{from} to {to} at {at}"), mutant));
            }
        }
    }
    let whole: Value = serde_json::from_slice(bundle).unwrap();
    let mut places = Vec::new();
    list_places(&whole, &mut String::new(), &mut places);
    for place in &places {
        for replacement in replacements(whole.pointer(place).unwrap()) {
            let mut mutant = whole.clone();
            let change = format!("{place} becomes {replacement}");
            *mutant.pointer_mut(place).unwrap() = replacement;
            mutants.push((change, serde_json::to_vec(&mutant).unwrap()));
        }
        for other in &places {
            let (one, two) = (whole.pointer(place).unwrap(), whole.pointer(other).unwrap());
            if one.is_string() && two.is_string() && one != two {
                let mut mutant = whole.clone();
                *mutant.pointer_mut(place).unwrap() = two.clone();
                let change = format!("{place} becomes {other}");
                mutants.push((change, serde_json::to_vec(&mutant).unwrap()));
            }
        }
    }
    mutants
}

fn list_places(value: &Value, path: &mut String, places: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        _ => return,
    };
    for (key, child) in children {
        let length = path.len();
        path.push('/');
        path.push_str(&key);
        places.push(path.clone());
        list_places(child, path, places);
        path.truncate(length);
    }
}

fn replacements(value: &Value) -> Vec<Value> {
    let mut found = vec![
        Value::Null,
        Value::String(String::new()),
        Value::Array(Vec::new()),
    ];
    match value {
        Value::Array(list) => {
            let mut doubled = list.clone();
            doubled.extend(list.iter().cloned());
            found.push(Value::Array(doubled));
        }
        Value::String(text) => {
            if let Ok(number) = text.parse::<i64>() {
                for other in [number + 1, -number, 0] {
                    found.push(Value::String(other.to_string()));
                }
                found.push(Value::from(number));
            }
        }
        _ => {}
    }
    found
}
