//! What is attached to an image in a registry.

use std::sync::atomic::{AtomicU64, Ordering};

use countersign_artifact::referrer::Kind;
use countersign_artifact::{Descriptor, Digest, ImageReference};
use countersign_trust::{Material, MaterialError};
use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};

use super::attached::{Attached, MAX_ATTACHMENT, kind_of, read_bundle, read_layer};
use super::{Place, Wanted};
use crate::registry::{Client, Fault, RegistryError, Repository};

/// An image and what is attached to it.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The image with its digest. A tag was asked for once, before anything else.
    pub image: ImageReference,
    /// Its digest.
    pub digest: Digest,
    /// What is attached, bundles first.
    pub material: Vec<Material>,
}

/// Gives what is attached to `image`: see [`gather`].
pub async fn material(
    registry: &Client,
    image: &ImageReference,
    wanted: Wanted,
    place: &Place,
) -> Result<Vec<Material>, RegistryError> {
    Ok(gather(registry, image, wanted, place).await?.material)
}

/// Finds out what `image` names and fetches what is attached to that digest.
///
/// One request for a tag; then the list of referrers and the older tag, at once, and two for each
/// bundle: four for an image that was signed once and is named by its digest. Where nothing is found the
/// image itself is asked for, because an image that is not there is not one without signatures.
pub async fn gather(
    registry: &Client,
    image: &ImageReference,
    wanted: Wanted,
    place: &Place,
) -> Result<Gathered, RegistryError> {
    let digest = match image.digest() {
        Some(digest) => *digest,
        None => registry.resolve(image).await?.digest,
    };
    let gathering = Gathering {
        registry,
        repository: place.repository_for(image),
        budget: AtomicU64::new(MAX_TOGETHER),
    };
    let tag = place.tag(&digest, kind_of(wanted));
    let (mut material, legacy) = future::try_join(
        gathering.referrers(&digest),
        gathering.tagged(&tag, kind_of(wanted)),
    )
    .await?;
    material.extend(legacy);
    if material.is_empty() && image.digest().is_some() {
        registry.resolve(image).await?;
    }
    Ok(Gathered {
        image: image.with_digest(digest),
        digest,
        material,
    })
}

struct Gathering<'a> {
    registry: &'a Client,
    repository: Repository,
    /// How many bytes may still be fetched.
    budget: AtomicU64,
}

impl Gathering<'_> {
    async fn referrers(&self, subject: &Digest) -> Result<Vec<Material>, RegistryError> {
        let listed = self.registry.referrers(&self.repository, subject).await?;
        // A list that was made by tags can hold an entry twice.
        let mut digests: Vec<Digest> = Vec::with_capacity(listed.descriptors.len());
        for entry in listed.descriptors {
            if !digests.contains(&entry.digest) {
                digests.push(entry.digest);
            }
        }
        let each = stream::iter(digests).map(|digest| self.referrer(digest));
        let found: Vec<Vec<Material>> = each.buffered(AT_ONCE).try_collect().await?;
        Ok(found.concat())
    }

    async fn referrer(&self, digest: Digest) -> Result<Vec<Material>, RegistryError> {
        let reference = digest.to_string();
        let fetched = self.registry.manifest_at(&self.repository, &reference);
        match readable(fetched.await)? {
            Ok(fetched) => self.layers(Attached::of_referrer(&fetched.manifest)).await,
            Err(error) => Ok(vec![Material::unreadable(error)]),
        }
    }

    async fn tagged(&self, tag: &str, kind: Kind) -> Result<Vec<Material>, RegistryError> {
        match self.registry.manifest_at(&self.repository, tag).await {
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            fetched => match readable(fetched)? {
                Ok(fetched) => self.layers(Attached::of_tag(kind, fetched.manifest)).await,
                Err(error) => Ok(vec![Material::unreadable(error)]),
            },
        }
    }

    async fn layers(&self, attached: Attached) -> Result<Vec<Material>, RegistryError> {
        match attached {
            Attached::Nothing => Ok(Vec::new()),
            Attached::Unreadable(error) => Ok(vec![Material::unreadable(error)]),
            Attached::Bundle(layer) => Ok(vec![match self.blob(&layer).await? {
                Ok(bytes) => read_bundle(&bytes),
                Err(error) => Material::unreadable(error),
            }]),
            Attached::Legacy(kind, layers) => {
                let each = stream::iter(layers).map(|layer| async move {
                    Ok(match self.blob(&layer).await? {
                        Ok(bytes) => read_layer(kind, &layer, bytes),
                        Err(error) => Material::unreadable(error),
                    })
                });
                each.buffered(AT_ONCE).try_collect().await
            }
        }
    }

    async fn blob(
        &self,
        layer: &Descriptor,
    ) -> Result<Result<Vec<u8>, MaterialError>, RegistryError> {
        let size = layer.size.min(MAX_ATTACHMENT);
        let spend = |left: u64| left.checked_sub(size);
        let spent = self
            .budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend);
        if spent.is_err() {
            let (limit, found) = (MAX_TOGETHER as usize, (MAX_TOGETHER + size) as usize);
            return Ok(Err(MaterialError::TooLarge { limit, found }));
        }
        let fetch = || self.registry.blob(&self.repository, layer, MAX_ATTACHMENT);
        let mut fetched = fetch().await;
        // A connection that broke looks like a blob that is too short; the second time tells.
        if matches!(&fetched, Err(error) if matches!(*error.fault, Fault::Truncated { .. })) {
            fetched = fetch().await;
        }
        readable(fetched.map(Vec::from))
    }
}

/// Takes apart whose fault it is: the registry's, which is an error for the whole, or that of what
/// someone attached, which then counts for nothing and hides nothing beside it.
fn readable<T>(
    fetched: Result<T, RegistryError>,
) -> Result<Result<T, MaterialError>, RegistryError> {
    match fetched {
        Ok(found) => Ok(Ok(found)),
        Err(error) if error.is_of_content() => Ok(Err(MaterialError::NotASignature {
            found: error.to_string(),
        })),
        Err(error) => Err(error),
    }
}

/// As many requests at once as browsers send to one host.
const AT_ONCE: usize = 6;
/// A thousand attachments of the largest size would fill any memory.
const MAX_TOGETHER: u64 = 512 << 20;
