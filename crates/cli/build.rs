//! Writes the list of crates that the binary is made of into its section `.dep-v0`, in the form of
//! `cargo auditable`, so that any scanner (ours too) can list them.
//!
//! The section travels in an object file of our own: `#[link_section]` would need `unsafe`. An undefined
//! symbol asks for it, so that the linker neither forgets nor collects it; it is not loaded at run time,
//! and `strip` keeps it because it is no debug section.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use auditable_serde::{DependencyKind, Package, Source, VersionInfo};
use object::write::{Object, Symbol, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, SectionFlags, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope,
};

/// The symbol that `cargo auditable` uses for the same purpose.
const SYMBOL: &str = "AUDITABLE_VERSION_INFO";

fn main() -> Result<(), Box<dyn Error>> {
    let workspace = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../..");
    watch(&workspace)?;
    if env::var("CARGO_CFG_TARGET_OS")? != "linux" {
        println!("cargo::warning=the crate list is embedded on Linux only");
        return Ok(());
    }
    let crates = parse(&tree(&workspace)?)?;
    let object = object_file(&compress(&serde_json::to_vec(&crates)?)?)?;
    let path = PathBuf::from(env::var("OUT_DIR")?).join("dep-v0.o");
    fs::write(&path, object)?;
    println!("cargo::rustc-link-arg-bins={}", path.display());
    println!("cargo::rustc-link-arg-bins=-Wl,--undefined={SYMBOL}");
    Ok(())
}

/// Only a change of a manifest or of the lock file can change the list.
fn watch(workspace: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!(
        "cargo::rerun-if-changed={}",
        workspace.join("Cargo.lock").display()
    );
    println!(
        "cargo::rerun-if-changed={}",
        workspace.join("Cargo.toml").display()
    );
    for entry in fs::read_dir(workspace.join("crates"))? {
        let manifest = entry?.path().join("Cargo.toml");
        if manifest.is_file() {
            println!("cargo::rerun-if-changed={}", manifest.display());
        }
    }
    Ok(())
}

/// Asks cargo for the normal dependencies of this very binary on this target.
///
/// `cargo tree` and not `cargo metadata`: the latter wants the sources of development dependencies of the
/// whole workspace on the disk, which a plain build has not downloaded.
fn tree(workspace: &Path) -> Result<String, Box<dyn Error>> {
    let output = Command::new(env::var("CARGO")?)
        .current_dir(workspace)
        .args([
            "tree",
            "--locked",
            "--offline",
            "--package",
            "countersign-cli",
        ])
        .args(["--edges", "normal", "--target", &env::var("TARGET")?])
        .args([
            "--prefix",
            "depth",
            "--format",
            "|{p}",
            "--charset",
            "ascii",
        ])
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[derive(Default)]
struct Node {
    children: Vec<(String, String)>,
    local: bool,
    registry: bool,
    procedural: bool,
}

/// Reads lines of the form `DEPTH|name vVERSION [(place)] [(proc-macro)] [(*)]`.
fn parse(tree: &str) -> Result<VersionInfo, Box<dyn Error>> {
    let mut nodes: BTreeMap<(String, String), Node> = BTreeMap::new();
    let mut trail: Vec<(String, String)> = Vec::new();
    for line in tree.lines() {
        let (depth, package) = line.split_once('|').ok_or("a line without depth")?;
        let depth: usize = depth.parse()?;
        let mut words = package.split(' ');
        let name = words.next().ok_or("a line without name")?.to_owned();
        let version = words
            .next()
            .and_then(|word| word.strip_prefix('v'))
            .ok_or("no version")?;
        let key = (name, version.to_owned());
        trail.truncate(depth);
        if let Some(parent) = trail.last() {
            let children = &mut nodes.entry(parent.clone()).or_default().children;
            if !children.contains(&key) {
                children.push(key.clone());
            }
        }
        trail.push(key.clone());
        let node = nodes.entry(key).or_default();
        node.local |= package.contains(" (/");
        node.registry |= package.contains(" (registry ");
        node.procedural |= package.contains(" (proc-macro)");
    }
    let root = trail.first().ok_or("an empty tree")?.clone();
    let runtime = linked(&nodes, &root);
    let index: BTreeMap<_, _> = nodes
        .keys()
        .enumerate()
        .map(|(at, key)| (key, at))
        .collect();
    let packages = nodes.iter().map(|(key, node)| {
        let mut dependencies: Vec<usize> = node.children.iter().map(|child| index[child]).collect();
        dependencies.sort_unstable();
        Ok(Package {
            name: key.0.clone(),
            version: key.1.parse()?,
            source: match (node.local, node.registry) {
                (true, _) => Source::Local,
                (_, true) => Source::Registry,
                _ => Source::CratesIo,
            },
            kind: if runtime.contains(key) {
                DependencyKind::Runtime
            } else {
                DependencyKind::Build
            },
            dependencies,
            root: *key == root,
        })
    });
    // Format 1: procedural macros and what only they use are marked as build-time.
    Ok(VersionInfo {
        packages: packages.collect::<Result<_, Box<dyn Error>>>()?,
        format: 1,
    })
}

/// Returns what is reachable from `root` without passing a procedural macro.
fn linked(
    nodes: &BTreeMap<(String, String), Node>,
    root: &(String, String),
) -> Vec<(String, String)> {
    let mut found = vec![root.clone()];
    let mut next = 0;
    while let Some(key) = found.get(next).cloned() {
        for child in &nodes[&key].children {
            if !nodes[child].procedural && !found.contains(child) {
                found.push(child.clone());
            }
        }
        next += 1;
    }
    found
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn object_file(contents: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let architecture = match env::var("CARGO_CFG_TARGET_ARCH")?.as_str() {
        "x86_64" => Architecture::X86_64,
        "aarch64" => Architecture::Aarch64,
        other => return Err(format!("no object format is known for `{other}`").into()),
    };
    let mut object = Object::new(BinaryFormat::Elf, architecture, Endianness::Little);
    let section = object.add_section(Vec::new(), b".dep-v0".to_vec(), SectionKind::ReadOnlyData);
    // Not loaded into memory: it is there to be read from the file.
    object.section_mut(section).flags = SectionFlags::Elf {
        sh_type: object::elf::SHT_PROGBITS,
        sh_flags: object::elf::SectionFlags(0),
    };
    let value = object.append_section_data(section, contents, 1);
    object.add_symbol(Symbol {
        name: SYMBOL.as_bytes().to_vec(),
        value,
        size: contents.len() as u64,
        kind: SymbolKind::Data,
        scope: SymbolScope::Dynamic,
        weak: false,
        section: SymbolSection::Section(section),
        flags: SymbolFlags::None,
    });
    Ok(object.write()?)
}
