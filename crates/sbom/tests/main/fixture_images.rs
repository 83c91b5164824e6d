//! Images of `fixtures/`, read and scanned, and the judge's list of what is in them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use countersign_artifact::{Digest, ImageManifest, Manifest};
use countersign_sbom::{
    ExpectedLayer, Inventory, Layer, LayerLimits, PackageKind, Scan, cataloger,
};
use countersign_testkit::fixtures;
use serde::Deserialize;

/// A row of `truth.json`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Row {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) purl: String,
    #[serde(rename = "where")]
    pub(crate) place: String,
    pub(crate) level: String,
}

#[derive(Deserialize)]
struct Truth {
    packages: Vec<Row>,
}

/// The rows of an image's `truth.json` of one kind.
pub(crate) fn truth(image: &str, kind: PackageKind) -> Vec<Row> {
    let text = fs::read(folder(image).join("truth.json")).unwrap();
    let truth: Truth = serde_json::from_slice(&text).unwrap();
    truth
        .packages
        .into_iter()
        .filter(|row| row.kind == kind.as_str())
        .collect()
}

/// Scans an image with every cataloger.
pub(crate) fn scan(image: &str) -> Inventory {
    let scan = Scan::new(cataloger::all(), LayerLimits::default());
    let layers = read(&scan, image);
    scan.finish(layers).unwrap()
}

/// Reads the layers of an image, the top one first.
pub(crate) fn read(scan: &Scan, image: &str) -> Vec<Layer> {
    let layers = layers(image);
    let top_first = layers.into_iter().rev();
    top_first
        .map(|(expected, blob)| scan.read_layer(&expected, &blob[..]).unwrap())
        .collect()
}

/// The layers of an image, the lowest first: what they must be, and their blobs.
pub(crate) fn layers(image: &str) -> Vec<(ExpectedLayer, Vec<u8>)> {
    let layout = folder(image).join("oci");
    let index = fs::read(layout.join("index.json")).unwrap();
    let Manifest::Index(index) = Manifest::parse(None, &index).unwrap() else {
        panic!("no index");
    };
    let manifest: ImageManifest =
        match Manifest::parse(None, &blob(&layout, &index.manifests[0].digest)).unwrap() {
            Manifest::Image(manifest) => manifest,
            Manifest::Index(_) => panic!("no manifest"),
        };
    let config: serde_json::Value =
        serde_json::from_slice(&blob(&layout, &manifest.config.digest)).unwrap();
    let diff_ids = config["rootfs"]["diff_ids"].as_array().unwrap();
    let described = manifest.layers.iter().zip(diff_ids).enumerate();
    described
        .map(|(index, (layer, diff_id))| {
            let expected = ExpectedLayer {
                index,
                digest: Some(layer.digest),
                size: Some(layer.size),
                diff_id: Digest::parse(diff_id.as_str().unwrap()).unwrap(),
            };
            (expected, blob(&layout, &layer.digest))
        })
        .collect()
}

/// The purls of an inventory's packages of one kind, without what the judge does not compare.
pub(crate) fn purls(inventory: &Inventory, kind: PackageKind) -> BTreeSet<String> {
    let packages = inventory
        .packages
        .iter()
        .filter(|package| package.kind == kind);
    packages
        .map(|package| comparable(&package.purl.as_ref().unwrap().to_string()))
        .collect()
}

/// Keeps of the qualifiers only `arch`.
pub(crate) fn comparable(purl: &str) -> String {
    let (name, qualifiers) = purl.split_once('?').unwrap_or((purl, ""));
    match qualifiers
        .split('&')
        .find(|qualifier| qualifier.starts_with("arch="))
    {
        Some(arch) => format!("{name}?{arch}"),
        None => name.to_owned(),
    }
}

fn folder(image: &str) -> PathBuf {
    fixtures::folder(&format!("images/{image}"))
}

fn blob(layout: &Path, digest: &Digest) -> Vec<u8> {
    fs::read(layout.join("blobs/sha256").join(digest.hex())).unwrap()
}
