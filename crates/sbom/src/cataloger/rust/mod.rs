//! Crates in binaries that carry their own list, as `cargo auditable` builds them.
//!
//! The list says what was linked and what was only run while building; the latter is not in the image and
//! not reported. It says of where a crate came from only the kind: a crate from git or of a folder has the
//! same package URL as its namesake in the registry, and the property `cargo:source` to tell them apart.

mod crate_list;

pub use crate_list::{
    CrateKind, CrateList, CrateListError, CrateSource, ListedCrate, parse_section, read_crate_lists,
};

use super::{Cataloger, Findings, Scene, Want, executable};
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::document::Fault;
use crate::file_tree::TreeFile;
use crate::package::{Identification, Package, PackageId, PackageKind, Presence, Technique};
use crate::package_url::PackageUrl;
use crate::relationship::RelationshipKind;

/// See the module.
#[derive(Debug)]
pub struct Rust;

impl Cataloger for Rust {
    fn name(&self) -> &'static str {
        NAME
    }

    fn wants(&self, _path: &str, head: &[u8]) -> Want {
        executable::wanted(head)
    }

    fn extract(&self, _path: &str, content: &[u8]) -> Option<Vec<u8>> {
        executable::kept(&read_crate_lists(content))
    }

    fn catalog(&self, scene: &Scene<'_>, findings: &mut Findings) {
        executable::state_kept(scene, findings, NAME, Fault::CrateList, state);
    }
}

fn state(list: &CrateList, file: &TreeFile<'_>, findings: &mut Findings) {
    let stated: Vec<Option<PackageId>> = list
        .crates
        .iter()
        .map(|listed| Some(findings.package(package(listed, file)?)))
        .collect();
    for (listed, from) in list.crates.iter().zip(&stated) {
        for dependency in &listed.dependencies {
            if let (Some(from), Some(to)) = (from, stated[*dependency]) {
                findings.relationship(*from, RelationshipKind::DependsOn, to);
            }
        }
    }
}

/// The package; `None` for a crate that is not in the binary.
fn package(listed: &ListedCrate, file: &TreeFile<'_>) -> Option<Package> {
    if listed.kind == CrateKind::Build {
        return None;
    }
    let (name, version) = (&listed.name, &listed.version);
    let mut package = Package::new(PackageKind::Cargo, name, Some(version.clone()), NAME);
    package.purl = Some(PackageUrl::new(PackageKind::Cargo, name)?.with_version(Some(version)));
    package.locations = vec![file.location()];
    package.identification = Identification {
        technique: Technique::BinaryAnalysis,
        confidence: 100,
    };
    if listed.is_root {
        let sha256 = file.sha256().map(|digest| digest.hex());
        package.checksums = sha256
            .and_then(|hex| Checksum::from_hex(ChecksumAlgorithm::Sha256, &hex))
            .into_iter()
            .collect();
    } else {
        package.presence = Presence::Embedded;
    }
    let source = match &listed.source {
        CrateSource::CratesIo => {
            let version = version.replace('+', "%2B");
            package.download_location = Some(format!(
                "https://static.crates.io/crates/{name}/{name}-{version}.crate"
            ));
            "crates.io"
        }
        CrateSource::Git => "git",
        CrateSource::Local => "local",
        CrateSource::Registry => "registry",
        CrateSource::Other(word) => word,
    };
    package
        .properties
        .insert("cargo:source".to_owned(), source.to_owned());
    Some(package)
}

const NAME: &str = "rust-auditable";
