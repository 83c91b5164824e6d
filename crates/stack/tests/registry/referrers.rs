//! The referrers API.

use countersign_artifact::Digest;
use countersign_stack::registry::RegistryOptions;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{INDEX, Served, digest_of, header, refused};

/// Makes a manifest that refers to `subject`; without an artifact type of its own where that is empty.
async fn referring(registry: &Served, subject: &Digest, artifact_type: &str, mark: &str) -> Value {
    let mut manifest = registry.image("a", mark).await;
    manifest["subject"] = json!({
        "mediaType": super::IMAGE, "digest": subject.to_string(), "size": 7,
    });
    manifest["annotations"] = json!({ "mark": mark });
    if !artifact_type.is_empty() {
        manifest["artifactType"] = json!(artifact_type);
    }
    manifest
}

async fn list(registry: &Served, subject: &Digest, query: &str) -> Vec<Value> {
    let path = format!("/v2/a/referrers/{subject}{query}");
    let answer = registry.get(&path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "content-type").as_deref(), Some(INDEX));
    let index: Value = answer.json().await.unwrap();
    assert_eq!(
        (&index["schemaVersion"], &index["mediaType"]),
        (&json!(2), &json!(INDEX))
    );
    index["manifests"].as_array().unwrap().clone()
}

#[tokio::test]
async fn descriptors_say_what_refers() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let subject = digest_of(&registry.image("a", "subject").await);
    assert!(list(&registry, &subject, "").await.is_empty());

    let typed = referring(&registry, &subject, "application/vnd.example.sbom", "typed").await;
    let untyped = referring(&registry, &subject, "", "untyped").await;
    let index = json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [],
        "subject": { "mediaType": super::IMAGE, "digest": subject.to_string(), "size": 7 },
    });
    for manifest in [&typed, &untyped, &index] {
        // The subject comes last: clients may push in either order.
        let answer = registry
            .put_manifest("a", &digest_of(manifest).to_string(), manifest)
            .await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        assert_eq!(header(&answer, "oci-subject"), Some(subject.to_string()));
    }
    assert!(registry.push_image("a", "subject").await == subject);

    let found = list(&registry, &subject, "").await;
    assert_eq!(found.len(), 3);
    let of = |manifest: &Value| {
        let digest = digest_of(manifest).to_string();
        found
            .iter()
            .find(|descriptor| descriptor["digest"] == digest)
            .unwrap()
            .clone()
    };
    assert_eq!(of(&typed)["artifactType"], "application/vnd.example.sbom");
    assert_eq!(of(&typed)["annotations"], json!({ "mark": "typed" }));
    assert_eq!(of(&typed)["size"], typed.to_string().len());
    assert_eq!(
        of(&untyped)["artifactType"],
        "application/vnd.oci.image.config.v1+json"
    );
    assert_eq!(of(&index).get("artifactType"), None);

    let filtered = list(
        &registry,
        &subject,
        "?artifactType=application/vnd.example.sbom",
    )
    .await;
    assert_eq!(filtered, [of(&typed)]);
    assert!(
        list(&registry, &subject, "?artifactType=other")
            .await
            .is_empty()
    );
    let path = format!("/v2/a/referrers/{subject}?artifactType=other");
    let answer = registry.get(&path).send().await.unwrap();
    assert_eq!(
        header(&answer, "oci-filters-applied").as_deref(),
        Some("artifactType")
    );

    let gone = format!("/v2/a/manifests/{}", digest_of(&typed));
    registry.delete(&gone).send().await.unwrap();
    assert_eq!(list(&registry, &subject, "").await.len(), 2);
    // Neither the subject's deletion nor another repository changes the list.
    registry
        .delete(&format!("/v2/a/manifests/{subject}"))
        .send()
        .await
        .unwrap();
    assert_eq!(list(&registry, &subject, "").await.len(), 2);
    let elsewhere = registry
        .get(&format!("/v2/b/referrers/{subject}"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        elsewhere.json::<Value>().await.unwrap()["manifests"],
        json!([])
    );
    refused(
        registry
            .get("/v2/a/referrers/sha256:bad")
            .send()
            .await
            .unwrap(),
        400,
        "DIGEST_INVALID",
    )
    .await;
}

#[tokio::test]
async fn pages_miss_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = RegistryOptions {
        referrers_page: 3,
        ..RegistryOptions::default()
    };
    let registry = Served::with(folder.path(), options).await;
    let subject = Digest::sha256_of(b"subject");
    for number in 0..8 {
        let kind = if number % 2 == 0 { "even/a+b" } else { "odd" };
        let manifest = referring(&registry, &subject, kind, &number.to_string()).await;
        registry
            .put_manifest("a", &number.to_string(), &manifest)
            .await;
    }
    for (query, pages, total) in [("", 3, 8), ("?artifactType=even%2Fa%2Bb", 2, 4)] {
        let mut next = Some(format!("/v2/a/referrers/{subject}{query}"));
        let (mut seen, mut fetched) = (Vec::new(), 0);
        while let Some(path) = next.take() {
            let answer = registry.get(&path).send().await.unwrap();
            next = header(&answer, "link")
                .map(|link| link.split(['<', '>']).nth(1).unwrap().to_owned());
            let page: Value = answer.json().await.unwrap();
            seen.extend(
                page["manifests"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|d| d["digest"].to_string()),
            );
            fetched += 1;
        }
        seen.sort();
        seen.dedup();
        assert_eq!((fetched, seen.len()), (pages, total), "{query}");
    }
}

#[tokio::test]
async fn a_registry_of_the_old_specification() {
    let folder = tempfile::tempdir().unwrap();
    let options = RegistryOptions {
        without_referrers: true,
        ..RegistryOptions::default()
    };
    let registry = Served::with(folder.path(), options).await;
    let subject = registry.push_image("a", "subject").await;
    let manifest = referring(&registry, &subject, "x", "y").await;
    let answer = registry.put_manifest("a", "r", &manifest).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(
        header(&answer, "oci-subject"),
        None,
        "so that clients write the fallback tag"
    );
    let list = registry
        .get(&format!("/v2/a/referrers/{subject}"))
        .send()
        .await
        .unwrap();
    refused(list, 404, "UNSUPPORTED").await;
}
