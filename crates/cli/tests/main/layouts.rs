//! Pushes the layouts of the fixtures, bytes unchanged, with their tags and referrers.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tokio::runtime::Runtime;

/// A registry that takes everything.
pub(crate) struct Registry {
    address: String,
    client: reqwest::Client,
    runtime: Runtime,
}

const TAG: &str = "org.opencontainers.image.ref.name";

impl Registry {
    /// The one at `host:port`, over plain HTTP.
    pub(crate) fn at(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            client: reqwest::Client::new(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime"),
        }
    }

    /// Pushes everything in `layout` to `repository`.
    pub(crate) fn push(&self, layout: &Path, repository: &str) {
        self.runtime.block_on(async {
            for descriptor in manifests(&json(
                &fs::read(layout.join("index.json")).expect("an index"),
            )) {
                self.push_manifest(layout, repository, &descriptor).await;
            }
        });
    }

    async fn push_manifest(&self, layout: &Path, repository: &str, descriptor: &Value) {
        let bytes = blob(layout, text(&descriptor["digest"]));
        let manifest = json(&bytes);
        for child in manifests(&manifest) {
            Box::pin(self.push_manifest(layout, repository, &child)).await;
        }
        let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
        let config = manifest.get("config").cloned();
        for part in layers.iter().chain(&config) {
            let digest = text(&part["digest"]);
            let path = format!("blobs/uploads/?digest={digest}");
            let request = self.client.post(self.url(repository, &path));
            done(request.body(blob(layout, digest))).await;
        }
        let tag = descriptor["annotations"][TAG].as_str();
        let reference = tag.unwrap_or_else(|| text(&descriptor["digest"]));
        let url = self.url(repository, &format!("manifests/{reference}"));
        let request = self.client.put(url);
        let request = request.header("content-type", text(&descriptor["mediaType"]));
        done(request.body(bytes)).await;
    }

    fn url(&self, repository: &str, rest: &str) -> String {
        format!("http://{}/v2/{repository}/{rest}", self.address)
    }
}

/// The digest of the first manifest in `layout`.
pub(crate) fn digest_of(layout: &Path) -> String {
    let index = json(&fs::read(layout.join("index.json")).expect("an index"));
    text(&manifests(&index)[0]["digest"]).to_owned()
}

async fn done(request: reqwest::RequestBuilder) {
    let answer = request.send().await.expect("an answer");
    let (url, status) = (answer.url().clone(), answer.status());
    assert!(
        status.is_success(),
        "{url}: {status} {:?}",
        answer.text().await
    );
}

fn manifests(index: &Value) -> Vec<Value> {
    index["manifests"].as_array().cloned().unwrap_or_default()
}

fn blob(layout: &Path, digest: &str) -> Vec<u8> {
    let path = layout.join("blobs").join(digest.replace(':', "/"));
    fs::read(&path).unwrap_or_else(|error| panic!("{error}: {}", path.display()))
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}
