//! `verify`: who says that this image is theirs?

use countersign_artifact::{Digest, ImageReference};
use countersign_trust::{Evidence, Form, Material, Shape};

use crate::material::{Gathered, Place, Wanted, gather};
use crate::registry::{Client, RegistryError};
use crate::verify_rules::{Check, Leniency, Refused, Rules};

/// An image with signatures that count.
#[derive(Debug)]
pub struct VerifiedImage {
    /// As it was asked for.
    pub asked: ImageReference,
    /// Its digest.
    pub digest: Digest,
    /// The signatures that count, at least one.
    pub signatures: Vec<VerifiedSignature>,
    /// What was there besides and does not count.
    pub refused: Vec<Refused>,
    /// What every one of the signatures has passed.
    pub checks: Vec<Check>,
}

/// A signature that counts.
#[derive(Debug)]
pub struct VerifiedSignature {
    /// What it proves.
    pub evidence: Evidence,
    /// What was not asked of it.
    pub leniencies: Vec<Leniency>,
}

/// What counts as a signature of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureKinds {
    /// Signatures.
    #[default]
    Signatures,
    /// Any bundle that is about the image, whatever it says of it, as cosign 3 has it
    /// (`--accept-attestation-as-signature`).
    DangerouslyAttestationsToo,
}

/// Why an image is not verified. The first two are no judgement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyImageError {
    /// The registry, not the signatures.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// What is asked for needs a trust root, and none was given.
    #[error("a trust root is needed to verify identities, logs and times")]
    NoTrustRoot,
    /// There are no signatures.
    #[error("no signatures found")]
    NoSignatures {
        /// The image.
        image: ImageReference,
        /// How many attestations were passed over.
        attestations: usize,
    },
    /// There are signatures, and none counts.
    #[error("no matching signatures: {}", reasons(refused))]
    NoneMatched {
        /// The image.
        image: ImageReference,
        /// Why each does not count.
        refused: Vec<Refused>,
    },
}

/// Verifies that `image` is signed as `rules` ask. One signature that counts is enough; the others do
/// no harm and are listed.
pub async fn verify_image(
    registry: &Client,
    image: &ImageReference,
    place: &Place,
    rules: &Rules<'_>,
    kinds: SignatureKinds,
) -> Result<VerifiedImage, VerifyImageError> {
    if rules.need_root() && rules.trust_root.is_none() {
        return Err(VerifyImageError::NoTrustRoot);
    }
    let gathered = gather(registry, image, Wanted::Signatures, place).await?;
    judge_signatures(image, &gathered, rules, kinds)
}

/// Judges the signatures that were gathered, wherever that was.
pub fn judge_signatures(
    asked: &ImageReference,
    gathered: &Gathered,
    rules: &Rules<'_>,
    kinds: SignatureKinds,
) -> Result<VerifiedImage, VerifyImageError> {
    if rules.need_root() && rules.trust_root.is_none() {
        return Err(VerifyImageError::NoTrustRoot);
    }
    let (counting, passed_over): (Vec<&Material>, Vec<&Material>) = gathered
        .material
        .iter()
        .partition(|one| may_count(one, kinds));
    if counting.is_empty() {
        return Err(VerifyImageError::NoSignatures {
            image: gathered.image.clone(),
            attestations: passed_over.len(),
        });
    }
    let (mut signatures, mut refused) = (Vec::new(), Vec::new());
    for material in counting {
        match rules.judge(material, &gathered.digest) {
            Ok(evidence) => {
                let mut leniencies = rules.leniencies(&evidence);
                if material.shape() == Shape::Attestation {
                    leniencies.push(Leniency::AttestationAsSignature);
                }
                signatures.push(VerifiedSignature {
                    evidence,
                    leniencies,
                });
            }
            Err(reason) => refused.push(reason),
        }
    }
    if signatures.is_empty() {
        let image = gathered.image.clone();
        return Err(VerifyImageError::NoneMatched { image, refused });
    }
    let checks = rules.checks(signatures.iter().map(|one| &one.evidence));
    Ok(VerifiedImage {
        asked: asked.clone(),
        digest: gathered.digest,
        signatures,
        refused,
        checks,
    })
}

fn may_count(material: &Material, kinds: SignatureKinds) -> bool {
    match material.shape() {
        // What could not be read may have been one, and is not to be overlooked.
        Shape::ImageSignature | Shape::Unreadable => true,
        Shape::Attestation => {
            kinds == SignatureKinds::DangerouslyAttestationsToo && material.form() == Form::Bundle
        }
        Shape::Message => false,
    }
}

/// cosign's way: one after the other.
pub(crate) fn reasons(refused: &[Refused]) -> String {
    let each: Vec<String> = refused.iter().map(|one| one.reason.to_string()).collect();
    each.join("\n ")
}
