//! An embedded private Sigstore and OCI registry.

pub mod registry;
