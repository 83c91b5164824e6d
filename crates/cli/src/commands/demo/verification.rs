//! Chapters 6 and 8: what verifies, what does not and why, and what the log tells.

use std::collections::BTreeMap;

use countersign_artifact::ImageReference;
use countersign_client::audit::{AuditRange, audit as read_log};
use countersign_client::material::Place;
use countersign_client::sign::{Destination, SignRequest, Signed, sign_image};
use countersign_client::verify_attestation::{
    AttestationQuestion, VerifyAttestationError, verify_attestation,
};
use countersign_client::verify_image::{
    SignatureKinds, VerifiedImage, VerifyImageError, verify_image,
};
use countersign_client::verify_rules::{Reason, Refused, Rules, WantedSigner};
use countersign_policy::{IdentityPattern, TextPattern};
use countersign_trust::{PredicateType, VerifyError};
use jiff::Timestamp;

use super::forgery;
use super::narrator::{Narrator, Told};
use super::world::World;
use crate::commands::audit;
use crate::failure::Failure;

/// Chapter 6.
pub(super) async fn tell(
    world: &World,
    image: &ImageReference,
    spdx: &Signed,
    narrator: &mut Narrator<'_>,
) -> Result<(), Failure> {
    narrator
        .step(6, "verify", signed_by_the_workflow(world, image))
        .await?;
    for (kind, uri) in [("spdxjson", SPDX), ("cyclonedx", CYCLONEDX)] {
        narrator
            .step(
                6,
                "verify",
                attested_by_the_workflow(world, image, kind, uri),
            )
            .await?;
    }
    narrator
        .step(6, "verify", refuses_another_identity(world, image))
        .await?;
    narrator
        .step(6, "verify", refuses_another_issuer(world, image))
        .await?;
    narrator
        .step(6, "verify", refuses_a_flipped_byte(world))
        .await?;
    narrator
        .step(6, "verify", refuses_a_moved_document(world, spdx))
        .await?;
    narrator.step(6, "verify", refuses_another_log(world)).await
}

async fn signed_by_the_workflow(
    world: &World,
    image: &ImageReference,
) -> Result<((), Told), Failure> {
    let verified = verify(world, image, &world.identity(), world.issuer()).await;
    let verified = verified.map_err(Failure::VerifyImage)?;
    let told = Told::new("the signature, by identity and issuer, offline against the trust root");
    let told = told.digest(verified.digest).expect(
        verified.signatures.len() == 1,
        "there is more than one signature",
    );
    Ok(((), told))
}

async fn attested_by_the_workflow(
    world: &World,
    image: &ImageReference,
    kind: &str,
    uri: &str,
) -> Result<((), Told), Failure> {
    let predicate_type = PredicateType::parse(kind).map_err(Failure::PredicateType)?;
    let patterns = [pattern(&world.identity(), world.issuer())?];
    let rules = Rules::strict(WantedSigner::Identities(&patterns), Some(&world.root));
    let question = AttestationQuestion {
        predicate_type: &predicate_type,
        rules: &[],
        now: Timestamp::now(),
    };
    let verified =
        verify_attestation(&world.registry, image, &Place::default(), &rules, question).await;
    let verified = verified.map_err(Failure::VerifyAttestation)?;
    let told = Told::new(format!("the {kind} attestation")).digest(verified.digest);
    let kinds = verified
        .attestations
        .iter()
        .all(|one| one.statement().predicate_type() == uri);
    Ok((
        (),
        told.expect(
            verified.attestations.len() == 1 && kinds,
            "another attestation came",
        ),
    ))
}

async fn refuses_another_identity(
    world: &World,
    image: &ImageReference,
) -> Result<((), Told), Failure> {
    let other = "https://github.com/mallory/shop/.github/workflows/release.yml@refs/tags/v1.0.0";
    let verified = verify(world, image, other, world.issuer()).await;
    refused("another identity", verified, |reason| {
        matches!(reason, Reason::Identity(_))
    })
}

async fn refuses_another_issuer(
    world: &World,
    image: &ImageReference,
) -> Result<((), Told), Failure> {
    let other = "https://token.actions.githubusercontent.com";
    let verified = verify(world, image, &world.identity(), other).await;
    refused("another issuer", verified, |reason| {
        matches!(reason, Reason::Identity(_))
    })
}

/// A signature of which one byte was changed on its way.
async fn refuses_a_flipped_byte(world: &World) -> Result<((), Told), Failure> {
    let image = world.image("acme/flipped:1.0")?;
    world.push_small(&image, "flipped").await?;
    let signed = sign_for_forgery(world, &image, &world.services).await?;
    let bundle = forgery::flip_payload_byte(&signed.bundle);
    forgery::attach(world, &image, &bundle, SIGNATURE).await?;
    let verified = verify(world, &image, &world.identity(), world.issuer()).await;
    let expected = |reason: &Reason| {
        matches!(
            reason,
            Reason::NotProven(VerifyError::Signature | VerifyError::EntryMismatch { .. })
        )
    };
    refused("one flipped byte in the payload", verified, expected)
}

/// A document about one image beside another.
async fn refuses_a_moved_document(world: &World, spdx: &Signed) -> Result<((), Told), Failure> {
    let image = world.image("acme/moved:1.0")?;
    world.push_small(&image, "moved").await?;
    forgery::attach(world, &image, &spdx.bundle, SPDX).await?;
    let patterns = [pattern(&world.identity(), world.issuer())?];
    let rules = Rules::strict(WantedSigner::Identities(&patterns), Some(&world.root));
    let predicate_type = PredicateType::parse("spdxjson").map_err(Failure::PredicateType)?;
    let question = AttestationQuestion {
        predicate_type: &predicate_type,
        rules: &[],
        now: Timestamp::now(),
    };
    let verified =
        verify_attestation(&world.registry, &image, &Place::default(), &rules, question).await;
    let told = Told::new("refused: an SBOM moved from another image");
    Ok((
        (),
        match verified {
            Err(VerifyAttestationError::NoneMatched { refused, .. }) => {
                explained(told, &refused, |reason| {
                    matches!(
                        reason,
                        Reason::NotProven(VerifyError::SubjectMismatch { .. })
                    )
                })
            }
            Err(other) => told.expect(false, other.to_string()),
            Ok(_) => told.expect(false, "it was accepted"),
        },
    ))
}

/// A signature whose log nobody here knows.
async fn refuses_another_log(world: &World) -> Result<((), Told), Failure> {
    let image = world.image("acme/logged-elsewhere:1.0")?;
    world.push_small(&image, "logged elsewhere").await?;
    let services = world.services_with_strange_log()?;
    let signed = sign_for_forgery(world, &image, &services).await?;
    forgery::attach(world, &image, &signed.bundle, SIGNATURE).await?;
    let verified = verify(world, &image, &world.identity(), world.issuer()).await;
    let expected = |reason: &Reason| {
        matches!(
            reason,
            Reason::NotLogged { log_id: Some(_) }
                | Reason::NotProven(VerifyError::UnknownLog { .. })
        )
    };
    refused("an entry of another log", verified, expected)
}

/// Chapter 8.
pub(super) async fn audit(world: &World) -> Result<((), Told), Failure> {
    let base = world.services.rekor.first().ok_or(Failure::Interrupted)?;
    let range = AuditRange::From {
        index: 0,
        count: 1_000,
    };
    let read = read_log(world.registry.transport(), base, &world.root, range).await;
    let read = read.map_err(Failure::Audit)?;
    let rows = audit::rows(&read);
    let proven = rows.iter().filter(|row| row.proven).count();
    let identity = world.identity();
    let by_us = rows
        .iter()
        .filter(|row| row.identity.as_deref() == Some(&identity))
        .count();
    let told = Told::new(format!(
        "{proven} of {} log entries proven, {by_us} by the release workflow",
        rows.len()
    ));
    let told = told
        .expect(
            proven == rows.len() && rows.len() as u64 == read.size,
            "an entry is not proven",
        )
        .expect(by_us == rows.len() && by_us >= 3, "somebody else signed");
    Ok((
        (),
        rows.iter().fold(told, |told, row| {
            let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            told.detail(format!(
                "{} {} {} {} by {}",
                row.log_index,
                or_dash(&row.time),
                or_dash(&row.kind),
                row.digest
                    .as_deref()
                    .map_or_else(|| "-".to_owned(), crate::output::text::short_digest),
                or_dash(&row.identity)
            ))
        }),
    ))
}

async fn sign_for_forgery(
    world: &World,
    image: &ImageReference,
    services: &countersign_client::services::Services,
) -> Result<Signed, Failure> {
    let identity = world.signer()?;
    let request = SignRequest {
        identity: &identity,
        services,
        trust_root: None,
        destination: Destination::Caller,
    };
    sign_image(&world.registry, image, &BTreeMap::new(), &request)
        .await
        .map_err(Failure::Sign)
}

async fn verify(
    world: &World,
    image: &ImageReference,
    identity: &str,
    issuer: &str,
) -> Result<VerifiedImage, VerifyImageError> {
    let patterns: Vec<IdentityPattern> = pattern(identity, issuer).into_iter().collect();
    let rules = Rules::strict(WantedSigner::Identities(&patterns), Some(&world.root));
    verify_image(
        &world.registry,
        image,
        &Place::default(),
        &rules,
        SignatureKinds::Signatures,
    )
    .await
}

fn pattern(identity: &str, issuer: &str) -> Result<IdentityPattern, Failure> {
    let exact = |text: &str| TextPattern::Exact(text.to_owned());
    Ok(IdentityPattern::new(exact(identity), exact(issuer)))
}

fn refused(
    what: &str,
    verified: Result<VerifiedImage, VerifyImageError>,
    expected: impl Fn(&Reason) -> bool,
) -> Result<((), Told), Failure> {
    let told = Told::new(format!("refused: {what}"));
    Ok((
        (),
        match verified {
            Err(VerifyImageError::NoneMatched { refused, .. }) => {
                explained(told, &refused, expected)
            }
            Err(other) => told.expect(false, other.to_string()),
            Ok(_) => told.expect(false, "it was accepted"),
        },
    ))
}

fn explained(told: Told, refused: &[Refused], expected: impl Fn(&Reason) -> bool) -> Told {
    let as_expected = refused.iter().all(|one| expected(&one.reason)) && !refused.is_empty();
    let told = refused
        .iter()
        .fold(told, |told, one| told.detail(one.reason.to_string()));
    told.expect(as_expected, "it was refused for another reason")
}

const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
const SPDX: &str = "https://spdx.dev/Document";
const CYCLONEDX: &str = "https://cyclonedx.org/bom";
