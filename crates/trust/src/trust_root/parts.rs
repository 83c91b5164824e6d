//! A trust root in parts, for those who have keys and chains but no `trusted_root.json`.

use super::{TrustRootError, Validity};
use crate::public_key::PublicKey;

/// The parts of a root that has no `trusted_root.json`.
#[derive(Clone, Debug, Default)]
pub struct TrustRootParts {
    /// Who issues signing certificates.
    pub certificate_authorities: Vec<AuthorityPart>,
    /// Logs whose signed certificate timestamps count.
    pub ct_logs: Vec<LogPart>,
    /// Logs of signatures.
    pub transparency_logs: Vec<LogPart>,
    /// Who tells the time.
    pub timestamp_authorities: Vec<AuthorityPart>,
}

/// An authority of [`TrustRootParts`].
#[derive(Clone, Debug, Default)]
pub struct AuthorityPart {
    /// Where it is, for messages.
    pub uri: String,
    /// Its certificates in DER, each signed by the next; see [`AuthorityPart::from_pem`].
    pub chain: Vec<Vec<u8>>,
    /// When it was in use.
    pub window: Validity,
}

/// A log of [`TrustRootParts`].
#[derive(Clone, Debug)]
pub struct LogPart {
    /// Its base URL; the host is the origin of a Rekor v2 log.
    pub url: String,
    /// Its key.
    pub public_key: PublicKey,
    /// Its identifier, where it is not the usual one of its key.
    pub id: Option<Vec<u8>>,
    /// When the key was in use.
    pub window: Validity,
}

impl AuthorityPart {
    /// Reads certificates in PEM, the issuing one first.
    pub fn from_pem(uri: &str, chain: &str, window: Validity) -> Result<Self, TrustRootError> {
        let blocks = pem::parse_many(chain).map_err(|_| TrustRootError::Pem)?;
        if blocks.is_empty() || blocks.iter().any(|block| block.tag() != "CERTIFICATE") {
            return Err(TrustRootError::Pem);
        }
        let chain = blocks.into_iter().map(pem::Pem::into_contents).collect();
        Ok(Self {
            uri: uri.to_owned(),
            chain,
            window,
        })
    }
}

impl TrustRootParts {
    /// Everything that matters, each item with its length, so that no two roots read alike.
    pub(super) fn description(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut put = |bytes: &[u8]| {
            text.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            text.extend_from_slice(bytes);
        };
        for (name, logs) in [("ct", &self.ct_logs), ("log", &self.transparency_logs)] {
            for log in logs {
                put(name.as_bytes());
                put(log.url.as_bytes());
                put(log.public_key.spki_der());
                put(log.id.as_deref().unwrap_or_default());
                put(format!("{:?}", log.window).as_bytes());
            }
        }
        let authorities = [
            ("ca", &self.certificate_authorities),
            ("tsa", &self.timestamp_authorities),
        ];
        for (name, authorities) in authorities {
            for authority in authorities {
                put(name.as_bytes());
                put(authority.uri.as_bytes());
                put(format!("{:?} {}", authority.window, authority.chain.len()).as_bytes());
                authority
                    .chain
                    .iter()
                    .for_each(|certificate| put(certificate));
            }
        }
        text
    }
}
