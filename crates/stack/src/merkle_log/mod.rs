//! An append-only log over a Merkle tree (RFC 6962), kept in one database file. The transparency
//! log and the certificate transparency log are two of these.
//!
//! Three promises hold the rest up:
//!
//! 1. *Durable before answered.* [`MerkleLog::append`] returns after the entry, its hashes and the
//!    signed checkpoint that covers it were flushed to the disk in one transaction.
//! 2. *One writer.* A single thread owns all writes; while it flushes, further entries gather and
//!    go into the next transaction together. An idle log waits for nobody.
//! 3. *Never two histories.* At start the stored tree must be the one the stored checkpoint signs,
//!    and no older than the checkpoint file beside the database; otherwise the log does not open.

mod checkpoint;
mod open;
mod read;
mod store;
mod tiles;
mod writer;

pub(crate) use checkpoint::Checkpoint;
pub(crate) use read::{Entry, Reader};
pub(crate) use tiles::LogFile;
pub(crate) use writer::{Appended, NewEntry};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

use redb::Database;
use tokio::sync::oneshot;

use crate::data_folder::FileError;
use crate::signing_key::{EcdsaKey, KeyError};

/// A log that is open for reading and appending. Dropping the last clone of the writing side ends
/// the writer after it has finished what it took.
#[derive(Debug)]
pub(crate) struct MerkleLog {
    reader: Reader,
    queue: Option<SyncSender<writer::Request>>,
    writer: Option<std::thread::JoinHandle<()>>,
}

/// What a log is called and signs with.
#[derive(Debug, Clone)]
pub(crate) struct LogIdentity {
    /// First line of checkpoints.
    pub(crate) origin: String,
    /// Name on the signature line.
    pub(crate) signer: String,
    pub(crate) key: Arc<EcdsaKey>,
}

impl MerkleLog {
    /// Opens the log at `path`, or begins it, after proving that it is whole.
    pub(crate) fn open(path: &Path, identity: LogIdentity) -> Result<MerkleLog, LogError> {
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(path)
            .map_err(|e| LogError::database(path, e))?;
        MerkleLog::over(database, path, identity)
    }

    /// As [`open`](MerkleLog::open), over a database opened elsewhere.
    pub(crate) fn over(
        database: Database,
        path: &Path,
        identity: LogIdentity,
    ) -> Result<MerkleLog, LogError> {
        let witness = path.with_extension("checkpoint");
        let newest = open::verify_or_begin(&database, path, &witness, &identity)?;
        let reader = Reader::new(Arc::new(database), path, newest);
        let (queue, requests) = std::sync::mpsc::sync_channel(QUEUE);
        let writer = writer::spawn(reader.clone(), identity, witness, requests)
            .map_err(|e| LogError::thread(path, &e))?;
        Ok(MerkleLog {
            reader,
            queue: Some(queue),
            writer: Some(writer),
        })
    }

    /// Adds an entry, or finds that it is there already. Returns when it is durable.
    pub(crate) async fn append(&self, entry: NewEntry) -> Result<Appended, AppendError> {
        let (answer, wait) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(AppendError::Stopped)?;
        match queue.try_send(writer::Request { entry, answer }) {
            Ok(()) => wait.await.map_err(|_| AppendError::Stopped)?,
            Err(TrySendError::Full(_)) => Err(AppendError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(AppendError::Stopped),
        }
    }

    /// The reading side.
    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }
}

impl Drop for MerkleLog {
    fn drop(&mut self) {
        // Closing the queue ends the writer after it has answered what it took.
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Why an entry was not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AppendError {
    #[error("the log has more entries waiting than it takes; try again")]
    Busy,
    #[error("the log has stopped after a failed write and must be restarted")]
    Stopped,
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Why a log cannot be opened, read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// A file operation failed; a full disk is one of kind `StorageFull`.
    #[error(transparent)]
    File(#[from] FileError),
    /// The database file is not one, or is damaged.
    #[error("the log {} is damaged: {}", path.display(), damage.sentence())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What is wrong.
        damage: Damage,
    },
    /// The log's key failed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// What is wrong with a stored log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// The database layer says so, in its words.
    Database(String),
    /// Entries without a signed checkpoint.
    NoCheckpoint,
    /// The checkpoint does not parse, or is not signed by this log's key under its name.
    ForeignCheckpoint,
    /// The number of entries or hashes is not what the checkpoint signs.
    Size {
        /// What the checkpoint says.
        signed: u64,
        /// What is stored.
        stored: u64,
    },
    /// The tree's root hash is not the one the checkpoint signs.
    Root,
    /// An entry is not the one that was logged under its number.
    Entry {
        /// The number.
        index: u64,
    },
    /// The database is older than the checkpoint file beside it: going on would tell a second
    /// history.
    RolledBack {
        /// Entries in the checkpoint file.
        published: u64,
        /// Entries in the database.
        stored: u64,
    },
    /// A hash of the tree is missing.
    Hash,
}

impl Damage {
    fn sentence(&self) -> String {
        match self {
            Damage::Database(said) => said.clone(),
            Damage::NoCheckpoint => "it has entries but no signed checkpoint".into(),
            Damage::ForeignCheckpoint => "its checkpoint is not signed by its key".into(),
            Damage::Size { signed, stored } => {
                format!("its checkpoint covers {signed} entries, {stored} are stored")
            }
            Damage::Root => "its tree is not the one its checkpoint signs".into(),
            Damage::Entry { index } => format!("entry {index} is not what was logged"),
            Damage::RolledBack { published, stored } => format!(
                "a checkpoint of {published} entries was published, {stored} are stored; \
                 an older copy of the database must not be continued"
            ),
            Damage::Hash => "a hash of its tree is missing".into(),
        }
    }
}

impl LogError {
    pub(crate) fn damaged(path: &Path, damage: Damage) -> LogError {
        LogError::Damaged {
            path: path.to_path_buf(),
            damage,
        }
    }

    /// The database layer's errors: those of the operating system keep their kind.
    pub(crate) fn database(path: &Path, error: impl Into<redb::Error>) -> LogError {
        use crate::data_folder::Step;
        match error.into() {
            redb::Error::Io(e) => FileError::new(Step::Write, path, &e).into(),
            other => LogError::damaged(path, Damage::Database(other.to_string())),
        }
    }

    fn thread(path: &Path, error: &std::io::Error) -> LogError {
        FileError::new(crate::data_folder::Step::Open, path, error).into()
    }
}

/// Entries that may wait for the writer. Tessera's back-pressure limit, the same for the same
/// reason: past it an answer would come too late for its client.
const QUEUE: usize = 4096;
/// Pages the database keeps in memory; the hot ones are the right edge of the tree.
const CACHE_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests;
