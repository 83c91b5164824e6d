//! PE (Microsoft's PE format specification).

use object::LittleEndian as LE;
use object::pe::{self, ImageDosHeader, ImageNtHeaders32, ImageNtHeaders64};
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, optional_header_magic};

use super::{Executable, ExecutableError, ExecutableFormat, Mapping, Section, name_in};

pub(super) fn read(file: &[u8]) -> Result<Option<Executable<'_>>, ExecutableError> {
    if !has_signature(file) {
        return Ok(None);
    }
    match optional_header_magic(file).map_err(malformed)? {
        pe::IMAGE_NT_OPTIONAL_HDR32_MAGIC => read_width::<ImageNtHeaders32>(file),
        pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC => read_width::<ImageNtHeaders64>(file),
        _ => Err(MALFORMED),
    }
    .map(Some)
}

/// A DOS program, or a text that begins with MZ, has no such signature where the DOS header points.
fn has_signature(file: &[u8]) -> bool {
    let Ok(dos) = ImageDosHeader::parse(file) else {
        return false;
    };
    let at = dos.nt_headers_offset() as usize;
    file.get(at..)
        .is_some_and(|rest| rest.starts_with(b"PE\0\0"))
}

fn read_width<Pe: ImageNtHeaders>(file: &[u8]) -> Result<Executable<'_>, ExecutableError> {
    let dos = ImageDosHeader::parse(file).map_err(malformed)?;
    let mut offset = dos.nt_headers_offset().into();
    let (headers, _) = Pe::parse(file, &mut offset).map_err(malformed)?;
    let base = headers.optional_header().image_base();
    let table = headers.sections(file, offset).map_err(malformed)?;
    let mut sections = Vec::with_capacity(table.len());
    let mut mappings = Vec::with_capacity(table.len());
    for section in table.iter() {
        let bytes = section.pe_data(file).ok();
        sections.push(Section {
            name: name_in(&section.name),
            bytes,
        });
        let flags = section.characteristics.get(LE).0;
        mappings.extend(bytes.map(|bytes| Mapping {
            address: base.wrapping_add(section.virtual_address.get(LE).into()),
            bytes,
            is_writable_data: flags & WRITABLE_DATA == WRITABLE_DATA,
        }));
    }
    Ok(Executable { sections, mappings })
}

fn malformed(_: object::Error) -> ExecutableError {
    MALFORMED
}

const WRITABLE_DATA: u32 =
    pe::IMAGE_SCN_CNT_INITIALIZED_DATA.0 | pe::IMAGE_SCN_MEM_READ.0 | pe::IMAGE_SCN_MEM_WRITE.0;
const MALFORMED: ExecutableError = ExecutableError::Headers {
    format: ExecutableFormat::Pe,
};
