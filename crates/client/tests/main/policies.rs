//! A policy judged with what a registry holds: the whole middle of an admission review.

use std::sync::Arc;

use countersign_artifact::ImageReference;
use countersign_client::attest::attest_image;
use countersign_client::evidence::RegistryEvidence;
use countersign_policy::wire::{ClusterImagePolicy, Object, UnknownFields};
use countersign_policy::{
    Decision, InMemoryReferences, NoMatch, Policy, Verdict, Workload, evaluate, yaml,
};
use countersign_trust::{PredicateType, TrustRoot};

use crate::harness::{CountedRegistry, impatient, push_fixture};
use crate::shop::{IDENTITY, Shop};

fn policy(issuer: &str, attestations: &str) -> Arc<Policy> {
    let text = format!(
        r#"
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: prod
spec:
  images:
  - glob: "**"
  authorities:
  - name: release
    keyless:
      url: https://fulcio.example
      trustRootRef: own
      identities:
      - issuer: {issuer}
        subject: {IDENTITY}
    ctlog:
      url: https://rekor.example
      trustRootRef: own
{attestations}"#
    );
    let nodes = yaml::parse(&text).unwrap();
    let object = Object::identify(nodes[0].to_value()).unwrap();
    let policy = ClusterImagePolicy::decode(&object, UnknownFields::Refuse).unwrap();
    let policy = Policy::compile(&policy, &InMemoryReferences::default());
    assert!(policy.faults().is_empty(), "{:?}", policy.faults());
    Arc::new(policy)
}

const SPDX: &str = r#"
    attestations:
    - name: sbom
      predicateType: https://spdx.dev/Document
      policy:
        type: rego
        data: |
          package sigstore
          isCompliant { input.predicate.packages[_].name == "zlib" }
"#;

async fn judge(evidence: RegistryEvidence, policy: Arc<Policy>, image: &ImageReference) -> Verdict {
    let image = image.clone();
    let judge = move || {
        let workload = Workload::of_kind("v1", "Pod");
        evaluate([policy], &image, &workload, &evidence, NoMatch::Deny)
    };
    tokio::task::spawn_blocking(judge).await.unwrap()
}

fn evidence(root: &TrustRoot) -> RegistryEvidence {
    let runtime = tokio::runtime::Handle::current();
    let public = TrustRoot::public_good();
    RegistryEvidence::new(impatient(), runtime, public).with_trust_root("own", root.clone())
}

#[tokio::test]
async fn signed_images_are_admitted_and_others_refused() {
    let shop = Shop::open().await;
    let (signed, unsigned) = (shop.image("shop/a:1").await, shop.image("shop/b:1").await);
    let stranger = shop.image("shop/c:1").await;
    shop.sign(&signed, &shop.keyless()).await.unwrap();
    shop.sign(&stranger, &shop.workflow("mallory/shop"))
        .await
        .unwrap();
    let plain = policy(shop.issuer(), "");
    for (image, expected) in [
        (&signed, Decision::Admit),
        (&unsigned, Decision::Reject),
        (&stranger, Decision::Reject),
    ] {
        let verdict = judge(evidence(&shop.root), Arc::clone(&plain), image).await;
        assert_eq!(verdict.decision, expected, "{image:?}: {verdict:#?}");
    }
    // A signature is no SBOM.
    let with_sbom = policy(shop.issuer(), SPDX);
    let verdict = judge(evidence(&shop.root), Arc::clone(&with_sbom), &signed).await;
    assert_eq!(verdict.decision, Decision::Reject, "{verdict:#?}");
    let identity = shop.keyless();
    let spdx = PredicateType::parse("spdxjson").unwrap();
    let request = shop.request(&identity);
    let attest = async |image, document: &[u8]| {
        attest_image(&shop.client, image, &spdx, document, &request)
            .await
            .unwrap();
    };
    attest(&unsigned, br#"{"packages":[{"name":"curl"}]}"#).await;
    let verdict = judge(evidence(&shop.root), Arc::clone(&with_sbom), &unsigned).await;
    assert_eq!(verdict.decision, Decision::Reject, "{verdict:#?}");
    attest(&signed, br#"{"packages":[{"name":"zlib"}]}"#).await;
    let verdict = judge(evidence(&shop.root), with_sbom, &signed).await;
    assert_eq!(verdict.decision, Decision::Admit, "{verdict:#?}");
}

#[tokio::test]
async fn a_registry_that_fails_leaves_it_undecided() {
    let registry = CountedRegistry::start(Default::default()).await;
    let image = push_fixture(&registry.host, "keyless/images/bundle-v3-email-rekor1").await;
    let root = TrustRoot::public_good();
    let policy = policy("https://issuer.example", "");
    let verdict = judge(evidence(&root), Arc::clone(&policy), &image).await;
    assert_eq!(verdict.decision, Decision::Reject, "{verdict:#?}");
    for status in [401, 404, 429, 500] {
        registry.requests.refuse("/v2/", status);
        let verdict = judge(evidence(&root), Arc::clone(&policy), &image).await;
        assert_eq!(
            verdict.decision,
            Decision::Undecided,
            "{status}: {verdict:#?}"
        );
    }
}
