//! What can be wrong with a certificate.

use jiff::Timestamp;

use crate::public_key::PublicKeyError;

/// Why a certificate does not prove who signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It is not an X.509 certificate in DER.
    #[error("it cannot be read")]
    Encoding,
    /// An extension is there twice: which one counts?
    #[error("the extension {oid} is there twice")]
    DuplicateExtension {
        /// The extension.
        oid: String,
    },
    /// An extension cannot be read.
    #[error("the extension {oid} cannot be read")]
    Extension {
        /// The extension.
        oid: String,
    },
    /// The two extensions for the issuer of the identity name two issuers.
    #[error("it names two issuers of the identity, `{old}` and `{new}`")]
    TwoIssuers {
        /// Of the old extension, 1.3.6.1.4.1.57264.1.1.
        old: String,
        /// Of the new extension, 1.3.6.1.4.1.57264.1.8.
        new: String,
    },
    /// Its key is not taken.
    #[error("its key: {0}")]
    Key(#[from] PublicKeyError),
    /// It names nobody.
    #[error("it names nobody")]
    NoSubject,
    /// It is the certificate of an authority, which does not sign artifacts.
    #[error("it is the certificate of an authority")]
    IsAuthority,
    /// Code signing is not among its extended key usages, or it has none.
    #[error("it is not for signing code")]
    NoCodeSigning,
    /// Its key usage does not allow signatures, or it has none.
    #[error("it is not for digital signatures")]
    NoDigitalSignature,
    /// It has a critical extension that is unknown here.
    #[error("it has a critical extension that is not known")]
    UnknownCriticalExtension,
    /// No time is given at which it could be judged.
    #[error("no time is given at which to judge it")]
    NoTime,
    /// It was not valid yet.
    #[error("it is valid from {not_before}, but was used at {at}")]
    NotYetValid {
        /// When it was used.
        at: Timestamp,
        /// The first instant of its validity.
        not_before: Timestamp,
    },
    /// It was not valid any more.
    #[error("it was valid until {not_after}, but was used at {at}")]
    Expired {
        /// When it was used.
        at: Timestamp,
        /// The last instant of its validity.
        not_after: Timestamp,
    },
    /// No authority of the trust root issued it.
    #[error("no certificate authority of the trust root issued it")]
    UnknownIssuer,
    /// It names an authority of the trust root, but is not signed by that.
    #[error("it is not signed by the issuer it names")]
    IssuerSignature,
    /// It is signed with an algorithm that is not taken.
    #[error("it is signed with an algorithm that is not taken")]
    IssuerAlgorithm,
    /// The authority was not in use then, says the trust root.
    #[error("the certificate authority {uri} was not in use at {at}")]
    AuthorityOutsideTime {
        /// The authority.
        uri: String,
        /// When the certificate was used.
        at: Timestamp,
    },
    /// A certificate above it was not valid then.
    #[error("a certificate of its issuer was not valid at {at}")]
    IssuerOutsideTime {
        /// When the certificate was used.
        at: Timestamp,
    },
    /// A certificate above it may not issue certificates for signing code.
    #[error("a certificate above it may not issue certificates for signing code")]
    IssuerUsage,
    /// There are more authorities between it and the root than one of them allows.
    #[error("its chain is longer than an authority allows")]
    PathLength,
    /// An authority above it may not issue for such a name.
    #[error("an authority above it may not issue for this name")]
    NameConstraint,
    /// Its chain needs more work than any real one.
    #[error("its chain is too complex")]
    TooComplex,
}

/// Why no log of certificates is known to have seen a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SctError {
    /// There is none.
    #[error("the certificate has none")]
    Absent,
    /// The list cannot be read.
    #[error("it cannot be read")]
    Encoding,
    /// There are more than any real certificate has.
    #[error("at most {limit} are read, found {found}")]
    TooMany {
        /// The cap.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// It is of a log that the root does not know.
    #[error("the log {id} is not one of the trust root")]
    UnknownLog {
        /// The identifier of the log in hexadecimal.
        id: String,
    },
    /// The log's key was not in use then.
    #[error("the key of the log {url} was not in use at {at}")]
    LogOutsideTime {
        /// The log.
        url: String,
        /// The time that the log states.
        at: Timestamp,
    },
    /// It is not by the log, or is of another certificate.
    #[error("it is not by the log {url}, or is of another certificate")]
    Signature {
        /// The log.
        url: String,
    },
}
