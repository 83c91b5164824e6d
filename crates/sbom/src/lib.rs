//! Packages of an image: file tree, catalogers, SPDX and CycloneDX.
//!
//! The way through: an edge feeds the layers of an image, as streams, to a [`Scan`]; each layer is
//! inflated once, hashed on the way, and of its content only what a [`Cataloger`] asked for is kept. The
//! layers are then squashed into one [`FileTree`], every cataloger looks at it, and what they found is an
//! [`Inventory`]. Together with the [`Source`] it is a [`Document`], which `format` writes down.
//!
//! Nothing here opens a file, asks a clock or draws a random number: the same image gives the same bytes.

pub mod cataloger;
pub mod checksum;
pub mod distro;
pub mod document;
pub mod file_tree;
pub mod format;
pub mod license;
pub mod package;
pub mod package_url;
pub mod party;
pub mod relationship;
pub mod scan;

pub use cataloger::{Cataloger, Findings, Scene, Want};
pub use checksum::{Checksum, ChecksumAlgorithm};
pub use distro::Distro;
pub use document::{
    Completeness, Document, Fault, FileSource, ImageLayer, ImageSource, Inventory, Source, Tool,
    Warning,
};
pub use file_tree::{FileTree, Layer, LayerError, LayerLimits, TreeFile};
pub use license::{License, LicenseBasis, LicenseTerm};
pub use package::{
    Identification, LayerMark, Location, OwnedFile, Package, PackageId, PackageKind, Presence,
    SourcePackage, Technique,
};
pub use package_url::PackageUrl;
pub use party::{Party, PartyKind};
pub use relationship::{Relationship, RelationshipKind};
pub use scan::{ExpectedLayer, FileError, Scan, ScanError};
