//! The transparency log: who signed what, when, for everyone to see. It speaks Rekor v1.

mod body;
mod dsse;
mod envelope;
#[cfg(test)]
mod golden;
mod hashedrekord;
mod http;
mod intoto;

pub(crate) use http::router;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::merkle_log::{AppendError, Appended, Entry, LogError, MerkleLog, NewEntry, Reader};
use crate::signing_key::{EcdsaKey, KeyError, sha256};
use body::{Body, EntryError};

/// The log with what it signs its promises with.
#[derive(Debug)]
pub(crate) struct TransparencyLog {
    log: MerkleLog,
    key: Arc<EcdsaKey>,
    tree_id: u64,
}

/// What became of a proposed entry.
#[derive(Debug)]
pub(crate) enum Proposed {
    /// It is in the log now.
    Added(Box<Entry>),
    /// An equal entry was there already.
    Present {
        /// Its identifier.
        id: EntryId,
    },
}

/// Tree and leaf hash: 80 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryId {
    tree_id: u64,
    leaf_hash: [u8; 32],
}

impl TransparencyLog {
    pub(crate) fn new(log: MerkleLog, key: Arc<EcdsaKey>, tree_id: u64) -> TransparencyLog {
        TransparencyLog { log, key, tree_id }
    }

    /// Verifies a proposed entry and logs its canonical body.
    async fn propose(&self, proposal: Vec<u8>) -> Result<Proposed, ProposeError> {
        // Hashing and parsing an envelope of a hundred megabytes must not hold up other requests.
        let body = tokio::task::spawn_blocking(move || Body::from_proposal(&proposal))
            .await
            .map_err(|_| AppendError::Stopped)??;
        let entry = NewEntry {
            leaf: body.canonical,
            extra: Vec::new(),
            logged_at: Timestamp::now().as_second(),
            terms: body.terms.iter().map(|term| term_hash(term)).collect(),
        };
        let leaf_hash = tlog_tiles::record_hash(&entry.leaf).0;
        match self.log.append(entry).await? {
            Appended::New { index } => {
                let entry = self.reader().entry(index)?;
                // The append answered, so the entry is below the newest checkpoint.
                entry
                    .map(|entry| Proposed::Added(Box::new(entry)))
                    .ok_or(ProposeError::Append(AppendError::Stopped))
            }
            Appended::Present { .. } => Ok(Proposed::Present {
                id: self.entry_id(leaf_hash),
            }),
        }
    }

    fn reader(&self) -> &Reader {
        self.log.reader()
    }

    fn entry_id(&self, leaf_hash: [u8; 32]) -> EntryId {
        EntryId {
            tree_id: self.tree_id,
            leaf_hash,
        }
    }

    /// An entry as Rekor v1 answers it: body, signed entry timestamp, inclusion proof.
    fn answer(&self, entry: &Entry) -> Result<Value, KeyError> {
        let log_id = hex::encode(self.key.id());
        let body = STANDARD.encode(&entry.leaf);
        let promise = Promise {
            body: &body,
            integrated_time: entry.logged_at,
            log_id: &log_id,
            log_index: entry.index,
        };
        let promised = serde_json_canonicalizer::to_vec(&promise)
            .expect("strings and numbers have a canonical form");
        let timestamp = self.key.sign(&promised)?;
        let hashes: Vec<String> = entry.proof.iter().map(hex::encode).collect();
        Ok(json!({
            self.entry_id(entry.leaf_hash).to_string(): {
                "body": body,
                "integratedTime": entry.logged_at,
                "logID": log_id,
                "logIndex": entry.index,
                "verification": {
                    "inclusionProof": {
                        "checkpoint": entry.checkpoint.note,
                        "hashes": hashes,
                        "logIndex": entry.index,
                        "rootHash": hex::encode(entry.checkpoint.root),
                        "treeSize": entry.checkpoint.size,
                    },
                    "signedEntryTimestamp": STANDARD.encode(timestamp),
                }
            }
        }))
    }
}

impl EntryId {
    /// Reads 80 digits, or the 64 of the leaf hash alone.
    fn parse(text: &str, tree_id: u64) -> Option<EntryId> {
        let (tree_id, hash) = match text.len() {
            80 => {
                let (tree, hash) = text.split_at_checked(16)?;
                (u64::from_str_radix(tree, 16).ok()?, hash)
            }
            64 => (tree_id, text),
            _ => return None,
        };
        let leaf_hash = hex::decode(hash).ok()?.try_into().ok()?;
        Some(EntryId { tree_id, leaf_hash })
    }
}

impl std::fmt::Display for EntryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}{}", self.tree_id, hex::encode(self.leaf_hash))
    }
}

/// What a signed entry timestamp signs, in its canonical JSON.
#[derive(Serialize)]
struct Promise<'a> {
    body: &'a str,
    #[serde(rename = "integratedTime")]
    integrated_time: i64,
    #[serde(rename = "logID")]
    log_id: &'a str,
    #[serde(rename = "logIndex")]
    log_index: u64,
}

/// Why a proposed entry is not in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProposeError {
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// The index holds hashes of search terms: names in it are no easier to list than in the bodies.
fn term_hash(term: &str) -> [u8; 32] {
    sha256(term.as_bytes())
}
