//! The list of crates that `cargo auditable` puts into a binary: JSON, compressed with zlib, in the section
//! `.dep-v0` (rust-secure-code/cargo-auditable, PARSING.md and cargo-auditable.schema.json).

use std::io::{self, Read};

use flate2::read::ZlibDecoder;
use serde::{Deserialize, Serialize};

use crate::cataloger::executable::{Executable, ExecutableError};

/// The crates that a binary is made of, checked: indices are in range and dependencies do not go in circles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrateList {
    /// In the order of the list, in which dependencies are indices.
    pub crates: Vec<ListedCrate>,
}

/// One crate of a [`CrateList`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedCrate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where its source came from.
    pub source: CrateSource,
    /// Whether code of it is in the binary, or it only helped to build that.
    pub kind: CrateKind,
    /// The crates it needs, as indices.
    pub dependencies: Vec<usize>,
    /// Whether it is the crate that the binary is built from.
    pub is_root: bool,
}

/// Where the source of a crate came from. The list never says more than this: no URL, no path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CrateSource {
    /// The public registry.
    CratesIo,
    /// A git repository.
    Git,
    /// A folder.
    Local,
    /// Another registry.
    Registry,
    /// A word that later versions of the format may introduce.
    Other(String),
}

/// What a crate is in the binary for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CrateKind {
    /// It was only run while building: build scripts, procedural macros.
    Build,
    /// Linked in.
    #[default]
    Runtime,
}

/// Why a list of crates is not believed.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error,
)]
pub enum CrateListError {
    /// The binary cannot be looked into.
    #[error(transparent)]
    Executable(#[from] ExecutableError),
    /// The section is larger than a list can be.
    #[error("a list of crates of {size} compressed bytes, more than the {limit} that are read")]
    SectionTooLarge {
        /// The size of the section.
        size: u64,
        /// The cap.
        limit: u64,
    },
    /// The section is no zlib stream, or one that is cut off or damaged.
    #[error("a list of crates that does not decompress")]
    Compression,
    /// It inflates to more than a list can have.
    #[error("a list of crates that inflates to more than {limit} bytes")]
    InflatesTooLarge {
        /// The cap.
        limit: u64,
    },
    /// No JSON, or not of the expected form.
    #[error("a list of crates that is malformed at line {line}, column {column}")]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// More crates than a program has.
    #[error("{count} crates, more than the {limit} that are read")]
    TooManyCrates {
        /// How many are listed.
        count: usize,
        /// The cap.
        limit: usize,
    },
    /// A crate whose name no crate can have.
    #[error("crate {index} of the list has no proper name")]
    Name {
        /// Its place in the list, counted from 0.
        index: usize,
    },
    /// A crate whose version no crate can have.
    #[error("crate {index} of the list has no proper version")]
    Version {
        /// Its place in the list, counted from 0.
        index: usize,
    },
    /// A dependency that is not in the list.
    #[error("crate {index} of the list needs number {dependency}, which does not exist")]
    Dependency {
        /// The place of the crate that needs it, counted from 0.
        index: usize,
        /// The place of what it needs.
        dependency: usize,
    },
    /// Crates that need each other: cargo builds no such thing.
    #[error("crate {index} of the list needs itself, over others or directly")]
    Cycle {
        /// The first crate of the circle in the list, counted from 0.
        index: usize,
    },
}

/// Reads the lists in a binary: none if it has none, several if it is a universal file.
pub fn read_crate_lists(file: &[u8]) -> Result<Vec<CrateList>, CrateListError> {
    let mut lists = Vec::new();
    for executable in Executable::parse(file)? {
        if let Some(section) = executable.section(SECTION)? {
            lists.push(parse_section(section)?);
        }
    }
    lists.dedup();
    Ok(lists)
}

/// Reads the content of a section `.dep-v0`.
pub fn parse_section(section: &[u8]) -> Result<CrateList, CrateListError> {
    let size = section.len() as u64;
    if size > MAX_SECTION {
        return Err(CrateListError::SectionTooLarge {
            size,
            limit: MAX_SECTION,
        });
    }
    let json = inflate(section)?;
    let wire: wire::List = serde_json::from_slice(&json).map_err(|error| CrateListError::Json {
        line: error.line(),
        column: error.column(),
    })?;
    let count = wire.packages.len();
    if count > MAX_CRATES {
        return Err(CrateListError::TooManyCrates {
            count,
            limit: MAX_CRATES,
        });
    }
    let list = CrateList {
        crates: wire.packages.into_iter().map(ListedCrate::from).collect(),
    };
    for (index, listed) in list.crates.iter().enumerate() {
        if !is_name(&listed.name) {
            return Err(CrateListError::Name { index });
        }
        if !is_version(&listed.version) {
            return Err(CrateListError::Version { index });
        }
        let outside = listed
            .dependencies
            .iter()
            .find(|dependency| **dependency >= count);
        if let Some(&dependency) = outside {
            return Err(CrateListError::Dependency { index, dependency });
        }
    }
    match first_of_circle(&list.crates) {
        Some(index) => Err(CrateListError::Cycle { index }),
        None => Ok(list),
    }
}

fn inflate(section: &[u8]) -> Result<Vec<u8>, CrateListError> {
    let mut json = Vec::new();
    // One byte more than allowed tells a bomb from a list that just fits.
    let read = ZlibDecoder::new(section)
        .take(MAX_JSON + 1)
        .read_to_end(&mut json);
    match read {
        Ok(size) if size as u64 > MAX_JSON => {
            Err(CrateListError::InflatesTooLarge { limit: MAX_JSON })
        }
        Ok(_) => Ok(json),
        Err(error) => {
            debug_assert_ne!(error.kind(), io::ErrorKind::Interrupted, "a slice is never");
            Err(CrateListError::Compression)
        }
    }
}

/// Takes away what needs nothing that is left, until nothing changes: what then remains needs itself.
fn first_of_circle(crates: &[ListedCrate]) -> Option<usize> {
    let mut needed_by = vec![Vec::new(); crates.len()];
    let mut open: Vec<usize> = Vec::with_capacity(crates.len());
    for (index, listed) in crates.iter().enumerate() {
        open.push(listed.dependencies.len());
        for &dependency in &listed.dependencies {
            needed_by[dependency].push(index);
        }
    }
    let mut settled: Vec<usize> = (0..crates.len())
        .filter(|index| open[*index] == 0)
        .collect();
    while let Some(index) = settled.pop() {
        for &user in &needed_by[index] {
            open[user] -= 1;
            if open[user] == 0 {
                settled.push(user);
            }
        }
    }
    open.iter().position(|open| *open > 0)
}

/// Cargo allows the characters of identifiers, and the hyphen.
fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_plain)
}

/// Semantic versions, as cargo asks for them.
fn is_version(version: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    version.starts_with(|c: char| c.is_ascii_digit())
        && version.len() <= MAX_NAME
        && version.chars().all(is_plain)
}

impl From<wire::Package> for ListedCrate {
    fn from(wire: wire::Package) -> Self {
        Self {
            name: wire.name,
            version: wire.version,
            source: match &*wire.source {
                "crates.io" => CrateSource::CratesIo,
                "git" => CrateSource::Git,
                "local" => CrateSource::Local,
                "registry" => CrateSource::Registry,
                _ => CrateSource::Other(wire.source.chars().take(MAX_NAME).collect()),
            },
            kind: wire.kind,
            dependencies: wire.dependencies,
            is_root: wire.root,
        }
    }
}

mod wire {
    use serde::Deserialize;

    use super::CrateKind;

    #[derive(Deserialize)]
    pub(super) struct List {
        pub(super) packages: Vec<Package>,
    }

    #[derive(Deserialize)]
    pub(super) struct Package {
        pub(super) name: String,
        pub(super) version: String,
        pub(super) source: String,
        #[serde(default)]
        pub(super) kind: CrateKind,
        #[serde(default)]
        pub(super) dependencies: Vec<usize>,
        #[serde(default)]
        pub(super) root: bool,
    }
}

const SECTION: &str = ".dep-v0";

/// A list of 500 crates has 8 kB.
const MAX_SECTION: u64 = 8 << 20;

/// The list of the largest programs has 200 kB; `auditable-info` stops at 64 MB.
const MAX_JSON: u64 = 16 << 20;

/// The largest programs have some 1,500.
const MAX_CRATES: usize = 65_536;

/// The registry allows 64.
const MAX_NAME: usize = 128;
