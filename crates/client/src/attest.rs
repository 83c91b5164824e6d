//! `attest`: this is said about that image.

use countersign_artifact::ImageReference;
use countersign_trust::PredicateType;
use countersign_trust::assemble::attestation_statement;
use jiff::Timestamp;

use crate::registry::Client;
use crate::sign::{Signed, sign_and_push};
use crate::signing::{SignError, SignRequest};

/// Signs that `predicate`, the content of a file of this type, is said about `image`.
pub async fn attest_image(
    registry: &Client,
    image: &ImageReference,
    predicate_type: &PredicateType,
    predicate: &[u8],
    request: &SignRequest<'_>,
) -> Result<Signed, SignError> {
    let subject = registry.resolve(image).await?;
    let statement = attestation_statement(
        &image.context(),
        &subject.digest,
        predicate_type,
        predicate,
        Timestamp::now(),
    )?;
    let uri = predicate_type.uri();
    sign_and_push(registry, image, &subject, statement, uri, request).await
}
