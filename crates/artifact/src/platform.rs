//! The machine an image is for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Operating system and architecture, as in an image index.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// The architecture, `amd64`.
    #[serde(default)]
    pub architecture: String,
    /// The operating system, `linux`.
    #[serde(default)]
    pub os: String,
    /// The version of the operating system, used by Windows.
    #[serde(
        rename = "os.version",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub os_version: Option<String>,
    /// The variant of the architecture, `v7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// What is wrong with the text of a platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// There are not two or three parts.
    #[error("a platform is written `os/architecture[/variant][:os-version]`, found `{0}`")]
    Parts(String),
}

impl Platform {
    /// Reads `os/architecture[/variant][:os-version]`.
    pub fn parse(text: &str) -> Result<Self, PlatformError> {
        let refuse = || PlatformError::Parts(text.chars().take(128).collect());
        let (machine, version) = match text.split_once(':') {
            Some((machine, version)) => (machine, Some(version)),
            None => (text, None),
        };
        let parts: Vec<&str> = machine.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => return Err(refuse()),
        };
        let pieces = [Some(os), Some(architecture), variant, version];
        if pieces
            .into_iter()
            .flatten()
            .any(|piece| piece.is_empty() || piece.contains(':'))
        {
            return Err(refuse());
        }
        Ok(Self {
            architecture: architecture.to_owned(),
            os: os.to_owned(),
            os_version: version.map(str::to_owned),
            variant: variant.map(str::to_owned),
        })
    }

    /// Tells whether an image for `self` is what someone who asks for `wanted` means: what `wanted`
    /// leaves open may be anything.
    #[must_use]
    pub fn satisfies(&self, wanted: &Self) -> bool {
        let fits = |mine: &Option<String>, theirs: &Option<String>| match theirs {
            Some(theirs) => mine.as_ref() == Some(theirs),
            None => true,
        };
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && fits(&self.variant, &wanted.variant)
            && fits(&self.os_version, &wanted.os_version)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if let Some(variant) = &self.variant {
            write!(f, "/{variant}")?;
        }
        if let Some(version) = &self.os_version {
            write!(f, ":{version}")?;
        }
        Ok(())
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for text in ["linux/amd64", "linux/arm/v7", "windows/amd64:10.0.17763.1"] {
            assert_eq!(Platform::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "", "linux", "linux/", "/amd64", "a/b/c/d", "a/b:", "a/b:c:d",
        ] {
            assert!(Platform::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn open_parts_match_anything() {
        let arm = Platform::parse("linux/arm/v7").unwrap();
        assert!(arm.satisfies(&Platform::parse("linux/arm").unwrap()));
        assert!(!arm.satisfies(&Platform::parse("linux/arm/v6").unwrap()));
        assert!(!Platform::parse("linux/arm").unwrap().satisfies(&arm));
    }
}
