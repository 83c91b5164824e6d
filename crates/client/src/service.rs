//! What the Sigstore services have in common: a URL, JSON, and refusals with a sentence.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use url::Url;

use crate::transport::{Answer, Outgoing, OutgoingBody, shown};

/// A service that said no, or nothing of use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url} answered {status}{}", said(detail))]
pub struct Refusal {
    /// Who was asked.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    /// What it said, fit to be shown.
    pub detail: String,
}

impl Refusal {
    pub(crate) fn of(url: &Url, answer: &Answer) -> Self {
        Self {
            url: shown_url(url),
            status: answer.status.as_u16(),
            detail: detail_of(&answer.body),
        }
    }
}

/// Makes a POST of `body`.
pub(crate) fn post(url: Url, content_type: &'static str, body: Vec<u8>) -> Outgoing {
    let headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (ACCEPT, HeaderValue::from_static("*/*")),
    ]);
    Outgoing {
        method: Method::POST,
        url,
        headers,
        body: OutgoingBody::Bytes(Bytes::from(body)),
    }
}

/// Makes a GET.
pub(crate) fn get(url: Url) -> Outgoing {
    Outgoing {
        method: Method::GET,
        url,
        headers: HeaderMap::new(),
        body: OutgoingBody::Empty,
    }
}

/// `path` below the base URL of a service, whatever the base ends with.
pub(crate) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let joined = format!("{}/{path}", base.path().trim_end_matches('/'));
    url.set_path(&joined);
    url.set_query(None);
    url.set_fragment(None);
    url
}

pub(crate) fn is_created(status: StatusCode) -> bool {
    matches!(status, StatusCode::OK | StatusCode::CREATED)
}

/// A URL without what could be a secret in it.
pub(crate) fn shown_url(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    shown(url.as_str())
}

/// grpc-gateway's and go-openapi's `{"code": .., "message": ..}`, else the text itself.
fn detail_of(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Said {
        message: String,
    }
    match serde_json::from_slice::<Said>(body) {
        Ok(said) => shown(&said.message),
        Err(_) => shown(&String::from_utf8_lossy(&body[..body.len().min(1024)])),
    }
}

fn said(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_a_base() {
        for base in [
            "https://rekor.example",
            "https://rekor.example/",
            "https://rekor.example/?x#y",
        ] {
            let url = below(&Url::parse(base).unwrap(), "api/v1/log");
            assert_eq!(url.as_str(), "https://rekor.example/api/v1/log");
        }
        let nested = below(&Url::parse("https://a.example/rekor/").unwrap(), "api");
        assert_eq!(nested.as_str(), "https://a.example/rekor/api");
    }

    #[test]
    fn details_are_fit_to_be_shown() {
        assert_eq!(
            detail_of(br#"{"code":3,"message":"no\u001b[2J"}"#),
            "no [2J"
        );
        assert_eq!(detail_of(b"plain"), "plain");
        assert!(detail_of(&[b'x'; 5000]).len() <= 300);
    }
}
