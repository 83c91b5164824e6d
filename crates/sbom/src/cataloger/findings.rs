//! What catalogers say, gathered and put in order.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{Fault, Warning};
use crate::file_tree::TreeFile;
use crate::package::{Package, PackageId};
use crate::relationship::{Relationship, RelationshipKind};

/// Takes the findings of catalogers. The order in which they are stated does not matter.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    packages: BTreeMap<PackageId, Package>,
    relationships: BTreeSet<Relationship>,
    warnings: BTreeSet<Warning>,
}

impl Findings {
    /// States a package; the same package stated twice becomes one with both locations.
    pub fn package(&mut self, package: Package) -> PackageId {
        let id = package.id();
        match self.packages.get_mut(&id) {
            Some(known) => known.merge(package),
            None => {
                self.packages.insert(id, package);
            }
        }
        id
    }

    /// States that `from` *kind* `to`. A package has no relation to itself.
    pub fn relationship(&mut self, from: PackageId, kind: RelationshipKind, to: PackageId) {
        if from != to {
            self.relationships.insert(Relationship { from, kind, to });
        }
    }

    /// States that a file could not be read, or not in full.
    pub fn warning(&mut self, cataloger: &'static str, file: &TreeFile<'_>, fault: Fault) {
        self.warn(Warning {
            path: file.path().to_owned(),
            layer: file.layer(),
            cataloger,
            fault,
        });
    }

    pub(crate) fn warn(&mut self, warning: Warning) {
        self.warnings.insert(warning);
    }

    pub(crate) fn packages(&self) -> impl Iterator<Item = (PackageId, &Package)> {
        self.packages.iter().map(|(id, package)| (*id, package))
    }

    /// Everything in its order: packages by kind, name, version and purl.
    pub(crate) fn settle(self) -> (Vec<Package>, Vec<Relationship>, Vec<Warning>) {
        let known: BTreeSet<PackageId> = self.packages.keys().copied().collect();
        let mut packages: Vec<Package> = self.packages.into_values().collect();
        for package in &mut packages {
            package.settle();
        }
        packages.sort_by(|one, other| {
            let key = |package: &Package| {
                (
                    package.kind,
                    package.name.clone(),
                    package.version.clone(),
                    package.purl.clone(),
                )
            };
            key(one).cmp(&key(other))
        });
        let mut relationships: Vec<Relationship> = self.relationships.into_iter().collect();
        relationships.retain(|edge| known.contains(&edge.from) && known.contains(&edge.to));
        (packages, relationships, self.warnings.into_iter().collect())
    }
}
