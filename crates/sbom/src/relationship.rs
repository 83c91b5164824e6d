//! How packages hang together.

use crate::package::PackageId;

/// One edge. Read it as a sentence: `from` *kind* `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relationship {
    /// The subject.
    pub from: PackageId,
    /// The verb.
    pub kind: RelationshipKind,
    /// The object.
    pub to: PackageId,
}

/// The verb of a [`Relationship`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelationshipKind {
    /// `from` needs `to` (SPDX: `to` DEPENDENCY_OF `from`; CycloneDX: `to` in `dependsOn` of `from`).
    DependsOn,
    /// `to` lies within `from`: linked into it, nested in it, or listed by an SBOM that it carries.
    Contains,
    /// `from` was put there by `to`: its files belong to that package of the operating system.
    OwnedBy,
}
