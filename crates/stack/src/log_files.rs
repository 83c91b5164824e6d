//! The static files of a log over HTTP.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::merkle_log::{LogFile, Reader};
use crate::refusal::Refusal;

/// `checkpoint` and `tile/…`, relative to where this is mounted.
pub(crate) fn router(reader: Reader) -> Router {
    let checkpoint = reader.clone();
    Router::new()
        .route(
            "/checkpoint",
            get(move || async move { answer(&checkpoint, "checkpoint") }),
        )
        .route(
            "/tile/{*path}",
            get(move |Path(path): Path<String>| async move {
                answer(&reader, &format!("tile/{path}"))
            }),
        )
}

fn answer(reader: &Reader, path: &str) -> Result<Response, Refusal> {
    Ok(match reader.file(path)? {
        Some(LogFile::Checkpoint(note)) => {
            let headers = [(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-cache")];
            (headers, note).into_response()
        }
        Some(LogFile::Tile(bytes)) => {
            let headers = [(CONTENT_TYPE, BYTES), (CACHE_CONTROL, FOR_EVER)];
            (headers, bytes).into_response()
        }
        None => return Err(Refusal::not_found("the log has no such file")),
    })
}

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
