//! The whole stack: opened from one data folder, served from one socket.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::certificate_authority::{self, CertificateAuthority};
use crate::certificate_transparency::{self, CertificateLog};
use crate::data_folder::{DataFolder, FileError, FolderError, PUBLIC, write_whole};
use crate::endpoints::{self, Endpoints};
use crate::identity_provider;
use crate::merkle_log::{LogError, LogIdentity, MerkleLog};
use crate::refusal::Refusal;
use crate::registry::{Registry, RegistryError, RegistryOptions};
use crate::server::Server;
use crate::service_keys::{ServiceKeys, ServiceKeysError};
use crate::signing_key::EcdsaKey;
use crate::timestamp_authority::{self, ClockError, TimestampAuthority};
use crate::transparency_log::{self, TransparencyLog};
use crate::trust_documents::TrustDocuments;
use crate::trust_repository::{self, RepositoryError, TrustRepository};

/// What a stack is started with.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// The data folder; made when it is missing.
    pub dir: PathBuf,
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Name in URLs and in the log's origin. The first start fixes it; by default it is the
    /// address listened on, or `localhost` when that is every address.
    pub hostname: Option<String>,
    /// Largest log entry taken, in bytes. An attested SBOM can be large.
    pub entry_limit: usize,
    /// How the registry behaves.
    pub registry: RegistryOptions,
}

impl StackOptions {
    /// Options with their defaults: 128 MiB for a log entry.
    pub fn new(dir: impl Into<PathBuf>, listen: SocketAddr) -> StackOptions {
        StackOptions {
            dir: dir.into(),
            listen,
            hostname: None,
            entry_limit: 128 << 20,
            registry: RegistryOptions::default(),
        }
    }

    fn hostname(&self) -> String {
        match &self.hostname {
            Some(name) => name.clone(),
            None if self.listen.ip().is_unspecified() => "localhost".to_owned(),
            None => self.listen.ip().to_string(),
        }
    }
}

/// A running stack. Dropping it without [`shutdown`](Stack::shutdown) is safe, as a kill is.
#[derive(Debug)]
pub struct Stack {
    endpoints: Endpoints,
    dir: PathBuf,
    server: Server,
    renewal: JoinHandle<()>,
    // The lock of the data folder is given back last.
    _folder: DataFolder,
}

impl Stack {
    /// Starts every service, and returns when they answer and the files in the data folder say
    /// where.
    pub async fn start(options: StackOptions) -> Result<Stack, StackError> {
        let hostname = options.hostname();
        check_hostname(&hostname)?;
        // The port first: when it is taken, the data folder has not been touched.
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(|error| StackError::listen(options.listen, &error))?;
        let address = listener
            .local_addr()
            .map_err(|error| StackError::listen(options.listen, &error))?;
        // Keys, logs and certificates are files and arithmetic: off the threads that serve.
        let opened = tokio::task::spawn_blocking(move || Opened::open(&options, hostname, address));
        let opened = opened.await.map_err(|_| StackError::Interrupted)??;
        let server = Server::start(listener, opened.router)
            .map_err(|error| StackError::listen(address, &error))?;
        tracing::info!(address = %server.address(), "the stack is up");
        Ok(Stack {
            endpoints: opened.endpoints,
            dir: opened.dir,
            server,
            renewal: tokio::spawn(renew(opened.repository)),
            _folder: opened.folder,
        })
    }

    /// Where the services are.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The data folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends the stack: no new requests, those in flight are answered, the folder is free again.
    pub async fn shutdown(self) {
        self.renewal.abort();
        let _ = self.renewal.await;
        self.server.shutdown().await;
    }
}

/// Everything that is ready before the first request.
struct Opened {
    folder: DataFolder,
    dir: PathBuf,
    endpoints: Endpoints,
    router: Router,
    repository: Arc<TrustRepository>,
}

impl Opened {
    fn open(
        options: &StackOptions,
        hostname: String,
        address: SocketAddr,
    ) -> Result<Opened, StackError> {
        let now = Timestamp::now();
        // 1. The folder is ours alone, or nothing happens.
        let folder = DataFolder::open(&options.dir)?;
        // 2. Who we are. The first start decides the name; the logs are signed under it.
        let keys = ServiceKeys::open_or_found(&folder, &hostname, now)?;
        if keys.facts.hostname != hostname {
            return Err(StackError::HostnameChanged {
                stored: keys.facts.hostname,
                wanted: hostname,
            });
        }
        // 3. Where we are, this time: a restart may have another port.
        let endpoints = Endpoints::new(&hostname, address);
        let documents = TrustDocuments::new(&keys, &endpoints);
        // 4. The services, of which the logs first prove that they are whole.
        let services = Services::open(&folder, keys, &documents, &endpoints, now)?;
        let registry = Registry::open_with(folder.file("registry"), options.registry.clone())?;
        let repository = Arc::clone(&services.repository);
        let router = services
            .router(options)
            .layer(middleware::from_fn(limit_time))
            .merge(registry.router())
            .fallback(|| async { Refusal::not_found("there is nothing here") });
        // 5. Tell where everything is, last: who can read it can use it.
        write_documents(&folder, &documents, &endpoints)?;
        Ok(Opened {
            dir: folder.file(""),
            folder,
            endpoints,
            router,
            repository,
        })
    }
}

/// The services of Sigstore, open.
struct Services {
    identity_provider: Router,
    certificate_authority: Arc<CertificateAuthority>,
    certificate_log: Arc<CertificateLog>,
    transparency_log: Arc<TransparencyLog>,
    timestamp_authority: Arc<TimestampAuthority>,
    repository: Arc<TrustRepository>,
}

impl Services {
    fn open(
        folder: &DataFolder,
        keys: ServiceKeys,
        documents: &TrustDocuments,
        endpoints: &Endpoints,
        now: Timestamp,
    ) -> Result<Services, StackError> {
        let name = keys.facts.hostname;
        let ct_key = Arc::new(keys.certificate_transparency);
        let ct_name = format!("{name}/ct");
        let ct = open_log(folder, CERTIFICATE_LOG, &ct_name, &ct_name, &ct_key)?;
        let chain = keys.certificate_authority.chain.clone();
        let certificate_log = CertificateLog::new(ct, ct_key, chain);
        let certificate_log = Arc::new(certificate_log.map_err(|_| StackError::Certificates)?);

        let tree_id = keys.facts.tree_id;
        let rekor_key = Arc::new(keys.transparency_log);
        let origin = format!("{name} - {tree_id}");
        let rekor = open_log(folder, TRANSPARENCY_LOG, &origin, &name, &rekor_key)?;

        let targets = BTreeMap::from([
            ("trusted_root.json", documents.trusted_root.clone()),
            ("signing_config.v0.2.json", documents.signing_config.clone()),
        ]);
        let repository = TrustRepository::open(
            folder.file("trust_repository"),
            keys.trust_repository,
            targets,
            now,
        )?;
        let timestamp_authority = TimestampAuthority::open(
            keys.timestamp_authority,
            folder.file("timestamp_authority.clock"),
        )?;
        Ok(Services {
            identity_provider: identity_provider::router(
                &endpoints.issuer,
                &keys.identity_provider,
            ),
            certificate_authority: Arc::new(CertificateAuthority::new(
                keys.certificate_authority,
                Arc::clone(&certificate_log),
                &endpoints.issuer,
                &keys.identity_provider,
            )),
            certificate_log,
            transparency_log: Arc::new(TransparencyLog::new(rekor, rekor_key, tree_id)),
            timestamp_authority: Arc::new(timestamp_authority),
            repository: Arc::new(repository),
        })
    }

    /// Their paths share no prefix that differs in meaning, so one base URL serves them all.
    fn router(self, options: &StackOptions) -> Router {
        Router::new()
            .nest("/oidc", self.identity_provider)
            .merge(certificate_authority::router(self.certificate_authority))
            .nest(
                "/ct",
                certificate_transparency::router(self.certificate_log),
            )
            .merge(transparency_log::router(
                self.transparency_log,
                options.entry_limit,
            ))
            .merge(timestamp_authority::router(self.timestamp_authority))
            .nest("/tuf", trust_repository::router(self.repository))
            .route("/healthz", get(|| async { "ok\n" }))
    }
}

fn open_log(
    folder: &DataFolder,
    file: &str,
    origin: &str,
    signer: &str,
    key: &Arc<EcdsaKey>,
) -> Result<MerkleLog, LogError> {
    let identity = LogIdentity {
        origin: origin.to_owned(),
        signer: signer.to_owned(),
        key: Arc::clone(key),
    };
    MerkleLog::open(&folder.file(file), identity)
}

fn write_documents(
    folder: &DataFolder,
    documents: &TrustDocuments,
    endpoints: &Endpoints,
) -> Result<(), FileError> {
    let mut places = serde_json::to_vec_pretty(endpoints).expect("plain strings serialise");
    places.push(b'\n');
    for (name, bytes) in [
        ("trusted_root.json", &documents.trusted_root),
        ("signing_config.json", &documents.signing_config),
        ("trust_config.json", &documents.trust_config),
        (endpoints::FILE, &places),
    ] {
        write_whole(&folder.file(name), bytes, PUBLIC)?;
    }
    Ok(())
}

/// A request that is not answered in time is given up: a slow sender must not hold a connection.
/// The registry keeps its own time, because layers may be large.
async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request took too long").into_response()
        }
    }
}

/// Renews TUF metadata of a stack that runs for months.
async fn renew(repository: Arc<TrustRepository>) {
    loop {
        tokio::time::sleep(RENEWAL_CHECK).await;
        let repository = Arc::clone(&repository);
        let renewed =
            tokio::task::spawn_blocking(move || repository.refresh(Timestamp::now())).await;
        if let Ok(Err(error)) = renewed {
            tracing::error!(%error, "the trust repository is not renewed");
        }
    }
}

/// Letters, digits, dots, hyphens and, for IPv6, colons: the name becomes part of URLs and of the
/// lines of signed notes.
fn check_hostname(name: &str) -> Result<(), StackError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
    if name.is_empty() || name.len() > 253 || !name.bytes().all(fits) {
        return Err(StackError::Hostname {
            name: name.to_owned(),
        });
    }
    Ok(())
}

/// Why a stack did not start. Nothing listens, and no file is half written.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// Another program listens on the address.
    #[error("the address {address} is taken by another program")]
    AddressInUse {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {address}: {kind}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        kind: std::io::ErrorKind,
    },
    /// Another process has the data folder.
    #[error("the data folder {} is in use by another process", folder.display())]
    FolderInUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A name that cannot stand in a URL.
    #[error("{name:?} is no host name")]
    Hostname {
        /// The name.
        name: String,
    },
    /// The folder belongs to a stack of another name; its log is signed under that.
    #[error("the data folder belongs to host {stored:?}, not {wanted:?}")]
    HostnameChanged {
        /// The name of the first start.
        stored: String,
        /// The name asked for now.
        wanted: String,
    },
    /// A file operation failed; a full disk is one of kind `StorageFull`.
    #[error(transparent)]
    File(#[from] FileError),
    /// The keys could not be made or opened.
    #[error(transparent)]
    Keys(#[from] ServiceKeysError),
    /// The stored certificates do not fit together.
    #[error("the certificates in the data folder do not fit together")]
    Certificates,
    /// A log is not whole.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The timestamp authority's clock record cannot be used.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The TUF repository cannot be used.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The registry cannot be used.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The program is ending while the stack starts.
    #[error("the start was interrupted")]
    Interrupted,
}

impl StackError {
    fn listen(address: SocketAddr, error: &std::io::Error) -> StackError {
        match error.kind() {
            std::io::ErrorKind::AddrInUse => StackError::AddressInUse { address },
            kind => StackError::Listen { address, kind },
        }
    }
}

impl From<FolderError> for StackError {
    fn from(error: FolderError) -> StackError {
        match error {
            FolderError::InUse { folder } => StackError::FolderInUse { folder },
            FolderError::File(error) => StackError::File(error),
        }
    }
}

const CERTIFICATE_LOG: &str = "certificate_transparency.redb";
const TRANSPARENCY_LOG: &str = "transparency_log.redb";
/// Longest time for one request to a Sigstore service; the largest entry needs seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the age of metadata that lives a year is looked at.
const RENEWAL_CHECK: Duration = Duration::from_secs(12 * 3600);
