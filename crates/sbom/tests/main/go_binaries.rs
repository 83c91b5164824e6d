//! Go's build information: both encodings, every format, and what is wrong with it.

use countersign_sbom::cataloger::golang::{BuildInfoError, ModuleListError, read_build_info};
use countersign_sbom::cataloger::{self, ExecutableError};
use countersign_sbom::{Completeness, Fault, LayerLimits, Scan};
use object::Endianness;
use proptest::prelude::*;

use crate::forge::{self, ADDRESS, Elf};

const BEGIN: &[u8] = b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6";
const END: &[u8] = b"\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2";
const MODULES: &str = "path\texample.org/tool\nmod\texample.org/tool\tv1.0.0\th1:a=\ndep\texample.org/b\tv0.2.0\th1:b=\n";

fn header(pointer_size: u8, flags: u8) -> Vec<u8> {
    let mut header = b"\xff Go buildinf:".to_vec();
    header.extend([pointer_size, flags]);
    header
}

fn marked(modules: &str) -> Vec<u8> {
    [BEGIN, modules.as_bytes(), END].concat()
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// As linkers write it since Go 1.18.
fn inline(version: &str, modules: &str) -> Vec<u8> {
    let mut info = header(8, 2);
    info.resize(32, 0);
    for text in [version.as_bytes(), &marked(modules)] {
        info.extend(varint(text.len()));
        info.extend(text);
    }
    info
}

/// As linkers wrote it before: two addresses of strings, which are at the beginning of the data here.
fn pointers(size: u8, endian: Endianness, version: &str, modules: &str) -> Vec<u8> {
    let number = |number: u64| -> Vec<u8> {
        match (endian, size) {
            (Endianness::Little, _) => number.to_le_bytes()[..usize::from(size)].to_vec(),
            (Endianness::Big, _) => number.to_be_bytes()[usize::from(8 - size)..].to_vec(),
        }
    };
    let modules = marked(modules);
    let (version_at, modules_at) = (ADDRESS + 64, ADDRESS + 64 + version.len() as u64);
    let mut data = Vec::new();
    for word in [
        version_at,
        version.len() as u64,
        modules_at,
        modules.len() as u64,
    ] {
        data.extend(number(word));
    }
    data.resize(64, 0);
    data.extend(version.as_bytes());
    data.extend(&modules);
    data.resize(data.len().next_multiple_of(16), 0);
    data.extend(header(size, u8::from(endian == Endianness::Big)));
    data.extend(number(ADDRESS));
    data.extend(number(ADDRESS + 2 * u64::from(size)));
    data.resize(data.len().next_multiple_of(16) + 16, 0);
    data
}

#[track_caller]
fn check(file: &[u8], version: Option<&str>) {
    let found = read_build_info(file).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].go_version.as_deref(), version);
    let modules = &found[0].modules;
    assert_eq!(modules.main.as_ref().unwrap().version, "v1.0.0");
    assert_eq!(modules.dependencies[0].path, "example.org/b");
}

#[test]
fn strings_behind_the_header() {
    let info = inline("go1.22.1", MODULES);
    check(&forge::elf(".go.buildinfo", &info), Some("go1.22.1"));
    check(&forge::macho("__go_buildinfo", &info), Some("go1.22.1"));
    check(
        &forge::universal(&[forge::macho("__go_buildinfo", &info)]),
        Some("go1.22.1"),
    );
    // Windows has no section of that name, and the header is somewhere in the data.
    let somewhere = [&[0; 48][..], &info].concat();
    check(&forge::pe(*b".data\0\0\0", &somewhere), Some("go1.22.1"));
    check(
        &Elf {
            data: &somewhere,
            ..Elf::default()
        }
        .write(),
        Some("go1.22.1"),
    );
}

#[test]
fn addresses_in_the_header() {
    for (is_64, endian) in [
        (true, Endianness::Little),
        (true, Endianness::Big),
        (false, Endianness::Little),
        (false, Endianness::Big),
    ] {
        let size = if is_64 { 8 } else { 4 };
        let data = pointers(size, endian, "go1.17", MODULES);
        check(
            &Elf {
                is_64,
                endian,
                data: &data,
                ..Elf::default()
            }
            .write(),
            Some("go1.17"),
        );
    }
}

#[test]
fn a_blanked_header_hides_only_the_version() {
    let mut info = inline("go1.22.1", MODULES);
    info[..32].fill(0);
    check(&forge::elf(".go.buildinfo", &info), None);
    let program = Elf {
        sections: &[(".gopclntab", b""), (".rodata", &marked(MODULES))],
        ..Elf::default()
    };
    check(&program.write(), None);
    // Without a sign of Go nobody searches the whole file.
    assert_eq!(
        read_build_info(&forge::elf(".rodata", &marked(MODULES))),
        Ok(Vec::new())
    );
}

#[test]
fn programs_without_modules_have_a_toolchain() {
    let found = read_build_info(&forge::elf(".go.buildinfo", &inline("go1.20", ""))).unwrap();
    assert_eq!(found[0].modules.main, None);
    let scan = Scan::new(cataloger::all(), LayerLimits::default());
    let file = forge::elf(
        ".go.buildinfo",
        &inline("devel go1.25-0a1b2c Mon Jan 2", ""),
    );
    let (_, inventory) = scan.file("tool", &file[..]).unwrap();
    let purls: Vec<String> = inventory
        .packages
        .iter()
        .map(|package| package.purl.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(purls, ["pkg:golang/stdlib@1.25-0a1b2c"]);
}

#[test]
fn wrong_build_information_is_refused_with_the_reason() {
    let good = inline("go1.22.1", MODULES);
    let in_section = |info: &[u8]| read_build_info(&forge::elf(".go.buildinfo", info)).unwrap_err();
    assert_eq!(in_section(b"nothing"), BuildInfoError::NoMagic);
    assert_eq!(in_section(&good[..20]), BuildInfoError::CutOff);
    assert_eq!(in_section(&good[..33]), BuildInfoError::CutOff);
    assert_eq!(in_section(&good[..good.len() - 1]), BuildInfoError::CutOff);
    assert_eq!(in_section(&inline("", MODULES)), BuildInfoError::Version);
    assert_eq!(
        in_section(&inline("1.22", MODULES)),
        BuildInfoError::Version
    );
    assert_eq!(
        in_section(&inline("go1.22", "mod\n")),
        BuildInfoError::Modules(ModuleListError::Line { line: 1 })
    );
    let mut long = header(8, 2);
    long.resize(32, 0);
    long.extend(varint(100 << 20));
    let too_long = |length| BuildInfoError::TooLong {
        length,
        limit: 4 << 20,
    };
    assert_eq!(in_section(&long), too_long(100 << 20));
    long.truncate(32);
    long.extend([0xff; 20]);
    assert_eq!(in_section(&long), too_long(u64::MAX));
    let mut odd = header(3, 0);
    odd.resize(48, 0);
    assert_eq!(in_section(&odd), BuildInfoError::PointerSize { size: 3 });
    odd[14] = 8;
    assert_eq!(in_section(&odd), BuildInfoError::Address { address: 0 });
    odd[16..24].fill(0xff);
    assert_eq!(
        in_section(&odd),
        BuildInfoError::Address { address: u64::MAX }
    );
}

#[test]
fn a_false_magic_in_the_data_is_passed_over() {
    let lone = [&header(8, 2)[..], &[0; 32]].concat();
    assert_eq!(
        read_build_info(
            &Elf {
                data: &lone,
                ..Elf::default()
            }
            .write()
        ),
        Ok(Vec::new())
    );
    let then_true = [&lone[..], &inline("go1.22.1", MODULES)].concat();
    check(
        &Elf {
            data: &then_true,
            ..Elf::default()
        }
        .write(),
        Some("go1.22.1"),
    );
}

#[test]
fn faults_are_warnings_of_the_scan() {
    let scan = Scan::new(cataloger::all(), LayerLimits::default());
    let (_, inventory) = scan
        .file("tool", &forge::elf(".go.buildinfo", b"nothing")[..])
        .unwrap();
    assert_eq!(inventory.completeness, Completeness::Incomplete);
    let expected = Fault::GoBuildInfo(BuildInfoError::NoMagic);
    assert_eq!(
        inventory
            .warnings
            .iter()
            .map(|warning| &warning.fault)
            .collect::<Vec<_>>(),
        [&expected]
    );
    let cut = ExecutableError::SectionCutOff {
        name: ".go.buildinfo".into(),
    };
    assert_eq!(
        Fault::GoBuildInfo(BuildInfoError::Executable(cut)).to_string(),
        "section .go.buildinfo reaches beyond the end of the file"
    );
}

proptest! {
    #[test]
    fn damaged_build_information_never_panics(
        which in 0_usize..3,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut info = match which {
            0 => inline("go1.22.1", MODULES),
            1 => pointers(8, Endianness::Little, "go1.17", MODULES),
            _ => pointers(4, Endianness::Big, "go1.17", MODULES),
        };
        for (at, byte) in flips {
            let at = at.index(info.len());
            info[at] = byte;
        }
        info.truncate(cut.index(info.len()) + 1);
        let _ = read_build_info(&forge::elf(".go.buildinfo", &info));
        let _ = read_build_info(&Elf { data: &info, ..Elf::default() }.write());
    }
}
