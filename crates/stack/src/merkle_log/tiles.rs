//! A log as static files: checkpoint, tiles and entry bundles in the C2SP tlog-tiles layout.
//!
//! Monitors read a log this way, 256 entries at a time, and an engine for larger logs imports it
//! this way. The files are made from the database on demand; the full ones never change.

use redb::ReadableDatabase as _;
use tlog_tiles::Tile;

use super::store::{ENTRIES, HASHES, StoredHashes};
use super::{Damage, LogError, Reader};

/// A file of the layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogFile {
    /// The newest checkpoint: changes with every entry.
    Checkpoint(String),
    /// A tile or an entry bundle: the same for ever.
    Tile(Vec<u8>),
}

impl Reader {
    /// The file at `path`, relative to the log's base. `None` when there is none, which is so for
    /// whatever lies beyond the newest checkpoint.
    pub(crate) fn file(&self, path: &str) -> Result<Option<LogFile>, LogError> {
        if path == "checkpoint" {
            return Ok(Some(LogFile::Checkpoint(self.checkpoint().note.clone())));
        }
        let Some((tile, of_entries)) = parse(path) else {
            return Ok(None);
        };
        let size = self.checkpoint().size;
        let width = u64::from(tile.width());
        // Hashes of a level that the tree of this size has complete.
        let complete = size
            .checked_shr(u32::from(tile.level()) * u32::from(HEIGHT))
            .unwrap_or(0);
        let Some(end) = tile
            .level_index()
            .checked_mul(FULL)
            .and_then(|start| start.checked_add(width))
            .filter(|end| *end <= complete)
        else {
            return Ok(None);
        };
        let bytes = if of_entries {
            self.bundle(end - width, end)?
        } else {
            let transaction = self
                .database()
                .begin_read()
                .map_err(|e| LogError::database(self.path(), e))?;
            let hashes = transaction
                .open_table(HASHES)
                .map_err(|e| LogError::database(self.path(), e))?;
            tile.read_data(&StoredHashes(&hashes))
                .map_err(|_| LogError::damaged(self.path(), Damage::Hash))?
        };
        Ok(Some(LogFile::Tile(bytes)))
    }

    /// Entries, each after its length in two bytes.
    fn bundle(&self, start: u64, end: u64) -> Result<Vec<u8>, LogError> {
        let transaction = self
            .database()
            .begin_read()
            .map_err(|e| LogError::database(self.path(), e))?;
        let entries = transaction
            .open_table(ENTRIES)
            .map_err(|e| LogError::database(self.path(), e))?;
        let mut bundle = Vec::new();
        for item in entries
            .range(start..end)
            .map_err(|e| LogError::database(self.path(), e))?
        {
            let (index, value) = item.map_err(|e| LogError::database(self.path(), e))?;
            let leaf = value.value().1;
            let damaged = |_| {
                let index = index.value();
                LogError::damaged(self.path(), Damage::Entry { index })
            };
            let length = u16::try_from(leaf.len()).map_err(damaged)?;
            bundle.extend(length.to_be_bytes());
            bundle.extend(leaf);
        }
        Ok(bundle)
    }
}

/// `tile/<level>/<number>[.p/<width>]`, or `tile/entries/<number>[.p/<width>]`.
fn parse(path: &str) -> Option<(Tile, bool)> {
    let rest = path.strip_prefix("tile/")?;
    let (level, number) = rest.split_once('/')?;
    let of_entries = level == "entries";
    let level: u8 = if of_entries { 0 } else { level.parse().ok()? };
    let (number, width) = match number.split_once(".p/") {
        Some((number, width)) => (number, width.parse().ok()?),
        None => (number, u32::try_from(FULL).ok()?),
    };
    if level > MAX_LEVEL || number.len() > MAX_NUMBER || !(1..=256).contains(&width) {
        return None;
    }
    let mut index: u64 = 0;
    for (position, group) in number.rsplit('/').enumerate() {
        let digits = match position {
            0 => group,
            _ => group.strip_prefix('x')?,
        };
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let value: u64 = digits.parse().ok()?;
        let weight = 1000_u64.checked_pow(u32::try_from(position).ok()?)?;
        index = index.checked_add(value.checked_mul(weight)?)?;
    }
    let tile = Tile::new(HEIGHT, level, index, width, of_entries);
    // One name a tile: the canonical one.
    let canonical = canonical_path(&tile, of_entries);
    (canonical == path).then_some((tile, of_entries))
}

fn canonical_path(tile: &Tile, of_entries: bool) -> String {
    let mut groups = vec![format!("{:03}", tile.level_index() % 1000)];
    let mut rest = tile.level_index() / 1000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    groups.reverse();
    let level = match of_entries {
        true => "entries".to_owned(),
        false => tile.level().to_string(),
    };
    let partial = match u64::from(tile.width()) {
        FULL => String::new(),
        width => format!(".p/{width}"),
    };
    format!("tile/{level}/{}{partial}", groups.join("/"))
}

/// Levels of the tree in one tile, and so hashes in a full one.
const HEIGHT: u8 = 8;
const FULL: u64 = 1 << HEIGHT;
/// A tree of 2^64 entries has tiles up to this level.
const MAX_LEVEL: u8 = 7;
/// Longest number that is no overflow, in groups of three digits.
const MAX_NUMBER: usize = 4 * 7;
