//! Opening a log: nothing is served from a tree that is not the one we signed.

use std::path::Path;

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTableMetadata, TableError};
use tlog_tiles::{EMPTY_HASH, Hash, record_hash, stored_hash_count, stored_hash_index, tree_hash};

use super::store::{CHECKPOINT, ENTRIES, FACTS, HASHES, LEAVES, StoredHashes, TERMS};
use super::{Checkpoint, Damage, LogError, LogIdentity};
use crate::data_folder::{SMALL_FILE, read_capped};

/// Begins an empty log, or proves that the stored one is what was signed. Gives its newest
/// checkpoint.
pub(super) fn verify_or_begin(
    database: &Database,
    path: &Path,
    witness: &Path,
    identity: &LogIdentity,
) -> Result<Checkpoint, LogError> {
    let newest = match stored_checkpoint(database, path)? {
        Some(note) => {
            let newest = Checkpoint::verify(&note, identity)
                .ok_or_else(|| LogError::damaged(path, Damage::ForeignCheckpoint))?;
            verify_tree(database, path, &newest)?;
            newest
        }
        None => begin(database, path, identity)?,
    };
    verify_not_rolled_back(database, path, witness, identity, &newest)?;
    Ok(newest)
}

fn stored_checkpoint(database: &Database, path: &Path) -> Result<Option<String>, LogError> {
    let fail = |e: redb::Error| LogError::database(path, e);
    let transaction = database.begin_read().map_err(|e| fail(e.into()))?;
    let facts = match transaction.open_table(FACTS) {
        Ok(facts) => facts,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(e) => return Err(fail(e.into())),
    };
    let note = facts.get(CHECKPOINT).map_err(|e| fail(e.into()))?;
    match note {
        Some(note) => Ok(Some(note.value().to_owned())),
        None => Err(LogError::damaged(path, Damage::NoCheckpoint)),
    }
}

/// All tables and the checkpoint of the empty tree, in one transaction.
fn begin(database: &Database, path: &Path, identity: &LogIdentity) -> Result<Checkpoint, LogError> {
    let empty = Checkpoint::sign(identity, 0, EMPTY_HASH)?;
    let create = || -> Result<(), redb::Error> {
        let transaction = database.begin_write()?;
        transaction.open_table(ENTRIES)?;
        transaction.open_table(HASHES)?;
        transaction.open_table(LEAVES)?;
        transaction.open_multimap_table(TERMS)?;
        transaction
            .open_table(FACTS)?
            .insert(CHECKPOINT, empty.note.as_str())?;
        transaction.commit()?;
        Ok(())
    };
    create().map_err(|e| LogError::database(path, e))?;
    Ok(empty)
}

fn verify_tree(database: &Database, path: &Path, newest: &Checkpoint) -> Result<(), LogError> {
    let fail = |e: redb::Error| LogError::database(path, e);
    let damaged = |damage| LogError::damaged(path, damage);
    let transaction = database.begin_read().map_err(|e| fail(e.into()))?;
    let entries = transaction
        .open_table(ENTRIES)
        .map_err(|e| fail(e.into()))?;
    let hashes = transaction.open_table(HASHES).map_err(|e| fail(e.into()))?;
    for (signed, stored) in [
        (newest.size, entries.len()),
        (stored_hash_count(newest.size), hashes.len()),
    ] {
        let stored = stored.map_err(|e| fail(e.into()))?;
        if stored != signed {
            return Err(damaged(Damage::Size { signed, stored }));
        }
    }
    if root_at(&transaction, path, newest.size)?.0 != newest.root {
        return Err(damaged(Damage::Root));
    }
    // The newest entries are those a crash could have hurt. Every entry is checked again, through
    // its inclusion proof, whenever it is read.
    let oldest = newest.size.saturating_sub(ENTRIES_CHECKED_AT_START);
    let range = entries
        .range(oldest..newest.size)
        .map_err(|e| fail(e.into()))?;
    for item in range {
        let (index, value) = item.map_err(|e| fail(e.into()))?;
        let index = index.value();
        let stored = hashes
            .get(stored_hash_index(0, index))
            .map_err(|e| fail(e.into()))?
            .map(|hash| *hash.value());
        if stored != Some(record_hash(value.value().1).0) {
            return Err(damaged(Damage::Entry { index }));
        }
    }
    Ok(())
}

/// The checkpoint file is the log's memory outside the database: a restored older database would
/// sign a second tree of a size that was signed before (a split view), so it must not open.
fn verify_not_rolled_back(
    database: &Database,
    path: &Path,
    witness: &Path,
    identity: &LogIdentity,
    newest: &Checkpoint,
) -> Result<(), LogError> {
    // The file is written after the transaction and not flushed: a power cut may leave it empty.
    let Some(bytes) = read_capped(witness, SMALL_FILE)?.filter(|bytes| !bytes.is_empty()) else {
        return Ok(());
    };
    let published = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|note| Checkpoint::verify(note, identity))
        .ok_or_else(|| LogError::damaged(witness, Damage::ForeignCheckpoint))?;
    if published.size > newest.size {
        return Err(LogError::damaged(
            path,
            Damage::RolledBack {
                published: published.size,
                stored: newest.size,
            },
        ));
    }
    let transaction = database
        .begin_read()
        .map_err(|e| LogError::database(path, e))?;
    if root_at(&transaction, path, published.size)?.0 != published.root {
        return Err(LogError::damaged(path, Damage::Root));
    }
    Ok(())
}

fn root_at(transaction: &ReadTransaction, path: &Path, size: u64) -> Result<Hash, LogError> {
    let hashes = transaction
        .open_table(HASHES)
        .map_err(|e| LogError::database(path, e))?;
    tree_hash(size, &StoredHashes(&hashes)).map_err(|_| LogError::damaged(path, Damage::Hash))
}

/// Half a second of hashing at most, whatever the log's age.
const ENTRIES_CHECKED_AT_START: u64 = 65_536;
