//! One admission review whose image is already known: bytes in, bytes out, no network and no TLS.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark ends where its data is not there"
)]
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_artifact::{Digest, ImageReference};
use countersign_kube::{
    Admission, EvidenceProvider, PolicyFile, PolicySet, PolicySetOptions, VerdictCacheOptions,
    Webhook,
};
use countersign_policy::evidence_source::{
    EvidenceSource, SignatureSource, TrustRootLookup, Undecided, Wanted,
};
use countersign_trust::{Material, PrivateKey, TrustRoot, assemble};
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use serde_json::Value;

/// One signed image.
struct One {
    material: Arc<[Material]>,
    asked: AtomicUsize,
}

impl EvidenceSource for One {
    fn material(
        &self,
        _: &ImageReference,
        _: &SignatureSource,
        _: Wanted,
    ) -> Result<Arc<[Material]>, Undecided> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::clone(&self.material))
    }

    fn trust_root(&self, _: Option<&str>) -> Result<Arc<TrustRoot>, TrustRootLookup> {
        Ok(Arc::new(TrustRoot::public_good()))
    }

    fn image_configs(&self, _: &ImageReference) -> Result<BTreeMap<String, Value>, Undecided> {
        Ok(BTreeMap::new())
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl EvidenceProvider for One {
    fn resolve(&self, _: &ImageReference) -> Result<Digest, Undecided> {
        Err(Undecided::Deadline)
    }

    fn public_trust_root_fingerprint(&self) -> Digest {
        TrustRoot::public_good().fingerprint()
    }
}

/// The recorded pod of a real API server, whose image is signed with a key.
fn known_image(criterion: &mut Criterion) {
    let folder = countersign_testkit::fixtures::folder("admission");
    let body = std::fs::read(folder.join("02-pod-create-validate.json")).unwrap();
    let review: Value = serde_json::from_slice(&body).unwrap();
    let image = review["request"]["object"]["spec"]["containers"][0]["image"]
        .as_str()
        .unwrap();
    let image = ImageReference::parse(image).unwrap();
    let key = PrivateKey::generate().unwrap();
    let payload = assemble::simple_signing_payload(
        &image.context(),
        image.digest().unwrap(),
        &BTreeMap::new(),
    );
    let signature = STANDARD.encode(key.sign(&payload).unwrap());
    let annotations =
        BTreeMap::from([("dev.cosignproject.cosign/signature".to_owned(), signature)]);
    let material = Material::legacy_signature(payload, &annotations).unwrap();
    let pem = key.public_key().to_pem().replace('\n', "\n        ");
    let text = format!(
        "apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: signed}}\n\
         spec:\n  images: [{{glob: \"**\"}}]\n  authorities:\n  - key:\n      data: |\n        {}\n",
        pem.trim_end()
    );
    let file = PolicyFile {
        path: "signed.yaml".into(),
        text,
    };
    let set = PolicySet::compile(&[file], &PolicySetOptions::default()).unwrap();
    let evidence = Arc::new(One {
        material: Arc::new([material]),
        asked: AtomicUsize::new(0),
    });
    let admission = Admission::new(
        set,
        Arc::clone(&evidence) as _,
        VerdictCacheOptions::default(),
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let ask = || {
        let time = Duration::from_secs(10);
        let asking = admission.answer(Webhook::ValidateWorkload, black_box(&body), time);
        runtime.block_on(asking).unwrap()
    };
    let answer: Value = serde_json::from_slice(&ask()).unwrap();
    assert_eq!(answer["response"]["allowed"], true, "{answer}");
    criterion.bench_function("review of a known image", |bencher| bencher.iter(ask));
    assert_eq!(evidence.asked.load(Ordering::Relaxed), 1, "it was known");
}

criterion_group!(benches, known_image);
criterion_main!(benches);
