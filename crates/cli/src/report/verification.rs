//! Sentences for what does not verify: the reason of every signature, one a line.

use countersign_artifact::ImageReference;
use countersign_client::audit::AuditError;
use countersign_client::verify_attestation::VerifyAttestationError;
use countersign_client::verify_image::VerifyImageError;
use countersign_client::verify_rules::{Reason, Refused};
use countersign_trust::{Shape, VerifyError};

use super::Report;
use super::code;
use super::registry;
use crate::failure::Failure;

/// Writes the report of an image that is not verified.
pub(super) fn image(error: &VerifyImageError) -> Report {
    match error {
        VerifyImageError::Registry(error) => registry::failed(error),
        VerifyImageError::NoTrustRoot => Report::new(code::TRUST_ROOT, error.to_string()),
        VerifyImageError::NoSignatures {
            image,
            attestations,
        } => {
            let report = Report::new(code::NO_SIGNATURE, "no signatures found");
            match attestations {
                0 => report
                    .detail(format!("{} has neither signatures nor attestations", image.name()))
                    .hint(format!("sign it: `countersign sign {}`", image.name())),
                count => report
                    .detail(format!("{} has attestations ({count}), which are no signatures", image.name()))
                    .hint("sign it, or say that an attestation will do: --accept-attestation-as-signature"),
            }
        }
        VerifyImageError::NoneMatched { image, refused } => {
            let report = Report::new(code::NO_MATCHING_SIGNATURE, "no matching signatures");
            none_matched(report, image, refused)
        }
    }
}

/// Writes the report of attestations that are not verified.
pub(super) fn attestation(error: &VerifyAttestationError) -> Report {
    match error {
        VerifyAttestationError::Registry(error) => registry::failed(error),
        VerifyAttestationError::NoTrustRoot => Report::new(code::TRUST_ROOT, error.to_string()),
        VerifyAttestationError::NoAttestations { image } => {
            Report::new(code::NO_ATTESTATION, error.to_string())
                .detail(format!("{} has none", image.name()))
        }
        VerifyAttestationError::NoneMatched { image, refused } => none_matched(
            Report::new(code::NO_MATCHING_ATTESTATION, "no matching attestations"),
            image,
            refused,
        ),
        VerifyAttestationError::NoneOfType { image, .. } => {
            Report::new(code::NO_ATTESTATION, error.to_string()).detail(image.name())
        }
        VerifyAttestationError::RuleFailed { failures, .. } => {
            let report = Report::new(code::POLICY_NOT_MET, error.to_string());
            failures.iter().fold(report, |report, failure| {
                report.detail(format!("{}: {}", failure.rule, failure.error))
            })
        }
        VerifyAttestationError::Undecided { failure, .. } => Report::new(
            code::TIMEOUT,
            "the policy cannot be asked about this attestation",
        )
        .detail(format!("{}: {}", failure.rule, failure.error))
        .hint("make the policy cheaper, or the attestation smaller"),
    }
}

/// Writes the report of an expression, or of a log.
pub(super) fn failed(failure: &Failure) -> Report {
    match failure {
        Failure::Identity(error) => {
            Report::new(code::FLAGS_DISAGREE, "the identity cannot be asked for")
                .detail(error.to_string())
        }
        Failure::LogNotProven { unproven, read } => Report::new(
            code::LOG_NOT_PROVEN,
            format!("{unproven} of {read} entries are not proven"),
        ),
        Failure::Audit(error) => audit(error),
        other => Report::new(code::PROCESS, format!("{other:?}")),
    }
}

fn audit(error: &AuditError) -> Report {
    use countersign_client::rekor::RekorError;
    let report = match error {
        AuditError::Rekor(RekorError::Transport { .. }) => Report::new(
            code::SERVICE_UNREACHABLE,
            "the transparency log does not answer",
        ),
        AuditError::Rekor(RekorError::Refused(_)) => Report::new(
            code::SERVICE_REFUSED,
            "the transparency log refuses to answer",
        ),
        AuditError::Rekor(_) => Report::new(
            code::SERVICE_ANSWER,
            "the transparency log's answer cannot be used",
        ),
        AuditError::EntryWithheld { .. } => Report::new(
            code::LOG_NOT_PROVEN,
            "the transparency log withholds an entry",
        ),
        AuditError::TooMany { .. } => Report::new(code::FLAGS_DISAGREE, "too many entries at once")
            .hint("read the log in parts with --from and --limit"),
    };
    report.detail(error.to_string())
}

fn none_matched(report: Report, image: &ImageReference, refused: &[Refused]) -> Report {
    let report = report.detail(format!("{} has {}:", image.name(), counted(refused)));
    let shown = refused.iter().take(MOST_REASONS);
    let report = shown.fold(report, |report, one| {
        report.detail(format!("- {}: {}", named(one), one.reason))
    });
    let report = match refused.len().saturating_sub(MOST_REASONS) {
        0 => report,
        more => report.detail(format!("- and {more} more")),
    };
    match hint(refused) {
        Some(hint) => report.hint(hint),
        None => report,
    }
}

/// Where all fail for one reason, there is more to say than "compare".
fn hint(refused: &[Refused]) -> Option<&'static str> {
    let all = |fits: fn(&Reason) -> bool| refused.iter().all(|one| fits(&one.reason));
    if all(|reason| matches!(reason, Reason::Identity(_))) {
        return Some(
            "someone else signed it: build it from the workflow that you trust, or ask for the identity that is found",
        );
    }
    if all(|reason| {
        matches!(
            reason,
            Reason::NotLogged { .. } | Reason::NotProven(VerifyError::UnknownLog { .. })
        )
    }) {
        return Some(
            "give the trust root of the instance that signed, or leave the log out with --insecure-ignore-tlog",
        );
    }
    if all(|reason| {
        matches!(
            reason,
            Reason::NotProven(
                VerifyError::SubjectMismatch { .. } | VerifyError::DigestMismatch { .. }
            )
        )
    }) {
        return Some("it belongs to another image: someone has moved it here");
    }
    None
}

fn counted(refused: &[Refused]) -> String {
    match refused.len() {
        1 => "one signature or attestation that does not count".to_owned(),
        count => format!("{count} signatures or attestations that do not count"),
    }
}

fn named(refused: &Refused) -> String {
    let shape = match refused.shape {
        Shape::ImageSignature => "signature",
        Shape::Attestation => "attestation",
        Shape::Message => "blob signature",
        Shape::Unreadable => "bundle",
    };
    match (&refused.predicate_type, refused.shape) {
        (Some(kind), Shape::Attestation) => format!("{shape} {kind}"),
        _ => shape.to_owned(),
    }
}

/// Enough to see what is going on.
const MOST_REASONS: usize = 10;
