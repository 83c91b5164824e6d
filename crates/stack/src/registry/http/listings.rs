//! Lists: repositories, tags of a repository, referrers of a manifest.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use countersign_artifact::Digest;
use http::request::Parts;
use http::{HeaderName, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::core::Core;
use super::super::name::RepositoryName;
use super::super::refusal::Refusal;
use super::super::storage::Page;
use super::blocking;
use super::query::Query;

/// Lists tags.
pub(super) async fn tags(
    core: Arc<Core>,
    name: RepositoryName,
    head: &Parts,
) -> Result<Response, Refusal> {
    let query = Query::of(head);
    let wanted = query.count("n")?;
    let last = query.first("last").map(str::to_owned);
    let repository = name.clone();
    let page = blocking(move || core.tags(&name, last.as_deref(), wanted)).await?;
    let list = TagList {
        name: repository.as_str(),
        tags: &page.items,
    };
    let path = format!("/v2/{repository}/tags/list");
    Ok(paged(&path, wanted, &page, &list))
}

/// Lists repositories: those that have a manifest.
pub(super) async fn repositories(core: Arc<Core>, head: &Parts) -> Result<Response, Refusal> {
    let query = Query::of(head);
    let wanted = query.count("n")?;
    let last = query.first("last").map(str::to_owned);
    let page = blocking(move || core.repositories(last.as_deref(), wanted)).await?;
    let list = RepositoryList {
        repositories: &page.items,
    };
    Ok(paged("/v2/_catalog", wanted, &page, &list))
}

/// Answers one page of a list by name, and where the next one is.
fn paged(
    path: &str,
    wanted: Option<usize>,
    page: &Page<String>,
    list: &impl Serialize,
) -> Response {
    let mut response = Response::builder()
        .status(StatusCode::OK)
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(last) = page.items.last().filter(|_| page.more) {
        let count = wanted
            .map(|wanted| format!("n={wanted}&"))
            .unwrap_or_default();
        let next = format!("<{path}?{count}last={last}>; rel=\"next\"");
        response = response.header(header::LINK, next);
    }
    response
        .body(json(list))
        .expect("names and tags are valid header values")
}

/// Lists the referrers of a manifest, which need not exist: they may come before it.
pub(super) async fn referrers(
    core: Arc<Core>,
    name: RepositoryName,
    digest: Digest,
    head: &Parts,
) -> Result<Response, Refusal> {
    let query = Query::of(head);
    let wanted = query.first("artifactType").map(str::to_owned);
    let last = query.digest("last")?;
    let (repository, subject, filter) = (name.clone(), digest, wanted.clone());
    let found =
        blocking(move || core.referrers(&name, &digest, filter.as_deref(), last.as_ref())).await?;
    let mut response = Response::builder()
        .status(StatusCode::OK)
        .header(header::CONTENT_TYPE, INDEX);
    if wanted.is_some() {
        response = response.header(OCI_FILTERS_APPLIED, "artifactType");
    }
    if let Some(last) = found.next {
        let filter = wanted
            .map(|wanted| {
                format!(
                    "artifactType={}&",
                    utf8_percent_encode(&wanted, NON_ALPHANUMERIC)
                )
            })
            .unwrap_or_default();
        let path = format!("/v2/{repository}/referrers/{subject}");
        response = response.header(
            header::LINK,
            format!("<{path}?{filter}last={last}>; rel=\"next\""),
        );
    }
    let index = ReferrersIndex {
        schema_version: 2,
        media_type: INDEX,
        manifests: &found.descriptors,
    };
    Ok(response
        .body(json(&index))
        .expect("names and digests are valid header values"))
}

fn json(value: &impl Serialize) -> Body {
    Body::from(serde_json::to_vec(value).expect("lists of texts are JSON"))
}

#[derive(Serialize)]
struct RepositoryList<'a> {
    repositories: &'a [String],
}

#[derive(Serialize)]
struct TagList<'a> {
    name: &'a str,
    tags: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReferrersIndex<'a> {
    schema_version: u32,
    media_type: &'a str,
    manifests: &'a [Box<RawValue>],
}

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
