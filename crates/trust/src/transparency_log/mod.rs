//! Entries of transparency logs: what material carries, what a log proves, and whether an entry is
//! about the material that carries it.

mod body;
mod checkpoint;
mod inclusion;
mod promise;
mod rekor_entry;

use std::fmt;

use jiff::Timestamp;

use crate::error::{BodyPart, VerifyError};
use crate::evidence::{TimeSource, VerifiedEntry, VerifiedTime};
use crate::signature::SignedArtifact;
use crate::trust_root::{Log, TrustRoot};

pub(crate) use body::{Body, Expected, Recorded, RecordedVerifier, SignerKey};
pub use rekor_entry::verify_rekor_entry;

/// A log entry as material has it. Nothing in it is believed.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The index over all shards of the log.
    pub(crate) log_index: u64,
    pub(crate) log_id: Vec<u8>,
    /// What the bundle says beside the body; legacy material says nothing.
    pub(crate) kind: Option<(String, String)>,
    pub(crate) integrated_time: Option<i64>,
    /// The signed entry timestamp.
    pub(crate) promise: Option<Vec<u8>>,
    pub(crate) proof: Option<InclusionProof>,
    pub(crate) body: Vec<u8>,
}

/// The way from an entry to the root of the tree, as material has it.
#[derive(Clone, Debug)]
pub(crate) struct InclusionProof {
    /// The index in the shard.
    pub(crate) index: u64,
    pub(crate) root: [u8; 32],
    pub(crate) size: u64,
    pub(crate) hashes: Vec<[u8; 32]>,
    pub(crate) checkpoint: String,
}

/// The kind of a log entry and its version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntryKind {
    name: String,
    version: String,
}

/// An entry that a log of the root vouches for. It may still be about something else.
#[derive(Debug)]
pub(crate) struct LoggedEntry<'a> {
    entry: &'a Entry,
    log: &'a Log,
    body: Body<'a>,
    time: Option<Timestamp>,
}

/// What the logs of a root say about material.
#[derive(Debug, Default)]
pub(crate) struct Logged<'a> {
    pub(crate) entries: Vec<LoggedEntry<'a>>,
    /// The identifiers of logs that the root does not know. Their word is no fact.
    pub(crate) strangers: Vec<&'a [u8]>,
}

impl Entry {
    /// Tells whether `other` is at the same place of the same log.
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        self.log_id == other.log_id
            && (self.log_index == other.log_index || self.body == other.body)
    }
}

impl EntryKind {
    pub(crate) fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
        }
    }

    /// `hashedrekord`, `dsse`, `intoto` or another kind of Rekor's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version, `0.0.1`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// Checks that every entry of a known log is in that log: its signed entry timestamp, its inclusion
/// proof and the checkpoint, as far as they are there. One of both must be there.
pub(crate) fn prove_all<'a>(
    entries: &'a [Entry],
    root: &'a TrustRoot,
) -> Result<Logged<'a>, VerifyError> {
    let mut logged = Logged::default();
    for entry in entries {
        match root
            .transparency_logs()
            .iter()
            .find(|log| log.id == entry.log_id)
        {
            Some(log) => logged.entries.push(prove(entry, log)?),
            None => logged.strangers.push(&entry.log_id),
        }
    }
    Ok(logged)
}

fn prove<'a>(entry: &'a Entry, log: &'a Log) -> Result<LoggedEntry<'a>, VerifyError> {
    if entry.promise.is_none() && entry.proof.is_none() {
        return Err(VerifyError::UnprovenEntry {
            url: log.url.clone(),
        });
    }
    let body = Body::read(&entry.body)?;
    // The kind beside the body is nobody's word: it must not steer anything (a `_lax` fixture).
    if let Some((kind, version)) = &entry.kind
        && (*kind != body.kind || *version != body.version)
    {
        return Err(VerifyError::EntryMismatch {
            part: BodyPart::Kind,
        });
    }
    if let Some(proof) = &entry.proof {
        // Rekor v2 has one index; in v1 the proof's is that of the shard.
        if body.is_of_rekor_v2() && proof.index != entry.log_index {
            return Err(VerifyError::InclusionProof {
                url: log.url.clone(),
            });
        }
        inclusion::verify(&entry.body, proof, log)?;
        checkpoint::verify(proof, log, body.is_of_rekor_v2())?;
    }
    let time = match &entry.promise {
        Some(promise) => Some(promise::verify(entry, promise, log)?),
        None => None,
    };
    Ok(LoggedEntry {
        entry,
        log,
        body,
        time,
    })
}

impl<'a> LoggedEntry<'a> {
    /// The time that the log signed, of a log of Rekor v1.
    pub(crate) fn time(&self) -> Option<VerifiedTime> {
        let at = self.time?;
        let source = TimeSource::Log {
            url: self.log.url.clone(),
            index: self.entry.log_index,
        };
        Some(VerifiedTime::new(at, source))
    }

    /// Checks that the log's key was in use at each of `times`. For an entry without a time of its
    /// own (Rekor v2) that is all that can be said about when it was made.
    pub(crate) fn check_window(&self, times: &[VerifiedTime]) -> Result<(), VerifyError> {
        if self.time.is_some() {
            return Ok(());
        }
        match times
            .iter()
            .find(|time| !self.log.window.contains(time.at()))
        {
            Some(time) => Err(VerifyError::LogOutsideTime {
                url: self.log.url.clone(),
                at: time.at(),
            }),
            None => Ok(()),
        }
    }

    /// Checks that the entry describes this very signature, signer and content.
    pub(crate) fn bind(
        self,
        expected: &Expected<'_>,
        signed: &SignedArtifact<'_>,
    ) -> Result<VerifiedEntry, VerifyError> {
        self.body.check(expected, signed)?;
        Ok(self.into_verified())
    }

    fn into_verified(self) -> VerifiedEntry {
        let recorded = self.body.recorded();
        VerifiedEntry::new(
            self.entry,
            self.log,
            EntryKind::new(&self.body.kind, &self.body.version),
            self.time,
            recorded,
        )
    }
}
