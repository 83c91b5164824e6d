//! Identity tokens from where they can be.

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_client::Secret;
use countersign_client::identity_token::{
    Ambient, IdentityTokenError, TokenSource, identity_token,
};

use crate::harness::{impatient, serve};

fn token(subject: &str) -> String {
    let claims = format!(r#"{{"iss":"https://issuer.example","sub":"{subject}"}}"#);
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

async fn subject(source: TokenSource) -> Result<String, IdentityTokenError> {
    let found = identity_token(impatient().transport(), &source).await?;
    Ok(found.subject().to_owned())
}

fn given(text: impl Into<String>) -> TokenSource {
    TokenSource::Given(Secret::new(text))
}

#[tokio::test]
async fn given_as_text_or_file() {
    assert_eq!(subject(given(token("text"))).await.unwrap(), "text");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, format!("{}\n", token("file"))).unwrap();
    assert_eq!(
        subject(given(path.display().to_string())).await.unwrap(),
        "file"
    );
    std::fs::write(&path, "no token").unwrap();
    let error = subject(given(path.display().to_string())).await;
    assert_eq!(error, Err(IdentityTokenError::NotAToken));
    std::fs::write(&path, "x".repeat(100_000)).unwrap();
    let error = subject(given(path.display().to_string())).await;
    assert!(
        matches!(error, Err(IdentityTokenError::TooLarge { .. })),
        "{error:?}"
    );
    let absent = folder.path().join("absent");
    let error = subject(given(absent.display().to_string())).await;
    let kind = std::io::ErrorKind::NotFound;
    assert_eq!(error, Err(IdentityTokenError::File { path: absent, kind }));
    // What looks like a broken token is never shown as a path.
    assert_eq!(
        subject(given("eyJhbGciOi")).await,
        Err(IdentityTokenError::NotAToken)
    );
}

#[tokio::test]
async fn from_the_surroundings() {
    let none = TokenSource::Ambient(Ambient {
        in_github_actions: true,
        ..Ambient::default()
    });
    let in_github_actions = true;
    assert_eq!(
        subject(none).await,
        Err(IdentityTokenError::NoSource { in_github_actions })
    );
    let variable = Ambient {
        sigstore_id_token: Some(Secret::new(token("variable"))),
        ..Ambient::default()
    };
    assert_eq!(
        subject(TokenSource::Ambient(variable)).await.unwrap(),
        "variable"
    );
}

async fn github(status: StatusCode, body: String) -> TokenSource {
    let answer = move |request: Request| async move {
        let query = request.uri().query().unwrap_or_default();
        assert_eq!(query, "api-version=2.0&audience=sigstore");
        assert_eq!(request.headers()["authorization"], "bearer runner-secret");
        (status, body).into_response()
    };
    let address = serve(Router::new().fallback(answer)).await;
    let url = format!("http://{address}/token?api-version=2.0");
    TokenSource::Ambient(Ambient {
        github: Some((url, Secret::new("runner-secret"))),
        sigstore_id_token: Some(Secret::new(token("variable"))),
        in_github_actions: true,
    })
}

#[tokio::test]
async fn from_a_github_workflow() {
    let answer = format!(r#"{{"count":1,"value":"{}"}}"#, token("workflow"));
    let source = github(StatusCode::OK, answer).await;
    assert_eq!(subject(source).await.unwrap(), "workflow");
    let source = github(StatusCode::FORBIDDEN, r#"{"message":"not allowed"}"#.into()).await;
    let error = subject(source).await.unwrap_err();
    let IdentityTokenError::Refused(refusal) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (refusal.status, refusal.detail.as_str()),
        (403, "not allowed")
    );
    assert!(!error.to_string().contains("runner-secret"));
    for nothing in ["{}", "", "[1]", r#"{"value":null}"#] {
        let source = github(StatusCode::OK, nothing.into()).await;
        assert_eq!(
            subject(source).await,
            Err(IdentityTokenError::NoValue),
            "{nothing}"
        );
    }
    let endless = "x".repeat(1 << 20);
    let source = github(StatusCode::OK, endless).await;
    assert!(matches!(
        subject(source).await,
        Err(IdentityTokenError::Transport(_))
    ));
}
