//! ELF (System V gABI, chapter 4).

use object::Endianness;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use super::{
    Executable, ExecutableError, ExecutableFormat, Mapping, Section, check_count, name_in,
};

pub(super) fn read(file: &[u8]) -> Result<Option<Executable<'_>>, ExecutableError> {
    match file.get(CLASS) {
        Some(&CLASS_32) => read_class::<FileHeader32<Endianness>>(file),
        Some(&CLASS_64) => read_class::<FileHeader64<Endianness>>(file),
        _ => Err(MALFORMED),
    }
}

fn read_class<Elf: FileHeader<Endian = Endianness>>(
    file: &[u8],
) -> Result<Option<Executable<'_>>, ExecutableError> {
    let header = Elf::parse(file).map_err(malformed)?;
    let endian = header.endian().map_err(malformed)?;
    if !matches!(header.e_type(endian), elf::ET_EXEC | elf::ET_DYN) {
        return Ok(None);
    }
    check_count(header.shnum(endian, file).map_err(malformed)?.into())?;
    check_count(header.phnum(endian, file).map_err(malformed)?.into())?;
    let headers = header.section_headers(endian, file).map_err(malformed)?;
    let mut sections = Vec::with_capacity(headers.len());
    if !headers.is_empty() {
        let names = header.shstrndx(endian, file).map_err(malformed)?;
        let names = headers.get(names as usize).ok_or(MALFORMED)?;
        let names = names.data(endian, file).map_err(malformed)?;
        for section in headers {
            // A copy without content, as files of debug information have them, is no section here.
            let Some((offset, size)) = section.file_range(endian) else {
                continue;
            };
            let at = section.sh_name(endian) as usize;
            let name = name_in(names.get(at..).unwrap_or_default());
            sections.push(Section {
                name,
                bytes: piece(file, offset, size),
            });
        }
    }
    let segments = header.program_headers(endian, file).map_err(malformed)?;
    if sections.is_empty() && is_packed(file) {
        return Err(ExecutableError::Packed);
    }
    let loaded = segments
        .iter()
        .filter(|segment| segment.p_type(endian) == elf::PT_LOAD);
    let mappings = loaded.filter_map(|segment| {
        let (offset, size) = segment.file_range(endian);
        let flags = segment.p_flags(endian).0;
        Some(Mapping {
            address: segment.p_vaddr(endian).into(),
            bytes: piece(file, offset, size)?,
            is_writable_data: flags & (elf::PF_W.0 | elf::PF_X.0) == elf::PF_W.0,
        })
    });
    let mappings = mappings.collect();
    Ok(Some(Executable { sections, mappings }))
}

/// Whether UPX has been here: it writes its mark behind the program headers, and leaves no sections.
fn is_packed(file: &[u8]) -> bool {
    let head = &file[..file.len().min(1024)];
    head.windows(4).any(|bytes| bytes == b"UPX!")
}

fn piece(file: &[u8], offset: u64, size: u64) -> Option<&[u8]> {
    let begin = usize::try_from(offset).ok()?;
    let end = begin.checked_add(usize::try_from(size).ok()?)?;
    file.get(begin..end)
}

fn malformed(_: object::Error) -> ExecutableError {
    MALFORMED
}

const MALFORMED: ExecutableError = ExecutableError::Headers {
    format: ExecutableFormat::Elf,
};
const CLASS: usize = 4;
const CLASS_32: u8 = 1;
const CLASS_64: u8 = 2;
