//! What is attached to an image in a layout.

use countersign_artifact::referrer::{Kind, fallback_tag};
use countersign_artifact::{Descriptor, Digest, Manifest};
use countersign_trust::{Material, MaterialError};

use super::attached::{Attached, MAX_ATTACHMENT, kind_of, read_bundle, read_layer};
use super::{Place, Wanted};
use crate::image_source::{Layout, LayoutError, tag_of};

/// The signatures and attestations in a layout: of a repository that was copied with everything in it,
/// or of `cosign save`.
#[derive(Clone, Copy, Debug)]
pub struct LayoutMaterial<'a> {
    layout: &'a Layout,
}

impl<'a> LayoutMaterial<'a> {
    /// Reads from `layout`.
    #[must_use]
    pub fn new(layout: &'a Layout) -> Self {
        Self { layout }
    }

    /// Gives what is attached to the image with the digest `subject`, bundles first.
    pub fn of(&self, subject: &Digest, wanted: Wanted) -> Result<Vec<Material>, LayoutError> {
        let tag = Place::default().tag(subject, kind_of(wanted));
        let mut found = Vec::new();
        for entry in self.referrers(subject)? {
            match self.readable(self.layout.manifest(&entry))? {
                Ok(manifest) => found.extend(self.layers(Attached::of_referrer(&manifest))?),
                Err(error) => found.push(Material::unreadable(error)),
            }
        }
        for entry in &self.layout.index().manifests {
            if tag_of(entry) != Some(&tag) && !is_saved(entry, kind_of(wanted)) {
                continue;
            }
            match self.readable(self.layout.manifest(entry))? {
                Ok(manifest) => {
                    found.extend(self.layers(Attached::of_tag(kind_of(wanted), manifest))?);
                }
                Err(error) => found.push(Material::unreadable(error)),
            }
        }
        Ok(found)
    }

    /// The manifests whose subject is the image, and those that the tag for referrers lists.
    fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, LayoutError> {
        let mut found: Vec<Descriptor> = Vec::new();
        let mut add = |entry: &Descriptor| {
            if found.iter().all(|known| known.digest != entry.digest) {
                found.push(entry.clone());
            }
        };
        for entry in &self.layout.index().manifests {
            let Ok(manifest) = self.readable(self.layout.manifest(entry))? else {
                continue;
            };
            if manifest
                .subject()
                .is_some_and(|found| found.digest == *subject)
            {
                add(entry);
            }
            if let Manifest::Index(index) = &manifest
                && tag_of(entry) == Some(&fallback_tag(subject))
            {
                index.manifests.iter().for_each(&mut add);
            }
        }
        Ok(found)
    }

    fn layers(&self, attached: Attached) -> Result<Vec<Material>, LayoutError> {
        match attached {
            Attached::Nothing => Ok(Vec::new()),
            Attached::Unreadable(error) => Ok(vec![Material::unreadable(error)]),
            Attached::Bundle(layer) => Ok(vec![match self.blob(&layer)? {
                Ok(bytes) => read_bundle(&bytes),
                Err(error) => Material::unreadable(error),
            }]),
            Attached::Legacy(kind, layers) => {
                let read = |layer: &Descriptor| {
                    Ok(match self.blob(layer)? {
                        Ok(bytes) => read_layer(kind, layer, bytes),
                        Err(error) => Material::unreadable(error),
                    })
                };
                layers.iter().map(read).collect()
            }
        }
    }

    fn blob(&self, layer: &Descriptor) -> Result<Result<Vec<u8>, MaterialError>, LayoutError> {
        self.readable(self.layout.blob(layer, MAX_ATTACHMENT))
    }

    /// What is wrong with one attachment is no fault of the others; what is wrong with the disk is.
    fn readable<T>(
        &self,
        read: Result<T, LayoutError>,
    ) -> Result<Result<T, MaterialError>, LayoutError> {
        match read {
            Ok(found) => Ok(Ok(found)),
            Err(error @ LayoutError::Io { .. }) => Err(error),
            Err(error) => Ok(Err(MaterialError::NotASignature {
                found: error.to_string(),
            })),
        }
    }
}

/// `cosign save` has no tags but says what is what. Its folder has one image.
fn is_saved(entry: &Descriptor, kind: Kind) -> bool {
    let wanted = match kind {
        Kind::Signature => "dev.cosignproject.cosign/sigs",
        Kind::Attestation => "dev.cosignproject.cosign/atts",
        Kind::Sbom => return false,
    };
    entry
        .annotations
        .get("kind")
        .is_some_and(|kind| kind == wanted)
}
