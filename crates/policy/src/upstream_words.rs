//! cosign's words for what is wrong with a signature. Users and runbooks search for them; where cosign
//! has none of its own, ours are said.

use countersign_trust::certificate::{CertificateError, SctError};
use countersign_trust::{
    Evidence, Form, KeyAlgorithm, Shape, Stranger, TimestampError, VerifyError,
};

use crate::identity::IdentityMismatch;

/// What was asked of the material.
pub(crate) struct Asked {
    pub(crate) form: Form,
    pub(crate) shape: Shape,
    /// The kind of the wanted key, if one is.
    pub(crate) key: Option<KeyAlgorithm>,
    /// Whether a log must have it.
    pub(crate) log: bool,
    /// Whether a timestamp authority must have seen it.
    pub(crate) timestamp: bool,
}

pub(crate) fn verify_error(error: &VerifyError, asked: &Asked) -> String {
    match (error, asked.form) {
        (VerifyError::Signature, Form::Legacy) => wrong_signature(asked).to_owned(),
        (VerifyError::Signature | VerifyError::NotTheKey, Form::Bundle) => {
            format!("failed to verify signature: {error}")
        }
        (VerifyError::DigestMismatch { found, .. }, _) => {
            format!("invalid or missing digest in claim: {found}")
        }
        (VerifyError::SubjectMismatch { .. }, Form::Legacy) => {
            "no matching subject digest found".to_owned()
        }
        (VerifyError::NoCertificate, _) => NO_CERTIFICATE.to_owned(),
        (VerifyError::NoProvenTime, form) if asked.log => absent_entry(form).to_owned(),
        (VerifyError::NoProvenTime, Form::Legacy) if asked.timestamp => NO_TIMESTAMP.to_owned(),
        (
            VerifyError::NoProvenTime
            | VerifyError::UnknownTimestampAuthority
            | VerifyError::Timestamp(_),
            Form::Bundle,
        ) if asked.timestamp => {
            "failed to verify timestamps: threshold not met for verified signed timestamps: 0 < 1"
                .to_owned()
        }
        (VerifyError::UnknownTimestampAuthority, Form::Legacy) => UNKNOWN_TSA.to_owned(),
        (VerifyError::Timestamp(TimestampError::Signature), Form::Legacy) => UNKNOWN_TSA.to_owned(),
        (VerifyError::Timestamp(fault), Form::Legacy) => {
            format!("unable to verify RFC3161 timestamp bundle: {fault}")
        }
        (VerifyError::UnknownLog { .. }, Form::Legacy) => UNKNOWN_LOG.to_owned(),
        (VerifyError::Promise { .. }, Form::Legacy) => {
            "error verifying bundle: unable to verify SET".to_owned()
        }
        (VerifyError::EntryMismatch { .. }, Form::Legacy) => {
            format!("error verifying bundle: {error}")
        }
        (
            VerifyError::UnknownLog { .. }
            | VerifyError::Promise { .. }
            | VerifyError::InclusionProof { .. }
            | VerifyError::Checkpoint { .. }
            | VerifyError::UnprovenEntry { .. }
            | VerifyError::LogOutsideTime { .. },
            Form::Bundle,
        ) => NO_LOG_ENTRY_IN_BUNDLE.to_owned(),
        (VerifyError::Sct(fault), _) => sct(fault, error),
        (VerifyError::Certificate(fault), form) => certificate(fault, error, form, asked),
        (error, _) => error.to_string(),
    }
}

pub(crate) fn no_log_entry(evidence: &Evidence, form: Form) -> String {
    let is_strange = evidence
        .strangers()
        .iter()
        .any(|one| matches!(one, Stranger::Log { .. }));
    match form {
        Form::Legacy if is_strange => UNKNOWN_LOG.to_owned(),
        form => absent_entry(form).to_owned(),
    }
}

pub(crate) fn no_timestamp(evidence: &Evidence) -> String {
    if evidence.strangers().contains(&Stranger::TimestampAuthority) {
        return UNKNOWN_TSA.to_owned();
    }
    "no signed timestamp of the timestamp authority found".to_owned()
}

pub(crate) fn identity(mismatch: &IdentityMismatch, form: Form) -> String {
    match form {
        Form::Legacy => mismatch.to_string(),
        Form::Bundle => format!("failed to verify certificate identity: {mismatch}"),
    }
}

fn wrong_signature(asked: &Asked) -> &'static str {
    match (asked.shape, asked.key) {
        (Shape::Attestation, _) => {
            "accepted signatures do not match threshold, Found: 0, Expected 1"
        }
        (_, Some(KeyAlgorithm::Rsa { .. })) => "crypto/rsa: verification error",
        (_, Some(KeyAlgorithm::Ed25519)) => "failed to verify signature",
        _ => "invalid signature when validating ASN.1 encoded signature",
    }
}

fn absent_entry(form: Form) -> &'static str {
    match form {
        Form::Legacy => "signature not found in transparency log",
        Form::Bundle => NO_LOG_ENTRY_IN_BUNDLE,
    }
}

fn sct(fault: &SctError, error: &VerifyError) -> String {
    match fault {
        SctError::Absent => {
            "certificate does not include required embedded SCT and no detached SCT was set".to_owned()
        }
        SctError::UnknownLog { .. } => "ctfe public key not found for payload. Check your TUF root (see cosign initialize) or set a custom key with env var SIGSTORE_CT_LOG_PUBLIC_KEY_FILE".to_owned(),
        _ => error.to_string(),
    }
}

fn certificate(fault: &CertificateError, error: &VerifyError, form: Form, asked: &Asked) -> String {
    match (fault, form) {
        (CertificateError::UnknownIssuer | CertificateError::IssuerSignature, Form::Legacy) => {
            "cert verification failed: x509: certificate signed by unknown authority. Check your TUF root (see cosign initialize) or set a custom root with env var SIGSTORE_ROOT_FILE".to_owned()
        }
        // Judged now, as nothing proves an earlier time.
        (CertificateError::Expired { .. }, Form::Legacy) if !asked.log => NO_TIMESTAMP.to_owned(),
        (_, Form::Bundle) => format!("failed to verify leaf certificate: {error}"),
        _ => error.to_string(),
    }
}

pub(crate) const NO_CERTIFICATE: &str = "no certificate found on signature";
pub(crate) const NO_IMAGE_SIGNATURE: &str = "what is signed is not an image";
pub(crate) const NO_STATEMENT: &str = "what is signed is not an attestation";
const NO_TIMESTAMP: &str = "expected a signed timestamp to verify an expired certificate";
const UNKNOWN_TSA: &str = "unable to verify RFC3161 timestamp bundle: error while verifying with chain: pkcs7: failed to verify certificate chain: x509: certificate signed by unknown authority";
const UNKNOWN_LOG: &str = "error verifying bundle: rekor log public key not found for payload. Check your TUF root (see cosign initialize) or set a custom key with env var SIGSTORE_REKOR_PUBLIC_KEY";
const NO_LOG_ENTRY_IN_BUNDLE: &str =
    "failed to verify log inclusion: not enough verified log entries from transparency log: 0 < 1";
