//! Where signatures and attestations are kept.

use countersign_artifact::referrer::{Kind, legacy_tag};
use countersign_artifact::{Digest, ImageReference, ReferenceError};

use crate::registry::Repository;

/// Where signatures and attestations of an image are; by default beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    repository: Option<Repository>,
    tag_prefix: String,
}

/// Why a text is no repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It does not parse.
    #[error("`{text}` is not a repository: {error}")]
    Reference {
        /// What was given.
        text: String,
        /// What is wrong.
        error: ReferenceError,
    },
    /// It names one image and not a repository.
    #[error("`{text}` names an image; a repository has neither tag nor digest")]
    Image {
        /// What was given.
        text: String,
    },
}

impl Place {
    /// In another repository, written `registry/repository`: `COSIGN_REPOSITORY`, or the `source` of a
    /// policy.
    pub fn in_repository(text: &str) -> Result<Self, PlaceError> {
        let owned = || text.to_owned();
        let parsed = ImageReference::parse(text).map_err(|error| PlaceError::Reference {
            text: owned(),
            error,
        })?;
        let last = text.rsplit('/').next().unwrap_or(text);
        if parsed.digest().is_some() || last.contains(':') {
            return Err(PlaceError::Image { text: owned() });
        }
        Ok(Self {
            repository: Some(Repository::of(&parsed)),
            ..Self::default()
        })
    }

    /// With `prefix` before the tags of older versions of cosign (`--attachment-tag-prefix`).
    #[must_use]
    pub fn with_tag_prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.tag_prefix);
        self
    }

    /// The repository where that of `image` is kept.
    pub(crate) fn repository_for(&self, image: &ImageReference) -> Repository {
        let own = || Repository::of(image);
        self.repository.clone().unwrap_or_else(own)
    }

    /// The tag of older versions of cosign.
    pub(super) fn tag(&self, subject: &Digest, kind: Kind) -> String {
        format!("{}{}", self.tag_prefix, legacy_tag(subject, kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories() {
        let image = ImageReference::parse("example.com/app:1").unwrap();
        let place = Place::in_repository("localhost:5000/signatures").unwrap();
        assert_eq!(
            place.repository_for(&image).to_string(),
            "localhost:5000/signatures"
        );
        assert_eq!(
            Place::default().repository_for(&image).to_string(),
            "example.com/app"
        );
        let digest = Digest::sha256_of(b"");
        let tag = place.with_tag_prefix("v1-").tag(&digest, Kind::Signature);
        assert_eq!(tag, format!("v1-sha256-{}.sig", digest.hex()));
    }

    #[test]
    fn images_are_no_repositories() {
        for text in [
            "example.com/app:1",
            "localhost:5000",
            &format!("example.com/app@{}", Digest::sha256_of(b"")),
        ] {
            let found = Place::in_repository(text);
            assert_eq!(
                found,
                Err(PlaceError::Image {
                    text: text.to_owned()
                })
            );
        }
        assert!(matches!(
            Place::in_repository("Example.com/APP"),
            Err(PlaceError::Reference { .. })
        ));
    }
}
