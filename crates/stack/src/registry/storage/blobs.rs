//! Blobs: digest-named files, and which repository has which.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};

use countersign_artifact::Digest;
use redb::ReadableDatabase;

use super::super::name::RepositoryName;
use super::{BLOBS, LAST, Storage, StorageError};

/// A blob that a repository has.
#[derive(Debug)]
pub(in super::super) struct StoredBlob {
    pub(in super::super) path: PathBuf,
    pub(in super::super) size: u64,
}

impl Storage {
    /// Moves the finished file `upload` in as the blob `digest` of `repository`.
    pub(in super::super) fn keep_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        upload: &Path,
    ) -> Result<(), StorageError> {
        let file = File::open(upload)?;
        file.sync_all()?;
        let size = file.metadata()?.len();
        let path = self.blob_path(digest);
        let parent = path
            .parent()
            .expect("a blob's path has the folder of its algorithm");
        let _guard = self.lock_blobs();
        fs::rename(upload, &path)?;
        File::open(parent)?.sync_all()?;
        self.link_blob(repository, digest, size)
    }

    /// Returns the blob `digest` if `repository` has it.
    pub(in super::super) fn blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<StoredBlob>, StorageError> {
        let table = self.database.begin_read()?.open_table(BLOBS)?;
        let row = table.get((digest.to_string().as_str(), repository.as_str()))?;
        Ok(row.map(|size| StoredBlob {
            path: self.blob_path(digest),
            size: size.value(),
        }))
    }

    /// Gives `repository` the blob `digest` of `from`, or of whoever has it; says whether there was one.
    pub(in super::super) fn mount_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        from: Option<&RepositoryName>,
    ) -> Result<bool, StorageError> {
        let _guard = self.lock_blobs();
        let size = match from {
            Some(from) => self.blob(from, digest)?.map(|blob| blob.size),
            None => self.size_anywhere(digest)?,
        };
        match size {
            Some(size) => self.link_blob(repository, digest, size).map(|()| true),
            None => Ok(false),
        }
    }

    /// Takes the blob `digest` from `repository`, and its file away if nobody else has it.
    pub(in super::super) fn forget_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<bool, StorageError> {
        let _guard = self.lock_blobs();
        let transaction = self.database.begin_write()?;
        let existed = transaction
            .open_table(BLOBS)?
            .remove((digest.to_string().as_str(), repository.as_str()))?
            .is_some();
        transaction.commit()?;
        if existed && self.size_anywhere(digest)?.is_none() {
            fs::remove_file(self.blob_path(digest))?;
        }
        Ok(existed)
    }

    fn link_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        size: u64,
    ) -> Result<(), StorageError> {
        let transaction = self.database.begin_write()?;
        transaction
            .open_table(BLOBS)?
            .insert((digest.to_string().as_str(), repository.as_str()), size)?;
        Ok(transaction.commit()?)
    }

    fn size_anywhere(&self, digest: &Digest) -> Result<Option<u64>, StorageError> {
        let digest = digest.to_string();
        let table = self.database.begin_read()?.open_table(BLOBS)?;
        let mut holders = table.range((digest.as_str(), "")..=(digest.as_str(), LAST))?;
        Ok(holders.next().transpose()?.map(|(_, size)| size.value()))
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        let folder = digest.algorithm().as_str();
        self.blobs.join(folder).join(digest.hex())
    }

    fn lock_blobs(&self) -> MutexGuard<'_, ()> {
        // The guarded value is empty; a panic elsewhere leaves nothing half changed in it.
        self.blob_changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
