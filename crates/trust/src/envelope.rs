//! DSSE envelopes: a payload, its type and one signature over both.

use std::sync::Arc;

use serde::Deserialize;

use crate::base64_bytes::Base64Bytes;
use crate::error::MaterialError;

/// An envelope with exactly one signature. More would leave open which one a log entry or timestamp
/// is about.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    /// What was signed, as it came.
    pub(crate) payload: Arc<Vec<u8>>,
    /// Its type, which is signed too.
    pub(crate) payload_type: String,
    /// The signature.
    pub(crate) signature: Vec<u8>,
    /// The name of the key, which proves nothing.
    pub(crate) key_id: Option<String>,
    /// The JSON of the envelope where it was signed or hashed as such: legacy material.
    pub(crate) json: Option<Vec<u8>>,
}

/// An envelope in JSON. Legacy envelopes and bundles write it alike.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wire {
    payload: Option<Base64Bytes>,
    payload_type: Option<String>,
    signatures: Option<Vec<WireSignature>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    keyid: Option<String>,
    sig: Option<Base64Bytes>,
}

impl Envelope {
    /// Takes the envelope of a bundle.
    pub(crate) fn of_bundle(wire: Wire) -> Result<Self, MaterialError> {
        let signatures = wire.signatures.unwrap_or_default();
        let found = signatures.len();
        let mut signatures = signatures.into_iter();
        let (Some(signature), None) = (signatures.next(), signatures.next()) else {
            return Err(MaterialError::SignatureCount { found });
        };
        let bytes = signature.sig.unwrap_or_default().0;
        if bytes.is_empty() {
            return Err(MaterialError::NoSignature);
        }
        Ok(Self {
            payload: Arc::new(wire.payload.unwrap_or_default().0),
            payload_type: wire.payload_type.unwrap_or_default(),
            signature: bytes,
            key_id: signature.keyid.filter(|id| !id.is_empty()),
            json: None,
        })
    }

    /// Reads the layer of a legacy attestation.
    pub(crate) fn of_layer(json: Vec<u8>) -> Result<Self, MaterialError> {
        let wire: Wire = serde_json::from_slice(&json).map_err(|error| MaterialError::Syntax {
            line: error.line(),
            column: error.column(),
        })?;
        Ok(Self {
            json: Some(json),
            ..Self::of_bundle(wire)?
        })
    }

    /// The bytes that are signed: DSSE's pre-authentication encoding.
    pub(crate) fn signed_bytes(&self) -> Vec<u8> {
        crate::assemble::pae(&self.payload_type, &self.payload)
    }

    /// What stands before the payload in the signed bytes.
    pub(crate) fn header(&self) -> String {
        let (kind, length) = (&self.payload_type, self.payload.len());
        format!("DSSEv1 {} {kind} {length} ", kind.len())
    }
}

/// The one payload type that Sigstore knows.
pub(crate) const IN_TOTO: &str = "application/vnd.in-toto+json";
