//! Catalogers: what finds packages in a file tree.
//!
//! A cataloger is asked twice. While a layer streams by, [`Cataloger::wants`] sees the path and first
//! bytes of every file and says whether the content is needed; large files such as executables are
//! reduced at once by [`Cataloger::extract`] and not kept. When all layers are squashed,
//! [`Cataloger::catalog`] sees the tree with what was kept and states its [`Findings`].
//!
//! To add one: a folder here, a line in [`all`], a fixture, a line in the docs.

pub mod dpkg;
pub(crate) mod embedded_sbom;
pub(crate) mod executable;
mod findings;
pub mod golang;
pub(crate) mod header_fields;
pub mod javascript;
pub mod python;
pub mod rust;

use crate::distro::Distro;
use crate::file_tree::FileTree;

pub use executable::{ExecutableError, ExecutableFormat};
pub use findings::Findings;

/// Finds the packages of one ecosystem.
pub trait Cataloger: Send + Sync {
    /// Its name, such as `dpkg`. Part of the output: never change it.
    fn name(&self) -> &'static str;

    /// Whether the file at `path` (absolute, as the layer names it) is of interest. `head` is how it
    /// begins: at most [`HEAD`](crate::file_tree::HEAD) bytes, fewer if it is shorter.
    fn wants(&self, path: &str, head: &[u8]) -> Want;

    /// Reduces a file that was wanted with [`Want::Extract`] to what [`catalog`](Self::catalog) needs of
    /// it. `None` means that the file is of no interest after all.
    fn extract(&self, path: &str, content: &[u8]) -> Option<Vec<u8>> {
        let _ = (path, content);
        None
    }

    /// Finds the packages.
    fn catalog(&self, scene: &Scene<'_>, findings: &mut Findings);
}

/// What a cataloger needs of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// Nothing.
    Nothing,
    /// The content, up to so many bytes; a larger file is a warning.
    Content {
        /// The cap.
        limit: u64,
    },
    /// One look at the content, to extract something small.
    Extract,
}

/// What a cataloger may look at.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The squashed tree.
    pub tree: &'a FileTree,
    /// The operating system, if the tree has one.
    pub distro: Option<&'a Distro>,
}

/// Every cataloger, in the order of their names.
#[must_use]
pub fn all() -> Vec<Box<dyn Cataloger>> {
    vec![
        Box::new(dpkg::Dpkg),
        Box::new(golang::Golang),
        Box::new(javascript::JavaScript),
        Box::new(python::Python),
        Box::new(rust::Rust),
    ]
}
