//! Every path that a Markdown page names exists.
//!
//! A path is a link target without a scheme, or inline code that starts with a top-level folder or file
//! of the repository. Commands in the pages are checked by the tests of the binary, which knows them.

use std::path::Path;

use anyhow::Result;

use super::{Finding, files, read, relative};

/// The first parts by which inline code is recognised as a path of the repository.
const TOP: [&str; 10] = [
    "crates/",
    "docs/",
    "examples/",
    "fixtures/",
    "testkit/",
    "xtask/",
    "deploy/",
    "fuzz/",
    "action/",
    ".ci/",
];

/// Checks every `.md` of the checkout; the fixtures are data of others.
///
/// # Errors
/// If a page cannot be read.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for page in files(root, ".md")? {
        let place = relative(root, &page);
        if place.contains("/fixtures/") {
            continue;
        }
        let folder = page.parent().unwrap_or(root);
        for (line, path) in paths(&read(&page)?) {
            let found = folder.join(&path).exists() || root.join(&path).exists();
            if !found {
                findings.push(Finding {
                    place: format!("{place}:{line}"),
                    text: format!("`{path}` does not exist"),
                });
            }
        }
    }
    Ok(findings)
}

/// Returns the paths a page names, with their lines. Code blocks are left out: they show commands and output.
fn paths(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let links = line
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .filter(|target| {
                !target.contains("://")
                    && !target.starts_with('#')
                    && !target.starts_with("mailto:")
            });
        let inline = line.split('`').skip(1).step_by(2).filter(|code| {
            TOP.iter().any(|top| code.starts_with(top))
                && !code.contains(['*', '<', '{', ' ', '…', '$'])
        });
        for path in links.chain(inline) {
            let path = path.split(['#', ':']).next().unwrap_or(path);
            if !path.is_empty() {
                found.push((index + 1, path.to_owned()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_inline_paths_are_read_and_code_blocks_are_not() {
        let page = "see [a](docs/a.md#part) and `crates/b/src` not `cargo x`\n```\n[c](docs/c.md)\n```\n[d](https://e)";
        assert_eq!(
            paths(page),
            [(1, "docs/a.md".to_owned()), (1, "crates/b/src".to_owned())]
        );
    }
}
