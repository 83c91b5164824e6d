//! Fulcio's certificate extensions, arc 1.3.6.1.4.1.57264.1.

use const_oid::ObjectIdentifier;
use der::asn1::OctetString;
use der::{Encode as _, asn1::Utf8StringRef};
use x509_cert::ext::Extension;

use crate::certificate::IssueError;

/// A fact about the signer's origin; its number is the last arc of its identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Claim {
    IssuerV1 = 1,
    WorkflowTrigger = 2,
    WorkflowSha = 3,
    WorkflowName = 4,
    WorkflowRepository = 5,
    WorkflowRef = 6,
    Issuer = 8,
    BuildSignerUri = 9,
    BuildSignerDigest = 10,
    RunnerEnvironment = 11,
    SourceRepositoryUri = 12,
    SourceRepositoryDigest = 13,
    SourceRepositoryRef = 14,
    SourceRepositoryIdentifier = 15,
    SourceRepositoryOwnerUri = 16,
    SourceRepositoryOwnerIdentifier = 17,
    BuildConfigUri = 18,
    BuildConfigDigest = 19,
    BuildTrigger = 20,
    RunInvocationUri = 21,
    SourceRepositoryVisibility = 22,
    DeploymentEnvironment = 23,
    TokenSubject = 24,
}

/// The extension for one claim.
pub(super) fn render(claim: Claim, value: &str) -> Result<Extension, IssueError> {
    let number = claim as u8;
    // The first six predate the rule that an extension holds DER: their value is the bare text.
    let content = if number <= LAST_RAW {
        value.as_bytes().to_vec()
    } else {
        Utf8StringRef::new(value)?.to_der()?
    };
    Ok(Extension {
        extn_id: FULCIO
            .push_arc(u32::from(number))
            .map_err(|_| IssueError::Encoding(der::ErrorKind::OidMalformed))?,
        critical: false,
        extn_value: OctetString::new(content)?,
    })
}

const FULCIO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1");
const LAST_RAW: u8 = Claim::WorkflowRef as u8;
