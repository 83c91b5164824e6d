//! Where the files of a tar archive begin, so that they can be read without unpacking it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::Path;

use super::LayoutError;

/// A file within an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) start: u64,
    pub(super) size: u64,
}

/// Reads the headers of the archive at `path`: each regular file by its name. Links have no content
/// of their own and could point anywhere, so they are not there for us.
pub(super) fn read_headers(path: &Path) -> Result<HashMap<String, Extent>, LayoutError> {
    let mut file = File::open(path).map_err(|error| LayoutError::io(path, &error))?;
    let mut magic = [0; 4];
    let read = file
        .read(&mut magic)
        .map_err(|error| LayoutError::io(path, &error))?;
    if is_compressed(&magic[..read]) {
        return Err(LayoutError::CompressedArchive {
            path: path.to_owned(),
        });
    }
    file.rewind()
        .map_err(|error| LayoutError::io(path, &error))?;
    let not_an_archive = |_| LayoutError::NotAnArchive {
        path: path.to_owned(),
    };
    let mut archive = tar::Archive::new(file);
    let mut files = HashMap::new();
    for (count, entry) in archive
        .entries_with_seek()
        .map_err(not_an_archive)?
        .enumerate()
    {
        if count >= MAX_ENTRIES {
            let (path, limit) = (path.to_owned(), MAX_ENTRIES);
            return Err(LayoutError::TooManyEntries { path, limit });
        }
        let entry = entry.map_err(not_an_archive)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path_bytes();
        let Ok(name) = std::str::from_utf8(&name) else {
            continue;
        };
        let extent = Extent {
            start: entry.raw_file_position(),
            size: entry.size(),
        };
        files.insert(name.trim_start_matches("./").to_owned(), extent);
    }
    Ok(files)
}

fn is_compressed(magic: &[u8]) -> bool {
    magic.starts_with(&[0x1f, 0x8b]) || magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
}

/// A layout has a few files a manifest; the largest registries' dumps have some ten thousand.
const MAX_ENTRIES: usize = 100_000;
