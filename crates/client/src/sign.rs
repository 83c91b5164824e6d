//! `sign`: this image is ours.

use std::collections::BTreeMap;

use countersign_artifact::{Descriptor, Digest, ImageReference};
use countersign_trust::Evidence;
use countersign_trust::assemble::image_signature_statement;
use jiff::Timestamp;

use crate::bundle_referrer::push_bundle;
use crate::registry::Client;
pub use crate::signing::{Destination, SignError, SignRequest, SigningIdentity};
use crate::signing::{NewBundle, sign_statement};

/// A signature or attestation that was made.
#[derive(Debug)]
pub struct Signed {
    /// The image with its digest.
    pub image: ImageReference,
    /// Its digest.
    pub digest: Digest,
    /// The bundle, as it was pushed.
    pub bundle: Vec<u8>,
    /// The manifest that refers to the image with the bundle, if it was pushed.
    pub pushed: Option<Descriptor>,
    /// The indexes of its entries in the logs, in the order of the logs.
    pub log_indexes: Vec<u64>,
    /// What the bundle proves, where it was verified.
    pub evidence: Option<Evidence>,
}

/// Signs `image` with these annotations. A tag is resolved once; what is signed is the digest.
pub async fn sign_image(
    registry: &Client,
    image: &ImageReference,
    annotations: &BTreeMap<String, String>,
    request: &SignRequest<'_>,
) -> Result<Signed, SignError> {
    let subject = registry.resolve(image).await?;
    let statement = image_signature_statement(&subject.digest, annotations);
    sign_and_push(registry, image, &subject, statement, SIGNATURE, request).await
}

/// Signs a statement about `subject` and puts the bundle where it is wanted.
pub(crate) async fn sign_and_push(
    registry: &Client,
    image: &ImageReference,
    subject: &Descriptor,
    statement: Vec<u8>,
    predicate_type: &str,
    request: &SignRequest<'_>,
) -> Result<Signed, SignError> {
    let NewBundle {
        json,
        log_indexes,
        evidence,
    } = sign_statement(registry.transport(), request, statement, &subject.digest).await?;
    let pushed = match &request.destination {
        Destination::Caller => None,
        Destination::Registry(place) => {
            let to = place.repository_for(image);
            let now = Timestamp::now();
            Some(push_bundle(registry, &to, subject, &json, predicate_type, now).await?)
        }
    };
    Ok(Signed {
        image: image.with_digest(subject.digest),
        digest: subject.digest,
        bundle: json,
        pushed,
        log_indexes,
        evidence,
    })
}

const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
