//! Public keys as policies and Secrets write them.

use countersign_trust::{PublicKey, PublicKeyError};

/// Reads the first PEM block of `text`. Upstream ignores the rest, and so do policies in use.
pub(crate) fn first_public_key(text: &str) -> Result<PublicKey, PublicKeyError> {
    let end = text.find("-----END").and_then(|start| {
        let rest = text.get(start + 5..)?;
        Some(start + 5 + rest.find("-----")? + 5)
    });
    PublicKey::parse_pem(end.and_then(|end| text.get(..end)).unwrap_or(text))
}
