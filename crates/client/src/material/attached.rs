//! What a manifest attaches to its subject.

use countersign_artifact::referrer::Kind;
use countersign_artifact::{Descriptor, ImageManifest, Manifest, media_type};
use countersign_trust::{Material, MaterialError};

use super::Wanted;

/// The layers of a manifest that are signatures or attestations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attached {
    /// One bundle.
    Bundle(Box<Descriptor>),
    /// Layers in cosign's older form, of a tag or of its experimental referrers.
    Legacy(Kind, Vec<Descriptor>),
    /// Something else, of no interest here.
    Nothing,
    /// It says it is a bundle and is not made like one.
    Unreadable(MaterialError),
}

impl Attached {
    /// Reads the manifest of a referrer.
    pub(super) fn of_referrer(manifest: &Manifest) -> Self {
        let Manifest::Image(image) = manifest else {
            return Self::Nothing;
        };
        let is_bundle = |layer: &&Descriptor| media_type::is_sigstore_bundle(&layer.media_type);
        match (&image.layers[..], image.layers.iter().find(is_bundle)) {
            ([only], Some(_)) => Self::Bundle(Box::new(only.clone())),
            // cosign: pkg/oci/remote/referrers.go, `expected exactly one layer`.
            (layers, Some(_)) => Self::Unreadable(MaterialError::NotASignature {
                found: format!("a bundle among {} layers", layers.len()),
            }),
            (_, None) if is_experimental_signature(image) => {
                Self::Legacy(Kind::Signature, image.layers.clone())
            }
            (_, None) => Self::Nothing,
        }
    }

    /// Reads the manifest of a `.sig` or `.att` tag.
    pub(super) fn of_tag(kind: Kind, manifest: Manifest) -> Self {
        match manifest {
            Manifest::Image(image) => Self::Legacy(kind, image.layers),
            Manifest::Index(_) => Self::Unreadable(MaterialError::NotASignature {
                found: "an index under a tag of signatures".to_owned(),
            }),
        }
    }
}

/// `COSIGN_EXPERIMENTAL=1 cosign sign --registry-referrers-mode=oci-1-1`, before there were bundles.
fn is_experimental_signature(image: &ImageManifest) -> bool {
    let kind = image.artifact_type.as_ref();
    let kind = kind.unwrap_or(&image.config.media_type);
    kind == media_type::COSIGN_SIGNATURE_ARTIFACT
}

/// Reads a bundle.
pub(super) fn read_bundle(bytes: &[u8]) -> Material {
    Material::parse_bundle(bytes).unwrap_or_else(Material::unreadable)
}

/// Reads a layer in the older form.
pub(super) fn read_layer(kind: Kind, layer: &Descriptor, bytes: Vec<u8>) -> Material {
    let read = match kind {
        Kind::Attestation => Material::legacy_attestation(bytes, &layer.annotations),
        _ => Material::legacy_signature(bytes, &layer.annotations),
    };
    read.unwrap_or_else(Material::unreadable)
}

/// The older tag to look at.
pub(super) fn kind_of(wanted: Wanted) -> Kind {
    match wanted {
        Wanted::Signatures => Kind::Signature,
        Wanted::Attestations => Kind::Attestation,
    }
}

/// The most bytes of one bundle or attestation (`COSIGN_MAX_ATTACHMENT_SIZE`).
pub(super) const MAX_ATTACHMENT: u64 = 128 << 20;
