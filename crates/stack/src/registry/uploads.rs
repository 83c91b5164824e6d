//! Uploads that are not finished: one file each, whose length is how far it has come. So a client can
//! resume after the registry was killed.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand;
use countersign_artifact::Digest;

use super::RegistryError;
use super::name::RepositoryName;
use super::refusal::Refusal;
use super::storage::StorageError;

/// The unfinished uploads of a registry folder.
pub(super) struct Uploads {
    folder: PathBuf,
    /// The uploads some request is working on, by their file's path.
    busy: Arc<Mutex<HashSet<PathBuf>>>,
}

/// The right to work on one upload, held by one request at a time.
#[derive(Debug)]
pub(super) struct Upload {
    id: String,
    path: PathBuf,
    busy: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Uploads {
    /// Opens the folder and throws away what nobody has touched for a day.
    pub(super) fn open(folder: &Path) -> Result<Self, RegistryError> {
        let uploads = folder.join("uploads");
        let prepared = fs::create_dir_all(&uploads).and_then(|()| remove_abandoned(&uploads));
        prepared.map_err(|source| RegistryError::Folder {
            folder: folder.to_owned(),
            source,
        })?;
        Ok(Self {
            folder: uploads,
            busy: Arc::default(),
        })
    }

    /// Begins an upload to `repository`.
    pub(super) fn begin(&self, repository: &RepositoryName) -> Result<Upload, Refusal> {
        let folder = self.folder_of(repository);
        let id = random_id()?;
        let path = folder.join(&id);
        fs::create_dir_all(&folder)
            .and_then(|()| fs::File::create_new(&path))
            .map_err(StorageError::from)?;
        self.lease(id, path)
    }

    /// Takes up the upload `id` again, if `repository` has it and no other request works on it.
    pub(super) fn resume(&self, repository: &RepositoryName, id: &str) -> Result<Upload, Refusal> {
        let path = self.path_of(repository, id)?;
        let upload = self.lease(id.to_owned(), path)?;
        if upload.path.exists() {
            Ok(upload)
        } else {
            Err(Refusal::UploadUnknown)
        }
    }

    /// Returns how many bytes of the upload `id` have come, without holding up who writes to it.
    pub(super) fn received(&self, repository: &RepositoryName, id: &str) -> Result<u64, Refusal> {
        let path = self.path_of(repository, id)?;
        Ok(fs::metadata(path)
            .map_err(|_| Refusal::UploadUnknown)?
            .len())
    }

    fn path_of(&self, repository: &RepositoryName, id: &str) -> Result<PathBuf, Refusal> {
        if is_id(id) {
            Ok(self.folder_of(repository).join(id))
        } else {
            Err(Refusal::UploadUnknown)
        }
    }

    fn lease(&self, id: String, path: PathBuf) -> Result<Upload, Refusal> {
        if lock(&self.busy).insert(path.clone()) {
            Ok(Upload {
                id,
                path,
                busy: Arc::clone(&self.busy),
            })
        } else {
            Err(Refusal::UploadBusy)
        }
    }

    /// The id alone must not open another repository's upload, so the repository is part of the path;
    /// hashed, because `a` and `a/b` may both be repositories.
    fn folder_of(&self, repository: &RepositoryName) -> PathBuf {
        self.folder
            .join(Digest::sha256_of(repository.as_str().as_bytes()).hex())
    }
}

impl Upload {
    /// Returns the id that the client knows it by.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the file that holds what has come so far.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how many bytes have come so far.
    pub(super) fn received(&self) -> Result<u64, StorageError> {
        Ok(fs::metadata(&self.path)?.len())
    }

    /// Cuts the file back to what it was before a chunk that turned out wrong.
    pub(super) fn cut_back(&self, length: u64) -> Result<(), StorageError> {
        Ok(fs::OpenOptions::new()
            .write(true)
            .open(&self.path)?
            .set_len(length)?)
    }

    /// Throws the upload away.
    pub(super) fn discard(self) -> Result<(), StorageError> {
        Ok(fs::remove_file(&self.path)?)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        lock(&self.busy).remove(&self.path);
    }
}

fn lock(busy: &Mutex<HashSet<PathBuf>>) -> MutexGuard<'_, HashSet<PathBuf>> {
    // A set is whole after every call on it, so a panic elsewhere cannot have left it broken.
    busy.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a version 4 UUID: the specification asks for one, and knowing it is the right to write.
fn random_id() -> Result<String, StorageError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random bytes"))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    Ok([
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-"))
}

fn is_id(text: &str) -> bool {
    let valid = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    text.len() == 36 && text.bytes().all(valid)
}

fn remove_abandoned(uploads: &Path) -> io::Result<()> {
    let now = SystemTime::now();
    for repository in fs::read_dir(uploads)? {
        for upload in fs::read_dir(repository?.path())? {
            let upload = upload?;
            let touched = upload.metadata()?.modified()?;
            if now
                .duration_since(touched)
                .is_ok_and(|age| age > ABANDONED_AFTER)
            {
                fs::remove_file(upload.path())?;
            }
        }
    }
    Ok(())
}

const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
