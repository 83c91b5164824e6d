//! Logs of a trust root: transparency logs and certificate transparency logs.

use super::Validity;
use crate::public_key::PublicKey;

/// A log that the root knows: its key, its identifier, and when the key was in use.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    /// Its base URL.
    pub(crate) url: String,
    /// The name on its checkpoints: the host of the URL, without a port.
    pub(crate) host: String,
    /// Its identifier as entries and SCTs have it, from the root: SHA-256 of the SPKI for most, of
    /// origin and key for logs of Rekor v2.
    pub(crate) id: Vec<u8>,
    /// Its key.
    pub(crate) key: PublicKey,
    /// When the key was in use.
    pub(crate) window: Validity,
}

/// Gives the host of `url`, without user, port and path.
pub(crate) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    match host.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or(six),
        None => host.split(':').next().unwrap_or(host),
    }
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn hosts() {
        assert_eq!(host_of("https://rekor.sigstore.dev"), "rekor.sigstore.dev");
        assert_eq!(host_of("http://127.0.0.1:8111/base"), "127.0.0.1");
        assert_eq!(host_of("http://user@[::1]:80/"), "::1");
    }
}
