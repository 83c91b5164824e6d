//! An embedded private Sigstore and OCI registry.
