//! Where trust roots are: in this program, and in files.

use std::io::Read as _;
use std::path::PathBuf;

use countersign_trust::{TrustRoot, TrustRootError};

/// A trust root to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustRootSource {
    /// That of the public instance, as it was when this program was built.
    PublicGood,
    /// A `trusted_root.json`.
    File(PathBuf),
}

/// Why there is no trust root.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustRootSourceError {
    /// The file cannot be read.
    #[error("cannot read the trust root {}: {kind}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        kind: std::io::ErrorKind,
    },
    /// What is in the file is no trust root.
    #[error("{}: {error}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: TrustRootError,
    },
}

impl TrustRootSource {
    /// Loads and checks it.
    pub fn load(&self) -> Result<TrustRoot, TrustRootSourceError> {
        let path = match self {
            Self::PublicGood => return Ok(TrustRoot::public_good()),
            Self::File(path) => path,
        };
        let failed = |error: std::io::Error| TrustRootSourceError::File {
            path: path.clone(),
            kind: error.kind(),
        };
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut json = Vec::new();
        file.take(MAX_READ).read_to_end(&mut json).map_err(failed)?;
        TrustRoot::parse(&json).map_err(|error| TrustRootSourceError::Content {
            path: path.clone(),
            error,
        })
    }
}

/// More than the parser takes, which says how much that is.
const MAX_READ: u64 = 8 << 20;
