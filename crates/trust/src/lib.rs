//! What is claimed about an artifact, and what can be proven.
//!
//! [`Material`] is a signature or attestation as it was found; nothing in it is believed. A
//! [`Verifier`] turns it into [`Evidence`]: who signed what, when, and in which log. Whether that is
//! enough is for others to say. Time, keys and trust roots are arguments; this crate opens no socket
//! and no file and asks no clock.

pub mod assemble;
mod base64_bytes;
mod bundle;
pub mod certificate;
mod envelope;
mod error;
mod evidence;
mod key_file;
mod material;
pub mod predicate_type;
pub mod private_key;
pub mod public_key;
mod signature;
pub mod signing_config;
mod statement;
mod timestamp;
mod transparency_log;
pub mod trust_root;
mod verify;

pub use certificate::{CertificateError, CertificateIdentity, Claim, FulcioClaims, SctError};
pub use error::{
    BodyPart, CheckpointFault, EntryPart, MaterialError, StatementFault, TimestampError,
    VerifyError,
};
pub use evidence::{
    Content, Evidence, ImageSignature, Signer, Stranger, TimeSource, VerifiedEntry, VerifiedKey,
    VerifiedTime, Weakening,
};
pub use jiff::Timestamp;
pub use material::{Form, Material, Shape};
pub use predicate_type::{PredicateType, PredicateTypeError};
pub use private_key::{PrivateKey, PrivateKeyError};
pub use public_key::{
    HashAlgorithm, HashRule, KeyAlgorithm, PublicKey, PublicKeyError, SignatureError,
};
pub use signing_config::{SigningConfig, SigningConfigError};
pub use statement::{Statement, Subject};
pub use transparency_log::{EntryKind, verify_rekor_entry};
pub use trust_root::{AuthorityPart, LogPart, TrustRoot, TrustRootError, TrustRootParts, Validity};
pub use verify::{Artifact, Verifier};
