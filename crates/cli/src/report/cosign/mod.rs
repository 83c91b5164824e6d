//! Under the name `cosign`, errors begin with cosign's own words: scripts look for them. What we know
//! better follows in parentheses.

mod command_line;
mod reason;

use countersign_client::key_source::KeySourceError;
use countersign_client::registry::{Fault, RegistryError, Resource};
use countersign_client::sign::SignError;
use countersign_client::trust_root_source::TrustRootSourceError;
use countersign_client::verify_attestation::VerifyAttestationError;
use countersign_client::verify_image::VerifyImageError;
use countersign_client::verify_rules::Refused;
use countersign_trust::Form;
use countersign_trust::PublicKeyError;
use countersign_trust::private_key::PrivateKeyError;

use super::Report;
use super::code;
use super::own::kind;
use crate::failure::{Doing, Failure};

pub(super) use command_line::command_line;

/// A message of cosign's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// What is printed twice.
    pub(super) text: String,
    /// A line between the two.
    pub(super) advice: Option<String>,
}

/// cosign's status for everything that has none of its own.
pub(super) const WRONG: u8 = 1;
const NO_SIGNATURES: u8 = 10;
const IMAGE_NOT_FOUND: u8 = 11;
const NO_MATCHING_SIGNATURES: u8 = 12;

/// Chooses cosign's exit status. Only `verify` of legacy signatures has more than one.
pub(super) fn status(failure: &Failure, report: &Report) -> u8 {
    if report.code == code::NOT_THERE {
        // What is not there yet must not look like a verdict of the tool whose name is borrowed.
        return report.code.outcome.status();
    }
    let Failure::While { failure, .. } = failure else {
        return WRONG;
    };
    match &**failure {
        Failure::VerifyImage(VerifyImageError::NoSignatures { .. }) => NO_SIGNATURES,
        Failure::VerifyImage(VerifyImageError::NoneMatched { refused, .. }) if legacy(refused) => {
            NO_MATCHING_SIGNATURES
        }
        Failure::VerifyImage(VerifyImageError::Registry(error)) => match missing(error) {
            Some(Missing::Tag) => IMAGE_NOT_FOUND,
            Some(Missing::Digest) => NO_SIGNATURES,
            None => WRONG,
        },
        _ => WRONG,
    }
}

/// Writes cosign's message for a failure, from its words where it has some, else from ours.
pub(super) fn message(failure: &Failure, report: &Report) -> Message {
    let (doing, failure) = match failure {
        Failure::While { doing, failure } => (Some(doing), &**failure),
        other => (None, other),
    };
    let words = words(doing, failure).unwrap_or_else(|| joined(report));
    Message {
        text: format!("{}{words}", chain(doing, failure)),
        advice: None,
    }
}

/// What cosign was doing, outermost first.
fn chain(doing: Option<&Doing>, failure: &Failure) -> String {
    let signing = matches!(doing, Some(Doing::Signing { .. } | Doing::Attesting { .. }));
    let step = match failure {
        Failure::Flags(_) | Failure::NotThere(_) => return String::new(),
        Failure::Reference { .. } => "parsing reference: ",
        Failure::Annotation { .. } => "getting annotations: ",
        Failure::Registry(_) if signing => "accessing entity: ",
        Failure::Key(_) if signing => "getting keypair and token: getting signer: reading key: ",
        Failure::Key(_) => "loading verifier from key opts: loading public key: ",
        Failure::Declined | Failure::NeitherYesNorNo { .. } if signing => "should upload to tlog: ",
        Failure::TrustRoot(_) => "setting trusted material: loading trusted root: ",
        _ => "",
    };
    // cosign's name for the walk over an image and, with `-r`, its children.
    let walk = match failure {
        Failure::Key(_) | Failure::Declined | Failure::NeitherYesNorNo { .. } => {
            "recursively signing: signing digest: "
        }
        _ => "",
    };
    match doing {
        Some(Doing::Signing { images }) => format!("signing [{}]: {walk}{step}", images.join(" ")),
        Some(Doing::Attesting { image }) => format!("signing {image}: {step}"),
        Some(_) => step.to_owned(),
        None => String::new(),
    }
}

fn words(doing: Option<&Doing>, failure: &Failure) -> Option<String> {
    match failure {
        Failure::Key(error) => key(error),
        Failure::TrustRoot(error) => Some(trust_root(error)),
        Failure::TimedOut { .. } => Some("context deadline exceeded".to_owned()),
        Failure::PredicateType(error) => Some(match doing {
            Some(Doing::VerifyingAttestation { predicate_type }) => format!(
                "none of the attestations matched the predicate type: {predicate_type} ({error})"
            ),
            _ => format!("invalid predicate type: {} ({error})", error.found),
        }),
        Failure::Sign(SignError::Predicate(error)) => Some(error.to_string()),
        Failure::Registry(error) => missing(error)
            .map(|_| format!("entity not found in registry, error: {}", address(error))),
        Failure::VerifyImage(error) => verify(error),
        Failure::VerifyAttestation(error) => verify_attestation(doing, error),
        _ => None,
    }
}

/// Our own report in one line.
fn joined(report: &Report) -> String {
    let mut text = report.what.clone();
    for detail in &report.details {
        text.push_str(": ");
        text.push_str(detail);
    }
    text
}

fn key(error: &KeySourceError) -> Option<String> {
    match error {
        KeySourceError::File { path, kind: found } => {
            Some(format!("open {}: {}", path.display(), kind(*found)))
        }
        KeySourceError::Private { origin, error } => match error {
            PrivateKeyError::WrongPassword => Some(format!(
                "decrypt: encrypted: decryption failed (the password does not open {origin})"
            )),
            PrivateKeyError::Label { found, expected } => Some(format!(
                "unsupported pem type: {found} ({origin}: expected `{expected}`)"
            )),
            PrivateKeyError::Pem => Some(format!("invalid pem block ({origin})")),
            _ => None,
        },
        KeySourceError::Public { origin, error } => match error {
            PublicKeyError::Label { found } => Some(format!(
                "pem to public key: unknown Public key PEM file type: {found}. Are you passing the correct public key? ({origin})"
            )),
            PublicKeyError::Pem => {
                Some(format!("pem to public key: PEM decoding failed ({origin})"))
            }
            _ => None,
        },
        _ => None,
    }
}

fn trust_root(error: &TrustRootSourceError) -> String {
    match error {
        TrustRootSourceError::File { path, kind: found } => format!(
            "failed to read trusted root open {}: {}",
            path.display(),
            kind(*found)
        ),
        TrustRootSourceError::Content { path, error } => format!(
            "failed to proto-json unmarshal trusted root: {}: {error}",
            path.display()
        ),
    }
}

fn verify(error: &VerifyImageError) -> Option<String> {
    match error {
        VerifyImageError::Registry(error) => missing(error).map(|missing| match missing {
            Missing::Tag => format!("image tag not found: {}", address(error)),
            Missing::Digest => format!("no signatures found: {}", address(error)),
        }),
        VerifyImageError::NoSignatures { .. } => Some(error.to_string()),
        VerifyImageError::NoneMatched { refused, .. } if legacy(refused) => Some(format!(
            "no matching signatures: {}",
            reason::list(refused, "\n ")
        )),
        VerifyImageError::NoneMatched { refused, .. } => Some(format!(
            "no matching attestations: {}",
            reason::list(refused, "\n")
        )),
        _ => None,
    }
}

fn verify_attestation(doing: Option<&Doing>, error: &VerifyAttestationError) -> Option<String> {
    match (error, doing) {
        (VerifyAttestationError::Registry(error), _) => missing(error).map(|_| address(error)),
        (VerifyAttestationError::NoAttestations { .. }, _) => {
            Some(format!("no matching attestations: {error}"))
        }
        (VerifyAttestationError::NoneMatched { refused, .. }, _) => Some(format!(
            "no matching attestations: {}",
            reason::list(refused, "\n ")
        )),
        (
            VerifyAttestationError::NoneOfType { found, .. },
            Some(Doing::VerifyingAttestation { predicate_type }),
        ) => Some(format!(
            "none of the attestations matched the predicate type: {predicate_type}, found: {}",
            found.join(",")
        )),
        _ => None,
    }
}

fn legacy(refused: &[Refused]) -> bool {
    refused.iter().all(|one| one.form == Form::Legacy)
}

/// How an image that is not there was named.
enum Missing {
    Tag,
    Digest,
}

fn missing(error: &RegistryError) -> Option<Missing> {
    let Fault::NotFound { .. } = &*error.fault else {
        return None;
    };
    match &*error.resource {
        Resource::Manifest { reference, .. } if !reference.contains(':') => Some(Missing::Tag),
        _ => Some(Missing::Digest),
    }
}

/// cosign prints the request and the registry's code; the code is the one of the protocol.
fn address(error: &RegistryError) -> String {
    let code = match &*error.resource {
        Resource::Blob { .. } => "BLOB_UNKNOWN",
        Resource::Manifest { .. } | Resource::Referrers { .. } => "MANIFEST_UNKNOWN",
    };
    format!("GET {}: {code}: {}", error.resource, error.fault)
}
