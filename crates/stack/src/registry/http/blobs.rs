//! Downloads and deletion of blobs.

use std::io::SeekFrom;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use countersign_artifact::Digest;
use futures_util::stream;
use http::request::Parts;
use http::{Method, StatusCode, header};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::super::core::Core;
use super::super::name::RepositoryName;
use super::super::refusal::Refusal;
use super::super::storage::{StorageError, StoredBlob};
use super::range::{self, Part};
use super::{CONTENT_DIGEST, answer, blocking};

/// Sends a blob, or the part of it that is asked for.
pub(super) async fn read(
    core: Arc<Core>,
    name: RepositoryName,
    digest: Digest,
    head: &Parts,
) -> Result<Response, Refusal> {
    let text = digest.to_string();
    let blob = blocking(move || core.blob(&name, &digest)).await?;
    let part = range::requested(&head.headers, blob.size)?;
    let sent = part.unwrap_or(Part {
        first: 0,
        length: blob.size,
    });
    let mut response = Response::builder()
        .status(if part.is_some() {
            StatusCode::PARTIAL_CONTENT
        } else {
            StatusCode::OK
        })
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::CONTENT_LENGTH, sent.length)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, format!("\"{text}\""))
        .header(CONTENT_DIGEST, text);
    if part.is_some() {
        let last = sent.first + sent.length - 1;
        let range = format!("bytes {}-{last}/{}", sent.first, blob.size);
        response = response.header(header::CONTENT_RANGE, range);
    }
    let body = match head.method {
        Method::HEAD => Body::empty(),
        _ => body(&blob, sent).await?,
    };
    Ok(response
        .body(body)
        .expect("digests and numbers are valid header values"))
}

/// Deletes a blob.
pub(super) async fn delete(
    core: Arc<Core>,
    name: RepositoryName,
    digest: Digest,
) -> Result<Response, Refusal> {
    blocking(move || core.delete_blob(&name, &digest)).await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}

async fn body(blob: &StoredBlob, part: Part) -> Result<Body, Refusal> {
    let mut file = File::open(&blob.path).await.map_err(StorageError::from)?;
    file.seek(SeekFrom::Start(part.first))
        .await
        .map_err(StorageError::from)?;
    // A file that ends early makes the stream end early: the client sees a broken transfer, not a short blob.
    Ok(Body::from_stream(stream::try_unfold(
        file.take(part.length),
        |mut file| async move {
            let mut chunk =
                Vec::with_capacity(CHUNK.min(usize::try_from(file.limit()).unwrap_or(CHUNK)));
            let read = file.read_buf(&mut chunk).await?;
            Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(chunk), file)))
        },
    )))
}

const CHUNK: usize = 256 << 10;
