//! Every way in which the registry says no, as data. Only `http/` turns it into a status and a sentence.

use countersign_artifact::Digest;

use super::name::{NameError, RepositoryName};
use super::storage::StorageError;

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No such path.
    PathUnknown,
    /// The path does not have this method.
    MethodUnknown,
    /// The repository's name is not one.
    NameInvalid(NameError),
    /// The tag is not one.
    TagInvalid(String),
    /// The digest is not one, or of an algorithm that is not served.
    DigestInvalid(String),
    /// The content does not have the digest it was sent with.
    DigestMismatch(Box<Mismatch>),
    /// The repository has nothing in it.
    NameUnknown(RepositoryName),
    /// The repository does not have this blob.
    BlobUnknown(Box<Digest>),
    /// The repository does not have this manifest.
    ManifestUnknown(String),
    /// The manifest names content that is not in the repository.
    ManifestBlobUnknown(Vec<Digest>),
    /// The manifest cannot be taken.
    ManifestInvalid(ManifestFault),
    /// The manifest is larger than the limit.
    ManifestTooLarge { limit: usize },
    /// The blob is larger than the limit.
    BlobTooLarge { limit: u64 },
    /// There is no such upload, or it was finished, cancelled or timed out.
    UploadUnknown,
    /// Another request is writing to this upload.
    UploadBusy,
    /// The chunk does not begin where the last one ended.
    OutOfOrder { location: String, received: u64 },
    /// The `Content-Range` header is not one.
    ContentRangeInvalid,
    /// The chunk is not as long as its `Content-Range` says.
    ChunkLength { declared: u64, received: u64 },
    /// The upload ended early.
    BodyInterrupted,
    /// No byte of the requested range exists.
    RangeUnsatisfiable { size: u64 },
    /// A query parameter is not what it should be.
    ParameterInvalid(&'static str),
    /// This registry is configured without the referrers API.
    ReferrersUnsupported,
    /// The data folder cannot be read or written.
    Storage(StorageError),
}

/// Content, and the digest it was sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    pub(super) claimed: Digest,
    pub(super) found: Digest,
}

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ManifestFault {
    /// Not JSON of a manifest's shape; line and column of the first offence.
    Json { line: usize, column: usize },
    /// `schemaVersion` is not 2.
    SchemaVersion(u64),
    /// Neither the header nor the manifest says what it is.
    MediaTypeMissing,
    /// A media type that is not served here.
    MediaTypeUnknown(String),
    /// The header says one thing, the manifest another.
    MediaTypeDiffers { header: String, manifest: String },
    /// An image with `manifests`, or an index with `config` or `layers`: two readers would see two
    /// different things (CVE-2021-41190).
    Ambiguous,
    /// An image without `config`.
    ConfigMissing,
    /// A descriptor whose digest is not one.
    Digest(String),
    /// A descriptor whose size is not that of the content it names.
    Size {
        digest: Digest,
        declared: u64,
        actual: u64,
    },
    /// A descriptor whose inline data does not have its digest.
    Data(Digest),
}

impl Refusal {
    /// The content does not have the digest it was sent with.
    pub(super) fn mismatch(claimed: Digest, found: Digest) -> Self {
        Self::DigestMismatch(Box::new(Mismatch { claimed, found }))
    }
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<ManifestFault> for Refusal {
    fn from(fault: ManifestFault) -> Self {
        Self::ManifestInvalid(fault)
    }
}
