//! Why something cannot be described.

use std::io;
use std::path::PathBuf;

use countersign_artifact::{Digest, Platform};
use countersign_sbom::{FileError, LayerError, ScanError};

use crate::image_source::LayoutError;
use crate::registry::RegistryError;

/// Why an image or file has no description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescribeError {
    /// The registry did not give what was asked for.
    #[error(transparent)]
    Registry(Box<RegistryError>),
    /// The layout or archive cannot be read.
    #[error(transparent)]
    Layout(Box<LayoutError>),
    /// A layer is refused.
    #[error("layer {index} ({digest}): {error}")]
    Layer {
        /// Its position, 0 is the lowest.
        index: usize,
        /// The digest of its blob.
        digest: Digest,
        /// Why.
        error: Box<LayerError>,
    },
    /// The layers do not add up.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The manifest is that of another artifact: a chart, a signature, an attestation.
    #[error("{digest} is no container image but `{found}`")]
    NotAnImage {
        /// The manifest.
        digest: Digest,
        /// What it says it is.
        found: String,
    },
    /// The configuration cannot be read.
    #[error("the configuration {digest} is malformed at line {line}, column {column}")]
    Configuration {
        /// The configuration.
        digest: Digest,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// The configuration tells of another number of layers than the manifest.
    #[error("the manifest has {manifest} layers, the configuration {configuration}")]
    LayerCount {
        /// Layers of the manifest.
        manifest: usize,
        /// DiffIDs of the configuration.
        configuration: usize,
    },
    /// No image is for the platform.
    #[error("no image for {wanted}; there is {}", listed(available))]
    NoPlatform {
        /// The platform asked for, or this machine's.
        wanted: Platform,
        /// What there is instead.
        available: Vec<Platform>,
    },
    /// Indexes in indexes, deeper than anybody nests them.
    #[error("indexes are nested more than {limit} deep")]
    NestedIndexes {
        /// The cap.
        limit: usize,
    },
    /// A file cannot be opened.
    #[error("{}: {kind}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        kind: io::ErrorKind,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] FileError),
    /// The work was stopped before its end, as when the program ends.
    #[error("stopped before the end")]
    Stopped,
}

impl From<RegistryError> for DescribeError {
    fn from(error: RegistryError) -> Self {
        Self::Registry(Box::new(error))
    }
}

impl From<LayoutError> for DescribeError {
    fn from(error: LayoutError) -> Self {
        Self::Layout(Box::new(error))
    }
}

fn listed(platforms: &[Platform]) -> String {
    match platforms {
        [] => "none with a platform".to_owned(),
        some => some
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    }
}
