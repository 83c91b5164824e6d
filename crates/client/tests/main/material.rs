//! Gathering: everything that is there, in few requests, and no failure that reads as absence.

use std::collections::HashSet;

use countersign_artifact::referrer::fallback_tag;
use countersign_artifact::{Descriptor, ImageReference, Manifest, media_type};
use countersign_client::image_source::Layout;
use countersign_client::material::{Gathered, LayoutMaterial, Place, Wanted, gather};
use countersign_client::registry::{Client, ClientOptions, Fault, RegistryError, Repository};
use countersign_stack::registry::RegistryOptions;
use countersign_trust::{Form, Material, Shape};

use crate::harness::{CountedRegistry, impatient, push_fixture, signing, without_referrers};

const SIGNED: &str = "keyless/images/bundle-v3-email-rekor1";
const MIXED: &str = "signatures/mixed-legacy-a-bundle-b";

async fn signatures(image: &ImageReference) -> Result<Gathered, RegistryError> {
    let none = Place::default();
    gather(&impatient(), image, Wanted::Signatures, &none).await
}

fn forms(material: &[Material]) -> Vec<(Form, Shape)> {
    material
        .iter()
        .map(|one| (one.form(), one.shape()))
        .collect()
}

#[tokio::test]
async fn four_requests_by_digest_five_by_tag_none_twice() {
    let registry = CountedRegistry::start(Default::default()).await;
    let by_digest = push_fixture(&registry.host, SIGNED).await;
    let by_tag = registry.image(&format!("fixtures/{SIGNED}:1.0"));
    for (image, most) in [(by_digest, 4), (by_tag, 5)] {
        for wanted in [Wanted::Signatures, Wanted::Attestations] {
            registry.requests.take();
            // A new client each time: it knows no scheme and no token yet.
            let client = Client::new(ClientOptions::default()).unwrap();
            let found = gather(&client, &image, wanted, &Place::default())
                .await
                .unwrap();
            assert_eq!(
                forms(&found.material),
                [(Form::Bundle, Shape::ImageSignature)]
            );
            let requests = registry.requests.take();
            assert_eq!(requests.len(), most, "{requests:#?}");
            let distinct: HashSet<&String> = requests.iter().collect();
            assert_eq!(distinct.len(), requests.len(), "{requests:#?}");
        }
    }
}

#[tokio::test]
async fn forms_are_merged() {
    let registry = CountedRegistry::start(Default::default()).await;
    let image = push_fixture(&registry.host, MIXED).await;
    let found = signatures(&image).await.unwrap();
    let both = [
        (Form::Bundle, Shape::ImageSignature),
        (Form::Legacy, Shape::ImageSignature),
    ];
    assert_eq!(forms(&found.material), both);
}

#[tokio::test]
async fn all_pages_are_read() {
    let options = RegistryOptions {
        referrers_page: 1,
        ..RegistryOptions::default()
    };
    let registry = CountedRegistry::start(options).await;
    let image = push_fixture(&registry.host, "signatures/bundle-v3-two-keys").await;
    assert_eq!(signatures(&image).await.unwrap().material.len(), 2);
    let pages = registry.requests.take();
    let pages = pages
        .iter()
        .filter(|line| line.contains("/referrers/"))
        .count();
    assert!(pages >= 2, "{pages}");
}

#[tokio::test]
async fn the_tag_that_stands_in_for_the_api() {
    let registry = CountedRegistry::start(without_referrers()).await;
    let image = push_fixture(&registry.host, "signatures/bundle-v3-fallback-tag-two").await;
    assert_eq!(signatures(&image).await.unwrap().material.len(), 2);
    // `cosign copy` puts the image itself there: a list of nothing.
    let image = push_fixture(&registry.host, "signatures/legacy-v2-p256").await;
    let client = impatient();
    let fetched = client.manifest(&image).await.unwrap();
    let (repository, tag) = (Repository::of(&image), fallback_tag(&fetched.digest));
    let kind = &fetched.media_type;
    client
        .push_manifest(&repository, Some(&tag), kind, fetched.bytes.clone())
        .await
        .unwrap();
    let found = signatures(&image).await.unwrap();
    assert_eq!(
        forms(&found.material),
        [(Form::Legacy, Shape::ImageSignature)]
    );
}

#[tokio::test]
async fn a_registry_that_refuses_is_an_error() {
    let registry = CountedRegistry::start(Default::default()).await;
    let image = push_fixture(&registry.host, MIXED).await;
    // Everything, and each single request.
    for part in ["/v2/", "/referrers/", ".sig", "/blobs/"] {
        for status in [401, 403, 418, 429, 500, 503] {
            registry.requests.refuse(part, status);
            let error = signatures(&image).await.unwrap_err();
            let expected = match (status, *error.fault) {
                (
                    401,
                    Fault::Unauthorized {
                        anonymous: true, ..
                    },
                )
                | (403, Fault::Forbidden { .. })
                | (418, Fault::Refused { status: 418, .. })
                | (429, Fault::TooManyRequests { .. })
                | (500, Fault::Failed { status: 500, .. })
                | (503, Fault::Failed { status: 503, .. }) => true,
                (_, fault) => panic!("{part} {status}: {fault:?}"),
            };
            assert!(expected);
        }
    }
}

#[tokio::test]
async fn an_image_that_is_not_there_is_not_unsigned() {
    let registry = CountedRegistry::start(Default::default()).await;
    let image = push_fixture(&registry.host, MIXED).await;
    let absent = registry.image("absent:1.0");
    assert!(signatures(&absent).await.unwrap_err().is_not_found());
    let absent = absent.with_digest(*image.digest().unwrap());
    assert!(signatures(&absent).await.unwrap_err().is_not_found());
    registry.requests.refuse("/v2/", 404);
    assert!(signatures(&image).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_registry_that_is_down() {
    let image = ImageReference::parse("127.0.0.1:1/app:1.0").unwrap();
    let error = signatures(&image).await.unwrap_err();
    assert!(matches!(*error.fault, Fault::Transport(_)), "{error}");
}

#[tokio::test]
async fn what_one_attachment_lacks_is_its_own_fault() {
    let registry = CountedRegistry::start(Default::default()).await;
    let image = push_fixture(&registry.host, MIXED).await;
    // The registry has lost all blobs, the manifests are there.
    registry.requests.refuse("/blobs/", 404);
    let found = signatures(&image).await.unwrap();
    assert_eq!(found.material.len(), 2);
    assert!(
        found
            .material
            .iter()
            .all(|one| one.shape() == Shape::Unreadable)
    );
    // An unreadable one beside a good one.
    for (case, shapes) in [
        (
            "bundle-one-good-one-garbage",
            [Shape::ImageSignature, Shape::Unreadable],
        ),
        (
            "bundle-one-good-one-broken",
            [Shape::ImageSignature, Shape::ImageSignature],
        ),
    ] {
        registry.requests.refuse("nothing", 200);
        let image = push_fixture(&registry.host, &format!("signatures/{case}")).await;
        let found = signatures(&image).await.unwrap();
        let mut found: Vec<Shape> = found.material.iter().map(Material::shape).collect();
        found.sort_by_key(|shape| *shape == Shape::Unreadable);
        assert_eq!(found, shapes, "{case}");
    }
}

/// Every layout of the fixtures gives the same from the disk as from a registry.
#[tokio::test(flavor = "multi_thread")]
async fn layouts_and_registries_agree() {
    let signing = signing();
    let registry = CountedRegistry::start(Default::default()).await;
    let mut compared = 0;
    for group in ["signatures", "keyless/images", "keyless/attestations"] {
        for entry in std::fs::read_dir(signing.join(group)).unwrap() {
            let case = format!("{group}/{}", entry.unwrap().file_name().display());
            let layout = Layout::open(&signing.join(&case).join("layout")).unwrap();
            if !is_whole(&layout) {
                continue;
            }
            let image = push_fixture(&registry.host, &case).await;
            let none = Place::default();
            for wanted in [Wanted::Signatures, Wanted::Attestations] {
                let there = gather(&impatient(), &image, wanted, &none).await.unwrap();
                let here = LayoutMaterial::new(&layout)
                    .of(&there.digest, wanted)
                    .unwrap();
                let sorted = |material: &[Material]| {
                    let mut forms: Vec<String> = forms(material)
                        .iter()
                        .map(|form| format!("{form:?}"))
                        .collect();
                    forms.sort();
                    forms
                };
                assert_eq!(sorted(&there.material), sorted(&here), "{case}");
            }
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}

/// Some fixtures lack a blob, or have one that is not what it should be, on purpose; a registry would
/// not take them.
fn is_whole(layout: &Layout) -> bool {
    layout.index().manifests.iter().all(|entry| {
        let Ok(manifest) = layout.manifest(entry) else {
            return false;
        };
        let Manifest::Image(image) = manifest else {
            return true;
        };
        let readable = |blob: &Descriptor| layout.blob(blob, 1 << 20).is_ok();
        std::iter::once(&image.config)
            .chain(&image.layers)
            .all(readable)
    })
}

#[tokio::test]
async fn a_hostile_list_of_referrers_ends() {
    let registry = CountedRegistry::start(Default::default()).await;
    let image = push_fixture(&registry.host, SIGNED).await;
    let entry = serde_json::json!({
        "mediaType": media_type::OCI_MANIFEST, "digest": image.digest(), "size": 1,
    });
    let index = serde_json::json!({"schemaVersion": 2, "manifests": vec![entry; 900]}).to_string();
    let endless = axum::Router::new().fallback(move || {
        let index = index.clone();
        async move {
            let kind = [
                ("content-type", media_type::OCI_INDEX),
                ("link", "<?n=1>; rel=\"next\""),
            ];
            (kind, index)
        }
    });
    let address = crate::harness::serve(endless).await;
    let hostile = ImageReference::parse(&format!("{address}/app@{}", image.digest().unwrap()));
    let error = signatures(&hostile.unwrap()).await.unwrap_err();
    assert!(
        matches!(*error.fault, Fault::TooManyReferrers { .. }),
        "{error}"
    );
}
