//! Modules in Go programs, by the build information that the linker leaves in each, stripped or not.
//!
//! `replace` is applied: what was built counts, not what `go.mod` asked for. A replacement by a folder has
//! neither name nor version of its own; there the module that it stands for is reported, and marked. Every
//! program also has the standard library, with the version of the toolchain.

mod build_info;
mod module_list;
mod version;

pub use build_info::{BuildInfo, BuildInfoError, read_build_info};
pub use module_list::{Module, ModuleList, ModuleListError, Replacement};

use super::{Cataloger, Findings, Scene, Want, executable};
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::document::Fault;
use crate::file_tree::TreeFile;
use crate::license::License;
use crate::package::{Identification, Package, PackageId, PackageKind, Presence, Technique};
use crate::package_url::PackageUrl;
use crate::party::{Party, PartyKind};
use crate::relationship::RelationshipKind;

/// See the module.
#[derive(Debug)]
pub struct Golang;

impl Cataloger for Golang {
    fn name(&self) -> &'static str {
        NAME
    }

    fn wants(&self, _path: &str, head: &[u8]) -> Want {
        executable::wanted(head)
    }

    fn extract(&self, _path: &str, content: &[u8]) -> Option<Vec<u8>> {
        executable::kept(&read_build_info(content))
    }

    fn catalog(&self, scene: &Scene<'_>, findings: &mut Findings) {
        executable::state_kept(scene, findings, NAME, Fault::GoBuildInfo, state);
    }
}

/// States the packages of one program. Of the graph Go tells only who is in it, so everything hangs
/// directly on the main module.
fn state(program: &BuildInfo, file: &TreeFile<'_>, findings: &mut Findings) {
    let mut parts: Vec<PackageId> = Vec::new();
    for module in &program.modules.dependencies {
        parts.extend(dependency(module, file).map(|package| findings.package(package)));
    }
    let library = program
        .go_version
        .as_deref()
        .and_then(|version| standard_library(version, file));
    parts.extend(library.map(|package| findings.package(package)));
    if let Some(main) = main_module(program, file) {
        let main = findings.package(main);
        for part in parts {
            findings.relationship(main, RelationshipKind::DependsOn, part);
        }
    }
}

/// Begins a package found in a program.
fn begin(path: &str, version: Option<&str>, file: &TreeFile<'_>) -> Option<Package> {
    let mut package = Package::new(PackageKind::Golang, path, version.map(str::to_owned), NAME);
    // The package URL of a module is lower case (purl specification, type `golang`).
    let purl = PackageUrl::of_path(PackageKind::Golang, &path.to_ascii_lowercase())?;
    package.purl = Some(purl.with_version(version));
    package.presence = Presence::Embedded;
    package.locations = vec![file.location()];
    package.identification = Identification {
        technique: Technique::BinaryAnalysis,
        confidence: 100,
    };
    Some(package)
}

fn main_module(program: &BuildInfo, file: &TreeFile<'_>) -> Option<Package> {
    let list = &program.modules;
    let main = list.main.as_ref()?;
    let version = version::of_main(list);
    let confidence = version.as_ref().map_or(100, |(_, confidence)| *confidence);
    let mut package = begin(
        &main.path,
        version.as_ref().map(|(version, _)| &**version),
        file,
    )?;
    package.presence = Presence::Installed;
    package.identification.confidence = confidence;
    let sha256 = file.sha256().map(|digest| digest.hex());
    package.checksums = sha256
        .and_then(|hex| Checksum::from_hex(ChecksumAlgorithm::Sha256, &hex))
        .into_iter()
        .collect();
    package.architecture = list.setting("GOARCH").map(str::to_owned);
    add_sum(&mut package, &main.sum);
    let mut add = |name: String, value: &str| package.properties.insert(name, value.to_owned());
    if let Some(version) = &program.go_version {
        add("go:version".to_owned(), version);
    }
    for (name, value) in &list.settings {
        add(format!("go:build:{name}"), value);
    }
    Some(package)
}

fn dependency(module: &Module, file: &TreeFile<'_>) -> Option<Package> {
    let Some(replacement) = &module.replacement else {
        let mut package = begin(&module.path, version::stated(&module.version), file)?;
        add_sum(&mut package, &module.sum);
        return Some(package);
    };
    if is_folder(replacement) {
        let mut package = begin(&module.path, version::stated(&module.version), file)?;
        // The folder may hold anything.
        package.identification.confidence = 50;
        package
            .properties
            .insert("go:replaced-by".to_owned(), replacement.path.clone());
        return Some(package);
    }
    let mut package = begin(
        &replacement.path,
        version::stated(&replacement.version),
        file,
    )?;
    add_sum(&mut package, &replacement.sum);
    let replaced = match version::stated(&module.version) {
        Some(version) => format!("{}@{version}", module.path),
        None => module.path.clone(),
    };
    package
        .properties
        .insert("go:replaces".to_owned(), replaced);
    Some(package)
}

/// Go takes a replacement without version for a folder.
fn is_folder(replacement: &Replacement) -> bool {
    let path = &replacement.path;
    path.starts_with(['.', '/', '\\'])
        || path
            .get(1..3)
            .is_some_and(|drive| matches!(drive, ":\\" | ":/"))
        || version::stated(&replacement.version).is_none()
}

/// The hash of a module is one over the hashes of its files, not of any file: no checksum for SBOMs.
fn add_sum(package: &mut Package, sum: &str) {
    if !sum.is_empty() {
        package
            .properties
            .insert("go:sum".to_owned(), sum.to_owned());
    }
}

fn standard_library(go_version: &str, file: &TreeFile<'_>) -> Option<Package> {
    let words = go_version.split(' ');
    let version = words.filter_map(|word| word.strip_prefix("go")).next()?;
    let mut package = begin("stdlib", Some(version), file)?;
    package.licenses = License::declared("BSD-3-Clause").into_iter().collect();
    package.homepage = Some("https://go.dev".to_owned());
    package.supplier = Some(Party {
        name: "The Go Authors".to_owned(),
        email: None,
        url: Some("https://go.dev".to_owned()),
        kind: PartyKind::Organization,
    });
    Some(package)
}

const NAME: &str = "go-binary";
