//! The policy engine's source of evidence: registries, asked from threads that may block.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use countersign_artifact::{Descriptor, Digest, ImageManifest, ImageReference, Manifest, Platform};
use countersign_policy::evidence_source::{
    EvidenceSource, SignatureSource, TrustRootLookup, Undecided, Wanted,
};
use countersign_trust::{Material, Timestamp, TrustRoot};
use futures_util::future::{BoxFuture, FutureExt as _, try_join_all};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::material::{Place, material};
use crate::registry::{Client, RegistryError, Repository};

/// Evidence from registries. Each question is asked anew: what may be remembered, and for how long, is
/// for the caller to say.
pub struct RegistryEvidence {
    registry: Client,
    runtime: Handle,
    public_root: Arc<TrustRoot>,
    roots: BTreeMap<String, Arc<TrustRoot>>,
    place: Place,
}

impl RegistryEvidence {
    /// Asks with `registry`, whose patience bounds each question. The calls block, and must not be made
    /// on a thread of `runtime` that others wait for (`spawn_blocking` gives one).
    #[must_use]
    pub fn new(registry: Client, runtime: Handle, public_root: TrustRoot) -> Self {
        Self {
            registry,
            runtime,
            public_root: Arc::new(public_root),
            roots: BTreeMap::new(),
            place: Place::default(),
        }
    }

    /// Knows one more trust root, by its name.
    #[must_use]
    pub fn with_trust_root(mut self, name: &str, root: TrustRoot) -> Self {
        self.roots.insert(name.to_owned(), Arc::new(root));
        self
    }

    /// Looks for signatures in `place` where a policy names none (`COSIGN_REPOSITORY`).
    #[must_use]
    pub fn with_place(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// The root that policies get which name none.
    #[must_use]
    pub fn public_trust_root(&self) -> &TrustRoot {
        &self.public_root
    }

    /// Finds out what the tag of `image` names at this moment.
    pub fn resolve(&self, image: &ImageReference) -> Result<Digest, Undecided> {
        let resolved = self.runtime.block_on(self.registry.resolve(image));
        Ok(resolved.map_err(|error| undecided(image, &error))?.digest)
    }

    fn place(&self, source: &SignatureSource) -> Result<Place, Undecided> {
        let place = match &source.repository {
            None => self.place.clone(),
            Some(repository) => {
                Place::in_repository(repository).map_err(|error| Undecided::Registry {
                    image: repository.clone(),
                    detail: error.to_string(),
                })?
            }
        };
        Ok(match &source.tag_prefix {
            Some(prefix) => place.with_tag_prefix(prefix),
            None => place,
        })
    }
}

impl EvidenceSource for RegistryEvidence {
    /// Pull secrets of the cluster are not read; whatever needs them answers 401, which is undecided.
    fn material(
        &self,
        image: &ImageReference,
        source: &SignatureSource,
        wanted: Wanted,
    ) -> Result<Arc<[Material]>, Undecided> {
        let place = self.place(source)?;
        let found = self
            .runtime
            .block_on(material(&self.registry, image, wanted, &place));
        found
            .map(Arc::from)
            .map_err(|error| undecided(image, &error))
    }

    fn trust_root(&self, name: Option<&str>) -> Result<Arc<TrustRoot>, TrustRootLookup> {
        let Some(name) = name else {
            return Ok(Arc::clone(&self.public_root));
        };
        let known = self.roots.get(name).map(Arc::clone);
        known.ok_or_else(|| TrustRootLookup::NotFound(name.to_owned()))
    }

    fn image_configs(&self, image: &ImageReference) -> Result<BTreeMap<String, Value>, Undecided> {
        let found = self.runtime.block_on(image_configs(&self.registry, image));
        found.map_err(|error| undecided(image, &error))
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl fmt::Debug for RegistryEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roots: Vec<&String> = self.roots.keys().collect();
        f.debug_struct("RegistryEvidence")
            .field("roots", &roots)
            .finish_non_exhaustive()
    }
}

fn undecided(image: &ImageReference, error: &RegistryError) -> Undecided {
    Undecided::Registry {
        image: image.name(),
        detail: error.to_string(),
    }
}

/// The configuration of each platform of `image`, by `os/architecture[/variant][:os-version]`; of an
/// index all that is in it, indexes in indexes too.
pub async fn image_configs(
    registry: &Client,
    image: &ImageReference,
) -> Result<BTreeMap<String, Value>, RegistryError> {
    let top = registry.manifest(image).await?;
    let repository = Repository::of(image);
    let found = configs_of(registry, &repository, top.manifest, 0).await?;
    Ok(found.into_iter().collect())
}

fn configs_of<'a>(
    registry: &'a Client,
    repository: &'a Repository,
    manifest: Manifest,
    depth: usize,
) -> BoxFuture<'a, Result<Vec<(String, Value)>, RegistryError>> {
    async move {
        let index = match manifest {
            Manifest::Image(image) => return config_of(registry, repository, &image).await,
            Manifest::Index(_) if depth >= MAX_DEPTH => return Ok(Vec::new()),
            Manifest::Index(index) => index,
        };
        let child = async |entry: Descriptor| {
            let reference = entry.digest.to_string();
            let fetched = registry.manifest_at(repository, &reference).await?;
            configs_of(registry, repository, fetched.manifest, depth + 1).await
        };
        let each = index.manifests.into_iter().take(MAX_PLATFORMS).map(child);
        Ok(try_join_all(each).await?.concat())
    }
    .boxed()
}

async fn config_of(
    registry: &Client,
    repository: &Repository,
    image: &ImageManifest,
) -> Result<Vec<(String, Value)>, RegistryError> {
    let bytes = registry.blob(repository, &image.config, MAX_CONFIG).await?;
    // What is no JSON says nothing about a platform, and a rule that asks will miss it.
    let config: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let platform: Platform = serde_json::from_value(config.clone()).unwrap_or_default();
    let name = if platform.os.is_empty() {
        String::new()
    } else {
        platform.to_string()
    };
    Ok(vec![(name, config)])
}

/// As deep as anyone nests indexes, and once more.
const MAX_DEPTH: usize = 4;
/// The largest official images have some thirty.
const MAX_PLATFORMS: usize = 200;
/// The largest configurations, of images with a long history, have 100 KB.
const MAX_CONFIG: u64 = 8 << 20;
