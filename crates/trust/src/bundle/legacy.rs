//! The older form of cosign: a payload and annotations of its layer.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::{MAXIMAL_INTERMEDIATES, MAXIMAL_SIZE};
use crate::base64_bytes::{self, Base64Bytes};
use crate::envelope::Envelope;
use crate::error::{EntryPart, MaterialError};
use crate::material::{Claims, KeyMaterial, Message, SignedContent, StatedDigest};
use crate::transparency_log::Entry;

const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const CHAIN: &str = "dev.sigstore.cosign/chain";
const BUNDLE: &str = "dev.sigstore.cosign/bundle";
const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// Reads a signature of an image.
pub(crate) fn signature(
    payload: Vec<u8>,
    annotations: &BTreeMap<String, String>,
) -> Result<Claims, MaterialError> {
    limit(&payload)?;
    let text = annotations
        .get(SIGNATURE)
        .ok_or(MaterialError::AnnotationMissing { name: SIGNATURE })?;
    let signature =
        base64_bytes::decode(text.trim()).ok_or(MaterialError::Annotation { name: SIGNATURE })?;
    if signature.is_empty() {
        return Err(MaterialError::NoSignature);
    }
    claims(
        SignedContent::SimpleSigning {
            payload: Arc::new(payload),
            signature,
        },
        annotations,
    )
}

/// Reads an attestation. Its annotation for a signature is empty: the envelope holds it.
pub(crate) fn attestation(
    envelope: Vec<u8>,
    annotations: &BTreeMap<String, String>,
) -> Result<Claims, MaterialError> {
    limit(&envelope)?;
    claims(
        SignedContent::Envelope(Envelope::of_layer(envelope)?),
        annotations,
    )
}

/// Reads a signature over something that is elsewhere. Text in base64 is no DER and no signature of
/// a fixed length, so the two ways to write it cannot be confused.
pub(crate) fn message(
    signature: &[u8],
    annotations: &BTreeMap<String, String>,
) -> Result<Claims, MaterialError> {
    limit(signature)?;
    let text = std::str::from_utf8(signature).ok();
    let decoded = text.and_then(|text| base64_bytes::decode(text.trim()));
    let signature = decoded.unwrap_or_else(|| signature.to_vec());
    if signature.is_empty() {
        return Err(MaterialError::NoSignature);
    }
    claims(
        SignedContent::Message(Message {
            digest: StatedDigest::Unusual,
            signature,
        }),
        annotations,
    )
}

/// What `cosign sign-blob --bundle` of version 2 writes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LocalBundle {
    base64_signature: Option<String>,
    cert: Option<Base64Bytes>,
    rekor_bundle: Option<RekorBundle>,
}

/// Reads a local file of version 2. For an attestation the whole envelope stands where a signature
/// would be.
pub(crate) fn local_bundle(json: &[u8]) -> Result<Claims, MaterialError> {
    limit(json)?;
    let syntax = |error: serde_json::Error| MaterialError::Syntax {
        line: error.line(),
        column: error.column(),
    };
    let file: LocalBundle = serde_json::from_slice(json).map_err(syntax)?;
    let signature = file
        .base64_signature
        .and_then(|text| base64_bytes::decode(text.trim()));
    let signature = signature
        .filter(|bytes| !bytes.is_empty())
        .ok_or(MaterialError::NoSignature)?;
    let content = if signature.first() == Some(&b'{') {
        SignedContent::Envelope(Envelope::of_layer(signature)?)
    } else {
        SignedContent::Message(Message {
            digest: StatedDigest::Unusual,
            signature,
        })
    };
    let pem = file
        .cert
        .map(|bytes| String::from_utf8(bytes.0))
        .transpose();
    let pem = pem.map_err(|_| MaterialError::Annotation { name: CERTIFICATE })?;
    // A public key here names nobody whom we would not have to know anyway.
    let certificate = pem.filter(|text| text.contains("CERTIFICATE"));
    Ok(Claims {
        content,
        key: key_material(certificate.as_ref(), None)?,
        entries: file
            .rekor_bundle
            .map(RekorBundle::entry)
            .transpose()?
            .into_iter()
            .collect(),
        timestamps: Vec::new(),
    })
}

fn limit(payload: &[u8]) -> Result<(), MaterialError> {
    if payload.len() > MAXIMAL_SIZE {
        return Err(MaterialError::TooLarge {
            limit: MAXIMAL_SIZE,
            found: payload.len(),
        });
    }
    Ok(())
}

fn claims(
    content: SignedContent,
    annotations: &BTreeMap<String, String>,
) -> Result<Claims, MaterialError> {
    let present = |name| annotations.get(name).filter(|text| !text.trim().is_empty());
    Ok(Claims {
        content,
        key: key_material(present(CERTIFICATE), present(CHAIN))?,
        entries: present(BUNDLE)
            .map(|text| entry(text))
            .transpose()?
            .into_iter()
            .collect(),
        timestamps: present(TIMESTAMP)
            .map(|text| timestamp(text))
            .transpose()?
            .into_iter()
            .collect(),
    })
}

/// A chain without a certificate says nothing; an empty one is what cosign 3.1 writes.
fn key_material(
    certificate: Option<&String>,
    chain: Option<&String>,
) -> Result<KeyMaterial, MaterialError> {
    let Some(certificate) = certificate else {
        return Ok(KeyMaterial::Unnamed);
    };
    let leaf = certificates(certificate, CERTIFICATE)?
        .into_iter()
        .next()
        .ok_or(MaterialError::Annotation { name: CERTIFICATE })?;
    let intermediates = match chain {
        Some(chain) => certificates(chain, CHAIN)?,
        None => Vec::new(),
    };
    Ok(KeyMaterial::Certificate {
        leaf,
        intermediates,
    })
}

fn certificates(text: &str, name: &'static str) -> Result<Vec<Vec<u8>>, MaterialError> {
    let blocks = pem::parse_many(text).map_err(|_| MaterialError::Annotation { name })?;
    if blocks.iter().any(|block| block.tag() != "CERTIFICATE") {
        return Err(MaterialError::Annotation { name });
    }
    if blocks.len() > MAXIMAL_INTERMEDIATES {
        let found = blocks.len();
        return Err(MaterialError::TooManyCertificates {
            limit: MAXIMAL_INTERMEDIATES,
            found,
        });
    }
    Ok(blocks.into_iter().map(pem::Pem::into_contents).collect())
}

/// What Rekor promised, as cosign keeps it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RekorBundle {
    signed_entry_timestamp: Base64Bytes,
    payload: RekorPayload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RekorPayload {
    body: Base64Bytes,
    integrated_time: i64,
    log_index: i64,
    #[serde(rename = "logID")]
    log_id: String,
}

fn entry(text: &str) -> Result<Entry, MaterialError> {
    serde_json::from_str::<RekorBundle>(text)
        .map_err(|_| MaterialError::Annotation { name: BUNDLE })?
        .entry()
}

impl RekorBundle {
    fn entry(self) -> Result<Entry, MaterialError> {
        let fault = |part| MaterialError::Entry { part };
        let payload = self.payload;
        if payload.integrated_time <= 0 {
            return Err(fault(EntryPart::IntegratedTime));
        }
        if self.signed_entry_timestamp.0.is_empty() {
            return Err(fault(EntryPart::Promise));
        }
        Ok(Entry {
            log_index: u64::try_from(payload.log_index).map_err(|_| fault(EntryPart::Index))?,
            log_id: hex::decode(&payload.log_id).map_err(|_| fault(EntryPart::LogId))?,
            kind: None,
            integrated_time: Some(payload.integrated_time),
            promise: Some(self.signed_entry_timestamp.0),
            proof: None,
            body: payload.body.0,
        })
    }
}

#[derive(Deserialize)]
struct TimestampAnnotation {
    #[serde(rename = "SignedRFC3161Timestamp")]
    signed: Base64Bytes,
}

fn timestamp(text: &str) -> Result<Vec<u8>, MaterialError> {
    let found: TimestampAnnotation =
        serde_json::from_str(text).map_err(|_| MaterialError::Annotation { name: TIMESTAMP })?;
    Ok(found.signed.0)
}
