//! `sign`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use countersign_client::sign::sign_image;

use crate::context::Context;
use crate::failure::Failure;
use crate::flags::Sign;
use crate::registries;
use crate::signing::{self, Signing};

/// Signs each image. Every reference is read before the first is signed.
///
/// # Errors
/// If an image cannot be signed; those before it are.
pub(crate) fn run(flags: &Sign, context: &Context) -> Result<ExitCode, Failure> {
    let images = flags
        .images
        .iter()
        .map(|text| registries::reference(text))
        .collect::<Result<Vec<_>, _>>()?;
    let registry = registries::client(&flags.registry)?;
    let annotations: BTreeMap<String, String> = flags.annotations.iter().cloned().collect();
    context.wait_for(async {
        let signing = Signing::prepare(&flags.signing, flags.upload, &registry, context).await?;
        for image in &images {
            signing::warn_of_tag(image, context);
            let progress = context.output.wait("signing");
            let signed = sign_image(&registry, image, &annotations, &signing.request()).await;
            drop(progress);
            signing::tell(&signed.map_err(Failure::Sign)?, &flags.signing, context)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}
