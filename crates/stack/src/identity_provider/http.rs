//! Discovery and keys over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};

use super::{ALGORITHM, key_set};
use crate::signing_key::RsaKey;

/// The issuer's pages, to be mounted where `issuer` points.
pub(crate) fn router(issuer: &str, key: &RsaKey) -> Router {
    let discovery = Arc::new(json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/keys"),
        // OpenID Connect Discovery §3 demands these two and clients fail without them; they say
        // where tokens come from instead.
        "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": ["aud", "email", "email_verified", "exp", "iat", "iss", "nbf", "sub"],
    }));
    let keys = Arc::new(key_set(key));
    Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(move || async move { Json(Value::clone(&discovery)) }),
        )
        .route(
            "/keys",
            get(move || async move { Json(Value::clone(&keys)) }),
        )
        .route("/auth", get(no_sign_in).post(no_sign_in))
        .route("/token", get(no_sign_in).post(no_sign_in))
}

/// There is nobody to ask for a password here, and a page that gave any identity to any caller
/// would make every certificate worthless.
async fn no_sign_in() -> (StatusCode, Json<Value>) {
    let body = json!({
        "error": "unsupported_response_type",
        "error_description": "this issuer has no interactive sign-in; its tokens are made with \
            `countersign stack token --dir DIR` by whoever may read its data folder",
    });
    (StatusCode::NOT_IMPLEMENTED, Json(body))
}
