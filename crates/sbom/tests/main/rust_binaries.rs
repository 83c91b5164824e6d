//! Lists of crates: read from every format, refused when they are wrong.

use std::collections::BTreeSet;
use std::io::Write;

use countersign_sbom::cataloger::rust::{
    CrateKind, CrateListError, CrateSource, parse_section, read_crate_lists,
};
use countersign_sbom::cataloger::{self, ExecutableError, ExecutableFormat};
use countersign_sbom::{Completeness, Fault, LayerLimits, Presence, Scan};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use object::Endianness;
use proptest::prelude::*;

use crate::forge::{self, Elf};

/// Written by the reference implementation of the format.
fn list() -> Vec<u8> {
    use auditable_serde::{DependencyKind, Package, Source, VersionInfo};
    let package = |name: &str, version: &str, source, kind, dependencies| Package {
        name: name.to_owned(),
        version: version.parse().unwrap(),
        source,
        kind,
        dependencies,
        root: name == "tool",
    };
    let info = VersionInfo {
        packages: vec![
            package(
                "cc",
                "1.0.0",
                Source::CratesIo,
                DependencyKind::Build,
                vec![],
            ),
            package(
                "forked",
                "0.1.0",
                Source::Git,
                DependencyKind::Runtime,
                vec![4],
            ),
            package(
                "inner",
                "2.0.0+local.1",
                Source::Registry,
                DependencyKind::Runtime,
                vec![0, 4],
            ),
            package(
                "local",
                "0.0.0",
                Source::Local,
                DependencyKind::Runtime,
                vec![1, 2],
            ),
            package(
                "serde",
                "1.0.200+meta",
                Source::CratesIo,
                DependencyKind::Runtime,
                vec![],
            ),
            package(
                "tool",
                "3.1.4-rc.1",
                Source::Local,
                DependencyKind::Runtime,
                vec![0, 1, 3],
            ),
        ],
        format: 0,
    };
    serde_json::to_vec(&info).unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn section() -> Vec<u8> {
    zlib(&list())
}

#[test]
fn lists_are_found_in_every_format() {
    let section = section();
    let expected = parse_section(&section).unwrap();
    let big = Elf {
        is_64: false,
        endian: Endianness::Big,
        sections: &[(".text", b"x"), (".dep-v0", &section)],
        ..Elf::default()
    };
    for file in [
        forge::elf(".dep-v0", &section),
        big.write(),
        forge::macho(".dep-v0", &section),
        forge::universal(&[
            forge::macho(".dep-v0", &section),
            forge::macho(".dep-v0", &section),
        ]),
        forge::universal(&[
            forge::macho(".other", &section),
            forge::macho(".dep-v0", &section),
        ]),
        forge::pe(*b".dep-v0\0", &section),
    ] {
        assert_eq!(
            read_crate_lists(&file).unwrap(),
            std::slice::from_ref(&expected)
        );
    }
    assert_eq!(expected.crates[2].source, CrateSource::Registry);
    assert_eq!(expected.crates[0].kind, CrateKind::Build);
    assert!(expected.crates[5].is_root);
}

#[test]
fn what_has_no_list_has_none() {
    let section = section();
    let object_file = Elf {
        kind: object::elf::ET_REL,
        sections: &[(".dep-v0", &section)],
        ..Elf::default()
    };
    for file in [
        forge::elf(".dep-v1", &section),
        forge::elf(".dep-v", &section),
        object_file.write(),
        forge::pe(*b".dep-v0x", &section),
        b"MZ".to_vec(),
        Vec::new(),
    ] {
        assert_eq!(read_crate_lists(&file), Ok(Vec::new()));
    }
}

#[test]
fn packages_edges_and_sources() {
    let scan = Scan::new(cataloger::all(), LayerLimits::default());
    let (source, inventory) = scan
        .file("bin/tool", &forge::elf(".dep-v0", &section())[..])
        .unwrap();
    assert_eq!(
        inventory.completeness,
        Completeness::Complete,
        "{:?}",
        inventory.warnings
    );
    let purls: Vec<String> = inventory
        .packages
        .iter()
        .map(|package| package.purl.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(
        purls,
        [
            "pkg:cargo/forked@0.1.0",
            "pkg:cargo/inner@2.0.0%2Blocal.1",
            "pkg:cargo/local@0.0.0",
            "pkg:cargo/serde@1.0.200%2Bmeta",
            "pkg:cargo/tool@3.1.4-rc.1",
        ]
    );
    let by_id = inventory.by_id();
    let edges: BTreeSet<(&str, &str)> = inventory
        .relationships
        .iter()
        .map(|edge| (&*by_id[&edge.from].name, &*by_id[&edge.to].name))
        .collect();
    let expected = [
        ("forked", "serde"),
        ("inner", "serde"),
        ("local", "forked"),
        ("local", "inner"),
        ("tool", "forked"),
        ("tool", "local"),
    ];
    assert_eq!(edges, BTreeSet::from(expected));
    let source_of = |index: usize| &*inventory.packages[index].properties["cargo:source"];
    assert_eq!(
        (0..5).map(source_of).collect::<Vec<_>>(),
        ["git", "registry", "local", "crates.io", "local"]
    );
    let serde = &inventory.packages[3];
    assert_eq!(
        serde.download_location.as_deref(),
        Some("https://static.crates.io/crates/serde/serde-1.0.200%2Bmeta.crate")
    );
    assert_eq!(
        (
            serde.presence,
            inventory.packages[0].download_location.as_ref()
        ),
        (Presence::Embedded, None)
    );
    let tool = &inventory.packages[4];
    assert_eq!(tool.presence, Presence::Installed);
    assert_eq!(tool.checksums[0].hex, source.sha256.hex());
    assert_eq!(tool.locations[0].path, "/tool");
}

fn json(text: &str) -> Vec<u8> {
    zlib(text.as_bytes())
}

fn one(name: &str, version: &str, dependencies: &str) -> String {
    format!(
        r#"{{"name":"{name}","version":"{version}","source":"crates.io","dependencies":[{dependencies}]}}"#
    )
}

#[test]
fn wrong_lists_are_refused_with_the_reason() {
    let packages = |list: &[String]| json(&format!(r#"{{"packages":[{}]}}"#, list.join(",")));
    let many = vec![one("a", "1.0.0", ""); 65_537];
    let cases: Vec<(Vec<u8>, CrateListError)> = vec![
        (b"no zlib".to_vec(), CrateListError::Compression),
        (Vec::new(), CrateListError::Compression),
        (
            section()[..section().len() / 2].to_vec(),
            CrateListError::Compression,
        ),
        (
            zlib(&vec![b' '; (16 << 20) + 1]),
            CrateListError::InflatesTooLarge { limit: 16 << 20 },
        ),
        (
            vec![0; (8 << 20) + 1],
            CrateListError::SectionTooLarge {
                size: (8 << 20) + 1,
                limit: 8 << 20,
            },
        ),
        (json("{"), CrateListError::Json { line: 1, column: 1 }),
        (
            json(r#"{"packages":[{"name":"a"}]}"#),
            CrateListError::Json {
                line: 1,
                column: 25,
            },
        ),
        (
            json(&"[".repeat(10_000)),
            CrateListError::Json { line: 1, column: 3 },
        ),
        (
            packages(&many),
            CrateListError::TooManyCrates {
                count: 65_537,
                limit: 65_536,
            },
        ),
        (
            packages(&[one("", "1.0.0", "")]),
            CrateListError::Name { index: 0 },
        ),
        (
            packages(&[one("a", "1.0.0", ""), one("../b", "1.0.0", "")]),
            CrateListError::Name { index: 1 },
        ),
        (
            packages(&[one("a", "latest", "")]),
            CrateListError::Version { index: 0 },
        ),
        (
            packages(&[one("a", "1.0.0 ", "")]),
            CrateListError::Version { index: 0 },
        ),
        (
            packages(&[one("a", "1.0.0", "1")]),
            CrateListError::Dependency {
                index: 0,
                dependency: 1,
            },
        ),
        (
            packages(&[one("a", "1.0.0", "0")]),
            CrateListError::Cycle { index: 0 },
        ),
        (
            packages(&[
                one("a", "1.0.0", "1"),
                one("b", "1.0.0", "2"),
                one("c", "1.0.0", "1"),
            ]),
            CrateListError::Cycle { index: 0 },
        ),
    ];
    for (section, expected) in cases {
        assert_eq!(parse_section(&section).unwrap_err(), expected);
    }
}

#[test]
fn words_of_later_versions_are_kept() {
    let text = r#"{"format":9,"new":1,"packages":[{"name":"a","version":"1.0.0","source":"moon","more":[]}]}"#;
    let list = parse_section(&json(text)).unwrap();
    assert_eq!(list.crates[0].source, CrateSource::Other("moon".into()));
    let unknown_kind = text.replace("more\":[]", "kind\":\"dev\"");
    assert!(matches!(
        parse_section(&json(&unknown_kind)),
        Err(CrateListError::Json { .. })
    ));
}

#[test]
fn broken_executables_are_warnings_of_the_scan() {
    let whole = forge::elf(".dep-v0", &section());
    let headers = ExecutableError::Headers {
        format: ExecutableFormat::Elf,
    };
    // The table of sections is at the end.
    let truncated = whole[..whole.len() - 10].to_vec();
    assert_eq!(
        read_crate_lists(&truncated),
        Err(CrateListError::Executable(headers.clone()))
    );
    // A section that claims to be larger than the file: its size is the fifth word of its header.
    let mut huge = whole.clone();
    let size_at = whole.len() - 2 * 64 + 32;
    huge[size_at..size_at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    let cut_off = ExecutableError::SectionCutOff {
        name: ".dep-v0".into(),
    };
    assert_eq!(
        read_crate_lists(&huge),
        Err(CrateListError::Executable(cut_off))
    );
    // More sections than any linker makes: the number is in the first header when it does not fit.
    let mut many = whole.clone();
    many[0x3c..0x3e].copy_from_slice(&[0, 0]);
    let first = whole.len() - 3 * 64;
    many[first + 32..first + 40].copy_from_slice(&100_000_u64.to_le_bytes());
    let too_many = ExecutableError::TooManySections {
        count: 100_000,
        limit: 65_535,
    };
    assert_eq!(
        read_crate_lists(&many),
        Err(CrateListError::Executable(too_many))
    );

    let scan = Scan::new(cataloger::all(), LayerLimits::default());
    let (_, inventory) = scan.file("tool", &truncated[..]).unwrap();
    assert_eq!(inventory.completeness, Completeness::Incomplete);
    assert!(inventory.packages.is_empty());
    let warning = inventory
        .warnings
        .iter()
        .find(|warning| warning.cataloger == "rust-auditable");
    assert_eq!(
        warning.unwrap().fault,
        Fault::CrateList(CrateListError::Executable(headers))
    );
    let (_, inventory) = scan
        .file("tool", &forge::elf(".dep-v0", &json("{"))[..])
        .unwrap();
    let expected = Fault::CrateList(CrateListError::Json { line: 1, column: 1 });
    assert_eq!(inventory.warnings[0].fault, expected);
}

#[test]
fn packed_programs_are_said_to_be_unread() {
    let mut file = Elf {
        data: b"....UPX!....",
        ..Elf::default()
    }
    .write();
    // No sections, as UPX leaves it.
    file[0x28..0x30].fill(0);
    file[0x3c..0x40].fill(0);
    assert_eq!(
        read_crate_lists(&file),
        Err(CrateListError::Executable(ExecutableError::Packed))
    );
}

proptest! {
    #[test]
    fn damaged_executables_never_panic(
        which in 0_usize..4,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let section = section();
        let mut file = match which {
            0 => forge::elf(".dep-v0", &section),
            1 => forge::macho(".dep-v0", &section),
            2 => forge::universal(&[forge::macho(".dep-v0", &section)]),
            _ => forge::pe(*b".dep-v0\0", &section),
        };
        for (at, byte) in flips {
            let at = at.index(file.len());
            file[at] = byte;
        }
        file.truncate(cut.index(file.len()) + 1);
        let _ = read_crate_lists(&file);
        let _ = cataloger::golang::read_build_info(&file);
    }

    #[test]
    fn any_bytes_as_a_list_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_section(&bytes);
        let _ = parse_section(&zlib(&bytes));
    }
}
