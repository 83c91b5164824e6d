//! What the registry remembers: one redb database, and a folder of blobs named by their digest.
//!
//! A blob's file is complete and on the disk before the database says that a repository has it, and it
//! is removed only after the database says that no repository has it. A crash between the two leaves a
//! file that nobody asks for, never a promise without a file.

mod blobs;

use std::fs;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use countersign_artifact::Digest;
use redb::{Database, ReadableDatabase, TableDefinition};

use super::RegistryError;
use super::name::{Reference, RepositoryName, Tag};

pub(super) use self::blobs::StoredBlob;

/// The database and the blobs of one registry folder.
pub(super) struct Storage {
    blobs: PathBuf,
    database: Database,
    /// Held from the first to the last step of adding or removing a blob, file and row together.
    blob_changes: Mutex<()>,
}

/// A failure of the disk or the database, never of the request.
#[derive(Debug, thiserror::Error)]
pub(super) enum StorageError {
    #[error(transparent)]
    File(#[from] io::Error),
    #[error(transparent)]
    Database(redb::Error),
}

/// A manifest as it was pushed.
#[derive(Debug)]
pub(super) struct StoredManifest {
    pub(super) digest: Digest,
    pub(super) media_type: String,
    pub(super) bytes: Vec<u8>,
}

/// One page of a list, and whether there is more.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) more: bool,
}

/// A manifest to be stored, with the rows that go with it.
pub(super) struct NewManifest<'a> {
    pub(super) repository: &'a RepositoryName,
    pub(super) digest: &'a Digest,
    pub(super) media_type: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) tags: &'a [Tag],
    /// Whom it refers to, and its entry in that list.
    pub(super) referrer: Option<(&'a Digest, &'a [u8])>,
}

impl Storage {
    /// Opens or makes the database and the folders in `folder`.
    pub(super) fn open(folder: &Path) -> Result<Self, RegistryError> {
        let blobs = folder.join("blobs");
        for algorithm in ["sha256", "sha512"] {
            fs::create_dir_all(blobs.join(algorithm)).map_err(|source| RegistryError::Folder {
                folder: folder.to_owned(),
                source,
            })?;
        }
        let database = open_database(folder)?;
        let storage = Self {
            blobs,
            database,
            blob_changes: Mutex::new(()),
        };
        storage.make_tables().map_err(|error| match error {
            StorageError::File(source) => RegistryError::Folder {
                folder: folder.to_owned(),
                source,
            },
            StorageError::Database(source) => RegistryError::Database {
                folder: folder.to_owned(),
                source: Box::new(source),
            },
        })?;
        Ok(storage)
    }

    /// Stores a manifest, its tags and its entry among the referrers in one step.
    pub(super) fn keep_manifest(&self, new: &NewManifest<'_>) -> Result<(), StorageError> {
        let (repository, digest) = (new.repository.as_str(), new.digest.to_string());
        let transaction = self.database.begin_write()?;
        transaction
            .open_table(MANIFESTS)?
            .insert((repository, digest.as_str()), (new.media_type, new.bytes))?;
        for tag in new.tags {
            transaction
                .open_table(TAGS)?
                .insert((repository, tag.as_str()), digest.as_str())?;
        }
        if let Some((subject, descriptor)) = new.referrer {
            let key = (repository, subject.to_string());
            transaction
                .open_table(REFERRERS)?
                .insert((key.0, key.1.as_str(), digest.as_str()), descriptor)?;
            transaction
                .open_table(SUBJECTS)?
                .insert((repository, digest.as_str()), key.1.as_str())?;
        }
        Ok(transaction.commit()?)
    }

    /// Returns the manifest that `reference` names in `repository`.
    pub(super) fn manifest(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<StoredManifest>, StorageError> {
        let transaction = self.database.begin_read()?;
        let digest = match reference {
            Reference::Digest(digest) => digest.to_string(),
            Reference::Tag(tag) => {
                let tags = transaction.open_table(TAGS)?;
                match tags.get((repository.as_str(), tag.as_str()))? {
                    Some(digest) => digest.value().to_owned(),
                    None => return Ok(None),
                }
            }
        };
        let manifests = transaction.open_table(MANIFESTS)?;
        let Some(row) = manifests.get((repository.as_str(), digest.as_str()))? else {
            return Ok(None);
        };
        let (media_type, bytes) = row.value();
        Ok(Some(StoredManifest {
            digest: Digest::parse(&digest).expect("only digests are written as keys of manifests"),
            media_type: media_type.to_owned(),
            bytes: bytes.to_vec(),
        }))
    }

    /// Returns the size of the manifest `digest` if `repository` has it.
    pub(super) fn manifest_size(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<u64>, StorageError> {
        let table = self.database.begin_read()?.open_table(MANIFESTS)?;
        let row = table.get((repository.as_str(), digest.to_string().as_str()))?;
        Ok(row.map(|row| row.value().1.len() as u64))
    }

    /// Removes one tag; the manifest stays.
    pub(super) fn forget_tag(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<bool, StorageError> {
        let transaction = self.database.begin_write()?;
        let existed = transaction
            .open_table(TAGS)?
            .remove((repository.as_str(), tag.as_str()))?
            .is_some();
        transaction.commit()?;
        Ok(existed)
    }

    /// Removes a manifest, all its tags and its entry among the referrers in one step.
    pub(super) fn forget_manifest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<bool, StorageError> {
        let (repository, digest) = (repository.as_str(), digest.to_string());
        let transaction = self.database.begin_write()?;
        let existed = transaction
            .open_table(MANIFESTS)?
            .remove((repository, digest.as_str()))?
            .is_some();
        transaction
            .open_table(TAGS)?
            .retain_in((repository, "")..=(repository, LAST), |_, target| {
                target != digest
            })?;
        let subject = transaction
            .open_table(SUBJECTS)?
            .remove((repository, digest.as_str()))?
            .map(|subject| subject.value().to_owned());
        if let Some(subject) = subject {
            transaction.open_table(REFERRERS)?.remove((
                repository,
                subject.as_str(),
                digest.as_str(),
            ))?;
        }
        transaction.commit()?;
        Ok(existed)
    }

    /// Returns up to `limit` repositories that have a manifest, after `last` in byte order.
    pub(super) fn repositories(
        &self,
        last: Option<&str>,
        limit: usize,
    ) -> Result<Page<String>, StorageError> {
        let table = self.database.begin_read()?.open_table(MANIFESTS)?;
        let mut items = Vec::new();
        let mut from = last.unwrap_or_default().to_owned();
        // From one repository to the next, past all the manifests of each.
        while let Some(row) = table.range((from.as_str(), LAST)..)?.next() {
            if items.len() >= limit {
                return Ok(Page { items, more: true });
            }
            from = row?.0.value().0.to_owned();
            items.push(from.clone());
        }
        Ok(Page { items, more: false })
    }

    /// Returns up to `limit` tags after `last` in byte order, or nothing if the repository is empty.
    pub(super) fn tags(
        &self,
        repository: &RepositoryName,
        last: Option<&str>,
        limit: usize,
    ) -> Result<Option<Page<String>>, StorageError> {
        let transaction = self.database.begin_read()?;
        let repository = repository.as_str();
        let all = ((repository, ""), (repository, LAST));
        if transaction
            .open_table(MANIFESTS)?
            .range(all.0..=all.1)?
            .next()
            .is_none()
        {
            return Ok(None);
        }
        let from = last.map_or(Bound::Included(all.0), |last| {
            Bound::Excluded((repository, last))
        });
        let mut items = Vec::new();
        for row in transaction
            .open_table(TAGS)?
            .range((from, Bound::Included(all.1)))?
        {
            if items.len() >= limit {
                return Ok(Some(Page { items, more: true }));
            }
            items.push(row?.0.value().1.to_owned());
        }
        Ok(Some(Page { items, more: false }))
    }

    /// Visits the referrers of `subject` after `last` in the order of their digests, until `visit` says stop.
    pub(super) fn visit_referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        last: Option<&Digest>,
        mut visit: impl FnMut(&str, &[u8]) -> Visit,
    ) -> Result<(), StorageError> {
        let (repository, subject) = (repository.as_str(), subject.to_string());
        let last = last.map(Digest::to_string);
        let from = match &last {
            Some(last) => Bound::Excluded((repository, subject.as_str(), last.as_str())),
            None => Bound::Included((repository, subject.as_str(), "")),
        };
        let to = Bound::Included((repository, subject.as_str(), LAST));
        let table = self.database.begin_read()?.open_table(REFERRERS)?;
        for row in table.range((from, to))? {
            let (key, descriptor) = row?;
            if visit(key.value().2, descriptor.value()) == Visit::Stop {
                break;
            }
        }
        Ok(())
    }

    fn make_tables(&self) -> Result<(), StorageError> {
        let transaction = self.database.begin_write()?;
        transaction.open_table(BLOBS)?;
        transaction.open_table(MANIFESTS)?;
        transaction.open_table(TAGS)?;
        transaction.open_table(REFERRERS)?;
        transaction.open_table(SUBJECTS)?;
        Ok(transaction.commit()?)
    }
}

/// Whether a visitor wants more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visit {
    Continue,
    Stop,
}

impl StorageError {
    /// Says whether the disk is full.
    pub(super) fn is_full_disk(&self) -> bool {
        let full = |error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            )
        };
        match self {
            Self::File(error) | Self::Database(redb::Error::Io(error)) => full(error),
            Self::Database(_) => false,
        }
    }
}

macro_rules! from_database {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for StorageError {
            fn from(error: redb::$error) -> Self {
                Self::Database(error.into())
            }
        }
    )*};
}
from_database!(TransactionError, TableError, CommitError);

impl From<redb::StorageError> for StorageError {
    fn from(error: redb::StorageError) -> Self {
        Self::Database(error.into())
    }
}

fn open_database(folder: &Path) -> Result<Database, RegistryError> {
    use redb::DatabaseError;
    Database::create(folder.join("registry.redb")).map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => RegistryError::InUse {
            folder: folder.to_owned(),
        },
        DatabaseError::Storage(redb::StorageError::Io(source)) => RegistryError::Folder {
            folder: folder.to_owned(),
            source,
        },
        other => RegistryError::Database {
            folder: folder.to_owned(),
            source: Box::new(other.into()),
        },
    })
}

/// Sorts after every digest and tag: neither has a byte above `z`.
const LAST: &str = "\u{7f}";

/// (digest, repository) to size: who has a blob. By digest first, to see whether anyone still has it.
const BLOBS: TableDefinition<'_, (&str, &str), u64> = TableDefinition::new("blobs");
/// (repository, digest) to media type and bytes.
const MANIFESTS: TableDefinition<'_, (&str, &str), (&str, &[u8])> =
    TableDefinition::new("manifests");
/// (repository, tag) to digest.
const TAGS: TableDefinition<'_, (&str, &str), &str> = TableDefinition::new("tags");
/// (repository, subject, digest) to the descriptor in the subject's list of referrers.
const REFERRERS: TableDefinition<'_, (&str, &str, &str), &[u8]> = TableDefinition::new("referrers");
/// (repository, digest) to the subject it refers to.
const SUBJECTS: TableDefinition<'_, (&str, &str), &str> = TableDefinition::new("subjects");
