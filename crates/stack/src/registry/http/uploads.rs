//! Uploads of blobs in all their forms: at once, in chunks, streamed, mounted.

use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use axum::response::Response;
use bytes::Bytes;
use countersign_artifact::Digest;
use futures_util::StreamExt;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt;

use super::super::core::Core;
use super::super::name::RepositoryName;
use super::super::refusal::Refusal;
use super::super::storage::StorageError;
use super::super::uploads::Upload;
use super::query::Query;
use super::{CONTENT_DIGEST, answer, blocking, range, route};

/// Begins an upload, or does it all: by mounting, or with a body and a digest.
pub(super) async fn begin(
    core: Arc<Core>,
    name: RepositoryName,
    head: Parts,
    body: Body,
) -> Result<Response, Refusal> {
    let query = Query::of(&head);
    let (mount, digest) = (query.digest("mount")?, query.digest("digest")?);
    let from = query
        .first("from")
        .map(route::parse_repository)
        .transpose()?;
    if let Some(algorithm) = query.first("digest-algorithm")
        && !matches!(algorithm, "sha256" | "sha512")
    {
        return Err(Refusal::DigestInvalid(algorithm.to_owned()));
    }
    if let Some(mount) = mount {
        let (core, name, mounted) = (Arc::clone(&core), name.clone(), mount);
        let to = name.clone();
        if blocking(move || core.mount(&name, &mounted, from.as_ref())).await? {
            return Ok(created(&to, &mount));
        }
    }
    let upload = {
        let (core, name) = (Arc::clone(&core), name.clone());
        blocking(move || core.begin_upload(&name)).await?
    };
    match digest {
        Some(digest) => {
            let upload = receive(&core, &name, upload, &head.headers, body).await?;
            close(core, name, upload, digest).await
        }
        None => Ok(answer::upload(
            StatusCode::ACCEPTED,
            &location(&name, &upload),
            0,
        )),
    }
}

/// Takes the next chunk.
pub(super) async fn append(
    core: Arc<Core>,
    name: RepositoryName,
    id: String,
    head: Parts,
    body: Body,
) -> Result<Response, Refusal> {
    let upload = resume(&core, &name, id).await?;
    let upload = receive(&core, &name, upload, &head.headers, body).await?;
    Ok(answer::upload(
        StatusCode::ACCEPTED,
        &location(&name, &upload),
        upload.received()?,
    ))
}

/// Takes the last chunk, if there is one, and makes the upload a blob.
pub(super) async fn finish(
    core: Arc<Core>,
    name: RepositoryName,
    id: String,
    head: Parts,
    body: Body,
) -> Result<Response, Refusal> {
    let digest = Query::of(&head).digest("digest")?;
    let digest = digest.ok_or(Refusal::ParameterInvalid("digest"))?;
    let upload = resume(&core, &name, id).await?;
    let upload = receive(&core, &name, upload, &head.headers, body).await?;
    close(core, name, upload, digest).await
}

/// Says how far an upload has come.
pub(super) async fn status(
    core: Arc<Core>,
    name: RepositoryName,
    id: String,
) -> Result<Response, Refusal> {
    let location = format!("/v2/{name}/blobs/uploads/{id}");
    let received = blocking(move || core.received(&name, &id)).await?;
    Ok(answer::upload(StatusCode::NO_CONTENT, &location, received))
}

/// Throws an upload away.
pub(super) async fn cancel(
    core: Arc<Core>,
    name: RepositoryName,
    id: String,
) -> Result<Response, Refusal> {
    let upload = resume(&core, &name, id).await?;
    blocking(move || Ok(upload.discard()?)).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

async fn resume(core: &Arc<Core>, name: &RepositoryName, id: String) -> Result<Upload, Refusal> {
    let (core, name) = (Arc::clone(core), name.clone());
    blocking(move || core.resume_upload(&name, &id)).await
}

/// Appends `body` to the upload, if it begins where the last chunk ended and is as long as it says.
async fn receive(
    core: &Core,
    name: &RepositoryName,
    upload: Upload,
    headers: &HeaderMap,
    body: Body,
) -> Result<Upload, Refusal> {
    let mut body = body.into_data_stream();
    let before = upload.received()?;
    let declared = range::declared(headers)?;
    if declared.is_some_and(|part| part.first != before) {
        answer::drain(body).await;
        return Err(Refusal::OutOfOrder {
            location: location(name, &upload),
            received: before,
        });
    }
    let limit = core.blob_limit();
    match append_to(&upload, &mut body, limit.saturating_sub(before)).await? {
        Appended::TooMuch => {
            blocking(move || Ok(upload.discard()?)).await?;
            answer::drain(body).await;
            Err(Refusal::BlobTooLarge { limit })
        }
        Appended::Interrupted => Err(Refusal::BodyInterrupted),
        Appended::All(received) => match declared {
            Some(part) if part.length != received => {
                upload.cut_back(before)?;
                Err(Refusal::ChunkLength {
                    declared: part.length,
                    received,
                })
            }
            _ => Ok(upload),
        },
    }
}

enum Appended {
    All(u64),
    TooMuch,
    Interrupted,
}

async fn append_to(
    upload: &Upload,
    body: &mut BodyDataStream,
    room: u64,
) -> Result<Appended, StorageError> {
    let mut file = OpenOptions::new().append(true).open(upload.path()).await?;
    let mut received = 0;
    while let Some(chunk) = body.next().await {
        let Ok(chunk): Result<Bytes, _> = chunk else {
            // What has come stays: the client may ask how far it got and go on.
            file.flush().await?;
            return Ok(Appended::Interrupted);
        };
        received += chunk.len() as u64;
        if received > room {
            return Ok(Appended::TooMuch);
        }
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    Ok(Appended::All(received))
}

async fn close(
    core: Arc<Core>,
    name: RepositoryName,
    upload: Upload,
    digest: Digest,
) -> Result<Response, Refusal> {
    let (to, kept) = (name.clone(), digest);
    blocking(move || core.finish_upload(&name, upload, &digest)).await?;
    Ok(created(&to, &kept))
}

fn created(name: &RepositoryName, digest: &Digest) -> Response {
    Response::builder()
        .status(StatusCode::CREATED)
        .header(header::LOCATION, format!("/v2/{name}/blobs/{digest}"))
        .header(CONTENT_DIGEST, digest.to_string())
        .body(Body::empty())
        .expect("names and digests are valid header values")
}

fn location(name: &RepositoryName, upload: &Upload) -> String {
    format!("/v2/{name}/blobs/uploads/{}", upload.id())
}
