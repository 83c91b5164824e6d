//! Whole verdicts on real signatures: `verdicts/cases.jsonl`, as the webhook gives them.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_artifact::ImageReference;
use countersign_policy::field_error::Level;
use countersign_policy::verdict::PolicyVerdict;
use countersign_policy::wire::{ClusterImagePolicy, Object, TrustRoot, UnknownFields};
use countersign_policy::{
    Decision, FieldErrors, InMemoryReferences, NoMatch, Policy, Verdict, Workload, evaluate,
    evaluate_written, yaml,
};
use serde_json::Value;

use crate::layouts::{HOST, Layouts};
use crate::vectors::{Tally, lines, text};

#[test]
fn images_are_judged_as_upstream_judges_them() {
    let mut decisions = Tally::new(OTHER_DECISIONS);
    let mut words = Tally::new(OTHER_WORDS);
    for case in lines("verdicts/cases.jsonl") {
        let name = text(&case, "name");
        let webhook = &case["expected"]["webhook"];
        if NOT_OF_THIS_CRATE
            .iter()
            .any(|(skipped, _)| *skipped == name)
            || webhook.is_null()
        {
            continue;
        }
        let findings = judged(&case);
        let errors = findings.of(Level::Error);
        let ours = if errors.is_empty() { "allow" } else { "deny" };
        let expected = match text(&case, "expected_of_us") {
            "" => text(webhook, "result"),
            expected => expected.split([' ', ',', ':']).next().unwrap(),
        };
        if expected == "either" {
            continue;
        }
        decisions.compare(name, ours, expected);
        if case["expected_of_us"].is_null() {
            let failed = if errors.is_empty() {
                ""
            } else {
                "validation failed: "
            };
            let warnings = findings.of(Level::Warning).to_string();
            let ours = format!("{failed}{errors}|{warnings}").replace(HOST, "{{registry}}");
            let upstream: Vec<&str> = webhook["warnings"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let upstream = format!("{}|{}", text(webhook, "message"), upstream.join("\n"));
            words.compare(name, &ours, &upstream);
        }
    }
    words.finish("verdicts, texts");
    decisions.finish("verdicts");
}

#[test]
fn policy_tester_would_say_the_same() {
    let mut decisions = Tally::new(OTHER_DECISIONS);
    for case in lines("verdicts/cases.jsonl") {
        let tester = &case["expected"]["tester"];
        let written = text(&case, "image").replace("{{registry}}", HOST);
        let written = ImageReference::parse(&written);
        let (Ok(written), true) = (written, tester["fatal"].is_null() && !tester.is_null()) else {
            continue;
        };
        let set = CaseSet::of(&case);
        let object = &documents(text(&case, "resource"))[0];
        let mut workload = workload(object);
        workload.type_meta =
            Some(serde_json::json!({"kind": object["kind"], "apiVersion": object["apiVersion"]}));
        let image = set.evidence.resolve(&written);
        let verdict = evaluate_written(
            &set.policies,
            &written,
            &image,
            &workload,
            &set.evidence,
            NoMatch::Deny,
        );
        let ours = if verdict.decision == Decision::Admit {
            "0"
        } else {
            "1"
        };
        let upstream = match text(&case, "expected_of_us") {
            expected if expected.starts_with("allow") => "0".to_owned(),
            expected if expected.starts_with("deny") => "1".to_owned(),
            expected if expected.starts_with("either") => ours.to_owned(),
            _ => tester["exit"].to_string(),
        };
        decisions.compare(text(&case, "name"), ours, &upstream);
    }
    decisions.finish("policy-tester");
}

/// What the webhook would say about the case's object.
pub(crate) fn judged(case: &Value) -> FieldErrors {
    let set = CaseSet::of(case);
    let object = &documents(text(case, "resource"))[0];
    let workload = workload(object);
    let word = case["config"]["no-match-policy"].as_str();
    let no_match = word.map_or(NoMatch::Deny, NoMatch::parse);
    let mut findings = FieldErrors::none();
    for (path, image) in images(object) {
        let mutated = &case["expected"]["webhook"]["mutated_images"][&path];
        let image = mutated
            .as_str()
            .map_or(image, |text| text.replace("{{registry}}", HOST));
        let reference = ImageReference::parse(&image).unwrap();
        let verdict = evaluate(
            &set.policies,
            &reference,
            &workload,
            &set.evidence,
            no_match,
        );
        findings = findings.also(told(&image, &verdict, no_match).via_field(&path));
    }
    findings
}

/// The policies of a case and the evidence it is about.
pub(crate) struct CaseSet {
    pub(crate) policies: Vec<Arc<Policy>>,
    pub(crate) evidence: Layouts,
}

impl CaseSet {
    pub(crate) fn of(case: &Value) -> Self {
        let folder = countersign_testkit::fixtures::folder("policy").join("verdicts");
        let mut evidence = Layouts::read(&folder.join("images"));
        for name in case["trustroots"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            let yaml =
                std::fs::read_to_string(folder.join("trustroots").join(format!("{name}.yaml")));
            let object = Object::identify(documents(&yaml.unwrap())[0].clone()).unwrap();
            let root = TrustRoot::decode(&object, UnknownFields::Refuse).unwrap();
            evidence
                .trust_roots
                .insert(root.name.clone(), Arc::new(root.to_trust_root().unwrap()));
        }
        let references = InMemoryReferences::default();
        let policies = documents(text(case, "policies")).into_iter().map(|value| {
            let object = Object::identify(value).unwrap();
            let policy = ClusterImagePolicy::decode(&object, UnknownFields::Refuse).unwrap();
            Arc::new(Policy::compile(&policy, &references))
        });
        Self {
            policies: policies.collect(),
            evidence,
        }
    }
}

fn documents(text: &str) -> Vec<Value> {
    let text = text.replace("{{registry}}", HOST);
    yaml::parse(&text)
        .unwrap()
        .iter()
        .map(yaml::Node::to_value)
        .collect()
}

fn workload(object: &Value) -> Workload {
    let mut workload = Workload::of_kind(text(object, "apiVersion"), text(object, "kind"));
    let labels = object["metadata"]["labels"]
        .as_object()
        .into_iter()
        .flatten();
    workload.labels = labels
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect::<BTreeMap<_, _>>();
    text(&object["metadata"], "namespace").clone_into(&mut workload.namespace);
    workload.spec = Some(object["spec"].clone());
    workload.metadata = Some(object["metadata"].clone());
    workload
}

fn images(object: &Value) -> Vec<(String, String)> {
    let place = match text(object, "kind") {
        "Pod" => "spec",
        "CronJob" => "spec.jobTemplate.spec.template.spec",
        _ => "spec.template.spec",
    };
    let spec = place.split('.').fold(object, |value, field| &value[field]);
    let mut found = Vec::new();
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for (index, container) in spec[list].as_array().into_iter().flatten().enumerate() {
            let image = text(container, "image").to_owned();
            found.push((format!("{place}.{list}[{index}].image"), image));
        }
    }
    found
}

/// The findings as upstream words them.
fn told(image: &str, verdict: &Verdict, no_match: NoMatch) -> FieldErrors {
    if verdict.unmatched {
        return match no_match {
            NoMatch::Allow => FieldErrors::none(),
            NoMatch::Deny => FieldErrors::detailed(Level::Error, "no matching policies", "", image),
            NoMatch::Warn => {
                FieldErrors::detailed(Level::Warning, "no matching policies", "", image)
            }
        };
    }
    let tell = |level| {
        move |policy: &PolicyVerdict| {
            let message = format!("failed policy: {}", policy.policy);
            let details = std::iter::once(image).chain(policy.errors.iter().map(String::as_str));
            let details = details.collect::<Vec<_>>().join(" ");
            FieldErrors::detailed(level, &message, "", &details)
        }
    };
    let errors = verdict.failures().map(tell(Level::Error));
    let findings = errors
        .chain(verdict.warnings().map(tell(Level::Warning)))
        .fold(FieldErrors::none(), FieldErrors::also);
    let is_denied = !findings.of(Level::Error).is_empty();
    assert_eq!(
        is_denied,
        verdict.decision != Decision::Admit,
        "{verdict:?}"
    );
    findings
}

/// Decided before the engine is asked.
const NOT_OF_THIS_CRATE: &[(&str, &str)] = &[
    (
        "pod/tag-not-mutated",
        "an image without digest is refused at admission",
    ),
    ("pod/reference-unparsable", "so is one that is none"),
    ("pod/delete-is-not-judged", "operations are admission's"),
    ("pod/status-update-is-not-judged", "so are sub-resources"),
    ("scale/down-is-allowed", "so is scaling down"),
    ("scale/down-with-other-image", "so is scaling down"),
    (
        "policies/invalid-no-identities",
        "policy-tester refuses the policy before it judges",
    ),
];
const OTHER_DECISIONS: &[(&str, &str)] = &[];
const OTHER_WORDS: &[(&str, &str)] = &[
    ("log/ctlog-only-trustroot-v1alpha1", LOOK_UP),
    ("keyless/log-entry-missing", LOOK_UP),
    ("attestation/keyless-log-entry-missing", LOOK_UP),
    ("attestation/rego-syntax-error", "the engine's words"),
];
const LOOK_UP: &str =
    "an entry that is not at hand is not looked up in the log: a verdict needs no log";
