//! `verify-attestation`.

use std::path::Path;
use std::process::ExitCode;

use countersign_client::verify_attestation::{
    AttestationQuestion, VerifyAttestationError, verify_attestation,
};
use countersign_policy::{Expression, Language};
use countersign_trust::PredicateType;

use crate::context::Context;
use crate::failure::{Doing, Failure, FlagsDisagree};
use crate::flags::VerifyAttestation;
use crate::read_file::{self, SMALL};
use crate::verifying::{self, Wanted};
use crate::{places, registries};

/// Verifies the attestations of each image, asks the policies, and prints the envelopes.
///
/// # Errors
/// If an image has none that count, or a policy refuses one.
pub(crate) fn run(flags: &VerifyAttestation, context: &Context) -> Result<ExitCode, Failure> {
    verify(flags, context).map_err(|failure| {
        failure.during(Doing::VerifyingAttestation {
            predicate_type: flags.predicate_type.clone(),
        })
    })
}

fn verify(flags: &VerifyAttestation, context: &Context) -> Result<ExitCode, Failure> {
    verifying::check_format(&flags.output, context)?;
    let wanted = Wanted::of(&flags.trust, &flags.identity, &[], context, "attestation")?;
    let images = flags.images.iter();
    let images = images
        .map(|text| registries::reference(text))
        .collect::<Result<Vec<_>, _>>()?;
    let kind = PredicateType::parse(&flags.predicate_type).map_err(Failure::PredicateType)?;
    let rules = flags
        .policy
        .iter()
        .map(|path| rule(path))
        .collect::<Result<Vec<_>, _>>()?;
    let registry = registries::client(&flags.registry)?;
    let place = places::of_environment()?;
    for (language, ending) in [("CUE", "cue"), ("Rego", "rego")] {
        let paths = flags
            .policy
            .iter()
            .filter(|path| path.extension().is_some_and(|found| found == ending));
        let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
        if !paths.is_empty() {
            context.output.say(format!(
                "will be validating against {language} policies: [{}]",
                paths.join(" ")
            ));
        }
    }
    let question = AttestationQuestion {
        predicate_type: &kind,
        rules: &rules,
        now: wanted.now(),
    };
    context.wait_for(async {
        for image in &images {
            let verified =
                verify_attestation(&registry, image, &place, &wanted.rules(), question).await;
            let verified = verified
                .inspect_err(|error| tell_failures(error, context))
                .map_err(Failure::VerifyAttestation)?;
            verifying::tell(&verified.asked.name(), &verified.checks, context);
            for attestation in &verified.attestations {
                context.output.line(attestation.cosign_json())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn rule(path: &Path) -> Result<Expression, Failure> {
    let language = match path.extension().and_then(|ending| ending.to_str()) {
        Some("cue") => Language::Cue,
        Some("rego") => Language::Rego,
        _ => {
            return Err(Failure::Flags(FlagsDisagree::PolicyFormat {
                path: path.to_owned(),
            }));
        }
    };
    let text = String::from_utf8(read_file::read(path, SMALL)?);
    let text = text.map_err(|_| Failure::PolicyNotText {
        path: path.to_owned(),
    })?;
    Expression::compile_for_command_line(&path.display().to_string(), language, &text).map_err(
        |error| Failure::PolicyRule {
            path: path.to_owned(),
            error,
        },
    )
}

/// cosign's own list, which scripts look for.
fn tell_failures(error: &VerifyAttestationError, context: &Context) {
    if let VerifyAttestationError::RuleFailed { failures, .. } = error {
        context.output.say(format!(
            "There are {} number of errors occurred during the validation:\n",
            failures.len()
        ));
        for failure in failures {
            context.output.say(format!("- {}", failure.error));
        }
    }
}
