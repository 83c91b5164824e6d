//! Reading back: blobs and their parts, manifests, tags.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{IMAGE, Served, header, refused};

#[tokio::test]
async fn the_door_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    for path in ["/v2/", "/v2"] {
        let answer = registry.get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let version = header(&answer, "docker-distribution-api-version");
        assert_eq!(version.as_deref(), Some("registry/2.0"));
    }
    refused(
        registry.get("/v2/a/tags/list").send().await.unwrap(),
        404,
        "NAME_UNKNOWN",
    )
    .await;
    refused(
        registry.get("/v2/a/manifests/b").send().await.unwrap(),
        404,
        "MANIFEST_UNKNOWN",
    )
    .await;
    refused(
        registry.get("/v2/nothing").send().await.unwrap(),
        404,
        "UNSUPPORTED",
    )
    .await;
    refused(
        registry.post("/v2/a/tags/list").send().await.unwrap(),
        405,
        "UNSUPPORTED",
    )
    .await;
}

#[tokio::test]
async fn parts_of_a_blob() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let bytes: Vec<u8> = (0..700_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let path = format!("/v2/a/blobs/{}", registry.push_blob("a", &bytes).await);
    let whole = registry.get(&path).send().await.unwrap();
    assert_eq!(header(&whole, "accept-ranges").as_deref(), Some("bytes"));
    assert_eq!(whole.bytes().await.unwrap(), bytes);
    for (range, first, last) in [
        ("bytes=0-0", 0, 0),
        ("bytes=500-1499", 500, 1_499),
        ("bytes=699000-", 699_000, 699_999),
        ("bytes=-600000", 100_000, 699_999),
        ("bytes=600000-900000", 600_000, 699_999),
    ] {
        let answer = registry
            .get(&path)
            .header("range", range)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        let stated = header(&answer, "content-range").unwrap();
        assert_eq!(stated, format!("bytes {first}-{last}/700000"));
        assert_eq!(answer.bytes().await.unwrap(), bytes[first..=last]);
    }
    for range in ["bytes=700000-", "bytes=500-0"] {
        let answer = registry
            .get(&path)
            .header("range", range)
            .send()
            .await
            .unwrap();
        assert_eq!(
            header(&answer, "content-range").as_deref(),
            Some("bytes */700000")
        );
        refused(answer, 416, "UNSUPPORTED").await;
    }
    let head = registry.head(&path).send().await.unwrap();
    assert_eq!(header(&head, "content-length").as_deref(), Some("700000"));
}

#[tokio::test]
async fn manifests_come_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let manifest = registry.image("a", "x").await;
    let bytes = format!("  {manifest:#}\n").into_bytes();
    let digest = countersign_artifact::Digest::sha256_of(&bytes);
    let media_type = format!("{IMAGE}; charset=utf-8");
    let answer = registry
        .put_bytes("a", "v1", &media_type, bytes.clone())
        .await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    for reference in ["v1".to_owned(), digest.to_string()] {
        let path = format!("/v2/a/manifests/{reference}");
        let head = registry.head(&path).send().await.unwrap();
        assert_eq!(head.status(), StatusCode::OK);
        assert_eq!(
            header(&head, "content-length"),
            Some(bytes.len().to_string())
        );
        let answer = registry.get(&path).send().await.unwrap();
        assert_eq!(header(&answer, "content-type").as_deref(), Some(IMAGE));
        assert_eq!(
            header(&answer, "docker-content-digest"),
            Some(digest.to_string())
        );
        assert_eq!(answer.bytes().await.unwrap(), bytes);
    }
    let elsewhere = format!("/v2/b/manifests/{digest}");
    refused(
        registry.get(&elsewhere).send().await.unwrap(),
        404,
        "MANIFEST_UNKNOWN",
    )
    .await;
    assert_eq!(
        registry.head(&elsewhere).send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn tags_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let manifest = registry.image("a", "x").await;
    let mut tags = ["v10", "v2", "V1", "_x", "latest", "0"];
    for tag in tags {
        assert_eq!(
            registry.put_manifest("a", tag, &manifest).await.status(),
            StatusCode::CREATED
        );
        registry.push_image("a/b", "other").await;
    }
    tags.sort_unstable();
    let all: Value = registry
        .get("/v2/a/tags/list")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(all, json!({ "name": "a", "tags": tags }));

    let mut seen = Vec::new();
    let mut next = Some("/v2/a/tags/list?n=4".to_owned());
    while let Some(path) = next.take() {
        let answer = registry.get(&path).send().await.unwrap();
        next = header(&answer, "link").map(|link| {
            let (path, relation) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
            assert_eq!(relation, "; rel=\"next\"");
            path.to_owned()
        });
        let page: Value = answer.json().await.unwrap();
        seen.extend(page["tags"].as_array().unwrap().iter().cloned());
    }
    assert_eq!(seen, tags);

    let none = registry.get("/v2/a/tags/list?n=0").send().await.unwrap();
    assert_eq!(header(&none, "link"), None);
    assert_eq!(none.json::<Value>().await.unwrap()["tags"], json!([]));
    let after: Value = registry
        .get("/v2/a/tags/list?last=latest")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(after["tags"], json!(["v10", "v2"]));
    refused(
        registry.get("/v2/a/tags/list?n=x").send().await.unwrap(),
        400,
        "UNSUPPORTED",
    )
    .await;
}

#[tokio::test]
async fn repositories_are_listed_in_order_and_by_pages() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let list = async |path: &str| {
        let answer = registry.get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let link = header(&answer, "link");
        let page: Value = answer.json().await.unwrap();
        (page["repositories"].clone(), link)
    };
    assert_eq!(list("/v2/_catalog").await, (json!([]), None));
    for (name, tag) in [
        ("b", "1"),
        ("b", "2"),
        ("a/c", "1"),
        ("a", "1"),
        ("a-c", "1"),
    ] {
        registry.push_image(name, tag).await;
    }
    // A blob alone makes no repository, and neither does a manifest that is gone.
    registry.push_blob("blobs", b"only").await;
    let gone = registry.push_image("gone", "1").await;
    let path = format!("/v2/gone/manifests/{gone}");
    registry.delete(&path).send().await.unwrap();

    let all = json!(["a", "a-c", "a/c", "b"]);
    assert_eq!(list("/v2/_catalog").await, (all.clone(), None));
    assert_eq!(list("/v2/_catalog?n=4").await, (all, None));
    let (page, next) = list("/v2/_catalog?n=3").await;
    assert_eq!(page, json!(["a", "a-c", "a/c"]));
    let next = next.unwrap();
    assert_eq!(next, "</v2/_catalog?n=3&last=a/c>; rel=\"next\"");
    let path = next[1..].split_once('>').unwrap().0;
    assert_eq!(list(path).await, (json!(["b"]), None));
    assert_eq!(list("/v2/_catalog?last=%FF").await, (json!([]), None));
    refused(
        registry.get("/v2/_catalog?n=x").send().await.unwrap(),
        400,
        "UNSUPPORTED",
    )
    .await;
    let posted = registry.post("/v2/_catalog").send().await.unwrap();
    refused(posted, 405, "UNSUPPORTED").await;
}

#[tokio::test]
async fn deletion_takes_what_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let manifest = registry.image("a", "x").await;
    for tag in ["one", "two", "three"] {
        registry.put_manifest("a", tag, &manifest).await;
    }
    let other = registry.push_image("a", "other").await;
    let delete = async |reference: &str| {
        let path = format!("/v2/a/manifests/{reference}");
        registry.delete(&path).send().await.unwrap()
    };
    assert_eq!(delete("one").await.status(), StatusCode::ACCEPTED);
    refused(delete("one").await, 404, "MANIFEST_UNKNOWN").await;
    let kept = registry.get("/v2/a/manifests/two").send().await.unwrap();
    assert_eq!(kept.status(), StatusCode::OK);
    let digest = super::digest_of(&manifest).to_string();
    assert_eq!(delete(&digest).await.status(), StatusCode::ACCEPTED);
    refused(delete(&digest).await, 404, "MANIFEST_UNKNOWN").await;
    let tags: Value = registry
        .get("/v2/a/tags/list")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(tags["tags"], json!(["other"]));
    let kept = registry
        .get(&format!("/v2/a/manifests/{other}"))
        .send()
        .await
        .unwrap();
    assert_eq!(kept.status(), StatusCode::OK);
}
