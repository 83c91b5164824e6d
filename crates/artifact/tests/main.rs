//! Tests of the crate from outside.
#![allow(clippy::disallowed_methods, reason = "tests read their fixtures")]

#[path = "main/manifest.rs"]
mod manifest;
#[path = "main/reference.rs"]
mod reference;
