//! `verify`.

use std::process::ExitCode;

use countersign_client::verify_image::{SignatureKinds, VerifiedImage, verify_image};
use countersign_client::verify_rules::Leniency;

use crate::context::Context;
use crate::failure::{Doing, Failure};
use crate::flags::Verify;
use crate::verifying::{self, Wanted};
use crate::{places, registries};

/// Verifies each image, and prints what was signed.
///
/// # Errors
/// If an image is not verified; what was printed of those before it holds.
pub(crate) fn run(flags: &Verify, context: &Context) -> Result<ExitCode, Failure> {
    verify(flags, context).map_err(|failure| failure.during(Doing::Verifying))
}

fn verify(flags: &Verify, context: &Context) -> Result<ExitCode, Failure> {
    verifying::check_format(&flags.output, context)?;
    let wanted = Wanted::of(
        &flags.trust,
        &flags.identity,
        &flags.annotations,
        context,
        "signature",
    )?;
    let images = flags.images.iter();
    let images = images
        .map(|text| registries::reference(text))
        .collect::<Result<Vec<_>, _>>()?;
    let registry = registries::client(&flags.registry)?;
    let place = places::of_environment()?;
    let kinds = if flags.accept_attestation_as_signature {
        SignatureKinds::DangerouslyAttestationsToo
    } else {
        SignatureKinds::Signatures
    };
    let rules = wanted.rules();
    context.wait_for(async {
        for image in &images {
            let verified = verify_image(&registry, image, &place, &rules, kinds).await;
            print(&verified.map_err(Failure::VerifyImage)?, flags, context)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn print(verified: &VerifiedImage, flags: &Verify, context: &Context) -> Result<(), Failure> {
    verifying::tell(&verified.asked.name(), &verified.checks, context);
    for signature in &verified.signatures {
        if signature
            .leniencies
            .contains(&Leniency::AttestationAsSignature)
        {
            context
                .output
                .warn("an attestation was counted as a signature of the image");
        }
        if let Some(identity) = signature
            .evidence
            .certificate()
            .filter(|_| flags.output == "text")
        {
            context.output.say(format!(
                "Certificate subject: {}",
                identity.subject().unwrap_or_default()
            ));
            context.output.say(format!(
                "Certificate issuer URL: {}",
                identity.issuer().unwrap_or_default()
            ));
        }
    }
    if flags.output == "text" {
        return verified
            .cosign_text()
            .iter()
            .try_for_each(|line| context.output.line(line));
    }
    context
        .output
        .data(format!("\n{}\n", verified.cosign_json()))
}
