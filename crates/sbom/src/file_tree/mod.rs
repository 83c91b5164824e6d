//! The files of an image: layers as they stream by, and the tree they add up to.
//!
//! [`read_layer`] inflates a layer once, hashes it on the way, and keeps the names of all its entries and
//! the content of those that somebody wants. It knows nothing of other layers, so layers may be read in
//! any order and at the same time. [`squash`] then applies them to each other, lowest first, with exactly
//! the rules by which a container runtime unpacks them (OCI image specification, layer.md), and gives a
//! [`FileTree`].

mod hard_links;
mod inflate;
mod keeper;
mod layer;
mod limits;
mod path;
mod single;
mod squash;
mod tar;
mod tree;

pub use inflate::Compression;
pub use layer::{DigestMismatch, Layer, LayerError, Wanted, read_layer, read_layer_again};
pub use limits::LayerLimits;
pub use path::PathFault;
pub use squash::{SquashError, squash};
pub use tar::HeaderFault;
pub use tree::{FileTree, TreeFile};

pub(crate) use single::single_file;

/// How many of the first bytes of a file are shown to those who may want it: enough for every magic number.
pub const HEAD: usize = 16;
