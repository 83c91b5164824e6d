//! Public keys as policies and Secrets write them.

use countersign_trust::{PublicKey, PublicKeyError};

/// Reads the first PEM block of `text`. Upstream ignores the rest, and so do policies in use.
pub(crate) fn first_public_key(text: &str) -> Result<PublicKey, PublicKeyError> {
    // Go ends a block's first line at the line's end, and so a key on one line is none.
    let begin = text
        .find("-----BEGIN")
        .and_then(|start| text.get(start..)?.lines().next());
    if begin.is_some_and(|line| !line.trim_end().ends_with("-----") || line.contains("-----END")) {
        return Err(PublicKeyError::Pem);
    }
    let end = text.find("-----END").and_then(|start| {
        let rest = text.get(start + 5..)?;
        Some(start + 5 + rest.find("-----")? + 5)
    });
    PublicKey::parse_pem(end.and_then(|end| text.get(..end)).unwrap_or(text))
}
