//! What the fixture images do not have: other layouts of the same data, and data that is broken.

use countersign_sbom::{
    Completeness, Fault, Inventory, LayerLimits, Package, PackageKind, Presence, RelationshipKind,
    Scan, cataloger,
};

use crate::tarball::{Tarball, gzip, read};

fn tar() -> Tarball {
    Tarball::default()
}

fn scan(tarball: Tarball) -> Inventory {
    let scan = Scan::new(cataloger::all(), LayerLimits::default());
    let bytes = tarball.bytes();
    let layer = read(&scan, 0, &bytes, &gzip(&bytes)).unwrap();
    scan.finish(vec![layer]).unwrap()
}

#[track_caller]
fn complete(tarball: Tarball) -> Inventory {
    let inventory = scan(tarball);
    assert_eq!(
        inventory.completeness,
        Completeness::Complete,
        "{:?}",
        inventory.warnings
    );
    inventory
}

#[track_caller]
fn warned(tarball: Tarball, path: &str, fault: Fault) -> Inventory {
    let inventory = scan(tarball);
    let found: Vec<_> = inventory
        .warnings
        .iter()
        .map(|warning| (&*warning.path, &warning.fault))
        .collect();
    assert_eq!(found, [(path, &fault)]);
    assert_eq!(inventory.completeness, Completeness::Incomplete);
    inventory
}

fn purls(inventory: &Inventory) -> Vec<String> {
    inventory
        .packages
        .iter()
        .map(|package| package.purl.as_ref().unwrap().to_string())
        .collect()
}

fn package<'a>(inventory: &'a Inventory, name: &str) -> &'a Package {
    inventory
        .packages
        .iter()
        .find(|package| package.name == name)
        .unwrap()
}

fn edges(inventory: &Inventory, kind: RelationshipKind) -> Vec<(String, String)> {
    let by_id = inventory.by_id();
    let edges = inventory
        .relationships
        .iter()
        .filter(|edge| edge.kind == kind);
    edges
        .map(|edge| (by_id[&edge.from].name.clone(), by_id[&edge.to].name.clone()))
        .collect()
}

const DEBIAN: &[u8] = b"ID=debian\nVERSION_ID=\"12\"\n";

#[test]
fn a_folder_of_stanzas_as_distroless_has_it() {
    let inventory = complete(
        tar()
            .file("etc/os-release", DEBIAN)
            .file(
                "var/lib/dpkg/status.d/YmFzZQ==",
                b"Package: base\nVersion: 1\nArchitecture: amd64\n",
            )
            .file(
                "var/lib/dpkg/status.d/libc6",
                b"Package: libc6\nSource: glibc\nVersion: 2+x\nArchitecture: amd64\n",
            )
            .file(
                "var/lib/dpkg/status.d/libc6.md5sums",
                b"d41d8cd98f00b204e9800998ecf8427e  lib/libc.so.6\n",
            ),
    );
    let expected = [
        "pkg:deb/debian/base@1?arch=amd64&distro=debian-12",
        "pkg:deb/debian/libc6@2%2Bx?arch=amd64&distro=debian-12&upstream=glibc",
    ];
    assert_eq!(purls(&inventory), expected);
    let libc = package(&inventory, "libc6");
    assert_eq!(
        (
            libc.files.len(),
            &*libc.files[0].path,
            libc.files[0].present
        ),
        (1, "/lib/libc.so.6", false)
    );
}

#[test]
fn the_distribution_names_the_purl() {
    let status = b"Package: a\nVersion: 1\nArchitecture: all\nStatus: install ok installed\n";
    let with = |release: &[u8]| {
        complete(
            tar()
                .file("usr/lib/os-release", release)
                .file("var/lib/dpkg/status", status),
        )
    };
    let ubuntu = with(b"ID=ubuntu\nID_LIKE=debian\nVERSION_ID=24.04\n");
    assert_eq!(
        purls(&ubuntu),
        ["pkg:deb/ubuntu/a@1?arch=all&distro=ubuntu-24.04"]
    );
    // Somebody else's dpkg: a name in Debian's space would be wrong.
    assert_eq!(with(b"ID=other\n").packages[0].purl, None);
    assert_eq!(
        purls(&complete(tar().file("var/lib/dpkg/status", status))),
        ["pkg:deb/debian/a@1?arch=all"]
    );
}

#[test]
fn a_second_root_has_a_database_of_its_own() {
    let one = b"Package: a\nVersion: 1\nArchitecture: all\n\nPackage: b\nVersion: 1\nArchitecture: all\nDepends: a\n";
    let two = b"Package: b\nVersion: 2\nArchitecture: all\nDepends: a\n";
    let inventory = complete(
        tar()
            .file("var/lib/dpkg/status", one)
            .file("srv/root/var/lib/dpkg/status", two),
    );
    assert_eq!(inventory.packages.len(), 3);
    assert_eq!(
        edges(&inventory, RelationshipKind::DependsOn),
        [("b".to_owned(), "a".to_owned())]
    );
}

#[test]
fn broken_stanzas_are_named_and_the_others_stay() {
    let text = b"Package: a\nVersion: 1\n\nVersion: 2\n\nPackage: b\nVersion: 3\n";
    let inventory = warned(
        tar().file("var/lib/dpkg/status", text),
        "/var/lib/dpkg/status",
        Fault::FieldMissing {
            field: "Package",
            line: 4,
        },
    );
    assert_eq!(inventory.packages.len(), 2);
    let text = b"Package: a\nVersion: 1\nthis is no field\n";
    warned(
        tar().file("var/lib/dpkg/status", text),
        "/var/lib/dpkg/status",
        Fault::Record { line: 3 },
    );
    let text = b"Package: a\n";
    let fault = Fault::FieldMissing {
        field: "Version",
        line: 1,
    };
    let inventory = warned(
        tar().file("var/lib/dpkg/status", text),
        "/var/lib/dpkg/status",
        fault,
    );
    assert_eq!(inventory.packages[0].version, None);
}

#[test]
fn what_dpkg_installed_is_marked_as_owned() {
    let metadata = "usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO";
    let inventory = complete(
        tar()
            .file(
                "var/lib/dpkg/status",
                b"Package: python3-six\nVersion: 1.16.0-4\nArchitecture: all\n",
            )
            .file(
                "var/lib/dpkg/info/python3-six.list",
                format!("/.\n/usr\n/{metadata}\n").as_bytes(),
            )
            .file(metadata, b"Name: six\nVersion: 1.16.0\n")
            .file(
                "usr/local/lib/python3.11/site-packages/attrs-1.dist-info/METADATA",
                b"Name: attrs\nVersion: 1\n",
            ),
    );
    let owned = [("six".to_owned(), "python3-six".to_owned())];
    assert_eq!(edges(&inventory, RelationshipKind::OwnedBy), owned);
    assert_eq!(
        package(&inventory, "python3-six").files.len(),
        1,
        "folders are no files"
    );
}

#[test]
fn vendored_distributions_are_embedded() {
    let site = "usr/lib/python3.12/site-packages";
    let inner = "setuptools/_vendor/wheel-0.43.0.dist-info/METADATA";
    let inventory = complete(
        tar()
            .file(
                &format!("{site}/setuptools-70.dist-info/METADATA"),
                b"Name: setuptools\nVersion: 70\n",
            )
            .file(
                &format!("{site}/setuptools-70.dist-info/RECORD"),
                format!("{inner},,\n../../../bin/x,,\n").as_bytes(),
            )
            .file(
                &format!("{site}/{inner}"),
                b"Name: wheel\nVersion: 0.43.0\n",
            ),
    );
    assert_eq!(package(&inventory, "wheel").presence, Presence::Embedded);
    assert_eq!(
        package(&inventory, "setuptools").presence,
        Presence::Installed
    );
    let contains = [("setuptools".to_owned(), "wheel".to_owned())];
    assert_eq!(edges(&inventory, RelationshipKind::Contains), contains);
    assert!(
        package(&inventory, "setuptools")
            .files
            .iter()
            .any(|file| file.path == "/usr/bin/x")
    );
}

#[test]
fn extras_count_where_somebody_asked_for_them() {
    let site = "opt/venv/lib/python3.12/site-packages";
    let distribution = |tarball: Tarball, name: &str, rest: &str| {
        let text = format!("Name: {name}\nVersion: 1\n{rest}\n");
        tarball.file(
            &format!("{site}/{name}-1.dist-info/METADATA"),
            text.as_bytes(),
        )
    };
    let lib =
        "Requires-Dist: socks; extra == 'proxy'\nRequires-Dist: win; sys_platform == 'win32'\n";
    let base = |asked: &str| {
        let tarball = distribution(tar(), "lib", lib);
        let tarball = distribution(distribution(tarball, "socks", ""), "win", "");
        edges(
            &complete(distribution(tarball, "app", asked)),
            RelationshipKind::DependsOn,
        )
    };
    let edge = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    assert_eq!(base("Requires-Dist: lib"), [edge("app", "lib")]);
    let mut asked = base("Requires-Dist: lib[proxy] (>=1)");
    asked.sort();
    assert_eq!(asked, [edge("app", "lib"), edge("lib", "socks")]);
}

#[test]
fn metadata_without_a_name_is_named() {
    let path = "opt/lib/x-1.dist-info/METADATA";
    let fault = Fault::FieldMissing {
        field: "Name",
        line: 0,
    };
    let inventory = warned(
        tar().file(path, b"Version: 1\n"),
        &format!("/{path}"),
        fault,
    );
    assert_eq!(inventory.packages, []);
    let path = "opt/lib/x-1.dist-info/direct_url.json";
    let metadata = tar().file("opt/lib/x-1.dist-info/METADATA", b"Name: x\nVersion: 1\n");
    warned(
        metadata.file(path, b"[]"),
        &format!("/{path}"),
        Fault::Json { line: 1, column: 2 },
    );
}

#[test]
fn embedded_sboms_of_other_kinds_are_named() {
    let wheel = || tar().file("l/a-1.dist-info/METADATA", b"Name: a\nVersion: 1\n");
    let path = "l/a-1.dist-info/sboms/a.json";
    let fault = Fault::Unsupported {
        format: "embedded SBOM",
    };
    warned(
        wheel().file(path, br#"{"spdxVersion":"SPDX-2.3"}"#),
        &format!("/{path}"),
        fault,
    );
    // The wheel in its own SBOM is no second package.
    let bom = br#"{"bomFormat":"CycloneDX","metadata":{"component":{"bom-ref":"r","name":"a","version":"1","purl":"pkg:pypi/A@1"}},
        "components":[{"bom-ref":"z","name":"zlib","version":"1.3","licenses":[{"license":{"id":"Zlib"}}]}],
        "dependencies":[{"ref":"r","dependsOn":["z","absent"]}]}"#;
    let inventory = complete(wheel().file(path, bom));
    let names: Vec<_> = inventory
        .packages
        .iter()
        .map(|package| (&*package.name, package.presence))
        .collect();
    assert_eq!(
        names,
        [("zlib", Presence::Embedded), ("a", Presence::Installed)]
    );
    let edge = [("a".to_owned(), "zlib".to_owned())];
    assert_eq!(edges(&inventory, RelationshipKind::Contains), edge);
    assert_eq!(edges(&inventory, RelationshipKind::DependsOn), edge);
}

#[test]
fn node_finds_packages_through_pnpm_s_links() {
    let store = "app/node_modules/.pnpm";
    let inventory = complete(
        tar()
            .file(
                "app/package.json",
                br#"{"name":"app","version":"1.0.0","dependencies":{"a":"1"}}"#,
            )
            .symlink("app/node_modules/a", ".pnpm/a@1.0.0/node_modules/a")
            .file(
                &format!("{store}/a@1.0.0/node_modules/a/package.json"),
                br#"{"name":"a","version":"1.0.0","dependencies":{"b":"2"}}"#,
            )
            .symlink(
                &format!("{store}/a@1.0.0/node_modules/b"),
                "../../b@2.0.0/node_modules/b",
            )
            .file(
                &format!("{store}/b@2.0.0/node_modules/b/package.json"),
                br#"{"name":"b","version":"2.0.0"}"#,
            ),
    );
    assert_eq!(
        purls(&inventory),
        ["pkg:npm/a@1.0.0", "pkg:npm/app@1.0.0", "pkg:npm/b@2.0.0"]
    );
    let mut found = edges(&inventory, RelationshipKind::DependsOn);
    found.sort();
    assert_eq!(
        found,
        [
            ("a".to_owned(), "b".to_owned()),
            ("app".to_owned(), "a".to_owned())
        ]
    );
}

#[test]
fn the_same_package_twice_is_one_with_two_places() {
    let text = br#"{"name":"a","version":"1.0.0"}"#;
    let inventory = complete(
        tar()
            .file("x/node_modules/a/package.json", text)
            .file("y/node_modules/a/package.json", text),
    );
    assert_eq!(inventory.packages.len(), 1);
    let places: Vec<_> = inventory.packages[0]
        .locations
        .iter()
        .map(|place| &*place.path)
        .collect();
    assert_eq!(
        places,
        [
            "/x/node_modules/a/package.json",
            "/y/node_modules/a/package.json"
        ]
    );
}

#[test]
fn phantoms_are_no_packages() {
    let template = br#"{"name":"<%= dasherize(name) %>","version":"1.0.0"}"#;
    let inventory = complete(
        tar()
            .file("n/node_modules/a/package.json", br#"{"name":"a"}"#)
            .file("n/node_modules/b/package.json", template)
            .file(
                "n/node_modules/c/stub/package.json",
                br#"{"name":"c/stub","version":"1.0.0"}"#,
            )
            .file("n/node_modules/c/test/broken/package.json", b"{")
            .file(
                "src/fixture/package.json",
                br#"{"name":"fixture","version":"1.0.0"}"#,
            ),
    );
    assert_eq!(inventory.packages, []);
}

#[test]
fn broken_manifests_of_packages_are_named() {
    let path = "n/node_modules/a/package.json";
    warned(
        tar().file(path, b"{\"name\":"),
        &format!("/{path}"),
        Fault::Json { line: 1, column: 8 },
    );
    let path = "n/node_modules/.package-lock.json";
    warned(
        tar().file(path, b"{"),
        &format!("/{path}"),
        Fault::Json { line: 1, column: 1 },
    );
}

#[test]
fn hashes_of_the_lock_belong_to_the_version_that_is_there() {
    let lock = br#"{"packages":{"node_modules/a":{"version":"1.0.0","resolved":"https://r/a.tgz","integrity":"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="}}}"#;
    let with = |version: &str| {
        let text = format!(r#"{{"name":"a","version":"{version}"}}"#);
        let tarball = tar().file("n/node_modules/a/package.json", text.as_bytes());
        complete(tarball.file("n/node_modules/.package-lock.json", lock))
    };
    let right = with("1.0.0");
    assert_eq!(
        right.packages[0].checksums[0].hex,
        "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    );
    assert_eq!(
        right.packages[0].download_location.as_deref(),
        Some("https://r/a.tgz")
    );
    assert_eq!(with("1.0.1").packages[0].checksums, []);
    assert_eq!(right.packages[0].kind, PackageKind::Npm);
}

#[test]
fn no_bytes_can_make_a_cataloger_panic() {
    use proptest::prelude::*;
    let paths = [
        "etc/os-release",
        "var/lib/dpkg/status",
        "var/lib/dpkg/info/a.md5sums",
        "usr/share/doc/a/copyright",
        "l/a.dist-info/METADATA",
        "l/a.dist-info/RECORD",
        "l/a.dist-info/direct_url.json",
        "l/a.dist-info/sboms/a.json",
        "n/node_modules/a/package.json",
        "n/node_modules/.package-lock.json",
    ];
    let seeds = [
        "Package: a\nVersion: 1\nDepends: b | c (>= 1)\nConffiles:\n /a d41d8cd98f00b204e9800998ecf8427e\n",
        "Format: x\n\nLicense: GPL-1+ or Artistic, and Expat with Bison exception\n",
        "Name: a\nVersion: 1\nRequires-Dist: b[c] ; extra == 'é' and (x)\nAuthor-email: \"é\" <a@b>, c\n",
        "{\"name\":\"a\",\"version\":\"1\",\"license\":[{\"type\":\"MIT\"}],\"author\":\"a (b\"}",
        "\"a\"\",b\",sha256=x,1\n../../x,,\n",
    ];
    proptest!(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() }, |(
        seed in 0..seeds.len(),
        cut in 0..200_usize,
        noise in proptest::collection::vec(any::<u8>(), 0..12),
    )| {
        let mut bytes = seeds[seed].as_bytes().to_vec();
        let at = cut.min(bytes.len());
        bytes.splice(at..at, noise);
        let tarball = paths.iter().fold(tar(), |tarball, path| tarball.file(path, &bytes));
        scan(tarball);
    });
}
