//! A log's answer, to be put into a bundle.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::protobuf_json::Json;
use crate::base64_bytes::{self, Base64Bytes};

/// An entry as a log returned it. Nothing of it is verified: whoever makes a bundle verifies the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    log_index: u64,
    log_id: Vec<u8>,
    kind: String,
    version: String,
    integrated_time: u64,
    promise: Option<Vec<u8>>,
    proof: Proof,
    body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Proof {
    log_index: u64,
    root_hash: Vec<u8>,
    tree_size: u64,
    hashes: Vec<Vec<u8>>,
    checkpoint: String,
}

/// Why an answer is not one of a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogEntryError {
    /// It is larger than the cap.
    #[error("at most {limit} bytes are read, found {found}")]
    TooLarge {
        /// The cap.
        limit: usize,
        /// The size.
        found: usize,
    },
    /// It is not JSON of the right shape.
    #[error("not an entry of a log: line {line}, column {column}")]
    Syntax {
        /// Where reading stopped.
        line: usize,
        /// Where reading stopped.
        column: usize,
    },
    /// It has no or several entries.
    #[error("expected one entry, found {found}")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// A field cannot be read.
    #[error("the field {field} of the entry cannot be read")]
    Field {
        /// Its name.
        field: &'static str,
    },
    /// There is no inclusion proof, without which a bundle is not one.
    #[error("the log gave no inclusion proof")]
    NoProof,
}

impl LogEntry {
    /// Reads the answer of a Rekor v1 log: `{uuid: {..}}`.
    pub fn from_rekor_v1(json: &[u8]) -> Result<Self, LogEntryError> {
        let found: BTreeMap<String, V1Entry> = read(json)?;
        let count = found.len();
        let mut entries = found.into_values();
        let (Some(entry), None) = (entries.next(), entries.next()) else {
            return Err(LogEntryError::Count { found: count });
        };
        let verification = entry.verification.ok_or(LogEntryError::NoProof)?;
        let proof = verification.inclusion_proof.ok_or(LogEntryError::NoProof)?;
        let hashes: Option<Vec<_>> = proof.hashes.iter().map(|hash| hash_of(hash)).collect();
        let (kind, version) = kind(&entry.body.0)?;
        Ok(Self {
            log_index: entry.log_index,
            log_id: hash_of(&entry.log_id).ok_or(LogEntryError::Field { field: "logID" })?,
            kind,
            version,
            integrated_time: entry.integrated_time,
            promise: verification.signed_entry_timestamp.map(|promise| promise.0),
            proof: Proof {
                log_index: proof.log_index,
                root_hash: hash_of(&proof.root_hash)
                    .ok_or(LogEntryError::Field { field: "rootHash" })?,
                tree_size: proof.tree_size,
                hashes: hashes.ok_or(LogEntryError::Field { field: "hashes" })?,
                checkpoint: proof.checkpoint,
            },
            body: entry.body.0,
        })
    }

    /// Reads the answer of a Rekor v2 log: a `TransparencyLogEntry` in protobuf's JSON.
    pub fn from_rekor_v2(json: &[u8]) -> Result<Self, LogEntryError> {
        let entry: V2Entry = read(json)?;
        let proof = entry.inclusion_proof.ok_or(LogEntryError::NoProof)?;
        Ok(Self {
            log_index: entry.log_index.0,
            log_id: entry.log_id.key_id.0,
            kind: entry.kind_version.kind,
            version: entry.kind_version.version,
            integrated_time: entry.integrated_time.0,
            promise: entry
                .inclusion_promise
                .map(|promise| promise.signed_entry_timestamp.0),
            proof: Proof {
                log_index: proof.log_index.0,
                root_hash: proof.root_hash.0,
                tree_size: proof.tree_size.0,
                hashes: proof.hashes.into_iter().map(|hash| hash.0).collect(),
                checkpoint: proof.checkpoint.envelope,
            },
            body: entry.canonicalized_body.0,
        })
    }

    /// The index of the entry in the whole log.
    #[must_use]
    pub fn log_index(&self) -> u64 {
        self.log_index
    }

    /// When the log says it took the entry, in seconds since 1970; 0 of logs that do not say.
    #[must_use]
    pub fn integrated_time(&self) -> u64 {
        self.integrated_time
    }

    /// The body as the log has it.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The annotation that a layer of a `.sig` or `.att` tag carries, where the log promised.
    #[must_use]
    pub fn legacy_annotation(&self) -> Option<String> {
        let promise = base64_bytes::encode(self.promise.as_ref()?);
        let body = base64_bytes::encode(&self.body);
        let (time, index, id) = (
            self.integrated_time,
            self.log_index,
            hex::encode(&self.log_id),
        );
        Some(format!(
            r#"{{"SignedEntryTimestamp":"{promise}","Payload":{{"body":"{body}","integratedTime":{time},"logIndex":{index},"logID":"{id}"}}}}"#
        ))
    }

    /// The entry in a bundle. Protobuf's JSON leaves empty values out, an index of 0 too.
    pub(super) fn in_bundle(&self) -> Json {
        let number = |name: &str, value: u64| {
            (value != 0).then(|| (name.to_owned(), Json::Text(value.to_string())))
        };
        let kind = Json::object([
            ("kind", Json::text(&self.kind)),
            ("version", Json::text(&self.version)),
        ]);
        let promise = self.promise.as_ref().map(|promise| {
            let promise = Json::object([("signedEntryTimestamp", Json::bytes(promise))]);
            ("inclusionPromise".to_owned(), promise)
        });
        let hashes: Vec<Json> = self
            .proof
            .hashes
            .iter()
            .map(|hash| Json::bytes(hash))
            .collect();
        let checkpoint = Json::object([("envelope", Json::text(&self.proof.checkpoint))]);
        let proof = [
            number("logIndex", self.proof.log_index),
            Some(("rootHash".to_owned(), Json::bytes(&self.proof.root_hash))),
            number("treeSize", self.proof.tree_size),
            (!hashes.is_empty()).then(|| ("hashes".to_owned(), Json::List(hashes))),
            Some(("checkpoint".to_owned(), checkpoint)),
        ];
        let entry = [
            number("logIndex", self.log_index),
            Some((
                "logId".to_owned(),
                Json::object([("keyId", Json::bytes(&self.log_id))]),
            )),
            Some(("kindVersion".to_owned(), kind)),
            number("integratedTime", self.integrated_time),
            promise,
            Some((
                "inclusionProof".to_owned(),
                Json::Object(proof.into_iter().flatten().collect()),
            )),
            Some(("canonicalizedBody".to_owned(), Json::bytes(&self.body))),
        ];
        Json::Object(entry.into_iter().flatten().collect())
    }
}

fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, LogEntryError> {
    if json.len() > MAXIMAL_SIZE {
        return Err(LogEntryError::TooLarge {
            limit: MAXIMAL_SIZE,
            found: json.len(),
        });
    }
    serde_json::from_slice(json).map_err(|error| LogEntryError::Syntax {
        line: error.line(),
        column: error.column(),
    })
}

fn hash_of(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok().filter(|hash| hash.len() == 32)
}

/// Kind and version are in the body of a Rekor v1 entry only.
fn kind(body: &[u8]) -> Result<(String, String), LogEntryError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        kind: String,
        api_version: String,
    }
    let body: Body =
        serde_json::from_slice(body).map_err(|_| LogEntryError::Field { field: "body" })?;
    Ok((body.kind, body.api_version))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V1Entry {
    body: Base64Bytes,
    integrated_time: u64,
    #[serde(rename = "logID")]
    log_id: String,
    log_index: u64,
    verification: Option<V1Verification>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V1Verification {
    inclusion_proof: Option<V1Proof>,
    signed_entry_timestamp: Option<Base64Bytes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V1Proof {
    log_index: u64,
    root_hash: String,
    tree_size: u64,
    #[serde(default)]
    hashes: Vec<String>,
    checkpoint: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V2Entry {
    #[serde(default)]
    log_index: Number,
    log_id: V2LogId,
    kind_version: V2Kind,
    #[serde(default)]
    integrated_time: Number,
    inclusion_promise: Option<V2Promise>,
    inclusion_proof: Option<V2Proof>,
    canonicalized_body: Base64Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V2LogId {
    key_id: Base64Bytes,
}

#[derive(Deserialize)]
struct V2Kind {
    kind: String,
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V2Promise {
    signed_entry_timestamp: Base64Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct V2Proof {
    #[serde(default)]
    log_index: Number,
    root_hash: Base64Bytes,
    #[serde(default)]
    tree_size: Number,
    #[serde(default)]
    hashes: Vec<Base64Bytes>,
    checkpoint: V2Checkpoint,
}

#[derive(Deserialize)]
struct V2Checkpoint {
    envelope: String,
}

/// Protobuf's JSON has 64-bit numbers as text, and readers take both.
#[derive(Clone, Copy, Default)]
struct Number(u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(number) => Ok(Self(number)),
            Either::Text(text) => text.parse().map(Self).map_err(serde::de::Error::custom),
        }
    }
}

/// A body has at most what the log takes (100 KB and more at the public one), twice in base64.
const MAXIMAL_SIZE: usize = 8 << 20;
