//! The files of a distribution: `RECORD` (PEP 376) and setuptools' older `installed-files.txt`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::file_tree::FileTree;
use crate::package::OwnedFile;

/// Reads a `RECORD`; its paths are relative to the folder that is on Python's path.
pub(super) fn read(tree: &FileTree, environment: &str, text: &str) -> Vec<OwnedFile> {
    let rows = text.lines().take(MAX_ROWS).filter_map(|line| {
        let (path, rest) = cell(line)?;
        let (hash, _) = cell(rest).unwrap_or_default();
        Some((path, checksum(&hash)))
    });
    owned(tree, environment, rows)
}

/// Reads an `installed-files.txt`; its paths are relative to the `egg-info` folder.
pub(super) fn read_old(tree: &FileTree, info: &str, text: &str) -> Vec<OwnedFile> {
    let rows = text
        .lines()
        .take(MAX_ROWS)
        .map(|line| (line.trim().to_owned(), None));
    owned(tree, info, rows)
}

fn owned(
    tree: &FileTree,
    base: &str,
    rows: impl Iterator<Item = (String, Option<Checksum>)>,
) -> Vec<OwnedFile> {
    rows.filter_map(|(path, checksum)| {
        let path = join(base, &path)?;
        Some(OwnedFile {
            present: tree.exists(&path),
            path,
            checksum,
            is_configuration: false,
        })
    })
    .collect()
}

/// Resolves `../../../bin/x`; `None` for nothing and for what leads out of the image.
fn join(base: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = if path.starts_with('/') {
        Vec::new()
    } else {
        base.split('/').collect()
    };
    parts.retain(|part| !part.is_empty());
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!path.is_empty() && !parts.is_empty()).then(|| format!("/{}", parts.join("/")))
}

/// Takes one cell of a CSV row off the front (RFC 4180); `None` at the end of the row.
fn cell(row: &str) -> Option<(String, &str)> {
    if row.is_empty() {
        return None;
    }
    let Some(mut rest) = row.strip_prefix('"') else {
        let (value, rest) = row.split_once(',').unwrap_or((row, ""));
        return Some((value.to_owned(), rest));
    };
    let mut value = String::new();
    loop {
        let (part, after) = rest.split_once('"').unwrap_or((rest, ""));
        value.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                value.push('"');
                rest = more;
            }
            None => return Some((value, after.strip_prefix(',').unwrap_or(after))),
        }
    }
}

/// `sha256=<base64url without padding>`.
fn checksum(text: &str) -> Option<Checksum> {
    let (name, value) = text.split_once('=')?;
    let algorithm = match name {
        "sha256" => ChecksumAlgorithm::Sha256,
        "sha384" => ChecksumAlgorithm::Sha384,
        "sha512" => ChecksumAlgorithm::Sha512,
        _ => return None,
    };
    let bytes = URL_SAFE_NO_PAD.decode(value.trim_end_matches('=')).ok()?;
    Checksum::from_bytes(algorithm, &bytes)
}

/// The largest distributions (azure, torch) have some 30,000.
const MAX_ROWS: usize = 500_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_csv() {
        assert_eq!(cell("a,b,c"), Some(("a".into(), "b,c")));
        assert_eq!(cell("\"a,\"\"b\"\"\",c"), Some(("a,\"b\"".into(), "c")));
        assert_eq!(cell("\"open"), Some(("open".into(), "")));
        assert_eq!(cell(""), None);
    }

    #[test]
    fn paths_lead_upwards_but_not_out() {
        assert_eq!(
            join("/usr/lib/python3", "../../bin/x").as_deref(),
            Some("/usr/bin/x")
        );
        assert_eq!(join("/usr", "../../x"), None);
        assert_eq!(join("/usr", "/abs/x").as_deref(), Some("/abs/x"));
    }

    #[test]
    fn hashes_are_base64url() {
        let found = checksum("sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU").unwrap();
        assert!(found.hex.starts_with("e3b0c44298fc1c14"));
        assert_eq!(checksum("sha256=AA"), None);
        assert_eq!(checksum("md5=AAAA"), None);
    }
}
