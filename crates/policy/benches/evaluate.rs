//! Verdicts in process: the engine, the verifier and the rules, without a registry.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads fixtures")]
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark ends where its data is not there"
)]
#![allow(missing_docs, reason = "criterion's macros make public items")]

#[path = "../tests/main/layouts.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod layouts;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use countersign_artifact::ImageReference;
use countersign_policy::wire::{ClusterImagePolicy, Object, TrustRoot, UnknownFields};
use countersign_policy::{
    Decision, EvidenceSource, InMemoryReferences, NoMatch, Policy, SignatureSource,
    TrustRootLookup, Undecided, Wanted, Workload, evaluate, yaml,
};
use countersign_trust::{Material, Timestamp};
use criterion::{Criterion, criterion_group, criterion_main};
use layouts::{HOST, Layouts};
use serde_json::Value;

/// Material that is at hand, read before the clock runs.
struct AtHand {
    inner: Layouts,
    material: BTreeMap<Wanted, Arc<[Material]>>,
}

impl EvidenceSource for AtHand {
    fn material(
        &self,
        _image: &ImageReference,
        _source: &SignatureSource,
        wanted: Wanted,
    ) -> Result<Arc<[Material]>, Undecided> {
        Ok(Arc::clone(&self.material[&wanted]))
    }

    fn trust_root(
        &self,
        name: Option<&str>,
    ) -> Result<Arc<countersign_trust::TrustRoot>, TrustRootLookup> {
        self.inner.trust_root(name)
    }

    fn image_configs(&self, image: &ImageReference) -> Result<BTreeMap<String, Value>, Undecided> {
        self.inner.image_configs(image)
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }
}

fn verdicts(criterion: &mut Criterion) {
    let folder = countersign_testkit::fixtures::folder("policy").join("verdicts");
    let text = std::fs::read_to_string(folder.join("cases.jsonl")).unwrap();
    let root = std::fs::read_to_string(folder.join("trustroots/private.yaml")).unwrap();
    let root = Object::identify(yaml::parse(&root).unwrap()[0].to_value()).unwrap();
    let root = TrustRoot::decode(&root, UnknownFields::Refuse)
        .unwrap()
        .to_trust_root()
        .unwrap();
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = case["name"].as_str().unwrap();
        if !CASES.contains(&name) {
            continue;
        }
        let image = case["image"]
            .as_str()
            .unwrap()
            .replace("{{registry}}", HOST);
        let image = ImageReference::parse(&image).unwrap();
        let policies = case["policies"]
            .as_str()
            .unwrap()
            .replace("{{registry}}", HOST);
        let policies: Vec<Policy> = yaml::parse(&policies)
            .unwrap()
            .iter()
            .map(|node| {
                let object = Object::identify(node.to_value()).unwrap();
                let policy = ClusterImagePolicy::decode(&object, UnknownFields::Refuse).unwrap();
                Policy::compile(&policy, &InMemoryReferences::default())
            })
            .collect();
        let mut inner = Layouts::read(&folder.join("images"));
        inner
            .trust_roots
            .insert("private".to_owned(), Arc::new(root.clone()));
        let place = SignatureSource::default();
        let material = [Wanted::Signatures, Wanted::Attestations]
            .map(|wanted| (wanted, inner.material(&image, &place, wanted).unwrap()));
        let source = AtHand {
            inner,
            material: material.into(),
        };
        let workload = Workload::of_kind("v1", "Pod");
        let ask = || evaluate(&policies, &image, &workload, &source, NoMatch::Deny);
        assert_eq!(ask().decision, Decision::Admit, "{name}");
        criterion.bench_function(name, |bencher| bencher.iter(|| black_box(ask())));
    }
}

const CASES: [&str; 5] = [
    "static/pass",
    "key/good",
    "keyless/log-entry",
    "bundle/github-pair",
    "attestation/rego-passes",
];

criterion_group!(benches, verdicts);
criterion_main!(benches);
