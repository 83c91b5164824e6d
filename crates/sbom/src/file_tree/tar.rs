//! Tar headers, read with the meaning Go's archive/tar gives them: container runtimes are written in Go, and
//! an entry that we read otherwise than they unpack it is an entry that can hide something.
//!
//! Formats: V7, ustar (POSIX.1-1988), PAX (POSIX.1-2001), GNU with long names and sparse files, star.

use std::io::Read;

use super::inflate::Inflated;
use super::layer::LayerError;
use super::limits::LayerLimits;

/// One entry, its content not yet read.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    pub(super) kind: HeaderKind,
    /// Bytes of content that follow in the archive.
    pub(super) size: u64,
    pub(super) mode: u32,
    /// Where the header begins in the inflated layer.
    pub(super) offset: u64,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderKind {
    File,
    SparseFile,
    Directory,
    Symlink,
    HardLink,
    /// Devices, pipes, and what nobody knows.
    Other,
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// The checksum is not that of the header: no tar, or a damaged one.
    #[error("wrong checksum")]
    Checksum,
    /// A number is not one, or is negative or larger than 2^63.
    #[error("malformed number")]
    Number,
    /// One block of zeros where the archive ends with two.
    #[error("half an end of archive")]
    End,
    /// An extended header is larger than allowed.
    #[error("an extended header of {size} bytes, {limit} are allowed")]
    ExtendedSize {
        /// Its size.
        size: u64,
        /// The cap.
        limit: u64,
    },
    /// A PAX record that breaks the format.
    #[error("malformed PAX record")]
    PaxRecord,
}

/// Reads the next header; `None` at the end of the archive.
pub(super) fn next<R: Read>(
    stream: &mut Inflated<R>,
    limits: &LayerLimits,
) -> Result<Option<Header>, LayerError> {
    let mut long_name = None;
    let mut long_link = None;
    let mut pax = Pax::default();
    let offset = stream.position();
    loop {
        let at = stream.position();
        let fault = |fault| LayerError::Header { at, fault };
        let Some(block) = block(stream)? else {
            return Ok(None);
        };
        if block == [0; BLOCK] {
            return match self::block(stream)? {
                None => Ok(None),
                Some(second) if second == [0; BLOCK] => Ok(None),
                Some(_) => Err(fault(HeaderFault::End)),
            };
        }
        let raw = Raw::parse(&block).map_err(fault)?;
        match raw.flag {
            b'x' => pax = Pax::parse(&extended(stream, raw.size, limits)?).map_err(fault)?,
            // Go gives global headers to its caller and applies them to nothing.
            b'g' => drop(extended(stream, raw.size, limits)?),
            b'L' => long_name = Some(until_zero(&extended(stream, raw.size, limits)?).to_vec()),
            b'K' => long_link = Some(until_zero(&extended(stream, raw.size, limits)?).to_vec()),
            _ => {
                let mut header = raw.header(pax, offset);
                header.name = long_name.unwrap_or(header.name);
                header.link = long_link.unwrap_or(header.link);
                if raw.flag == 0 && header.name.ends_with(b"/") {
                    header.kind = HeaderKind::Directory;
                    header.size = 0;
                }
                if raw.flag == b'S' && raw.is_gnu {
                    skip_sparse_map(stream, &block)?;
                }
                return Ok(Some(header));
            }
        }
    }
}

/// How many zero bytes follow content of `size` bytes.
pub(super) fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

/// The header block as it is.
struct Raw {
    name: Vec<u8>,
    link: Vec<u8>,
    flag: u8,
    size: u64,
    mode: u32,
    is_gnu: bool,
}

impl Raw {
    fn parse(block: &[u8; BLOCK]) -> Result<Self, HeaderFault> {
        check_sum(block)?;
        let magic = &block[257..265];
        let is_gnu = magic == b"ustar  \0";
        let is_ustar = magic.starts_with(b"ustar\0");
        let prefix = match () {
            () if is_ustar && &block[508..512] == b"tar\0" => until_zero(&block[345..476]),
            () if is_ustar => until_zero(&block[345..500]),
            () => &[],
        };
        let mut name = prefix.to_vec();
        if !name.is_empty() {
            name.push(b'/');
        }
        name.extend_from_slice(until_zero(&block[0..100]));
        Ok(Self {
            name,
            link: until_zero(&block[157..257]).to_vec(),
            flag: block[156],
            size: number(&block[124..136])?,
            // Go refuses a malformed mode as well; of its bits only permissions are of use here.
            mode: (number(&block[100..108])? & 0o7777) as u32,
            is_gnu,
        })
    }

    fn header(&self, pax: Pax, offset: u64) -> Header {
        let kind = match self.flag {
            b'0' | 0 if pax.is_sparse => HeaderKind::SparseFile,
            b'0' | 0 => HeaderKind::File,
            b'S' => HeaderKind::SparseFile,
            b'1' => HeaderKind::HardLink,
            b'2' => HeaderKind::Symlink,
            b'5' => HeaderKind::Directory,
            _ => HeaderKind::Other,
        };
        // Links, devices, folders and pipes have no content whatever their header says.
        let is_header_only = matches!(self.flag, b'1'..=b'6');
        Header {
            name: pax.path.unwrap_or_else(|| self.name.clone()),
            link: pax.link.unwrap_or_else(|| self.link.clone()),
            kind,
            size: if is_header_only {
                0
            } else {
                pax.size.unwrap_or(self.size)
            },
            mode: self.mode,
            offset,
        }
    }
}

/// The records of a PAX header that matter here.
#[derive(Default)]
struct Pax {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    is_sparse: bool,
}

impl Pax {
    fn parse(mut records: &[u8]) -> Result<Self, HeaderFault> {
        let mut pax = Self::default();
        while !records.is_empty() {
            let (key, value);
            (key, value, records) = record(records).ok_or(HeaderFault::PaxRecord)?;
            // An empty value takes back an earlier record.
            let text = (!value.is_empty()).then(|| value.to_vec());
            if text.as_ref().is_some_and(|text| text.contains(&0))
                && matches!(key, b"path" | b"linkpath")
            {
                return Err(HeaderFault::PaxRecord);
            }
            match key {
                b"path" => pax.path = text,
                b"linkpath" => pax.link = text,
                b"size" => pax.size = text.map(|text| decimal(&text)).transpose()?,
                key if key.starts_with(b"GNU.sparse.") => {
                    pax.is_sparse = true;
                    // Sparse format 1.0 keeps the real name here, beside a made-up one in `path`.
                    if key == b"GNU.sparse.name" {
                        pax.path = text;
                    }
                }
                _ => {}
            }
        }
        Ok(pax)
    }
}

/// Takes `<length> <key>=<value>\n` off the front.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().take(8).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
    if length <= space + 1 || length > records.len() {
        return None;
    }
    let (record, rest) = records.split_at(length);
    let record = record[space + 1..].strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    (equals > 0).then(|| (&record[..equals], &record[equals + 1..], rest))
}

fn decimal(text: &[u8]) -> Result<u64, HeaderFault> {
    let number = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse::<u64>().ok());
    number
        .filter(|number| *number <= i64::MAX as u64)
        .ok_or(HeaderFault::Number)
}

/// Reads one block; `None` if the archive ends cleanly before it.
fn block<R: Read>(stream: &mut Inflated<R>) -> Result<Option<[u8; BLOCK]>, LayerError> {
    let at = stream.position();
    let bytes = stream.fill_to(BLOCK)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let block: [u8; BLOCK] = match bytes.get(..BLOCK).map(TryInto::try_into) {
        Some(Ok(block)) => block,
        _ => {
            return Err(LayerError::Truncated {
                at: at + bytes.len() as u64,
            });
        }
    };
    stream.consume(BLOCK);
    Ok(Some(block))
}

/// Reads the content of an extended header and its padding.
fn extended<R: Read>(
    stream: &mut Inflated<R>,
    size: u64,
    limits: &LayerLimits,
) -> Result<Vec<u8>, LayerError> {
    let at = stream.position();
    if size > limits.extended_header_bytes {
        let limit = limits.extended_header_bytes;
        let fault = HeaderFault::ExtendedSize { size, limit };
        return Err(LayerError::Header { at, fault });
    }
    let mut content = Vec::with_capacity(size as usize);
    read_content(stream, size, |bytes| content.extend_from_slice(bytes))?;
    read_content(stream, padding(size), |_| ())?;
    Ok(content)
}

/// Hands the next `size` bytes to `take`, piece by piece.
pub(super) fn read_content<R: Read>(
    stream: &mut Inflated<R>,
    size: u64,
    mut take: impl FnMut(&[u8]),
) -> Result<(), LayerError> {
    let mut left = size;
    while left > 0 {
        let bytes = stream.fill()?;
        let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if count == 0 {
            return Err(LayerError::Truncated {
                at: stream.position(),
            });
        }
        take(&bytes[..count]);
        stream.consume(count);
        left -= count as u64;
    }
    Ok(())
}

/// The map of an old GNU sparse file goes on in blocks of its own while a flag says so.
fn skip_sparse_map<R: Read>(
    stream: &mut Inflated<R>,
    header: &[u8; BLOCK],
) -> Result<(), LayerError> {
    let mut goes_on = header[482] != 0;
    while goes_on {
        let at = stream.position();
        let block = block(stream)?.ok_or(LayerError::Truncated { at })?;
        goes_on = block[504] != 0;
    }
    Ok(())
}

/// Some writers summed signed bytes; both sums are accepted, as everywhere.
fn check_sum(block: &[u8; BLOCK]) -> Result<(), HeaderFault> {
    let stated = number(&block[148..156]).map_err(|_| HeaderFault::Checksum)?;
    let (mut unsigned, mut signed) = (0_u64, 0_i64);
    for (index, byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&index) {
            b' '
        } else {
            *byte
        };
        unsigned += u64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    let right = stated == unsigned || i64::try_from(stated).is_ok_and(|stated| stated == signed);
    right.then_some(()).ok_or(HeaderFault::Checksum)
}

/// Octal digits among spaces and zeros, or GNU's base 256 where the first bit is set.
fn number(field: &[u8]) -> Result<u64, HeaderFault> {
    if field[0] & 0x80 != 0 {
        // The second bit is the sign.
        if field[0] & 0x40 != 0 {
            return Err(HeaderFault::Number);
        }
        let mut value = u64::from(field[0] & 0x3f);
        for byte in &field[1..] {
            if value >> 55 != 0 {
                return Err(HeaderFault::Number);
            }
            value = value << 8 | u64::from(*byte);
        }
        return Ok(value);
    }
    let is_filler = |byte: &u8| matches!(byte, b' ' | 0);
    let Some(start) = field.iter().position(|byte| !is_filler(byte)) else {
        return Ok(0);
    };
    let digits = &field[start..];
    let end = digits.iter().position(is_filler).unwrap_or(digits.len());
    let mut value = 0_u64;
    for byte in &digits[..end] {
        match byte {
            b'0'..=b'7' => value = value << 3 | u64::from(byte - b'0'),
            _ => return Err(HeaderFault::Number),
        }
    }
    digits[end..]
        .iter()
        .all(is_filler)
        .then_some(value)
        .ok_or(HeaderFault::Number)
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    &bytes[..end]
}

const BLOCK: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(number(b"0000644\0"), Ok(0o644));
        assert_eq!(number(b" 644 \0\0\0"), Ok(0o644));
        assert_eq!(number(b"\0\0\0\0"), Ok(0));
        assert_eq!(number(b"\x80\0\0\0\0\0\0\0\0\0\x01\0"), Ok(256));
        assert_eq!(
            number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            Err(HeaderFault::Number)
        );
        assert_eq!(
            number(b"\x80\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            Err(HeaderFault::Number)
        );
        assert_eq!(number(b"00x\0"), Err(HeaderFault::Number));
        assert_eq!(number(b"7 7\0"), Err(HeaderFault::Number));
    }

    #[test]
    fn pax_records() {
        let pax = Pax::parse(b"12 path=a b\n10 size=9\n").unwrap();
        assert_eq!(
            (pax.path.as_deref(), pax.size),
            (Some(&b"a b"[..]), Some(9))
        );
        for broken in [
            "5 a=",
            "12 path=a b ",
            "0 a=b\n",
            "99 path=a\n",
            "7 path\n",
            "x",
        ] {
            assert_eq!(
                Pax::parse(broken.as_bytes()).err(),
                Some(HeaderFault::PaxRecord),
                "{broken}"
            );
        }
        assert_eq!(Pax::parse(b"11 size=-1\n").err(), Some(HeaderFault::Number));
        assert_eq!(
            Pax::parse(b"10 path=\0\n").err(),
            Some(HeaderFault::PaxRecord)
        );
    }

    #[test]
    fn content_is_padded_to_blocks() {
        assert_eq!(
            (padding(0), padding(1), padding(512), padding(513)),
            (0, 511, 0, 511)
        );
    }
}
