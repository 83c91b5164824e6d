//! References to images, with go-containerregistry's rules of weak validation.
//!
//! Users, policies and signatures meet in the normalised name, so two programs that disagree about it
//! disagree about what was signed. The recorded answers of the real library are the judge.

mod registry;

use std::fmt;
use std::str::FromStr;

use crate::digest::{Algorithm, Digest, DigestError};
pub use registry::Scheme;

/// An image in a registry, named by tag, by digest or by both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageReference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
    typed: String,
}

/// Which part of a reference is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing is there.
    #[error("an image reference must not be empty")]
    Empty,
    /// Longer than any real reference.
    #[error("an image reference has at most {MAX_LENGTH} bytes, found {0}")]
    TooLong(usize),
    /// The registry is not a host with an optional port.
    #[error("the registry `{0}` is not a host name with an optional port")]
    Registry(String),
    /// The repository has too few or too many characters.
    #[error("the repository `{repository}` must have 2 to 255 characters, found {found}")]
    RepositoryLength {
        /// The repository as written.
        repository: String,
        /// How many characters it has.
        found: usize,
    },
    /// The repository has a character that is not allowed.
    #[error(
        "the repository `{repository}` must not contain {character:?}; allowed are a-z 0-9 _ - . /"
    )]
    RepositoryCharacter {
        /// The repository as written.
        repository: String,
        /// The first offender.
        character: char,
    },
    /// The tag has too few or too many characters.
    #[error("the tag `{tag}` must have 1 to 128 characters, found {found}")]
    TagLength {
        /// The tag as written.
        tag: String,
        /// How many characters it has.
        found: usize,
    },
    /// The tag has a character that is not allowed.
    #[error("the tag `{tag}` must not contain {character:?}; allowed are a-z A-Z 0-9 _ - .")]
    TagCharacter {
        /// The tag as written.
        tag: String,
        /// The first offender.
        character: char,
    },
    /// More than one `@`.
    #[error("a digest follows exactly one `@`, found {0}")]
    DigestSeparators(usize),
    /// The digest cannot be read, or its algorithm is not the one that registries use.
    #[error("the digest is wrong: {0}")]
    Digest(DigestError),
}

impl ImageReference {
    /// Reads a reference as go-containerregistry's `name.ParseReference` does with weak validation:
    /// the registry defaults to Docker Hub, the tag to `latest`.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(ReferenceError::TooLong(text.len()));
        }
        let (named, digest) = match text.split_once('@') {
            None => (text, None),
            Some((_, digest)) if digest.contains('@') => {
                return Err(ReferenceError::DigestSeparators(text.matches('@').count()));
            }
            Some((named, digest)) => (named, Some(parse_digest(digest)?)),
        };
        let (base, tag) = split_tag(named)?;
        let (registry, repository) = parse_repository(base)?;
        let tag = match (tag, &digest) {
            (Some(tag), _) => Some(tag.to_owned()),
            (None, Some(_)) => None,
            (None, None) => Some(DEFAULT_TAG.to_owned()),
        };
        Ok(Self {
            registry,
            repository,
            tag,
            digest,
            typed: text.to_owned(),
        })
    }

    /// The registry, a host with an optional port: `index.docker.io`.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository within the registry, with Docker Hub's `library/`: `library/nginx`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag: as written, `latest` where neither tag nor digest is written, none beside a digest
    /// that is written alone.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if it is written.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// What to ask the registry for: the digest if there is one, else the tag.
    #[must_use]
    pub fn identifier(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => DEFAULT_TAG.to_owned(),
        }
    }

    /// The normalised name, `registry/repository:tag` or `registry/repository@digest`. A tag beside a
    /// digest is not part of it.
    #[must_use]
    pub fn name(&self) -> String {
        let separator = if self.digest.is_some() { '@' } else { ':' };
        format!(
            "{}/{}{separator}{}",
            self.registry,
            self.repository,
            self.identifier()
        )
    }

    /// The normalised repository, `registry/repository`.
    #[must_use]
    pub fn context(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_typed(&self) -> &str {
        &self.typed
    }

    /// The same repository and tag, pinned to `digest`. Its text is the normalised
    /// `registry/repository[:tag]@digest`.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        let tag = self
            .tag
            .as_ref()
            .map(|tag| format!(":{tag}"))
            .unwrap_or_default();
        Self {
            typed: format!("{}/{}{tag}@{digest}", self.registry, self.repository),
            digest: Some(digest),
            ..self.clone()
        }
    }

    /// The same repository with another tag and no digest.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ReferenceError> {
        check_tag(tag)?;
        Ok(Self {
            typed: format!("{}/{}:{tag}", self.registry, self.repository),
            tag: Some(tag.to_owned()),
            digest: None,
            ..self.clone()
        })
    }

    /// The same tag or digest in another repository: where signatures live when `repository` (written
    /// `registry/repository`) is configured for them.
    pub fn with_repository(&self, repository: &str) -> Result<Self, ReferenceError> {
        let (registry, repository) = parse_repository(repository)?;
        let mut moved = Self {
            registry,
            repository,
            ..self.clone()
        };
        let tag = moved
            .tag
            .as_ref()
            .map(|tag| format!(":{tag}"))
            .unwrap_or_default();
        let digest = moved
            .digest
            .map(|digest| format!("@{digest}"))
            .unwrap_or_default();
        moved.typed = format!("{}/{}{tag}{digest}", moved.registry, moved.repository);
        Ok(moved)
    }

    /// The scheme to speak to the registry with: plain HTTP only for machines of one's own.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        registry::scheme(&self.registry)
    }
}

/// Splits `name:tag`; a colon before a slash belongs to the registry's port.
fn split_tag(named: &str) -> Result<(&str, Option<&str>), ReferenceError> {
    match named.rsplit_once(':') {
        Some((base, tag)) if !tag.contains('/') => {
            check_tag(tag)?;
            Ok((base, Some(tag)))
        }
        _ => Ok((named, None)),
    }
}

fn check_tag(tag: &str) -> Result<(), ReferenceError> {
    let found = tag.chars().count();
    if !(1..=128).contains(&found) {
        return Err(ReferenceError::TagLength {
            tag: tag.to_owned(),
            found,
        });
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match tag.chars().find(|&c| !allowed(c)) {
        Some(character) => Err(ReferenceError::TagCharacter {
            tag: tag.to_owned(),
            character,
        }),
        None => Ok(()),
    }
}

/// Gives registry and repository, both normalised.
fn parse_repository(text: &str) -> Result<(String, String), ReferenceError> {
    // The first part is a registry only if it has a dot or a colon: `host/app` is a user of Docker Hub.
    let (registry, repository) = match text.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) => (first, rest),
        _ => ("", text),
    };
    let found = repository.chars().count();
    if !(2..=255).contains(&found) {
        return Err(ReferenceError::RepositoryLength {
            repository: repository.to_owned(),
            found,
        });
    }
    let allowed = |c: char| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | '/')
    };
    if let Some(character) = repository.chars().find(|&c| !allowed(c)) {
        let repository = repository.to_owned();
        return Err(ReferenceError::RepositoryCharacter {
            repository,
            character,
        });
    }
    if !registry::is_authority(registry) {
        return Err(ReferenceError::Registry(registry.to_owned()));
    }
    let registry = match registry {
        "" | "docker.io" => DOCKER_HUB,
        other => other,
    };
    if registry == DOCKER_HUB && !repository.contains('/') {
        return Ok((registry.to_owned(), format!("library/{repository}")));
    }
    Ok((registry.to_owned(), repository.to_owned()))
}

/// Registries know SHA-256 alone; go-containerregistry refuses every other algorithm, and a policy
/// must not see a name that other tools cannot.
fn parse_digest(text: &str) -> Result<Digest, ReferenceError> {
    let digest = Digest::parse(text).map_err(ReferenceError::Digest)?;
    match digest.algorithm() {
        Algorithm::Sha256 => Ok(digest),
        other => {
            let error = DigestError::UnsupportedAlgorithm(other.as_str().to_owned());
            Err(ReferenceError::Digest(error))
        }
    }
}

impl fmt::Display for ImageReference {
    /// Writes the text as it was given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl FromStr for ImageReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

/// Docker Hub's registry in normalised names.
pub const DOCKER_HUB: &str = "index.docker.io";
const DEFAULT_TAG: &str = "latest";
/// Host (253) with port, repository (255), tag (128) and digest fit in well.
const MAX_LENGTH: usize = 1024;
