//! The Sigstore services over real sockets, by their public protocols only.

mod certificate_authority;
mod certificate_log;
mod identity_provider;
mod signer;
mod start;
mod survival;
mod timestamp_authority;
mod transparency_log;
mod trust_repository;
mod whole_bundle;

use countersign_stack::{Stack, StackOptions, token};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

/// A stack on a folder and a port of its own.
struct Running {
    stack: Stack,
    dir: TempDir,
    client: reqwest::Client,
}

async fn start() -> Running {
    let dir = tempfile::tempdir().unwrap();
    let stack = Stack::start(options(dir.path())).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Running { stack, dir, client }
}

fn options(dir: &std::path::Path) -> StackOptions {
    StackOptions::new(dir, ([127, 0, 0, 1], 0).into())
}

impl Running {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.stack.endpoints().rekor)
    }

    fn issuer(&self) -> token::Issuer {
        token::Issuer::open(self.dir.path()).unwrap()
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    async fn get_json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.client.post(self.url(path)).json(body);
        request.send().await.unwrap()
    }
}

/// Asserts a refusal and gives its message.
async fn refused(response: Response, status: StatusCode) -> String {
    let found = response.status();
    let body: Value = response.json().await.unwrap();
    assert_eq!(found, status, "{body}");
    body["message"].as_str().unwrap().to_owned()
}
