//! What was scanned, what was found, and who says so: everything an SBOM is written from.

use std::collections::BTreeMap;

use countersign_artifact::{Digest, Platform};
use jiff::Timestamp;

use crate::cataloger::golang::BuildInfoError;
use crate::cataloger::rust::CrateListError;
use crate::distro::Distro;
use crate::package::{LayerMark, Package, PackageId};
use crate::relationship::Relationship;

/// An SBOM before it is written in any format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is about.
    pub source: Source,
    /// What is in it.
    pub inventory: Inventory,
    /// The program that made it.
    pub tool: Tool,
    /// When it was made. For reproducible output the caller gives `SOURCE_DATE_EPOCH` or the time the
    /// image was created.
    pub created: Timestamp,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Who makes it.
    pub vendor: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What was scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there is one in a document")]
pub enum Source {
    /// A container image.
    Image(ImageSource),
    /// One file.
    File(FileSource),
}

/// A container image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSource {
    /// How it was asked for (`registry.example/shop/cart:1.2`, a path).
    pub name: String,
    /// The repository with its registry, where the image has one.
    pub repository: Option<String>,
    /// Tags by which it is known.
    pub tags: Vec<String>,
    /// The digest of the image's manifest.
    pub digest: Digest,
    /// The digest of the index that listed the manifest, where one did.
    pub index_digest: Option<Digest>,
    /// The digest of its configuration.
    pub config_digest: Digest,
    /// The media type of the manifest.
    pub media_type: String,
    /// What it runs on.
    pub platform: Option<Platform>,
    /// When its configuration says that it was built.
    pub created: Option<Timestamp>,
    /// The labels of its configuration.
    pub labels: BTreeMap<String, String>,
    /// The lowest first.
    pub layers: Vec<ImageLayer>,
}

/// A layer as the manifest and the configuration describe it; both digests were checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageLayer {
    /// The digest of the blob.
    pub digest: Digest,
    /// The digest of the uncompressed tar.
    pub diff_id: Digest,
    /// The size of the blob.
    pub size: u64,
    /// The media type of the blob.
    pub media_type: String,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSource {
    /// Its path as it was given.
    pub path: String,
    /// Its SHA-256.
    pub sha256: Digest,
    /// Its SHA-512.
    pub sha512: Digest,
    /// Its size.
    pub size: u64,
}

/// What a scan found. Everything in it is sorted; two scans of the same content are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The operating system, where the source has one.
    pub distro: Option<Distro>,
    /// Sorted by kind, name, version, purl.
    pub packages: Vec<Package>,
    /// Sorted, without repeats; both ends are in `packages`.
    pub relationships: Vec<Relationship>,
    /// What could not be read. Sorted.
    pub warnings: Vec<Warning>,
    /// Whether anything was left out.
    pub completeness: Completeness,
}

/// Whether an inventory holds everything that the catalogers can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Every file that a cataloger asked for was read and understood.
    Complete,
    /// Something was not; the warnings name it.
    Incomplete,
}

/// Something that could not be read, and so may be missing from the inventory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The file.
    pub path: String,
    /// The layer it is from.
    pub layer: Option<LayerMark>,
    /// Who wanted to read it.
    pub cataloger: &'static str,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What can be wrong with a file that a cataloger reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Fault {
    /// It is larger than a file of its kind may be.
    #[error("{size} bytes, more than the {limit} that are read")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The cap.
        limit: u64,
    },
    /// The content that all catalogers asked for is more than may be kept.
    #[error("not read: the {limit} bytes kept for a layer are used up")]
    BudgetUsedUp {
        /// The cap.
        limit: u64,
    },
    /// A hard link to content that nobody asked for when it went by.
    #[error("a hard link to {target}, whose content was not read")]
    LinkedContentNotRead {
        /// Where the content is.
        target: String,
    },
    /// A hard link to a file that does not exist.
    #[error("a hard link to {target}, which does not exist")]
    DanglingLink {
        /// Where the content should be.
        target: String,
    },
    /// Its folders are links that go round in circles; no file is there.
    #[error("in a folder whose links go round in circles")]
    LinkLoop,
    /// A sparse file: its content is not what the archive holds.
    #[error("a sparse file, which is not read")]
    SparseFile,
    /// No JSON, or not of the expected form.
    #[error("malformed JSON at line {line}, column {column}")]
    Json {
        /// Counted from 1; 0 if unknown.
        line: usize,
        /// Counted from 1; 0 if unknown.
        column: usize,
    },
    /// A record that breaks the format.
    #[error("malformed record at line {line}")]
    Record {
        /// Counted from 1.
        line: usize,
    },
    /// A record without a field that it must have.
    #[error("no field `{field}` in the record at line {line}")]
    FieldMissing {
        /// The field.
        field: &'static str,
        /// Where the record begins, counted from 1; 0 if the file is the record.
        line: usize,
    },
    /// More records than a file of its kind may have.
    #[error("more than {limit} records")]
    TooManyRecords {
        /// The cap.
        limit: usize,
    },
    /// A file of a known form with content that is not.
    #[error("not a well-formed {format}")]
    Malformed {
        /// What it should be.
        format: &'static str,
    },
    /// A version of a format that is not known here.
    #[error("an unsupported version of {format}")]
    Unsupported {
        /// The format.
        format: &'static str,
    },
    /// A binary's list of crates.
    #[error(transparent)]
    CrateList(CrateListError),
    /// A Go program's build information.
    #[error(transparent)]
    GoBuildInfo(BuildInfoError),
}

impl Inventory {
    /// The packages by their identifiers. Computing those costs a hash each: ask once.
    #[must_use]
    pub fn by_id(&self) -> BTreeMap<PackageId, &Package> {
        self.packages
            .iter()
            .map(|package| (package.id(), package))
            .collect()
    }
}

impl Source {
    /// How it was asked for.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Image(image) => &image.name,
            Self::File(file) => &file.path,
        }
    }
}
