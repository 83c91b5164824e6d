//! HTTP for everything in this crate: one set of connections, one way to be patient.
//!
//! A request is sent until it is answered or its time is up. Refused connections, 429 and 5xx are
//! tried again after a growing pause, or after what `Retry-After` asks for. What an answer means is
//! decided by the caller; nothing here turns a failure into an empty answer. Redirects are not
//! followed here, because only the caller knows where its credentials may go.

mod body;
mod connections;
mod fault;
mod file;
mod patience;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap};
use http::{Method, StatusCode};
use tokio::time::Instant;
use url::Url;

pub(crate) use body::{BodyFault, next_piece, read_capped, shown};
pub(crate) use connections::is_loopback;
pub use connections::{CertificateCheck, ClientIdentity, TransportOptions};
pub use fault::{TransportFault, Unreachable};
pub use patience::Patience;
pub(crate) use patience::{retry_after, spread};

use connections::Connections;
use file::file_stream;

/// Connections that are kept and shared. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Transport {
    connections: Arc<Connections>,
    patience: Patience,
    deadline: Option<Instant>,
}

/// A request that can be sent more than once.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: OutgoingBody,
}

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) enum OutgoingBody {
    Empty,
    Bytes(Bytes),
    File {
        path: PathBuf,
        start: u64,
        size: u64,
    },
}

/// An answer that has come whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Whether sending a request twice is the same as sending it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    Allowed,
    Forbidden,
}

impl Transport {
    /// Prepares connections; none is opened yet.
    pub fn new(options: TransportOptions) -> Result<Self, TransportFault> {
        Ok(Self {
            patience: options.patience,
            connections: Arc::new(Connections::new(options)?),
            deadline: None,
        })
    }

    /// The same connections, for work that must end at `deadline`: no pause or request goes beyond it.
    #[must_use]
    pub fn until(&self, deadline: std::time::Instant) -> Self {
        let deadline = Instant::from_std(deadline);
        Self {
            deadline: Some(
                self.deadline
                    .map_or(deadline, |earlier| earlier.min(deadline)),
            ),
            ..self.clone()
        }
    }

    /// When the work that starts now must be done.
    pub(crate) fn due(&self) -> Instant {
        let own = Instant::now() + self.patience.total;
        self.deadline.map_or(own, |deadline| deadline.min(own))
    }

    /// When a transfer of any size that starts now must be done. Silence ends it much earlier.
    pub(crate) fn transfer_due(&self) -> Instant {
        let own = Instant::now() + LONGEST_TRANSFER;
        self.deadline.map_or(own, |deadline| deadline.min(own))
    }

    /// Sends `outgoing` until there is an answer worth having: any status that trying again would not
    /// change, or the last one when time or attempts are used up.
    pub(crate) async fn send(
        &self,
        outgoing: &Outgoing,
        repeat: Repeat,
        due: Instant,
    ) -> Result<reqwest::Response, TransportFault> {
        let mut attempt = 1;
        loop {
            let answer = self.send_once(outgoing, due).await;
            let asked = match &answer {
                Ok(response) if is_passing(response.status()) => retry_after(response.headers()),
                Err(fault) if fault.may_pass() => None,
                _ => return answer,
            };
            let pause = asked.unwrap_or_else(|| self.patience.pause(attempt));
            let last = attempt >= self.patience.attempts || repeat == Repeat::Forbidden;
            if last || Instant::now() + pause >= due {
                return answer;
            }
            tracing::debug!(
                host = outgoing.url.host_str(),
                attempt,
                ?pause,
                "trying again"
            );
            drop(answer);
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// Sends `outgoing` and gives the whole answer, whatever its status; its body has at most `limit`
    /// bytes.
    pub(crate) async fn exchange(
        &self,
        outgoing: &Outgoing,
        repeat: Repeat,
        limit: u64,
    ) -> Result<Answer, TransportFault> {
        let due = self.due();
        let response = self.send(outgoing, repeat, due).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_capped(response, limit, due).await?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    async fn send_once(
        &self,
        outgoing: &Outgoing,
        due: Instant,
    ) -> Result<reqwest::Response, TransportFault> {
        let client = self.connections.client_for(&outgoing.url)?;
        let request = client
            .request(outgoing.method.clone(), outgoing.url.clone())
            .headers(outgoing.headers.clone());
        let request = match &outgoing.body {
            OutgoingBody::Empty if outgoing.method == Method::POST => {
                request.header(CONTENT_LENGTH, 0)
            }
            OutgoingBody::Empty => request,
            OutgoingBody::Bytes(bytes) => request.body(bytes.clone()),
            OutgoingBody::File { path, start, size } => {
                let stream = file_stream(path, *start, *size).await?;
                let body = reqwest::Body::wrap_stream(stream);
                request.header(CONTENT_LENGTH, *size).body(body)
            }
        };
        match tokio::time::timeout_at(due, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(TransportFault::of(&error)),
            Err(_) => Err(TransportFault::TimedOut),
        }
    }
}

/// Layers of machine learning images have tens of gigabytes.
const LONGEST_TRANSFER: Duration = Duration::from_secs(2 * 3600);

/// Statuses that a moment later may be another (RFC 6585 for 429; 501 and 505 stay as they are).
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}
