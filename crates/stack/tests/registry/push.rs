//! Every way to push a blob.

use countersign_artifact::{Algorithm, Digest, DigestHasher};
use reqwest::StatusCode;

use super::{Served, header, location, refused};

#[tokio::test]
async fn post_then_put() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    for bytes in [&b"hello"[..], b"", b"{}"] {
        let digest = registry.push_blob("a/b", bytes).await;
        let answer = registry
            .get(&format!("/v2/a/b/blobs/{digest}"))
            .send()
            .await
            .unwrap();
        assert_eq!(
            header(&answer, "docker-content-digest"),
            Some(digest.to_string())
        );
        assert_eq!(answer.bytes().await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn post_alone() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let digest = Digest::sha256_of(b"at once");
    let path = format!("/v2/a/blobs/uploads/?digest={digest}");
    let answer = registry.post(&path).body("at once").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(location(&answer), format!("/v2/a/blobs/{digest}"));
    // The same content again is no error.
    let again = registry.post(&path).body("at once").send().await.unwrap();
    assert_eq!(again.status(), StatusCode::CREATED);
    let forged = registry.post(&path).body("at oncf").send().await.unwrap();
    refused(forged, 400, "DIGEST_INVALID").await;
    let kept = registry
        .get(&format!("/v2/a/blobs/{digest}"))
        .send()
        .await
        .unwrap();
    assert_eq!(kept.text().await.unwrap(), "at once");
}

#[tokio::test]
async fn chunks_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let digest = Digest::sha256_of(b"one two three");
    let upload = registry.begin("a").await;
    let send = |range: &'static str, text: &'static str| {
        registry
            .patch(&upload)
            .header("content-range", range)
            .body(text)
            .send()
    };
    let first = send("0-3", "one ").await.unwrap();
    assert_eq!(first.status(), StatusCode::ACCEPTED);
    assert_eq!(header(&first, "range").as_deref(), Some("0-3"));

    let skipping = send("8-12", "three").await.unwrap();
    assert_eq!(header(&skipping, "range").as_deref(), Some("0-3"));
    assert_eq!(location(&skipping), upload);
    refused(skipping, 416, "BLOB_UPLOAD_INVALID").await;
    let repeated = send("0-3", "one ").await.unwrap();
    refused(repeated, 416, "BLOB_UPLOAD_INVALID").await;
    let short = send("4-7", "tw").await.unwrap();
    refused(short, 400, "SIZE_INVALID").await;
    let garbled = send("4-", "two ").await.unwrap();
    refused(garbled, 416, "BLOB_UPLOAD_INVALID").await;

    let status = registry.get(&upload).send().await.unwrap();
    assert_eq!(status.status(), StatusCode::NO_CONTENT);
    assert_eq!(header(&status, "range").as_deref(), Some("0-3"));
    assert_eq!(
        send("4-7", "two ").await.unwrap().status(),
        StatusCode::ACCEPTED
    );
    let last = registry.put(&format!("{upload}?digest={digest}"));
    let last = last
        .header("content-range", "8-12")
        .body("three")
        .send()
        .await
        .unwrap();
    assert_eq!(last.status(), StatusCode::CREATED);
    // Finished means gone.
    refused(
        registry.get(&upload).send().await.unwrap(),
        404,
        "BLOB_UPLOAD_UNKNOWN",
    )
    .await;
}

#[tokio::test]
async fn a_stream_without_length() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let chunk = vec![7_u8; 100_000];
    let digest = Digest::sha256_of(&chunk.repeat(20));
    let upload = registry.begin("a").await;
    let stream =
        futures_util::stream::iter((0..20).map(move |_| Ok::<_, std::io::Error>(chunk.clone())));
    let patch = registry
        .patch(&upload)
        .body(reqwest::Body::wrap_stream(stream));
    let answer = patch.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert_eq!(header(&answer, "range").as_deref(), Some("0-1999999"));
    let put = registry
        .put(&format!("{upload}?digest={digest}"))
        .send()
        .await
        .unwrap();
    assert_eq!(put.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn sha512() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let mut hasher = DigestHasher::new(Algorithm::Sha512);
    hasher.update(b"long");
    let digest = hasher.finish();
    let path = "/v2/a/blobs/uploads/?digest-algorithm=sha512";
    let upload = location(&registry.post(path).send().await.unwrap());
    let put = registry
        .put(&format!("{upload}?digest={digest}"))
        .body("long");
    assert_eq!(put.send().await.unwrap().status(), StatusCode::CREATED);
    let blob = registry
        .get(&format!("/v2/a/blobs/{digest}"))
        .send()
        .await
        .unwrap();
    assert_eq!(blob.text().await.unwrap(), "long");
    let md5 = registry
        .post("/v2/a/blobs/uploads/?digest-algorithm=md5")
        .send()
        .await
        .unwrap();
    refused(md5, 400, "DIGEST_INVALID").await;
}

#[tokio::test]
async fn mounts() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let digest = registry.push_blob("from", b"shared").await;
    let absent = Digest::sha256_of(b"nowhere");

    let mount = format!("/v2/to/blobs/uploads/?mount={digest}&from=from");
    assert_eq!(
        registry.post(&mount).send().await.unwrap().status(),
        StatusCode::CREATED
    );
    let anonymous = format!("/v2/third/blobs/uploads/?mount={digest}");
    assert_eq!(
        registry.post(&anonymous).send().await.unwrap().status(),
        StatusCode::CREATED
    );
    for missing in [
        format!("/v2/to/blobs/uploads/?mount={absent}&from=from"),
        format!("/v2/fourth/blobs/uploads/?mount={digest}&from=empty"),
    ] {
        let answer = registry.post(&missing).send().await.unwrap();
        assert_eq!(
            answer.status(),
            StatusCode::ACCEPTED,
            "an upload begins instead"
        );
        assert!(location(&answer).contains("/blobs/uploads/"));
    }
    // Each repository has its own; the file goes with the last.
    for name in ["from", "to", "third"] {
        let path = format!("/v2/{name}/blobs/{digest}");
        assert_eq!(
            registry
                .get(&path)
                .send()
                .await
                .unwrap()
                .text()
                .await
                .unwrap(),
            "shared"
        );
        assert_eq!(
            registry.delete(&path).send().await.unwrap().status(),
            StatusCode::ACCEPTED
        );
        refused(
            registry.get(&path).send().await.unwrap(),
            404,
            "BLOB_UNKNOWN",
        )
        .await;
        refused(
            registry.delete(&path).send().await.unwrap(),
            404,
            "BLOB_UNKNOWN",
        )
        .await;
    }
    let file = folder.path().join("blobs/sha256").join(digest.hex());
    assert!(!file.exists());
}

#[tokio::test]
async fn a_wrong_digest_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let claimed = Digest::sha256_of(b"what it claims to be");
    let upload = registry.begin("a").await;
    let put = registry
        .put(&format!("{upload}?digest={claimed}"))
        .body("something else");
    let error = refused(put.send().await.unwrap(), 400, "DIGEST_INVALID").await;
    assert_eq!(
        error["detail"]["found"],
        Digest::sha256_of(b"something else").to_string()
    );
    refused(
        registry.get(&upload).send().await.unwrap(),
        404,
        "BLOB_UPLOAD_UNKNOWN",
    )
    .await;
    let path = format!("/v2/a/blobs/{claimed}");
    refused(
        registry.get(&path).send().await.unwrap(),
        404,
        "BLOB_UNKNOWN",
    )
    .await;

    let upload = registry.begin("a").await;
    for digest in [
        "sha256:baddigest",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "",
    ] {
        let put = registry.put(&format!("{upload}?digest={digest}")).body("x");
        refused(put.send().await.unwrap(), 400, "DIGEST_INVALID").await;
    }
}

#[tokio::test]
async fn a_cancelled_upload_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let upload = registry.begin("a").await;
    let cancelled = registry.delete(&upload).send().await.unwrap();
    assert_eq!(cancelled.status(), StatusCode::NO_CONTENT);
    let put = registry
        .put(&format!("{upload}?digest={}", Digest::sha256_of(b"")))
        .send();
    refused(put.await.unwrap(), 404, "BLOB_UPLOAD_UNKNOWN").await;
}

#[tokio::test]
async fn an_upload_belongs_to_its_repository() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let upload = registry.begin("mine").await;
    let id = upload.rsplit('/').next().unwrap();
    let theirs = format!("/v2/theirs/blobs/uploads/{id}");
    refused(
        registry.get(&theirs).send().await.unwrap(),
        404,
        "BLOB_UPLOAD_UNKNOWN",
    )
    .await;
    assert_eq!(
        registry.get(&upload).send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
}

#[tokio::test]
async fn one_writer_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let upload = registry.begin("a").await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|item| (item, receiver))
    });
    let patch = registry
        .patch(&upload)
        .body(reqwest::Body::wrap_stream(stream));
    let slow = tokio::spawn(patch.send());
    sender.send(Ok(b"begun ".to_vec())).await.unwrap();
    let range = async || header(&registry.get(&upload).send().await.unwrap(), "range");
    while range().await.as_deref() != Some("0-5") {
        tokio::task::yield_now().await;
    }
    for other in [registry.patch(&upload).body("x"), registry.delete(&upload)] {
        refused(other.send().await.unwrap(), 409, "BLOB_UPLOAD_INVALID").await;
    }
    sender.send(Ok(b"ended".to_vec())).await.unwrap();
    drop(sender);
    assert_eq!(slow.await.unwrap().unwrap().status(), StatusCode::ACCEPTED);
    let digest = Digest::sha256_of(b"begun ended");
    let put = registry
        .put(&format!("{upload}?digest={digest}"))
        .send()
        .await
        .unwrap();
    assert_eq!(put.status(), StatusCode::CREATED);
}
