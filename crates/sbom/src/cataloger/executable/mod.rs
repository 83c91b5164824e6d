//! The headers of executables (ELF, PE, Mach-O and its universal form), as far as catalogers need them:
//! sections by name, and what lies at an address.
//!
//! Everything is a slice of the file; nothing is copied. Names are compared in place, because a table of
//! strings without ends would make each look at a name as long as the file.

mod elf;
mod macho;
mod pe;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Findings, Scene, Want};
use crate::document::Fault;
use crate::file_tree::TreeFile;

/// What a cataloger of executables asks for: a look at each file that begins like one.
pub(super) fn wanted(head: &[u8]) -> Want {
    match may_be_executable(head) {
        true => Want::Extract,
        false => Want::Nothing,
    }
}

/// Keeps what was found in one executable, or why nothing can be; nothing for one without.
pub(super) fn kept<T: Serialize, E: Serialize>(found: &Result<Vec<T>, E>) -> Option<Vec<u8>> {
    match found {
        Ok(found) if found.is_empty() => None,
        _ => serde_json::to_vec(found).ok(),
    }
}

/// States everything that `name` kept of executables, each by `state`; what could not be read is a warning.
pub(super) fn state_kept<T: DeserializeOwned, E: DeserializeOwned>(
    scene: &Scene<'_>,
    findings: &mut Findings,
    name: &'static str,
    fault: fn(E) -> Fault,
    state: fn(&T, &TreeFile<'_>, &mut Findings),
) {
    for file in scene.tree.files() {
        let Some(extract) = file.extract(name) else {
            continue;
        };
        match serde_json::from_slice::<Result<Vec<T>, E>>(extract) {
            Ok(Ok(found)) => found.iter().for_each(|one| state(one, &file, findings)),
            Ok(Err(error)) => findings.warning(name, &file, fault(error)),
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                findings.warning(name, &file, Fault::Json { line, column });
            }
        }
    }
}

/// One executable; a universal file holds several.
#[derive(Debug)]
pub(crate) struct Executable<'a> {
    sections: Vec<Section<'a>>,
    mappings: Vec<Mapping<'a>>,
}

/// A named piece of the file.
#[derive(Debug)]
struct Section<'a> {
    /// As much of it as matters here.
    name: &'a [u8],
    /// `None` if it reaches beyond the end of the file.
    bytes: Option<&'a [u8]>,
}

/// A piece of the file that is loaded to an address.
#[derive(Debug)]
struct Mapping<'a> {
    address: u64,
    bytes: &'a [u8],
    is_writable_data: bool,
}

/// The formats of executables.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    thiserror::Error,
)]
pub enum ExecutableFormat {
    /// Linux and most of Unix.
    #[error("ELF")]
    Elf,
    /// Windows.
    #[error("PE")]
    Pe,
    /// macOS.
    #[error("Mach-O")]
    MachO,
}

/// Why an executable cannot be looked into.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error,
)]
pub enum ExecutableError {
    /// Headers that are cut off or contradict themselves.
    #[error("malformed {format} headers")]
    Headers {
        /// What the first bytes say it is.
        format: ExecutableFormat,
    },
    /// More sections or segments than any linker makes.
    #[error("{count} sections, more than the {limit} that are read")]
    TooManySections {
        /// How many there are.
        count: u64,
        /// The cap.
        limit: u64,
    },
    /// A section that is needed is not all there.
    #[error("section {name} reaches beyond the end of the file")]
    SectionCutOff {
        /// Its name.
        name: String,
    },
    /// Packed by UPX: what is inside cannot be seen.
    #[error("packed with UPX, and not unpacked")]
    Packed,
}

impl<'a> Executable<'a> {
    /// Reads the headers; none for what is no executable (text, DOS programs, object files, core dumps).
    pub(crate) fn parse(file: &'a [u8]) -> Result<Vec<Self>, ExecutableError> {
        let of_one = |found: Option<Self>| found.into_iter().collect();
        match format_of(file) {
            Some(Magic::Elf) => elf::read(file).map(of_one),
            Some(Magic::Dos) => pe::read(file).map(of_one),
            Some(Magic::MachO) => macho::read(file).map(of_one),
            Some(Magic::Universal) => macho::read_universal(file),
            None => Ok(Vec::new()),
        }
    }

    /// The content of the section called `name`, if there is one.
    pub(crate) fn section(&self, name: &str) -> Result<Option<&'a [u8]>, ExecutableError> {
        let Some(section) = self
            .sections
            .iter()
            .find(|section| section.name == name.as_bytes())
        else {
            return Ok(None);
        };
        match section.bytes {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(ExecutableError::SectionCutOff {
                name: name.to_owned(),
            }),
        }
    }

    /// The pieces that the program may write to and not execute.
    pub(crate) fn writable_data(&self) -> impl Iterator<Item = &'a [u8]> {
        let data = self
            .mappings
            .iter()
            .filter(|mapping| mapping.is_writable_data);
        data.map(|mapping| mapping.bytes)
    }

    /// The `length` bytes that are loaded to `address`, as far as the file has them.
    pub(crate) fn at_address(&self, address: u64, length: u64) -> Option<&'a [u8]> {
        self.mappings.iter().find_map(|mapping| {
            let begin = usize::try_from(address.checked_sub(mapping.address)?).ok()?;
            let end = begin.checked_add(usize::try_from(length).ok()?)?;
            mapping.bytes.get(begin..end)
        })
    }
}

/// Whether a file that begins with `head` may be an executable.
pub(crate) fn may_be_executable(head: &[u8]) -> bool {
    format_of(head).is_some()
}

enum Magic {
    Elf,
    Dos,
    MachO,
    Universal,
}

fn format_of(head: &[u8]) -> Option<Magic> {
    match head {
        [0x7f, b'E', b'L', b'F', ..] => Some(Magic::Elf),
        [b'M', b'Z', ..] => Some(Magic::Dos),
        [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] | [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] => {
            Some(Magic::MachO)
        }
        // Java classes begin alike; where the number of architectures is, they have a version from 45 up.
        [
            0xca,
            0xfe,
            0xba,
            0xbe | 0xbf,
            0,
            0,
            0,
            1..=MAX_ARCHITECTURES,
            ..,
        ] => Some(Magic::Universal),
        _ => None,
    }
}

/// Finds the end of a name that is padded with zeros, within the first bytes of `table`.
fn name_in(table: &[u8]) -> &[u8] {
    let head = &table[..table.len().min(MAX_NAME)];
    let end = head
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(head.len());
    &head[..end]
}

fn check_count(count: u64) -> Result<(), ExecutableError> {
    match count > MAX_SECTIONS {
        true => Err(ExecutableError::TooManySections {
            count,
            limit: MAX_SECTIONS,
        }),
        false => Ok(()),
    }
}

/// The kernel refuses ELF files with more program headers; `-ffunction-sections` is for object files.
const MAX_SECTIONS: u64 = 65_535;

/// Longer than any name that is asked for.
const MAX_NAME: usize = 64;

/// Apple's tools know some ten.
const MAX_ARCHITECTURES: u8 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_java_are_no_universal_binaries() {
        assert!(may_be_executable(&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2]));
        assert!(!may_be_executable(&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52]));
        assert!(!may_be_executable(b"#!/bin/sh"));
    }

    #[test]
    fn cut_off_headers_are_an_error_and_text_is_nothing() {
        let headers = |format| Err(ExecutableError::Headers { format });
        let parse = |bytes: &[u8]| Executable::parse(bytes).map(|found| found.len());
        assert_eq!(parse(b"\x7fELF\x02\x01"), headers(ExecutableFormat::Elf));
        assert_eq!(parse(b"\xcf\xfa\xed\xfe"), headers(ExecutableFormat::MachO));
        assert_eq!(parse(b"MZ, said the man, and went"), Ok(0));
        assert_eq!(parse(b""), Ok(0));
    }
}
