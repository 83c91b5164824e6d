//! A pure crate links only what its allow-list names.
//!
//! The list is compared whole in both directions: a negated `cargo tree -i name` would also pass on a
//! misspelt name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Finding, PURE, read};

/// Compares the normal dependencies of each pure crate with `crates/<name>/dependencies.allow`.
///
/// # Errors
/// If cargo cannot list the tree or a list cannot be read.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for name in PURE {
        let place = format!("crates/{name}/dependencies.allow");
        let allowed: BTreeSet<String> = read(&root.join(&place))?
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect();
        findings.extend(compare(&place, &allowed, &linked(root, name)?));
    }
    Ok(findings)
}

/// Writes the present dependencies of each pure crate into its allow-list, for a reviewer to read in the diff.
///
/// # Errors
/// If cargo cannot list the tree or a list cannot be written.
pub fn bless() -> Result<()> {
    let root = crate::root();
    for name in PURE {
        let mut text = String::from(
            "# What this crate may link, whole tree, normal dependencies. A new line is a decision: docs/decisions/.\n",
        );
        for dependency in linked(&root, name)? {
            text.push_str(&dependency);
            text.push('\n');
        }
        let path = root.join(format!("crates/{name}/dependencies.allow"));
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn compare(place: &str, allowed: &BTreeSet<String>, linked: &BTreeSet<String>) -> Vec<Finding> {
    let added = linked.difference(allowed).map(|name| {
        format!("`{name}` is linked but not allowed: is it a decision? then add it and a line in docs/decisions/")
    });
    let gone = allowed
        .difference(linked)
        .map(|name| format!("`{name}` is allowed but no longer linked: remove the line"));
    added
        .chain(gone)
        .map(|text| Finding {
            place: place.to_owned(),
            text,
        })
        .collect()
}

fn linked(root: &Path, name: &str) -> Result<BTreeSet<String>> {
    let package = format!("countersign-{name}");
    let output = Command::new(env!("CARGO"))
        .current_dir(root)
        .args([
            "tree",
            "--locked",
            "--package",
            &package,
            "--edges",
            "normal",
        ])
        .args([
            "--target",
            "x86_64-unknown-linux-gnu",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .output()
        .context("cargo tree")?;
    if !output.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|found| *found != package)
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_new_dependency_and_a_stale_line_are_both_found() {
        let findings = compare("list", &set(&["serde", "stale"]), &set(&["serde", "tokio"]));
        assert_eq!(findings.len(), 2);
        assert!(findings[0].text.starts_with("`tokio` is linked"));
        assert!(findings[1].text.starts_with("`stale` is allowed"));
    }
}
