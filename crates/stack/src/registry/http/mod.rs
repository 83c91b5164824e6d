//! The registry on the wire. Repository names contain slashes, so the path is parsed from its end, once,
//! into a [`Route`]; each method of a route is one function in `blobs`, `uploads`, `manifests` or `listings`.

mod answer;
mod blobs;
mod listings;
mod manifests;
mod query;
mod range;
mod route;
mod uploads;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::HeaderName;
use http::{HeaderValue, Method, StatusCode};

use super::core::Core;
use super::refusal::Refusal;
use route::Route;

/// Returns the routes under `/v2`.
pub(super) fn router(core: Arc<Core>) -> axum::Router {
    axum::Router::new()
        .route("/v2", axum::routing::any(serve))
        .route("/v2/", axum::routing::any(serve))
        .route("/v2/{*path}", axum::routing::any(serve))
        .with_state(core)
}

async fn serve(State(core): State<Arc<Core>>, request: Request) -> Response {
    let is_head = request.method() == Method::HEAD;
    let mut response = match dispatch(core, request).await {
        Ok(response) => response,
        Err(refusal) => answer::refuse(refusal),
    };
    if is_head && !response.status().is_success() {
        *response.body_mut() = axum::body::Body::empty();
    }
    response
        .headers_mut()
        .insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    response
}

async fn dispatch(core: Arc<Core>, request: Request) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    let route = Route::parse(head.uri.path())?;
    match (head.method.as_str(), route) {
        ("GET" | "HEAD", Route::Ping) => Ok((StatusCode::OK, axum::Json(())).into_response()),
        ("GET" | "HEAD", Route::Repositories) => listings::repositories(core, &head).await,
        ("GET" | "HEAD", Route::Blob { name, digest }) => {
            blobs::read(core, name, digest, &head).await
        }
        ("DELETE", Route::Blob { name, digest }) => blobs::delete(core, name, digest).await,
        ("POST", Route::Uploads { name }) => uploads::begin(core, name, head, body).await,
        ("GET", Route::Upload { name, id }) => uploads::status(core, name, id).await,
        ("PATCH", Route::Upload { name, id }) => uploads::append(core, name, id, head, body).await,
        ("PUT", Route::Upload { name, id }) => uploads::finish(core, name, id, head, body).await,
        ("DELETE", Route::Upload { name, id }) => uploads::cancel(core, name, id).await,
        ("GET" | "HEAD", Route::Manifest { name, reference }) => {
            manifests::read(core, name, reference).await
        }
        ("PUT", Route::Manifest { name, reference }) => {
            manifests::write(core, name, reference, head, body).await
        }
        ("DELETE", Route::Manifest { name, reference }) => {
            manifests::delete(core, name, reference).await
        }
        ("GET" | "HEAD", Route::Tags { name }) => listings::tags(core, name, &head).await,
        ("GET" | "HEAD", Route::Referrers { name, digest }) => {
            listings::referrers(core, name, digest, &head).await
        }
        _ => Err(Refusal::MethodUnknown),
    }
}

/// Runs `work`, which waits for the disk, where it holds nobody else up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(broken) => std::panic::resume_unwind(broken.into_panic()),
    }
}

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
