//! Why a signature does not count, in the words of cosign and sigstore-go, then in ours.

use countersign_client::verify_rules::{Reason, Refused};
use countersign_trust::{Form, Shape, VerifyError};

/// Lists each reason, as cosign joins them.
pub(super) fn list(refused: &[Refused], between: &str) -> String {
    let each: Vec<String> = refused.iter().map(one).collect();
    each.join(between)
}

fn one(refused: &Refused) -> String {
    let ours = refused.reason.to_string();
    match words(refused) {
        Some(words) => format!("{words} ({ours})"),
        None => ours,
    }
}

fn words(refused: &Refused) -> Option<String> {
    let attestation = refused.shape == Shape::Attestation;
    match (&refused.reason, refused.form) {
        (Reason::NotProven(error), Form::Legacy) => of_legacy(error, attestation),
        (Reason::NotProven(error), Form::Bundle) => of_bundle(error).map(str::to_owned),
        (Reason::Identity(_), Form::Bundle) => {
            Some("failed to verify certificate identity".to_owned())
        }
        (Reason::NotLogged { .. }, Form::Legacy) => Some("offline verification failed".to_owned()),
        (Reason::NotLogged { .. }, Form::Bundle) => {
            Some("failed to verify log inclusion: not enough verified log entries from transparency log: 0 < 1".to_owned())
        }
        (Reason::NoTimestamp, Form::Legacy) => {
            Some("unable to verify RFC3161 timestamp bundle".to_owned())
        }
        (Reason::NoTimestamp, Form::Bundle) => {
            Some("failed to verify timestamps: threshold not met for verified signed timestamps: 0 < 1".to_owned())
        }
        // These are cosign's words already.
        (Reason::Identity(_), Form::Legacy) | (Reason::Annotation { .. }, _) => None,
    }
}

fn of_legacy(error: &VerifyError, attestation: bool) -> Option<String> {
    let words = match error {
        VerifyError::Signature if attestation => {
            "accepted signatures do not match threshold, Found: 0, Expected 1"
        }
        VerifyError::Signature => "invalid signature when validating ASN.1 encoded signature",
        VerifyError::DigestMismatch { found, .. } => {
            return Some(format!("invalid or missing digest in claim: {found}"));
        }
        VerifyError::SubjectMismatch { .. } => "no matching subject digest found",
        VerifyError::NoCertificate => "no certificate found on signature",
        VerifyError::NoProvenTime => "expected a signed timestamp to verify an expired certificate",
        VerifyError::Certificate(_) => "leaf certificate verification failed",
        VerifyError::Timestamp(_) => "unable to verify RFC3161 timestamp bundle",
        error if is_of_the_log(error) => "error verifying bundle",
        _ => return None,
    };
    Some(words.to_owned())
}

fn of_bundle(error: &VerifyError) -> Option<&'static str> {
    match error {
        VerifyError::Signature => Some(
            "failed to verify signature: could not verify envelope: accepted signatures do not match threshold, Found: 0, Expected 1",
        ),
        VerifyError::SubjectMismatch { .. } | VerifyError::DigestMismatch { .. } => Some(
            "failed to verify signature: provided artifact digest does not match any digest in statement",
        ),
        VerifyError::NoCertificate => Some(
            "failed to verify certificate identity: can't verify certificate identities: entity was not signed with a certificate",
        ),
        VerifyError::NotTheKey => Some("expected key signature, not certificate"),
        VerifyError::NoProvenTime => Some(
            "failed to verify timestamps: threshold not met for verified log entry integrated timestamps: 0 < 1",
        ),
        VerifyError::Certificate(_) => {
            Some("failed to verify leaf certificate: leaf certificate verification failed")
        }
        VerifyError::Sct(_) => Some("failed to verify signed certificate timestamp"),
        VerifyError::Timestamp(_) => Some("failed to verify timestamps"),
        error if is_of_the_log(error) => Some("failed to verify log inclusion"),
        _ => None,
    }
}

fn is_of_the_log(error: &VerifyError) -> bool {
    matches!(
        error,
        VerifyError::UnknownLog { .. }
            | VerifyError::LogOutsideTime { .. }
            | VerifyError::Promise { .. }
            | VerifyError::InclusionProof { .. }
            | VerifyError::Checkpoint { .. }
            | VerifyError::UnprovenEntry { .. }
            | VerifyError::EntryMismatch { .. }
            | VerifyError::UnsupportedEntry { .. }
    )
}
