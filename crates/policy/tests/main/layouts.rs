//! Evidence from OCI layouts: what a registry that holds the fixtures would give.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_artifact::ImageReference;
use countersign_policy::{EvidenceSource, SignatureSource, TrustRootLookup, Undecided, Wanted};
use countersign_trust::{Material, Timestamp, TrustRoot};
use serde_json::Value;

/// The images of a folder of layouts, under the host `registry.test`.
pub(crate) struct Layouts {
    repositories: BTreeMap<String, Layout>,
    pub(crate) trust_roots: BTreeMap<String, Arc<TrustRoot>>,
    pub(crate) now: Timestamp,
    /// Whether the registry answers.
    pub(crate) is_away: bool,
    /// How often the registry was asked for signatures or attestations.
    pub(crate) asked: Cell<usize>,
}

struct Layout {
    folder: PathBuf,
    manifests: Vec<Value>,
}

pub(crate) const HOST: &str = "registry.test";

impl Layouts {
    pub(crate) fn read(folder: &Path) -> Self {
        let mut repositories = BTreeMap::new();
        for entry in fs::read_dir(folder).unwrap() {
            let folder = entry.unwrap().path();
            let index: Value =
                serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
            let name = index["annotations"]["org.countersign.repository"]
                .as_str()
                .unwrap();
            let manifests = index["manifests"].as_array().unwrap().clone();
            repositories.insert(name.to_owned(), Layout { folder, manifests });
        }
        let now = "2026-11-24T00:00:00Z".parse().unwrap();
        let trust_roots = BTreeMap::new();
        Self {
            repositories,
            trust_roots,
            now,
            is_away: false,
            asked: Cell::new(0),
        }
    }

    /// The image with its digest, whatever its tag names now.
    pub(crate) fn resolve(&self, image: &ImageReference) -> ImageReference {
        if image.digest().is_some() {
            return image.clone();
        }
        let layout = &self.repositories[image.repository()];
        let digest = layout.digest_of(image.tag().unwrap()).unwrap();
        image.with_digest(countersign_artifact::Digest::parse(&digest).unwrap())
    }

    fn repository(&self, registry: &str, name: &str) -> Result<Option<&Layout>, Undecided> {
        if self.is_away || registry != HOST {
            let image = format!("{registry}/{name}");
            return Err(Undecided::Registry {
                image,
                detail: "connection refused".to_owned(),
            });
        }
        Ok(self.repositories.get(name))
    }
}

impl Layout {
    fn blob(&self, digest: &str) -> Vec<u8> {
        fs::read(self.folder.join("blobs").join(digest.replace(':', "/"))).unwrap()
    }

    fn json(&self, digest: &str) -> Value {
        serde_json::from_slice(&self.blob(digest)).unwrap()
    }

    fn digest_of(&self, tag: &str) -> Option<String> {
        let is_it =
            |entry: &&Value| entry["annotations"]["org.opencontainers.image.ref.name"] == tag;
        let entry = self.manifests.iter().find(is_it)?;
        Some(entry["digest"].as_str().unwrap().to_owned())
    }

    fn tagged(&self, tag: &str) -> Option<Value> {
        Some(self.json(&self.digest_of(tag)?))
    }

    fn legacy(&self, tag: &str, wanted: Wanted) -> Vec<Material> {
        let Some(manifest) = self.tagged(tag) else {
            return Vec::new();
        };
        let layers = manifest["layers"].as_array().unwrap().iter();
        layers.map(|layer| self.layer(layer, wanted)).collect()
    }

    fn layer(&self, layer: &Value, wanted: Wanted) -> Material {
        let bytes = self.blob(layer["digest"].as_str().unwrap());
        let annotations = layer["annotations"].as_object().into_iter().flatten();
        let annotations = annotations
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let material = match wanted {
            Wanted::Signatures => Material::legacy_signature(bytes, &annotations),
            Wanted::Attestations => Material::legacy_attestation(bytes, &annotations),
        };
        material.unwrap_or_else(Material::unreadable)
    }

    fn bundles(&self, subject: &str) -> Vec<Material> {
        let manifests = self
            .manifests
            .iter()
            .map(|entry| self.json(entry["digest"].as_str().unwrap()));
        let referrers = manifests.filter(|manifest| manifest["subject"]["digest"] == subject);
        let mut found = Vec::new();
        for referrer in referrers {
            for layer in referrer["layers"].as_array().unwrap() {
                if layer["mediaType"]
                    .as_str()
                    .unwrap()
                    .starts_with("application/vnd.dev.sigstore.bundle")
                {
                    let bytes = self.blob(layer["digest"].as_str().unwrap());
                    found.push(Material::parse_bundle(&bytes).unwrap_or_else(Material::unreadable));
                }
            }
        }
        found
    }

    fn configs(&self, manifest: &Value, into: &mut BTreeMap<String, Value>) {
        for child in manifest["manifests"].as_array().into_iter().flatten() {
            self.configs(&self.json(child["digest"].as_str().unwrap()), into);
        }
        if let Some(digest) = manifest["config"]["digest"].as_str() {
            let config = self.json(digest);
            let text = |name: &str| config[name].as_str().unwrap_or_default().to_owned();
            let variant = match text("variant").as_str() {
                "" => String::new(),
                variant => format!("/{variant}"),
            };
            into.insert(
                format!("{}/{}{variant}", text("os"), text("architecture")),
                config,
            );
        }
    }
}

impl EvidenceSource for Layouts {
    fn material(
        &self,
        image: &ImageReference,
        source: &SignatureSource,
        wanted: Wanted,
    ) -> Result<Arc<[Material]>, Undecided> {
        self.asked.set(self.asked.get() + 1);
        let (registry, name) = match &source.repository {
            None => (image.registry().to_owned(), image.repository().to_owned()),
            Some(place) => {
                let place = ImageReference::parse(place).unwrap();
                (place.registry().to_owned(), place.repository().to_owned())
            }
        };
        let Some(repository) = self.repository(&registry, &name)? else {
            return Ok(Arc::new([]));
        };
        let digest = image.digest().unwrap().to_string();
        let ending = match wanted {
            Wanted::Signatures => "sig",
            Wanted::Attestations => "att",
        };
        let prefix = source.tag_prefix.as_deref().unwrap_or_default();
        let tag = format!("{prefix}{}.{ending}", digest.replace(':', "-"));
        let mut found = repository.bundles(&digest);
        found.extend(repository.legacy(&tag, wanted));
        Ok(found.into())
    }

    fn trust_root(&self, name: Option<&str>) -> Result<Arc<TrustRoot>, TrustRootLookup> {
        match name {
            None => Ok(Arc::new(TrustRoot::public_good())),
            Some(name) => {
                let root = self.trust_roots.get(name).cloned();
                root.ok_or_else(|| TrustRootLookup::NotFound(name.to_owned()))
            }
        }
    }

    fn image_configs(&self, image: &ImageReference) -> Result<BTreeMap<String, Value>, Undecided> {
        let mut configs = BTreeMap::new();
        if let Some(repository) = self.repository(image.registry(), image.repository())? {
            repository.configs(
                &repository.json(&image.digest().unwrap().to_string()),
                &mut configs,
            );
        }
        Ok(configs)
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}
