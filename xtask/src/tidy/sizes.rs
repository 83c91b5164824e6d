//! No function and no file grows far past what a reader can hold.
//!
//! STYLE asks for 60 lines a function and 400 a file; this check is the fence behind that, not the aim.
//! `xtask/size-exemptions.txt` names what is over it for a reason (data tables, straight-line tests).

use std::path::Path;

use anyhow::Result;

use super::{Finding, files, read, relative};

const FUNCTION_LINES: usize = 100;
const FILE_LINES: usize = 700;

/// Checks the sources of the crates; tests and benches may be long.
///
/// # Errors
/// If a source cannot be read.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let exemptions = read(&root.join("xtask/size-exemptions.txt"))?;
    let exempt: Vec<&str> = exemptions
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let mut findings = Vec::new();
    for folder in ["crates", "testkit", "xtask"] {
        for path in files(&root.join(folder), ".rs")? {
            let place = relative(root, &path);
            if place.contains("/tests/")
                || place.ends_with("/tests.rs")
                || place.contains("/benches/")
            {
                continue;
            }
            let source = read(&path)?;
            let code = source
                .split("\n#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or(&source);
            let lines = code.lines().count();
            if lines > FILE_LINES && !exempt.contains(&place.as_str()) {
                findings.push(Finding {
                    place: place.clone(),
                    text: format!("{lines} lines (fence: {FILE_LINES})"),
                });
            }
            for (name, line, length) in long_functions(code) {
                if !exempt.contains(&format!("{place}:{name}").as_str()) {
                    findings.push(Finding {
                        place: format!("{place}:{line}"),
                        text: format!("`{name}` has {length} lines (fence: {FUNCTION_LINES})"),
                    });
                }
            }
        }
    }
    Ok(findings)
}

/// Returns the functions over the fence, found by the indentation of their closing brace: the code is
/// always formatted by rustfmt.
fn long_functions(source: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String, usize)> = None;
    for (index, line) in source.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if let Some(name) = function_name(line.trim_start()) {
            open = Some((indent, name.to_owned(), index));
        } else if line.trim_start().starts_with('}')
            && let Some((_, name, start)) = open.take_if(|(depth, _, _)| *depth == indent)
            && index - start > FUNCTION_LINES
        {
            found.push((name, start + 1, index - start));
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let mut word = words.next()?;
    while matches!(
        word,
        "pub" | "const" | "async" | "pub(crate)" | "pub(super)"
    ) {
        word = words.next()?;
    }
    (word == "fn")
        .then(|| words.next())?
        .and_then(|name| name.split(['(', '<']).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_function_is_found_by_name() {
        let body = "    x();\n".repeat(FUNCTION_LINES + 1);
        let source = format!("fn short() {{\n}}\npub(crate) async fn long<T>(t: T) {{\n{body}}}\n");
        assert_eq!(
            long_functions(&source),
            [("long".to_owned(), 3, FUNCTION_LINES + 2)]
        );
    }
}
