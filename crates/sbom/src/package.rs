//! A package: what it is, where it was found, what it says about itself.

use std::collections::BTreeMap;
use std::fmt;

use countersign_artifact::Digest;
use sha2::{Digest as _, Sha256};

use crate::checksum::Checksum;
use crate::license::License;
use crate::package_url::PackageUrl;
use crate::party::Party;

/// One component of an image or file. The same component at several places is one package with several
/// [`Location`]s; two architectures of it are two packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Whose rules name and version follow.
    pub kind: PackageKind,
    /// The name as the package itself writes it.
    pub name: String,
    /// The version as the package writes it; `None` where it has none.
    pub version: Option<String>,
    /// How the rest of the world names it. `None` where the ecosystem has no such name for it.
    pub purl: Option<PackageUrl>,
    /// Whether it is there, or only said to be.
    pub presence: Presence,
    /// Licences, declared or concluded; sorted, without repeats.
    pub licenses: Vec<License>,
    /// Who supplies it: maintainer, author, vendor.
    pub supplier: Option<Party>,
    /// Where it was found: the files that prove it, sorted, without repeats.
    pub locations: Vec<Location>,
    /// How it was recognised and how sure that is.
    pub identification: Identification,
    /// The name of the cataloger that found it.
    pub found_by: &'static str,
    /// The architecture as the ecosystem writes it (`amd64`, `all`).
    pub architecture: Option<String>,
    /// What it was built from, where that has another name or version.
    pub source_package: Option<SourcePackage>,
    /// Hashes of the package as it is distributed, or of the file that is the package.
    pub checksums: Vec<Checksum>,
    /// The project's page.
    pub homepage: Option<String>,
    /// Where exactly this version was or can be fetched.
    pub download_location: Option<String>,
    /// One line about it.
    pub description: Option<String>,
    /// The copyright text.
    pub copyright: Option<String>,
    /// The files it says it installed; sorted by path.
    pub files: Vec<OwnedFile>,
    /// What else is worth passing on, by a name such as `go:build:CGO_ENABLED`.
    pub properties: BTreeMap<String, String>,
}

/// The kind of a package: the type of its purl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PackageKind {
    /// Arch Linux.
    Alpm,
    /// Alpine and its kin.
    Apk,
    /// Rust crates.
    Cargo,
    /// PHP's Composer.
    Composer,
    /// Conda.
    Conda,
    /// Debian and its kin.
    Deb,
    /// Ruby gems.
    Gem,
    /// What has no ecosystem.
    Generic,
    /// Go modules.
    Golang,
    /// Java.
    Maven,
    /// JavaScript.
    Npm,
    /// .NET.
    Nuget,
    /// Python.
    Pypi,
    /// Red Hat, SUSE and their kin.
    Rpm,
}

/// Whether a package is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// Its own files or the package manager's database show it.
    Installed,
    /// Something installed contains it: linked into a binary, shaded, listed by an embedded SBOM.
    Embedded,
    /// Only a manifest or lock file names it.
    Declared,
}

/// A place in the source. Ordered by path, so that lists of them are stable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The absolute path, links resolved. `a.war:WEB-INF/lib/b.jar` for what lies inside a file.
    pub path: String,
    /// The layer the file is from; `None` outside images.
    pub layer: Option<LayerMark>,
}

/// Names a layer of the scanned image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerMark {
    /// Its position, 0 is the lowest.
    pub index: usize,
    /// The digest of the uncompressed tar: what other scanners call the layer's id.
    pub diff_id: Digest,
}

/// How a package was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identification {
    /// The way.
    pub technique: Technique,
    /// In percent, 100 at most.
    pub confidence: u8,
}

/// The ways to recognise a package; the names are CycloneDX's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Technique {
    /// A package database, manifest or lock file says so.
    ManifestAnalysis,
    /// The content of an executable says so.
    BinaryAnalysis,
    /// The name of a file says so.
    Filename,
    /// A hash is in a table.
    HashComparison,
    /// An SBOM within says so.
    Attestation,
}

/// What a binary package was built from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version, where it differs from the package's own.
    pub version: Option<String>,
}

/// A file that a package says it installed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnedFile {
    /// The absolute path as the package wrote it.
    pub path: String,
    /// The hash that the package recorded.
    pub checksum: Option<Checksum>,
    /// Whether the source has such a file (slimmed images often lack them).
    pub present: bool,
    /// Whether users may change it.
    pub is_configuration: bool,
}

/// Names a package by what it is: equal packages of two scans have equal identifiers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageId([u8; 16]);

impl Package {
    /// Begins a package that is installed and was read from a manifest; everything else is still empty.
    #[must_use]
    pub fn new(
        kind: PackageKind,
        name: impl Into<String>,
        version: Option<String>,
        found_by: &'static str,
    ) -> Self {
        Self {
            kind,
            name: name.into(),
            version,
            purl: None,
            presence: Presence::Installed,
            licenses: Vec::new(),
            supplier: None,
            locations: Vec::new(),
            identification: Identification {
                technique: Technique::ManifestAnalysis,
                confidence: 100,
            },
            found_by,
            architecture: None,
            source_package: None,
            checksums: Vec::new(),
            homepage: None,
            download_location: None,
            description: None,
            copyright: None,
            files: Vec::new(),
            properties: BTreeMap::new(),
        }
    }

    /// Its identifier: a hash over kind, name, version and purl, and over nothing else.
    #[must_use]
    pub fn id(&self) -> PackageId {
        let mut hasher = Sha256::new();
        let purl = self.purl.as_ref().map(ToString::to_string);
        let parts = [
            Some(self.kind.as_str()),
            Some(&self.name),
            self.version.as_deref(),
            purl.as_deref(),
        ];
        for part in parts {
            // Lengths before the parts: no two lists of parts run together into the same bytes.
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            hasher.update(length.to_be_bytes());
            hasher.update(part.unwrap_or_default());
        }
        let hash: [u8; 32] = hasher.finalize().into();
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        PackageId(id)
    }

    /// Takes over what another finding of the same package adds.
    pub(crate) fn merge(&mut self, other: Self) {
        self.presence = self.presence.min(other.presence);
        self.identification =
            match self.identification.confidence >= other.identification.confidence {
                true => self.identification,
                false => other.identification,
            };
        self.licenses.extend(other.licenses);
        self.locations.extend(other.locations);
        self.checksums.extend(other.checksums);
        self.files.extend(other.files);
        self.supplier = self.supplier.take().or(other.supplier);
        self.architecture = self.architecture.take().or(other.architecture);
        self.source_package = self.source_package.take().or(other.source_package);
        self.homepage = self.homepage.take().or(other.homepage);
        self.download_location = self.download_location.take().or(other.download_location);
        self.description = self.description.take().or(other.description);
        self.copyright = self.copyright.take().or(other.copyright);
        for (name, value) in other.properties {
            self.properties.entry(name).or_insert(value);
        }
    }

    /// Sorts every list in it and drops repeats.
    pub(crate) fn settle(&mut self) {
        self.licenses.sort();
        self.licenses.dedup();
        self.locations.sort();
        self.locations.dedup();
        self.checksums.sort();
        self.checksums.dedup();
        self.files.sort();
        self.files.dedup();
    }
}

impl PackageKind {
    /// The type in a purl.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alpm => "alpm",
            Self::Apk => "apk",
            Self::Cargo => "cargo",
            Self::Composer => "composer",
            Self::Conda => "conda",
            Self::Deb => "deb",
            Self::Gem => "gem",
            Self::Generic => "generic",
            Self::Golang => "golang",
            Self::Maven => "maven",
            Self::Npm => "npm",
            Self::Nuget => "nuget",
            Self::Pypi => "pypi",
            Self::Rpm => "rpm",
        }
    }

    /// The kind of a purl's type, lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Alpm,
        Self::Apk,
        Self::Cargo,
        Self::Composer,
        Self::Conda,
        Self::Deb,
        Self::Gem,
        Self::Generic,
        Self::Golang,
        Self::Maven,
        Self::Npm,
        Self::Nuget,
        Self::Pypi,
        Self::Rpm,
    ];

    /// Whether the operating system's package manager installs it: such packages own the files of others.
    #[must_use]
    pub fn is_of_system(self) -> bool {
        matches!(self, Self::Alpm | Self::Apk | Self::Deb | Self::Rpm)
    }
}

impl Technique {
    /// The name CycloneDX gives it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ManifestAnalysis => "manifest-analysis",
            Self::BinaryAnalysis => "binary-analysis",
            Self::Filename => "filename",
            Self::HashComparison => "hash-comparison",
            Self::Attestation => "attestation",
        }
    }
}

impl fmt::Display for PackageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackageId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_depend_on_what_a_package_is_and_not_on_where() {
        let one = Package::new(PackageKind::Npm, "ab", Some("c".into()), "x");
        let mut elsewhere = one.clone();
        elsewhere.locations.push(Location {
            path: "/p".into(),
            layer: None,
        });
        assert_eq!(one.id(), elsewhere.id());
        assert_ne!(
            one.id(),
            Package::new(PackageKind::Npm, "a", Some("bc".into()), "x").id()
        );
        assert_ne!(
            one.id(),
            Package::new(PackageKind::Npm, "ab", None, "x").id()
        );
    }
}
