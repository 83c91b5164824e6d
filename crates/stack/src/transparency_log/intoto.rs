//! Entries of kind `intoto`: a signed envelope, of which the log keeps no payload. Version 0.0.2 is
//! what `npm publish --provenance` proposes, 0.0.1 what `cosign attest --rekor-entry-type intoto`
//! does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::body::{Body, EntryError, Hash, MAX_SIGNATURES};
use super::envelope::{self, decode};
use crate::public_key::{HashAlgorithm, PublicKey};
use crate::signing_key::sha256;

/// Verifies an entry of version 0.0.1, which has one key for the envelope, and gives its canonical
/// body.
pub(super) fn verify_v1(spec: &str) -> Result<Body, EntryError> {
    let spec: ProposalV1 = serde_json::from_str(spec).map_err(|_| EntryError::NotJson)?;
    let field = |field| EntryError::Field { field };
    let text = spec.content.envelope;
    let envelope: EnvelopeV1 =
        serde_json::from_str(&text).map_err(|_| field("content.envelope"))?;
    let payload = decode(&envelope.payload).ok_or_else(|| field("content.envelope.payload"))?;
    if !(1..=MAX_SIGNATURES).contains(&envelope.signatures.len()) {
        return Err(EntryError::SignatureCount);
    }
    let pem = STANDARD
        .decode(spec.public_key)
        .map_err(|_| field("publicKey"))?;
    let (key, verifier) = PublicKey::from_pem(&pem)?;
    let signed = envelope::signed_bytes(&envelope.payload_type, &payload);
    for SignatureV1 { sig } in envelope.signatures {
        let bytes = decode(&sig).ok_or_else(|| field("content.envelope.signatures.sig"))?;
        if !envelope::is_made_by(&key, &signed, &bytes) {
            return Err(EntryError::UnverifiedSignature);
        }
    }
    let envelope_hash = hex::encode(sha256(text.as_bytes()));
    let payload_hash = hex::encode(sha256(&payload));
    let mut terms = vec![
        format!("sha256:{payload_hash}"),
        format!("sha256:{envelope_hash}"),
    ];
    terms.extend(verifier.terms());
    terms.extend(envelope::subjects(&envelope.payload_type, &payload));
    let canonical = LoggedV1 {
        content: LoggedContentV1 {
            hash: Hash::sha256(envelope_hash),
            payload_hash: Hash::sha256(payload_hash),
        },
        public_key: STANDARD.encode(verifier.pem),
    };
    Body::new("intoto", "0.0.1", canonical, terms)
}

/// Verifies an entry of version 0.0.2, which has a key beside each signature, and gives its
/// canonical body.
pub(super) fn verify_v2(spec: &str) -> Result<Body, EntryError> {
    let spec: Spec<Envelope> = serde_json::from_str(spec).map_err(|_| EntryError::NotJson)?;
    let field = |field| EntryError::Field { field };
    let Envelope {
        payload_type,
        payload,
        signatures,
    } = spec.content.envelope;
    let payload = decode_twice(&payload).ok_or_else(|| field("content.envelope.payload"))?;
    if !(1..=MAX_SIGNATURES).contains(&signatures.len()) {
        return Err(EntryError::SignatureCount);
    }
    let signed = envelope::signed_bytes(&payload_type, &payload);
    let payload_hash = hex::encode(sha256(&payload));
    let mut terms = vec![format!("sha256:{payload_hash}")];
    let mut logged = Vec::new();
    for Signature {
        key_id,
        public_key,
        sig,
    } in signatures
    {
        let bytes = decode_twice(&sig).ok_or_else(|| field("content.envelope.signatures.sig"))?;
        let pem = STANDARD
            .decode(public_key)
            .map_err(|_| field("content.envelope.signatures.publicKey"))?;
        let (key, verifier) = PublicKey::from_pem(&pem)?;
        // The key that stands beside a signature must have made it; that another one in the
        // envelope did is not what the entry would say.
        if !envelope::is_made_by(&key, &signed, &bytes) {
            return Err(EntryError::UnverifiedSignature);
        }
        terms.extend(verifier.terms());
        logged.push(Signature {
            key_id: key_id.filter(|id| !id.is_empty()),
            public_key: STANDARD.encode(&verifier.pem),
            sig,
        });
    }
    terms.extend(envelope::subjects(&payload_type, &payload));
    let canonical = Spec {
        content: Content {
            envelope: LoggedEnvelope {
                payload_type,
                signatures: logged,
            },
            hash: sender_hash(spec.content.hash)?,
            payload_hash: Some(Hash::sha256(payload_hash)),
        },
    };
    Body::new("intoto", "0.0.2", canonical, terms)
}

/// The sender's hash of its envelope. Nobody says which form of the envelope it is over, so it
/// cannot be checked and proves nothing; but clients rebuild the body with it. So it is kept, if
/// it is a hash: no other text may ride along.
fn sender_hash(hash: Hash) -> Result<Hash, EntryError> {
    let is_hash = hex::decode(&hash.value).is_ok_and(|bytes| bytes.len() == 32);
    if hash.algorithm != HashAlgorithm::Sha256.name() || !is_hash {
        return Err(EntryError::Field {
            field: "content.hash",
        });
    }
    Ok(hash)
}

/// In this kind the texts of the envelope, which are base64 already, are put in base64 again.
fn decode_twice(text: &str) -> Option<Vec<u8>> {
    let inner = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    decode(&inner)
}

#[derive(Serialize, Deserialize)]
struct Spec<E> {
    content: Content<E>,
}

#[derive(Serialize, Deserialize)]
struct Content<E> {
    envelope: E,
    hash: Hash,
    /// What a proposal says here is replaced by what is true.
    #[serde(rename = "payloadHash", skip_deserializing)]
    payload_hash: Option<Hash>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<Signature>,
}

#[derive(Serialize)]
struct LoggedEnvelope {
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Serialize, Deserialize)]
struct Signature {
    #[serde(rename = "keyid", skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    #[serde(rename = "publicKey")]
    public_key: String,
    sig: String,
}

#[derive(Deserialize)]
struct ProposalV1 {
    content: ContentV1,
    #[serde(rename = "publicKey")]
    public_key: String,
}

#[derive(Deserialize)]
struct ContentV1 {
    envelope: String,
}

#[derive(Deserialize)]
struct EnvelopeV1 {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<SignatureV1>,
}

#[derive(Deserialize)]
struct SignatureV1 {
    sig: String,
}

#[derive(Serialize)]
struct LoggedV1 {
    content: LoggedContentV1,
    #[serde(rename = "publicKey")]
    public_key: String,
}

#[derive(Serialize)]
struct LoggedContentV1 {
    hash: Hash,
    #[serde(rename = "payloadHash")]
    payload_hash: Hash,
}
