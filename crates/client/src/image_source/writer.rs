//! Writing an OCI layout: whole, or not at all.

use std::fs;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use countersign_artifact::{Algorithm, Descriptor, Digest, DigestHasher, ImageIndex, media_type};
use tempfile::TempDir;

use super::LayoutError;
use super::layout::REF_NAME;
use crate::registry::descriptor;

/// A layout that is being written, in a folder beside its place; [`LayoutWriter::finish`] puts it
/// there in one step. Dropped before, it leaves nothing.
#[derive(Debug)]
pub struct LayoutWriter {
    target: PathBuf,
    draft: TempDir,
    manifests: Vec<Descriptor>,
}

impl LayoutWriter {
    /// Begins a layout for `target`, which must be absent or an empty folder.
    pub fn create(target: &Path) -> Result<Self, LayoutError> {
        let failed = |error: io::Error| LayoutError::io(target, &error);
        match fs::read_dir(target) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(LayoutError::NotEmpty {
                        path: target.to_owned(),
                    });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let parent = target
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(failed)?;
        let draft = tempfile::Builder::new()
            .prefix(".layout-")
            .tempdir_in(parent)
            .map_err(failed)?;
        fs::create_dir_all(draft.path().join("blobs/sha256")).map_err(failed)?;
        fs::write(draft.path().join("oci-layout"), LAYOUT_FILE).map_err(failed)?;
        Ok(Self {
            target: target.to_owned(),
            draft,
            manifests: Vec::new(),
        })
    }

    /// Adds a blob.
    pub fn add_blob(&mut self, media_type: &str, bytes: &[u8]) -> Result<Descriptor, LayoutError> {
        self.add_blob_from(media_type, &mut &*bytes)
    }

    /// Adds a blob that comes in pieces.
    pub fn add_blob_from(
        &mut self,
        media_type: &str,
        content: &mut dyn Read,
    ) -> Result<Descriptor, LayoutError> {
        let failed = |error: io::Error| LayoutError::io(&self.target, &error);
        let folder = self.draft.path().join("blobs/sha256");
        let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(failed)?;
        let mut hasher = DigestHasher::new(Algorithm::Sha256);
        let mut size = 0;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error)),
            };
            hasher.update(&buffer[..count]);
            file.write_all(&buffer[..count]).map_err(failed)?;
            size += count as u64;
        }
        let digest = hasher.finish();
        let path = folder.join(digest.hex());
        file.persist(&path).map_err(|error| failed(error.error))?;
        readable(&path).map_err(failed)?;
        Ok(descriptor(media_type, digest, size))
    }

    /// Adds a manifest and lists it, under a tag if there is one.
    pub fn add_manifest(
        &mut self,
        media_type: &str,
        bytes: &[u8],
        tag: Option<&str>,
    ) -> Result<Descriptor, LayoutError> {
        let mut entry = self.add_blob(media_type, bytes)?;
        self.list(&entry, tag);
        entry.annotations.clear();
        Ok(entry)
    }

    /// Lists a manifest that has been added.
    pub fn list(&mut self, manifest: &Descriptor, tag: Option<&str>) {
        let mut entry = manifest.clone();
        if let Some(tag) = tag {
            entry
                .annotations
                .insert(REF_NAME.to_owned(), tag.to_owned());
        }
        self.manifests.push(entry);
    }

    /// Puts the layout in its place and returns the digest of its `index.json`.
    pub fn finish(self) -> Result<Digest, LayoutError> {
        let failed = |error: io::Error| LayoutError::io(&self.target, &error);
        let index = ImageIndex {
            schema_version: 2,
            media_type: Some(media_type::OCI_INDEX.to_owned()),
            artifact_type: None,
            manifests: self.manifests,
            subject: None,
            annotations: Default::default(),
        };
        let bytes = serde_json::to_vec_pretty(&index).expect("an index is plain data");
        fs::write(self.draft.path().join("index.json"), &bytes).map_err(failed)?;
        readable(self.draft.path()).map_err(failed)?;
        // Renaming replaces an empty folder and nothing else.
        fs::rename(self.draft.path(), &self.target).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty => LayoutError::NotEmpty {
                path: self.target.clone(),
            },
            _ => failed(error),
        })?;
        let _moved = self.draft.keep();
        Ok(Digest::sha256_of(&bytes))
    }
}

/// Temporary files are private; a layout is for others to read.
fn readable(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

const LAYOUT_FILE: &str = "{\"imageLayoutVersion\":\"1.0.0\"}";
