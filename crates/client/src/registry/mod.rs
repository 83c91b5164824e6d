//! OCI registries, spoken to honestly.
//!
//! A registry that is down, that refuses or that answers nonsense is an error; only its own word that
//! something is not there reads as absence. Requests go straight to the resource, without asking
//! `/v2/` first: the answer 401 says what to do, and most tools' extra round trip is saved. Everything
//! fetched by digest is compared with it, and nothing is longer than its cap.

mod access;
mod blobs;
mod challenge;
mod client;
mod error;
pub mod keychain;
mod manifests;
mod referrers;
mod scheme;
mod token;
mod upload;

pub use blobs::BlobStream;
pub use client::{Client, ClientOptions};
pub use error::{Fault, RegistryError, Resource};
pub use keychain::{Credential, Keychain, KeychainError};
pub(crate) use manifests::descriptor;
pub use manifests::{FetchedManifest, Listed};
pub use referrers::{Referrers, ReferrersFrom};
pub use scheme::PlainHttp;
pub use upload::{BlobSource, Pushed};

use std::fmt;

use countersign_artifact::ImageReference;

/// A repository in a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    registry: String,
    path: String,
}

impl Repository {
    /// The repository that `image` is in.
    #[must_use]
    pub fn of(image: &ImageReference) -> Self {
        Self {
            registry: image.registry().to_owned(),
            path: image.repository().to_owned(),
        }
    }

    /// The registry, a host with an optional port.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The name within the registry.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.registry, self.path)
    }
}
