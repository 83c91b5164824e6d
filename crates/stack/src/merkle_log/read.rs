//! Reading a log: entries by number or leaf hash, and proofs about them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use redb::{Database, ReadTransaction, ReadableDatabase};
use tlog_tiles::{
    Hash, check_record, check_tree, prove_record, prove_tree, record_hash, tree_hash,
};

use super::store::{ENTRIES, HASHES, LEAVES, StoredHashes, TERMS};
use super::{Checkpoint, Damage, LogError};

/// The reading side of a log; cheap to clone. Reads never wait for the writer.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    database: Arc<Database>,
    path: Arc<PathBuf>,
    /// Set by the writer after the transaction that holds it.
    newest: Arc<RwLock<Arc<Checkpoint>>>,
}

/// A logged entry with the proof that it is in the tree of `checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) index: u64,
    pub(crate) leaf_hash: [u8; 32],
    pub(crate) leaf: Vec<u8>,
    pub(crate) extra: Vec<u8>,
    pub(crate) logged_at: i64,
    pub(crate) proof: Vec<[u8; 32]>,
    pub(crate) checkpoint: Arc<Checkpoint>,
}

/// A proof that an older tree is a beginning of a newer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Consistency {
    pub(crate) proof: Vec<[u8; 32]>,
    /// Root of the newer tree.
    pub(crate) root: [u8; 32],
}

impl Reader {
    pub(super) fn new(database: Arc<Database>, path: &Path, newest: Checkpoint) -> Reader {
        Reader {
            database,
            path: Arc::new(path.to_path_buf()),
            newest: Arc::new(RwLock::new(Arc::new(newest))),
        }
    }

    /// The newest signed tree head.
    pub(crate) fn checkpoint(&self) -> Arc<Checkpoint> {
        let newest = self.newest.read();
        Arc::clone(&newest.unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    pub(super) fn publish(&self, checkpoint: Checkpoint) {
        let newest = self.newest.write();
        *newest.unwrap_or_else(|poisoned| poisoned.into_inner()) = Arc::new(checkpoint);
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The entry with this number, proven against the newest checkpoint. `None` when the log is
    /// shorter.
    pub(crate) fn entry(&self, index: u64) -> Result<Option<Entry>, LogError> {
        let checkpoint = self.checkpoint();
        if index >= checkpoint.size {
            return Ok(None);
        }
        let transaction = self.begin()?;
        let table = transaction.open_table(ENTRIES).map_err(|e| self.fail(e))?;
        let stored = table.get(index).map_err(|e| self.fail(e))?;
        let damaged = || LogError::damaged(&self.path, Damage::Entry { index });
        let stored = stored.ok_or_else(damaged)?;
        let (logged_at, leaf, extra) = stored.value();
        let leaf_hash = record_hash(leaf);
        let hashes = transaction.open_table(HASHES).map_err(|e| self.fail(e))?;
        let proof = prove_record(checkpoint.size, index, &StoredHashes(&hashes))
            .map_err(|_| LogError::damaged(&self.path, Damage::Hash))?;
        // A proof is checked before it leaves: a damaged entry is an error here, not a mystery at
        // a client.
        check_record(
            &proof,
            checkpoint.size,
            Hash(checkpoint.root),
            index,
            leaf_hash,
        )
        .map_err(|_| damaged())?;
        Ok(Some(Entry {
            index,
            leaf_hash: leaf_hash.0,
            leaf: leaf.to_vec(),
            extra: extra.to_vec(),
            logged_at,
            proof: proof.into_iter().map(|hash| hash.0).collect(),
            checkpoint,
        }))
    }

    /// The number of the entry with this leaf hash.
    pub(crate) fn index_of(&self, leaf_hash: &[u8; 32]) -> Result<Option<u64>, LogError> {
        let transaction = self.begin()?;
        let leaves = transaction.open_table(LEAVES).map_err(|e| self.fail(e))?;
        let index = leaves.get(leaf_hash).map_err(|e| self.fail(e))?;
        Ok(index.map(|index| index.value()))
    }

    /// The numbers of the newest `cap` entries filed under `term`, oldest first.
    pub(crate) fn find(&self, term: &[u8; 32], cap: usize) -> Result<Vec<u64>, LogError> {
        let transaction = self.begin()?;
        let terms = transaction
            .open_multimap_table(TERMS)
            .map_err(|e| self.fail(e))?;
        let found = redb::ReadableMultimapTable::get(&terms, term).map_err(|e| self.fail(e))?;
        let mut indexes = Vec::new();
        for index in found.rev().take(cap) {
            indexes.push(index.map_err(|e| self.fail(e))?.value());
        }
        indexes.reverse();
        Ok(indexes)
    }

    /// The proof that the tree of `first` entries is a beginning of the tree of `last`.
    /// `None` unless `1 <= first <= last <= size`.
    pub(crate) fn consistency(
        &self,
        first: u64,
        last: u64,
    ) -> Result<Option<Consistency>, LogError> {
        if first == 0 || first > last || last > self.checkpoint().size {
            return Ok(None);
        }
        let missing = |_| LogError::damaged(&self.path, Damage::Hash);
        let transaction = self.begin()?;
        let hashes = transaction.open_table(HASHES).map_err(|e| self.fail(e))?;
        let hashes = StoredHashes(&hashes);
        let root = tree_hash(last, &hashes).map_err(missing)?;
        let proof = prove_tree(last, first, &hashes).map_err(missing)?;
        let before = tree_hash(first, &hashes).map_err(missing)?;
        check_tree(&proof, last, root, first, before)
            .map_err(|_| LogError::damaged(&self.path, Damage::Root))?;
        let proof = proof.into_iter().map(|hash| hash.0).collect();
        Ok(Some(Consistency {
            proof,
            root: root.0,
        }))
    }

    /// The inclusion proof of an entry in an older tree. `None` unless `index < size <=` newest.
    pub(crate) fn inclusion(
        &self,
        index: u64,
        size: u64,
    ) -> Result<Option<Vec<[u8; 32]>>, LogError> {
        if index >= size || size > self.checkpoint().size {
            return Ok(None);
        }
        let transaction = self.begin()?;
        let hashes = transaction.open_table(HASHES).map_err(|e| self.fail(e))?;
        let proof = prove_record(size, index, &StoredHashes(&hashes))
            .map_err(|_| LogError::damaged(&self.path, Damage::Hash))?;
        Ok(Some(proof.into_iter().map(|hash| hash.0).collect()))
    }

    fn begin(&self) -> Result<ReadTransaction, LogError> {
        self.database.begin_read().map_err(|e| self.fail(e))
    }

    fn fail(&self, error: impl Into<redb::Error>) -> LogError {
        LogError::database(&self.path, error)
    }
}
