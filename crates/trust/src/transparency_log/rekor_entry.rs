//! Entries as the API of Rekor v1 returns them, for those who read a log.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Entry, InclusionProof, prove};
use crate::base64_bytes::Base64Bytes;
use crate::bundle::MAXIMAL_PROOF;
use crate::error::{EntryPart, MaterialError, VerifyError};
use crate::evidence::VerifiedEntry;
use crate::trust_root::TrustRoot;

/// Checks one entry as `GET /api/v1/log/entries` returns it, `{"<uuid>": {...}}`: it must be in a log
/// of `root`, with an inclusion proof and a checkpoint, and a signed entry timestamp where there is
/// one.
///
/// What is recorded is what someone sent to the log. That a certificate is genuine or a signature
/// right is not said.
pub fn verify_rekor_entry(json: &[u8], root: &TrustRoot) -> Result<VerifiedEntry, VerifyError> {
    if json.len() > MAXIMAL_ANSWER {
        let error = MaterialError::TooLarge {
            limit: MAXIMAL_ANSWER,
            found: json.len(),
        };
        return Err(error.into());
    }
    let answer: BTreeMap<String, Answer> =
        serde_json::from_slice(json).map_err(|error| MaterialError::Syntax {
            line: error.line(),
            column: error.column(),
        })?;
    let mut entries = answer.into_values();
    let (Some(answer), None) = (entries.next(), entries.next()) else {
        return Err(MaterialError::Entry {
            part: EntryPart::Body,
        }
        .into());
    };
    let entry = answer.entry()?;
    let log = root
        .transparency_logs()
        .iter()
        .find(|log| log.id == entry.log_id)
        .ok_or_else(|| VerifyError::UnknownLog {
            id: hex::encode(&entry.log_id),
        })?;
    if entry.proof.is_none() {
        return Err(MaterialError::NoProof.into());
    }
    Ok(prove(&entry, log)?.into_verified())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    body: Base64Bytes,
    integrated_time: Option<i64>,
    #[serde(rename = "logID")]
    log_id: String,
    log_index: u64,
    verification: Option<Verification>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    inclusion_proof: Option<Proof>,
    signed_entry_timestamp: Option<Base64Bytes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    log_index: u64,
    root_hash: String,
    tree_size: u64,
    hashes: Vec<String>,
    checkpoint: String,
}

impl Answer {
    fn entry(self) -> Result<Entry, MaterialError> {
        let fault = |part| MaterialError::Entry { part };
        let (proof, promise) = match self.verification {
            Some(found) => (found.inclusion_proof, found.signed_entry_timestamp),
            None => (None, None),
        };
        Ok(Entry {
            log_index: self.log_index,
            log_id: hex::decode(&self.log_id).map_err(|_| fault(EntryPart::LogId))?,
            kind: None,
            integrated_time: self.integrated_time.filter(|seconds| *seconds > 0),
            promise: promise
                .map(|found| found.0)
                .filter(|bytes| !bytes.is_empty()),
            proof: proof.map(Proof::read).transpose()?,
            body: self.body.0,
        })
    }
}

impl Proof {
    fn read(self) -> Result<InclusionProof, MaterialError> {
        let fault = MaterialError::Entry {
            part: EntryPart::Proof,
        };
        if self.hashes.len() > MAXIMAL_PROOF {
            return Err(fault);
        }
        let hash = |text: &String| {
            let mut bytes = [0; 32];
            hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
        };
        let hashes: Option<Vec<_>> = self.hashes.iter().map(hash).collect();
        Ok(InclusionProof {
            index: self.log_index,
            size: self.tree_size,
            root: hash(&self.root_hash).ok_or(fault.clone())?,
            hashes: hashes.ok_or(fault)?,
            checkpoint: self.checkpoint,
        })
    }
}

/// A body of [`MAXIMAL_PROOF`] hashes and 1 MiB, in base64.
const MAXIMAL_ANSWER: usize = 4 << 20;
