//! The walls of the architecture, each kept by a machine.
//!
//! | check | what it keeps |
//! | --- | --- |
//! | [`dependencies`] | a pure crate links only what its `dependencies.allow` names |
//! | [`purity`] | a pure crate names no clock, file, socket or environment, and its `clippy.toml` forbids them |
//! | [`lints`] | every crate takes the workspace's lints |
//! | [`documents`] | every path named in a Markdown page exists |
//! | [`sizes`] | no function and no file grows far past what a reader can hold |

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub mod dependencies;
pub mod documents;
pub mod lints;
pub mod purity;
pub mod sizes;

/// The crates that do no I/O, know no clock and are not async (ARCHITECTURE.md).
pub const PURE: [&str; 6] = ["artifact", "go-regex", "trust", "cue", "policy", "sbom"];

/// One broken rule, with the place a reader must go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the root.
    pub place: String,
    /// What is wrong and what to do.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.text)
    }
}

/// Runs every check on the checkout.
///
/// # Errors
/// If a file that a check needs cannot be read, or cargo cannot answer.
pub fn run() -> Result<Vec<Finding>> {
    let root = crate::root();
    let mut findings = dependencies::check(&root)?;
    findings.extend(purity::check(&root)?);
    findings.extend(lints::check(&root)?);
    findings.extend(documents::check(&root)?);
    findings.extend(sizes::check(&root)?);
    Ok(findings)
}

/// Returns the files below `folder` whose name ends in `ending`, sorted, build output left out.
pub(crate) fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("target") || name == ".git" || name == "dist" {
                continue;
            }
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else if name.ends_with(ending) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a text file of the checkout and names it in the error.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// Returns `path` relative to `root`, as a finding names it.
pub(crate) fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}
