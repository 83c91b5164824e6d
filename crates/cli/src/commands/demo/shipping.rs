//! Chapters 2 to 5: push, describe, sign, attest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use countersign_artifact::ImageReference;
use countersign_client::attest::attest_image;
use countersign_client::describe::describe_image;
use countersign_client::image_source::{Layout, push_layout};
use countersign_client::material::Place;
use countersign_client::sign::{Destination, SignRequest, Signed, SigningIdentity, sign_image};
use countersign_sbom::Source;
use countersign_sbom::format::Format;
use countersign_trust::PredicateType;

use super::narrator::Told;
use super::world::World;
use crate::commands::sbom;
use crate::failure::Failure;
use crate::packed_image::{self, Level};
use crate::registries;
use crate::written_file::{self, Readers};

/// The documents about the image.
pub(super) struct Documents {
    pub(super) spdx: Vec<u8>,
    pub(super) cyclonedx: Vec<u8>,
}

/// Chapter 2: this very program as an image, or one that is given.
pub(super) async fn push(
    world: &World,
    given: Option<&Path>,
) -> Result<(ImageReference, Told), Failure> {
    let what = match given {
        Some(path) => path.display().to_string(),
        None => "this very program as an image".to_owned(),
    };
    let layout = match given {
        Some(path) => path.to_owned(),
        None => pack(world.folder().join("image")).await?,
    };
    let layout = Layout::open(&layout).map_err(Failure::Layout)?;
    let image = registries::reference(&world.image_name())?;
    let pushed = push_layout(&world.registry, &layout, &image)
        .await
        .map_err(Failure::Push)?;
    let told = Told::new(format!("{what}, as {}", image.as_typed())).digest(pushed.digest);
    Ok((image.with_digest(pushed.digest), told))
}

async fn pack(target: PathBuf) -> Result<PathBuf, Failure> {
    let program = packed_image::this_program()?;
    let packed = tokio::task::spawn_blocking(move || {
        packed_image::write(&program, &target, "1.0", Level::Fast).map(|_| target)
    });
    packed.await.map_err(|_| Failure::Interrupted)?
}

/// Chapter 3: what is in the image, read back from the registry.
pub(super) async fn describe(
    world: &World,
    image: &ImageReference,
    is_this_program: bool,
) -> Result<(Documents, Told), Failure> {
    let described = describe_image(&world.registry, image, None)
        .await
        .map_err(Failure::Describe)?;
    let document = sbom::document(described, None)?;
    let spdx = sbom::bytes(&document, Format::SpdxJson);
    let cyclonedx = sbom::bytes(&document, Format::CycloneDxJson);
    for (name, bytes) in [("cart.spdx.json", &spdx), ("cart.cdx.json", &cyclonedx)] {
        written_file::write(&world.folder().join(name), bytes, Readers::All)?;
    }
    let packages = document.inventory.packages.len();
    let relationships = document.inventory.relationships.len();
    let layers = match &document.source {
        Source::Image(image) => image.layers.len(),
        Source::File(_) => 0,
    };
    let named = document
        .inventory
        .packages
        .iter()
        .filter(|package| package.purl.is_some())
        .count();
    let told = Told::new(format!(
        "{packages} packages and {relationships} relationships in {}: SPDX 2.3 and CycloneDX 1.6",
        if layers == 1 {
            "one layer".to_owned()
        } else {
            format!("{layers} layers")
        },
    ));
    let told = told
        .expect(
            !is_this_program || packages > MANY,
            "this program is made of more crates",
        )
        .expect(
            !is_this_program || named == packages,
            "a package has no purl",
        )
        .expect(
            !is_this_program || relationships > MANY,
            "crates need each other",
        );
    Ok((Documents { spdx, cyclonedx }, told))
}

/// Chapter 4: a signature by the workflow's identity.
pub(super) async fn sign(world: &World, image: &ImageReference) -> Result<(Signed, Told), Failure> {
    let identity = world.signer()?;
    let request = request(world, &identity);
    let signed = sign_image(&world.registry, image, &BTreeMap::new(), &request)
        .await
        .map_err(Failure::Sign)?;
    let told = Told::new(format!("keyless, as {}", world.identity())).digest(signed.digest);
    Ok(witnessed(signed, told))
}

/// Chapter 5: a document about the image, bound to its digest.
pub(super) async fn attest(
    world: &World,
    image: &ImageReference,
    kind: &str,
    predicate: &[u8],
) -> Result<(Signed, Told), Failure> {
    let identity = world.signer()?;
    let request = request(world, &identity);
    let predicate_type = PredicateType::parse(kind).map_err(Failure::PredicateType)?;
    let signed = attest_image(&world.registry, image, &predicate_type, predicate, &request).await;
    let signed = signed.map_err(Failure::Sign)?;
    let told = Told::new(format!(
        "{kind}, {} KB, bound to the digest",
        predicate.len() / 1000
    ))
    .digest(signed.digest);
    Ok(witnessed(signed, told))
}

/// How the team signs: with its services, verified before it is pushed beside the image.
fn request<'a>(world: &'a World, identity: &'a SigningIdentity) -> SignRequest<'a> {
    SignRequest {
        identity,
        services: &world.services,
        trust_root: Some(&world.root),
        destination: Destination::Registry(Place::default()),
    }
}

/// The proof that the new bundle holds: one log entry with both of its proofs, and a certificate.
fn witnessed(signed: Signed, told: Told) -> (Signed, Told) {
    let told = told.entry(signed.log_indexes.first().copied());
    let entry = signed
        .evidence
        .as_ref()
        .and_then(|evidence| evidence.entries().first());
    let proven = entry.is_some_and(|entry| {
        entry.has_inclusion_proof() && entry.signed_entry_timestamp().is_some()
    });
    let certified = signed
        .evidence
        .as_ref()
        .is_some_and(|evidence| evidence.certificate().is_some());
    let told = told
        .expect(proven, "the log entry lacks a proof")
        .expect(certified, "there is no certificate")
        .expect(signed.pushed.is_some(), "nothing was pushed");
    (signed, told)
}

/// This program is made of hundreds of crates.
const MANY: usize = 200;
