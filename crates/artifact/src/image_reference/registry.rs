//! Hosts of registries: what may be one, and how to speak to it.

use core::net::{IpAddr, Ipv6Addr};

/// How to speak to a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Loopback, private networks (RFC 1918, RFC 4193), `*.local` and `*.localhost` speak HTTP. The host
/// must *be* one of these: go-containerregistry searches for `127.0.0.1` anywhere in the name, so
/// that `127.0.0.1.attacker.example` loses TLS there.
pub(super) fn scheme(registry: &str) -> Scheme {
    let host = host_of(registry);
    let private = match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => host == "localhost" || host.ends_with(".local") || host.ends_with(".localhost"),
    };
    if private { Scheme::Http } else { Scheme::Https }
}

/// Tells whether Go's `url.Parse("//" + name)` gives back `name` as the host.
pub(super) fn is_authority(name: &str) -> bool {
    if let Some(rest) = name.strip_prefix('[') {
        let Some((address, port)) = rest.rsplit_once(']') else {
            return false;
        };
        return address.parse::<Ipv6Addr>().is_ok() && is_optional_port(port);
    }
    let port = name.rfind(':').map_or("", |colon| &name[colon..]);
    is_optional_port(port) && name.chars().all(is_host_character)
}

fn host_of(registry: &str) -> &str {
    match registry
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((address, _)) => address,
        None => registry.split_once(':').map_or(registry, |(host, _)| host),
    }
}

fn is_optional_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The bytes that Go leaves in a host: unreserved and sub-delims of RFC 3986, `"<>`, and everything
/// beyond ASCII. `[` and `]` are for addresses only.
fn is_host_character(c: char) -> bool {
    !c.is_ascii()
        || c.is_ascii_alphanumeric()
        || matches!(
            c,
            '-' | '_' | '.' | '~' | '!' | '$' | '&' | '\'' | '(' | ')' | '*' | '+'
        )
        || matches!(c, ',' | ';' | '=' | ':' | '<' | '>' | '"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes() {
        for host in [
            "localhost:5000",
            "127.0.0.1",
            "127.9.9.9:1",
            "10.1.2.3:5",
            "[::1]:5",
            "a.local:1",
        ] {
            assert_eq!(scheme(host), Scheme::Http, "{host}");
        }
        for host in [
            "127.0.0.1.attacker.example",
            "10.0.0.1.example",
            "8.8.8.8",
            "local",
            "[2001::1]",
        ] {
            assert_eq!(scheme(host), Scheme::Https, "{host}");
        }
    }

    #[test]
    fn authorities() {
        for name in ["", "a.b", "a:1", "a.b:", "[::1]", "[::1]:80"] {
            assert!(is_authority(name), "{name}");
        }
        for name in [
            "a:b",
            "u@h.x",
            "a b.c",
            "a.b%41",
            "[::1",
            "x[::1]",
            "[1.2.3.4]",
            "a.b?c",
            "[::1]x",
        ] {
            assert!(!is_authority(name), "{name}");
        }
    }
}
