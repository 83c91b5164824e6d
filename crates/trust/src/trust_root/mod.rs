//! Whom we believe: certificate authorities, logs and timestamp authorities, each with the time in
//! which it was in use.
//!
//! A root is read and checked once. What verifications need of it (keys, links of chains, identifiers)
//! is ready then; a copy costs a counter.

mod authority;
mod error;
mod log;
mod parts;
mod validity;
mod wire;

use std::sync::{Arc, OnceLock};

use countersign_artifact::Digest;

use crate::public_key::{KeyAlgorithm, PublicKey};

pub(crate) use authority::{Authority, AuthorityCertificate};
pub use error::TrustRootError;
pub(crate) use log::Log;
use log::host_of;
pub use parts::{AuthorityPart, LogPart, TrustRootParts};
pub use validity::Validity;

/// The parties whose word counts. Checked when it is made; cheap to copy.
#[derive(Clone, Debug)]
pub struct TrustRoot(Arc<Material>);

#[derive(Debug)]
struct Material {
    certificate_authorities: Vec<Authority>,
    ct_logs: Vec<Log>,
    transparency_logs: Vec<Log>,
    timestamp_authorities: Vec<Authority>,
    fingerprint: Digest,
}

/// What becomes of an authority whose kind of key is not known here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    /// A stranger less.
    LeftOut,
    /// Someone named it, and must hear that it does not count.
    Refused,
}

impl TrustRoot {
    /// Reads a `trusted_root.json`.
    ///
    /// Logs and authorities whose kind of key is unknown here are left out, so that a new kind in the public root does
    /// not take the old ones away; their word is then a stranger's.
    pub fn parse(json: &[u8]) -> Result<Self, TrustRootError> {
        if json.len() > MAXIMAL_SIZE {
            return Err(TrustRootError::TooLarge {
                limit: MAXIMAL_SIZE,
                found: json.len(),
            });
        }
        let wire: wire::TrustedRoot =
            serde_json::from_slice(json).map_err(|error| TrustRootError::Syntax {
                line: error.line(),
                column: error.column(),
            })?;
        if !MEDIA_TYPES.contains(&wire.media_type.as_str()) {
            let found = wire.media_type.chars().take(128).collect();
            return Err(TrustRootError::MediaType { found });
        }
        let parts = TrustRootParts {
            certificate_authorities: authorities(wire.certificate_authorities),
            ct_logs: logs(wire.ctlogs)?,
            transparency_logs: logs(wire.tlogs)?,
            timestamp_authorities: authorities(wire.timestamp_authorities),
        };
        Self::assemble(parts, Digest::sha256_of(json), Unknown::LeftOut)
    }

    /// The root of the public-good instance as it was when this program was built.
    #[must_use]
    pub fn public_good() -> Self {
        static ROOT: OnceLock<TrustRoot> = OnceLock::new();
        ROOT.get_or_init(|| {
            let json = sigstore_trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT;
            // A constant of this build: a test reads it.
            #[allow(clippy::expect_used, reason = "constant data, read by a test")]
            Self::parse(json.as_bytes()).expect("the embedded trust root is one")
        })
        .clone()
    }

    /// Makes a root of single keys and chains.
    pub fn from_parts(parts: TrustRootParts) -> Result<Self, TrustRootError> {
        let fingerprint = Digest::sha256_of(&parts.description());
        Self::assemble(parts, fingerprint, Unknown::Refused)
    }

    /// Makes a root that asks each kind of party in another root: who issues certificates, who logs
    /// signatures, who tells the time. None is nobody: what such a party says is a stranger's word.
    #[must_use]
    pub fn of_parties(
        certificates: Option<&Self>,
        logs: Option<&Self>,
        timestamps: Option<&Self>,
    ) -> Self {
        let mut description = b"parties".to_vec();
        for root in [certificates, logs, timestamps] {
            match root {
                None => description.push(0),
                Some(root) => description.extend_from_slice(root.fingerprint().as_bytes()),
            }
        }
        let certificates = certificates.map(|root| &*root.0);
        Self(Arc::new(Material {
            certificate_authorities: certificates
                .map(|root| root.certificate_authorities.clone())
                .unwrap_or_default(),
            ct_logs: certificates
                .map(|root| root.ct_logs.clone())
                .unwrap_or_default(),
            transparency_logs: logs
                .map(|root| root.0.transparency_logs.clone())
                .unwrap_or_default(),
            timestamp_authorities: timestamps
                .map(|root| root.0.timestamp_authorities.clone())
                .unwrap_or_default(),
            fingerprint: Digest::sha256_of(&description),
        }))
    }

    /// A name for exactly this root: two roots with one fingerprint believe the same parties.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        self.0.fingerprint
    }

    /// Tells whether it knows any log of signatures.
    #[must_use]
    pub fn has_transparency_log(&self) -> bool {
        !self.0.transparency_logs.is_empty()
    }

    /// Tells whether it knows anyone who tells the time.
    #[must_use]
    pub fn has_timestamp_authority(&self) -> bool {
        !self.0.timestamp_authorities.is_empty()
    }

    pub(crate) fn certificate_authorities(&self) -> &[Authority] {
        &self.0.certificate_authorities
    }

    pub(crate) fn ct_logs(&self) -> &[Log] {
        &self.0.ct_logs
    }

    pub(crate) fn transparency_logs(&self) -> &[Log] {
        &self.0.transparency_logs
    }

    pub(crate) fn timestamp_authorities(&self) -> &[Authority] {
        &self.0.timestamp_authorities
    }

    fn assemble(
        parts: TrustRootParts,
        fingerprint: Digest,
        unknown: Unknown,
    ) -> Result<Self, TrustRootError> {
        let load = |parts: Vec<AuthorityPart>| -> Result<Vec<Authority>, TrustRootError> {
            let load_one =
                |part: AuthorityPart| match Authority::load(part.uri, &part.chain, part.window) {
                    Err(TrustRootError::UnknownKey { .. }) if unknown == Unknown::LeftOut => None,
                    result => Some(result),
                };
            parts.into_iter().filter_map(load_one).collect()
        };
        Ok(Self(Arc::new(Material {
            certificate_authorities: load(parts.certificate_authorities)?,
            ct_logs: identified(parts.ct_logs)?,
            transparency_logs: identified(parts.transparency_logs)?,
            timestamp_authorities: load(parts.timestamp_authorities)?,
            fingerprint,
        })))
    }
}

fn authorities(found: Vec<wire::AuthorityInstance>) -> Vec<AuthorityPart> {
    let part = |one: wire::AuthorityInstance| AuthorityPart {
        uri: one.uri,
        chain: one
            .cert_chain
            .certificates
            .into_iter()
            .map(|raw| raw.raw_bytes.0)
            .collect(),
        window: window(one.valid_for),
    };
    found.into_iter().map(part).collect()
}

fn logs(found: Vec<wire::LogInstance>) -> Result<Vec<LogPart>, TrustRootError> {
    let mut parts = Vec::with_capacity(found.len());
    for one in found {
        let window = window(one.public_key.valid_for);
        // Without a start a key would be good for entries of any age: sigstore-go refuses it too.
        if window.start.is_none() {
            return Err(TrustRootError::NoStart { url: one.base_url });
        }
        let Some(public_key) = log_key(&one.public_key) else {
            continue;
        };
        parts.push(LogPart {
            url: one.base_url,
            public_key,
            id: Some(one.log_id.key_id.0),
            window,
        });
    }
    Ok(parts)
}

/// Old RSA log keys come as a bare PKCS #1 key; those of the public instance are of no use any more.
fn log_key(found: &wire::LogPublicKey) -> Option<PublicKey> {
    if found.key_details.starts_with("PKCS1_") {
        return None;
    }
    PublicKey::from_spki_der(&found.raw_bytes.0).ok()
}

fn window(found: Option<wire::TimeRange>) -> Validity {
    found.map_or_else(Validity::default, |range| Validity {
        start: range.start,
        end: range.end,
    })
}

fn identified(parts: Vec<LogPart>) -> Result<Vec<Log>, TrustRootError> {
    let mut logs: Vec<Log> = Vec::with_capacity(parts.len());
    for part in parts {
        let id = part
            .id
            .unwrap_or_else(|| usual_id(&part.url, &part.public_key));
        if logs.iter().any(|log| log.id == id) {
            return Err(TrustRootError::DuplicateLog { url: part.url });
        }
        logs.push(Log {
            host: host_of(&part.url).to_owned(),
            id,
            key: part.public_key,
            window: part.window,
            url: part.url,
        });
    }
    Ok(logs)
}

/// SHA-256 of the SPKI; for the Ed25519 key of a Rekor v2 log the key identifier of its checkpoints
/// in full (C2SP signed-note: SHA-256 of origin, newline, 0x01 and the key).
fn usual_id(url: &str, key: &PublicKey) -> Vec<u8> {
    let digest = match (key.algorithm(), key.spki_der().last_chunk::<32>()) {
        (KeyAlgorithm::Ed25519, Some(raw)) => {
            Digest::sha256_of(&[host_of(url).as_bytes(), b"\n\x01", raw].concat())
        }
        _ => Digest::sha256_of(key.spki_der()),
    };
    digest.as_bytes().to_vec()
}

/// The public root has 8 KB after five years.
const MAXIMAL_SIZE: usize = 4 << 20;

/// 0.1 is what every client accepts; 0.2 is in the text of the specification.
const MEDIA_TYPES: [&str; 3] = [
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];
