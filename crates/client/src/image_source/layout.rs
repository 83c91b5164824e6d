//! An OCI layout, in a folder or in an archive (`docker save` of version 25 and later too).

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_artifact::manifest::MAX_MANIFEST_SIZE;
use countersign_artifact::{Descriptor, Digest, DigestHasher, ImageIndex, Manifest};

use super::LayoutError;
use super::archive::{Extent, read_headers};

/// A layout that has been opened, cheap to clone. Its blobs are compared with their digests as they are read.
#[derive(Clone, Debug)]
pub struct Layout {
    path: PathBuf,
    files: Arc<Files>,
    index: ImageIndex,
}

#[derive(Debug)]
enum Files {
    Folder,
    Archive(HashMap<String, Extent>),
}

/// A blob on its way. Reading to the end fails if it is not what its digest names.
#[derive(Debug)]
pub struct LayoutBlob {
    file: io::Take<File>,
    hasher: Option<DigestHasher>,
    path: PathBuf,
    wanted: Descriptor,
}

impl Layout {
    /// Opens a folder or a tar archive.
    pub fn open(path: &Path) -> Result<Self, LayoutError> {
        let found = std::fs::metadata(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => LayoutError::Absent {
                path: path.to_owned(),
            },
            _ => LayoutError::io(path, &error),
        })?;
        let files = if found.is_dir() {
            Files::Folder
        } else {
            Files::Archive(read_headers(path)?)
        };
        let mut layout = Self {
            path: path.to_owned(),
            files: Arc::new(files),
            index: ImageIndex {
                schema_version: 2,
                media_type: None,
                artifact_type: None,
                manifests: Vec::new(),
                subject: None,
                annotations: Default::default(),
            },
        };
        layout.index = layout.read_index()?;
        Ok(layout)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it lists.
    #[must_use]
    pub fn index(&self) -> &ImageIndex {
        &self.index
    }

    /// The image that is meant: the one with `tag`, or the only one. What refers to an image, and the
    /// tags that cosign derives from digests, are not images.
    pub fn image(&self, tag: Option<&str>) -> Result<&Descriptor, LayoutError> {
        let tagged = |entry: &&Descriptor| tag.is_some() && tag_of(entry) == tag;
        if let Some(found) = self.index.manifests.iter().find(tagged) {
            return Ok(found);
        }
        let mut images: Vec<&Descriptor> = Vec::new();
        for entry in self
            .index
            .manifests
            .iter()
            .filter(|entry| !is_cosign_tag(entry))
        {
            let known = images.iter().any(|image| image.digest == entry.digest);
            if !known && self.manifest(entry)?.subject().is_none() {
                images.push(entry);
            }
        }
        // An index lists its children again where a layout was made by copying a repository.
        let tagged: Vec<&Descriptor> = images
            .iter()
            .copied()
            .filter(|image| tag_of(image).is_some())
            .collect();
        match if tagged.is_empty() {
            &images[..]
        } else {
            &tagged[..]
        } {
            [one] => Ok(one),
            [] => Err(LayoutError::NoImage {
                path: self.path.clone(),
                tag: tag.map(str::to_owned),
            }),
            several => Err(LayoutError::SeveralImages {
                path: self.path.clone(),
                count: several.len(),
            }),
        }
    }

    /// Reads a manifest.
    pub fn manifest(&self, wanted: &Descriptor) -> Result<Manifest, LayoutError> {
        let bytes = self.blob(wanted, MAX_MANIFEST_SIZE as u64)?;
        Manifest::parse(Some(&wanted.media_type), &bytes)
            .map_err(|error| self.manifest_error(&wanted.digest.to_string(), error))
    }

    /// Reads a blob whole; it must not be larger than `limit`.
    pub fn blob(&self, wanted: &Descriptor, limit: u64) -> Result<Vec<u8>, LayoutError> {
        if wanted.size > limit {
            return Err(LayoutError::BlobTooLarge {
                path: self.path.clone(),
                digest: wanted.digest,
                limit,
            });
        }
        let mut blob = self.open_blob(wanted)?;
        let mut bytes = Vec::with_capacity(wanted.size as usize);
        blob.read_to_end(&mut bytes)
            .map_err(|error| self.read_error(error))?;
        Ok(bytes)
    }

    /// Begins to read a blob.
    pub fn open_blob(&self, wanted: &Descriptor) -> Result<LayoutBlob, LayoutError> {
        let (file, size) =
            self.open_file(&blob_name(&wanted.digest))?
                .ok_or_else(|| LayoutError::BlobAbsent {
                    path: self.path.clone(),
                    digest: wanted.digest,
                })?;
        if size != wanted.size {
            return Err(LayoutError::BlobSize {
                path: self.path.clone(),
                digest: wanted.digest,
                expected: wanted.size,
                found: size,
            });
        }
        Ok(LayoutBlob {
            file: file.take(size),
            hasher: Some(DigestHasher::new(wanted.digest.algorithm())),
            path: self.path.clone(),
            wanted: wanted.clone(),
        })
    }

    /// Where the bytes of this blob are: a file, and the place in it where they begin. It has been
    /// read to its end and is what its digest names.
    pub(super) fn checked_blob(&self, wanted: &Descriptor) -> Result<(PathBuf, u64), LayoutError> {
        let mut blob = self.open_blob(wanted)?;
        io::copy(&mut blob, &mut io::sink()).map_err(|error| self.read_error(error))?;
        let name = blob_name(&wanted.digest);
        Ok(match &*self.files {
            Files::Folder => (self.path.join(name), 0),
            Files::Archive(files) => {
                let start = files.get(&name).map_or(0, |extent| extent.start);
                (self.path.clone(), start)
            }
        })
    }

    fn read_index(&self) -> Result<ImageIndex, LayoutError> {
        let Some((file, size)) = self.open_file("index.json")? else {
            let old_docker = matches!(&*self.files, Files::Archive(files) if files.contains_key("manifest.json"));
            let path = self.path.clone();
            return Err(if old_docker {
                LayoutError::OldDockerArchive { path }
            } else {
                LayoutError::NoIndex { path }
            });
        };
        let mut bytes = Vec::new();
        // One byte more than allowed, so that the parser sees and refuses it.
        file.take(size.min(MAX_MANIFEST_SIZE as u64 + 1))
            .read_to_end(&mut bytes)
            .map_err(|error| LayoutError::io(&self.path, &error))?;
        match Manifest::parse(None, &bytes) {
            Ok(Manifest::Index(index)) => Ok(index),
            Ok(Manifest::Image(_)) => Err(LayoutError::NoIndex {
                path: self.path.clone(),
            }),
            Err(error) => Err(self.manifest_error("index.json", error)),
        }
    }

    fn open_file(&self, name: &str) -> Result<Option<(File, u64)>, LayoutError> {
        let failed = |error: io::Error| LayoutError::io(&self.path, &error);
        match &*self.files {
            Files::Folder => match File::open(self.path.join(name)) {
                Ok(file) => {
                    let found = file.metadata().map_err(failed)?;
                    Ok(found.is_file().then_some((file, found.len())))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(failed(error)),
            },
            Files::Archive(files) => {
                let Some(extent) = files.get(name) else {
                    return Ok(None);
                };
                let mut file = File::open(&self.path).map_err(failed)?;
                file.seek(SeekFrom::Start(extent.start)).map_err(failed)?;
                Ok(Some((file, extent.size)))
            }
        }
    }

    /// What went wrong while a blob was read: its own error, or the operating system's.
    fn read_error(&self, error: io::Error) -> LayoutError {
        let kind = error.kind();
        let own = error
            .into_inner()
            .and_then(|inner| inner.downcast::<LayoutError>().ok());
        own.map_or_else(
            || LayoutError::Io {
                path: self.path.clone(),
                kind,
            },
            |own| *own,
        )
    }

    fn manifest_error(
        &self,
        name: &str,
        error: countersign_artifact::ManifestError,
    ) -> LayoutError {
        LayoutError::Manifest {
            path: self.path.clone(),
            name: name.to_owned(),
            error,
        }
    }
}

impl Read for LayoutBlob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        if count > 0 {
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&buffer[..count]);
            }
            return Ok(count);
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        match self.hasher.take() {
            Some(hasher) => self
                .finish(hasher.finish())
                .map(|()| 0)
                .map_err(io::Error::other),
            None => Ok(0),
        }
    }
}

impl LayoutBlob {
    fn finish(&self, found: Digest) -> Result<(), LayoutError> {
        let (path, expected) = (self.path.clone(), self.wanted.digest);
        // An archive can end in the middle of a file.
        let missing = self.file.limit();
        if missing > 0 {
            return Err(LayoutError::BlobSize {
                path,
                digest: expected,
                expected: self.wanted.size,
                found: self.wanted.size - missing,
            });
        }
        if found != expected {
            return Err(LayoutError::DigestMismatch {
                path,
                expected,
                found,
            });
        }
        Ok(())
    }
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

/// The tag of an entry of `index.json`.
pub(crate) fn tag_of(entry: &Descriptor) -> Option<&str> {
    let name = entry.annotations.get(REF_NAME)?;
    // containerd writes the whole reference; the tag is what follows the last colon of its last part.
    let last = name.rsplit('/').next().unwrap_or(name);
    Some(last.rsplit_once(':').map_or(last, |(_, tag)| tag))
}

/// `sha256-<hex>`, with or without an ending: signatures, attestations, lists of referrers.
pub(super) fn is_cosign_tag(entry: &Descriptor) -> bool {
    let Some(rest) = tag_of(entry).and_then(|tag| tag.strip_prefix("sha256-")) else {
        return false;
    };
    let hex = rest.split('.').next().unwrap_or(rest);
    hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The annotation of the OCI image layout for tags.
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
