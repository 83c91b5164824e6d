//! The TUF repository that hands out the trust root: four roles, consistent snapshots.
//!
//! Metadata lives for a year and is renewed at half time, at a start or by the running stack, so a
//! client that updates at all never meets an expired file.

mod http;
mod metadata;

pub(crate) use http::router;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::data_folder::{
    FileError, PUBLIC, SMALL_FILE, create_private_folder, read_capped, write_whole,
};
use crate::service_keys::RoleKeys;
use crate::signing_key::{KeyError, sha256};
use metadata::{Role, file_facts, sign};

/// The repository: its keys, its folder, and what it serves now.
#[derive(Debug)]
pub(crate) struct TrustRepository {
    keys: RoleKeys,
    folder: PathBuf,
    targets: BTreeMap<&'static str, Vec<u8>>,
    served: RwLock<Arc<BTreeMap<String, Vec<u8>>>>,
}

impl TrustRepository {
    /// Opens the repository in `folder` so that it hands out exactly `targets`, signing new
    /// metadata where the stored one is about other targets, or old.
    pub(crate) fn open(
        folder: PathBuf,
        keys: RoleKeys,
        targets: BTreeMap<&'static str, Vec<u8>>,
        now: Timestamp,
    ) -> Result<TrustRepository, RepositoryError> {
        create_private_folder(&folder)?;
        let repository = TrustRepository {
            keys,
            folder,
            targets,
            served: RwLock::default(),
        };
        repository.refresh(now)?;
        Ok(repository)
    }

    /// Signs what is due, writes it, and serves it. Cheap when nothing is.
    pub(crate) fn refresh(&self, now: Timestamp) -> Result<(), RepositoryError> {
        let mut served = BTreeMap::new();
        let newest_root = self.refresh_root(now, &mut served)?;
        served.insert("root.json".to_owned(), newest_root);

        let listed: serde_json::Map<String, Value> = self
            .targets
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), file_facts(bytes, None)))
            .collect();
        for (name, bytes) in &self.targets {
            let path = format!("targets/{}.{name}", hex::encode(sha256(bytes)));
            served.insert(path, bytes.clone());
        }
        let targets = self.refresh_role(Role::Targets, json!({"targets": listed}), now)?;
        let snapshot = json!({"meta": {
            "targets.json": file_facts(&targets.bytes, Some(targets.version)),
        }});
        let snapshot = self.refresh_role(Role::Snapshot, snapshot, now)?;
        let timestamp = json!({"meta": {
            "snapshot.json": file_facts(&snapshot.bytes, Some(snapshot.version)),
        }});
        // The timestamp is what makes the others current, so it is written last.
        let timestamp = self.refresh_role(Role::Timestamp, timestamp, now)?;
        served.insert(format!("{}.targets.json", targets.version), targets.bytes);
        served.insert(
            format!("{}.snapshot.json", snapshot.version),
            snapshot.bytes,
        );
        served.insert("timestamp.json".to_owned(), timestamp.bytes);
        *self.served.write().unwrap_or_else(|e| e.into_inner()) = Arc::new(served);
        Ok(())
    }

    /// Bytes of a file by its path in the repository.
    pub(crate) fn file(&self, path: &str) -> Option<Vec<u8>> {
        let served = self.served.read().unwrap_or_else(|e| e.into_inner());
        served.get(path).cloned()
    }

    /// Every root version stays: clients walk from the one they know to the newest.
    fn refresh_root(
        &self,
        now: Timestamp,
        served: &mut BTreeMap<String, Vec<u8>>,
    ) -> Result<Vec<u8>, RepositoryError> {
        let path = |version: u64| self.folder.join(format!("{version}.root.json"));
        let mut newest = None;
        let mut version = 1;
        while let Some(bytes) = read_capped(&path(version), SMALL_FILE)? {
            served.insert(format!("{version}.root.json"), bytes.clone());
            newest = Some(Stored::read(bytes, Role::Root, &self.keys, &path(version))?);
            version += 1;
        }
        if let Some(newest) = newest.filter(|newest| !newest.is_due(now)) {
            return Ok(newest.bytes);
        }
        let body = metadata::root_body(&self.keys);
        let bytes = sign(Role::Root, &self.keys, version, now + LIFETIME, body)?;
        write_whole(&path(version), &bytes, PUBLIC)?;
        served.insert(format!("{version}.root.json"), bytes.clone());
        Ok(bytes)
    }

    /// Keeps the stored metadata of `role` when it says `body` and is fresh, else signs the next
    /// version.
    fn refresh_role(
        &self,
        role: Role,
        body: Value,
        now: Timestamp,
    ) -> Result<Stored, RepositoryError> {
        let path = self.folder.join(format!("{}.json", role.name()));
        let stored = match read_capped(&path, SMALL_FILE)? {
            Some(bytes) => Some(Stored::read(bytes, role, &self.keys, &path)?),
            None => None,
        };
        let version = match stored {
            Some(stored) if stored.says(&body) && !stored.is_due(now) => return Ok(stored),
            Some(stored) => stored.version + 1,
            None => 1,
        };
        let bytes = sign(role, &self.keys, version, now + LIFETIME, body)?;
        write_whole(&path, &bytes, PUBLIC)?;
        Stored::read(bytes, role, &self.keys, &path)
    }
}

/// Metadata on the disk, which our own key signed.
#[derive(Debug)]
struct Stored {
    bytes: Vec<u8>,
    version: u64,
    expires: Timestamp,
    signed: Value,
}

impl Stored {
    fn read(
        bytes: Vec<u8>,
        role: Role,
        keys: &RoleKeys,
        path: &Path,
    ) -> Result<Stored, RepositoryError> {
        let damaged = || RepositoryError::Damaged {
            path: path.to_path_buf(),
        };
        let signed = metadata::verify(&bytes, role, keys).ok_or_else(damaged)?;
        let version = signed["version"].as_u64().ok_or_else(damaged)?;
        let expires = signed["expires"]
            .as_str()
            .and_then(|text| text.parse().ok());
        Ok(Stored {
            version,
            expires: expires.ok_or_else(damaged)?,
            bytes,
            signed,
        })
    }

    fn says(&self, body: &Value) -> bool {
        let body = body.as_object();
        body.is_some_and(|body| body.iter().all(|(key, value)| self.signed[key] == *value))
    }

    fn is_due(&self, now: Timestamp) -> bool {
        now + HALF_LIFETIME >= self.expires
    }
}

/// Why the repository could not be opened or renewed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryError {
    /// A metadata file is not what this repository signed.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A key failed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

const LIFETIME: SignedDuration = SignedDuration::from_hours(365 * 24);
const HALF_LIFETIME: SignedDuration = SignedDuration::from_hours(365 * 12);
