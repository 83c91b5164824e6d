//! The policy engine's questions, answered from a registry.

use countersign_client::evidence::RegistryEvidence;
use countersign_client::image_source::LayoutWriter;
use countersign_policy::evidence_source::{
    EvidenceSource as _, SignatureSource, TrustRootLookup, Undecided, Wanted,
};
use countersign_trust::TrustRoot;

use crate::harness::{CountedRegistry, impatient, push_fixture};

fn evidence() -> RegistryEvidence {
    let runtime = tokio::runtime::Handle::current();
    RegistryEvidence::new(impatient(), runtime, TrustRoot::public_good())
}

async fn ask<T: Send + 'static>(
    evidence: RegistryEvidence,
    question: impl FnOnce(RegistryEvidence) -> T + Send + 'static,
) -> T {
    tokio::task::spawn_blocking(move || question(evidence))
        .await
        .unwrap()
}

#[tokio::test]
async fn material_and_what_it_is_not() {
    let registry = CountedRegistry::start(Default::default()).await;
    let image = push_fixture(&registry.host, "signatures/bundle-v3-gen-v3").await;
    let asked = image.clone();
    let found = ask(evidence(), move |evidence| {
        evidence.material(&asked, &SignatureSource::default(), Wanted::Signatures)
    });
    assert_eq!(found.await.unwrap().len(), 1);
    let asked = image.clone();
    let elsewhere = SignatureSource {
        repository: Some(format!("{}/elsewhere", registry.host)),
        ..SignatureSource::default()
    };
    let found = ask(evidence(), move |evidence| {
        evidence.material(&asked, &elsewhere, Wanted::Signatures)
    });
    assert!(found.await.unwrap().is_empty());
    for status in [401, 404, 429, 500] {
        registry.requests.refuse("/v2/", status);
        let asked = image.clone();
        let found = ask(evidence(), move |evidence| {
            evidence.material(&asked, &SignatureSource::default(), Wanted::Attestations)
        });
        let found = found.await;
        assert!(
            matches!(found, Err(Undecided::Registry { .. })),
            "{status}: {found:?}"
        );
        let asked = image.clone();
        let resolved = ask(evidence(), move |evidence| evidence.resolve(&asked)).await;
        assert!(
            matches!(resolved, Err(Undecided::Registry { .. })),
            "{status}"
        );
    }
}

#[tokio::test]
async fn roots_by_name() {
    let evidence = evidence().with_trust_root("own", TrustRoot::public_good());
    assert!(evidence.trust_root(None).is_ok() && evidence.trust_root(Some("own")).is_ok());
    let absent = evidence.trust_root(Some("other")).map(|_| ());
    assert_eq!(absent, Err(TrustRootLookup::NotFound("other".to_owned())));
}

#[tokio::test]
async fn configurations_of_every_platform() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layout");
    let mut writer = LayoutWriter::create(&path).unwrap();
    let children: Vec<_> = ["amd64", "arm64"]
        .into_iter()
        .map(|architecture| {
            let config = format!(
                r#"{{"architecture":"{architecture}","os":"linux","config":{{"User":"app"}}}}"#
            );
            let config = writer
                .add_blob(
                    "application/vnd.oci.image.config.v1+json",
                    config.as_bytes(),
                )
                .unwrap();
            let manifest = serde_json::json!({"schemaVersion": 2, "config": config, "layers": []});
            let kind = countersign_artifact::media_type::OCI_MANIFEST;
            writer
                .add_blob(kind, manifest.to_string().as_bytes())
                .unwrap()
        })
        .collect();
    let index = serde_json::json!({"schemaVersion": 2, "manifests": children}).to_string();
    let kind = countersign_artifact::media_type::OCI_INDEX;
    writer
        .add_manifest(kind, index.as_bytes(), Some("1.0"))
        .unwrap();
    writer.finish().unwrap();
    let layout = countersign_client::image_source::Layout::open(&path).unwrap();
    let registry = CountedRegistry::start(Default::default()).await;
    let image = registry.image("app:1.0");
    countersign_client::image_source::push_layout(&impatient(), &layout, &image)
        .await
        .unwrap();
    let asked = image.clone();
    let found = ask(evidence(), move |evidence| evidence.image_configs(&asked))
        .await
        .unwrap();
    let names: Vec<&String> = found.keys().collect();
    assert_eq!(names, ["linux/amd64", "linux/arm64"]);
    assert_eq!(found["linux/amd64"]["config"]["User"], "app");
    registry.requests.refuse("/blobs/", 500);
    let failed = ask(evidence(), move |evidence| evidence.image_configs(&image)).await;
    assert!(
        matches!(failed, Err(Undecided::Registry { .. })),
        "{failed:?}"
    );
}
