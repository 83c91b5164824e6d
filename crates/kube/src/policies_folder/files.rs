//! The files of a folder, capped, and whether they are still the same.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use countersign_policy::yaml::MAX_TEXT;

use super::error::PoliciesError;

/// A file with objects in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFile {
    /// Where it was read, for messages.
    pub path: PathBuf,
    /// YAML of one or several documents; JSON is YAML.
    pub text: String,
}

/// What can be seen of a folder without reading its files: enough to know that one changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot(Vec<Seen>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    path: PathBuf,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Snapshot {
    /// Looks at the folder.
    pub(super) fn take(folder: &Path) -> Result<Self, PoliciesError> {
        let mut seen = Vec::new();
        for path in paths(folder)? {
            // Through links: a mounted ConfigMap changes by moving one.
            match fs::metadata(&path) {
                Ok(found) if found.is_file() => seen.push(Seen {
                    path,
                    inode: found.ino(),
                    size: found.size(),
                    modified: (found.mtime(), found.mtime_nsec()),
                }),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(PoliciesError::file(&path, &error)),
            }
        }
        Ok(Self(seen))
    }
}

/// Reads every `.yaml`, `.yml` and `.json` file of `folder`, by name. Folders in it and names that
/// begin with a dot are left alone.
pub(super) fn read(folder: &Path) -> Result<Vec<PolicyFile>, PoliciesError> {
    let mut files = Vec::new();
    let mut left = MOST_BYTES;
    for path in paths(folder)? {
        let failed = |error: io::Error| PoliciesError::file(&path, &error);
        let file = File::open(&path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            continue;
        }
        let limit = left.min(MAX_TEXT);
        let mut bytes = Vec::new();
        file.take(limit as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() > limit {
            return Err(PoliciesError::TooLarge { file: path, limit });
        }
        left -= bytes.len();
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| PoliciesError::NotText { file: path.clone() })?;
        files.push(PolicyFile { path, text });
    }
    Ok(files)
}

fn paths(folder: &Path) -> Result<Vec<PathBuf>, PoliciesError> {
    let failed = |error: io::Error| PoliciesError::Folder {
        folder: folder.to_owned(),
        kind: error.kind(),
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if is_policy_file(&path) {
            paths.push(path);
        }
        if paths.len() > MOST_FILES {
            return Err(PoliciesError::TooManyFiles {
                folder: folder.to_owned(),
                limit: MOST_FILES,
            });
        }
    }
    paths.sort();
    Ok(paths)
}

fn is_policy_file(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    let kind = path.extension().and_then(|kind| kind.to_str());
    !hidden && kind.is_some_and(|kind| matches!(kind, "yaml" | "yml" | "json"))
}

/// Ten times the policies of the largest public catalog.
const MOST_FILES: usize = 2_000;
/// Four times the largest text.
const MOST_BYTES: usize = 4 * MAX_TEXT;
