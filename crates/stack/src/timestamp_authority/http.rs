//! The authority over HTTP, as Sigstore's own server speaks.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;

use super::request::{RequestError, TimestampRequest};
use super::{ClockError, TimestampAuthority};
use crate::certificate::chain_pem;
use crate::refusal::Refusal;

/// The authority's pages.
pub(crate) fn router(authority: Arc<TimestampAuthority>) -> Router {
    Router::new()
        .route("/api/v1/timestamp", post(timestamp))
        .route("/api/v1/timestamp/certchain", get(chain))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(authority)
}

async fn timestamp(
    State(authority): State<Arc<TimestampAuthority>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    let request = match kind.trim() {
        "application/timestamp-query" => TimestampRequest::from_der(&body)?,
        "application/json" if body.len() <= MAX_JSON => TimestampRequest::from_json(&body)?,
        "application/json" => return Err(RequestError::Unreadable.into()),
        _ => return Err(RequestError::ContentType.into()),
    };
    // The high-water mark is flushed to the disk: off the threads that serve others.
    let granted = tokio::task::spawn_blocking(move || {
        let second = authority.clock.tick(Timestamp::now())?;
        authority
            .grant(&request, second)
            .map_err(|error| Refusal::internal(&error))
    });
    let response = granted.await.map_err(|error| Refusal::internal(&error))??;
    Ok(([(CONTENT_TYPE, "application/timestamp-reply")], response).into_response())
}

async fn chain(State(authority): State<Arc<TimestampAuthority>>) -> Response {
    let kind = [(CONTENT_TYPE, "application/pem-certificate-chain")];
    (kind, chain_pem(&authority.authority.chain)).into_response()
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Refusal {
        match error {
            RequestError::ContentType => {
                Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error.to_string())
            }
            _ => Refusal::bad_request(error.to_string()),
        }
    }
}

impl From<ClockError> for Refusal {
    fn from(error: ClockError) -> Refusal {
        match error {
            ClockError::WentBack { .. } => {
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            }
            ClockError::Damaged { .. } | ClockError::File(_) => Refusal::internal(&error),
        }
    }
}

/// A query is under a kilobyte; the upstream server's caps.
const MAX_BODY: usize = 1 << 20;
const MAX_JSON: usize = 1 << 10;
