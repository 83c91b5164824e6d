//! Tests of the crate from outside.

#[path = "main/manifest.rs"]
mod manifest;
#[path = "main/reference.rs"]
mod reference;
