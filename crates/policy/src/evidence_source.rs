//! What the engine asks the world for.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_artifact::ImageReference;
use countersign_trust::{Material, TrustRoot};
use jiff::Timestamp;
use serde_json::Value;

/// Gives the engine what it judges. Every answer is material to be verified, none is believed; what
/// cannot be fetched is [`Undecided`], never "nothing is there".
pub trait EvidenceSource {
    /// All signatures or attestations of `image`, which has a digest, in every format, merged.
    fn material(
        &self,
        image: &ImageReference,
        source: &SignatureSource,
        wanted: Wanted,
    ) -> Result<Arc<[Material]>, Undecided>;

    /// A trust root by the name of its TrustRoot object; `None` is the public one.
    fn trust_root(&self, name: Option<&str>) -> Result<Arc<TrustRoot>, TrustRootLookup>;

    /// The configuration of each platform of `image`, by `os/architecture[/variant][:os-version]`.
    fn image_configs(&self, image: &ImageReference) -> Result<BTreeMap<String, Value>, Undecided>;

    /// The time of the verdict.
    fn now(&self) -> Timestamp;
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wanted {
    /// Signatures of the image.
    Signatures,
    /// Attestations about the image.
    Attestations,
}

/// Where signatures and attestations are, when not beside the image.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignatureSource {
    /// The repository that holds them, `registry/repository`.
    pub repository: Option<String>,
    /// What stands before `sha256-...` in their legacy tags.
    pub tag_prefix: Option<String>,
    /// Secrets to read that repository with, in the namespace of the workload.
    pub pull_secrets: Vec<String>,
    /// The namespace of the workload.
    pub namespace: String,
}

/// Why something cannot be judged. It is neither yes nor no.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Undecided {
    /// A registry did not answer, refused, or sent nonsense.
    #[error("registry of {image}: {detail}")]
    Registry {
        /// The image, or where its signatures are.
        image: String,
        /// What happened.
        detail: String,
    },
    /// A trust root could not be had.
    #[error("trust root {name}: {detail}")]
    TrustRoot {
        /// Its name, `public` for the public one.
        name: String,
        /// What happened.
        detail: String,
    },
    /// A rule could not be asked within its limits.
    #[error("{detail}")]
    Rule {
        /// Its name.
        name: String,
        /// What happened, its name included.
        detail: String,
    },
    /// The time for the verdict is up.
    #[error("context was canceled before validation completed")]
    Deadline,
}

/// Why there is no trust root.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustRootLookup {
    /// There is none of this name: the policy is wrong, and denies.
    #[error("trustRootRef {0} not found")]
    NotFound(String),
    /// It is there and cannot be used; denies too.
    #[error("trustRootRef {name} is unusable: {detail}")]
    Unusable {
        /// Its name.
        name: String,
        /// Why.
        detail: String,
    },
    /// It could not be asked for.
    #[error(transparent)]
    Undecided(#[from] Undecided),
}
