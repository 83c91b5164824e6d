//! What the tests share: a registry that counts its requests, small images, servers that refuse.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::IntoResponse as _;
use countersign_artifact::{Descriptor, Digest, ImageReference, media_type};
use countersign_client::image_source::{Layout, LayoutWriter, push_layout};
use countersign_client::registry::{BlobSource, Client, ClientOptions, Repository};
use countersign_client::transport::{Patience, TransportOptions};
use countersign_stack::registry::{Registry, RegistryOptions};
use tempfile::TempDir;

/// Serves `router` on a free port of loopback until the runtime ends.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// A registry that writes down what it is asked.
pub(crate) struct CountedRegistry {
    pub(crate) host: String,
    pub(crate) requests: Requests,
    _folder: TempDir,
}

/// The requests of a server, `GET /v2/...`, and which of them are refused.
#[derive(Clone, Default)]
pub(crate) struct Requests {
    seen: Arc<Mutex<Vec<String>>>,
    refused: Arc<Mutex<Option<(String, u16)>>>,
}

impl Requests {
    /// The requests since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Answers requests whose line contains `part` with `status` from now on, and no others.
    pub(crate) fn refuse(&self, part: &str, status: u16) {
        *self.refused.lock().unwrap() = Some((part.to_owned(), status));
    }

    /// `router`, written down.
    pub(crate) fn watch(&self, router: Router) -> Router {
        let requests = self.clone();
        let watch = move |request: Request, next: Next| {
            let line = format!("{} {}", request.method(), request.uri());
            let refused = requests.refused.lock().unwrap().clone();
            let refused = refused.filter(|(part, _)| line.contains(part.as_str()));
            requests.seen.lock().unwrap().push(line);
            async move {
                match refused {
                    Some((_, status)) => StatusCode::from_u16(status).unwrap().into_response(),
                    None => next.run(request).await,
                }
            }
        };
        router.layer(middleware::from_fn(watch))
    }
}

impl CountedRegistry {
    pub(crate) async fn start(options: RegistryOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open_with(folder.path(), options).unwrap();
        let requests = Requests::default();
        let address = serve(requests.watch(registry.router())).await;
        Self {
            host: address.to_string(),
            requests,
            _folder: folder,
        }
    }

    pub(crate) fn image(&self, name: &str) -> ImageReference {
        ImageReference::parse(&format!("{}/{name}", self.host)).unwrap()
    }
}

/// Options of a registry of distribution specification 1.0.
pub(crate) fn without_referrers() -> RegistryOptions {
    RegistryOptions {
        without_referrers: true,
        ..RegistryOptions::default()
    }
}

/// A client that gives up at once.
pub(crate) fn impatient() -> Client {
    let patience = Patience {
        attempts: 1,
        ..Patience::default()
    };
    Client::new(ClientOptions {
        transport: TransportOptions {
            patience,
            ..TransportOptions::default()
        },
        ..ClientOptions::default()
    })
    .unwrap()
}

/// Writes a layout of one image whose only layer is `content`.
pub(crate) fn write_layout(folder: &Path, content: &str) -> Digest {
    let mut writer = LayoutWriter::create(folder).unwrap();
    let layer = writer
        .add_blob(media_type::OCI_LAYER, content.as_bytes())
        .unwrap();
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
        layer.digest
    );
    let config = writer
        .add_blob(media_type::OCI_CONFIG, config.as_bytes())
        .unwrap();
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": [layer],
    });
    let manifest = manifest.to_string();
    let entry = writer
        .add_manifest(media_type::OCI_MANIFEST, manifest.as_bytes(), Some("1.0"))
        .unwrap();
    writer.finish().unwrap();
    entry.digest
}

/// Pushes a small image and gives its reference with the digest.
pub(crate) async fn push_image(
    client: &Client,
    image: &ImageReference,
    content: &str,
) -> ImageReference {
    let folder = tempfile::tempdir().unwrap();
    write_layout(&folder.path().join("layout"), content);
    let layout = Layout::open(&folder.path().join("layout")).unwrap();
    let untagged = push_layout(client, &layout, image).await.unwrap();
    image.with_digest(untagged.digest)
}

/// The signing fixtures.
pub(crate) fn signing() -> &'static Path {
    static SIGNING: OnceLock<PathBuf> = OnceLock::new();
    SIGNING.get_or_init(|| countersign_testkit::fixtures::folder("signing"))
}

/// Pushes a layout of the signing fixtures to `host` and gives the image's reference with the digest.
pub(crate) async fn push_fixture(host: &str, case: &str) -> ImageReference {
    let layout = Layout::open(&signing().join(case).join("layout")).unwrap();
    let image = ImageReference::parse(&format!("{host}/fixtures/{case}:1.0")).unwrap();
    let pushed = push_layout(&impatient(), &layout, &image).await;
    image.with_digest(
        pushed
            .unwrap_or_else(|error| panic!("{case}: {error}"))
            .digest,
    )
}

/// Attaches a bundle to an image, as anyone can who may push to its repository.
pub(crate) async fn attach(client: &Client, image: &ImageReference, bundle: &[u8]) {
    let repository = Repository::of(image);
    let subject = client.resolve(image).await.unwrap();
    let put = async |kind: &str, bytes: &[u8]| {
        let blob = serde_json::json!({
            "mediaType": kind, "digest": Digest::sha256_of(bytes), "size": bytes.len(),
        });
        let blob: Descriptor = serde_json::from_value(blob).unwrap();
        let source = BlobSource::Bytes(bytes.to_vec().into());
        client.push_blob(&repository, &blob, source).await.unwrap();
        blob
    };
    let layer = put(media_type::BUNDLE_V03, bundle).await;
    let config = put(media_type::OCI_EMPTY, b"{}").await;
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config,
        "layers": [layer], "subject": subject, "artifactType": media_type::BUNDLE_V03,
    });
    let bytes = manifest.to_string().into_bytes().into();
    let kind = media_type::OCI_MANIFEST;
    client
        .push_referrer(&repository, &subject.digest, kind, bytes)
        .await
        .unwrap();
}
