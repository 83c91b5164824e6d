//! Modules of Go programs, judged by what `go version -m` says of the same programs.

use std::collections::BTreeSet;

use countersign_sbom::{Completeness, Inventory, Package, PackageKind, RelationshipKind};

use crate::fixture_images::scan;
use crate::truth::check;

fn package<'a>(inventory: &'a Inventory, purl: &str) -> &'a Package {
    let mut found = inventory.packages.iter().filter(|package| {
        package
            .purl
            .as_ref()
            .is_some_and(|known| known.to_string() == purl)
    });
    found.next().unwrap_or_else(|| panic!("no {purl}"))
}

#[test]
fn every_module_of_every_program_is_found() {
    let inventory = scan("go-mini");
    check(&inventory, "go-mini", PackageKind::Golang);
    assert_eq!(
        inventory.completeness,
        Completeness::Complete,
        "{:?}",
        inventory.warnings
    );
}

#[test]
fn places_are_all_programs_that_have_it() {
    let inventory = scan("go-mini");
    let places = |purl: &str| -> Vec<&str> {
        package(&inventory, purl)
            .locations
            .iter()
            .map(|place| &*place.path)
            .collect()
    };
    let apps = [
        "/opt/bin/app-pie",
        "/usr/bin/app",
        "/usr/bin/app-unstripped",
    ];
    assert_eq!(places("pkg:golang/gopkg.in/yaml.v3@v3.0.1"), apps);
    let all = [
        "/opt/bin/app-pie",
        "/usr/bin/app",
        "/usr/bin/app-unstripped",
        "/usr/bin/hello",
    ];
    assert_eq!(places("pkg:golang/stdlib@1.26.8"), all);
}

#[test]
fn everything_hangs_on_the_main_module_of_its_program() {
    let inventory = scan("go-mini");
    let by_id = inventory.by_id();
    let mut edges: BTreeSet<(String, String)> = BTreeSet::new();
    for edge in &inventory.relationships {
        assert_eq!(edge.kind, RelationshipKind::DependsOn);
        let purl = |id| by_id[&id].purl.as_ref().unwrap().to_string();
        edges.insert((purl(edge.from), purl(edge.to)));
    }
    let of = |main: &str| edges.iter().filter(|(from, _)| from == main).count();
    // Five modules and the standard library, and a folder in the place of a sixth module.
    assert_eq!(of("pkg:golang/example.org/team/app@v1.4.2"), 7);
    assert_eq!(of("pkg:golang/example.org/team/app@v1.4.2%2Bdirty"), 7);
    assert_eq!(of("pkg:golang/example.org/team/app"), 7);
    let hello = "pkg:golang/golang.org/x/example/hello@v0.0.0-20250915201037-7f05d217867b";
    assert_eq!(of(hello), 1);
    assert_eq!(edges.len(), 22);
}

#[test]
fn replacements_settings_and_sums_are_kept() {
    let inventory = scan("go-mini");
    let map = package(
        &inventory,
        "pkg:golang/github.com/go-viper/mapstructure@v1.6.0",
    );
    assert_eq!(
        map.properties["go:replaces"],
        "github.com/mitchellh/mapstructure@v1.5.0"
    );
    assert!(map.properties["go:sum"].starts_with("h1:"));
    let folder = package(&inventory, "pkg:golang/example.org/localdep@v0.0.0");
    assert_eq!(folder.properties["go:replaced-by"], "../local");
    assert_eq!(folder.identification.confidence, 50);
    let app = package(&inventory, "pkg:golang/example.org/team/app@v1.4.2");
    assert_eq!(app.properties["go:build:vcs.modified"], "false");
    assert_eq!(app.architecture.as_deref(), Some("amd64"));
    assert_eq!(app.checksums.len(), 1);
    let library = package(&inventory, "pkg:golang/stdlib@1.26.8");
    assert_eq!(library.licenses[0].text(), "BSD-3-Clause");
}
