//! Types of predicates and cosign's short names for them.

use std::fmt;

/// What an attestation says about its subject: a URI, which cosign has short names for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PredicateType {
    kind: Kind,
    uri: String,
}

/// How the predicate is read from its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Any text, kept as text beside the time.
    Custom,
    /// SLSA provenance v0.2.
    Slsa02,
    /// SLSA provenance v1.
    Slsa1,
    /// An in-toto link.
    Link,
    /// SPDX as tag-value text.
    SpdxText,
    /// Any JSON: SPDX, CycloneDX.
    Json,
    /// A report of vulnerabilities as cosign defines it.
    Vulnerabilities,
    /// A JSON object of a type that has no short name.
    Other,
}

/// Why a text is not a type of predicates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is neither a URI nor one of {}", names())]
pub struct PredicateTypeError {
    /// The text.
    pub found: String,
}

impl PredicateType {
    /// Reads a short name of cosign's or a URI.
    pub fn parse(text: &str) -> Result<Self, PredicateTypeError> {
        if let Some((_, uri, kind)) = ALIASES.iter().find(|(name, ..)| *name == text) {
            return Ok(Self {
                kind: *kind,
                uri: (*uri).to_owned(),
            });
        }
        // Go's url.ParseRequestURI: absolute, with a scheme, and nothing that no URI has.
        let is_uri = text.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
                && !rest.is_empty()
        });
        if !is_uri
            || text.len() > MAXIMAL_LENGTH
            || text.contains(|c: char| c.is_control() || c == ' ')
        {
            return Err(PredicateTypeError {
                found: text.chars().take(128).collect(),
            });
        }
        Ok(Self {
            kind: kind_of_uri(text),
            uri: text.to_owned(),
        })
    }

    /// The URI.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// cosign's short name; where it has two, the one that says how the predicate was read.
    #[must_use]
    pub fn alias(&self) -> Option<&'static str> {
        if self.kind == Kind::Other {
            return None;
        }
        ALIASES
            .iter()
            .find(|(_, uri, kind)| *uri == self.uri && *kind == self.kind)
            .map(|(name, ..)| *name)
    }

    /// All short names, in the order of cosign's help.
    pub fn aliases() -> impl Iterator<Item = &'static str> {
        ALIASES.iter().map(|(name, ..)| *name)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Display for PredicateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri)
    }
}

/// A URI in full means any JSON object, except cosign's own type, whose predicate is text.
fn kind_of_uri(uri: &str) -> Kind {
    match uri {
        CUSTOM => Kind::Custom,
        _ => Kind::Other,
    }
}

fn names() -> String {
    PredicateType::aliases().collect::<Vec<_>>().join(", ")
}

const CUSTOM: &str = "https://cosign.sigstore.dev/attestation/v1";

/// cosign: `cmd/cosign/cli/options/predicate.go`.
const ALIASES: [(&str, &str, Kind); 10] = [
    (
        "slsaprovenance",
        "https://slsa.dev/provenance/v0.2",
        Kind::Slsa02,
    ),
    (
        "slsaprovenance02",
        "https://slsa.dev/provenance/v0.2",
        Kind::Slsa02,
    ),
    (
        "slsaprovenance1",
        "https://slsa.dev/provenance/v1",
        Kind::Slsa1,
    ),
    ("link", "https://in-toto.io/Link/v1", Kind::Link),
    ("spdx", "https://spdx.dev/Document", Kind::SpdxText),
    ("spdxjson", "https://spdx.dev/Document", Kind::Json),
    ("cyclonedx", "https://cyclonedx.org/bom", Kind::Json),
    (
        "vuln",
        "https://cosign.sigstore.dev/attestation/vuln/v1",
        Kind::Vulnerabilities,
    ),
    ("openvex", "https://openvex.dev/ns", Kind::Other),
    ("custom", CUSTOM, Kind::Custom),
];

/// The longest that browsers take.
const MAXIMAL_LENGTH: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_uris() {
        for alias in PredicateType::aliases() {
            let parsed = PredicateType::parse(alias).unwrap();
            let expected = match alias {
                "slsaprovenance02" => Some("slsaprovenance"),
                "openvex" => None,
                other => Some(other),
            };
            assert_eq!(parsed.alias(), expected, "{alias}");
            assert_eq!(
                PredicateType::parse(parsed.uri()).unwrap().uri(),
                parsed.uri()
            );
        }
        for wrong in ["nonsense", "", "x y:z", "http:", ":x", "https://a b"] {
            assert!(PredicateType::parse(wrong).is_err(), "{wrong}");
        }
    }
}
