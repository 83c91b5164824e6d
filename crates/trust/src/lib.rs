//! What is claimed about an artifact, and what can be proven.
//!
//! [`Material`] is a signature or attestation as it was found; nothing in it is believed. A
//! [`Verifier`] turns it into [`Evidence`]: who signed what, when, and in which log. Whether that is
//! enough is for others to say. Time, keys and trust roots are arguments; this crate opens no socket
//! and no file and asks no clock.

/// TEMPORARY, until the file is there: replace this block by `pub mod assemble;`.
pub mod assemble {
    #![allow(missing_docs)]
    pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
        let mut bytes =
            format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
        bytes.extend_from_slice(payload);
        bytes
    }
    pub(crate) fn pem_block(label: &str, der: &[u8]) -> String {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        pem::encode_config(&pem::Pem::new(label, der), config)
    }
}
mod base64_bytes;
mod bundle;
/// TEMPORARY, until the files are there: replace this block by `pub mod certificate;`.
pub mod certificate {
    #![allow(missing_docs)]
    use crate::{PublicKey, Timestamp};
    #[derive(Clone, Debug)]
    pub struct CertificateIdentity;
    #[derive(Clone, Debug)]
    pub struct FulcioClaims;
    #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
    pub enum CertificateError {
        #[error("unreadable")]
        Unreadable,
    }
    #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
    pub enum SctError {
        #[error("absent")]
        Absent,
    }
    pub(crate) struct VerifiedSigner(PublicKey, CertificateIdentity);
    impl VerifiedSigner {
        pub(crate) fn key(&self) -> &PublicKey {
            &self.0
        }
        pub(crate) fn into_identity(self) -> CertificateIdentity {
            self.1
        }
    }
    impl CertificateIdentity {
        pub(crate) fn of_certificate(_der: &[u8]) -> Result<Self, CertificateError> {
            Err(CertificateError::Unreadable)
        }
    }
    /// Whether the certificate in DER is signed by `issuer` (signature algorithm by allow-list).
    pub(crate) fn is_signed_by(_der: &[u8], _issuer: &PublicKey) -> bool {
        true
    }
    pub(crate) mod chain {
        use super::*;
        use crate::trust_root::Authority;
        /// Chain to one of `authorities`, everything valid at each of `times` (never empty).
        pub(crate) fn verify(
            _leaf: &[u8],
            _intermediates: &[Vec<u8>],
            _authorities: &[Authority],
            _times: &[Timestamp],
        ) -> Result<VerifiedSigner, CertificateError> {
            Err(CertificateError::Unreadable)
        }
    }
    pub(crate) mod sct {
        use super::*;
        use crate::trust_root::Log;
        /// The signer remembers leaf and issuer SPKI.
        pub(crate) fn verify(_signer: &VerifiedSigner, _logs: &[Log]) -> Result<(), SctError> {
            Err(SctError::Absent)
        }
    }
}
mod envelope;
mod error;
mod evidence;
mod material;
/// TEMPORARY: replace this block by `pub mod predicate_type;`.
pub mod predicate_type {
    #[derive(Clone, Debug)]
    pub struct PredicateType;
}
/// TEMPORARY: replace this block by `pub mod private_key;`.
pub mod private_key {
    #[derive(Clone, Debug)]
    pub struct PrivateKey;
}
pub mod public_key;
mod signature;
/// TEMPORARY: replace this block by `pub mod signing_config;`.
pub mod signing_config {
    #[derive(Clone, Debug)]
    pub struct SigningConfig;
}
mod statement;
mod timestamp;
mod transparency_log;
pub mod trust_root;
mod verify;

pub use certificate::{CertificateIdentity, FulcioClaims};
pub use error::{
    BodyPart, CheckpointFault, EntryPart, MaterialError, StatementFault, TimestampError, VerifyError,
};
pub use evidence::{
    Content, Evidence, ImageSignature, Signer, Stranger, TimeSource, VerifiedEntry, VerifiedKey,
    VerifiedTime, Weakening,
};
pub use jiff::Timestamp;
pub use material::{Form, Material, Shape};
pub use predicate_type::PredicateType;
pub use private_key::PrivateKey;
pub use public_key::PublicKey;
pub use signing_config::SigningConfig;
pub use statement::{Statement, Subject};
pub use transparency_log::{EntryKind, verify_rekor_entry};
pub use trust_root::{AuthorityPart, LogPart, TrustRoot, TrustRootError, TrustRootParts, Validity};
pub use verify::{Artifact, Verifier};
