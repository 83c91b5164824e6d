//! Signing certificates: who one names, and whether that may be believed.
//!
//! 1. [`CertificateIdentity::of_certificate`] reads whom a certificate names. Nothing is believed yet.
//! 2. [`chain::verify`] holds it against its profile and leads it to an authority of the trust root,
//!    at every time that was proven.
//! 3. [`sct::verify`] asks for a log of certificates that has seen it, which needs the issuer that
//!    step 2 found.

pub(crate) mod chain;
mod error;
mod extensions;
mod identity;
mod profile;
pub(crate) mod sct;
#[cfg(test)]
mod tests;

pub use error::{CertificateError, SctError};
pub use extensions::{ARC, Claim, FulcioClaims};
pub use identity::CertificateIdentity;

pub(crate) use chain::{VerifiedSigner, is_signed_by};
use profile::SigningCertificate;
