//! Entries of kind `dsse` 0.0.1: a signed envelope, of which the log keeps hashes, signatures and
//! verifiers but not the payload.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::body::{Body, EntryError, Hash, MAX_SIGNATURES};
use super::envelope::{self, decode};
use crate::public_key::{PublicKey, Verifier};
use crate::signing_key::sha256;

/// Verifies every signature of the envelope and gives the entry's canonical body.
pub(super) fn verify(spec: &str) -> Result<Body, EntryError> {
    let spec: Spec = serde_json::from_str(spec).map_err(|_| EntryError::NotJson)?;
    let Proposed {
        envelope: text,
        verifiers,
    } = spec.proposed_content;
    let field = |field| EntryError::Field { field };
    let envelope: Envelope =
        serde_json::from_str(&text).map_err(|_| field("proposedContent.envelope"))?;
    let payload = decode(&envelope.payload).ok_or_else(|| field("envelope.payload"))?;
    for count in [envelope.signatures.len(), verifiers.len()] {
        if !(1..=MAX_SIGNATURES).contains(&count) {
            return Err(EntryError::SignatureCount);
        }
    }
    let mut keys = Vec::new();
    for verifier in &verifiers {
        let pem = STANDARD
            .decode(verifier)
            .map_err(|_| field("proposedContent.verifiers"))?;
        keys.push(PublicKey::from_pem(&pem)?);
    }
    let signed = envelope::signed_bytes(&envelope.payload_type, &payload);
    let signatures = match_signatures(&signed, envelope.signatures, &keys)?;

    let payload_hash = hex::encode(sha256(&payload));
    let envelope_hash = hex::encode(sha256(text.as_bytes()));
    let mut terms = vec![
        format!("sha256:{payload_hash}"),
        format!("sha256:{envelope_hash}"),
    ];
    for (_, verifier) in &keys {
        terms.extend(verifier.terms());
    }
    terms.extend(envelope::subjects(&envelope.payload_type, &payload));
    let canonical = CanonicalSpec {
        envelope_hash: Hash::sha256(envelope_hash),
        payload_hash: Hash::sha256(payload_hash),
        signatures,
    };
    Body::new("dsse", "0.0.1", canonical, terms)
}

/// Pairs each signature with the verifier that made it. None may be left over on either side: an
/// entry must not suggest that somebody signed who did not.
fn match_signatures(
    signed: &[u8],
    signatures: Vec<EnvelopeSignature>,
    keys: &[(PublicKey, Verifier)],
) -> Result<Vec<CanonicalSignature>, EntryError> {
    let mut used = vec![false; keys.len()];
    let mut matched = Vec::new();
    for EnvelopeSignature { sig } in signatures {
        let bytes = decode(&sig).ok_or(EntryError::Field {
            field: "envelope.signatures",
        })?;
        let maker = keys
            .iter()
            .position(|(key, _)| envelope::is_made_by(key, signed, &bytes));
        let maker = maker.ok_or(EntryError::UnverifiedSignature)?;
        used[maker] = true;
        matched.push(CanonicalSignature {
            signature: sig,
            verifier: STANDARD.encode(&keys[maker].1.pem),
        });
    }
    if used.contains(&false) {
        return Err(EntryError::UnusedVerifier);
    }
    matched.sort_by(|a, b| a.signature.cmp(&b.signature));
    Ok(matched)
}

#[derive(Deserialize)]
struct Spec {
    #[serde(rename = "proposedContent")]
    proposed_content: Proposed,
}

#[derive(Deserialize)]
struct Proposed {
    envelope: String,
    verifiers: Vec<String>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    sig: String,
}

#[derive(Serialize)]
struct CanonicalSpec {
    #[serde(rename = "envelopeHash")]
    envelope_hash: Hash,
    #[serde(rename = "payloadHash")]
    payload_hash: Hash,
    signatures: Vec<CanonicalSignature>,
}

#[derive(Serialize)]
struct CanonicalSignature {
    signature: String,
    verifier: String,
}
