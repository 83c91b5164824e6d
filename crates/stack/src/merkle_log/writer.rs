//! The one thread that writes a log.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread::JoinHandle;

use redb::{Durability, ReadableTable as _};
use tlog_tiles::{record_hash, stored_hash_index, stored_hashes_for_record_hash, tree_hash};
use tokio::sync::oneshot;

use super::store::{CHECKPOINT, ENTRIES, FACTS, HASHES, LEAVES, StoredHashes, TERMS};
use super::{AppendError, Checkpoint, Damage, LogError, LogIdentity, Reader};

/// An entry to be logged.
#[derive(Debug)]
pub(crate) struct NewEntry {
    /// What is hashed into the tree.
    pub(crate) leaf: Vec<u8>,
    /// What belongs to it but is not hashed.
    pub(crate) extra: Vec<u8>,
    /// When, in the log's own unit.
    pub(crate) logged_at: i64,
    /// Hashes of the terms it can be found by.
    pub(crate) terms: Vec<[u8; 32]>,
}

/// Where an entry is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    /// It was added.
    New {
        /// Its number.
        index: u64,
    },
    /// The same leaf was logged before; nothing was added.
    Present {
        /// Its number.
        index: u64,
    },
}

/// An entry and whom to tell.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) entry: NewEntry,
    pub(super) answer: oneshot::Sender<Result<Appended, AppendError>>,
}

/// Starts the writer. It ends when the queue is closed, or after a failed write.
pub(super) fn spawn(
    reader: Reader,
    identity: LogIdentity,
    witness: PathBuf,
    requests: Receiver<Request>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("log writer".into())
        .spawn(move || write_batches(&reader, &identity, &witness, &requests))
}

fn write_batches(
    reader: &Reader,
    identity: &LogIdentity,
    witness: &PathBuf,
    requests: &Receiver<Request>,
) {
    while let Ok(first) = requests.recv() {
        // Whatever gathered during the last flush shares the next one; nothing waits for company.
        let mut batch = vec![first];
        while batch.len() < BATCH {
            match requests.try_recv() {
                Ok(next) => batch.push(next),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        let (entries, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|r| (r.entry, r.answer)).unzip();
        match write(reader, identity, &entries) {
            Ok((places, checkpoint)) => {
                write_witness(witness, &checkpoint);
                reader.publish(checkpoint);
                for (answer, place) in answers.into_iter().zip(places) {
                    // A client that went away has its entry all the same.
                    let _ = answer.send(Ok(place));
                }
            }
            Err(error) => {
                tracing::error!(log = %identity.origin, %error, "the log stops");
                for answer in answers {
                    let _ = answer.send(Err(AppendError::Log(error.clone())));
                }
                // What a failed flush left on the disk is unknown until the file is opened anew
                // (the kernel drops the error with the pages), so nothing more is written.
                return;
            }
        }
    }
}

/// One transaction: entries, hashes and the checkpoint that covers them, or nothing.
fn write(
    reader: &Reader,
    identity: &LogIdentity,
    batch: &[NewEntry],
) -> Result<(Vec<Appended>, Checkpoint), LogError> {
    let before = reader.checkpoint();
    let fail = |e: redb::Error| LogError::database(reader.path(), e);
    let mut transaction = reader
        .database()
        .begin_write()
        .map_err(|e| fail(e.into()))?;
    transaction
        .set_durability(Durability::Immediate)
        .map_err(|e| fail(e.into()))?;
    let (places, size) = insert(&transaction, before.size, batch).map_err(fail)?;
    if size == before.size {
        // Nothing new: the checkpoint stands, and dropping the transaction undoes nothing.
        return Ok((places, Checkpoint::clone(&before)));
    }
    let root = {
        let hashes = transaction.open_table(HASHES).map_err(|e| fail(e.into()))?;
        tree_hash(size, &StoredHashes(&hashes))
            .map_err(|_| LogError::damaged(reader.path(), Damage::Hash))?
    };
    let checkpoint = Checkpoint::sign(identity, size, root)?;
    transaction
        .open_table(FACTS)
        .map_err(|e| fail(e.into()))?
        .insert(CHECKPOINT, checkpoint.note.as_str())
        .map_err(|e| fail(e.into()))?;
    transaction.commit().map_err(|e| fail(e.into()))?;
    Ok((places, checkpoint))
}

/// Puts what is new in `batch` after `size` entries. Gives the place of each, and the new size.
fn insert(
    transaction: &redb::WriteTransaction,
    mut size: u64,
    batch: &[NewEntry],
) -> Result<(Vec<Appended>, u64), redb::Error> {
    let mut entries = transaction.open_table(ENTRIES)?;
    let mut hashes = transaction.open_table(HASHES)?;
    let mut leaves = transaction.open_table(LEAVES)?;
    let mut terms = transaction.open_multimap_table(TERMS)?;
    let mut places = Vec::with_capacity(batch.len());
    for entry in batch {
        let leaf_hash = record_hash(&entry.leaf);
        let present = leaves.get(&leaf_hash.0)?.map(|index| index.value());
        if let Some(index) = present {
            places.push(Appended::Present { index });
            continue;
        }
        let new = stored_hashes_for_record_hash(size, leaf_hash, &StoredHashes(&hashes))
            .map_err(|_| redb::Error::Corrupted("a hash of the tree is missing".into()))?;
        for (position, hash) in (stored_hash_index(0, size)..).zip(&new) {
            hashes.insert(position, &hash.0)?;
        }
        entries.insert(size, (entry.logged_at, &*entry.leaf, &*entry.extra))?;
        leaves.insert(&leaf_hash.0, size)?;
        for term in &entry.terms {
            terms.insert(term, size)?;
        }
        places.push(Appended::New { index: size });
        size += 1;
    }
    Ok((places, size))
}

/// Renews the checkpoint file that guards against an older database (see `open`). Unflushed, for
/// speed, and a failure is no failure of the log: the guard is then merely older.
fn write_witness(witness: &PathBuf, checkpoint: &Checkpoint) {
    let temporary = witness.with_extension("checkpoint.new");
    let outcome = std::fs::write(&temporary, &checkpoint.note)
        .and_then(|()| std::fs::rename(&temporary, witness));
    if let Err(error) = outcome {
        tracing::warn!(file = %witness.display(), %error, "the checkpoint file is not renewed");
    }
}

/// Entries in one transaction; Tessera's default batch.
const BATCH: usize = 256;
