//! Bodies of answers, never longer than asked for.

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use super::TransportFault;

/// Why a body is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// More bytes than the cap.
    Oversized { limit: u64 },
    /// The connection ended early.
    Truncated {
        expected: Option<u64>,
        received: u64,
    },
    /// No more bytes in time.
    TimedOut,
}

/// Reads the whole body, at most `limit` bytes of it: a hostile server must not fill the memory.
pub(crate) async fn read_capped(
    mut response: reqwest::Response,
    limit: u64,
    due: Instant,
) -> Result<Bytes, BodyFault> {
    let promised = response.content_length();
    if promised.is_some_and(|length| length > limit) {
        return Err(BodyFault::Oversized { limit });
    }
    let mut body = BytesMut::with_capacity(promised.unwrap_or(0).min(FIRST_PIECE) as usize);
    while let Some(piece) = next_piece(&mut response, promised, body.len() as u64, due).await? {
        if (body.len() + piece.len()) as u64 > limit {
            return Err(BodyFault::Oversized { limit });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// Reads the next piece of a body of which `received` bytes are here.
pub(crate) async fn next_piece(
    response: &mut reqwest::Response,
    promised: Option<u64>,
    received: u64,
    due: Instant,
) -> Result<Option<Bytes>, BodyFault> {
    match tokio::time::timeout_at(due, response.chunk()).await {
        Ok(Ok(piece)) => Ok(piece),
        Ok(Err(error)) if error.is_timeout() => Err(BodyFault::TimedOut),
        Ok(Err(_)) => Err(BodyFault::Truncated {
            expected: promised,
            received,
        }),
        Err(_) => Err(BodyFault::TimedOut),
    }
}

/// Makes what a server said about a failure fit for an error: short, and no control characters that
/// could draw on a terminal.
pub(crate) fn shown(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .take(300)
        .collect::<String>()
        .trim()
        .to_owned()
}

impl From<BodyFault> for TransportFault {
    fn from(fault: BodyFault) -> Self {
        match fault {
            BodyFault::TimedOut => Self::TimedOut,
            BodyFault::Oversized { limit } => Self::Broken {
                detail: format!("the answer has more than {limit} bytes"),
            },
            BodyFault::Truncated { received, .. } => Self::Broken {
                detail: format!("the answer ended after {received} bytes"),
            },
        }
    }
}

/// A promised length is not memory yet: more is taken as it comes.
const FIRST_PIECE: u64 = 1024 * 1024;
