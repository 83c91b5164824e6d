//! A layout into a registry: the image with everything that is beside it.

use std::collections::HashSet;
use std::panic::resume_unwind;

use bytes::Bytes;
use countersign_artifact::manifest::MAX_MANIFEST_SIZE;
use countersign_artifact::{Descriptor, Digest, ImageReference, Manifest, media_type};

use super::LayoutError;
use super::layout::{Layout, is_cosign_tag, tag_of};
use crate::registry::{BlobSource, Client, RegistryError, Repository};

/// What a push did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedLayout {
    /// The image's digest.
    pub digest: Digest,
    /// How many manifests were pushed: the image, its children, what refers to it.
    pub manifests: usize,
    /// How many blobs were sent.
    pub blobs_sent: usize,
    /// How many blobs the registry had.
    pub blobs_present: usize,
}

/// Why a layout was not pushed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The layout is at fault.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The registry is.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The reference has a digest, and it is not the image's.
    #[error("the image has the digest {found}, not {expected}")]
    OtherImage {
        /// The digest in the reference.
        expected: Digest,
        /// The image's.
        found: Digest,
    },
}

/// Pushes an image to `target`, under its tag if it has one, and with it the signatures,
/// attestations and other manifests that the layout lists.
///
/// Which image is meant is decided before anything is sent. Blobs go before the manifests that need
/// them and the image's tag goes last, so that a push that breaks shows nothing half.
pub async fn push_layout(
    client: &Client,
    layout: &Layout,
    target: &ImageReference,
) -> Result<PushedLayout, PushError> {
    let image = layout.image(target.tag())?.clone();
    if let Some(expected) = target.digest().filter(|digest| **digest != image.digest) {
        let (expected, found) = (*expected, image.digest);
        return Err(PushError::OtherImage { expected, found });
    }
    let mut push = Push {
        client,
        layout,
        repository: Repository::of(target),
        done: HashSet::new(),
        result: PushedLayout {
            digest: image.digest,
            manifests: 0,
            blobs_sent: 0,
            blobs_present: 0,
        },
    };
    push.tree(&image, 0).await?;
    for entry in &layout.index().manifests {
        push.tree(entry, 0).await?;
        let of_image = entry.digest == image.digest && !is_cosign_tag(entry);
        if let Some(tag) = tag_of(entry).filter(|_| !of_image && !is_list_of_referrers(entry)) {
            push.tag(entry, tag).await?;
        }
    }
    if let Some(tag) = target.tag() {
        push.tag(&image, tag).await?;
    }
    Ok(push.result)
}

struct Push<'a> {
    client: &'a Client,
    layout: &'a Layout,
    repository: Repository,
    done: HashSet<Digest>,
    result: PushedLayout,
}

impl Push<'_> {
    /// Pushes a manifest by its digest, after what it needs.
    async fn tree(&mut self, entry: &Descriptor, depth: usize) -> Result<(), PushError> {
        if depth > MAX_DEPTH || !self.done.insert(entry.digest) {
            return Ok(());
        }
        let bytes = self.layout.blob(entry, MAX_MANIFEST_SIZE as u64)?;
        let manifest = self.layout.manifest(entry)?;
        match &manifest {
            Manifest::Image(image) => {
                for blob in std::iter::once(&image.config).chain(&image.layers) {
                    if self.done.insert(blob.digest) {
                        self.blob(blob).await?;
                    }
                }
            }
            Manifest::Index(index) => {
                for child in &index.manifests {
                    Box::pin(self.tree(child, depth + 1)).await?;
                }
            }
        }
        self.result.manifests += 1;
        let bytes = Bytes::from(bytes);
        match manifest.subject() {
            Some(subject) => {
                self.client
                    .push_referrer(&self.repository, &subject.digest, &entry.media_type, bytes)
                    .await?;
            }
            None => {
                self.client
                    .push_manifest(&self.repository, None, &entry.media_type, bytes)
                    .await?;
            }
        }
        Ok(())
    }

    async fn tag(&self, entry: &Descriptor, tag: &str) -> Result<(), PushError> {
        let bytes = Bytes::from(self.layout.blob(entry, MAX_MANIFEST_SIZE as u64)?);
        let (to, kind) = (&self.repository, &entry.media_type);
        self.client
            .push_manifest(to, Some(tag), kind, bytes)
            .await?;
        Ok(())
    }

    async fn blob(&mut self, blob: &Descriptor) -> Result<(), PushError> {
        if self.client.has_blob(&self.repository, &blob.digest).await? {
            self.result.blobs_present += 1;
            return Ok(());
        }
        // Read before it is sent: a blob that is not what it says is the layout's fault and nothing
        // that a registry should have to say.
        let (layout, wanted) = (self.layout.clone(), blob.clone());
        let checked = tokio::task::spawn_blocking(move || layout.checked_blob(&wanted)).await;
        let (path, start) = checked.unwrap_or_else(|broken| resume_unwind(broken.into_panic()))?;
        let source = BlobSource::FilePart { path, start };
        self.client
            .upload_blob(&self.repository, blob, source)
            .await?;
        self.result.blobs_sent += 1;
        Ok(())
    }
}

/// The list that stands in for the referrers API. It belongs to the registry: there it is made from the
/// manifests themselves, and may have more entries than ours.
fn is_list_of_referrers(entry: &Descriptor) -> bool {
    is_cosign_tag(entry)
        && media_type::is_index(&entry.media_type)
        && tag_of(entry).is_some_and(|tag| !tag.contains('.'))
}

/// Indexes of indexes of indexes are already strange.
const MAX_DEPTH: usize = 4;
