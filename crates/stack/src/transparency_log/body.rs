//! From a proposed entry to the canonical body that is hashed into the tree.
//!
//! The log is a witness, not a fool: it takes an entry only after it has verified the signature in
//! it. The body is rebuilt from what was verified, so nothing unchecked rides along.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::public_key::{HashAlgorithm, PublicKeyError};

/// A verified entry in its canonical form (RFC 8785).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    /// The bytes that are logged.
    pub(super) canonical: Vec<u8>,
    /// What the entry can be found by.
    pub(super) terms: Vec<String>,
}

impl Body {
    /// Verifies a proposal of any kind this log takes.
    pub(super) fn from_proposal(json: &[u8]) -> Result<Body, EntryError> {
        let proposal: Proposal<'_> =
            serde_json::from_slice(json).map_err(|_| EntryError::NotJson)?;
        match (proposal.kind.as_str(), proposal.api_version.as_str()) {
            ("hashedrekord", "0.0.1") => super::hashedrekord::verify(proposal.spec.get()),
            ("dsse", "0.0.1") => super::dsse::verify(proposal.spec.get()),
            ("intoto", "0.0.1") => super::intoto::verify_v1(proposal.spec.get()),
            ("intoto", "0.0.2") => super::intoto::verify_v2(proposal.spec.get()),
            _ => Err(EntryError::KindNotTaken {
                kind: short(proposal.kind),
                version: short(proposal.api_version),
            }),
        }
    }

    pub(super) fn new(
        kind: &'static str,
        version: &'static str,
        spec: impl Serialize,
        terms: Vec<String>,
    ) -> Result<Body, EntryError> {
        let whole = Canonical {
            api_version: version,
            kind,
            spec,
        };
        let canonical =
            serde_json_canonicalizer::to_vec(&whole).map_err(|_| EntryError::NotJson)?;
        if canonical.len() > MAX_BODY {
            return Err(EntryError::TooLarge);
        }
        Ok(Body { canonical, terms })
    }
}

/// `{"algorithm": …, "value": …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hash {
    pub(super) algorithm: String,
    pub(super) value: String,
}

impl Hash {
    pub(super) fn sha256(value: String) -> Hash {
        Hash {
            algorithm: HashAlgorithm::Sha256.name().to_owned(),
            value,
        }
    }
}

/// Why a proposed entry is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EntryError {
    #[error("the proposed entry is no JSON of this protocol")]
    NotJson,
    #[error(
        "entries of kind {kind:?} version {version:?} are not taken; hashedrekord 0.0.1, dsse \
         0.0.1, intoto 0.0.1 and intoto 0.0.2 are"
    )]
    KindNotTaken { kind: String, version: String },
    #[error("field {field} of the entry is not valid")]
    Field { field: &'static str },
    #[error("the entry's signature is not accepted: {0}")]
    Signature(#[from] PublicKeyError),
    #[error("the entry's canonical body is over {MAX_BODY} bytes")]
    TooLarge,
    #[error("an envelope needs between 1 and {MAX_SIGNATURES} signatures")]
    SignatureCount,
    #[error("a signature of the envelope is made by none of the verifiers")]
    UnverifiedSignature,
    #[error("a verifier made none of the envelope's signatures")]
    UnusedVerifier,
}

#[derive(Deserialize)]
struct Proposal<'a> {
    #[serde(rename = "apiVersion")]
    api_version: String,
    kind: String,
    #[serde(borrow)]
    spec: &'a RawValue,
}

#[derive(Serialize)]
struct Canonical<S> {
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    kind: &'static str,
    spec: S,
}

fn short(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_SHOWN) {
        text.truncate(end);
    }
    text
}

/// More than any tool makes; each costs a verification for each verifier.
pub(super) const MAX_SIGNATURES: usize = 10;
/// What an entry bundle of the tlog-tiles layout can hold.
const MAX_BODY: usize = u16::MAX as usize;
const MAX_SHOWN: usize = 40;
