//! Paths as layers write them, brought to one spelling.

/// What is wrong with a path in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// Its `..` lead out of the image.
    #[error("leads out of the image")]
    EscapesRoot,
    /// It has too many bytes.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// The cap.
        limit: usize,
    },
    /// It has too many parts.
    #[error("deeper than {limit} folders")]
    TooDeep {
        /// The cap.
        limit: usize,
    },
    /// A whiteout that would remove its own folder or the one above (CVE-2019-14271's kin).
    #[error("a whiteout of `.`, `..` or nothing")]
    Whiteout,
}

/// Gives the parts of `path` joined by single slashes, without one in front: empty for the root.
pub(super) fn clean(path: &[u8], limit: usize, depth: usize) -> Result<String, PathFault> {
    if path.len() > limit {
        return Err(PathFault::TooLong { limit });
    }
    let text = readable(path);
    if is_clean(&text) && text.split('/').count() <= depth {
        return Ok(text);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or(PathFault::EscapesRoot)?;
            }
            part => parts.push(part),
        }
    }
    if parts.len() > depth {
        return Err(PathFault::TooDeep { limit: depth });
    }
    Ok(parts.join("/"))
}

/// Whether nothing needs to be done, as for most names.
fn is_clean(text: &str) -> bool {
    text.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// The text of a name. Bytes that are no UTF-8 are written `\xNN`, so that different names stay different.
pub(super) fn readable(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Result<&str, PathFault>) {
        assert_eq!(
            clean(path.as_bytes(), 64, 4),
            expected.map(str::to_owned),
            "{path}"
        );
    }

    #[test]
    fn paths_have_one_spelling() {
        check("usr/lib/x", Ok("usr/lib/x"));
        check("./usr//lib/", Ok("usr/lib"));
        check("/usr/../etc/./passwd", Ok("etc/passwd"));
        check("/", Ok(""));
        check("./", Ok(""));
        check("../etc", Err(PathFault::EscapesRoot));
        check("a/../../etc", Err(PathFault::EscapesRoot));
        check("a/b/c/d/e", Err(PathFault::TooDeep { limit: 4 }));
        check(&"x".repeat(65), Err(PathFault::TooLong { limit: 64 }));
        assert_eq!(clean(b"a\xff", 64, 4).unwrap(), "a\\xff");
    }
}
