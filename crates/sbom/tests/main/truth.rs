//! Every package that is there is found, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use countersign_sbom::{Completeness, Inventory, PackageKind, Presence, RelationshipKind};

use crate::fixture_images::{comparable, purls, scan, truth};

/// Compares the packages of one kind with `truth.json`; `others` are levels whose rows may be found or not.
#[track_caller]
pub(crate) fn check(inventory: &Inventory, image: &str, kind: PackageKind) {
    let rows = truth(image, kind);
    let level = |wanted: &str| -> BTreeSet<String> {
        rows.iter()
            .filter(|row| row.level == wanted)
            .map(|row| comparable(&row.purl))
            .collect()
    };
    let (installed, optional) = (level("installed"), level("optional"));
    let found = purls(inventory, kind);
    let missing: Vec<_> = installed.difference(&found).collect();
    let extra: Vec<_> = found
        .iter()
        .filter(|purl| !installed.contains(*purl) && !optional.contains(*purl))
        .collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "{image}: missing {missing:?}, extra {extra:?}"
    );
    let mut places: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for package in inventory
        .packages
        .iter()
        .filter(|package| package.kind == kind)
    {
        let purl = comparable(&package.purl.as_ref().unwrap().to_string());
        places
            .entry(purl)
            .or_default()
            .extend(package.locations.iter().map(|place| &*place.path));
    }
    for row in rows.iter().filter(|row| row.level == "installed") {
        let found = &places[&comparable(&row.purl)];
        assert!(
            found.contains(&*row.place),
            "{}: {} is not in {found:?}",
            row.purl,
            row.place
        );
    }
}

fn edges(inventory: &Inventory, kind: RelationshipKind) -> BTreeSet<(String, String)> {
    let names: BTreeMap<_, _> = inventory
        .packages
        .iter()
        .map(|package| (package.id(), package))
        .collect();
    let label = |id| {
        let package = names[&id];
        format!(
            "{}@{}",
            package.name,
            package.version.as_deref().unwrap_or_default()
        )
    };
    let edges = inventory
        .relationships
        .iter()
        .filter(|edge| edge.kind == kind);
    edges
        .map(|edge| (label(edge.from), label(edge.to)))
        .collect()
}

#[track_caller]
fn has(edges: &BTreeSet<(String, String)>, from: &str, to: &str) {
    assert!(
        edges.contains(&(from.to_owned(), to.to_owned())),
        "{from} -> {to}"
    );
}

#[test]
fn debian() {
    let inventory = scan("debian-mini");
    check(&inventory, "debian-mini", PackageKind::Deb);
    assert_eq!(
        inventory.completeness,
        Completeness::Complete,
        "{:?}",
        inventory.warnings
    );
    assert_eq!(inventory.distro.as_ref().unwrap().qualifier(), "debian-12");
    let edges = edges(&inventory, RelationshipKind::DependsOn);
    has(&edges, "apt@2.6.2", "adduser@3.134");
    // A virtual package: base-files needs awk, which mawk provides.
    assert!(
        edges
            .iter()
            .any(|(from, to)| from.starts_with("base-files@") && to.starts_with("mawk@"))
    );
    let package = |name: &str| {
        inventory
            .packages
            .iter()
            .find(|package| package.name == name)
            .unwrap()
    };
    let suppliers = inventory
        .packages
        .iter()
        .filter(|package| package.supplier.is_some())
        .count();
    assert_eq!(suppliers, inventory.packages.len());
    assert!(
        package("bash")
            .files
            .iter()
            .any(|file| file.path == "/bin/bash" && file.checksum.is_some())
    );
    // The merged /usr: the list says /lib/systemd, the tree has /usr/lib/systemd.
    let timer = "/lib/systemd/system/apt-daily.timer";
    assert!(
        package("apt")
            .files
            .iter()
            .any(|file| file.path == timer && file.present)
    );
    assert!(
        package("zlib1g")
            .licenses
            .iter()
            .any(|license| license.text() == "Zlib")
    );
    // Its documentation is a link to that of another package.
    assert!(!package("libgcc-s1").licenses.is_empty());
    let source = package("zlib1g").source_package.as_ref().unwrap();
    assert_eq!(source.name, "zlib");
}

#[test]
fn python() {
    let inventory = scan("python-mini");
    check(&inventory, "python-mini", PackageKind::Pypi);
    assert_eq!(
        inventory.completeness,
        Completeness::Complete,
        "{:?}",
        inventory.warnings
    );
    let edges = edges(&inventory, RelationshipKind::DependsOn);
    has(&edges, "importlib_metadata@10.2.0", "zipp@4.1.2");
    // Each environment by itself: the old requests needs the old urllib3.
    has(&edges, "requests@2.31.0", "urllib3@1.26.20");
    has(&edges, "requests@2.32.5", "urllib3@2.8.0");
    assert!(!edges.contains(&("requests@2.31.0".into(), "urllib3@2.8.0".into())));
    let package = |name: &str| {
        inventory
            .packages
            .iter()
            .find(|package| package.name == name)
            .unwrap()
    };
    assert_eq!(package("click").licenses[0].text(), "BSD-3-Clause");
    assert!(
        package("click")
            .files
            .iter()
            .any(|file| file.present && file.checksum.is_some())
    );
    assert_eq!(package("Demo_Lib.Core").properties["pypi:commit"].len(), 40);
}

#[test]
fn node() {
    let inventory = scan("node-mini");
    check(&inventory, "node-mini", PackageKind::Npm);
    assert_eq!(
        inventory.completeness,
        Completeness::Complete,
        "{:?}",
        inventory.warnings
    );
    let edges = edges(&inventory, RelationshipKind::DependsOn);
    has(&edges, "sample-app@1.2.3", "express@4.21.2");
    // An alias: the folder is called ms2.
    has(&edges, "sample-app@1.2.3", "ms@2.0.0");
    has(&edges, "accepts@1.3.8", "negotiator@0.6.3");
    // The version nested in express's own folder, not the one at the top.
    has(&edges, "express@4.21.2", "debug@2.6.9");
    let hashed = inventory
        .packages
        .iter()
        .filter(|package| !package.checksums.is_empty())
        .count();
    assert_eq!(
        hashed,
        inventory.packages.len() - 1,
        "all but the application"
    );
}

#[test]
fn two_scans_are_equal_whatever_the_order_of_the_layers() {
    use countersign_sbom::{LayerLimits, Scan, cataloger};
    let scan = Scan::new(cataloger::all(), LayerLimits::default());
    let mut layers = crate::fixture_images::read(&scan, "python-mini");
    layers.reverse();
    assert_eq!(
        scan.finish(layers).unwrap(),
        crate::fixture_images::scan("python-mini")
    );
}

#[test]
fn another_parser_agrees_on_every_purl() {
    for image in ["debian-mini", "python-mini", "node-mini"] {
        for package in scan(image).packages {
            let ours = package.purl.unwrap();
            let text = ours.to_string();
            let theirs: packageurl::PackageUrl<'_> = text.parse().unwrap();
            assert_eq!(theirs.name(), ours.name(), "{text}");
            assert_eq!(theirs.version(), ours.version(), "{text}");
            assert_eq!(
                theirs.namespace().unwrap_or_default(),
                ours.namespace(),
                "{text}"
            );
        }
    }
}

#[test]
fn crates_that_wheels_say_they_contain() {
    let inventory = scan("python-mini");
    let rows = truth("python-mini", PackageKind::Cargo);
    let expected: BTreeSet<String> = rows.iter().map(|row| comparable(&row.purl)).collect();
    let found: BTreeSet<String> = purls(&inventory, PackageKind::Cargo);
    assert_eq!(found, expected);
    let crates = inventory
        .packages
        .iter()
        .filter(|package| package.kind == PackageKind::Cargo);
    let mut build_only: Vec<&str> = crates
        .filter(|package| package.presence == Presence::Declared)
        .map(|package| &*package.name)
        .collect();
    build_only.dedup();
    assert!(build_only.contains(&"pyo3-build-config"), "{build_only:?}");
    has(
        &edges(&inventory, RelationshipKind::Contains),
        "orjson@3.13.0",
        "associative-cache@3.0.1",
    );
    let depends = edges(&inventory, RelationshipKind::DependsOn);
    has(&depends, "archery@1.2.3", "triomphe@0.1.16");
}
