//! The registry over a real socket: the checks of the distribution specification's conformance suite,
//! and what the suite does not ask, which is mostly what must be refused.

mod durability;
mod pull;
mod push;
mod push_manifest;
mod referrers;
mod refusals;

use std::path::Path;

use countersign_artifact::Digest;
use countersign_stack::registry::{Registry, RegistryOptions};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

pub(crate) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A registry on a port of its own, stopped when dropped.
pub(crate) struct Served {
    base: String,
    client: Client,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Served {
    pub(crate) async fn new(folder: &Path) -> Self {
        Self::with(folder, RegistryOptions::default()).await
    }

    pub(crate) async fn with(folder: &Path, options: RegistryOptions) -> Self {
        let registry = Registry::open_with(folder, options).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            axum::serve(listener, registry.router()).await.unwrap();
        });
        Self {
            base,
            client: client(),
            server,
        }
    }

    /// Stops serving and waits until the folder is free.
    pub(crate) async fn stop(mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    pub(crate) fn head(&self, path: &str) -> RequestBuilder {
        self.client.head(self.url(path))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path))
    }

    pub(crate) fn put(&self, path: &str) -> RequestBuilder {
        self.client.put(self.url(path))
    }

    pub(crate) fn patch(&self, path: &str) -> RequestBuilder {
        self.client.patch(self.url(path))
    }

    pub(crate) fn delete(&self, path: &str) -> RequestBuilder {
        self.client.delete(self.url(path))
    }

    /// Begins an upload and returns where it goes.
    pub(crate) async fn begin(&self, name: &str) -> String {
        let answer = self
            .post(&format!("/v2/{name}/blobs/uploads/"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        location(&answer)
    }

    /// Pushes a blob with POST and PUT.
    pub(crate) async fn push_blob(&self, name: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256_of(bytes);
        let upload = self.begin(name).await;
        let put = self
            .put(&format!("{upload}?digest={digest}"))
            .body(bytes.to_vec());
        let answer = put.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        assert_eq!(location(&answer), format!("/v2/{name}/blobs/{digest}"));
        digest
    }

    /// Pushes a manifest and returns the answer, whatever it is.
    pub(crate) async fn put_manifest(&self, name: &str, at: &str, manifest: &Value) -> Response {
        let media_type = manifest["mediaType"].as_str().unwrap_or(IMAGE).to_owned();
        self.put_bytes(name, at, &media_type, manifest.to_string().into_bytes())
            .await
    }

    pub(crate) async fn put_bytes(
        &self,
        name: &str,
        at: &str,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Response {
        let put = self.put(&format!("/v2/{name}/manifests/{at}"));
        put.header("content-type", media_type)
            .body(bytes)
            .send()
            .await
            .unwrap()
    }

    /// Pushes config and layer of a small image and returns its manifest, not yet pushed.
    pub(crate) async fn image(&self, name: &str, mark: &str) -> Value {
        let config = format!("{{\"mark\":\"{mark}\"}}");
        let layer = format!("layer of {mark}");
        self.push_blob(name, config.as_bytes()).await;
        self.push_blob(name, layer.as_bytes()).await;
        json!({
            "schemaVersion": 2,
            "mediaType": IMAGE,
            "config": descriptor(CONFIG, config.as_bytes()),
            "layers": [descriptor(LAYER, layer.as_bytes())],
        })
    }

    /// Pushes a small image and returns its digest.
    pub(crate) async fn push_image(&self, name: &str, tag: &str) -> Digest {
        let manifest = self.image(name, tag).await;
        let answer = self.put_manifest(name, tag, &manifest).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        digest_of(&manifest)
    }
}

pub(crate) fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

pub(crate) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    let digest = Digest::sha256_of(bytes).to_string();
    json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
}

pub(crate) fn manifest_descriptor(manifest: &Value) -> Value {
    descriptor(
        manifest["mediaType"].as_str().unwrap(),
        manifest.to_string().as_bytes(),
    )
}

pub(crate) fn digest_of(manifest: &Value) -> Digest {
    Digest::sha256_of(manifest.to_string().as_bytes())
}

pub(crate) fn location(answer: &Response) -> String {
    header(answer, "location").expect("an answer with a Location")
}

pub(crate) fn header(answer: &Response, name: &str) -> Option<String> {
    answer
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap().to_owned())
}

/// Asserts status and error code of a refusal.
pub(crate) async fn refused(answer: Response, status: u16, code: &str) -> Value {
    let got = answer.status().as_u16();
    let body: Value = answer.json().await.expect("a refusal is JSON");
    assert_eq!(
        (got, body["errors"][0]["code"].as_str()),
        (status, Some(code)),
        "{body}"
    );
    body["errors"][0].clone()
}
