//! Where keys are: files and variables.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use countersign_trust::{PrivateKey, PrivateKeyError, PublicKey, PublicKeyError};

use crate::Secret;

/// A reference to a key, as `--key` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A file.
    File(PathBuf),
    /// A variable of the environment, `env://NAME`.
    Variable(String),
}

/// Why there is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySourceError {
    /// A kind of reference that is known and not there yet.
    #[error("keys in {scheme}:// are not supported yet")]
    NotSupportedYet {
        /// The scheme, `awskms`.
        scheme: String,
    },
    /// The file cannot be read.
    #[error("cannot read the key {}: {kind}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        kind: std::io::ErrorKind,
    },
    /// The variable is not set, or not text.
    #[error("the variable {name} is not set")]
    Variable {
        /// Its name.
        name: String,
    },
    /// It is larger than any key.
    #[error("{origin} is larger than any key ({limit} bytes)")]
    TooLarge {
        /// Where it was to be.
        origin: KeySource,
        /// The cap.
        limit: u64,
    },
    /// What is there is no public key.
    #[error("{origin}: {error}")]
    Public {
        /// Where it was to be.
        origin: KeySource,
        /// What is wrong.
        error: PublicKeyError,
    },
    /// What is there is no private key, or the password is wrong.
    #[error("{origin}: {error}")]
    Private {
        /// Where it was to be.
        origin: KeySource,
        /// What is wrong.
        error: PrivateKeyError,
    },
}

impl KeySource {
    /// Reads a reference: a path, or `env://NAME`.
    pub fn parse(text: &str) -> Result<Self, KeySourceError> {
        match text.split_once("://") {
            Some(("env", name)) => Ok(Self::Variable(name.to_owned())),
            Some((scheme, _)) if is_scheme(scheme) => Err(KeySourceError::NotSupportedYet {
                scheme: scheme.chars().take(64).collect(),
            }),
            _ if text.starts_with("pkcs11:") => Err(KeySourceError::NotSupportedYet {
                scheme: "pkcs11".to_owned(),
            }),
            _ => Ok(Self::File(PathBuf::from(text))),
        }
    }

    /// Reads a public key.
    pub fn public_key(&self) -> Result<PublicKey, KeySourceError> {
        PublicKey::parse_pem(self.text()?.expose()).map_err(|error| KeySourceError::Public {
            origin: self.clone(),
            error,
        })
    }

    /// Reads a private key, sealed as cosign's are; opening it takes a quarter of a second on purpose.
    pub fn private_key(&self, password: &Secret) -> Result<PrivateKey, KeySourceError> {
        let text = self.text()?;
        PrivateKey::from_encrypted_pem(text.expose(), password.expose().as_bytes()).map_err(
            |error| KeySourceError::Private {
                origin: self.clone(),
                error,
            },
        )
    }

    /// Reads what is there, with a cap.
    pub fn text(&self) -> Result<Secret, KeySourceError> {
        let text = match self {
            Self::File(path) => read(path)?,
            Self::Variable(name) => {
                let value = std::env::var(name).ok().filter(|value| !value.is_empty());
                let absent = || KeySourceError::Variable { name: name.clone() };
                Secret::new(value.ok_or_else(absent)?)
            }
        };
        if text.expose().len() as u64 > MAX_KEY {
            return Err(KeySourceError::TooLarge {
                origin: self.clone(),
                limit: MAX_KEY,
            });
        }
        Ok(text)
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => write!(f, "env://{name}"),
        }
    }
}

fn read(path: &Path) -> Result<Secret, KeySourceError> {
    let failed = |error: std::io::Error| KeySourceError::File {
        path: path.to_owned(),
        kind: error.kind(),
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    // One byte more than allowed, so that it is seen.
    file.take(MAX_KEY + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    Ok(Secret::new(text))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || "+-.".contains(one))
}

/// An RSA key of 4096 bits, sealed and in PEM, has 6 KB.
const MAX_KEY: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let file = |text: &str| Ok(KeySource::File(PathBuf::from(text)));
        for path in ["cosign.key", "./a:b", "/x/y", "C:\\keys\\a", "://x"] {
            assert_eq!(KeySource::parse(path), file(path));
        }
        let variable = KeySource::Variable("KEY".to_owned());
        assert_eq!(KeySource::parse("env://KEY"), Ok(variable));
        for scheme in [
            "k8s",
            "awskms",
            "gcpkms",
            "azurekms",
            "hashivault",
            "gitlab",
            "https",
        ] {
            assert_eq!(
                KeySource::parse(&format!("{scheme}://a/b")),
                Err(KeySourceError::NotSupportedYet {
                    scheme: scheme.to_owned()
                })
            );
        }
        assert!(KeySource::parse("pkcs11:token=x").is_err());
    }
}
