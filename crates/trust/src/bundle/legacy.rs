//! The older form of cosign: a payload and annotations of its layer.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{MAXIMAL_INTERMEDIATES, MAXIMAL_SIZE};
use crate::base64_bytes::{self, Base64Bytes};
use crate::envelope::Envelope;
use crate::error::{EntryPart, MaterialError};
use crate::material::{Claims, KeyMaterial, SignedContent};
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
        SignedContent::SimpleSigning { payload, signature },
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
    let bundle: RekorBundle =
        serde_json::from_str(text).map_err(|_| MaterialError::Annotation { name: BUNDLE })?;
    let fault = |part| MaterialError::Entry { part };
    let payload = bundle.payload;
    if payload.integrated_time <= 0 {
        return Err(fault(EntryPart::IntegratedTime));
    }
    if bundle.signed_entry_timestamp.0.is_empty() {
        return Err(fault(EntryPart::Promise));
    }
    Ok(Entry {
        log_index: u64::try_from(payload.log_index).map_err(|_| fault(EntryPart::Index))?,
        log_id: hex::decode(&payload.log_id).map_err(|_| fault(EntryPart::LogId))?,
        kind: None,
        integrated_time: Some(payload.integrated_time),
        promise: Some(bundle.signed_entry_timestamp.0),
        proof: None,
        body: payload.body.0,
    })
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
