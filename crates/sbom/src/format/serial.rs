//! Identifiers of documents, made of what they say.

use std::io::{self, Write};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Hashes `value` as it would be written, into a UUID of version 8 (RFC 9562, section 5.8: bits that the
/// implementation chooses; here the first of a SHA-256).
pub(super) fn uuid_of(value: &impl Serialize) -> io::Result<String> {
    let mut sink = HashSink(Sha256::new());
    serde_json::to_writer(io::BufWriter::new(&mut sink), value)?;
    let hash: [u8; 32] = sink.0.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    Ok(format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    ))
}

struct HashSink(Sha256);

impl Write for HashSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
