//! Files that appear whole or not at all.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::Failure;

/// A file that is complete on the disk under another name, and waits to be put in its place. Dropped
/// before, it leaves nothing.
pub(crate) struct Draft {
    file: NamedTempFile,
    target: PathBuf,
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Everyone.
    All,
    /// Its owner: it holds a secret.
    Owner,
}

impl Draft {
    /// Makes sure that `target` can be written, before anything is done that cannot be undone.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub(crate) fn open(target: &Path, readers: Readers) -> Result<Self, Failure> {
        let folder = target
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let mode = match readers {
            Readers::All => 0o644,
            Readers::Owner => 0o600,
        };
        let file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .map_err(|error| Failure::write(target, &error))?;
        Ok(Self {
            file,
            target: target.to_owned(),
        })
    }

    /// Writes `content` beside `target`.
    ///
    /// # Errors
    /// If it cannot be written; a full disk among others.
    pub(crate) fn new(target: &Path, content: &[u8], readers: Readers) -> Result<Self, Failure> {
        let mut draft = Self::open(target, readers)?;
        draft.append(content)?;
        Ok(draft)
    }

    /// Adds `content`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn append(&mut self, content: &[u8]) -> Result<(), Failure> {
        self.file
            .write_all(content)
            .map_err(|error| Failure::write(&self.target, &error))
    }

    /// Puts it in its place, replacing what is there.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub(crate) fn place(self) -> Result<(), Failure> {
        let target = self.target;
        let failed = |error: std::io::Error| Failure::write(&target, &error);
        self.file.as_file().sync_all().map_err(failed)?;
        self.file
            .persist(&target)
            .map(drop)
            .map_err(|error| failed(error.error))
    }
}

/// Writes a file whole.
///
/// # Errors
/// If it cannot be written. A device or pipe, such as `/dev/stdout`, is written to as it is.
pub(crate) fn write(target: &Path, content: &[u8], readers: Readers) -> Result<(), Failure> {
    if is_device(target) {
        return std::fs::write(target, content).map_err(|error| Failure::write(target, &error));
    }
    Draft::new(target, content, readers)?.place()
}

/// Whether something is there that is no file, and that cannot be replaced by one.
pub(crate) fn is_device(target: &Path) -> bool {
    target.exists() && !target.is_file()
}
