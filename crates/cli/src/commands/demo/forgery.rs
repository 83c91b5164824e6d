//! Bad material for the story: bundles that somebody changed, or moved to where they do not belong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_artifact::ImageReference;
use countersign_client::bundle_referrer::push_bundle;
use countersign_client::registry::Repository;
use jiff::Timestamp;
use serde_json::Value;

use super::world::World;
use crate::failure::Failure;

/// Changes one byte of what the bundle's envelope says, and leaves everything else as it was.
pub(super) fn flip_payload_byte(bundle: &[u8]) -> Vec<u8> {
    let mut json: Value = serde_json::from_slice(bundle).unwrap_or_default();
    if let Some(payload) = json.pointer_mut("/dsseEnvelope/payload") {
        let mut bytes = STANDARD
            .decode(payload.as_str().unwrap_or_default())
            .unwrap_or_default();
        // A digit of the digest in the subject: the statement stays readable, and is about another image.
        let digit = bytes
            .windows(SUBJECT.len())
            .position(|window| window == SUBJECT);
        if let Some(digit) = digit.map(|at| at + SUBJECT.len()) {
            bytes[digit] = if bytes[digit] == b'0' { b'1' } else { b'0' };
        }
        *payload = STANDARD.encode(bytes).into();
    }
    json.to_string().into_bytes()
}

/// Puts a bundle beside an image that it is not about. Any writer of the repository can do that.
///
/// # Errors
/// If the registry does not take it.
pub(super) async fn attach(
    world: &World,
    image: &ImageReference,
    bundle: &[u8],
    predicate_type: &str,
) -> Result<(), Failure> {
    let subject = world
        .registry
        .resolve(image)
        .await
        .map_err(Failure::Registry)?;
    let repository = Repository::of(image);
    let pushed = push_bundle(
        &world.registry,
        &repository,
        &subject,
        bundle,
        predicate_type,
        Timestamp::now(),
    );
    pushed.await.map(drop).map_err(Failure::Registry)
}

const SUBJECT: &[u8] = b"\"sha256\":\"";
