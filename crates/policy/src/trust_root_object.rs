//! From a TrustRoot object to the parties that the verifier believes.

use countersign_trust::{
    AuthorityPart, LogPart, PublicKey, PublicKeyError, TrustRoot, TrustRootError, TrustRootParts,
    Validity,
};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::BasicConstraints;

use crate::wire;

/// Why a TrustRoot object is no trust root. The policies that name it deny.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustRootObjectError {
    /// It has none of the three kinds of content.
    #[error("neither remote, repository nor sigstoreKeys is given")]
    Empty,
    /// Its keys are in a TUF repository.
    #[error(
        "trust roots in a TUF repository (`{0}`) are not supported yet: give their keys as `sigstoreKeys`"
    )]
    Repository(&'static str),
    /// The certificates of an authority cannot be read.
    #[error("the certificate chain of {uri} cannot be read")]
    Chain {
        /// The authority.
        uri: String,
    },
    /// The key of a log cannot be read.
    #[error("the public key of the log {url} cannot be read: {error}")]
    Key {
        /// The log.
        url: String,
        /// Why.
        error: PublicKeyError,
    },
    /// The parts do not make a root.
    #[error(transparent)]
    Root(#[from] TrustRootError),
}

impl wire::TrustRoot {
    /// The trust root that the object describes.
    pub fn to_trust_root(&self) -> Result<TrustRoot, TrustRootObjectError> {
        Ok(TrustRoot::from_parts(self.to_parts()?)?)
    }

    /// The parties that the object names. What has no date in it was always in use.
    pub fn to_parts(&self) -> Result<TrustRootParts, TrustRootObjectError> {
        let spec = &self.spec;
        let Some(keys) = &spec.sigstore_keys else {
            return Err(match (&spec.remote, &spec.repository) {
                (Some(_), _) => TrustRootObjectError::Repository("remote"),
                (None, Some(_)) => TrustRootObjectError::Repository("repository"),
                (None, None) => TrustRootObjectError::Empty,
            });
        };
        Ok(TrustRootParts {
            certificate_authorities: authorities(&keys.certificate_authorities)?,
            ct_logs: logs(&keys.ct_logs)?,
            transparency_logs: logs(&keys.transparency_logs)?,
            timestamp_authorities: authorities(&keys.timestamp_authorities)?,
        })
    }
}

/// A certificate of a chain as a TrustRoot has it.
pub(crate) struct ChainCertificate {
    der: Vec<u8>,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    pub(crate) is_authority: bool,
}

/// The certificates of a PEM text; `None` where it is none or has other things in it.
pub(crate) fn certificates_of(text: &[u8]) -> Option<Vec<ChainCertificate>> {
    let blocks = pem::parse_many(text).ok()?;
    if blocks.is_empty() {
        return None;
    }
    blocks.into_iter().map(certificate).collect()
}

/// Why `archive` cannot be the gzipped tar of a TUF repository; only its beginning is looked at.
pub(crate) fn tar_fault(archive: &[u8]) -> Option<&'static str> {
    if archive.len() < GZIP_SHORTEST {
        return Some("failed to uncompress: unexpected EOF");
    }
    (!archive.starts_with(&GZIP)).then_some("failed to uncompress: gzip: invalid header")
}

fn certificate(block: pem::Pem) -> Option<ChainCertificate> {
    if block.tag() != "CERTIFICATE" {
        return None;
    }
    let der = block.into_contents();
    let read = Certificate::from_der(&der).ok()?;
    let body = &read.tbs_certificate;
    let constraints: Option<(bool, BasicConstraints)> = body.get().ok()?;
    Some(ChainCertificate {
        subject: body.subject.to_der().ok()?,
        issuer: body.issuer.to_der().ok()?,
        is_authority: constraints.is_some_and(|(_, found)| found.ca),
        der,
    })
}

fn authorities(
    wire: &[wire::CertificateAuthority],
) -> Result<Vec<AuthorityPart>, TrustRootObjectError> {
    let mut parts = Vec::with_capacity(wire.len());
    for one in wire {
        let unreadable = || TrustRootObjectError::Chain {
            uri: one.uri.clone(),
        };
        let certificates = certificates_of(&one.cert_chain.0).ok_or_else(unreadable)?;
        if certificates.len() > MOST_CERTIFICATES {
            return Err(unreadable());
        }
        for chain in chains(&certificates) {
            parts.push(AuthorityPart {
                uri: one.uri.clone(),
                chain,
                window: Validity::default(),
            });
        }
    }
    Ok(parts)
}

/// Upstream throws all certificates into pools, so their order means nothing and several authorities may
/// share a text. Each that issued none of the others begins a chain.
fn chains(certificates: &[ChainCertificate]) -> Vec<Vec<Vec<u8>>> {
    let is_lowest = |candidate: &&ChainCertificate| {
        let issued = |other: &ChainCertificate| {
            other.issuer == candidate.subject && other.subject != candidate.subject
        };
        !certificates.iter().any(issued)
    };
    certificates
        .iter()
        .filter(is_lowest)
        .map(|lowest| chain_of(lowest, certificates))
        .collect()
}

fn chain_of(lowest: &ChainCertificate, certificates: &[ChainCertificate]) -> Vec<Vec<u8>> {
    let (mut chain, mut top) = (vec![lowest.der.clone()], lowest);
    while top.issuer != top.subject && chain.len() < certificates.len() {
        let Some(issuer) = certificates.iter().find(|one| one.subject == top.issuer) else {
            break;
        };
        chain.push(issuer.der.clone());
        top = issuer;
    }
    chain
}

fn logs(wire: &[wire::TransparencyLogInstance]) -> Result<Vec<LogPart>, TrustRootObjectError> {
    let log = |one: &wire::TransparencyLogInstance| {
        let text = String::from_utf8_lossy(&one.public_key.0);
        let public_key =
            PublicKey::parse_pem(&text).map_err(|error| TrustRootObjectError::Key {
                url: one.base_url.clone(),
                error,
            })?;
        let (url, window) = (one.base_url.clone(), Validity::default());
        Ok(LogPart {
            url,
            public_key,
            id: None,
            window,
        })
    };
    wire.iter().map(log).collect()
}

const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];
/// Header and trailer (RFC 1952).
const GZIP_SHORTEST: usize = 18;
/// Real texts have two or three.
const MOST_CERTIFICATES: usize = 32;
