//! The rules of the registry, without HTTP: what is taken, what is given, what is refused.
//!
//! Everything here blocks on the disk; `http/` calls it from blocking threads.

use std::fs::File;
use std::io::Read;

use countersign_artifact::{Digest, DigestHasher};
use serde::Deserialize;

use super::RegistryOptions;
use super::manifest::{Link, PushedManifest};
use super::name::{Reference, RepositoryName, Tag};
use super::refusal::{ManifestFault, Refusal};
use super::storage::{NewManifest, Page, Storage, StorageError, StoredBlob, StoredManifest, Visit};
use super::uploads::{Upload, Uploads};

/// One registry: its rules over its memory.
pub(super) struct Core {
    storage: Storage,
    uploads: Uploads,
    options: RegistryOptions,
}

/// A manifest that was taken.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) digest: Digest,
    /// The subject whose list of referrers now has it.
    pub(super) subject: Option<Digest>,
}

/// One page of referrers, as JSON texts of descriptors.
#[derive(Debug)]
pub(super) struct Referrers {
    pub(super) descriptors: Vec<Box<serde_json::value::RawValue>>,
    /// Where the next page begins, if there is one.
    pub(super) next: Option<String>,
}

impl Core {
    pub(super) fn new(storage: Storage, uploads: Uploads, options: RegistryOptions) -> Self {
        Self {
            storage,
            uploads,
            options,
        }
    }

    pub(super) fn blob_limit(&self) -> u64 {
        self.options.blob_limit
    }

    /// Begins an upload.
    pub(super) fn begin_upload(&self, repository: &RepositoryName) -> Result<Upload, Refusal> {
        self.uploads.begin(repository)
    }

    /// Takes up an upload again.
    pub(super) fn resume_upload(
        &self,
        repository: &RepositoryName,
        id: &str,
    ) -> Result<Upload, Refusal> {
        self.uploads.resume(repository, id)
    }

    /// Returns how far an upload has come.
    pub(super) fn received(&self, repository: &RepositoryName, id: &str) -> Result<u64, Refusal> {
        self.uploads.received(repository, id)
    }

    /// Makes a finished upload a blob of `repository`, if it has the digest it should have.
    ///
    /// The bytes are read back from the file: what is hashed is what will be served, whatever a resumed
    /// upload went through before.
    pub(super) fn finish_upload(
        &self,
        repository: &RepositoryName,
        upload: Upload,
        claimed: &Digest,
    ) -> Result<(), Refusal> {
        let found = digest_of_file(&upload, claimed)?;
        if found != *claimed {
            upload.discard()?;
            return Err(Refusal::mismatch(*claimed, found));
        }
        Ok(self.storage.keep_blob(repository, claimed, upload.path())?)
    }

    /// Gives `repository` a blob that another one has; says whether it did.
    pub(super) fn mount(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        from: Option<&RepositoryName>,
    ) -> Result<bool, Refusal> {
        Ok(self.storage.mount_blob(repository, digest, from)?)
    }

    /// Returns a blob.
    pub(super) fn blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<StoredBlob, Refusal> {
        let blob = self.storage.blob(repository, digest)?;
        blob.ok_or_else(|| Refusal::BlobUnknown(Box::new(*digest)))
    }

    /// Deletes a blob.
    pub(super) fn delete_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(), Refusal> {
        if self.storage.forget_blob(repository, digest)? {
            Ok(())
        } else {
            Err(Refusal::BlobUnknown(Box::new(*digest)))
        }
    }

    /// Takes a manifest under `reference` and `more_tags`, if all it names is there.
    pub(super) fn put_manifest(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
        more_tags: &[Tag],
        header: Option<&str>,
        bytes: &[u8],
    ) -> Result<Accepted, Refusal> {
        let digest = match reference {
            Reference::Tag(_) => Digest::sha256_of(bytes),
            Reference::Digest(digest) => *digest,
        };
        if !digest.matches(bytes) {
            let found = Digest::sha256_of(bytes);
            return Err(Refusal::mismatch(digest, found));
        }
        let pushed = PushedManifest::parse(header, bytes)?;
        self.require_links(repository, &pushed)?;
        let subject = pushed
            .subject
            .as_ref()
            .filter(|_| !self.options.without_referrers);
        let descriptor = subject
            .map(|_| serde_json::to_vec(&pushed.referrer_descriptor(&digest, bytes.len())))
            .transpose()
            .expect("a descriptor of texts and numbers is JSON");
        let tags: Vec<Tag> = match reference {
            Reference::Tag(tag) => vec![tag.clone()],
            Reference::Digest(_) => more_tags.to_vec(),
        };
        self.storage.keep_manifest(&NewManifest {
            repository,
            digest: &digest,
            media_type: &pushed.media_type,
            bytes,
            tags: &tags,
            referrer: subject.zip(descriptor.as_deref()),
        })?;
        Ok(Accepted {
            subject: subject.cloned(),
            digest,
        })
    }

    /// Returns a manifest.
    pub(super) fn manifest(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<StoredManifest, Refusal> {
        let manifest = self.storage.manifest(repository, reference)?;
        manifest.ok_or_else(|| manifest_unknown(reference))
    }

    /// Deletes a tag, or a manifest with all its tags.
    pub(super) fn delete_manifest(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<(), Refusal> {
        let existed = match reference {
            Reference::Tag(tag) => self.storage.forget_tag(repository, tag)?,
            Reference::Digest(digest) => self.storage.forget_manifest(repository, digest)?,
        };
        if existed {
            Ok(())
        } else {
            Err(manifest_unknown(reference))
        }
    }

    /// Returns up to `wanted` repositories after `last`.
    pub(super) fn repositories(
        &self,
        last: Option<&str>,
        wanted: Option<usize>,
    ) -> Result<Page<String>, Refusal> {
        let limit = wanted.unwrap_or(usize::MAX).min(self.options.tags_page);
        let mut page = self.storage.repositories(last, limit)?;
        page.more &= limit > 0;
        Ok(page)
    }

    /// Returns up to `wanted` tags after `last`.
    pub(super) fn tags(
        &self,
        repository: &RepositoryName,
        last: Option<&str>,
        wanted: Option<usize>,
    ) -> Result<Page<String>, Refusal> {
        let limit = wanted.unwrap_or(usize::MAX).min(self.options.tags_page);
        let page = self.storage.tags(repository, last, limit)?;
        let mut page = page.ok_or_else(|| Refusal::NameUnknown(repository.clone()))?;
        page.more &= limit > 0;
        Ok(page)
    }

    /// Returns a page of the referrers of `subject`, of one artifact type only if `wanted` says so.
    pub(super) fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        wanted: Option<&str>,
        last: Option<&Digest>,
    ) -> Result<Referrers, Refusal> {
        if self.options.without_referrers {
            return Err(Refusal::ReferrersUnsupported);
        }
        let mut descriptors: Vec<Box<serde_json::value::RawValue>> = Vec::new();
        let (mut next, mut previous, mut size) = (None, None, 0);
        self.storage
            .visit_referrers(repository, subject, last, |digest, descriptor| {
                if wanted.is_some_and(|wanted| artifact_type(descriptor).as_deref() != Some(wanted))
                {
                    return Visit::Continue;
                }
                size += descriptor.len();
                let full = descriptors.len() >= self.options.referrers_page || size > PAGE_BYTES;
                if full && !descriptors.is_empty() {
                    next = previous.take();
                    return Visit::Stop;
                }
                previous = Some(digest.to_owned());
                descriptors.push(
                    serde_json::from_slice(descriptor)
                        .expect("what we wrote as JSON reads as JSON"),
                );
                Visit::Continue
            })?;
        Ok(Referrers { descriptors, next })
    }

    fn require_links(
        &self,
        repository: &RepositoryName,
        pushed: &PushedManifest,
    ) -> Result<(), Refusal> {
        let mut missing = Vec::new();
        let mut check = |link: &Link, actual: Option<u64>| match actual {
            None => {
                missing.push(link.digest);
                Ok(())
            }
            Some(actual) if actual == link.size => Ok(()),
            Some(actual) => Err(ManifestFault::Size {
                digest: link.digest,
                declared: link.size,
                actual,
            }),
        };
        for link in &pushed.blobs {
            check(
                link,
                self.storage
                    .blob(repository, &link.digest)?
                    .map(|blob| blob.size),
            )?;
        }
        for link in &pushed.children {
            check(link, self.storage.manifest_size(repository, &link.digest)?)?;
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Refusal::ManifestBlobUnknown(missing))
        }
    }
}

fn manifest_unknown(reference: &Reference) -> Refusal {
    Refusal::ManifestUnknown(match reference {
        Reference::Tag(tag) => tag.as_str().to_owned(),
        Reference::Digest(digest) => digest.to_string(),
    })
}

fn digest_of_file(upload: &Upload, like: &Digest) -> Result<Digest, StorageError> {
    let mut file = File::open(upload.path())?;
    let mut hasher = DigestHasher::new(like.algorithm());
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            length => hasher.update(&buffer[..length]),
        }
    }
}

fn artifact_type(descriptor: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ArtifactType {
        artifact_type: Option<String>,
    }
    serde_json::from_slice::<ArtifactType>(descriptor)
        .ok()?
        .artifact_type
}

/// A list of referrers is a manifest to its reader, who takes 4 MiB of one.
const PAGE_BYTES: usize = (4 << 20) - (64 << 10);
