//! Entries of kind `hashedrekord` 0.0.1: a signature over a digest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::body::{Body, EntryError, Hash};
use crate::public_key::{HashAlgorithm, PublicKey};

/// Verifies the entry and gives its canonical body.
pub(super) fn verify(spec: &str) -> Result<Body, EntryError> {
    let spec: Spec = serde_json::from_str(spec).map_err(|_| EntryError::NotJson)?;
    let hash = HashAlgorithm::named(&spec.data.hash.algorithm).ok_or(EntryError::Field {
        field: "data.hash.algorithm",
    })?;
    let bad_digest = || EntryError::Field {
        field: "data.hash.value",
    };
    let digest = hex::decode(&spec.data.hash.value).map_err(|_| bad_digest())?;
    if digest.len() != hash.length() {
        return Err(bad_digest());
    }
    let signature = decode(&spec.signature.content, "signature.content")?;
    let pem = decode(
        &spec.signature.public_key.content,
        "signature.publicKey.content",
    )?;
    let (key, verifier) = PublicKey::from_pem(&pem)?;
    key.verify_digest(hash, &digest, &signature)?;

    let digest = hex::encode(digest);
    let mut terms = vec![format!("{}:{digest}", hash.name())];
    terms.extend(verifier.terms());
    let canonical = Spec {
        data: Data {
            hash: Hash {
                algorithm: hash.name().to_owned(),
                value: digest,
            },
        },
        signature: Signature {
            content: STANDARD.encode(signature),
            public_key: Key {
                content: STANDARD.encode(verifier.pem),
            },
        },
    };
    Body::new("hashedrekord", "0.0.1", canonical, terms)
}

fn decode(text: &str, field: &'static str) -> Result<Vec<u8>, EntryError> {
    STANDARD
        .decode(text)
        .map_err(|_| EntryError::Field { field })
}

#[derive(Serialize, Deserialize)]
struct Spec {
    data: Data,
    signature: Signature,
}

#[derive(Serialize, Deserialize)]
struct Data {
    hash: Hash,
}

#[derive(Serialize, Deserialize)]
struct Signature {
    content: String,
    #[serde(rename = "publicKey")]
    public_key: Key,
}

#[derive(Serialize, Deserialize)]
struct Key {
    content: String,
}
