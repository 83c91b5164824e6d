//! What the Go linker writes into every program about its modules (Go's `debug/buildinfo` and
//! `runtime/debug.BuildInfo`, the format that `go version -m` reads).
//!
//! A header of 32 bytes begins with a magic. Since Go 1.18 version and modules follow it, each after its
//! length; before, the header has the addresses of two strings in memory.

use serde::{Deserialize, Serialize};

use super::module_list::{ModuleList, ModuleListError};
use crate::cataloger::executable::{Executable, ExecutableError};

/// What one Go program says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildInfo {
    /// The version of the toolchain as it prints itself: `go1.26.1`. `None` if only the modules were found,
    /// in a program whose header somebody blanked.
    pub go_version: Option<String>,
    /// Its modules and settings.
    pub modules: ModuleList,
}

/// Why a program's build information is not believed.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error,
)]
pub enum BuildInfoError {
    /// The program cannot be looked into.
    #[error(transparent)]
    Executable(#[from] ExecutableError),
    /// The section for it does not have it.
    #[error("Go build information without its magic")]
    NoMagic,
    /// It ends before what it announces.
    #[error("Go build information that is cut off")]
    CutOff,
    /// It points to where nothing is loaded.
    #[error("Go build information that points to {address:#x}, where nothing is")]
    Address {
        /// The address.
        address: u64,
    },
    /// Pointers of a size that no machine has.
    #[error("Go build information with pointers of {size} bytes")]
    PointerSize {
        /// The size.
        size: u8,
    },
    /// Text longer than any program has.
    #[error("Go build information of {length} bytes, more than the {limit} that are read")]
    TooLong {
        /// The length that it announces.
        length: u64,
        /// The cap.
        limit: u64,
    },
    /// The version of the toolchain is none.
    #[error("Go build information without a Go version")]
    Version,
    /// The list of modules is malformed.
    #[error(transparent)]
    Modules(#[from] ModuleListError),
}

/// Reads the build information of a file: none if no Go program is in it, several if it is universal.
pub fn read_build_info(file: &[u8]) -> Result<Vec<BuildInfo>, BuildInfoError> {
    let mut found = Vec::new();
    // Once for the header, once for the marks.
    let mut budget = Budget(file.len().saturating_mul(2));
    for executable in Executable::parse(file)? {
        found.extend(read_executable(&executable, file, &mut budget)?);
    }
    found.dedup();
    Ok(found)
}

fn read_executable(
    executable: &Executable<'_>,
    file: &[u8],
    budget: &mut Budget,
) -> Result<Option<BuildInfo>, BuildInfoError> {
    for name in INFO_SECTIONS {
        if let Some(section) = executable.section(name)? {
            return match find_magic(section) {
                Some(header) => read_header(header, executable).map(Some),
                None => read_blanked(executable, file, budget)?
                    .ok_or(BuildInfoError::NoMagic)
                    .map(Some),
            };
        }
    }
    // Windows has no section of its own for it, and old linkers had none anywhere.
    for data in executable.writable_data() {
        if !budget.take(data.len()) {
            break;
        }
        let mut rest = data;
        for _ in 0..MAX_CANDIDATES {
            let Some(header) = find_magic(rest) else {
                break;
            };
            // Programs about Go programs have the magic in their data too.
            if let Ok(info) = read_header(header, executable) {
                return Ok(Some(info));
            }
            rest = &header[ALIGNMENT..];
        }
    }
    read_blanked(executable, file, budget)
}

/// How many bytes may still be searched. The pieces of a program do not overlap; those of a hostile one may
/// all be the whole file, thousands of times.
struct Budget(usize);

impl Budget {
    fn take(&mut self, bytes: usize) -> bool {
        match self.0.checked_sub(bytes) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }
}

/// Finds the header, which is aligned, and gives everything from there on.
fn find_magic(data: &[u8]) -> Option<&[u8]> {
    let starts = data.chunks_exact(ALIGNMENT);
    let index = starts
        .into_iter()
        .position(|chunk| chunk.starts_with(MAGIC))?;
    Some(&data[index * ALIGNMENT..])
}

fn read_header(header: &[u8], executable: &Executable<'_>) -> Result<BuildInfo, BuildInfoError> {
    let (fixed, rest) = header
        .split_at_checked(HEADER)
        .ok_or(BuildInfoError::CutOff)?;
    let (version, modules) = if fixed[FLAGS] & INLINE != 0 {
        let (version, rest) = take_string(rest)?;
        let (modules, _) = take_string(rest)?;
        (version, modules)
    } else {
        let pointers = Pointers {
            executable,
            size: fixed[POINTER_SIZE],
            is_big_endian: fixed[FLAGS] & BIG_ENDIAN != 0,
        };
        let second = POINTER + usize::from(pointers.check_size()?);
        (
            pointers.string(&fixed[POINTER..])?,
            pointers.string(&fixed[second..])?,
        )
    };
    let version = std::str::from_utf8(version).map_err(|_| BuildInfoError::Version)?;
    if !is_go_version(version) {
        return Err(BuildInfoError::Version);
    }
    Ok(BuildInfo {
        go_version: Some(version.to_owned()),
        modules: ModuleList::parse(between_sentinels(modules))?,
    })
}

/// Takes a string that follows its length.
fn take_string(bytes: &[u8]) -> Result<(&[u8], &[u8]), BuildInfoError> {
    let mut length = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(MAX_VARINT) {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let rest = &bytes[index + 1..];
            let length = checked_length(length)?;
            return rest.split_at_checked(length).ok_or(BuildInfoError::CutOff);
        }
    }
    match bytes.len() < MAX_VARINT {
        true => Err(BuildInfoError::CutOff),
        false => Err(BuildInfoError::TooLong {
            length: u64::MAX,
            limit: MAX_LENGTH,
        }),
    }
}

fn checked_length(length: u64) -> Result<usize, BuildInfoError> {
    match usize::try_from(length) {
        Ok(length) if length as u64 <= MAX_LENGTH => Ok(length),
        _ => Err(BuildInfoError::TooLong {
            length,
            limit: MAX_LENGTH,
        }),
    }
}

/// Follows the addresses of the older header.
struct Pointers<'e, 'a> {
    executable: &'e Executable<'a>,
    size: u8,
    is_big_endian: bool,
}

impl<'a> Pointers<'_, 'a> {
    fn check_size(&self) -> Result<u8, BuildInfoError> {
        match self.size {
            4 | 8 => Ok(self.size),
            size => Err(BuildInfoError::PointerSize { size }),
        }
    }

    fn number(&self, bytes: &[u8]) -> Result<u64, BuildInfoError> {
        let bytes = bytes
            .get(..usize::from(self.size))
            .ok_or(BuildInfoError::CutOff)?;
        let join = |number, byte: &u8| (number << 8) | u64::from(*byte);
        Ok(match self.is_big_endian {
            true => bytes.iter().fold(0, join),
            false => bytes.iter().rev().fold(0, join),
        })
    }

    /// Follows a pointer to a string's header (address and length), and that to its bytes.
    fn string(&self, pointer: &[u8]) -> Result<&'a [u8], BuildInfoError> {
        let address = self.number(pointer)?;
        let size = u64::from(self.size);
        let header = self.load(address, 2 * size)?;
        let begin = self.number(header)?;
        let length = self.number(&header[usize::from(self.size)..])?;
        match checked_length(length)? {
            0 => Ok(&[]),
            _ => self.load(begin, length),
        }
    }

    fn load(&self, address: u64, length: u64) -> Result<&'a [u8], BuildInfoError> {
        self.executable
            .at_address(address, length)
            .ok_or(BuildInfoError::Address { address })
    }
}

/// The modules stand between two marks of 16 bytes; a program built without modules has nothing there.
fn between_sentinels(modules: &[u8]) -> &[u8] {
    match modules.len().checked_sub(SENTINEL) {
        Some(end) if end > SENTINEL && modules[end - 1] == b'\n' => &modules[SENTINEL..end],
        _ => &[],
    }
}

/// Finds the modules of a Go program whose header was blanked (esbuild's releases are such), by the marks
/// around them.
fn read_blanked(
    executable: &Executable<'_>,
    file: &[u8],
    budget: &mut Budget,
) -> Result<Option<BuildInfo>, BuildInfoError> {
    let mut is_go = false;
    for name in GO_SECTIONS {
        is_go |= executable
            .section(name)
            .is_ok_and(|section| section.is_some());
    }
    // A search through the whole file: only where it may find something.
    let begin = match is_go && budget.take(file.len()) {
        true => file.windows(SENTINEL).position(|bytes| bytes == BEGIN),
        false => None,
    };
    let Some(begin) = begin else {
        return Ok(None);
    };
    let text = &file[begin + SENTINEL..];
    let text = &text[..text.len().min(MAX_LENGTH as usize)];
    let end = text
        .windows(SENTINEL)
        .position(|bytes| bytes == END)
        .ok_or(BuildInfoError::CutOff)?;
    Ok(Some(BuildInfo {
        go_version: None,
        modules: ModuleList::parse(&text[..end])?,
    }))
}

/// `go1.26.1`, `go1.22.0-fips`, `devel go1.25-0a1b2c3 Mon Jan 2`.
fn is_go_version(version: &str) -> bool {
    let plain = version.strip_prefix("devel ").unwrap_or(version);
    version.len() <= MAX_VERSION
        && plain
            .strip_prefix("go")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        && version.chars().all(|c| c.is_ascii_graphic() || c == ' ')
}

const MAGIC: &[u8] = b"\xff Go buildinf:";
const HEADER: usize = 32;
const ALIGNMENT: usize = 16;
const POINTER_SIZE: usize = 14;
const FLAGS: usize = 15;
const POINTER: usize = 16;
const BIG_ENDIAN: u8 = 1;
const INLINE: u8 = 2;

const INFO_SECTIONS: [&str; 2] = [".go.buildinfo", "__go_buildinfo"];

/// Sections that only Go programs have.
const GO_SECTIONS: [&str; 4] = [
    ".gopclntab",
    "__gopclntab",
    ".note.go.buildid",
    ".go.buildinfo",
];

const SENTINEL: usize = 16;
const BEGIN: [u8; SENTINEL] = *b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6";
const END: [u8; SENTINEL] = *b"\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2";

/// A varint of 64 bits has at most as many bytes.
const MAX_VARINT: usize = 10;

/// Kubernetes' programs have 30 kB.
const MAX_LENGTH: u64 = 4 << 20;

/// Custom toolchains print a sentence.
const MAX_VERSION: usize = 256;

/// False magics before the search is given up.
const MAX_CANDIDATES: usize = 16;
