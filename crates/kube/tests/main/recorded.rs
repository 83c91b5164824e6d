//! What a real API server sent, answered as the real policy-controller 0.15.1 answered it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use countersign_policy::verdict::NoMatch;
use serde_json::{Value, json};

use crate::harness::{Memory, Running, patched};

fn folder() -> PathBuf {
    countersign_testkit::fixtures::folder("admission")
}

fn json_file(path: &str) -> Value {
    serde_json::from_slice(&fs::read(folder().join(path)).unwrap()).unwrap()
}

async fn controller(set: &str) -> Running {
    let sets = json_file("answers/policies.json");
    let set = &sets[set];
    let mut files = Vec::new();
    for (number, policy) in set["policies"].as_array().into_iter().flatten().enumerate() {
        files.push((format!("{number}.json"), policy.to_string()));
    }
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let no_match = NoMatch::parse(set["no-match-policy"].as_str().unwrap_or_default());
    // No tag resolves, as there: no registry was in reach.
    let memory = Arc::new(Memory::default());
    Running::start_with(&files, &memory, |options| options.set.no_match = no_match).await
}

/// Where we answer otherwise, on purpose.
fn is_ours(set: &str, file: &str, ours: &Value, theirs: &Value) -> bool {
    match file {
        // Fewer replicas and another image: upstream lets any image through.
        "64-deployment-scale-down-and-image-validate.json" => {
            theirs["allowed"] == true && theirs["warnings"].is_null()
        }
        // An image in a volume is an image; upstream's main branch looks at it too.
        "16-pod-image-volume-validate.json" => {
            let said = ours.to_string();
            said.contains("spec.volumes[") || set == "no-policy-allow"
        }
        _ => false,
    }
}

async fn compare(set: &str) -> usize {
    let running = controller(set).await;
    let answers = json_file(&format!("answers/{set}.json"));
    let mut different = BTreeMap::new();
    let mut ours_on_purpose = BTreeSet::new();
    for (file, theirs) in answers.as_object().unwrap() {
        let mutates = file.contains("-mutate");
        let path = if mutates {
            "/mutations"
        } else {
            "/validations"
        };
        let body = json_file(file);
        let ours = running.ask(path, &body).await;
        let theirs = &theirs["response"];
        let mut same = ours["allowed"] == theirs["allowed"] && ours["status"] == theirs["status"];
        if mutates {
            let object = &body["request"]["object"];
            same &= patched(object, &ours) == patched(object, theirs);
            // Upstream hides why a tag is not replaced.
            let hidden = ours["warnings"].as_array().into_iter().flatten();
            same &= hidden
                .into_iter()
                .all(|text| text.to_string().contains("cannot resolve the tag"));
        } else {
            same &= ours["warnings"] == theirs["warnings"];
        }
        if is_ours(set, file, &ours, theirs) {
            ours_on_purpose.insert(file.clone());
        } else if !same {
            different.insert(file.clone(), json!({ "ours": ours, "theirs": theirs }));
        }
    }
    running.controller.shutdown().await;
    let shown = serde_json::to_string_pretty(&different).unwrap();
    assert!(
        different.is_empty(),
        "{set}: {} differ\n{shown}",
        different.len()
    );
    assert!(ours_on_purpose.len() <= 2, "{ours_on_purpose:?}");
    answers.as_object().unwrap().len()
}

#[tokio::test]
async fn without_policies() {
    assert_eq!(compare("no-policy-deny").await, 107);
    assert_eq!(compare("no-policy-warn").await, 79);
    assert_eq!(compare("no-policy-allow").await, 79);
}

#[tokio::test]
async fn with_fixed_verdicts() {
    for set in ["static-pass", "static-fail", "static-fail-warn"] {
        assert_eq!(compare(set).await, 79);
    }
}

#[tokio::test]
async fn by_kind_and_label() {
    for set in ["match-deployments", "match-label"] {
        assert_eq!(compare(set).await, 79);
    }
}

#[tokio::test]
async fn by_rules_about_the_object() {
    assert_eq!(compare("rego-spec").await, 79);
}

#[tokio::test]
async fn by_rules_in_cue_about_the_object() {
    assert_eq!(compare("cue-spec").await, 79);
}

#[tokio::test]
async fn our_own_kinds_are_checked() {
    let running = controller("no-policy-deny").await;
    let answers = json_file("answers/own-kinds-validating.json");
    for (file, theirs) in answers.as_object().unwrap() {
        let ours = running.ask("/validating", &json_file(file)).await;
        let theirs = &theirs["response"];
        for field in ["allowed", "status", "warnings"] {
            assert_eq!(ours[field], theirs[field], "{file}: {field}");
        }
    }
    assert_eq!(answers.as_object().unwrap().len(), 13);
}

#[tokio::test]
async fn our_own_kinds_get_their_defaults() {
    let running = controller("no-policy-deny").await;
    let answers = json_file("answers/own-kinds-defaulting.json");
    for (file, theirs) in answers.as_object().unwrap() {
        let body = json_file(file);
        let ours = running.ask("/defaulting", &body).await;
        let theirs = &theirs["response"];
        assert_eq!(ours["allowed"], theirs["allowed"], "{file}");
        let object = &body["request"]["object"];
        let (ours, theirs) = (patched(object, &ours), patched(object, theirs));
        // Upstream writes an empty status, or a null into it; ours is not touched.
        assert_eq!(ours["spec"], theirs["spec"], "{file}");
        assert_eq!(ours["status"], object["status"], "{file}");
        assert_eq!(ours["metadata"], object["metadata"], "{file}");
    }
    assert_eq!(answers.as_object().unwrap().len(), 13);
}

#[tokio::test]
async fn our_own_kinds_are_converted() {
    let running = controller("no-policy-deny").await;
    let answers = json_file("answers/conversion.json");
    for (file, theirs) in answers.as_object().unwrap() {
        let ours = running.ask("/resource-conversion", &json_file(file)).await;
        let theirs = &theirs["response"];
        assert_eq!(ours["result"], theirs["result"], "{file}");
        assert_eq!(
            ours["convertedObjects"], theirs["convertedObjects"],
            "{file}"
        );
    }
    assert_eq!(answers.as_object().unwrap().len(), 9);
}

#[tokio::test]
async fn a_conversion_loses_nothing_and_says_why_it_cannot() {
    let running = controller("no-policy-deny").await;
    let authority = json!({
        "name": "a", "keyless": {
            "url": "https://fulcio.example",
            "identities": [{ "issuer": "https://issuer.example", "subject": "a@b.example" }],
        },
        // Upstream drops a log without an address, and with it the check.
        "ctlog": { "trustRootRef": "own" },
        "rfc3161timestamp": { "trustRootRef": "own" },
    });
    let object = json!({
        "apiVersion": "policy.sigstore.dev/v1beta1", "kind": "ClusterImagePolicy",
        "metadata": { "name": "x", "uid": "u" },
        "spec": { "images": [{ "glob": "**" }], "authorities": [authority], "mode": "enforce" },
        "status": {},
    });
    let ask = |objects: Value, version: &str| {
        json!({
            "kind": "ConversionReview", "apiVersion": "apiextensions.k8s.io/v1",
            "request": { "uid": "u-1", "desiredAPIVersion": version, "objects": objects },
            "response": { "uid": "", "convertedObjects": null, "result": { "metadata": {} } },
        })
    };
    let alpha = "policy.sigstore.dev/v1alpha1";
    let answer = running
        .ask("/resource-conversion", &ask(json!([object]), alpha))
        .await;
    let mut expected = object.clone();
    expected["apiVersion"] = alpha.into();
    assert_eq!(answer["convertedObjects"], json!([expected]));
    assert_eq!(answer["result"]["status"], "Success");

    let pod = json!({ "apiVersion": "v1", "kind": "Pod" });
    for (objects, version) in [
        (json!([object]), "policy.sigstore.dev/v2"),
        (json!([object, pod]), alpha),
        (json!([7]), alpha),
    ] {
        let answer = running
            .ask("/resource-conversion", &ask(objects, version))
            .await;
        assert_eq!(answer["result"]["status"], "Failure", "{answer}");
        assert_eq!(answer["convertedObjects"], json!([]));
        assert_ne!(answer["result"]["message"], "");
    }
}
