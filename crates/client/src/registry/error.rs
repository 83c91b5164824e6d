//! What a registry did not do, and for what.

use std::fmt;
use std::time::Duration;

use countersign_artifact::{Digest, ManifestError};

use super::{KeychainError, Repository};
use crate::transport::{BodyFault, TransportFault, shown};

/// A request to a registry that did not lead to what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{resource}: {fault}")]
pub struct RegistryError {
    /// What was asked for.
    pub resource: Box<Resource>,
    /// What came instead.
    pub fault: Box<Fault>,
}

/// Something in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A manifest by tag or digest.
    Manifest {
        /// Where it is.
        repository: Repository,
        /// The tag or digest.
        reference: String,
    },
    /// A blob.
    Blob {
        /// Where it is.
        repository: Repository,
        /// Its digest.
        digest: Digest,
    },
    /// The list of what refers to a manifest.
    Referrers {
        /// Where it is.
        repository: Repository,
        /// The manifest's digest.
        subject: Digest,
    },
}

/// What came instead of the resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// 401 to what credentials there are.
    #[error("the registry asks for other credentials (401){}", said(detail))]
    Unauthorized {
        /// Whether any credentials were sent.
        anonymous: bool,
        /// What the registry said.
        detail: String,
    },
    /// 403.
    #[error("the registry does not allow it (403){}", said(detail))]
    Forbidden {
        /// What the registry said.
        detail: String,
    },
    /// 404.
    #[error("it is not there (404){}", said(detail))]
    NotFound {
        /// What the registry said.
        detail: String,
    },
    /// 429, until the end of patience.
    #[error("the registry answers too many requests (429)")]
    TooManyRequests {
        /// How long the registry wants us to wait.
        retry_after: Option<Duration>,
    },
    /// 5xx, until the end of patience.
    #[error("the registry failed ({status}){}", said(detail))]
    Failed {
        /// The status.
        status: u16,
        /// What the registry said.
        detail: String,
    },
    /// Another status that is no success.
    #[error("the registry refused ({status}){}", said(detail))]
    Refused {
        /// The status.
        status: u16,
        /// What the registry said.
        detail: String,
    },
    /// No answer.
    #[error(transparent)]
    Transport(#[from] TransportFault),
    /// More bytes than promised or allowed.
    #[error("it has more than {limit} bytes")]
    Oversized {
        /// The promise or the cap.
        limit: u64,
    },
    /// Fewer bytes than promised.
    #[error("it ended after {received} bytes{}", of_expected(*expected))]
    Truncated {
        /// The promise.
        expected: Option<u64>,
        /// What came.
        received: u64,
    },
    /// The bytes are not those that the digest names.
    #[error("its digest is {found}, not {expected}")]
    DigestMismatch {
        /// The digest asked for.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// The bytes are no manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Another kind of manifest than can be used here.
    #[error("{found} was found where {expected} is needed")]
    UnexpectedManifest {
        /// What is needed.
        expected: &'static str,
        /// What was found.
        found: &'static str,
    },
    /// A redirect that leads nowhere, away from TLS, or too far.
    #[error("its redirect is not followed: {reason}")]
    Redirect {
        /// Why not.
        reason: &'static str,
    },
    /// A header that the protocol asks for is absent or wrong.
    #[error("the registry's answer has no usable `{name}` header")]
    Header {
        /// The header.
        name: &'static str,
    },
    /// More referrers than are read.
    #[error("more than {limit} artifacts refer to it")]
    TooManyReferrers {
        /// The cap.
        limit: usize,
    },
    /// The server that gives tokens for the registry did not.
    #[error("no token for the registry from {server}: {reason}")]
    NoToken {
        /// The token server's host.
        server: String,
        /// What went wrong there.
        reason: TokenFault,
    },
    /// The credentials that are configured cannot be read.
    #[error(transparent)]
    Keychain(#[from] KeychainError),
    /// The fallback tag holds an image, so that referrers cannot be listed there.
    #[error("its tag of referrers holds an image and no index (a copying tool made it)")]
    FallbackTagTaken,
    /// Others kept overwriting the fallback tag.
    #[error("its tag of referrers was overwritten by others {attempts} times")]
    FallbackTagContended {
        /// How often it was written.
        attempts: u32,
    },
}

/// Why a token server gave no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// The challenge names no server that may be asked.
    #[error("the registry names no usable token server")]
    Challenge,
    /// It refused.
    #[error("refused ({status}){}", said(detail))]
    Refused {
        /// The status.
        status: u16,
        /// What it said.
        detail: String,
    },
    /// It did not answer.
    #[error(transparent)]
    Transport(#[from] TransportFault),
    /// Its answer holds no token.
    #[error("the answer holds no token")]
    NoToken,
}

impl Fault {
    pub(super) fn of(self, resource: &Resource) -> RegistryError {
        RegistryError {
            resource: Box::new(resource.clone()),
            fault: Box::new(self),
        }
    }

    /// Reads the status of an answer that is no success; `body` is what the registry said about it.
    pub(super) fn of_status(
        status: http::StatusCode,
        retry_after: Option<Duration>,
        body: &[u8],
    ) -> Self {
        let detail = detail_of(body);
        match status.as_u16() {
            403 => Self::Forbidden { detail },
            404 => Self::NotFound { detail },
            429 => Self::TooManyRequests { retry_after },
            status @ 500.. => Self::Failed { status, detail },
            status => Self::Refused { status, detail },
        }
    }
}

impl RegistryError {
    /// Whether the registry itself says that the resource is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(*self.fault, Fault::NotFound { .. })
    }

    /// Whether the registry answered, and what it has is not what was promised or not there.
    pub(crate) fn is_of_content(&self) -> bool {
        matches!(
            *self.fault,
            Fault::NotFound { .. }
                | Fault::Oversized { .. }
                | Fault::Truncated { .. }
                | Fault::DigestMismatch { .. }
                | Fault::Manifest(_)
                | Fault::UnexpectedManifest { .. }
        )
    }
}

impl From<BodyFault> for Fault {
    fn from(fault: BodyFault) -> Self {
        match fault {
            BodyFault::Oversized { limit } => Self::Oversized { limit },
            BodyFault::Truncated { expected, received } => Self::Truncated { expected, received },
            BodyFault::TimedOut => Self::Transport(TransportFault::TimedOut),
        }
    }
}

impl Resource {
    /// The repository it is in.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        match self {
            Self::Manifest { repository, .. }
            | Self::Blob { repository, .. }
            | Self::Referrers { repository, .. } => repository,
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest {
                repository,
                reference,
            } => {
                let separator = if reference.contains(':') { '@' } else { ':' };
                write!(formatter, "manifest {repository}{separator}{reference}")
            }
            Self::Blob { repository, digest } => write!(formatter, "blob {repository}@{digest}"),
            Self::Referrers {
                repository,
                subject,
            } => write!(formatter, "referrers of {repository}@{subject}"),
        }
    }
}

/// The first error of the registry's list (OCI distribution 1.1, "Error Codes"), or nothing.
pub(super) fn detail_of(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Answer {
        #[serde(default)]
        errors: Vec<Entry>,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        return String::new();
    };
    match answer.errors.first() {
        Some(entry) => shown(format!("{} {}", entry.code, entry.message).trim()),
        None => String::new(),
    }
}

fn said(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    }
}

fn of_expected(expected: Option<u64>) -> String {
    expected
        .map(|expected| format!(" of {expected}"))
        .unwrap_or_default()
}
