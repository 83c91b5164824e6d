//! What is wrong with a layout.

use std::io;
use std::path::{Path, PathBuf};

use countersign_artifact::{Digest, ManifestError};

/// Why an OCI layout cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// Nothing is there.
    #[error("there is no file or folder {}", path.display())]
    Absent {
        /// Where.
        path: PathBuf,
    },
    /// A folder or archive without `index.json`.
    #[error("{} has no index.json: it is no OCI layout", path.display())]
    NoIndex {
        /// Where.
        path: PathBuf,
    },
    /// An archive in docker's form of before version 25, which has no digests.
    #[error("{} is a docker archive without index.json (docker 24 or older)", path.display())]
    OldDockerArchive {
        /// Where.
        path: PathBuf,
    },
    /// The archive is compressed; blobs in it could not be reached without unpacking it.
    #[error("{} is compressed; an archive is an uncompressed tar", path.display())]
    CompressedArchive {
        /// Where.
        path: PathBuf,
    },
    /// Neither a folder nor a tar archive.
    #[error("{} is no tar archive", path.display())]
    NotAnArchive {
        /// Where.
        path: PathBuf,
    },
    /// More entries than any layout has.
    #[error("{} has more than {limit} entries", path.display())]
    TooManyEntries {
        /// Where.
        path: PathBuf,
        /// The cap.
        limit: usize,
    },
    /// The index or a manifest cannot be read.
    #[error("{name} in {}: {error}", path.display())]
    Manifest {
        /// Where.
        path: PathBuf,
        /// `index.json` or a digest.
        name: String,
        /// What is wrong with it.
        error: ManifestError,
    },
    /// A blob that something points at is not there.
    #[error("{} lacks the blob {digest}", path.display())]
    BlobAbsent {
        /// Where.
        path: PathBuf,
        /// The blob.
        digest: Digest,
    },
    /// A blob has another size than what points at it says.
    #[error("the blob {digest} in {} has {found} bytes, not {expected}", path.display())]
    BlobSize {
        /// Where.
        path: PathBuf,
        /// The blob.
        digest: Digest,
        /// What was promised.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// A blob is larger than the caller wants.
    #[error("the blob {digest} in {} has more than {limit} bytes", path.display())]
    BlobTooLarge {
        /// Where.
        path: PathBuf,
        /// The blob.
        digest: Digest,
        /// The cap.
        limit: u64,
    },
    /// A blob is not what its name says.
    #[error("the blob {expected} in {} has the digest {found}", path.display())]
    DigestMismatch {
        /// Where.
        path: PathBuf,
        /// Its name.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// No image is in the layout.
    #[error("{} holds no image{}", path.display(), tag.as_ref().map(|tag| format!(" with the tag {tag}")).unwrap_or_default())]
    NoImage {
        /// Where.
        path: PathBuf,
        /// The tag that was asked for.
        tag: Option<String>,
    },
    /// Several images are in the layout and nothing says which one is meant.
    #[error("{} holds {count} images; name one by its tag", path.display())]
    SeveralImages {
        /// Where.
        path: PathBuf,
        /// How many.
        count: usize,
    },
    /// The folder that is to be written has something in it.
    #[error("{} is not empty", path.display())]
    NotEmpty {
        /// Where.
        path: PathBuf,
    },
    /// The operating system refused; `StorageFull` among others.
    #[error("{}: {kind}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What it said.
        kind: io::ErrorKind,
    },
}

impl LayoutError {
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            kind: error.kind(),
        }
    }
}
