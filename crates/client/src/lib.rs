//! The edge towards the world: registries, Sigstore services, keys; the verbs sign, attest, verify.
//!
//! No flag, terminal or exit code is known here. What is decided about bundles is decided by
//! `countersign-trust`; this crate fetches and sends.

pub mod describe;
pub mod image_source;
pub mod registry;
mod secret;
pub mod transport;

pub use secret::Secret;
