//! Layouts: what is good goes round, what is bad gets its own error.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use countersign_artifact::{Descriptor, Digest, ImageReference, Manifest};
use countersign_client::image_source::{Layout, LayoutError, LayoutWriter, PushError, push_layout};

use crate::harness::{CountedRegistry, impatient, without_referrers, write_layout};

struct Fixture {
    folder: tempfile::TempDir,
    digest: Digest,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let digest = write_layout(&folder.path().join("layout"), "content");
        Self { folder, digest }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("layout")
    }

    fn open(&self) -> Result<Layout, LayoutError> {
        Layout::open(&self.path())
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.path().join("blobs/sha256").join(digest.hex())
    }

    fn layer(&self) -> Descriptor {
        layer_of(&self.open().unwrap())
    }

    /// Packs the layout as `tar` does.
    fn archive(&self) -> PathBuf {
        let path = self.folder.path().join("layout.tar");
        let mut builder = tar::Builder::new(fs::File::create(&path).unwrap());
        builder.append_dir_all(".", self.path()).unwrap();
        builder.into_inner().unwrap().flush().unwrap();
        path
    }
}

fn layer_of(layout: &Layout) -> Descriptor {
    let image = layout.image(None).unwrap().clone();
    match layout.manifest(&image).unwrap() {
        Manifest::Image(image) => image.layers[0].clone(),
        Manifest::Index(_) => panic!("one image was written"),
    }
}

fn read_all(layout: &Layout, blob: &Descriptor) -> Result<Vec<u8>, LayoutError> {
    layout.blob(blob, 1 << 20)
}

#[test]
fn folder_and_archive_hold_the_same() {
    let fixture = Fixture::new();
    for path in [fixture.path(), fixture.archive()] {
        let layout = Layout::open(&path).unwrap();
        assert_eq!(layout.image(None).unwrap().digest, fixture.digest);
        assert_eq!(layout.image(Some("1.0")).unwrap().digest, fixture.digest);
        let layer = layer_of(&layout);
        assert_eq!(read_all(&layout, &layer).unwrap(), b"content");
        let mut streamed = Vec::new();
        let mut blob = layout.open_blob(&layer).unwrap();
        blob.read_to_end(&mut streamed).unwrap();
        assert_eq!(streamed, b"content");
    }
}

#[test]
fn nothing_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nowhere");
    assert_eq!(
        Layout::open(&path).unwrap_err(),
        LayoutError::Absent { path }
    );
}

#[test]
fn no_index() {
    let fixture = Fixture::new();
    fs::remove_file(fixture.path().join("index.json")).unwrap();
    let path = fixture.path();
    assert_eq!(fixture.open().unwrap_err(), LayoutError::NoIndex { path });
    let path = fixture.archive();
    assert_eq!(
        Layout::open(&path).unwrap_err(),
        LayoutError::NoIndex { path }
    );
}

#[test]
fn index_that_is_none() {
    let fixture = Fixture::new();
    for bad in ["", "{", "[]", "{\"manifests\":[{}]}"] {
        fs::write(fixture.path().join("index.json"), bad).unwrap();
        let found = fixture.open();
        assert!(
            matches!(
                found,
                Err(LayoutError::Manifest { .. } | LayoutError::NoIndex { .. })
            ),
            "{bad}: {found:?}"
        );
    }
    fs::write(fixture.path().join("index.json"), vec![b' '; 5 << 20]).unwrap();
    assert!(matches!(
        fixture.open(),
        Err(LayoutError::Manifest { name, error: countersign_artifact::ManifestError::TooLarge(_), .. })
            if name == "index.json"
    ));
}

#[test]
fn truncated_and_oversized_blobs() {
    let fixture = Fixture::new();
    let layer = fixture.layer();
    for (content, size) in [("conten", 6), ("content and more", 16), ("", 0)] {
        fs::write(fixture.blob_path(&layer.digest), content).unwrap();
        let error = read_all(&fixture.open().unwrap(), &layer).unwrap_err();
        let (path, digest) = (fixture.path(), layer.digest);
        assert_eq!(
            error,
            LayoutError::BlobSize {
                path,
                digest,
                expected: 7,
                found: size
            }
        );
    }
    let layout = fixture.open().unwrap();
    let (path, digest) = (fixture.path(), layer.digest);
    assert_eq!(
        layout.blob(&layer, 6).unwrap_err(),
        LayoutError::BlobTooLarge {
            path,
            digest,
            limit: 6
        }
    );
}

#[test]
fn truncated_archive() {
    let fixture = Fixture::new();
    // A layer larger than tar's padding, so that the cut is within it.
    fs::remove_dir_all(fixture.path()).unwrap();
    write_layout(&fixture.path(), &"x".repeat(100_000));
    let layer = fixture.layer();
    let path = fixture.archive();
    let whole = fs::read(&path).unwrap();
    let start = whole
        .windows(100)
        .position(|window| window.iter().all(|byte| *byte == b'x'))
        .unwrap();
    fs::write(&path, &whole[..start + 5000]).unwrap();
    match Layout::open(&path) {
        Ok(layout) => assert!(matches!(
            read_all(&layout, &layer),
            Err(LayoutError::BlobSize {
                expected: 100_000,
                found: 5000,
                ..
            })
        )),
        Err(error) => assert!(matches!(
            error,
            LayoutError::NotAnArchive { .. } | LayoutError::NoIndex { .. }
        )),
    }
}

#[test]
fn wrong_digest() {
    let fixture = Fixture::new();
    let layer = fixture.layer();
    fs::write(fixture.blob_path(&layer.digest), "CONTENT").unwrap();
    let layout = fixture.open().unwrap();
    let mismatch = LayoutError::DigestMismatch {
        path: fixture.path(),
        expected: layer.digest,
        found: Digest::sha256_of(b"CONTENT"),
    };
    assert_eq!(read_all(&layout, &layer).unwrap_err(), mismatch);
    let mut sink = Vec::new();
    let streamed = layout.open_blob(&layer).unwrap().read_to_end(&mut sink);
    let inner = streamed.unwrap_err().into_inner().unwrap();
    assert_eq!(*inner.downcast::<LayoutError>().unwrap(), mismatch);
}

#[test]
fn absent_blob() {
    let fixture = Fixture::new();
    let layer = fixture.layer();
    fs::remove_file(fixture.blob_path(&layer.digest)).unwrap();
    let (path, digest) = (fixture.path(), layer.digest);
    assert_eq!(
        read_all(&fixture.open().unwrap(), &layer).unwrap_err(),
        LayoutError::BlobAbsent { path, digest }
    );
}

#[test]
fn archives_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let check = |content: &[u8], expected: fn(PathBuf) -> LayoutError| {
        fs::write(&path, content).unwrap();
        assert_eq!(Layout::open(&path).unwrap_err(), expected(path.clone()));
    };
    check(&[0x1f, 0x8b, 8, 0], |path| LayoutError::CompressedArchive {
        path,
    });
    check(&[0x28, 0xb5, 0x2f, 0xfd], |path| {
        LayoutError::CompressedArchive { path }
    });
    check(&[b'x'; 2048], |path| LayoutError::NotAnArchive { path });
    check(&[], |path| LayoutError::NoIndex { path });
    let old = old_docker_archive();
    check(&old, |path| LayoutError::OldDockerArchive { path });
}

fn old_docker_archive() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    builder
        .append_data(&mut header, "manifest.json", &b"[]"[..])
        .unwrap();
    builder.into_inner().unwrap()
}

#[test]
fn which_image() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two");
    let mut writer = LayoutWriter::create(&path).unwrap();
    let empty = writer
        .add_blob("application/vnd.oci.empty.v1+json", b"{}")
        .unwrap();
    let manifest = |note: &str| {
        let json = serde_json::json!({"schemaVersion": 2, "config": empty, "layers": [], "annotations": {"note": note}});
        json.to_string().into_bytes()
    };
    let kind = countersign_artifact::media_type::OCI_MANIFEST;
    let one = writer
        .add_manifest(kind, &manifest("a"), Some("example.com/app:a"))
        .unwrap();
    let two = writer
        .add_manifest(kind, &manifest("b"), Some("b"))
        .unwrap();
    writer.finish().unwrap();
    let layout = Layout::open(&path).unwrap();
    assert_eq!(layout.image(Some("a")).unwrap().digest, one.digest);
    assert_eq!(layout.image(Some("b")).unwrap().digest, two.digest);
    assert_eq!(
        layout.image(None).unwrap_err(),
        LayoutError::SeveralImages {
            path: path.clone(),
            count: 2
        }
    );
    let path = folder.path().join("none");
    LayoutWriter::create(&path).unwrap().finish().unwrap();
    let error = Layout::open(&path).unwrap().image(None).unwrap_err();
    assert_eq!(error, LayoutError::NoImage { path, tag: None });
}

#[test]
fn writer_leaves_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layout");
    let mut writer = LayoutWriter::create(&path).unwrap();
    writer.add_blob("x", b"x").unwrap();
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    fs::create_dir(&path).unwrap();
    fs::write(path.join("mine"), "").unwrap();
    let error = LayoutWriter::create(&path).unwrap_err();
    assert_eq!(error, LayoutError::NotEmpty { path: path.clone() });
    // Someone else was faster.
    let late = folder.path().join("late");
    let writer = LayoutWriter::create(&late).unwrap();
    write_layout(&late, "theirs");
    assert_eq!(
        writer.finish().unwrap_err(),
        LayoutError::NotEmpty { path: late.clone() }
    );
    Layout::open(&late).unwrap();
}

#[tokio::test]
async fn pushed_from_folder_and_archive() {
    let fixture = Fixture::new();
    let registry = CountedRegistry::start(Default::default()).await;
    let client = impatient();
    let image = registry.image("app:1.0");
    let pushed = push_layout(&client, &Layout::open(&fixture.archive()).unwrap(), &image)
        .await
        .unwrap();
    assert_eq!(pushed.digest, fixture.digest);
    assert_eq!((pushed.blobs_sent, pushed.blobs_present), (2, 0));
    let again = push_layout(&client, &fixture.open().unwrap(), &image)
        .await
        .unwrap();
    assert_eq!((again.blobs_sent, again.blobs_present), (0, 2));
    assert_eq!(client.resolve(&image).await.unwrap().digest, fixture.digest);
    let layer = fixture.layer();
    let repository = countersign_client::registry::Repository::of(&image);
    assert_eq!(
        &client.blob(&repository, &layer, 100).await.unwrap()[..],
        b"content"
    );
}

#[tokio::test]
async fn a_bad_layer_leaves_no_image() {
    let fixture = Fixture::new();
    let layer = fixture.layer();
    fs::write(fixture.blob_path(&layer.digest), "CONTENT").unwrap();
    let registry = CountedRegistry::start(Default::default()).await;
    let client = impatient();
    let image = registry.image("app:1.0");
    let error = push_layout(&client, &fixture.open().unwrap(), &image)
        .await
        .unwrap_err();
    assert!(
        matches!(error, PushError::Layout(LayoutError::DigestMismatch { .. })),
        "{error:?}"
    );
    assert!(client.resolve(&image).await.unwrap_err().is_not_found());
    let other = ImageReference::parse(&format!("{}/app@{}", registry.host, layer.digest)).unwrap();
    let error = push_layout(&client, &fixture.open().unwrap(), &other)
        .await
        .unwrap_err();
    assert_eq!(
        error,
        PushError::OtherImage {
            expected: layer.digest,
            found: fixture.digest
        }
    );
}

#[tokio::test]
async fn signatures_go_along() {
    let signing = crate::harness::signing().to_owned();
    let path = layout_with_referrers(&signing);
    let layout = Layout::open(&path).unwrap();
    for options in [Default::default(), without_referrers()] {
        let registry = CountedRegistry::start(options).await;
        let client = impatient();
        let image = registry.image("signed");
        let pushed = push_layout(&client, &layout, &image).await.unwrap();
        assert!(pushed.manifests > 1);
        let repository = countersign_client::registry::Repository::of(&image);
        let found = client.referrers(&repository, &pushed.digest).await.unwrap();
        assert_eq!(found.descriptors.len(), 1, "{found:?}");
    }
}

fn layout_with_referrers(signing: &Path) -> PathBuf {
    signing.join("keyless/images/bundle-v3-email-rekor1/layout")
}
