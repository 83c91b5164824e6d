//! What a policy refers to: Secrets with keys, ConfigMaps and addresses with rules.

use std::collections::BTreeMap;

use countersign_artifact::Digest;

use crate::wire::PolicyText;

/// Resolves what a policy refers to, from what the caller has at hand. It is asked when a policy is
/// compiled and never during a verdict.
pub trait References {
    /// The data of a Secret in the controller's namespace.
    fn secret(&self, name: &str) -> Option<&BTreeMap<String, Vec<u8>>>;

    /// The data of a ConfigMap in the controller's namespace.
    fn config_map(&self, name: &str) -> Option<&BTreeMap<String, String>>;

    /// The bytes at an address, if the caller has fetched them.
    fn remote(&self, url: &str) -> Option<&[u8]>;
}

/// Why a reference cannot be followed. The texts are upstream's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceFault {
    /// There is no such Secret.
    #[error("secret \"{0}\" not found")]
    NoSecret(String),
    /// The Secret is empty.
    #[error("secret \"{0}\" contains no data")]
    EmptySecret(String),
    /// Which of the entries is the key?
    #[error("secret \"{0}\" contains multiple data entries, only one is supported")]
    AmbiguousSecret(String),
    /// The entry is no text.
    #[error("secret \"{0}\" contains an invalid public key")]
    SecretIsNoKey(String),
    /// There is no such ConfigMap.
    #[error("configmap \"{0}\" not found")]
    NoConfigMap(String),
    /// The ConfigMap lacks the key.
    #[error("configmap \"{name}\" does not contain key {key}")]
    NoConfigMapKey {
        /// The ConfigMap.
        name: String,
        /// The key.
        key: String,
    },
    /// The address was not fetched.
    #[error("failed to fetch content from policy url {0}")]
    NotFetched(String),
    /// What was fetched is something else.
    #[error("failed to check sha256sum from policy remote: {wanted} got {found}")]
    OtherContent {
        /// The hash in the policy.
        wanted: String,
        /// The hash of what was fetched.
        found: String,
    },
    /// What was fetched is no text.
    #[error("the policy at {0} is not UTF-8")]
    NotText(String),
    /// Nothing is referred to.
    #[error("the policy has no text")]
    NoText,
}

impl dyn References + '_ {
    /// The public key in a Secret, which must have exactly one entry.
    pub(crate) fn public_key(&self, name: &str) -> Result<String, ReferenceFault> {
        let data = self
            .secret(name)
            .ok_or_else(|| ReferenceFault::NoSecret(name.to_owned()))?;
        let mut entries = data.values();
        let Some(only) = entries.next() else {
            return Err(ReferenceFault::EmptySecret(name.to_owned()));
        };
        if entries.next().is_some() {
            return Err(ReferenceFault::AmbiguousSecret(name.to_owned()));
        }
        String::from_utf8(only.clone()).map_err(|_| ReferenceFault::SecretIsNoKey(name.to_owned()))
    }

    /// The text of a rule.
    pub(crate) fn policy_text(&self, text: &PolicyText) -> Result<String, ReferenceFault> {
        if !text.data.is_empty() {
            return Ok(text.data.clone());
        }
        if let Some(reference) = &text.config_map_ref {
            let (name, key) = (&reference.name, &reference.key);
            let data = self
                .config_map(name)
                .ok_or_else(|| ReferenceFault::NoConfigMap(name.clone()))?;
            return data
                .get(key)
                .cloned()
                .ok_or_else(|| ReferenceFault::NoConfigMapKey {
                    name: name.clone(),
                    key: key.clone(),
                });
        }
        let Some(remote) = &text.remote else {
            return Err(ReferenceFault::NoText);
        };
        let content = self
            .remote(&remote.url)
            .ok_or_else(|| ReferenceFault::NotFetched(remote.url.clone()))?;
        let found = Digest::sha256_of(content).hex();
        if found != remote.sha256sum {
            let wanted = remote.sha256sum.clone();
            return Err(ReferenceFault::OtherContent { wanted, found });
        }
        String::from_utf8(content.to_vec()).map_err(|_| ReferenceFault::NotText(remote.url.clone()))
    }
}

/// References held in memory: what a folder of policies holds, or a cluster's caches.
#[derive(Clone, Default)]
pub struct InMemoryReferences {
    /// Secrets by name.
    pub secrets: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// ConfigMaps by name.
    pub config_maps: BTreeMap<String, BTreeMap<String, String>>,
    /// Fetched contents by address.
    pub remotes: BTreeMap<String, Vec<u8>>,
}

impl References for InMemoryReferences {
    fn secret(&self, name: &str) -> Option<&BTreeMap<String, Vec<u8>>> {
        self.secrets.get(name)
    }

    fn config_map(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        self.config_maps.get(name)
    }

    fn remote(&self, url: &str) -> Option<&[u8]> {
        self.remotes.get(url).map(Vec::as_slice)
    }
}

impl std::fmt::Debug for InMemoryReferences {
    /// A Secret may hold more than the public key it should.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InMemoryReferences")
            .field("secrets", &self.secrets.keys())
            .field("config_maps", &self.config_maps.keys())
            .field("remotes", &self.remotes.keys())
            .finish()
    }
}
