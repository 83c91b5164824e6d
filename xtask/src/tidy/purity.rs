//! A pure crate names no clock, file, socket, process or environment.
//!
//! `clippy.toml` in the crate forbids the methods; this check forbids the names, so that a re-export or
//! an `#[allow]` cannot open a door, and sees that the `clippy.toml` is there (it replaces the root's).

use std::path::Path;

use anyhow::Result;

use super::{Finding, PURE, files, read, relative};

/// What the source of a pure crate may not name.
const FORBIDDEN: [&str; 10] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "async fn",
    "tokio",
];

/// What the `clippy.toml` of a pure crate must forbid.
const METHODS: [&str; 5] = [
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "std::env::var",
    "std::fs::read",
    "jiff::Timestamp::now",
];

/// Reads the sources of the pure crates.
///
/// # Errors
/// If a file cannot be read.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for name in PURE {
        let folder = root.join("crates").join(name);
        let place = format!("crates/{name}/clippy.toml");
        let rules = read(&folder.join("clippy.toml"))?;
        for method in METHODS.iter().filter(|method| !rules.contains(**method)) {
            findings.push(Finding {
                place: place.clone(),
                text: format!("does not forbid `{method}`"),
            });
        }
        for path in files(&folder.join("src"), ".rs")? {
            findings.extend(scan(&relative(root, &path), &read(&path)?));
        }
    }
    Ok(findings)
}

fn scan(place: &str, source: &str) -> Vec<Finding> {
    source
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .flat_map(|(index, line)| {
            FORBIDDEN
                .iter()
                .filter(|word| line.contains(**word))
                .map(move |word| Finding {
                    place: format!("{place}:{}", index + 1),
                    text: format!("a pure crate may not name `{word}`: take it as an argument"),
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_found_and_a_comment_is_not() {
        assert_eq!(
            scan("x.rs", "// SystemTime\nlet now = SystemTime::now();").len(),
            1
        );
    }
}
