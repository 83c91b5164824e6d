//! Reads signatures and attestations out of the OCI layouts of the fixtures.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use countersign_artifact::Digest;
use countersign_trust::{Material, MaterialError};
use serde_json::Value;

/// A case of the fixtures, `signing/<group>/<name>`.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) json: Value,
}

/// Lists the cases of `group`, in order.
pub(crate) fn cases(group: &str) -> Vec<Case> {
    let folder = countersign_testkit::fixtures::folder("signing").join(group);
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|folder| folder.join("case.json").is_file())
        .map(|folder| Case {
            name: folder.file_name().unwrap().to_str().unwrap().to_owned(),
            json: serde_json::from_slice(&fs::read(folder.join("case.json")).unwrap()).unwrap(),
            folder,
        })
        .collect();
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    cases
}

/// Reads a file of the signing fixtures.
pub(crate) fn file(path: &str) -> Vec<u8> {
    fs::read(countersign_testkit::fixtures::folder("signing").join(path)).unwrap()
}

impl Case {
    /// The digest of the image that the case is about.
    pub(crate) fn digest(&self) -> Digest {
        Digest::parse(self.json["digest"].as_str().unwrap()).unwrap()
    }

    /// The value of a flag in the first command line of `check` that has it.
    pub(crate) fn flag(&self, check: &str, flag: &str) -> Option<String> {
        let verdicts = self.json["verdicts"].as_array()?;
        let argv = verdicts
            .iter()
            .filter(|verdict| verdict["check"] == check)
            .filter_map(|verdict| verdict["argv"].as_array());
        argv.filter_map(|argv| {
            let at = argv.iter().position(|word| word == flag)?;
            Some(argv.get(at + 1)?.as_str()?.to_owned())
        })
        .next()
    }

    /// The manifest of the image that the case is about, if it is in the layout.
    pub(crate) fn manifest(&self) -> Option<Vec<u8>> {
        blob(&self.folder.join("layout"), &self.json["digest"])
    }

    /// The bundles among the blobs of the layout.
    pub(crate) fn bundles(&self) -> Vec<Vec<u8>> {
        let blobs = fs::read_dir(self.folder.join("layout/blobs/sha256")).unwrap();
        let mut paths: Vec<_> = blobs.map(|blob| blob.unwrap().path()).collect();
        paths.sort();
        let contents = paths.iter().map(|path| fs::read(path).unwrap());
        contents
            .filter(|content| find(content, b"verificationMaterial"))
            .collect()
    }

    /// The first layer with a signature or attestation in the older form, and its annotations.
    pub(crate) fn legacy_layer(&self) -> Option<(Vec<u8>, BTreeMap<String, String>)> {
        let layout = self.folder.join("layout");
        let index = fs::read(layout.join("index.json")).ok()?;
        let index: Value = serde_json::from_slice(&index).ok()?;
        index["manifests"]
            .as_array()?
            .iter()
            .find_map(|descriptor| {
                let tag =
                    descriptor["annotations"]["org.opencontainers.image.ref.name"].as_str()?;
                if !tag.ends_with(".sig") && !tag.ends_with(".att") {
                    return None;
                }
                let manifest = blob(&layout, &descriptor["digest"])?;
                let manifest: Value = serde_json::from_slice(&manifest).ok()?;
                let layer = manifest["layers"].get(0)?;
                Some((blob(&layout, &layer["digest"])?, annotations(layer)))
            })
    }

    /// Everything that is attached to any image in the layouts.
    pub(crate) fn material(&self) -> Vec<Result<Material, MaterialError>> {
        let mut found = Vec::new();
        for name in ["layout", "layout-2"] {
            let layout = self.folder.join(name);
            if layout.is_dir() {
                found.extend(material(&layout));
            }
        }
        found
    }
}

fn material(layout: &Path) -> Vec<Result<Material, MaterialError>> {
    let index = fs::read(layout.join("index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let mut found = Vec::new();
    for descriptor in index["manifests"].as_array().unwrap() {
        let tag = descriptor["annotations"]["org.opencontainers.image.ref.name"].as_str();
        of_manifest(layout, &descriptor["digest"], tag, &mut found);
    }
    found
}

fn of_manifest(
    layout: &Path,
    digest: &Value,
    tag: Option<&str>,
    found: &mut Vec<Result<Material, MaterialError>>,
) {
    let Some(manifest) = blob(layout, digest) else {
        return;
    };
    let Ok(manifest) = serde_json::from_slice::<Value>(&manifest) else {
        return;
    };
    for child in manifest["manifests"].as_array().into_iter().flatten() {
        of_manifest(layout, &child["digest"], None, found);
    }
    for layer in manifest["layers"].as_array().into_iter().flatten() {
        let Some(content) = blob(layout, &layer["digest"]) else {
            continue;
        };
        let media_type = layer["mediaType"].as_str().unwrap();
        match tag {
            Some(tag) if tag.ends_with(".sig") => {
                found.push(Material::legacy_signature(content, &annotations(layer)));
            }
            Some(tag) if tag.ends_with(".att") => {
                found.push(Material::legacy_attestation(content, &annotations(layer)));
            }
            _ if media_type.starts_with("application/vnd.dev.sigstore.bundle") => {
                found.push(Material::parse_bundle(&content));
            }
            _ => {}
        }
    }
}

fn annotations(layer: &Value) -> BTreeMap<String, String> {
    let found = layer["annotations"].as_object().into_iter().flatten();
    found
        .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()))
        .collect()
}

fn blob(layout: &Path, digest: &Value) -> Option<Vec<u8>> {
    let digest = digest.as_str()?.replace(':', "/");
    fs::read(layout.join("blobs").join(digest)).ok()
}

fn find(content: &[u8], text: &[u8]) -> bool {
    content.windows(text.len()).any(|window| window == text)
}
