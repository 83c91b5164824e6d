//! What the whole registry refuses: names, sizes, folders, disks.

use std::fs;

use countersign_artifact::Digest;
use countersign_stack::registry::{Registry, RegistryError, RegistryOptions};

use super::{Served, refused};

#[tokio::test]
async fn names_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    // The client library would tidy `..` away, so these are sent with encoded dots and slashes.
    for name in [
        "A",
        "a%2f%2e%2e%2fb",
        "a__%5fb",
        "-a",
        "a%20b",
        &"a".repeat(256),
    ] {
        let path = format!("/v2/{name}/blobs/uploads/");
        refused(
            registry.post(&path).send().await.unwrap(),
            400,
            "NAME_INVALID",
        )
        .await;
        let path = format!("/v2/{name}/tags/list");
        refused(
            registry.get(&path).send().await.unwrap(),
            400,
            "NAME_INVALID",
        )
        .await;
    }
    let from = format!(
        "/v2/a/blobs/uploads/?mount={}&from=../a",
        Digest::sha256_of(b"")
    );
    refused(
        registry.post(&from).send().await.unwrap(),
        400,
        "NAME_INVALID",
    )
    .await;
    for id in ["%2e%2e%2f%2e%2e%2fregistry.redb", "x", &"0".repeat(36)] {
        let path = format!("/v2/a/blobs/uploads/{id}");
        let answer = registry.get(&path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 404, "{id}");
    }
}

#[tokio::test]
async fn a_blob_over_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let options = RegistryOptions {
        blob_limit: 1_000,
        ..RegistryOptions::default()
    };
    let registry = Served::with(folder.path(), options).await;
    registry.push_blob("a", &[0; 1_000]).await;
    let digest = Digest::sha256_of(&[0; 1_001]);
    let upload = registry.begin("a").await;
    let put = registry
        .put(&format!("{upload}?digest={digest}"))
        .body(vec![0; 1_001]);
    refused(put.send().await.unwrap(), 413, "SIZE_INVALID").await;
    refused(
        registry.get(&upload).send().await.unwrap(),
        404,
        "BLOB_UPLOAD_UNKNOWN",
    )
    .await;
    // In two steps it is just as large.
    let upload = registry.begin("a").await;
    registry
        .patch(&upload)
        .body(vec![0; 600])
        .send()
        .await
        .unwrap();
    let second = registry
        .patch(&upload)
        .body(vec![0; 600])
        .send()
        .await
        .unwrap();
    refused(second, 413, "SIZE_INVALID").await;
}

#[tokio::test]
async fn a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Served::new(folder.path()).await;
    let upload = registry.begin("a").await;
    let id = upload.rsplit('/').next().unwrap();
    let home = folder
        .path()
        .join("uploads")
        .join(Digest::sha256_of(b"a").hex());
    fs::remove_file(home.join(id)).unwrap();
    std::os::unix::fs::symlink("/dev/full", home.join(id)).unwrap();
    let patch = registry
        .patch(&upload)
        .body("does not fit")
        .send()
        .await
        .unwrap();
    let error = refused(patch, 507, "UNKNOWN").await;
    assert_eq!(error["message"], "the registry's disk is full");
    assert!(!error.to_string().contains(folder.path().to_str().unwrap()));
    // Others are served as before.
    registry.push_blob("b", b"small").await;
}

#[tokio::test]
async fn a_folder_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let first = Registry::open(folder.path()).unwrap();
    let Err(error) = Registry::open(folder.path()) else {
        panic!("opened twice")
    };
    assert!(matches!(error, RegistryError::InUse { .. }), "{error}");
    drop(first);
    Registry::open(folder.path()).unwrap();
}

#[test]
fn a_folder_that_cannot_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let Err(error) = Registry::open(&file) else {
        panic!("a file was taken for a folder")
    };
    assert!(matches!(error, RegistryError::Folder { .. }), "{error}");
    let broken = folder.path().join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("registry.redb"), [7; 8_192]).unwrap();
    let Err(error) = Registry::open(&broken) else {
        panic!("a broken database was opened")
    };
    assert!(
        matches!(
            error,
            RegistryError::Database { .. } | RegistryError::Folder { .. }
        ),
        "{error}"
    );
}
