//! Making signatures: statements, envelopes, requests to logs and bundles, byte for byte as cosign 3.1
//! writes them.

mod bundle;
mod content_hash;
mod entry;
mod envelope;
mod log_entry;
mod payload;
mod predicate;
mod protobuf_json;
mod statement;

pub use bundle::{BundleContent, KeyMaterial, bundle};
pub use content_hash::ContentHash;
pub use entry::{
    LogVerifier, rekor_v1_dsse_entry, rekor_v1_hashedrekord_entry, rekor_v2_hashedrekord_entry,
};
pub use envelope::{Envelope, IN_TOTO_PAYLOAD, pae};
pub use log_entry::{LogEntry, LogEntryError};
pub use payload::simple_signing_payload;
pub use predicate::PredicateError;
pub use statement::{attestation_statement, image_signature_statement};

/// Writes one PEM block as Go does: lines of 64 characters, each ended by a line feed.
#[must_use]
pub fn pem_block(label: &str, content: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(label, content), config)
}
