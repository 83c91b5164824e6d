//! The checks that keep the architecture, as a library so that the tests can run them.

pub mod tidy;

use std::path::{Path, PathBuf};

/// Returns the root of the checkout.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the manifest of xtask lies one below the root")
        .to_path_buf()
}
