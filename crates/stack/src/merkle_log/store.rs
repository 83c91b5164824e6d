//! The tables of a log's database.

use redb::{MultimapTableDefinition, ReadableTable, TableDefinition};
use tlog_tiles::{Error as TreeError, Hash, HashReader};

/// Entry number → (seconds or milliseconds it was logged at, leaf, what belongs to it unhashed).
pub(super) const ENTRIES: TableDefinition<'_, u64, (i64, &[u8], &[u8])> =
    TableDefinition::new("entries");
/// Position in the tree, numbered as tlog numbers stored hashes → hash.
pub(super) const HASHES: TableDefinition<'_, u64, &[u8; 32]> = TableDefinition::new("hashes");
/// Leaf hash → entry number: an entry is logged once.
pub(super) const LEAVES: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("leaves");
/// Hash of a search term → entry numbers. A convenience, never evidence.
pub(super) const TERMS: MultimapTableDefinition<'_, &[u8; 32], u64> =
    MultimapTableDefinition::new("terms");
/// The newest signed checkpoint, under [`CHECKPOINT`].
pub(super) const FACTS: TableDefinition<'_, &str, &str> = TableDefinition::new("facts");
pub(super) const CHECKPOINT: &str = "checkpoint";

/// The tree's hashes in an open table, reading or writing.
pub(super) struct StoredHashes<'a, T>(pub(super) &'a T);

impl<T: ReadableTable<u64, &'static [u8; 32]>> HashReader for StoredHashes<'_, T> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, TreeError> {
        indexes
            .iter()
            .map(|index| match self.0.get(index) {
                Ok(Some(hash)) => Ok(Hash(*hash.value())),
                Ok(None) | Err(_) => Err(TreeError::IndexesNotInTree),
            })
            .collect()
    }
}
