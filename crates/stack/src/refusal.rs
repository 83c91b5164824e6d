//! How the Sigstore services say no over HTTP: `{"code": …, "message": …}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An answer that is no success. `code` is what the protocol puts in the body: the HTTP status for
/// the log and the timestamp authority, gRPC's number for the certificate authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: u16,
    pub(crate) message: String,
}

impl Refusal {
    /// A refusal whose code in the body is the HTTP status.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Refusal {
        Refusal {
            status,
            code: status.as_u16(),
            message: message.into(),
        }
    }

    /// 400: what was sent is wrong.
    pub(crate) fn bad_request(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, message)
    }

    /// 404: there is no such thing.
    pub(crate) fn not_found(message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, message)
    }

    /// 500: we failed. The cause goes to the log of this process, not to the stranger.
    pub(crate) fn internal(cause: &dyn std::error::Error) -> Refusal {
        tracing::error!(%cause, "a request failed inside");
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the service failed; its log says why",
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"code": self.code, "message": self.message});
        (self.status, Json(body)).into_response()
    }
}

impl From<crate::merkle_log::LogError> for Refusal {
    fn from(error: crate::merkle_log::LogError) -> Refusal {
        Refusal::internal(&error)
    }
}

impl From<crate::merkle_log::AppendError> for Refusal {
    fn from(error: crate::merkle_log::AppendError) -> Refusal {
        use crate::merkle_log::AppendError;
        match error {
            AppendError::Log(error) => Refusal::internal(&error),
            AppendError::Busy | AppendError::Stopped => {
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            }
        }
    }
}

impl From<crate::signing_key::KeyError> for Refusal {
    fn from(error: crate::signing_key::KeyError) -> Refusal {
        Refusal::internal(&error)
    }
}
