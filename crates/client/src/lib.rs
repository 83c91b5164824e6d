//! The edge towards the world: registries, Sigstore services, keys; the verbs sign, attest, verify.
//!
//! No flag, terminal or exit code is known here. What is decided about bundles is decided by
//! `countersign-trust`; this crate fetches and sends.

pub mod attest;
pub mod audit;
pub mod bundle_referrer;
mod cosign_output;
pub mod describe;
pub mod evidence;
pub mod fulcio;
pub mod identity_token;
pub mod image_source;
pub mod key_source;
pub mod material;
pub mod registry;
pub mod rekor;
mod secret;
mod service;
pub mod services;
pub mod sign;
mod signing;
pub mod timestamp_authority;
pub mod transport;
pub mod trust_root_source;
pub mod verify_attestation;
pub mod verify_image;
pub mod verify_rules;

pub use secret::Secret;
pub use service::Refusal;
