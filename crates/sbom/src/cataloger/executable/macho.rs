//! Mach-O and universal files (`<mach-o/loader.h>`, `<mach-o/fat.h>`).

use object::Endianness;
use object::macho::{self, FatArch32, FatArch64, MachHeader32, MachHeader64};
use object::read::macho::{FatArch, MachHeader, MachOFatFile, Section as _, Segment};

use super::{
    Executable, ExecutableError, ExecutableFormat, Mapping, Section, check_count, name_in,
};

pub(super) fn read(file: &[u8]) -> Result<Option<Executable<'_>>, ExecutableError> {
    match file {
        [0xfe, 0xed, 0xfa, 0xce, ..] | [0xce, ..] => read_width::<MachHeader32<Endianness>>(file),
        _ => read_width::<MachHeader64<Endianness>>(file),
    }
}

/// Every architecture of a universal file that is an executable.
pub(super) fn read_universal(file: &[u8]) -> Result<Vec<Executable<'_>>, ExecutableError> {
    match file.get(3) {
        Some(0xbe) => slices::<FatArch32>(file),
        _ => slices::<FatArch64>(file),
    }
}

fn slices<Fat: FatArch>(file: &[u8]) -> Result<Vec<Executable<'_>>, ExecutableError> {
    let universal = MachOFatFile::<Fat>::parse(file).map_err(malformed)?;
    let mut executables = Vec::new();
    for architecture in universal.arches() {
        let slice = architecture.data(file).map_err(malformed)?;
        // Some are static libraries.
        if matches!(slice, [0xfe, 0xed, 0xfa, ..] | [_, 0xfa, 0xed, 0xfe, ..]) {
            executables.extend(read(slice)?);
        }
    }
    Ok(executables)
}

fn read_width<Mach: MachHeader<Endian = Endianness>>(
    file: &[u8],
) -> Result<Option<Executable<'_>>, ExecutableError> {
    let header = Mach::parse(file, 0).map_err(malformed)?;
    let endian = header.endian().map_err(malformed)?;
    let is_linked = matches!(
        header.filetype(endian),
        macho::MH_EXECUTE | macho::MH_DYLIB | macho::MH_BUNDLE
    );
    if !is_linked {
        return Ok(None);
    }
    let mut executable = Executable {
        sections: Vec::new(),
        mappings: Vec::new(),
    };
    let mut commands = header.load_commands(endian, file, 0).map_err(malformed)?;
    while let Some(command) = commands.next().map_err(malformed)? {
        let Some((segment, rest)) = Mach::Segment::from_command(command).map_err(malformed)? else {
            continue;
        };
        check_count(executable.sections.len() as u64 + u64::from(segment.nsects(endian)))?;
        check_count(executable.mappings.len() as u64 + 1)?;
        for section in segment.sections(endian, rest).map_err(malformed)? {
            let offset = u64::from(section.offset(endian));
            executable.sections.push(Section {
                name: name_in(section.sectname()),
                bytes: section.data(endian, file, offset).ok(),
            });
        }
        let protection = segment.initprot(endian).0;
        executable
            .mappings
            .extend(segment.data(endian, file).ok().map(|bytes| Mapping {
                address: segment.vmaddr(endian).into(),
                bytes,
                is_writable_data: protection == READ_WRITE && !bytes.is_empty(),
            }));
    }
    Ok(Some(executable))
}

fn malformed(_: object::Error) -> ExecutableError {
    MALFORMED
}

const READ_WRITE: u32 = macho::VM_PROT_READ.0 | macho::VM_PROT_WRITE.0;
const MALFORMED: ExecutableError = ExecutableError::Headers {
    format: ExecutableFormat::MachO,
};
