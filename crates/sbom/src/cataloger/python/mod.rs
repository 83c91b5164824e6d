//! Python distributions that are installed: `*.dist-info` (PEP 376, PEP 427) and `*.egg-info`.
//!
//! Each folder of distributions is an environment of its own: what a distribution requires is looked for
//! beside it, not in the virtual environment of somebody else.

mod direct_url;
mod marker;
mod metadata;
mod record;

use std::collections::{BTreeMap, BTreeSet};

use super::embedded_sbom::{self, Carrier};
use super::header_fields::Stanzas;
use super::{Cataloger, Findings, Scene, Want};
use crate::document::Fault;
use crate::file_tree::TreeFile;
use crate::package::{Package, PackageId, PackageKind, Presence};
use crate::package_url::{PackageUrl, normalise_python_name};
use crate::relationship::RelationshipKind;

use metadata::Requirement;

/// See the module.
#[derive(Debug)]
pub struct Python;

impl Cataloger for Python {
    fn name(&self) -> &'static str {
        NAME
    }

    fn wants(&self, path: &str, _head: &[u8]) -> Want {
        let (folder, name) = path.rsplit_once('/').unwrap_or_default();
        let is_wanted = match name {
            "METADATA" | "RECORD" | "direct_url.json" => ends_with(folder, "dist-info"),
            // PEP 770.
            name if ends_with(folder, ".dist-info/sboms") => name.ends_with(".json"),
            "PKG-INFO" | "installed-files.txt" => ends_with(folder, "egg-info"),
            name => name.len() > EGG_INFO.len() && ends_with(name, EGG_INFO),
        };
        match is_wanted {
            true => Want::Content { limit: MAX_FILE },
            false => Want::Nothing,
        }
    }

    fn catalog(&self, scene: &Scene<'_>, findings: &mut Findings) {
        let mut distributions: Vec<Distribution> = Vec::new();
        for file in scene.tree.files() {
            if is_metadata(file.path())
                && let Some(content) = file.content()
            {
                distributions.extend(read(scene, &file, content, findings));
            }
        }
        relate(&distributions, findings);
        nest(&mut distributions, findings);
        for distribution in distributions {
            let carrier = Carrier {
                id: distribution.id,
                purl: distribution.package.purl.as_ref(),
            };
            let folder = format!("{}/sboms", environment_of(&distribution.path));
            for name in scene.tree.names(&folder) {
                let file = scene.tree.file(&format!("{folder}/{name}"));
                if let Some(file) = file.filter(|file| file.content().is_some()) {
                    embedded_sbom::read(NAME, &carrier, &file, findings);
                }
            }
            findings.package(distribution.package);
        }
    }
}

/// A distribution and where it is.
struct Distribution {
    package: Package,
    id: PackageId,
    /// The path of its metadata.
    path: String,
    /// The folder that is on Python's path.
    environment: String,
    requires: Vec<Requirement>,
}

fn read(
    scene: &Scene<'_>,
    file: &TreeFile<'_>,
    content: &[u8],
    findings: &mut Findings,
) -> Option<Distribution> {
    let text = String::from_utf8_lossy(content);
    let mut missing = |field| {
        findings.warning(NAME, file, Fault::FieldMissing { field, line: 0 });
    };
    // The description may follow behind an empty line; only the first block is metadata.
    let Some(fields) = Stanzas::of(&text).next() else {
        missing("Name");
        return None;
    };
    let Some(name) = fields.field("Name") else {
        missing("Name");
        return None;
    };
    // Debian's Python 2 described itself so; the interpreter is no distribution.
    if name == "Python" {
        return None;
    }
    let version = fields.field("Version").map(str::to_owned);
    if version.is_none() {
        missing("Version");
    }
    let mut package = Package::new(PackageKind::Pypi, name, version, NAME);
    metadata::describe(&mut package, &fields);
    package.locations = vec![file.location()];
    let info = if file.name() == "METADATA" || file.name() == "PKG-INFO" {
        file.folder()
    } else {
        file.path()
    };
    let environment = environment_of(info).to_owned();
    let beside = |name: &str| scene.tree.file(&format!("{info}/{name}"));
    let listed = |name: &str| {
        beside(name)
            .and_then(|file| file.content())
            .map(String::from_utf8_lossy)
    };
    if let Some(list) = listed("RECORD") {
        package.files = record::read(scene.tree, &environment, &list);
    } else if let Some(list) = listed("installed-files.txt") {
        package.files = record::read_old(scene.tree, info, &list);
    }
    let mut purl =
        PackageUrl::new(PackageKind::Pypi, name)?.with_version(package.version.as_deref());
    if let Some(url) = beside("direct_url.json") {
        match direct_url::parse(url.content().unwrap_or_default()) {
            Ok(origin) => purl = origin.apply(&mut package, purl),
            Err(fault) => findings.warning(NAME, &url, fault),
        }
    }
    package.purl = Some(purl);
    Some(Distribution {
        id: package.id(),
        path: file.path().to_owned(),
        requires: fields
            .all("Requires-Dist")
            .take(MAX_REQUIREMENTS)
            .filter_map(Requirement::parse)
            .collect(),
        environment,
        package,
    })
}

/// States who needs whom.
fn relate(distributions: &[Distribution], findings: &mut Findings) {
    let mut installed: BTreeMap<(&str, String), PackageId> = BTreeMap::new();
    let mut system: BTreeMap<String, PackageId> = BTreeMap::new();
    // Extras are real where somebody asked for them: `requests[socks]`.
    let mut extras: BTreeSet<(String, String)> = BTreeSet::new();
    for distribution in distributions {
        let name = normalise_python_name(&distribution.package.name);
        installed.insert((&distribution.environment, name.clone()), distribution.id);
        if is_system(&distribution.environment) {
            system.insert(name, distribution.id);
        }
        for requirement in &distribution.requires {
            let asked = requirement
                .extras
                .iter()
                .map(|extra| (requirement.name.clone(), extra.clone()));
            extras.extend(asked);
        }
    }
    for distribution in distributions {
        let own = normalise_python_name(&distribution.package.name);
        for requirement in &distribution.requires {
            let applies =
                requirement.applies(|extra| extras.contains(&(own.clone(), extra.to_owned())));
            if !applies {
                continue;
            }
            let beside = installed.get(&(&*distribution.environment, requirement.name.clone()));
            let found = beside.or_else(|| {
                system
                    .get(&requirement.name)
                    .filter(|_| is_system(&distribution.environment))
            });
            if let Some(dependency) = found {
                findings.relationship(distribution.id, RelationshipKind::DependsOn, *dependency);
            }
        }
    }
}

/// What lies among the files of another distribution is vendored by it, not installed.
fn nest(distributions: &mut [Distribution], findings: &mut Findings) {
    let metadata: BTreeSet<String> = distributions.iter().map(|one| one.path.clone()).collect();
    let mut owners: BTreeMap<String, PackageId> = BTreeMap::new();
    for distribution in &*distributions {
        for file in &distribution.package.files {
            if metadata.contains(&file.path) && file.path != distribution.path {
                owners.insert(file.path.clone(), distribution.id);
            }
        }
    }
    for distribution in distributions {
        if let Some(owner) = owners.get(&distribution.path) {
            findings.relationship(*owner, RelationshipKind::Contains, distribution.id);
            distribution.package.presence = Presence::Embedded;
        }
    }
}

/// The folder that holds a `*.dist-info`; for `x.egg/EGG-INFO` that is `x.egg`.
fn environment_of(info: &str) -> &str {
    info.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Debian's interpreter sees the folders of the distribution and of the administrator together.
fn is_system(environment: &str) -> bool {
    environment.starts_with("/usr/") && environment.ends_with("-packages")
}

fn is_metadata(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    match name {
        "METADATA" => ends_with(folder, "dist-info"),
        "PKG-INFO" => ends_with(folder, "egg-info"),
        name => name.len() > EGG_INFO.len() && ends_with(name, EGG_INFO),
    }
}

/// Some installers write `DIST-INFO`.
fn ends_with(text: &str, ending: &str) -> bool {
    let start = text.len().checked_sub(ending.len());
    start
        .and_then(|start| text.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

const NAME: &str = "python";
const EGG_INFO: &str = ".egg-info";

/// RECORDs of the largest wheels (torch, azure) have 3 MB.
const MAX_FILE: u64 = 32 << 20;

/// Home Assistant requires some 100.
const MAX_REQUIREMENTS: usize = 10_000;
