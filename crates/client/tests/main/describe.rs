//! Images described from registries, layouts and archives: the same wherever they are.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;

use countersign_artifact::{Digest, Platform, media_type};
use countersign_client::describe::{
    DescribeError, Described, describe_file, describe_image, describe_layout, host_platform,
};
use countersign_client::image_source::{Layout, LayoutError, LayoutWriter, push_layout};
use countersign_client::registry::Fault;
use countersign_sbom::{LayerError, Source};
use countersign_testkit::fixtures;

use crate::harness::{CountedRegistry, impatient, write_layout};

fn of_layout(path: &Path) -> Result<Described, DescribeError> {
    describe_layout(&Layout::open(path)?, "image", None, None)
}

#[tokio::test]
async fn the_same_from_layout_archive_and_registry() {
    let folder = fixtures::folder("images/python-mini").join("oci");
    let described = of_layout(&folder).unwrap();
    let Source::Image(image) = &described.source else {
        panic!("an image was described");
    };
    assert_eq!(
        (image.layers.len(), &image.tags[..]),
        (3, &["latest".to_owned()][..])
    );
    assert_eq!(
        image.platform,
        Some(Platform::parse("linux/amd64").unwrap())
    );
    assert_eq!(image.created.unwrap().to_string(), "2026-11-01T00:00:00Z");
    assert!(described.inventory.packages.len() >= 38);

    let place = tempfile::tempdir().unwrap();
    let archive = place.path().join("image.tar");
    let mut builder = tar::Builder::new(fs::File::create(&archive).unwrap());
    builder.append_dir_all(".", &folder).unwrap();
    builder.finish().unwrap();
    assert_eq!(of_layout(&archive).unwrap(), described);

    let registry = CountedRegistry::start(Default::default()).await;
    let client = impatient();
    let reference = registry.image("shop/cart:latest");
    push_layout(&client, &Layout::open(&folder).unwrap(), &reference)
        .await
        .unwrap();
    registry.requests.take();
    let pulled = describe_image(&client, &reference, None).await.unwrap();
    assert_eq!(pulled.inventory, described.inventory);
    let Source::Image(pulled) = pulled.source else {
        panic!("an image was described");
    };
    assert_eq!(
        (pulled.digest, &pulled.layers),
        (image.digest, &image.layers)
    );
    assert_eq!(pulled.repository.unwrap(), reference.context());
    // The manifest, the configuration, and each layer once.
    assert_eq!(registry.requests.take().len(), 2 + 3);
}

#[tokio::test]
async fn content_behind_hard_links_is_read_again() {
    // As pnpm installs: the content is in its store, the package has links to it.
    let mut builder = tar::Builder::new(Vec::new());
    let content = br#"{"name":"linked","version":"1.2.3"}"#;
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    builder
        .append_data(&mut header, "root/store/ab/cd", &content[..])
        .unwrap();
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Link);
    link.set_size(0);
    let name = "usr/app/node_modules/.pnpm/linked@1.2.3/node_modules/linked/package.json";
    builder
        .append_link(&mut link, name, "root/store/ab/cd")
        .unwrap();
    let tar = builder.into_inner().unwrap();

    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("layout");
    let diff_id = Digest::sha256_of(&tar).to_string();
    write_layers(
        &path,
        &tar,
        &[(&host_platform(), &diff_id)],
        media_type::OCI_CONFIG,
    );
    let described = of_layout(&path).unwrap();
    assert_eq!(described.inventory.warnings, []);
    assert_eq!(described.inventory.packages[0].name, "linked");
    assert_eq!(
        described.inventory.packages[0].locations[0].path,
        format!("/{name}")
    );

    let registry = CountedRegistry::start(Default::default()).await;
    let client = impatient();
    let reference = registry.image("app:1.0");
    push_layout(&client, &Layout::open(&path).unwrap(), &reference)
        .await
        .unwrap();
    let pulled = describe_image(&client, &reference, None).await.unwrap();
    assert_eq!(pulled.inventory, described.inventory);
}

#[tokio::test]
async fn layers_that_are_no_tar_are_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("layout");
    write_layout(&path, &"content ".repeat(100));
    let error = of_layout(&path).unwrap_err();
    assert!(
        matches!(
            &error,
            DescribeError::Layer { index: 0, error, .. }
                if matches!(**error, LayerError::Header { at: 0, .. })
        ),
        "{error:?}"
    );
    let registry = CountedRegistry::start(Default::default()).await;
    let client = impatient();
    let reference = registry.image("app:1.0");
    push_layout(&client, &Layout::open(&path).unwrap(), &reference)
        .await
        .unwrap();
    assert_eq!(
        describe_image(&client, &reference, None).await.unwrap_err(),
        error
    );
}

#[test]
fn a_damaged_blob_is_a_wrong_digest() {
    let source = fixtures::folder("images/python-mini").join("oci");
    let place = tempfile::tempdir().unwrap();
    copy(&source, place.path());
    let layer = layer_of(place.path(), 2);
    let blob = place.path().join("blobs/sha256").join(layer.hex());
    let mut bytes = fs::read(&blob).unwrap();
    // The time in the gzip header: the content is the same, the blob is not.
    bytes[4] ^= 1;
    fs::write(&blob, bytes).unwrap();
    let error = of_layout(place.path()).unwrap_err();
    let expected = matches!(&error, DescribeError::Layout(reason)
        if matches!(**reason, LayoutError::DigestMismatch { expected, .. } if expected == layer));
    assert!(expected, "{error:?}");
}

#[test]
fn a_layer_with_another_diff_id_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let other = Digest::sha256_of(b"other").to_string();
    write_image(
        &place.path().join("layout"),
        &[(&host_platform(), &other)],
        media_type::OCI_CONFIG,
    );
    let error = of_layout(&place.path().join("layout")).unwrap_err();
    assert!(
        matches!(
            &error,
            DescribeError::Layer { error, .. } if matches!(**error, LayerError::DiffId(_))
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn of_several_platforms_one_is_chosen() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("layout");
    let right = Digest::sha256_of(&tar()).to_string();
    let other = Platform::parse("linux/s390x").unwrap();
    write_image(
        &path,
        &[(&other, &right), (&host_platform(), &right)],
        media_type::OCI_CONFIG,
    );
    let layout = Layout::open(&path).unwrap();
    let platform = |described: Described| match described.source {
        Source::Image(image) => {
            assert!(image.index_digest.is_some());
            image.platform.unwrap()
        }
        Source::File(_) => panic!("an image was described"),
    };
    let chosen = |wanted: Option<&Platform>| describe_layout(&layout, "image", Some("1.0"), wanted);
    assert_eq!(platform(chosen(None).unwrap()), host_platform());
    assert_eq!(platform(chosen(Some(&other)).unwrap()), other);
    let absent = Platform::parse("windows/amd64").unwrap();
    let expected = DescribeError::NoPlatform {
        wanted: absent.clone(),
        available: vec![other.clone(), host_platform()],
    };
    assert_eq!(chosen(Some(&absent)).unwrap_err(), expected);

    let registry = CountedRegistry::start(Default::default()).await;
    let client = impatient();
    let reference = registry.image("multi:1.0");
    push_layout(&client, &layout, &reference).await.unwrap();
    let pulled = describe_image(&client, &reference, Some(&other))
        .await
        .unwrap();
    assert_eq!(platform(pulled), other);
    assert_eq!(
        describe_image(&client, &reference, Some(&absent))
            .await
            .unwrap_err(),
        expected
    );
}

#[tokio::test]
async fn what_is_no_image_or_not_there() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("layout");
    let right = Digest::sha256_of(&tar()).to_string();
    write_image(
        &path,
        &[(&host_platform(), &right)],
        "application/vnd.cncf.helm.config.v1+json",
    );
    let error = of_layout(&path).unwrap_err();
    assert!(
        matches!(&error, DescribeError::NotAnImage { found, .. } if found.contains("helm")),
        "{error:?}"
    );
    let registry = CountedRegistry::start(Default::default()).await;
    let error = describe_image(&impatient(), &registry.image("nothing:1"), None)
        .await
        .unwrap_err();
    let DescribeError::Registry(error) = error else {
        panic!("{error:?}");
    };
    assert!(matches!(*error.fault, Fault::NotFound { .. }));
    assert!(matches!(
        describe_file(&place.path().join("absent")),
        Err(DescribeError::File { .. })
    ));
}

fn tar() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(10);
    header.set_mode(0o644);
    builder
        .append_data(&mut header, "etc/os-release", &b"ID=debian\n"[..])
        .unwrap();
    builder.into_inner().unwrap()
}

/// Writes an image for each platform, all of one layer, and an index over them where there are several.
fn write_image(path: &Path, images: &[(&Platform, &str)], config_type: &str) {
    write_layers(path, &tar(), images, config_type);
}

fn write_layers(path: &Path, layer: &[u8], images: &[(&Platform, &str)], config_type: &str) {
    let mut writer = LayoutWriter::create(path).unwrap();
    let layer = writer.add_blob(media_type::OCI_LAYER, layer).unwrap();
    let mut entries = Vec::new();
    for (platform, diff_id) in images {
        let config = format!(
            r#"{{"architecture":"{}","os":"{}","rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}}}}"#,
            platform.architecture, platform.os
        );
        let config = writer.add_blob(config_type, config.as_bytes()).unwrap();
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [layer],
        });
        let tag = (images.len() == 1).then_some("1.0");
        let text = manifest.to_string();
        if tag.is_some() {
            writer
                .add_manifest(media_type::OCI_MANIFEST, text.as_bytes(), tag)
                .unwrap();
        } else {
            let mut entry = writer
                .add_blob(media_type::OCI_MANIFEST, text.as_bytes())
                .unwrap();
            entry.platform = Some((*platform).clone());
            entries.push(entry);
        }
    }
    if !entries.is_empty() {
        let index = serde_json::json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries,
        });
        writer
            .add_manifest(
                media_type::OCI_INDEX,
                index.to_string().as_bytes(),
                Some("1.0"),
            )
            .unwrap();
    }
    writer.finish().unwrap();
}

fn layer_of(layout: &Path, index: usize) -> Digest {
    let layout = Layout::open(layout).unwrap();
    let image = layout.image(None).unwrap().clone();
    match layout.manifest(&image).unwrap() {
        countersign_artifact::Manifest::Image(image) => image.layers[index].digest,
        countersign_artifact::Manifest::Index(_) => panic!("one image is in it"),
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}
