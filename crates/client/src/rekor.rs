//! The transparency log: Rekor's API, version 1.

use countersign_trust::assemble::{LogEntry, LogEntryError};
use http::StatusCode;
use http::header::LOCATION;
use url::Url;

use crate::service::{Refusal, below, get, is_created, post, shown_url};
use crate::transport::{Answer, Repeat, Transport, TransportFault};

/// Why an entry is not in the log, or could not be had from it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RekorError {
    /// It refused.
    #[error(transparent)]
    Refused(Refusal),
    /// It did not answer.
    #[error("{url}: {fault}")]
    Transport {
        /// Who was asked.
        url: String,
        /// What happened.
        fault: TransportFault,
    },
    /// It has the entry already, and does not say where.
    #[error("{url} has the entry already and does not say where")]
    NoLocation {
        /// Who was asked.
        url: String,
    },
    /// The answer is no entry.
    #[error("the answer of {url} is no log entry: {error}")]
    Entry {
        /// Who was asked.
        url: String,
        /// What is wrong.
        error: LogEntryError,
    },
    /// The answer about the log itself cannot be read.
    #[error("the answer of {url} cannot be read")]
    Answer {
        /// Who was asked.
        url: String,
    },
}

/// Proposes an entry to the log at `base` and gives it as the log has it; one that is there already is
/// as good as a new one.
///
/// Nothing of the answer is believed: whoever makes a bundle of it verifies the whole.
pub async fn add_entry(
    transport: &Transport,
    base: &Url,
    proposal: Vec<u8>,
) -> Result<LogEntry, RekorError> {
    let url = below(base, ENTRIES);
    let outgoing = post(url.clone(), "application/json", proposal);
    let mut answer = exchange(transport, outgoing, MAX_ENTRY).await?;
    if answer.status == StatusCode::CONFLICT {
        let existing = location(&answer, &url).ok_or_else(|| RekorError::NoLocation {
            url: shown_url(&url),
        })?;
        answer = exchange(transport, get(existing), MAX_ENTRY).await?;
    }
    if !is_created(answer.status) {
        return Err(RekorError::Refused(Refusal::of(&url, &answer)));
    }
    LogEntry::from_rekor_v1(&answer.body).map_err(|error| RekorError::Entry {
        url: shown_url(&url),
        error,
    })
}

pub(crate) async fn exchange(
    transport: &Transport,
    outgoing: crate::transport::Outgoing,
    limit: u64,
) -> Result<Answer, RekorError> {
    // Proposing twice is proposing once: the second answer is 409.
    let answer = transport.exchange(&outgoing, Repeat::Allowed, limit).await;
    answer.map_err(|fault| RekorError::Transport {
        url: shown_url(&outgoing.url),
        fault,
    })
}

/// Where the log has the entry. It must be a page of this very log: a log cannot send us elsewhere.
fn location(answer: &Answer, asked: &Url) -> Option<Url> {
    let text = answer.headers.get(LOCATION)?.to_str().ok()?;
    let id = asked
        .join(text)
        .ok()?
        .path_segments()?
        .next_back()?
        .to_owned();
    let is_id = matches!(id.len(), 64 | 80) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| {
        let mut url = asked.clone();
        url.set_path(&format!("{}/{id}", asked.path()));
        url
    })
}

pub(crate) const ENTRIES: &str = "api/v1/log/entries";

/// The log keeps hashes of what is signed; a certificate and a proof have 10 KB. Envelopes in entries
/// of older kinds have more.
const MAX_ENTRY: u64 = 4 << 20;
