//! Names of repositories and tags. They become database keys and, hashed, folder names: what is not in
//! these grammars does not get past the door, so `..` or `%2f` cannot leave the data folder.

use std::fmt;

use countersign_artifact::Digest;

/// The name of a repository, such as `shop/cart`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryName(String);

/// Why a text is not the name of a repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Longer than 255 bytes.
    #[error("the name has {length} bytes, at most 255 are allowed")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// A part between slashes is not lower-case letters and digits with single separators.
    #[error("`{component}` is not a valid part of a repository name")]
    Component {
        /// The offending part.
        component: String,
    },
}

impl RepositoryName {
    /// Parses `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.len() > LONGEST_NAME {
            return Err(NameError::TooLong { length: text.len() });
        }
        match text.split('/').find(|component| !is_component(component)) {
            Some(component) => Err(NameError::Component {
                component: component.to_owned(),
            }),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The name of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag(String);

impl Tag {
    /// Parses `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let first = *text.as_bytes().first()?;
        let rest_is_valid = text
            .bytes()
            .all(|byte| word(byte) || byte == b'.' || byte == b'-');
        (text.len() <= LONGEST_TAG && word(first) && rest_is_valid).then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The last part of a manifest's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    Tag(Tag),
    Digest(Digest),
}

fn is_component(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    alphanumeric(first)
        && alphanumeric(last)
        && bytes.split(|&byte| alphanumeric(byte)).all(is_separator)
}

fn is_separator(run: &[u8]) -> bool {
    matches!(run, b"" | b"." | b"_" | b"__") || run.iter().all(|&byte| byte == b'-')
}

/// Clients cap host, slash and name together at 255 bytes (distribution specification, "Pulling manifests").
const LONGEST_NAME: usize = 255;
const LONGEST_TAG: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_grammar() {
        for good in ["a", "shop/cart", "a.b/c_d/e__f/g---h", "0", "a1/b2"] {
            assert!(RepositoryName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "", "/", "a/", "/a", "a//b", "..", "a/../b", "A", "a..b", "a___b", "-a", "a-", "a._b",
            "a b", "a%2fb", "ä", "a\0b", "_a", "a.",
        ] {
            assert!(RepositoryName::parse(bad).is_err(), "{bad}");
        }
        assert!(RepositoryName::parse(&"a".repeat(255)).is_ok());
        assert_eq!(
            RepositoryName::parse(&"a".repeat(256)),
            Err(NameError::TooLong { length: 256 })
        );
    }

    #[test]
    fn tags_follow_the_grammar() {
        for good in ["latest", "_", "1.2-rc.1", &"a".repeat(128), "sha256-00.sig"] {
            assert!(Tag::parse(good).is_some(), "{good}");
        }
        for bad in ["", ".", "-a", "a/b", "a:b", "a b", &"a".repeat(129), "ä"] {
            assert!(Tag::parse(bad).is_none(), "{bad}");
        }
    }
}
