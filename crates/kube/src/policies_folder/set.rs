//! All that reviews are answered by, compiled.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_artifact::{Algorithm, Digest, DigestHasher};
use countersign_policy::field_error::Level;
use countersign_policy::validation::{self, EmptyAuthorities, SYSTEM_NAMESPACE};
use countersign_policy::wire::{self, ClusterImagePolicy};
use countersign_policy::{FaultKind, FieldErrors, InMemoryReferences, NoMatch, Policy};
use countersign_trust::TrustRoot;

use super::document::{Content, Origin, documents};
use super::error::{DocumentError, DocumentFault, PoliciesError};
use super::files::{self, PolicyFile};

/// The policies in force, with the trust roots they name.
#[derive(Clone, Debug)]
pub struct PolicySet {
    policies: Vec<Arc<Policy>>,
    trust_roots: BTreeMap<String, Arc<TrustRoot>>,
    configuration: Configuration,
    namespace: String,
    sees: Sees,
    fingerprint: Digest,
}

/// What is not said by the objects themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySetOptions {
    /// What becomes of images that no policy is about, unless a ConfigMap `config-policy-controller`
    /// says it.
    pub no_match: NoMatch,
    /// The namespace of the controller, where policies look for Secrets and ConfigMaps.
    pub namespace: String,
}

/// Which parts of a workload any policy of a set looks at. Everything else cannot change a verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sees {
    /// Group, version and kind.
    pub(crate) kind: bool,
    pub(crate) labels: bool,
    pub(crate) namespace: bool,
    pub(crate) spec: bool,
    pub(crate) metadata: bool,
    pub(crate) type_meta: bool,
}

impl Default for PolicySetOptions {
    fn default() -> Self {
        Self {
            no_match: NoMatch::Deny,
            namespace: SYSTEM_NAMESPACE.to_owned(),
        }
    }
}

impl PolicySet {
    /// Reads every `.yaml`, `.yml` and `.json` file of `folder` and compiles what is in them.
    pub fn read(folder: &Path, options: &PolicySetOptions) -> Result<Self, PoliciesError> {
        Ok(Self::compile(&files::read(folder)?, options)?)
    }

    /// Compiles the objects in `files`. One that cannot be used refuses them all.
    pub fn compile(
        files: &[PolicyFile],
        options: &PolicySetOptions,
    ) -> Result<Self, DocumentError> {
        let found = Found::collect(files, &options.namespace)?;
        let configuration = Configuration::read(&found.references, options.no_match);
        let mut trust_roots = BTreeMap::new();
        for (origin, root) in &found.trust_roots {
            refuse_invalid(origin, &validation::trust_root(root))?;
            let compiled = root
                .to_trust_root()
                .map_err(|fault| origin.error(&[], DocumentFault::TrustRoot(fault)))?;
            trust_roots.insert(root.name.clone(), Arc::new(compiled));
        }
        let mut policies = Vec::with_capacity(found.policies.len());
        let mut sees = Sees::default();
        for (origin, policy) in &found.policies {
            let empty = configuration.empty_authorities;
            let findings = validation::cluster_image_policy(policy, empty, &options.namespace);
            refuse_invalid(origin, &findings)?;
            require_at_hand(origin, policy, &trust_roots)?;
            let compiled = Policy::compile(policy, &found.references);
            let mut faults = compiled.faults().to_vec();
            if empty == EmptyAuthorities::Stored {
                // It may be stored then; it denies every image it is about all the same.
                faults.retain(|fault| fault.kind != FaultKind::NoAuthorities);
            }
            if !faults.is_empty() {
                return Err(origin.error(&[], DocumentFault::Policy(faults)));
            }
            sees.note(policy);
            policies.push(Arc::new(compiled));
        }
        let fingerprint = fingerprint(&policies, &trust_roots, &configuration);
        let namespace = options.namespace.clone();
        Ok(Self {
            policies,
            trust_roots,
            configuration,
            namespace,
            sees,
            fingerprint,
        })
    }

    /// The policies, by file name and place in the file.
    #[must_use]
    pub fn policies(&self) -> &[Arc<Policy>] {
        &self.policies
    }

    /// The trust root of a TrustRoot object.
    #[must_use]
    pub fn trust_root(&self, name: &str) -> Option<Arc<TrustRoot>> {
        self.trust_roots.get(name).cloned()
    }

    /// The trust roots of all TrustRoot objects, by name.
    pub fn trust_roots(&self) -> impl Iterator<Item = (&str, &Arc<TrustRoot>)> {
        self.trust_roots
            .iter()
            .map(|(name, root)| (name.as_str(), root))
    }

    /// What becomes of images that no policy is about.
    #[must_use]
    pub fn no_match(&self) -> NoMatch {
        self.configuration.no_match
    }

    /// What becomes of a policy without authorities that somebody wants to store.
    #[must_use]
    pub fn empty_authorities(&self) -> EmptyAuthorities {
        self.configuration.empty_authorities
    }

    /// The namespace of the controller.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Changes whenever a verdict of this set could change.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    pub(crate) fn sees(&self) -> Sees {
        self.sees
    }
}

/// The objects of all files, sorted out.
#[derive(Default)]
struct Found {
    policies: Vec<(Origin, Box<ClusterImagePolicy>)>,
    trust_roots: Vec<(Origin, Box<wire::TrustRoot>)>,
    references: InMemoryReferences,
}

impl Found {
    fn collect(files: &[PolicyFile], namespace: &str) -> Result<Self, DocumentError> {
        let mut found = Self::default();
        let mut known: BTreeMap<(String, String), PathBuf> = BTreeMap::new();
        for file in files {
            for document in documents(file, namespace)? {
                let origin = document.origin;
                if let Some(first) = known.insert(origin.key(), origin.file.clone()) {
                    return Err(origin.error(&[], DocumentFault::Twice { first }));
                }
                let name = origin.name.clone();
                match document.content {
                    Content::Policy(policy) => found.policies.push((origin, policy)),
                    Content::TrustRoot(root) => found.trust_roots.push((origin, root)),
                    Content::Secret(data) => drop(found.references.secrets.insert(name, data)),
                    Content::ConfigMap(data) => {
                        found.references.config_maps.insert(name, data);
                    }
                }
            }
        }
        Ok(found)
    }
}

/// `config-policy-controller`, as far as it matters to verdicts.
#[derive(Clone, Copy, Debug)]
struct Configuration {
    no_match: NoMatch,
    empty_authorities: EmptyAuthorities,
}

impl Configuration {
    fn read(references: &InMemoryReferences, no_match: NoMatch) -> Self {
        let words = references.config_maps.get(CONFIGURATION);
        let word = |name: &str| words.and_then(|words| words.get(name)).map(String::as_str);
        let stored = word("fail-on-empty-authorities") == Some("false");
        Self {
            no_match: word("no-match-policy").map_or(no_match, NoMatch::parse),
            empty_authorities: if stored {
                EmptyAuthorities::Stored
            } else {
                EmptyAuthorities::Refused
            },
        }
    }
}

impl Sees {
    fn note(&mut self, policy: &ClusterImagePolicy) {
        let spec = &policy.spec;
        self.kind |= !spec.matches.is_empty();
        self.labels |= spec.matches.iter().any(|entry| entry.selector.is_some());
        let mut sources = spec
            .authorities
            .iter()
            .flat_map(|authority| &authority.source);
        self.namespace |= sources.any(|source| !source.signature_pull_secrets.is_empty());
        if let Some(rule) = &spec.policy {
            self.spec |= rule.include_spec == Some(true);
            self.metadata |= rule.include_object_meta == Some(true);
            self.type_meta |= rule.include_type_meta == Some(true);
        }
    }
}

fn refuse_invalid(origin: &Origin, findings: &FieldErrors) -> Result<(), DocumentError> {
    let errors = findings.of(Level::Error);
    if errors.is_empty() {
        return Ok(());
    }
    Err(origin.error(&[], DocumentFault::Invalid(errors)))
}

/// Everything that the policy refers to must be in the folder: what is not there would only be missed
/// when the first image is refused for it.
fn require_at_hand(
    origin: &Origin,
    policy: &ClusterImagePolicy,
    trust_roots: &BTreeMap<String, Arc<TrustRoot>>,
) -> Result<(), DocumentError> {
    for (index, authority) in policy.spec.authorities.iter().enumerate() {
        let named = [
            (
                "keyless",
                authority.keyless.as_ref().map(|one| &one.trust_root_ref),
            ),
            (
                "ctlog",
                authority.ctlog.as_ref().map(|one| &one.trust_root_ref),
            ),
            (
                "rfc3161timestamp",
                authority
                    .rfc3161_timestamp
                    .as_ref()
                    .map(|one| &one.trust_root_ref),
            ),
        ];
        for (part, name) in named {
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                continue;
            };
            if !trust_roots.contains_key(name) {
                let field = format!("spec.authorities[{index}].{part}.trustRootRef");
                let name = name.clone();
                return Err(origin.error(&[], DocumentFault::NoTrustRoot { field, name }));
            }
        }
        for (place, attestation) in authority.attestations.iter().enumerate() {
            let field = format!("spec.authorities[{index}].attestations[{place}].policy.remote");
            refuse_remote(origin, attestation.policy.as_ref(), field)?;
        }
    }
    refuse_remote(
        origin,
        policy.spec.policy.as_ref(),
        "spec.policy.remote".to_owned(),
    )
}

fn refuse_remote(
    origin: &Origin,
    rule: Option<&wire::PolicyText>,
    field: String,
) -> Result<(), DocumentError> {
    match rule.and_then(|rule| rule.remote.as_ref()) {
        None => Ok(()),
        Some(remote) => {
            let url = remote.url.clone();
            Err(origin.error(&[], DocumentFault::RemoteRule { field, url }))
        }
    }
}

fn fingerprint(
    policies: &[Arc<Policy>],
    trust_roots: &BTreeMap<String, Arc<TrustRoot>>,
    configuration: &Configuration,
) -> Digest {
    let mut hasher = DigestHasher::new(Algorithm::Sha256);
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    part(format!("{configuration:?} {}", policies.len()).as_bytes());
    for policy in policies {
        part(policy.fingerprint().as_bytes());
    }
    for (name, root) in trust_roots {
        part(name.as_bytes());
        part(root.fingerprint().as_bytes());
    }
    hasher.finish()
}

/// The ConfigMap that upstream's controller is configured with.
const CONFIGURATION: &str = "config-policy-controller";
