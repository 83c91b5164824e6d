//! Whose word counts: one entry of `authorities`, compiled.

use countersign_artifact::ImageReference;
use countersign_trust::{HashAlgorithm, HashRule, PublicKey};

use crate::attestation_rule::AttestationRule;
use crate::evidence_source::SignatureSource;
use crate::identity::IdentityPattern;
use crate::policy::{Fault, FaultKind};
use crate::public_key::first_public_key;
use crate::reference::References;
use crate::validation::hash_algorithm;
use crate::wire;

/// Someone whose word counts, and what is asked of it.
#[derive(Clone, Debug)]
pub struct Authority {
    /// The name, in messages and in `authorityMatches`.
    pub name: String,
    /// Who it is.
    pub kind: AuthorityKind,
    /// Attestations that must be there. With any, signatures of the image are not looked at.
    pub attestations: Vec<AttestationRule>,
    /// In which form its word is taken.
    pub format: SignedFormat,
    /// Whether a transparency log must have its word.
    pub log: LogRule,
    /// Whether a timestamp authority must have seen it.
    pub timestamp: TimestampRule,
    source: SignatureSource,
}

/// Who an authority is.
#[derive(Clone, Debug)]
pub enum AuthorityKind {
    /// A fixed answer.
    Static(StaticAnswer),
    /// The holder of a key.
    Key(KeyAuthority),
    /// Identities in certificates.
    Keyless(KeylessAuthority),
    /// Nobody: the policy is wrong here, and this authority never vouches.
    Broken(Fault),
}

/// A fixed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaticAnswer {
    /// It vouches for everything.
    Pass,
    /// It vouches for nothing.
    Fail {
        /// What to tell the user.
        message: String,
    },
}

/// The holder of a key.
#[derive(Clone, Debug)]
pub struct KeyAuthority {
    /// The key.
    pub key: PublicKey,
    /// The hash that its signatures are over. Absent in the policy it is SHA-256, whatever the key: a
    /// P-384 key of cosign's needs `sha384`.
    pub hash: HashRule,
}

/// Identities in certificates.
#[derive(Clone, Debug)]
pub struct KeylessAuthority {
    /// The identities, one of which must match; at least one.
    pub identities: Vec<IdentityPattern>,
    /// Who may issue the certificates: a TrustRoot's name, or the public root.
    pub trust_root: Option<String>,
    /// Whether a log must have seen the certificate.
    pub sct: SctRule,
}

/// Whether a log must have seen a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SctRule {
    /// It must.
    Required,
    /// `insecureIgnoreSCT`: a certificate issued in secret passes. It shows in the verdict.
    DangerouslyIgnored,
}

/// In which form an authority's word is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedFormat {
    /// `signatureFormat` absent or anything but `bundle`: in every form there is.
    Any,
    /// `signatureFormat: bundle`.
    Bundle,
}

/// Whether a transparency log must have an authority's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogRule {
    /// Logs are not asked; what they say is no fact.
    NotAsked,
    /// A log of this root must have it. `None` is the public root.
    Required(Option<String>),
}

/// Whether a timestamp authority must have seen an authority's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimestampRule {
    /// Nothing is asked.
    NotAsked,
    /// One of this root must have. `None` is the public root.
    Required(Option<String>),
}

/// References of a `signatureFormat: bundle` authority that its one trust root cannot follow. The texts
/// are upstream's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
    /// `rfc3161timestamp` names another root.
    #[error(
        "when using the new bundle format, the trustRootRef for the TSA must be the same as the trustRootRef for the Keyless authority"
    )]
    OtherTimestampRoot,
    /// `ctlog` names another root.
    #[error(
        "when using the new bundle format, the trustRootRef for the TLog must be the same as the trustRootRef for the Keyless authority"
    )]
    OtherLogRoot,
}

impl Authority {
    /// Compiles an entry. Never fails: what is broken never vouches.
    pub(crate) fn compile(
        authority: &wire::Authority,
        references: &dyn References,
        policy: &str,
    ) -> Self {
        let fault = |place: String, kind| Fault {
            policy: policy.to_owned(),
            place,
            kind,
        };
        let place = format!("authority {}", authority.name);
        let broken = |kind| AuthorityKind::Broken(fault(place.clone(), kind));
        let (source, source_fault) = match source(&authority.source) {
            Ok(source) => (source, None),
            Err(kind) => (SignatureSource::default(), Some(kind)),
        };
        let kind = match (source_fault, kind(authority, references)) {
            (Some(kind), _) | (None, Err(kind)) => broken(kind),
            (None, Ok(kind)) => kind,
        };
        let attestations = authority.attestations.iter().map(|attestation| {
            let place = format!("attestation {} of {place}", attestation.name);
            AttestationRule::compile(attestation, references, |kind| fault(place.clone(), kind))
        });
        Self {
            name: authority.name.clone(),
            kind,
            attestations: attestations.collect(),
            format: format(authority),
            log: log_rule(authority),
            timestamp: timestamp_rule(authority),
            source,
        }
    }

    /// Rules of attestations that could not be compiled.
    pub fn rule_faults(&self) -> impl Iterator<Item = &Fault> {
        self.attestations
            .iter()
            .filter_map(|attestation| match &attestation.rule {
                Some(Err(fault)) => Some(fault),
                _ => None,
            })
    }

    /// Where its signatures are, for a workload in `namespace`.
    #[must_use]
    pub fn source(&self, namespace: &str) -> SignatureSource {
        SignatureSource {
            namespace: namespace.to_owned(),
            ..self.source.clone()
        }
    }
}

fn kind(
    authority: &wire::Authority,
    references: &dyn References,
) -> Result<AuthorityKind, FaultKind> {
    match (&authority.fixed, &authority.key, &authority.keyless) {
        (Some(fixed), None, None) => Ok(AuthorityKind::Static(static_answer(fixed)?)),
        (None, Some(key), None) => Ok(AuthorityKind::Key(self::key(key, references)?)),
        (None, None, Some(keyless)) => {
            let compiled = self::keyless(keyless)?;
            if format(authority) == SignedFormat::Bundle {
                same_root(authority, keyless).map_err(FaultKind::Bundle)?;
            }
            Ok(AuthorityKind::Keyless(compiled))
        }
        (None, None, None) => Err(FaultKind::NoSigner),
        _ => Err(FaultKind::SeveralSigners),
    }
}

fn static_answer(fixed: &wire::StaticRef) -> Result<StaticAnswer, FaultKind> {
    match fixed.action.as_str() {
        "pass" => Ok(StaticAnswer::Pass),
        "fail" => Ok(StaticAnswer::Fail {
            message: fixed.message.clone(),
        }),
        other => Err(FaultKind::StaticAction(other.to_owned())),
    }
}

fn key(key: &wire::KeyRef, references: &dyn References) -> Result<KeyAuthority, FaultKind> {
    if !key.kms.is_empty() {
        return Err(FaultKind::KeyManagementService(key.kms.clone()));
    }
    let text = match &key.secret_ref {
        Some(_) if !key.data.is_empty() => return Err(FaultKind::SeveralSigners),
        Some(secret) => references
            .public_key(&secret.name)
            .map_err(FaultKind::Reference)?,
        None => key.data.clone(),
    };
    let unfit = || FaultKind::HashAlgorithm(key.hash_algorithm.clone());
    let hash = hash_algorithm(&key.hash_algorithm).ok_or_else(unfit)?;
    let hash = HashRule::Only(HashAlgorithm::parse(hash).ok_or_else(unfit)?);
    let key = first_public_key(&text).map_err(|error| FaultKind::Key(error.to_string()))?;
    Ok(KeyAuthority { key, hash })
}

fn keyless(keyless: &wire::KeylessRef) -> Result<KeylessAuthority, FaultKind> {
    if keyless.url.is_none() {
        return Err(FaultKind::NoKeylessUrl);
    }
    if keyless.ca_cert.is_some() {
        return Err(FaultKind::CertificateAuthority);
    }
    let identities = keyless.identities.as_deref().unwrap_or_default();
    if identities.is_empty() {
        return Err(FaultKind::NoIdentities);
    }
    let identities = identities
        .iter()
        .map(IdentityPattern::compile)
        .collect::<Result<_, _>>();
    Ok(KeylessAuthority {
        identities: identities.map_err(FaultKind::Identity)?,
        trust_root: named(&keyless.trust_root_ref),
        sct: match keyless.insecure_ignore_sct {
            Some(true) => SctRule::DangerouslyIgnored,
            _ => SctRule::Required,
        },
    })
}

fn same_root(authority: &wire::Authority, keyless: &wire::KeylessRef) -> Result<(), BundleFault> {
    let is_other = |name: &String| *name != keyless.trust_root_ref;
    if authority
        .rfc3161_timestamp
        .as_ref()
        .is_some_and(|one| is_other(&one.trust_root_ref))
    {
        return Err(BundleFault::OtherTimestampRoot);
    }
    if authority
        .ctlog
        .as_ref()
        .is_some_and(|one| is_other(&one.trust_root_ref))
    {
        return Err(BundleFault::OtherLogRoot);
    }
    Ok(())
}

fn source(sources: &[wire::Source]) -> Result<SignatureSource, FaultKind> {
    let source = match sources {
        [] => return Ok(SignatureSource::default()),
        [only] => only,
        _ => {
            return Err(FaultKind::Source(
                "only single source is supported".to_owned(),
            ));
        }
    };
    let repository = match source.oci.as_str() {
        "" => None,
        oci if is_repository(oci) => Some(oci.to_owned()),
        oci => {
            return Err(FaultKind::Source(format!(
                "`{oci}` is not a repository, `registry/repository` without tag or digest"
            )));
        }
    };
    Ok(SignatureSource {
        repository,
        tag_prefix: source.tag_prefix.clone(),
        pull_secrets: source
            .signature_pull_secrets
            .iter()
            .map(|one| one.name.clone())
            .collect(),
        namespace: String::new(),
    })
}

fn is_repository(oci: &str) -> bool {
    let last = oci.rsplit('/').next().unwrap_or_default();
    oci.contains('/')
        && !oci.contains("://")
        && !oci.contains('@')
        && !last.contains(':')
        && ImageReference::parse(oci).is_ok()
}

fn format(authority: &wire::Authority) -> SignedFormat {
    match authority.signature_format.as_str() {
        "bundle" => SignedFormat::Bundle,
        _ => SignedFormat::Any,
    }
}

/// What upstream asks of logs. Two cases surprise: with a TrustRoot and no `ctlog` no log is asked, and a
/// timestamp authority takes the log's place.
fn log_rule(authority: &wire::Authority) -> LogRule {
    if timestamp_rule(authority) != TimestampRule::NotAsked {
        return LogRule::NotAsked;
    }
    if let Some(log) = &authority.ctlog {
        return LogRule::Required(named(&log.trust_root_ref));
    }
    match &authority.keyless {
        Some(keyless) if keyless.trust_root_ref.is_empty() => LogRule::Required(None),
        Some(keyless) if format(authority) == SignedFormat::Bundle => {
            LogRule::Required(named(&keyless.trust_root_ref))
        }
        _ => LogRule::NotAsked,
    }
}

fn timestamp_rule(authority: &wire::Authority) -> TimestampRule {
    match &authority.rfc3161_timestamp {
        Some(timestamp) if !timestamp.trust_root_ref.is_empty() => {
            TimestampRule::Required(named(&timestamp.trust_root_ref))
        }
        // Of a bundle the one root is asked, here the public one; elsewhere nobody is named.
        Some(_) if format(authority) == SignedFormat::Bundle => TimestampRule::Required(None),
        _ => TimestampRule::NotAsked,
    }
}

fn named(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| name.to_owned())
}
