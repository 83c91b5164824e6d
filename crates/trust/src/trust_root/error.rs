//! What can be wrong with a trust root.

/// Why a trust root is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustRootError {
    /// It is larger than any trust root.
    #[error("a trust root has at most {limit} bytes, found {found}")]
    TooLarge {
        /// How many bytes are allowed.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// It is not JSON of the right shape.
    #[error("not a trust root: line {line}, column {column}")]
    Syntax {
        /// Where reading stopped.
        line: usize,
        /// Where reading stopped.
        column: usize,
    },
    /// It has another media type.
    #[error("unknown media type `{found}` of a trust root")]
    MediaType {
        /// What was found.
        found: String,
    },
    /// An authority has no certificates.
    #[error("the authority {uri} has no certificates")]
    EmptyChain {
        /// The authority.
        uri: String,
    },
    /// An authority has more certificates than any real one.
    #[error("the authority {uri} has too many certificates")]
    ChainTooLong {
        /// The authority.
        uri: String,
    },
    /// A certificate of an authority cannot be read.
    #[error("a certificate of the authority {uri} cannot be read")]
    Certificate {
        /// The authority.
        uri: String,
    },
    /// A certificate of an authority has a key of a kind that is not known here.
    #[error("a certificate of the authority {uri} has an unknown kind of key")]
    UnknownKey {
        /// The authority.
        uri: String,
    },
    /// A certificate of an authority is not signed by the next.
    #[error("the certificates of the authority {uri} are not each signed by the next")]
    BrokenChain {
        /// The authority.
        uri: String,
    },
    /// A log says not since when its key is in use.
    #[error("the key of the log {url} has no start of validity")]
    NoStart {
        /// The log.
        url: String,
    },
    /// Two logs have one identifier.
    #[error("two logs have the identifier of {url}")]
    DuplicateLog {
        /// The second log.
        url: String,
    },
    /// A text is not PEM certificates.
    #[error("not certificates in PEM")]
    Pem,
}
