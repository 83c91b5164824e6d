//! Manifests: pulled, pushed and deleted by tag or digest.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures_util::StreamExt;
use http::request::Parts;
use http::{HeaderName, StatusCode, header};

use super::super::core::Core;
use super::super::name::{Reference, RepositoryName, Tag};
use super::super::refusal::Refusal;
use super::query::Query;
use super::{CONTENT_DIGEST, answer, blocking, route};

/// Sends a manifest, byte for byte as it was pushed.
pub(super) async fn read(
    core: Arc<Core>,
    name: RepositoryName,
    reference: Reference,
) -> Result<Response, Refusal> {
    let manifest = blocking(move || core.manifest(&name, &reference)).await?;
    let digest = manifest.digest.to_string();
    Ok(Response::builder()
        .status(StatusCode::OK)
        .header(header::CONTENT_TYPE, manifest.media_type)
        .header(header::CONTENT_LENGTH, manifest.bytes.len())
        .header(header::ETAG, format!("\"{digest}\""))
        .header(CONTENT_DIGEST, digest)
        .body(Body::from(manifest.bytes))
        .expect("only served media types are stored"))
}

/// Takes a manifest.
pub(super) async fn write(
    core: Arc<Core>,
    name: RepositoryName,
    reference: Reference,
    head: Parts,
    body: Body,
) -> Result<Response, Refusal> {
    let tags = Query::of(&head)
        .all("tag")
        .map(route::parse_tag)
        .collect::<Result<Vec<_>, _>>()?;
    let content_type = head.headers.get(header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let bytes = collect(body).await?;
    let (to, put, more) = (name.clone(), reference.clone(), tags.clone());
    let accepted =
        blocking(move || core.put_manifest(&name, &put, &more, content_type.as_deref(), &bytes))
            .await?;
    let mut response = Response::builder()
        .status(StatusCode::CREATED)
        .header(
            header::LOCATION,
            format!("/v2/{to}/manifests/{}", accepted.digest),
        )
        .header(CONTENT_DIGEST, accepted.digest.to_string());
    if let Some(subject) = accepted.subject {
        response = response.header(OCI_SUBJECT, subject.to_string());
    }
    if matches!(reference, Reference::Digest(_)) && !tags.is_empty() {
        let tags: Vec<&str> = tags.iter().map(Tag::as_str).collect();
        response = response.header(OCI_TAG, tags.join(", "));
    }
    Ok(response
        .body(Body::empty())
        .expect("names, tags and digests are valid header values"))
}

/// Deletes a tag or a manifest.
pub(super) async fn delete(
    core: Arc<Core>,
    name: RepositoryName,
    reference: Reference,
) -> Result<Response, Refusal> {
    blocking(move || core.delete_manifest(&name, &reference)).await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}

async fn collect(body: Body) -> Result<Vec<u8>, Refusal> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Refusal::BodyInterrupted)?;
        if bytes.len() + chunk.len() > MANIFEST_LIMIT {
            answer::drain(stream).await;
            return Err(Refusal::ManifestTooLarge {
                limit: MANIFEST_LIMIT,
            });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What the specification says every registry should take, and no more ("Pushing Manifests").
const MANIFEST_LIMIT: usize = 4 << 20;
const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");
