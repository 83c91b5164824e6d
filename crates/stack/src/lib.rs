//! An embedded private Sigstore and OCI registry: identity provider, certificate authority with
//! certificate transparency, transparency log, timestamp authority, trust root repository and
//! registry, in one process, on one port, in one data folder.
//!
//! Every service speaks the public protocol of its kind, so that any Sigstore client can use it.
//! What a service has answered is on the disk: it survives a kill and a restart.

mod certificate;
mod certificate_authority;
mod certificate_transparency;
mod data_folder;
mod endpoints;
mod identity_provider;
mod merkle_log;
mod public_key;
mod refusal;
pub mod registry;
mod service_keys;
mod signing_key;

pub use endpoints::{Endpoints, EndpointsError};
pub use identity_provider::token;
