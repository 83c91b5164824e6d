//! `node_modules/.package-lock.json`: npm 7 and later write there what they installed, with its hashes.

use serde::Deserialize;

use super::fault_of;
use super::manifest::{Fields, integrity};
use crate::checksum::Checksum;
use crate::document::Fault;

#[derive(Debug, Deserialize)]
struct Lock {
    #[serde(default)]
    packages: Fields<Entry>,
}

/// What is written about one package.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    #[serde(default)]
    pub(super) version: String,
    pub(super) resolved: Option<String>,
    integrity: Option<String>,
}

impl Entry {
    pub(super) fn checksum(&self) -> Option<Checksum> {
        self.integrity.as_deref().and_then(integrity)
    }
}

/// The entries by their paths, relative to the folder that holds `node_modules`.
pub(super) fn parse(json: &[u8]) -> Result<Fields<Entry>, Fault> {
    let lock: Lock = serde_json::from_slice(json).map_err(|error| fault_of(&error))?;
    Ok(lock.packages)
}
