//! The repository over HTTP: files by name, from memory.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::TrustRepository;
use crate::refusal::Refusal;

/// The repository's files, to be mounted where `tuf` points. A name is looked up, never opened: no
/// path of a client reaches the file system.
pub(crate) fn router(repository: Arc<TrustRepository>) -> Router {
    Router::new()
        .route("/{*path}", get(file))
        .with_state(repository)
}

async fn file(
    State(repository): State<Arc<TrustRepository>>,
    Path(path): Path<String>,
) -> Result<Response, Refusal> {
    let bytes = repository
        .file(&path)
        .ok_or_else(|| Refusal::not_found("the repository has no such file"))?;
    Ok(([(CONTENT_TYPE, "application/json")], bytes).into_response())
}
