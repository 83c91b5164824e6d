//! Files that a user names, read whole and with a cap.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::failure::Failure;

/// Reads `path` whole, or standard input for `-`.
///
/// # Errors
/// If it cannot be read, or has more than `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::read(path, &error);
    let mut content = Vec::new();
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(failed)?)
    };
    // One byte more than allowed tells a file that is too large from one that just fits.
    source
        .take(most + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    if content.len() as u64 > most {
        return Err(Failure::TooLarge {
            path: path.to_owned(),
            most,
        });
    }
    Ok(content)
}

/// The most that is read of a key, a trust root, a signing config or a policy.
pub(crate) const SMALL: u64 = 4 << 20;
/// The most that is read of a predicate or a bundle: cosign's own limit for attachments.
pub(crate) const LARGE: u64 = 128 << 20;
