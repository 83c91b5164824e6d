//! Debian's packages, from dpkg's database.
//!
//! `status` holds every package; slim images without dpkg (distroless, rules_docker) have a folder
//! `status.d` with a file for each. Beside it `info/` lists which files belong to whom, and
//! `/usr/share/doc/NAME/copyright` tells the licences.

mod copyright;
mod dependency;
mod files;

use std::collections::BTreeMap;

use super::header_fields::{Stanza, Stanzas};
use super::{Cataloger, Findings, Scene, Want};
use crate::distro::Distro;
use crate::document::Fault;
use crate::file_tree::{FileTree, TreeFile};
use crate::package::{Package, PackageId, PackageKind, SourcePackage};
use crate::package_url::PackageUrl;
use crate::party::Party;
use crate::relationship::RelationshipKind;

use dependency::{Installed, names_of};

/// See the module.
#[derive(Debug)]
pub struct Dpkg;

impl Cataloger for Dpkg {
    fn name(&self) -> &'static str {
        NAME
    }

    fn wants(&self, path: &str, _head: &[u8]) -> Want {
        let Some((folder, name)) = path.rsplit_once('/') else {
            return Want::Nothing;
        };
        let limit = if folder.ends_with("/lib/dpkg") && name == "status" {
            MAX_STATUS
        } else if folder.ends_with("/lib/dpkg/status.d")
            || (folder.ends_with("/lib/dpkg/info")
                && (name.ends_with(".list") || name.ends_with(".md5sums")))
            || (name == "copyright" && folder.contains("/usr/share/doc/"))
        {
            MAX_FILE
        } else {
            return Want::Nothing;
        };
        Want::Content { limit }
    }

    fn catalog(&self, scene: &Scene<'_>, findings: &mut Findings) {
        // One database for each root: an image can carry a second root in a folder.
        let mut databases: BTreeMap<String, Vec<TreeFile<'_>>> = BTreeMap::new();
        for file in scene.tree.files() {
            let folder = file.folder();
            let database = match file.name() {
                "status" => folder.ends_with("/lib/dpkg").then_some(folder),
                name if name.ends_with(".md5sums") => None,
                _ => folder
                    .strip_suffix("/status.d")
                    .filter(|folder| folder.ends_with("/lib/dpkg")),
            };
            if let Some(database) = database {
                databases
                    .entry(database.to_owned())
                    .or_default()
                    .push(file.clone());
            }
        }
        for (folder, files) in databases {
            Database {
                folder: &folder,
                scene,
            }
            .catalog(&files, findings);
        }
    }
}

/// One dpkg database.
struct Database<'a> {
    /// The folder `.../lib/dpkg`.
    folder: &'a str,
    scene: &'a Scene<'a>,
}

impl Database<'_> {
    fn catalog(&self, files: &[TreeFile<'_>], findings: &mut Findings) {
        let mut installed = Installed::default();
        let mut needs: Vec<(PackageId, String, Vec<String>)> = Vec::new();
        for file in files {
            let Some(content) = file.content() else {
                continue;
            };
            let text = String::from_utf8_lossy(content);
            for (count, stanza) in Stanzas::of(&text).enumerate() {
                if count >= MAX_PACKAGES {
                    findings.warning(
                        NAME,
                        file,
                        Fault::TooManyRecords {
                            limit: MAX_PACKAGES,
                        },
                    );
                    break;
                }
                if let Some(line) = stanza.malformed_line {
                    findings.warning(NAME, file, Fault::Record { line });
                }
                if !is_installed(&stanza) {
                    continue;
                }
                let Some(package) = self.package(&stanza, file, findings) else {
                    continue;
                };
                let architecture = package.architecture.clone().unwrap_or_default();
                let name = package.name.clone();
                let id = findings.package(package);
                installed.add(&name, &architecture, id);
                for provided in stanza.all("Provides").flat_map(names_of) {
                    installed.add(&provided, &architecture, id);
                }
                let wanted = stanza
                    .all("Pre-Depends")
                    .chain(stanza.all("Depends"))
                    .flat_map(names_of);
                needs.push((id, architecture, wanted.collect()));
            }
        }
        for (id, architecture, wanted) in needs {
            for dependency in wanted
                .iter()
                .flat_map(|name| installed.find(name, &architecture))
            {
                findings.relationship(id, RelationshipKind::DependsOn, dependency);
            }
        }
    }

    fn package(
        &self,
        stanza: &Stanza<'_>,
        file: &TreeFile<'_>,
        findings: &mut Findings,
    ) -> Option<Package> {
        let line = stanza.line;
        let Some(name) = stanza.field("Package") else {
            findings.warning(
                NAME,
                file,
                Fault::FieldMissing {
                    field: "Package",
                    line,
                },
            );
            return None;
        };
        let version = stanza.field("Version").map(str::to_owned);
        if version.is_none() {
            findings.warning(
                NAME,
                file,
                Fault::FieldMissing {
                    field: "Version",
                    line,
                },
            );
        }
        let mut package = Package::new(PackageKind::Deb, name, version, NAME);
        package.architecture = stanza.field("Architecture").map(str::to_owned);
        package.source_package = stanza.field("Source").map(source_package);
        package.supplier = stanza.field("Maintainer").and_then(Party::parse);
        package.homepage = stanza.field("Homepage").map(str::to_owned);
        package.description = stanza
            .field("Description")
            .map(|text| text.lines().next().unwrap_or_default().to_owned());
        package.purl = self.scene.distro.map_or_else(
            || purl(&package, "debian", None),
            |distro| {
                let is_ours = distro.is_like("debian") || distro.is_like("ubuntu");
                is_ours
                    .then(|| purl(&package, &distro.id, Some(distro)))
                    .flatten()
            },
        );
        package.locations = vec![file.location()];
        package.files = self.files(&package, stanza);
        package.licenses = self.licenses(&package.name);
        for (field, property) in PROPERTIES {
            if let Some(value) = stanza.field(field) {
                package
                    .properties
                    .insert(property.to_owned(), value.to_owned());
            }
        }
        Some(package)
    }

    fn files(&self, package: &Package, stanza: &Stanza<'_>) -> Vec<crate::package::OwnedFile> {
        let name = &package.name;
        let architecture = package.architecture.as_deref().unwrap_or_default();
        // Multi-Arch: same packages have their architecture in the name; dpkg decides, so both are tried.
        let stems = [
            format!("{}/info/{name}:{architecture}", self.folder),
            format!("{}/info/{name}", self.folder),
            format!("{}/status.d/{name}", self.folder),
        ];
        let content = |ending: &str| {
            let mut paths = stems.iter().map(|stem| format!("{stem}{ending}"));
            paths
                .find_map(|path| self.tree().file(&path)?.content())
                .unwrap_or_default()
        };
        files::owned(
            self.tree(),
            &String::from_utf8_lossy(content(".md5sums")),
            &String::from_utf8_lossy(content(".list")),
            stanza.field("Conffiles").unwrap_or_default(),
        )
    }

    fn licenses(&self, name: &str) -> Vec<crate::license::License> {
        let root = self.folder.strip_suffix("/lib/dpkg").unwrap_or_default();
        let root = root
            .strip_suffix("/var")
            .or(root.strip_suffix("/usr"))
            .unwrap_or(root);
        let path = format!("{root}/usr/share/doc/{name}/copyright");
        let content = self.tree().file(&path).and_then(|file| file.content());
        content
            .map(|content| copyright::licenses(&String::from_utf8_lossy(content)))
            .unwrap_or_default()
    }

    fn tree(&self) -> &FileTree {
        self.scene.tree
    }
}

/// Whether the files are there: dpkg(1), "Package states". What is wanted for the future (`deinstall`)
/// does not matter; `status.d` has no such field.
fn is_installed(stanza: &Stanza<'_>) -> bool {
    match stanza
        .field("Status")
        .and_then(|status| status.split_whitespace().nth(2))
    {
        Some("not-installed" | "config-files") => false,
        Some(_) | None => true,
    }
}

/// `name` or `name (version)`.
fn source_package(text: &str) -> SourcePackage {
    let (name, version) = text.split_once('(').unwrap_or((text, ""));
    let version = version.trim().trim_end_matches(')').trim();
    SourcePackage {
        name: name.trim().to_owned(),
        version: (!version.is_empty()).then(|| version.to_owned()),
    }
}

fn purl(package: &Package, namespace: &str, distro: Option<&Distro>) -> Option<PackageUrl> {
    let upstream = package
        .source_package
        .as_ref()
        .map(|source| match &source.version {
            Some(version) => format!("{}@{version}", source.name),
            None => source.name.clone(),
        });
    let purl = PackageUrl::new(PackageKind::Deb, &package.name)?
        .with_namespace(namespace)
        .with_version(package.version.as_deref())
        .with_qualifier("arch", package.architecture.as_deref().unwrap_or_default())
        .with_qualifier("distro", &distro.map(Distro::qualifier).unwrap_or_default())
        .with_qualifier("upstream", upstream.as_deref().unwrap_or_default());
    Some(purl)
}

const NAME: &str = "dpkg";

/// What is passed on as it is.
const PROPERTIES: [(&str, &str); 2] = [
    ("Section", "deb:section"),
    ("Installed-Size", "deb:installed-size"),
];

/// A desktop with 3,000 packages has 5 MB.
const MAX_STATUS: u64 = 64 << 20;

/// The longest lists (kernel headers) have 3 MB.
const MAX_FILE: u64 = 16 << 20;

/// All of Debian has some 70,000.
const MAX_PACKAGES: usize = 200_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: &str, expected: bool) {
        let text = format!("Package: p\n{status}");
        let stanza = Stanzas::of(&text).next().unwrap();
        assert_eq!(is_installed(&stanza), expected, "{status}");
    }

    #[test]
    fn the_state_decides_and_not_the_wish() {
        check("Status: install ok installed", true);
        check("Status: hold ok installed", true);
        check("Status: deinstall ok installed", true);
        check("Status: install ok half-configured", true);
        check("Status: deinstall ok config-files", false);
        check("Status: purge ok not-installed", false);
        check("", true);
    }

    #[test]
    fn sources_with_and_without_version() {
        assert_eq!(source_package("gcc-12").version, None);
        let bash = source_package("bash (5.2.15-2)");
        assert_eq!(
            (&*bash.name, bash.version.as_deref()),
            ("bash", Some("5.2.15-2"))
        );
    }
}
