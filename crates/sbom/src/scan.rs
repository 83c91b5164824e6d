//! From streams to an inventory.

use std::collections::BTreeMap;
use std::io::Read;

use crate::cataloger::{Cataloger, Findings, Scene, Want};
use crate::distro::Distro;
use crate::document::{Completeness, FileSource, Inventory};
use crate::file_tree::{
    FileTree, Layer, LayerError, LayerLimits, SquashError, Wanted, read_layer, read_layer_again,
    single_file, squash,
};
use crate::package::{PackageId, PackageKind};
use crate::relationship::RelationshipKind;

/// What a layer must be; see [`read_layer`].
pub type ExpectedLayer = Wanted;

/// Why a scan gives no inventory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The layers do not add up.
    #[error(transparent)]
    Squash(#[from] SquashError),
}

/// Catalogers and limits, ready to read layers.
pub struct Scan {
    catalogers: Vec<Box<dyn Cataloger>>,
    limits: LayerLimits,
}

impl Scan {
    /// Prepares a scan.
    #[must_use]
    pub fn new(catalogers: Vec<Box<dyn Cataloger>>, limits: LayerLimits) -> Self {
        let mut catalogers = catalogers;
        catalogers.push(Box::new(ReleaseReader));
        Self { catalogers, limits }
    }

    /// Reads one layer to its end and checks it. Layers may be read in any order and on several threads.
    pub fn read_layer(
        &self,
        expected: &ExpectedLayer,
        stream: impl Read,
    ) -> Result<Layer, LayerError> {
        read_layer(expected, stream, &self.catalogers, &self.limits)
    }

    /// Reads a layer once more from its beginning, where [`Layer::wants_second_reading`].
    pub fn read_layer_again(
        &self,
        first: &Layer,
        expected: &ExpectedLayer,
        stream: impl Read,
    ) -> Result<Layer, LayerError> {
        read_layer_again(first, expected, stream, &self.catalogers, &self.limits)
    }

    /// Squashes the layers and catalogs what is left.
    pub fn finish(&self, layers: Vec<Layer>) -> Result<Inventory, ScanError> {
        let (tree, warnings) = squash(layers, &self.catalogers)?;
        let mut findings = Findings::default();
        for warning in warnings {
            findings.warn(warning);
        }
        Ok(self.catalog(&tree, findings))
    }

    /// Catalogs a single file; `path` is how it was given.
    pub fn file(
        &self,
        path: &str,
        stream: impl Read,
    ) -> Result<(FileSource, Inventory), FileError> {
        // Only the name decides what the file is; where it lies on this machine is nobody's business.
        let name = path.rsplit('/').next().unwrap_or(path);
        let read = single_file(name, stream, &self.catalogers, &self.limits)?;
        let source = FileSource {
            path: path.to_owned(),
            sha256: read.sha256,
            sha512: read.sha512,
            size: read.size,
        };
        let (mut tree, _) = squash(vec![read.layer], &self.catalogers).map_err(ScanError::from)?;
        tree.hide_layers();
        Ok((source, self.catalog(&tree, Findings::default())))
    }

    fn catalog(&self, tree: &FileTree, mut findings: Findings) -> Inventory {
        let distro = read_distro(tree);
        let scene = Scene {
            tree,
            distro: distro.as_ref(),
        };
        for (file, cataloger, fault) in tree.faults() {
            findings.warning(cataloger, &file, fault);
        }
        for cataloger in &self.catalogers {
            cataloger.catalog(&scene, &mut findings);
        }
        mark_owned(tree, &mut findings);
        let (packages, relationships, warnings) = findings.settle();
        let completeness = match warnings.is_empty() {
            true => Completeness::Complete,
            false => Completeness::Incomplete,
        };
        Inventory {
            distro,
            packages,
            relationships,
            warnings,
            completeness,
        }
    }
}

/// Why a file gives no inventory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] LayerError),
    /// See [`ScanError`].
    #[error(transparent)]
    Scan(#[from] ScanError),
}

/// Keeps the files that name the operating system. It finds no packages: every cataloger needs them.
struct ReleaseReader;

impl Cataloger for ReleaseReader {
    fn name(&self) -> &'static str {
        "os-release"
    }

    fn wants(&self, path: &str, _head: &[u8]) -> Want {
        match RELEASE_FILES.contains(&path) {
            true => Want::Content { limit: MAX_RELEASE },
            false => Want::Nothing,
        }
    }

    fn catalog(&self, _scene: &Scene<'_>, _findings: &mut Findings) {}
}

fn read_distro(tree: &FileTree) -> Option<Distro> {
    let file = RELEASE_FILES
        .iter()
        .find_map(|path| tree.file(path)?.content());
    file.map(|content| Distro::parse(&String::from_utf8_lossy(content)))
}

/// Links packages to the packages of the operating system that own the files they were found by.
///
/// Debian's `python3-requests` is a dpkg package and a Python distribution; both are true, and this is how
/// a reader learns that it is one thing.
fn mark_owned(tree: &FileTree, findings: &mut Findings) {
    let mut owners: BTreeMap<String, PackageId> = BTreeMap::new();
    for (id, package) in findings.packages() {
        if !package.kind.is_of_system() {
            continue;
        }
        for file in package.files.iter().filter(|file| file.present) {
            // Packages say /lib/x where the tree, its folders merged, has /usr/lib/x.
            if let Some(real) = tree.real_path(&file.path) {
                owners.entry(real).or_insert(id);
            }
        }
    }
    let mut edges = Vec::new();
    for (id, package) in findings.packages() {
        if package.kind.is_of_system() || package.kind == PackageKind::Generic {
            continue;
        }
        for location in &package.locations {
            edges.extend(owners.get(&location.path).map(|owner| (id, *owner)));
        }
    }
    for (id, owner) in edges {
        findings.relationship(id, RelationshipKind::OwnedBy, owner);
    }
}

/// In the order of os-release(5), then where Debian-like trees really keep it.
const RELEASE_FILES: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

/// Real ones have half a kilobyte.
const MAX_RELEASE: u64 = 64 << 10;
