//! `audit`: who signed what, when, from where, as the log tells it and proves.

use countersign_trust::{TrustRoot, VerifiedEntry, VerifyError, verify_rekor_entry};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use url::Url;

use crate::rekor::{ENTRIES, RekorError, exchange};
use crate::service::{Refusal, below, get, post, shown_url};
use crate::transport::Transport;

/// Which entries are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditRange {
    /// So many from this index on, fewer where the log ends before.
    From {
        /// The first.
        index: u64,
        /// How many.
        count: u64,
    },
    /// The last so many.
    Last {
        /// How many.
        count: u64,
    },
}

/// What was read of a log.
#[derive(Debug)]
pub struct Audit {
    /// How many entries the log says it has.
    pub size: u64,
    /// The entries of the range in order, none left out.
    pub entries: Vec<AuditedEntry>,
}

/// An entry, or why what the log gave as one is not proven.
#[derive(Debug)]
pub struct AuditedEntry {
    /// Its index in the log.
    pub index: u64,
    /// What it records.
    pub entry: Result<VerifiedEntry, VerifyError>,
}

/// Why a log could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The log did not answer, or refused.
    #[error(transparent)]
    Rekor(#[from] RekorError),
    /// The log leaves out an entry that it says it has.
    #[error("{url} says it has {size} entries and does not give entry {index}")]
    EntryWithheld {
        /// The log.
        url: String,
        /// How many it says it has.
        size: u64,
        /// Which it does not give.
        index: u64,
    },
    /// More entries are asked for than are read at once.
    #[error("at most {limit} entries are read at once, {asked} were asked for")]
    TooMany {
        /// The cap.
        limit: u64,
        /// What was asked for.
        asked: u64,
    },
}

/// Reads entries of the log at `base` and checks the proof of each against `root`. An entry that is not
/// proven is in the answer with its fault, because that is what an audit is for.
pub async fn audit(
    transport: &Transport,
    base: &Url,
    root: &TrustRoot,
    range: AuditRange,
) -> Result<Audit, AuditError> {
    let (AuditRange::From { count, .. } | AuditRange::Last { count }) = range;
    if count > MAX_ENTRIES {
        return Err(AuditError::TooMany {
            limit: MAX_ENTRIES,
            asked: count,
        });
    }
    let size = log_size(transport, base).await?;
    let first = match range {
        AuditRange::From { index, .. } => index.min(size),
        AuditRange::Last { count } => size.saturating_sub(count),
    };
    let end = first.saturating_add(count).min(size);
    let starts = (first..end).step_by(AT_ONCE as usize);
    let pages = stream::iter(starts).map(|start| {
        let indexes: Vec<u64> = (start..end.min(start + AT_ONCE)).collect();
        page(transport, base, root, size, indexes)
    });
    let pages: Vec<Vec<AuditedEntry>> = pages.buffered(PARALLEL).try_collect().await?;
    Ok(Audit {
        size,
        entries: pages.into_iter().flatten().collect(),
    })
}

async fn page(
    transport: &Transport,
    base: &Url,
    root: &TrustRoot,
    size: u64,
    indexes: Vec<u64>,
) -> Result<Vec<AuditedEntry>, AuditError> {
    let url = below(base, &format!("{ENTRIES}/retrieve"));
    let query = json!({ "logIndexes": indexes }).to_string().into_bytes();
    let outgoing = post(url.clone(), "application/json", query);
    let answer = exchange(transport, outgoing, MAX_PAGE).await?;
    if !answer.status.is_success() {
        return Err(RekorError::Refused(Refusal::of(&url, &answer)).into());
    }
    let unreadable = |_| RekorError::Answer {
        url: shown_url(&url),
    };
    let found: Vec<Box<RawValue>> = serde_json::from_slice(&answer.body).map_err(unreadable)?;
    let mut found: Vec<(u64, Box<RawValue>)> = found
        .into_iter()
        .filter_map(|one| Some((index_of(&one)?, one)))
        .collect();
    let mut entries = Vec::with_capacity(indexes.len());
    for index in indexes {
        let Some(place) = found.iter().position(|(at, _)| *at == index) else {
            return Err(AuditError::EntryWithheld {
                url: shown_url(&url),
                size,
                index,
            });
        };
        let (_, json) = found.swap_remove(place);
        let entry = verify_rekor_entry(json.get().as_bytes(), root);
        entries.push(AuditedEntry { index, entry });
    }
    Ok(entries)
}

/// The index that an entry says it has. Where that is false its proof fails.
fn index_of(entry: &RawValue) -> Option<u64> {
    #[derive(Deserialize)]
    struct Indexed {
        #[serde(rename = "logIndex")]
        log_index: u64,
    }
    let entry: std::collections::BTreeMap<String, Indexed> =
        serde_json::from_str(entry.get()).ok()?;
    Some(entry.into_values().next()?.log_index)
}

/// How many entries the log has, in all of its shards: indexes run over them.
async fn log_size(transport: &Transport, base: &Url) -> Result<u64, AuditError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Log {
        tree_size: u64,
        #[serde(default)]
        inactive_shards: Option<Vec<Shard>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Shard {
        tree_size: u64,
    }
    let url = below(base, "api/v1/log");
    let answer = exchange(transport, get(url.clone()), MAX_LOG_ANSWER).await?;
    if !answer.status.is_success() {
        return Err(RekorError::Refused(Refusal::of(&url, &answer)).into());
    }
    let unreadable = |_| RekorError::Answer {
        url: shown_url(&url),
    };
    let log: Log = serde_json::from_slice(&answer.body).map_err(unreadable)?;
    let inactive = log.inactive_shards.unwrap_or_default();
    Ok(inactive.iter().fold(log.tree_size, |sum, shard| {
        sum.saturating_add(shard.tree_size)
    }))
}

/// As many as Rekor gives at once (rekor: pkg/api/entries.go, maxSearchQueries).
const AT_ONCE: u64 = 10;
const PARALLEL: usize = 4;
/// Some minutes of the public log.
const MAX_ENTRIES: u64 = 10_000;
/// Ten entries as large as they come.
const MAX_PAGE: u64 = 40 << 20;
const MAX_LOG_ANSWER: u64 = 256 * 1024;
