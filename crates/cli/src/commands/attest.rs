//! `attest`.

use std::process::ExitCode;

use countersign_client::attest::attest_image;
use countersign_trust::PredicateType;

use crate::context::Context;
use crate::failure::{Doing, Failure};
use crate::flags::Attest;
use crate::read_file::{self, LARGE};
use crate::registries;
use crate::signing::{self, Plan};

/// Signs that the predicate is said about each image.
///
/// # Errors
/// If the predicate is not one of its type, or signing fails.
pub(crate) fn run(flags: &Attest, context: &Context) -> Result<ExitCode, Failure> {
    let plan = Plan::of(&flags.signing, &flags.images, !flags.no_upload)?;
    let registry = registries::client(&flags.registry)?;
    let first = flags.images.first().cloned().unwrap_or_default();
    let mut doing = Doing::Attesting { image: first };
    let attested = context.wait_for(async {
        let kind = PredicateType::parse(&flags.predicate_type).map_err(Failure::PredicateType)?;
        let mut images = Vec::new();
        for text in &flags.images {
            doing = Doing::Attesting {
                image: text.clone(),
            };
            images.push(signing::resolve(text, &registry, context).await?);
        }
        context
            .output
            .say(format!("Using payload from: {}", origin(flags)));
        let predicate = read_file::read(&flags.predicate, LARGE)?;
        let mut signing = plan.identify(&flags.signing, &registry, context).await?;
        for (image, text) in images.iter().zip(&flags.images) {
            doing = Doing::Attesting {
                image: text.clone(),
            };
            let progress = context.output.wait("signing");
            let signed =
                attest_image(&registry, image, &kind, &predicate, &signing.request()).await;
            drop(progress);
            let signed = signed.map_err(Failure::Sign)?;
            context.output.say("Signing artifact...");
            signing.tell(&signed, &flags.signing, context)?;
        }
        Ok(ExitCode::SUCCESS)
    });
    attested.map_err(|failure| failure.during(doing))
}

fn origin(flags: &Attest) -> String {
    match flags.predicate.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => flags.predicate.display().to_string(),
    }
}
