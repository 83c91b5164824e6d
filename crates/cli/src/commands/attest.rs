//! `attest`.

use std::process::ExitCode;

use countersign_client::attest::attest_image;
use countersign_trust::PredicateType;

use crate::context::Context;
use crate::failure::Failure;
use crate::flags::Attest;
use crate::read_file::{self, LARGE};
use crate::registries;
use crate::signing::{self, Signing};

/// Signs that the predicate is said about the image.
///
/// # Errors
/// If the predicate is not one of its type, or signing fails.
pub(crate) fn run(flags: &Attest, context: &Context) -> Result<ExitCode, Failure> {
    let image = registries::reference(&flags.image)?;
    let kind = PredicateType::parse(&flags.predicate_type).map_err(Failure::PredicateType)?;
    let predicate = read_file::read(&flags.predicate, LARGE)?;
    let registry = registries::client(&flags.registry)?;
    context.wait_for(async {
        let signing =
            Signing::prepare(&flags.signing, !flags.no_upload, &registry, context).await?;
        signing::warn_of_tag(&image, context);
        context
            .output
            .say(format!("Using payload from: {}", flags.predicate.display()));
        let progress = context.output.wait("signing");
        let signed = attest_image(&registry, &image, &kind, &predicate, &signing.request()).await;
        drop(progress);
        signing::tell(&signed.map_err(Failure::Sign)?, &flags.signing, context)?;
        Ok(ExitCode::SUCCESS)
    })
}
