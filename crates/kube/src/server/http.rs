//! Paths, probes, caps: from HTTP to bytes and back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::admission::{Admission, Webhook};

/// What is served.
pub(crate) struct Paths {
    admission: Arc<Admission>,
    draining: Arc<AtomicBool>,
    /// One permit a KiB of review held in memory.
    memory: Arc<Semaphore>,
}

impl Paths {
    pub(crate) fn new(admission: Arc<Admission>) -> Self {
        Self {
            admission,
            draining: Arc::default(),
            memory: Arc::new(Semaphore::new(MOST_MEMORY_KIB)),
        }
    }

    /// Set while the server drains: probes are answered with 503.
    pub(crate) fn draining(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.draining)
    }

    /// Answers one request. Never fails: what is wrong is said with a status.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        if is_probe(request.headers()) || path == "/readiness" {
            // The port is served when the policies are compiled and not before.
            return match self.draining.load(Ordering::Relaxed) {
                true => text(StatusCode::SERVICE_UNAVAILABLE, "shutting down"),
                false => text(StatusCode::OK, "ok"),
            };
        }
        if path == "/health" {
            return text(StatusCode::OK, "ok");
        }
        let Some(webhook) = Webhook::of_path(path) else {
            let words = format!("no controller registered for: {path}");
            return text(StatusCode::BAD_REQUEST, &words);
        };
        if request.method() != Method::POST {
            return text(StatusCode::METHOD_NOT_ALLOWED, "a review is sent with POST");
        }
        if !is_json(request.headers()) {
            let words = "invalid Content-Type, want `application/json`";
            return text(StatusCode::UNSUPPORTED_MEDIA_TYPE, words);
        }
        let deadline = deadline(request.uri().query());
        match self.collect(request.into_body()).await {
            Collected::All(body, _memory) => {
                match self.admission.answer(webhook, &body, deadline).await {
                    Ok(answer) => json(answer),
                    Err(error) => text(StatusCode::BAD_REQUEST, &error.to_string()),
                }
            }
            Collected::TooLarge(beginning) => {
                match Admission::answer_too_large(webhook, &beginning, MOST_REVIEW) {
                    Some(answer) => json(answer),
                    None => text(StatusCode::PAYLOAD_TOO_LARGE, "the review is too large"),
                }
            }
            Collected::Interrupted => text(StatusCode::BAD_REQUEST, "the review ended early"),
        }
    }

    async fn collect(&self, mut body: Incoming) -> Collected {
        let size = body.size_hint().upper().unwrap_or(MOST_REVIEW as u64);
        let size = usize::try_from(size).unwrap_or(usize::MAX).min(MOST_REVIEW);
        let permits = u32::try_from(size / 1_024 + 1).unwrap_or(u32::MAX);
        let memory = Arc::clone(&self.memory).acquire_many_owned(permits).await;
        let memory = memory.expect("the semaphore is never closed");
        let mut bytes = BytesMut::with_capacity(size.min(1 << 20));
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                return Collected::Interrupted;
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if bytes.len() + data.len() > MOST_REVIEW {
                // Read on, or the API server would see a broken connection in place of our answer.
                drain(body).await;
                bytes.truncate(BEGINNING);
                return Collected::TooLarge(bytes.freeze());
            }
            bytes.extend_from_slice(&data);
        }
        Collected::All(bytes.freeze(), memory)
    }
}

enum Collected {
    All(Bytes, OwnedSemaphorePermit),
    TooLarge(Bytes),
    Interrupted,
}

async fn drain(mut body: Incoming) {
    let mut left = MOST_REVIEW;
    while let Some(Ok(frame)) = body.frame().await {
        match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// Kubelets and load balancers ask any path; knative's proxies say so in a header.
fn is_probe(headers: &HeaderMap) -> bool {
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    headers.contains_key("k-kubelet-probe")
        || agent.is_some_and(|agent| agent.starts_with("kube-probe/"))
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|stated| stated == "application/json")
}

/// An API server says how long it waits (`?timeout=10s`). We answer before that: an answer tells why,
/// a timeout does not.
fn deadline(query: Option<&str>) -> Duration {
    let stated = query.unwrap_or_default().split('&').find_map(|pair| {
        let seconds = pair.strip_prefix("timeout=")?.strip_suffix('s')?;
        seconds.parse::<u32>().ok()
    });
    let stated = Duration::from_secs(u64::from(stated.unwrap_or(DEFAULT_SECONDS)));
    stated.saturating_sub(MARGIN).clamp(SHORTEST, LONGEST)
}

fn json(bytes: Vec<u8>) -> Response<Full<Bytes>> {
    answer(StatusCode::OK, "application/json", Bytes::from(bytes))
}

fn text(status: StatusCode, words: &str) -> Response<Full<Bytes>> {
    answer(
        status,
        "text/plain; charset=utf-8",
        Bytes::from(format!("{words}\n")),
    )
}

fn answer(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, media_type);
    response
        .body(Full::new(body))
        .expect("fixed headers are valid")
}

/// A real API server sends up to 17 MB (fixtures/admission, "What surprises" 5).
const MOST_REVIEW: usize = 24 << 20;
/// Four of the largest reviews at once; more wait.
const MOST_MEMORY_KIB: usize = 4 * (MOST_REVIEW / 1_024 + 1);
/// Enough of a review that is too large to find its uid.
const BEGINNING: usize = 4 << 10;
/// What Kubernetes takes where a webhook configuration says nothing.
const DEFAULT_SECONDS: u32 = 10;
const MARGIN: Duration = Duration::from_millis(500);
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deadline_is_before_the_api_servers() {
        assert_eq!(deadline(Some("timeout=25s")), Duration::from_millis(24_500));
        assert_eq!(
            deadline(Some("x=1&timeout=2s")),
            Duration::from_millis(1_500)
        );
        assert_eq!(deadline(None), Duration::from_millis(9_500));
        assert_eq!(deadline(Some("timeout=0s")), SHORTEST);
        assert_eq!(deadline(Some("timeout=99999s")), LONGEST);
        assert_eq!(deadline(Some("timeout=-1s")), Duration::from_millis(9_500));
    }
}
