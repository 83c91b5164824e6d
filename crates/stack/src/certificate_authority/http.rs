//! Fulcio's API, versions 2 and 1.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::request::{RequestError, SigningRequest};
use super::{CertificateAuthority, IssuanceError};
use crate::certificate::{chain_pem, pem_of};
use crate::certificate_transparency::SubmitError;
use crate::identity_provider::token::AUDIENCE;
use crate::refusal::Refusal;

/// The authority's pages.
pub(crate) fn router(authority: Arc<CertificateAuthority>) -> Router {
    Router::new()
        .route("/api/v2/signingCert", post(sign_v2))
        .route("/api/v2/trustBundle", get(trust_bundle))
        .route("/api/v2/configuration", get(configuration))
        .route("/api/v1/signingCert", post(sign_v1))
        .route("/api/v1/rootCert", get(root_certificate))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(authority)
}

async fn sign_v2(
    State(authority): State<Arc<CertificateAuthority>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let request = SigningRequest::from_v2(&body, &headers)?;
    let chain = authority.issue(&request, Timestamp::now()).await?;
    Ok(Json(json!({
        "signedCertificateEmbeddedSct": {"chain": {"certificates": pem_list(&chain)}}
    })))
}

/// cosign 2.x takes no other status than 201.
async fn sign_v1(
    State(authority): State<Arc<CertificateAuthority>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let request = SigningRequest::from_v1(&body, &headers)?;
    let chain = authority.issue(&request, Timestamp::now()).await?;
    Ok((StatusCode::CREATED, PEM_CHAIN, chain_pem(&chain)).into_response())
}

async fn trust_bundle(State(authority): State<Arc<CertificateAuthority>>) -> Json<Value> {
    Json(json!({"chains": [{"certificates": pem_list(authority.chain())}]}))
}

async fn root_certificate(State(authority): State<Arc<CertificateAuthority>>) -> Response {
    (PEM_CHAIN, chain_pem(authority.chain())).into_response()
}

async fn configuration(State(authority): State<Arc<CertificateAuthority>>) -> Json<Value> {
    let issuer = |challenge: &str, kind: &str| {
        json!({
            "issuerUrl": authority.issuer,
            "audience": AUDIENCE,
            "challengeClaim": challenge,
            "issuerType": kind,
        })
    };
    Json(json!({"issuers": [issuer("email", "email"), issuer("sub", "ci-provider")]}))
}

fn pem_list(chain: &[Vec<u8>]) -> Vec<String> {
    chain
        .iter()
        .map(|certificate| pem_of("CERTIFICATE", certificate))
        .collect()
}

impl From<IssuanceError> for Refusal {
    fn from(error: IssuanceError) -> Refusal {
        match error {
            IssuanceError::Token(_) | IssuanceError::Request(_) => invalid(error.to_string()),
            IssuanceError::Log(SubmitError::Append(error)) => error.into(),
            IssuanceError::Log(_) => failed(&error, "Error entering certificate in CTL"),
            IssuanceError::Issue(_) => failed(&error, "error communicating with CA backend"),
        }
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Refusal {
        invalid(error.to_string())
    }
}

fn invalid(message: String) -> Refusal {
    Refusal {
        status: StatusCode::BAD_REQUEST,
        code: GRPC_INVALID_ARGUMENT,
        message,
    }
}

fn failed(error: &IssuanceError, message: &str) -> Refusal {
    Refusal {
        code: GRPC_INTERNAL,
        message: message.to_owned(),
        ..Refusal::internal(error)
    }
}

const PEM_CHAIN: [(axum::http::HeaderName, &str); 1] =
    [(CONTENT_TYPE, "application/pem-certificate-chain")];
/// Fulcio's own cap.
const MAX_BODY: usize = 4 << 20;
const GRPC_INVALID_ARGUMENT: u16 = 3;
const GRPC_INTERNAL: u16 = 13;
