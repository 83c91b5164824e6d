use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_stack::token::{self, GithubWorkflow, MintError};
use reqwest::StatusCode;
use serde_json::Value;

use super::start;

fn part(token: &str, position: usize) -> Vec<u8> {
    let part = token.split('.').nth(position).unwrap();
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

#[tokio::test]
async fn tokens_verify_with_the_published_keys() {
    let running = start().await;
    let issuer = &running.stack.endpoints().issuer;
    let discovery: Value = running
        .get_json("/oidc/.well-known/openid-configuration")
        .await;
    assert_eq!(discovery["issuer"], issuer.as_str());
    let keys_url = discovery["jwks_uri"].as_str().unwrap();
    let keys: Value = running
        .client
        .get(keys_url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let key = &keys["keys"][0];
    assert_eq!(key["alg"], "RS256");

    for token in [
        token::email(running.dir.path(), "ada@example.com").unwrap(),
        token::github_workflow(running.dir.path(), &GithubWorkflow::new("octo/app")).unwrap(),
    ] {
        let header: Value = serde_json::from_slice(&part(&token, 0)).unwrap();
        assert_eq!(header["kid"], key["kid"]);
        let decode = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
        let public = RsaPublicKeyComponents {
            n: decode("n"),
            e: decode("e"),
        };
        let (signed, _) = token.rsplit_once('.').unwrap();
        public
            .verify(
                &RSA_PKCS1_2048_8192_SHA256,
                signed.as_bytes(),
                &part(&token, 2),
            )
            .unwrap();
        let claims: Value = serde_json::from_slice(&part(&token, 1)).unwrap();
        assert_eq!(claims["iss"], issuer.as_str());
        assert_eq!(claims["aud"], "sigstore");
    }
}

#[tokio::test]
async fn nobody_gets_a_token_over_the_network() {
    let running = start().await;
    for path in ["/oidc/auth", "/oidc/token"] {
        let response = running.get(path).await;
        assert_eq!(response.status(), StatusCode::NOT_IMPLEMENTED);
        let body: Value = response.json().await.unwrap();
        assert!(
            body["error_description"]
                .as_str()
                .unwrap()
                .contains("stack token")
        );
    }
}

#[test]
fn a_folder_without_a_stack_has_no_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let error = token::email(dir.path(), "ada@example.com").unwrap_err();
    assert!(matches!(error, MintError::Endpoints(_)), "{error}");
    assert!(error.to_string().contains(dir.path().to_str().unwrap()));
}
