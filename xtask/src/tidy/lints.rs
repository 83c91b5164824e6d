//! Every crate takes the workspace's lints, and no file has a name that says nothing.

use std::path::Path;

use anyhow::Result;

use super::{Finding, files, read, relative};

/// File names that hide what is in them (STYLE: files are nouns).
const BANNED: [&str; 8] = [
    "util", "utils", "helpers", "common", "misc", "manager", "impl", "types",
];

/// Checks manifests and file names.
///
/// # Errors
/// If a manifest cannot be read.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for manifest in files(root, "Cargo.toml")? {
        let text = read(&manifest)?;
        let standalone = text.contains("[workspace]");
        if !standalone && !text.contains("[lints]\nworkspace = true") {
            findings.push(Finding {
                place: relative(root, &manifest),
                text: "lacks `[lints] workspace = true`".to_owned(),
            });
        }
    }
    for source in files(root, ".rs")? {
        let stem = source.file_stem().unwrap_or_default().to_string_lossy();
        if BANNED.contains(&&*stem) {
            findings.push(Finding {
                place: relative(root, &source),
                text: format!("`{stem}` says nothing: name the file for what is in it"),
            });
        }
    }
    Ok(findings)
}
