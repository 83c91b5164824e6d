//! Requests to transparency logs.

use serde_json::{Value, json};

use super::{ContentHash, Envelope};
use crate::base64_bytes;
use crate::public_key::PublicKey;

/// Whose signature is logged.
#[derive(Clone, Copy, Debug)]
pub enum LogVerifier<'a> {
    /// That of a certificate, in DER, and its key.
    Certificate(&'a [u8], &'a PublicKey),
    /// That of a bare key.
    Key(&'a PublicKey),
}

/// Makes the body of a request to a Rekor v1 log for an envelope: kind `dsse` 0.0.1. `verifier_pem` is
/// the certificate or the public key.
#[must_use]
pub fn rekor_v1_dsse_entry(envelope: &Envelope, verifier_pem: &str) -> Vec<u8> {
    let proposed = json!({
        "envelope": String::from_utf8_lossy(&envelope.to_json()),
        "verifiers": [base64_bytes::encode(verifier_pem.as_bytes())],
    });
    proposal("dsse", json!({ "proposedContent": proposed }))
}

/// Makes the body of a request to a Rekor v1 log for a signature over content with this hash: kind
/// `hashedrekord` 0.0.1. The hash is the one that the signature was made with.
#[must_use]
pub fn rekor_v1_hashedrekord_entry(
    digest: impl Into<ContentHash>,
    signature: &[u8],
    verifier_pem: &str,
) -> Vec<u8> {
    let digest = digest.into();
    let hash = json!({ "algorithm": digest.name(), "value": hex::encode(digest.as_bytes()) });
    let key = json!({ "content": base64_bytes::encode(verifier_pem.as_bytes()) });
    let spec = json!({
        "data": { "hash": hash },
        "signature": { "content": base64_bytes::encode(signature), "publicKey": key },
    });
    proposal("hashedrekord", spec)
}

/// Makes the body of a request to a Rekor v2 log for a signature over content with this hash; of an
/// envelope it is the hash of the signed bytes. `None` for keys the log does not take.
#[must_use]
pub fn rekor_v2_hashedrekord_entry(
    digest: impl Into<ContentHash>,
    signature: &[u8],
    verifier: LogVerifier<'_>,
) -> Option<Vec<u8>> {
    let (name, raw, key) = match verifier {
        LogVerifier::Certificate(der, key) => ("x509Certificate", der, key),
        LogVerifier::Key(key) => ("publicKey", key.spki_der(), key),
    };
    let verifier = json!({
        name: { "rawBytes": base64_bytes::encode(raw) },
        "keyDetails": key.algorithm().key_details()?,
    });
    let request = json!({
        "digest": base64_bytes::encode(digest.into().as_bytes()),
        "signature": { "content": base64_bytes::encode(signature), "verifier": verifier },
    });
    Some(
        json!({ "hashedRekordRequestV002": request })
            .to_string()
            .into_bytes(),
    )
}

fn proposal(kind: &str, spec: Value) -> Vec<u8> {
    json!({ "apiVersion": "0.0.1", "kind": kind, "spec": spec })
        .to_string()
        .into_bytes()
}
