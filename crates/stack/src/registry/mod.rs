//! The OCI registry: distribution specification 1.1 on a folder, with the referrers API.
//!
//! `core.rs` decides, `http/` speaks, `storage.rs` and `uploads.rs` remember. Blobs are files named by
//! their digest, everything else is in one redb database, whose commit is the moment of acknowledgement.
//!
//! Nothing of a blob is held in memory beyond one chunk, and no byte a client sends becomes part of a
//! path before it has passed [`RepositoryName`] or has been parsed as a digest.

mod core;
mod http;
mod manifest;
mod name;
mod refusal;
mod storage;
mod uploads;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::core::Core;
use self::storage::Storage;
use self::uploads::Uploads;

pub use self::name::{NameError, RepositoryName};

/// A registry on a folder. Cheap to clone; the clones share the folder.
#[derive(Clone)]
pub struct Registry {
    core: Arc<Core>,
}

/// What a registry serves and how much of it.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// Answer 404 to the referrers API and never claim to have processed a subject, as registries of
    /// distribution specification 1.0 do: clients then keep the fallback tag themselves.
    pub without_referrers: bool,
    /// The largest blob taken.
    pub blob_limit: u64,
    /// The most descriptors in one page of referrers.
    pub referrers_page: usize,
    /// The most names in one page of tags, or of repositories.
    pub tags_page: usize,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            without_referrers: false,
            blob_limit: 16 << 30,
            referrers_page: 1_000,
            tags_page: 10_000,
        }
    }
}

/// Why a folder cannot be served as a registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Another process, or another `Registry` in this one, has the folder open.
    #[error("registry folder {} is in use by another process", folder.display())]
    InUse {
        /// The registry's folder.
        folder: PathBuf,
    },
    /// The folder cannot be made, read or written.
    #[error("registry folder {}: {source}", folder.display())]
    Folder {
        /// The registry's folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The database in the folder cannot be opened.
    #[error("registry database in {}: {source}", folder.display())]
    Database {
        /// The registry's folder.
        folder: PathBuf,
        /// What the database said.
        source: Box<redb::Error>,
    },
}

impl Registry {
    /// Opens the registry in `folder`, which is made if it is absent.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, RegistryError> {
        Self::open_with(folder, RegistryOptions::default())
    }

    /// Opens the registry in `folder` with other options than the default ones.
    pub fn open_with(
        folder: impl AsRef<Path>,
        options: RegistryOptions,
    ) -> Result<Self, RegistryError> {
        let folder = folder.as_ref();
        let storage = Storage::open(folder)?;
        let uploads = Uploads::open(folder)?;
        Ok(Self {
            core: Arc::new(Core::new(storage, uploads, options)),
        })
    }

    /// Returns the routes under `/v2`, to be served alone or merged with others.
    pub fn router(&self) -> axum::Router {
        http::router(Arc::clone(&self.core))
    }
}
