//! Signed envelopes (DSSE), which two kinds of entries hold.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;

use crate::public_key::{HashAlgorithm, PublicKey};

/// What an envelope's signatures are over (the DSSE protocol, "PAE").
pub(super) fn signed_bytes(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    )
    .into_bytes();
    out.extend(payload);
    out
}

/// Whether `key` made `signature` over `signed`.
pub(super) fn is_made_by(key: &PublicKey, signed: &[u8], signature: &[u8]) -> bool {
    // cosign signs envelopes with SHA-256 whatever the key; others use the key's own hash.
    [key.kind().default_hash(), HashAlgorithm::Sha256]
        .into_iter()
        .any(|hash| key.verify(hash, signed, signature).is_ok())
}

/// Digests of an in-toto statement's subjects, for the index only: a payload that is none is fine.
pub(super) fn subjects(payload_type: &str, payload: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Statement {
        subject: Vec<Subject>,
    }
    #[derive(Deserialize)]
    struct Subject {
        digest: std::collections::BTreeMap<String, String>,
    }
    if payload_type != IN_TOTO {
        return Vec::new();
    }
    let Ok(statement) = serde_json::from_slice::<Statement>(payload) else {
        return Vec::new();
    };
    let digests = statement.subject.into_iter().flat_map(|s| s.digest);
    digests
        .map(|(algorithm, value)| format!("{algorithm}:{value}").to_lowercase())
        .take(MAX_SUBJECTS)
        .collect()
}

/// Envelopes come in both alphabets of base64.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()
}

const IN_TOTO: &str = "application/vnd.in-toto+json";
/// Search terms one entry may add.
const MAX_SUBJECTS: usize = 256;
