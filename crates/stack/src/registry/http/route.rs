//! Paths. `a/manifests/b` is a valid repository name, so only the last segments decide.

use countersign_artifact::Digest;
use percent_encoding::percent_decode_str;

use super::super::name::{Reference, RepositoryName, Tag};
use super::super::refusal::Refusal;

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Ping,
    /// The list of repositories. The specification has it no more, but clients ask for it.
    Repositories,
    Blob {
        name: RepositoryName,
        digest: Digest,
    },
    Uploads {
        name: RepositoryName,
    },
    Upload {
        name: RepositoryName,
        id: String,
    },
    Manifest {
        name: RepositoryName,
        reference: Reference,
    },
    Tags {
        name: RepositoryName,
    },
    Referrers {
        name: RepositoryName,
        digest: Digest,
    },
}

impl Route {
    /// Parses a path as it was sent, percent signs and all.
    pub(super) fn parse(path: &str) -> Result<Self, Refusal> {
        let path = percent_decode_str(path)
            .decode_utf8()
            .map_err(|_| Refusal::PathUnknown)?;
        let path = path.strip_prefix("/v2").ok_or(Refusal::PathUnknown)?;
        let segments: Vec<&str> = path.split('/').collect();
        match segments.as_slice() {
            [""] | ["", ""] => Ok(Self::Ping),
            // No name of a repository begins with an underscore.
            ["", "_catalog"] => Ok(Self::Repositories),
            ["", name @ .., "blobs", "uploads"] | ["", name @ .., "blobs", "uploads", ""] => {
                Ok(Self::Uploads {
                    name: repository(name)?,
                })
            }
            ["", name @ .., "blobs", "uploads", id] => Ok(Self::Upload {
                name: repository(name)?,
                id: (*id).to_owned(),
            }),
            ["", name @ .., "blobs", digest] => Ok(Self::Blob {
                name: repository(name)?,
                digest: parse_digest(digest)?,
            }),
            ["", name @ .., "manifests", reference] => {
                let reference = parse_reference(reference)?;
                Ok(Self::Manifest {
                    name: repository(name)?,
                    reference,
                })
            }
            ["", name @ .., "tags", "list"] => Ok(Self::Tags {
                name: repository(name)?,
            }),
            ["", name @ .., "referrers", digest] => Ok(Self::Referrers {
                name: repository(name)?,
                digest: parse_digest(digest)?,
            }),
            _ => Err(Refusal::PathUnknown),
        }
    }
}

/// Parses a digest of an algorithm that is served.
pub(super) fn parse_digest(text: &str) -> Result<Digest, Refusal> {
    Digest::parse(text).map_err(|_| Refusal::DigestInvalid(text.to_owned()))
}

/// Parses the name of a tag.
pub(super) fn parse_tag(text: &str) -> Result<Tag, Refusal> {
    Tag::parse(text).ok_or_else(|| Refusal::TagInvalid(text.to_owned()))
}

/// Parses the name of a repository.
pub(super) fn parse_repository(text: &str) -> Result<RepositoryName, Refusal> {
    RepositoryName::parse(text).map_err(Refusal::NameInvalid)
}

fn parse_reference(text: &str) -> Result<Reference, Refusal> {
    if text.contains(':') {
        parse_digest(text).map(Reference::Digest)
    } else {
        parse_tag(text).map(Reference::Tag)
    }
}

fn repository(segments: &[&str]) -> Result<RepositoryName, Refusal> {
    parse_repository(&segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> RepositoryName {
        RepositoryName::parse(text).unwrap()
    }

    #[test]
    fn the_end_of_the_path_decides() {
        let digest = Digest::sha256_of(b"x");
        let check = |path: &str, wanted: Route| assert_eq!(Route::parse(path).unwrap(), wanted);
        check("/v2", Route::Ping);
        check("/v2/", Route::Ping);
        check("/v2/_catalog", Route::Repositories);
        check("/v2/a/tags/list", Route::Tags { name: name("a") });
        check(
            "/v2/a/manifests/b/tags/list",
            Route::Tags {
                name: name("a/manifests/b"),
            },
        );
        check("/v2/a/blobs/uploads/", Route::Uploads { name: name("a") });
        check("/v2/a/blobs/uploads", Route::Uploads { name: name("a") });
        let id = "x".to_owned();
        check(
            "/v2/blobs/blobs/uploads/x",
            Route::Upload {
                name: name("blobs"),
                id,
            },
        );
        let blob = Route::Blob {
            name: name("a/b"),
            digest,
        };
        check(&format!("/v2/a/b/blobs/{digest}"), blob);
        let encoded = format!("/v2/a/blobs/{}", digest.to_string().replace(':', "%3A"));
        check(
            &encoded,
            Route::Blob {
                name: name("a"),
                digest,
            },
        );
    }

    #[test]
    fn nothing_leaves_the_folder() {
        for path in [
            "/v2/../etc/tags/list",
            "/v2/a/%2e%2e/tags/list",
            "/v2/a%2f..%2fb/tags/list",
            "/v2/a/blobs/../../../etc/passwd",
            "/v2/a/blobs/sha256:../../../etc/passwd",
            "/v2/a/manifests/..%2f..",
            "/v2/a/manifests/%ff",
            "/v2//tags/list",
            "/v2/tags/list",
            "/v2x",
            "/v2/a/_catalog",
        ] {
            assert!(Route::parse(path).is_err(), "{path}");
        }
    }
}
