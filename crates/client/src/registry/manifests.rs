//! Manifests: by tag, by digest, pushed.

use bytes::Bytes;
use countersign_artifact::manifest::MAX_MANIFEST_SIZE;
use countersign_artifact::{Descriptor, Digest, ImageReference, Manifest, media_type};
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http::{Method, StatusCode};

use super::Repository;
use super::access::{Asked, Target, refusal};
use super::client::Client;
use super::error::{Fault, RegistryError, Resource};
use crate::transport::{OutgoingBody, read_capped};

/// A manifest with the bytes that its digest is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedManifest {
    /// Its digest, computed here.
    pub digest: Digest,
    /// The media type under which it came.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// What they say.
    pub manifest: Manifest,
}

impl FetchedManifest {
    /// Points at this manifest.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        descriptor(&self.media_type, self.digest, self.bytes.len() as u64)
    }
}

impl Client {
    /// Fetches the manifest that `image` names, by its digest if it has one.
    pub async fn manifest(&self, image: &ImageReference) -> Result<FetchedManifest, RegistryError> {
        self.manifest_at(&Repository::of(image), &image.identifier())
            .await
    }

    /// Fetches a manifest by tag or digest.
    pub(crate) async fn manifest_at(
        &self,
        repository: &Repository,
        reference: &str,
    ) -> Result<FetchedManifest, RegistryError> {
        let resource = manifest_resource(repository, reference);
        let due = self.due();
        let asked = Asked::get(&resource, format!("manifests/{reference}"), due)
            .header(ACCEPT, &media_type::MANIFESTS.join(", "))?;
        let response = self.ask(&asked).await?;
        let sent_as = content_type(response.headers());
        let named = content_digest(response.headers());
        let bytes = read_capped(response, MAX_MANIFEST_SIZE as u64, due)
            .await
            .map_err(|fault| Fault::from(fault).of(&resource))?;
        // Compared with what was asked for; for a tag with what the registry itself says it is.
        let expected = Digest::parse(reference).ok().or(named);
        let digest = check_digest(&bytes, expected).map_err(|fault| fault.of(&resource))?;
        let manifest = Manifest::parse(sent_as.as_deref(), &bytes)
            .map_err(|error| Fault::Manifest(error).of(&resource))?;
        Ok(FetchedManifest {
            digest,
            media_type: media_type_of(sent_as, &manifest),
            bytes,
            manifest,
        })
    }

    /// Finds out what `image` names now: one HEAD request, or a GET where the registry's answer to
    /// HEAD lacks the digest, the size or the type.
    pub async fn resolve(&self, image: &ImageReference) -> Result<Descriptor, RegistryError> {
        let repository = Repository::of(image);
        let reference = image.identifier();
        let resource = manifest_resource(&repository, &reference);
        let due = self.due();
        let mut asked = Asked::get(&resource, format!("manifests/{reference}"), due)
            .header(ACCEPT, &media_type::MANIFESTS.join(", "))?;
        asked.method = Method::HEAD;
        let response = self.ask_any(&asked).await?;
        // HEAD has no body to say why, and some registries do not know it at all.
        if matches!(
            response.status(),
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
        ) {
            return Ok(self.manifest(image).await?.descriptor());
        }
        if !response.status().is_success() {
            return Err(refusal(response, due).await.of(&resource));
        }
        let headers = response.headers();
        let size = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let kind = content_type(headers).filter(|kind| is_known(kind));
        let (Some(found), Some(size), Some(kind)) = (content_digest(headers), size, kind) else {
            return Ok(self.manifest(image).await?.descriptor());
        };
        match image.digest() {
            Some(expected) if *expected != found => {
                let expected = *expected;
                Err(Fault::DigestMismatch { expected, found }.of(&resource))
            }
            _ => Ok(descriptor(&kind, found, size)),
        }
    }

    /// Pushes a manifest under a tag, or under its digest where `tag` is `None`. Returns whether the
    /// registry says it has listed it as a referrer of its subject.
    pub async fn push_manifest(
        &self,
        repository: &Repository,
        tag: Option<&str>,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<(Descriptor, Listed), RegistryError> {
        let digest = Digest::sha256_of(&bytes);
        let reference = tag.map_or_else(|| digest.to_string(), str::to_owned);
        let resource = manifest_resource(repository, &reference);
        let described = descriptor(media_type, digest, bytes.len() as u64);
        let target = Target::Path(format!("manifests/{reference}"));
        let asked = Asked::push(&resource, Method::PUT, target, self.due())
            .header(CONTENT_TYPE, media_type)?
            .body(OutgoingBody::Bytes(bytes));
        let response = self.ask(&asked).await?;
        if let Some(found) = content_digest(response.headers()).filter(|found| *found != digest) {
            return Err(Fault::DigestMismatch {
                expected: digest,
                found,
            }
            .of(&resource));
        }
        let listed = if response.headers().contains_key("oci-subject") {
            Listed::ByRegistry
        } else {
            Listed::Unknown
        };
        Ok((described, listed))
    }
}

/// Whether a pushed manifest is in the list of its subject's referrers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// The registry says so (`OCI-Subject`).
    ByRegistry,
    /// It does not say.
    Unknown,
}

pub(super) fn manifest_resource(repository: &Repository, reference: &str) -> Resource {
    Resource::Manifest {
        repository: repository.clone(),
        reference: reference.to_owned(),
    }
}

/// Computes the digest of `bytes`, with the algorithm of the one they must have.
pub(super) fn check_digest(bytes: &[u8], expected: Option<Digest>) -> Result<Digest, Fault> {
    let found = match expected {
        Some(Digest::Sha512(_)) => Digest::sha512_of(bytes),
        _ => Digest::sha256_of(bytes),
    };
    match expected {
        Some(expected) if expected != found => Err(Fault::DigestMismatch { expected, found }),
        _ => Ok(found),
    }
}

/// The media type without parameters.
pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let name = text.split(';').next().unwrap_or_default().trim();
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

fn content_digest(headers: &HeaderMap) -> Option<Digest> {
    Digest::parse(headers.get("docker-content-digest")?.to_str().ok()?).ok()
}

fn is_known(kind: &str) -> bool {
    media_type::is_manifest(kind) || media_type::is_index(kind)
}

fn media_type_of(sent_as: Option<String>, manifest: &Manifest) -> String {
    let (said, default) = match manifest {
        Manifest::Image(image) => (image.media_type.clone(), media_type::OCI_MANIFEST),
        Manifest::Index(index) => (index.media_type.clone(), media_type::OCI_INDEX),
    };
    said.or(sent_as.filter(|kind| is_known(kind)))
        .unwrap_or_else(|| default.to_owned())
}

pub(crate) fn descriptor(media_type: &str, digest: Digest, size: u64) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest,
        size,
        artifact_type: None,
        platform: None,
        annotations: Default::default(),
    }
}
