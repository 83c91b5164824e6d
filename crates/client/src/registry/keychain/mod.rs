//! Who we are to a registry.

mod config;
mod helper;
mod location;

use std::sync::Arc;

use countersign_artifact::image_reference::DOCKER_HUB;

use crate::Secret;
pub use config::DockerConfig;
pub use location::Environment;

/// What a registry gets to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Nothing.
    Anonymous,
    /// A name and a password.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A token that the registry's token server changes for another.
    IdentityToken(Secret),
    /// A token that goes to the registry as it is.
    RegistryToken(Secret),
}

/// Where credentials are found.
#[derive(Clone, Debug, Default)]
pub enum Keychain {
    /// There are none.
    #[default]
    Anonymous,
    /// The same for every registry: the user gave it for this command.
    Explicit(Credential),
    /// In a docker or podman configuration.
    Config(Arc<DockerConfig>),
    /// The first of these that has any: pull secrets, then the machine's own.
    FirstOf(Arc<[Keychain]>),
}

/// Why credentials that are configured cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeychainError {
    /// The file cannot be read.
    #[error("cannot read the credentials in {}: {kind}", path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// What the operating system said.
        kind: std::io::ErrorKind,
    },
    /// The file is too large to be a configuration.
    #[error("the credentials have more than {limit} bytes")]
    TooLarge {
        /// The cap.
        limit: usize,
    },
    /// Not the JSON of a docker configuration.
    #[error("the credentials are not a docker configuration (line {line}, column {column})")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// An `auth` that is not base64 of `name:password`.
    #[error("the `auth` of `{entry}` is not base64 of `name:password`")]
    Auth {
        /// The key of the entry.
        entry: String,
    },
    /// A name of a helper that would be a path.
    #[error("`{name}` is no name of a credential helper")]
    HelperName {
        /// The name.
        name: String,
    },
    /// The helper cannot be run.
    #[error("the credential helper `{program}` cannot be run: {kind}")]
    HelperAbsent {
        /// The program.
        program: String,
        /// What the operating system said.
        kind: std::io::ErrorKind,
    },
    /// The helper says it failed.
    #[error("the credential helper `{program}` failed")]
    HelperFailed {
        /// The program.
        program: String,
    },
    /// The helper did not end.
    #[error("the credential helper `{program}` gave no answer in {seconds} seconds")]
    HelperTimedOut {
        /// The program.
        program: String,
        /// How long it had.
        seconds: u64,
    },
}

impl Keychain {
    /// The machine's own: docker's configuration, else podman's, else none.
    pub fn from_environment() -> Result<Self, KeychainError> {
        Self::of_environment(&Environment::of_process())
    }

    /// As [`Keychain::from_environment`], with the variables as an argument.
    pub fn of_environment(environment: &Environment) -> Result<Self, KeychainError> {
        match location::read_config(environment)? {
            Some(config) => Ok(Self::Config(Arc::new(config))),
            None => Ok(Self::Anonymous),
        }
    }

    /// A configuration in memory, as in a Kubernetes pull secret.
    pub fn from_docker_config(json: &[u8]) -> Result<Self, KeychainError> {
        Ok(Self::Config(Arc::new(DockerConfig::parse(json)?)))
    }

    /// Finds the credential for a repository.
    pub async fn credential(
        &self,
        registry: &str,
        repository: &str,
    ) -> Result<Credential, KeychainError> {
        match self {
            Self::Anonymous => Ok(Credential::Anonymous),
            Self::Explicit(credential) => Ok(credential.clone()),
            Self::Config(config) => config.credential(&keys(registry, repository)).await,
            Self::FirstOf(all) => {
                for one in all.iter() {
                    let found = Box::pin(one.credential(registry, repository)).await?;
                    if found != Credential::Anonymous {
                        return Ok(found);
                    }
                }
                Ok(Credential::Anonymous)
            }
        }
    }
}

/// The keys under which a repository's credential may be, best first: the repository, the folders
/// above it (podman), the registry; and Docker Hub's many names.
fn keys(registry: &str, repository: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let hosts: &[&str] = match registry {
        DOCKER_HUB => &[DOCKER_HUB, "docker.io", "registry-1.docker.io"],
        other => &[other],
    };
    for host in hosts {
        let mut path = repository;
        loop {
            keys.push(format!("{host}/{path}"));
            match path.rsplit_once('/') {
                Some((above, _)) => path = above,
                None => break,
            }
        }
    }
    keys.extend(hosts.iter().map(|host| (*host).to_owned()));
    keys
}
