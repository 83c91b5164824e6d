//! DSSE envelopes, to be signed.

use serde_json::json;

use super::protobuf_json::Json;
use crate::base64_bytes;

/// A payload with one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Envelope {
    /// Puts a statement and the signature over its [`pae`] together.
    #[must_use]
    pub fn of_statement(statement: Vec<u8>, signature: Vec<u8>) -> Self {
        Self {
            payload_type: IN_TOTO_PAYLOAD.to_owned(),
            payload: statement,
            signature,
        }
    }

    /// What was signed, without its type.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The bytes that the signature is over.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.payload)
    }

    /// The envelope as a layer of an `.att` tag and as it goes to a log, which hashes these very bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        json!({
            "payload": base64_bytes::encode(&self.payload),
            "payloadType": self.payload_type,
            "signatures": [{ "sig": base64_bytes::encode(&self.signature) }],
        })
        .to_string()
        .into_bytes()
    }

    pub(super) fn in_bundle(&self) -> Json {
        let signature = Json::object([("sig", Json::bytes(&self.signature))]);
        Json::object([
            ("payload", Json::bytes(&self.payload)),
            ("payloadType", Json::text(&self.payload_type)),
            ("signatures", Json::List(vec![signature])),
        ])
    }
}

/// DSSE's pre-authentication encoding: the bytes that are signed.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let (kind, length) = (payload_type.len(), payload.len());
    let mut bytes = format!("DSSEv1 {kind} {payload_type} {length} ").into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// The one payload type that Sigstore knows.
pub const IN_TOTO_PAYLOAD: &str = "application/vnd.in-toto+json";
