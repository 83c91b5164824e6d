//! `sign`.

use std::process::ExitCode;

use countersign_client::sign::sign_image;

use crate::context::Context;
use crate::failure::{Doing, Failure};
use crate::flags::Sign;
use crate::signing::{self, Plan};
use crate::{annotations, registries};

/// Signs each image. All of them are found before the first is signed.
///
/// # Errors
/// If an image cannot be signed; those before it are.
pub(crate) fn run(flags: &Sign, context: &Context) -> Result<ExitCode, Failure> {
    let plan = Plan::of(&flags.signing, &flags.images, flags.upload)?;
    let registry = registries::client(&flags.registry)?;
    let doing = || Doing::Signing {
        images: flags.images.clone(),
    };
    let signed = context.wait_for(async {
        let annotations = annotations::parse(&flags.annotations)?;
        let mut images = Vec::new();
        for text in &flags.images {
            images.push(signing::resolve(text, &registry, context).await?);
        }
        let mut signing = plan.identify(&flags.signing, &registry, context).await?;
        for image in &images {
            context.output.say("Signing artifact...");
            let progress = context.output.wait("signing");
            let signed = sign_image(&registry, image, &annotations, &signing.request()).await;
            drop(progress);
            let signed = signed.map_err(Failure::Sign)?;
            if signed.pushed.is_some() {
                context
                    .output
                    .say(format!("Pushing signature to: {}", signed.image.context()));
            }
            signing.tell(&signed, &flags.signing, context)?;
        }
        Ok(ExitCode::SUCCESS)
    });
    signed.map_err(|failure| failure.during(doing()))
}
