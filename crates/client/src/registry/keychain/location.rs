//! Where the machine keeps its credentials, in the order of go-containerregistry's default keychain.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::{DockerConfig, KeychainError};

/// The variables that say where credentials are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `DOCKER_CONFIG`, a folder.
    pub docker_config: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `REGISTRY_AUTH_FILE`, podman's.
    pub registry_auth_file: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`, where podman keeps its file.
    pub runtime_dir: Option<PathBuf>,
}

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let path = |name: &str| {
            std::env::var_os(name)
                .filter(|value: &OsString| !value.is_empty())
                .map(PathBuf::from)
        };
        Self {
            docker_config: path("DOCKER_CONFIG"),
            home: path("HOME"),
            registry_auth_file: path("REGISTRY_AUTH_FILE"),
            runtime_dir: path("XDG_RUNTIME_DIR"),
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let docker = match &self.docker_config {
            Some(folder) => Some(folder.join("config.json")),
            None => self
                .home
                .as_ref()
                .map(|home| home.join(".docker/config.json")),
        };
        let podman = self
            .runtime_dir
            .as_ref()
            .map(|folder| folder.join("containers/auth.json"));
        [docker, self.registry_auth_file.clone(), podman]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// Reads the first file that is there.
pub(super) fn read_config(
    environment: &Environment,
) -> Result<Option<DockerConfig>, KeychainError> {
    for path in environment.files() {
        match read(&path) {
            Ok(Some(json)) => return DockerConfig::parse(&json).map(Some),
            Ok(None) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, KeychainError> {
    match std::fs::read(path) {
        Ok(json) => Ok(Some(json)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(KeychainError::File {
            path: path.to_owned(),
            kind: error.kind(),
        }),
    }
}
