//! `http` or `https`, decided once for each registry.
//!
//! Plain HTTP is for machines of one's own, by go-containerregistry's rules: loopback, private
//! networks, `*.local`, `*.localhost`. That library tries HTTPS first everywhere; for loopback we try
//! HTTP first, because what listens there is nearly always a test registry and the failed TLS greeting
//! is a wasted round trip. No one can stand between us and our own loopback.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use countersign_artifact::{ImageReference, Scheme};
use url::Url;

use crate::transport::is_loopback;

/// Where plain HTTP may be spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlainHttp {
    /// To machines of one's own.
    #[default]
    PrivateHosts,
    /// To every registry that does not answer HTTPS.
    DangerouslyEverywhere,
}

#[derive(Debug, Default)]
pub(super) struct Schemes {
    plain: PlainHttp,
    known: Mutex<HashMap<String, Scheme>>,
}

impl Schemes {
    pub(super) fn new(plain: PlainHttp) -> Self {
        Self {
            plain,
            known: Mutex::default(),
        }
    }

    /// The schemes to try, best first. One entry when it is known or there is no choice.
    pub(super) fn to_try(&self, registry: &str) -> Vec<Scheme> {
        if let Some(known) = self.lock().get(registry) {
            return vec![*known];
        }
        let loopback =
            Url::parse(&format!("http://{registry}/")).is_ok_and(|url| is_loopback(&url));
        let private = is_private(registry);
        match (
            loopback,
            private || self.plain == PlainHttp::DangerouslyEverywhere,
        ) {
            (true, _) => vec![Scheme::Http, Scheme::Https],
            (false, true) => vec![Scheme::Https, Scheme::Http],
            (false, false) => vec![Scheme::Https],
        }
    }

    /// Remembers what a registry answered to.
    pub(super) fn learn(&self, registry: &str, scheme: Scheme) {
        self.lock().insert(registry.to_owned(), scheme);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Scheme>> {
        // The map is whole after every statement, also when a thread died between two.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_private(registry: &str) -> bool {
    // The rule is the artifact crate's; it asks for a reference.
    ImageReference::parse(&format!("{registry}/xx"))
        .is_ok_and(|image| image.registry() == registry && image.scheme() == Scheme::Http)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_by_host() {
        let schemes = Schemes::default();
        assert_eq!(
            schemes.to_try("127.0.0.1:5000"),
            [Scheme::Http, Scheme::Https]
        );
        assert_eq!(schemes.to_try("[::1]:5000"), [Scheme::Http, Scheme::Https]);
        assert_eq!(
            schemes.to_try("10.0.0.3:5000"),
            [Scheme::Https, Scheme::Http]
        );
        assert_eq!(
            schemes.to_try("reg.local:80"),
            [Scheme::Https, Scheme::Http]
        );
        assert_eq!(schemes.to_try("ghcr.io"), [Scheme::Https]);
        assert_eq!(schemes.to_try("127.0.0.1.evil.example"), [Scheme::Https]);
        let everywhere = Schemes::new(PlainHttp::DangerouslyEverywhere);
        assert_eq!(everywhere.to_try("ghcr.io"), [Scheme::Https, Scheme::Http]);
        everywhere.learn("ghcr.io", Scheme::Http);
        assert_eq!(everywhere.to_try("ghcr.io"), [Scheme::Http]);
    }
}
