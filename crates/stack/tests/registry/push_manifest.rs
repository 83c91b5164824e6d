//! Manifests of every shape, and those that must not get in.

use countersign_artifact::{Algorithm, Digest, DigestHasher};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{IMAGE, INDEX, Served, descriptor, digest_of, header, manifest_descriptor, refused};

#[tokio::test]
async fn images_and_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let image = registry.image("a", "x").await;
    let mut without_layers = image.clone();
    without_layers["layers"] = json!([]);
    let mut custom = image.clone();
    custom["org.example.custom"] = json!({ "anything": [1, null] });
    let mut foreign = image.clone();
    foreign["layers"][0] = descriptor(
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        b"never pushed",
    );
    let mut inline = image.clone();
    inline["config"] = descriptor("application/vnd.oci.image.config.v1+json", b"{}");
    inline["config"]["data"] = json!("e30=");
    registry.push_blob("a", b"{}").await;
    let index = json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest_descriptor(&image)],
    });
    let nested = json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest_descriptor(&index)],
    });
    for manifest in [
        image,
        without_layers,
        custom,
        foreign,
        inline,
        index,
        nested,
    ] {
        let digest = digest_of(&manifest);
        let answer = registry
            .put_manifest("a", &digest.to_string(), &manifest)
            .await;
        assert_eq!(answer.status(), StatusCode::CREATED, "{manifest}");
        assert_eq!(
            header(&answer, "docker-content-digest"),
            Some(digest.to_string())
        );
        assert_eq!(
            header(&answer, "location"),
            Some(format!("/v2/a/manifests/{digest}"))
        );
        assert_eq!(header(&answer, "oci-subject"), None);
    }
}

#[tokio::test]
async fn a_manifest_by_its_sha512_digest_with_tags() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let manifest = registry.image("a", "x").await;
    let mut hasher = DigestHasher::new(Algorithm::Sha512);
    hasher.update(manifest.to_string().as_bytes());
    let digest = hasher.finish();
    let answer = registry
        .put_manifest("a", &format!("{digest}?tag=1&tag=1.2"), &manifest)
        .await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(header(&answer, "oci-tag").as_deref(), Some("1, 1.2"));
    let by_tag = registry.get("/v2/a/manifests/1.2").send().await.unwrap();
    assert_eq!(
        header(&by_tag, "docker-content-digest"),
        Some(digest.to_string())
    );
    let bad = registry
        .put_manifest("a", &format!("{digest}?tag=a/b"), &manifest)
        .await;
    refused(bad, 400, "TAG_INVALID").await;
}

#[tokio::test]
async fn what_is_named_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let image = registry.image("a", "x").await;
    let mut missing = image.clone();
    missing["layers"][0] = descriptor("application/vnd.oci.image.layer.v1.tar", b"not pushed");
    let error = refused(
        registry.put_manifest("a", "t", &missing).await,
        404,
        "MANIFEST_BLOB_UNKNOWN",
    )
    .await;
    assert_eq!(
        error["detail"]["missing"][0],
        Digest::sha256_of(b"not pushed").to_string()
    );
    // Blobs of another repository do not count.
    refused(
        registry.put_manifest("b", "t", &image).await,
        404,
        "MANIFEST_BLOB_UNKNOWN",
    )
    .await;
    let index = json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest_descriptor(&image)],
    });
    refused(
        registry.put_manifest("a", "t", &index).await,
        404,
        "MANIFEST_BLOB_UNKNOWN",
    )
    .await;
    refused(
        registry.get("/v2/a/manifests/t").send().await.unwrap(),
        404,
        "MANIFEST_UNKNOWN",
    )
    .await;
}

#[tokio::test]
async fn lies_and_riddles() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let image = registry.image("a", "x").await;
    let change = |change: fn(&mut Value)| {
        let mut manifest = image.clone();
        change(&mut manifest);
        manifest
    };
    for manifest in [
        change(|manifest| manifest["schemaVersion"] = json!(1)),
        change(|manifest| manifest["layers"][0]["size"] = json!(1)),
        change(|manifest| manifest["layers"][0]["size"] = json!(-1)),
        change(|manifest| manifest["layers"][0]["data"] = json!("e30=")),
        change(|manifest| manifest["layers"][0]["data"] = json!("not base64")),
        change(|manifest| manifest["layers"][0]["digest"] = json!("sha256:00")),
        change(|manifest| manifest["layers"] = json!({})),
        change(|manifest| manifest["config"] = Value::Null),
        change(|manifest| manifest["manifests"] = json!([])),
        change(|manifest| manifest["subject"] = json!({ "digest": "x", "size": 1 })),
        change(|manifest| manifest["mediaType"] = json!("application/vnd.example")),
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [], "layers": [] }),
        json!([]),
    ] {
        refused(
            registry.put_manifest("a", "t", &manifest).await,
            400,
            "MANIFEST_INVALID",
        )
        .await;
    }
    for (media_type, bytes) in [
        (INDEX, image.to_string().into_bytes()),
        ("", b"{\"schemaVersion\":2}".to_vec()),
        (IMAGE, b"not json".to_vec()),
        (IMAGE, b"".to_vec()),
        (IMAGE, "[".repeat(100_000).into_bytes()),
        (IMAGE, b"{\"schemaVersion\":2,\"schemaVersion\":2}".to_vec()),
    ] {
        let answer = registry.put_bytes("a", "t", media_type, bytes).await;
        refused(answer, 400, "MANIFEST_INVALID").await;
    }
    let wrong = Digest::sha256_of(b"another").to_string();
    refused(
        registry.put_manifest("a", &wrong, &image).await,
        400,
        "DIGEST_INVALID",
    )
    .await;
    refused(
        registry.put_manifest("a", "sha256:bad", &image).await,
        400,
        "DIGEST_INVALID",
    )
    .await;
    refused(
        registry.put_manifest("a", "-bad", &image).await,
        400,
        "TAG_INVALID",
    )
    .await;
    assert_eq!(
        registry
            .get("/v2/a/tags/list")
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::NOT_FOUND,
        "nothing of all this was stored"
    );
}

#[tokio::test]
async fn four_mebibytes_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let padded = |image: &Value, size: usize| {
        let mut bytes = image.to_string().into_bytes();
        bytes.resize(size, b' ');
        bytes
    };
    let image = registry.image("a", "x").await;
    let fits = registry
        .put_bytes("a", "fits", IMAGE, padded(&image, 4 << 20))
        .await;
    assert_eq!(fits.status(), StatusCode::CREATED);
    let large = registry
        .put_bytes("a", "large", IMAGE, padded(&image, (4 << 20) + 1))
        .await;
    refused(large, 413, "SIZE_INVALID").await;
}

#[tokio::test]
async fn a_tag_moves_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let (first, second) = (
        registry.image("a", "1").await,
        registry.image("a", "2").await,
    );
    for manifest in [&first, &second, &first] {
        registry.put_manifest("a", "latest", manifest).await;
        let answer = registry.get("/v2/a/manifests/latest").send().await.unwrap();
        let digest = header(&answer, "docker-content-digest");
        assert_eq!(digest, Some(digest_of(manifest).to_string()));
    }
}
