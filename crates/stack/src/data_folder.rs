//! The data folder: one owner at a time, and files that are whole or not there.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// A data folder that this process, and no other, may write to.
///
/// The lock lives as long as this value; the operating system drops it when the process dies, so a
/// killed process never leaves a folder locked.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Creates the folder when it is missing and takes its exclusive lock.
    pub(crate) fn open(path: &Path) -> Result<DataFolder, FolderError> {
        create_private_folder(path)?;
        // Absolute, so that a later change of the working directory changes nothing.
        let path = fs::canonicalize(path).map_err(|e| FileError::new(Step::Open, path, &e))?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|e| FileError::new(Step::Open, &lock_path, &e))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(DataFolder { path, _lock: lock }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(FolderError::InUse { folder: path }),
            Err(e) => Err(FileError::new(Step::Open, &lock_path, &e.into()).into()),
        }
    }

    /// The path of `name` in the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Why a data folder could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FolderError {
    #[error("the data folder {} is in use by another process", folder.display())]
    InUse { folder: PathBuf },
    #[error(transparent)]
    File(#[from] FileError),
}

/// What was being done to a file when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Creating a folder or a file.
    Create,
    /// Opening a file that should exist.
    Open,
    /// Reading.
    Read,
    /// Writing, flushing to the disk or moving into place.
    Write,
}

impl Step {
    fn verb(self) -> &'static str {
        match self {
            Step::Create => "create",
            Step::Open => "open",
            Step::Read => "read",
            Step::Write => "write",
        }
    }
}

/// A file operation in the data folder that failed. A full disk is `kind` `StorageFull`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {} {}: {kind}", step.verb(), path.display())]
pub struct FileError {
    /// What was being done.
    pub step: Step,
    /// The file or folder.
    pub path: PathBuf,
    /// What the operating system said.
    pub kind: io::ErrorKind,
}

impl FileError {
    pub(crate) fn new(step: Step, path: &Path, error: &io::Error) -> FileError {
        FileError {
            step,
            path: path.to_path_buf(),
            kind: error.kind(),
        }
    }
}

/// Writes `bytes` to `path` so that a reader, or a crash at any moment, sees the old file or the
/// new one and never a part: temporary file, flush to the disk, rename, flush the folder.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    let fail = |e: io::Error| FileError::new(Step::Write, path, &e);
    let folder = path
        .parent()
        .ok_or_else(|| fail(io::ErrorKind::InvalidInput.into()))?;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let temporary = folder.join(name);
    let outcome = write_and_sync(&temporary, bytes, mode)
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| File::open(folder)?.sync_all());
    if outcome.is_err() {
        // Nothing half-written stays behind; that the removal may fail too changes nothing.
        let _ = fs::remove_file(&temporary);
    }
    outcome.map_err(fail)
}

fn write_and_sync(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    // A file left by a crash may have other permissions: never write a secret into it.
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(mode)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Creates a folder only its owner may enter, with its parents.
pub(crate) fn create_private_folder(path: &Path) -> Result<(), FileError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|e| FileError::new(Step::Create, path, &e))
}

/// Reads a file of at most `cap` bytes. `None` when there is no such file.
pub(crate) fn read_capped(path: &Path, cap: u64) -> Result<Option<Vec<u8>>, FileError> {
    let fail = |e: io::Error| FileError::new(Step::Read, path, &e);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(fail(e)),
    };
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, cap + 1), &mut bytes).map_err(fail)?;
    if bytes.len() as u64 > cap {
        return Err(fail(io::ErrorKind::FileTooLarge.into()));
    }
    Ok(Some(bytes))
}

/// Mode of files that hold secrets.
pub(crate) const SECRET: u32 = 0o600;
/// Mode of files that anyone may read.
pub(crate) const PUBLIC: u32 = 0o644;
/// No key, certificate or metadata file of ours comes near this.
pub(crate) const SMALL_FILE: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataFolder::open(dir.path()).unwrap();
        let folder = fs::canonicalize(dir.path()).unwrap();
        assert_eq!(
            DataFolder::open(dir.path()).unwrap_err(),
            FolderError::InUse { folder }
        );
        drop(first);
        DataFolder::open(dir.path()).unwrap();
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        // The place is taken by a folder with something in it: the rename must fail.
        let place = dir.path().join("place");
        fs::create_dir_all(place.join("inside")).unwrap();
        let error = write_whole(&place, b"bytes", PUBLIC).unwrap_err();
        assert_eq!((error.step, &error.path), (Step::Write, &place));
        assert!(!dir.path().join("place.new").exists());
    }

    #[test]
    fn secrets_are_for_the_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        // A left-over with open permissions must not lend them to the secret.
        fs::write(dir.path().join("key.new"), b"old").unwrap();
        write_whole(&path, b"secret", SECRET).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
