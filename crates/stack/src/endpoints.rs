//! Where the services are.

use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::data_folder::{FileError, SMALL_FILE, read_capped};

/// The addresses of a running stack, as in `endpoints.json` of its data folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// The OpenID Connect issuer: the `iss` of every token it signs, and the issuer in certificates.
    pub issuer: String,
    /// The certificate authority (Fulcio), base URL.
    pub fulcio: String,
    /// The certificate transparency log, base URL.
    pub ct: String,
    /// The transparency log (Rekor v1), base URL.
    pub rekor: String,
    /// The timestamp authority, full URL.
    pub tsa: String,
    /// The TUF repository of the trust root, base URL.
    pub tuf: String,
    /// The OCI registry, as `host:port`.
    pub registry: String,
}

impl Endpoints {
    /// The addresses of services on `host` at the port of `address`.
    pub(crate) fn new(host: &str, address: SocketAddr) -> Endpoints {
        // An IPv6 address needs brackets before a port.
        let host = match host.parse::<std::net::Ipv6Addr>() {
            Ok(v6) => format!("[{v6}]"),
            Err(_) => host.to_owned(),
        };
        let authority = format!("{host}:{}", address.port());
        let base = format!("http://{authority}");
        Endpoints {
            issuer: format!("{base}/oidc"),
            fulcio: base.clone(),
            ct: format!("{base}/ct"),
            rekor: base.clone(),
            tsa: format!("{base}/api/v1/timestamp"),
            tuf: format!("{base}/tuf"),
            registry: authority,
        }
    }

    /// Reads `endpoints.json` of a data folder: of the running stack, or of the last one.
    pub fn read(dir: &Path) -> Result<Endpoints, EndpointsError> {
        let path = dir.join(FILE);
        let bytes = read_capped(&path, SMALL_FILE)?.ok_or_else(|| EndpointsError::NoStack {
            folder: dir.to_path_buf(),
        })?;
        serde_json::from_slice(&bytes).map_err(|_| EndpointsError::Unreadable { path })
    }
}

/// Why the addresses of a stack are not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointsError {
    /// No stack was ever started with this folder.
    #[error("no stack was started with the data folder {}", folder.display())]
    NoStack {
        /// The folder.
        folder: std::path::PathBuf,
    },
    /// The file is there but is not ours.
    #[error("{} does not hold the addresses of a stack", path.display())]
    Unreadable {
        /// The file.
        path: std::path::PathBuf,
    },
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The name of the file in the data folder.
pub(crate) const FILE: &str = "endpoints.json";
