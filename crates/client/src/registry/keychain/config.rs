//! Docker's `config.json`, which podman's `auth.json` and Kubernetes' pull secrets share.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{Credential, KeychainError, helper};
use crate::Secret;

/// The credentials in a docker configuration, and the helpers that keep others.
#[derive(Clone, Debug)]
pub struct DockerConfig {
    auths: BTreeMap<String, Credential>,
    helpers: BTreeMap<String, String>,
    store: Option<String>,
}

impl DockerConfig {
    /// Reads a configuration; what does not concern credentials is let be.
    pub fn parse(json: &[u8]) -> Result<Self, KeychainError> {
        if json.len() > MAX_SIZE {
            return Err(KeychainError::TooLarge { limit: MAX_SIZE });
        }
        let wire: Wire =
            serde_json::from_slice(json).map_err(|error| KeychainError::Malformed {
                line: error.line(),
                column: error.column(),
            })?;
        let mut auths = BTreeMap::new();
        for (key, entry) in wire.auths {
            if let Some(credential) = entry.credential(&key)? {
                auths.insert(normal(&key), credential);
            }
        }
        let names = wire.cred_helpers.values().chain(&wire.creds_store);
        for name in names.filter(|name| !name.is_empty()) {
            helper::check_name(name)?;
        }
        Ok(Self {
            auths,
            helpers: wire
                .cred_helpers
                .into_iter()
                .map(|(key, name)| (normal(&key), name))
                .collect(),
            store: wire.creds_store.filter(|name| !name.is_empty()),
        })
    }

    /// Finds the credential under the first of `keys`: a helper for it, what is written, the store.
    pub(super) async fn credential(&self, keys: &[String]) -> Result<Credential, KeychainError> {
        for key in keys {
            if let Some(name) = self.helpers.get(key).filter(|name| !name.is_empty())
                && let Some(found) = helper::ask(name, server_of(key)).await?
            {
                return Ok(found);
            }
            if let Some(found) = self.auths.get(key) {
                return Ok(found.clone());
            }
        }
        // The store knows hosts, not repositories.
        let hosts = keys.iter().filter(|key| !key.contains('/'));
        if let (Some(name), Some(host)) = (&self.store, hosts.into_iter().next())
            && let Some(found) = helper::ask(name, server_of(host)).await?
        {
            return Ok(found);
        }
        Ok(Credential::Anonymous)
    }
}

/// Docker Hub's credentials are kept under a URL of 2013.
fn server_of(key: &str) -> &str {
    match key {
        "index.docker.io" | "docker.io" | "registry-1.docker.io" => "https://index.docker.io/v1/",
        other => other,
    }
}

/// Old tools wrote URLs as keys; the host with what follows is what counts.
fn normal(key: &str) -> String {
    let bare = key
        .strip_prefix("https://")
        .or_else(|| key.strip_prefix("http://"))
        .unwrap_or(key)
        .trim_end_matches('/');
    let bare = bare
        .strip_suffix("/v1")
        .or_else(|| bare.strip_suffix("/v2"))
        .unwrap_or(bare);
    bare.to_owned()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<Secret>,
    username: Option<String>,
    password: Option<Secret>,
    identitytoken: Option<Secret>,
    registrytoken: Option<Secret>,
}

impl Entry {
    fn credential(self, key: &str) -> Result<Option<Credential>, KeychainError> {
        let filled = |secret: Option<Secret>| secret.filter(|secret| !secret.expose().is_empty());
        if let Some(token) = filled(self.registrytoken) {
            return Ok(Some(Credential::RegistryToken(token)));
        }
        if let Some(token) = filled(self.identitytoken) {
            return Ok(Some(Credential::IdentityToken(token)));
        }
        if let Some(auth) = filled(self.auth) {
            return decode(auth.expose())
                .map(Some)
                .ok_or_else(|| KeychainError::Auth {
                    entry: key.chars().take(128).collect(),
                });
        }
        match (self.username, self.password) {
            (Some(username), Some(password)) if !username.is_empty() => {
                Ok(Some(Credential::Basic { username, password }))
            }
            _ => Ok(None),
        }
    }
}

fn decode(auth: &str) -> Option<Credential> {
    let pair = zeroize::Zeroizing::new(STANDARD.decode(auth.trim()).ok()?);
    let (username, password) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
    Some(Credential::Basic {
        username: username.to_owned(),
        // Docker pads with NUL.
        password: Secret::new(password.trim_end_matches('\0')),
    })
}

/// Far more than any machine has registries.
const MAX_SIZE: usize = 1024 * 1024;
