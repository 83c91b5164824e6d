//! Executables made up for tests: small, valid, and of no use.

use object::write::elf::{FileHeader, ProgramHeader, SectionHeader, Writer};
use object::write::pe::NtHeaders;
use object::write::{Object, StandardSegment, pe};
use object::{Architecture, BinaryFormat, Endianness, SectionKind, elf, pe as format};

/// Where the only segment of [`elf`] is loaded.
pub(crate) const ADDRESS: u64 = 0x40_0000;

/// What an ELF program is made of.
pub(crate) struct Elf<'a> {
    pub(crate) is_64: bool,
    pub(crate) endian: Endianness,
    pub(crate) kind: elf::FileType,
    pub(crate) sections: &'a [(&'a str, &'a [u8])],
    /// Loaded to [`ADDRESS`], writable.
    pub(crate) data: &'a [u8],
}

impl Default for Elf<'_> {
    fn default() -> Self {
        Self {
            is_64: true,
            endian: Endianness::Little,
            kind: elf::ET_DYN,
            sections: &[],
            data: &[],
        }
    }
}

impl Elf<'_> {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(self.endian, self.is_64, &mut bytes);
        writer.reserve_file_header();
        writer.reserve_program_headers(1);
        let data = writer.reserve(self.data.len() as u64, 16);
        let mut placed = Vec::new();
        for (name, content) in self.sections {
            let name = writer.add_section_name(name.as_bytes());
            writer.reserve_section_index();
            placed.push((name, writer.reserve(content.len() as u64, 16), content));
        }
        writer.reserve_shstrtab_section_index();
        writer.reserve_shstrtab().unwrap();
        writer.reserve_section_headers();
        writer
            .write_file_header(&FileHeader {
                os_abi: elf::ELFOSABI_NONE,
                abi_version: 0,
                e_type: self.kind,
                e_machine: elf::EM_X86_64,
                e_entry: 0,
                e_flags: elf::FileFlags(0),
            })
            .unwrap();
        writer.write_align_program_headers();
        writer.write_program_header(&ProgramHeader {
            p_type: elf::PT_LOAD,
            p_flags: elf::ProgramFlags(elf::PF_R.0 | elf::PF_W.0),
            p_offset: data,
            p_vaddr: ADDRESS,
            p_paddr: 0,
            p_filesz: self.data.len() as u64,
            p_memsz: self.data.len() as u64,
            p_align: 16,
        });
        writer.pad_until(data);
        writer.write(self.data);
        for (_, offset, content) in &placed {
            writer.pad_until(*offset);
            writer.write(content);
        }
        writer.write_shstrtab();
        writer.write_null_section_header();
        for (name, offset, content) in &placed {
            writer.write_section_header(&SectionHeader {
                sh_name: writer.section_name_offset(Some(*name)),
                sh_type: elf::SHT_PROGBITS,
                sh_flags: elf::SectionFlags(0),
                sh_addr: 0,
                sh_offset: *offset,
                sh_size: content.len() as u64,
                sh_link: 0,
                sh_info: 0,
                sh_addralign: 16,
                sh_entsize: 0,
            });
        }
        writer.write_shstrtab_section_header();
        bytes
    }
}

/// An ELF program with one section.
pub(crate) fn elf(name: &str, content: &[u8]) -> Vec<u8> {
    Elf {
        sections: &[(name, content)],
        ..Elf::default()
    }
    .write()
}

/// A Mach-O program with one section.
pub(crate) fn macho(name: &str, content: &[u8]) -> Vec<u8> {
    let mut object = Object::new(
        BinaryFormat::MachO,
        Architecture::Aarch64,
        Endianness::Little,
    );
    let segment = object.segment_name(StandardSegment::Data).to_vec();
    let section = object.add_section(segment, name.as_bytes().to_vec(), SectionKind::Data);
    object.append_section_data(section, content, 16);
    let mut bytes = object.write().unwrap();
    // The crate writes object files only; a program has another number there.
    bytes[12] = 2;
    bytes
}

/// A universal file of these programs.
pub(crate) fn universal(programs: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0xca, 0xfe, 0xba, 0xbe];
    bytes.extend((programs.len() as u32).to_be_bytes());
    let mut offset = 4096_u32;
    for program in programs {
        for number in [0x0100_000c, 0, offset, program.len() as u32, 12] {
            bytes.extend(number.to_be_bytes());
        }
        offset += (program.len() as u32).next_multiple_of(4096);
    }
    for program in programs {
        bytes.resize(bytes.len().next_multiple_of(4096), 0);
        bytes.extend(program);
    }
    bytes
}

/// A PE program with one section of writable data.
pub(crate) fn pe(name: [u8; 8], content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = pe::Writer::new(true, 4096, 512, &mut bytes);
    writer.reserve_dos_header_and_stub();
    writer.reserve_nt_headers(16);
    writer.reserve_section_headers(1);
    let flags = format::SectionFlags(
        format::IMAGE_SCN_CNT_INITIALIZED_DATA.0
            | format::IMAGE_SCN_MEM_READ.0
            | format::IMAGE_SCN_MEM_WRITE.0,
    );
    let size = content.len() as u32;
    let range = writer.reserve_section(name, flags, size, size);
    writer.write_dos_header_and_stub().unwrap();
    writer.write_nt_headers(NtHeaders {
        machine: format::IMAGE_FILE_MACHINE_AMD64,
        time_date_stamp: 0,
        characteristics: format::FileFlags(0x22),
        major_linker_version: 0,
        minor_linker_version: 0,
        address_of_entry_point: 0,
        image_base: 0x1_4000_0000,
        major_operating_system_version: 0,
        minor_operating_system_version: 0,
        major_image_version: 0,
        minor_image_version: 0,
        major_subsystem_version: 0,
        minor_subsystem_version: 0,
        subsystem: format::IMAGE_SUBSYSTEM_WINDOWS_CUI,
        dll_characteristics: format::DllFlags(0),
        size_of_stack_reserve: 0,
        size_of_stack_commit: 0,
        size_of_heap_reserve: 0,
        size_of_heap_commit: 0,
    });
    writer.write_section_headers();
    writer.write_section(range.file_offset, content);
    bytes
}
