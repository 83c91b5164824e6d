//! npm packages that are installed: what Node.js would load, not every `package.json` there is.
//!
//! A package is a folder directly in `node_modules`, or in a scope there (`node_modules/@scope/name`), whose
//! `package.json` has a name and a version. Templates, stubs of subpaths and test data lie elsewhere. An
//! application is a `package.json` beside a `node_modules` that is not itself within one.

mod lock;
mod manifest;

use std::collections::BTreeMap;

use super::{Cataloger, Findings, Scene, Want};
use crate::checksum::Checksum;
use crate::document::Fault;
use crate::file_tree::{FileTree, TreeFile};
use crate::package::{Package, PackageId, PackageKind};
use crate::package_url::PackageUrl;
use crate::relationship::RelationshipKind;

use manifest::Manifest;

/// See the module.
#[derive(Debug)]
pub struct JavaScript;

impl Cataloger for JavaScript {
    fn name(&self) -> &'static str {
        NAME
    }

    fn wants(&self, path: &str, _head: &[u8]) -> Want {
        let limit = if path.ends_with("/package.json") {
            match place(path) {
                Place::Package | Place::Application => MAX_MANIFEST,
                Place::Within => return Want::Nothing,
            }
        } else if path.ends_with("/node_modules/.package-lock.json") {
            MAX_LOCK
        } else {
            return Want::Nothing;
        };
        Want::Content { limit }
    }

    fn catalog(&self, scene: &Scene<'_>, findings: &mut Findings) {
        let integrity = read_locks(scene.tree, findings);
        let mut found: BTreeMap<String, PackageId> = BTreeMap::new();
        let mut manifests: Vec<(String, Manifest)> = Vec::new();
        for file in scene.tree.files() {
            if file.name() != "package.json" {
                continue;
            }
            let Some(manifest) = read(scene.tree, &file, findings) else {
                continue;
            };
            let Some(mut package) = package(&manifest, &file) else {
                continue;
            };
            if let Some((version, checksum, resolved)) = integrity.get(file.folder())
                && package.version.as_ref() == Some(version)
            {
                package.checksums.extend(checksum.clone());
                package.download_location = package.download_location.or_else(|| resolved.clone());
            }
            found.insert(file.folder().to_owned(), findings.package(package));
            manifests.push((file.folder().to_owned(), manifest));
        }
        for (folder, manifest) in &manifests {
            let is_application = place(&format!("{folder}/package.json")) == Place::Application;
            for name in manifest.needs(is_application) {
                let dependency =
                    resolve(scene.tree, folder, name).and_then(|folder| found.get(&folder));
                if let (Some(from), Some(to)) = (found.get(folder), dependency) {
                    findings.relationship(*from, RelationshipKind::DependsOn, *to);
                }
            }
        }
    }
}

/// Where a `package.json` lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Directly in `node_modules/NAME` or `node_modules/@SCOPE/NAME`.
    Package,
    /// In no `node_modules`.
    Application,
    /// Somewhere within a package.
    Within,
}

fn place(path: &str) -> Place {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts = folder.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let above = parts.next().unwrap_or_default();
    let is_name = !name.starts_with(['.', '@']) && !name.is_empty();
    let is_package = match above.strip_prefix('@') {
        Some(scope) => is_name && !scope.is_empty() && parts.next() == Some(MODULES),
        None => is_name && above == MODULES,
    };
    if is_package {
        Place::Package
    } else if folder.split('/').any(|part| part == MODULES) {
        Place::Within
    } else {
        Place::Application
    }
}

fn read(tree: &FileTree, file: &TreeFile<'_>, findings: &mut Findings) -> Option<Manifest> {
    let is_package = match place(file.path()) {
        Place::Package => true,
        // Anybody may have a file of that name; with `node_modules` beside it, it is an application.
        Place::Application => tree
            .names(&format!("{}/{MODULES}", file.folder()))
            .next()
            .is_some(),
        Place::Within => false,
    };
    if !is_package {
        return None;
    }
    match Manifest::parse(file.content()?) {
        Ok(manifest) => Some(manifest),
        Err(fault) => {
            findings.warning(NAME, file, fault);
            None
        }
    }
}

/// The package; `None` for a stub, which lacks name or version, and for a template.
fn package(manifest: &Manifest, file: &TreeFile<'_>) -> Option<Package> {
    let name = manifest.name.as_deref().filter(|name| is_name(name))?;
    let version = manifest
        .version
        .as_deref()
        .filter(|version| is_version(version))?;
    let mut package = Package::new(PackageKind::Npm, name, Some(version.to_owned()), NAME);
    manifest.describe(&mut package);
    package.purl = Some(PackageUrl::of_path(PackageKind::Npm, name)?.with_version(Some(version)));
    package.locations = vec![file.location()];
    Some(package)
}

/// What npm publishes under: one name, or a scope and a name. Old names have capitals.
fn is_name(name: &str) -> bool {
    let bare = match name.strip_prefix('@') {
        Some(scoped) => match scoped.split_once('/') {
            Some((scope, name)) if !scope.is_empty() => name,
            _ => return false,
        },
        None => name,
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~!'()*".contains(c);
    !bare.is_empty() && bare.len() <= MAX_NAME && bare.chars().all(is_plain)
}

/// Versions begin with a number; `v` in front is forgiven as npm does.
fn is_version(version: &str) -> bool {
    let number = version.trim_start_matches(['v', '=', ' ']);
    number.starts_with(|c: char| c.is_ascii_digit()) && version.len() <= MAX_NAME
}

/// Where Node.js finds `name` from `folder`: in the nearest `node_modules` upwards, links resolved.
fn resolve(tree: &FileTree, folder: &str, name: &str) -> Option<String> {
    let mut here = folder;
    for _ in 0..MAX_ASCENT {
        if !here.ends_with("/node_modules") {
            let manifest = format!("{here}/{MODULES}/{name}/package.json");
            if let Some(file) = tree.file(&manifest) {
                return Some(file.folder().to_owned());
            }
        }
        here = here.rsplit_once('/')?.0;
    }
    None
}

type Locked = (String, Option<Checksum>, Option<String>);

/// What npm wrote down about the packages of each `node_modules`, by their folders.
fn read_locks(tree: &FileTree, findings: &mut Findings) -> BTreeMap<String, Locked> {
    let mut locked = BTreeMap::new();
    for file in tree.files() {
        if file.name() != ".package-lock.json" || !file.folder().ends_with(MODULES) {
            continue;
        }
        let root = file
            .folder()
            .trim_end_matches(MODULES)
            .trim_end_matches('/');
        match lock::parse(file.content().unwrap_or_default()) {
            Ok(entries) => locked.extend(entries.into_iter().map(|(path, entry)| {
                let checksum = entry.checksum();
                (
                    format!("{root}/{path}"),
                    (entry.version, checksum, entry.resolved),
                )
            })),
            Err(fault) => findings.warning(NAME, &file, fault),
        }
    }
    locked
}

/// A JSON error with its place.
fn fault_of(error: &serde_json::Error) -> Fault {
    Fault::Json {
        line: error.line(),
        column: error.column(),
    }
}

const NAME: &str = "javascript";
const MODULES: &str = "node_modules";

/// The largest published have 1 MB.
const MAX_MANIFEST: u64 = 8 << 20;

/// A monorepo's has 10 MB.
const MAX_LOCK: u64 = 64 << 20;

/// npm allows 214.
const MAX_NAME: usize = 214;

/// Folders above a package.
const MAX_ASCENT: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_node_would_load_is_a_package() {
        for (path, expected) in [
            ("/srv/node_modules/a/package.json", Place::Package),
            ("/srv/node_modules/@s/a/package.json", Place::Package),
            (
                "/srv/node_modules/a/node_modules/b/package.json",
                Place::Package,
            ),
            ("/srv/node_modules/a/dist/package.json", Place::Within),
            ("/srv/node_modules/@s/package.json", Place::Within),
            ("/srv/node_modules/.cache/package.json", Place::Within),
            ("/srv/node_modules/a/@s/b/package.json", Place::Within),
            ("/srv/package.json", Place::Application),
            ("/package.json", Place::Application),
        ] {
            assert_eq!(place(path), expected, "{path}");
        }
    }

    #[test]
    fn templates_and_stubs_have_no_proper_name_or_version() {
        assert!(is_name("JSONStream") && is_name("@a/b.c") && is_name("a_b-c"));
        assert!(
            !is_name("<%= dasherize(name) %>") && !is_name("") && !is_name("@a") && !is_name("a/b")
        );
        assert!(is_version("1.0.0-beta.1") && is_version("v2"));
        assert!(!is_version("UNKNOWN") && !is_version("") && !is_version("<%= version %>"));
    }
}
