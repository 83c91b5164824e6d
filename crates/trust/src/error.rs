//! What can be wrong with a signature, as data. Sentences for people are made elsewhere; `Display`
//! here is for logs and tests.

use countersign_artifact::Digest;
use jiff::Timestamp;

use crate::certificate::{CertificateError, SctError};

/// Why material cannot be read. Nothing of it was judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaterialError {
    /// It is larger than the cap.
    #[error("at most {limit} bytes are read, found {found}")]
    TooLarge {
        /// The cap.
        limit: usize,
        /// The size.
        found: usize,
    },
    /// It is not JSON of the right shape: not JSON at all, an unknown field, a field twice, bad base64.
    #[error("not a bundle or envelope: line {line}, column {column}")]
    Syntax {
        /// Where reading stopped.
        line: usize,
        /// Where reading stopped.
        column: usize,
    },
    /// The bundle is of a version that is not known.
    #[error("unknown media type `{found}` of a bundle")]
    MediaType {
        /// What was found.
        found: String,
    },
    /// There is neither a message signature nor an envelope.
    #[error("nothing is signed in this bundle")]
    NoContent,
    /// There are both a message signature and an envelope.
    #[error("the bundle has two contents")]
    TwoContents,
    /// Nothing says whose signature it is.
    #[error("there is no certificate and no key hint")]
    NoKeyMaterial,
    /// Two things say whose signature it is.
    #[error("there are two kinds of key material")]
    TwoKeyMaterials,
    /// The certificate chain has no certificates.
    #[error("the certificate chain is empty")]
    EmptyChain,
    /// Bundles from version 0.3 have one certificate and no chain.
    #[error("a bundle of version 0.3 has no certificate chain")]
    ChainInVersion3,
    /// The certificate chain of a bundle ends in a root, which only the trust root may name.
    #[error("the certificate chain of a bundle must not have a root")]
    RootInChain,
    /// There are more certificates than the cap.
    #[error("at most {limit} intermediate certificates are read, found {found}")]
    TooManyCertificates {
        /// The cap.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// There are more log entries than the cap.
    #[error("at most {limit} log entries are read, found {found}")]
    TooManyEntries {
        /// The cap.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// There are more timestamps than the cap.
    #[error("at most {limit} timestamps are read, found {found}")]
    TooManyTimestamps {
        /// The cap.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// One log entry is there twice.
    #[error("one log entry is there twice")]
    DuplicateEntry,
    /// A log entry of a bundle of version 0.1 lacks the signed entry timestamp.
    #[error("a log entry has no signed entry timestamp")]
    NoPromise,
    /// A log entry of a bundle from version 0.2 lacks the inclusion proof.
    #[error("a log entry has no inclusion proof")]
    NoProof,
    /// A part of a log entry is missing or cannot be.
    #[error("the {part} of a log entry cannot be read")]
    Entry {
        /// Which part.
        part: EntryPart,
    },
    /// The signature is empty.
    #[error("there is no signature")]
    NoSignature,
    /// An envelope has no or several signatures.
    #[error("an envelope must have one signature, found {found}")]
    SignatureCount {
        /// How many there are.
        found: usize,
    },
    /// The digest beside a message signature is of an unknown kind or has the wrong length.
    #[error("the message digest cannot be read")]
    MessageDigest,
    /// A legacy layer lacks an annotation.
    #[error("the annotation {name} is missing")]
    AnnotationMissing {
        /// Its name.
        name: &'static str,
    },
    /// An annotation of a legacy layer cannot be read.
    #[error("the annotation {name} cannot be read")]
    Annotation {
        /// Its name.
        name: &'static str,
    },
    /// Something was attached, but it could not be had or was not what it said.
    #[error("what is attached is not a signature: {found}")]
    NotASignature {
        /// The media type or what else was found.
        found: String,
    },
}

/// A part of a log entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryPart {
    /// `kindVersion`.
    Kind,
    /// The index in the log.
    Index,
    /// The identifier of the log.
    LogId,
    /// When the log says it took the entry.
    IntegratedTime,
    /// The body.
    Body,
    /// The inclusion proof.
    Proof,
    /// The checkpoint.
    Checkpoint,
    /// The signed entry timestamp.
    Promise,
}

impl std::fmt::Display for EntryPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kind => "kind",
            Self::Index => "index",
            Self::LogId => "log identifier",
            Self::IntegratedTime => "integrated time",
            Self::Body => "body",
            Self::Proof => "inclusion proof",
            Self::Checkpoint => "checkpoint",
            Self::Promise => "signed entry timestamp",
        })
    }
}

/// Why material proves nothing. Each variant is one flaw; tests and messages tell them apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The material cannot be read.
    #[error("unreadable: {0}")]
    Unreadable(#[from] MaterialError),

    /// Nothing that is believed says when it was signed.
    #[error("no log and no timestamp authority of the trust root says when it was signed")]
    NoProvenTime,
    /// The only word on the time is of a log that the root does not know.
    #[error("the log {id} is not one of the trust root")]
    UnknownLog {
        /// Its identifier in hexadecimal.
        id: String,
    },
    /// The only word on the time is of a timestamp authority that the root does not know.
    #[error("the timestamp authority is not one of the trust root")]
    UnknownTimestampAuthority,
    /// A timestamp of a known authority is not right.
    #[error("timestamp: {0}")]
    Timestamp(TimestampError),

    /// The log's key was not in use at that time.
    #[error("the key of the log {url} was not in use at {at}")]
    LogOutsideTime {
        /// The log.
        url: String,
        /// The time.
        at: Timestamp,
    },
    /// The log did not sign this entry timestamp.
    #[error("the signed entry timestamp is not by the log {url}")]
    Promise {
        /// The log.
        url: String,
    },
    /// The inclusion proof does not lead to the root of the tree.
    #[error("the inclusion proof does not lead to the root of the log {url}")]
    InclusionProof {
        /// The log.
        url: String,
    },
    /// The checkpoint is not one of the log or is of another tree than the proof.
    #[error("checkpoint of the log {url}: {fault}")]
    Checkpoint {
        /// The log.
        url: String,
        /// What is wrong.
        fault: CheckpointFault,
    },
    /// An entry of a known log proves nothing: no signed entry timestamp and no inclusion proof.
    #[error("an entry of the log {url} has no proof")]
    UnprovenEntry {
        /// The log.
        url: String,
    },
    /// The log entry is about something else.
    #[error("the log entry is about another {part}")]
    EntryMismatch {
        /// What differs.
        part: BodyPart,
    },
    /// The log entry is of a kind or version that is not known here.
    #[error("log entries `{kind}` {version} are not known")]
    UnsupportedEntry {
        /// The kind.
        kind: String,
        /// The version.
        version: String,
    },

    /// The certificate does not prove who signed.
    #[error("certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// No log for certificates is known to have seen the certificate.
    #[error("signed certificate timestamp: {0}")]
    Sct(#[from] SctError),
    /// A certificate is wanted, and this is signed with a bare key.
    #[error("signed with a key, a certificate is wanted")]
    NoCertificate,
    /// The wanted key is given, and this is signed with a certificate.
    #[error("signed with a certificate, a key is wanted")]
    NotTheKey,

    /// The signature is not over this content by this key.
    #[error("the signature is not by this key over this content")]
    Signature,
    /// The signature is over another artifact than the one given.
    #[error("signed is {found}, expected {expected}")]
    DigestMismatch {
        /// The artifact's digest.
        expected: Digest,
        /// What is signed, in hexadecimal.
        found: String,
    },
    /// The statement is about other artifacts.
    #[error("the statement is not about {expected}")]
    SubjectMismatch {
        /// The artifact's digest.
        expected: Digest,
        /// What it is about.
        found: Vec<Digest>,
    },
    /// The message signature does not say what it signs.
    #[error("the bundle has no message digest")]
    NoMessageDigest,
    /// To verify this signature the artifact itself is needed, its digest is not enough.
    #[error("this kind of signature needs the artifact itself, not its digest")]
    ArtifactNeeded,
    /// The payload of the envelope is of another type than an in-toto statement.
    #[error("the payload is of type `{found}`, not an in-toto statement")]
    PayloadType {
        /// The type.
        found: String,
    },
    /// The payload is no in-toto statement.
    #[error("statement: {0}")]
    Statement(StatementFault),
    /// The payload is no simple signing object.
    #[error("the payload is not a simple signing object")]
    SimpleSigning,
}

/// What is wrong with a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CheckpointFault {
    /// It is not a checkpoint.
    #[error("it cannot be read")]
    Unreadable,
    /// It is of a log with another name.
    #[error("it is of another log")]
    Origin,
    /// None of its signatures claims to be by the log.
    #[error("the log has not signed it")]
    NoSignature,
    /// The signature is not by the log.
    #[error("the signature is not by the log")]
    Signature,
    /// It is of another tree than the proof.
    #[error("it is of another tree than the proof")]
    Tree,
}

/// What differs between a log entry and the material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyPart {
    /// The kind beside the body is not the kind in the body.
    Kind,
    /// The body is not one of its kind.
    Form,
    /// The signature.
    Signature,
    /// The certificate or key.
    Verifier,
    /// The digest of what is signed.
    Digest,
    /// The envelope.
    Envelope,
}

impl std::fmt::Display for BodyPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kind => "kind of entry",
            Self::Form => "form of entry",
            Self::Signature => "signature",
            Self::Verifier => "certificate or key",
            Self::Digest => "content",
            Self::Envelope => "envelope",
        })
    }
}

/// What is wrong with a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// It is not an RFC 3161 timestamp.
    #[error("it cannot be read")]
    Unreadable,
    /// The authority refused to give one.
    #[error("the authority did not grant it")]
    NotGranted,
    /// It is of another signature.
    #[error("it is of another signature")]
    Imprint,
    /// It names a hash function that is not allowed.
    #[error("it uses a hash function that is not allowed")]
    Hash,
    /// The attributes that the authority signed do not name this content.
    #[error("its signed attributes are about something else")]
    Attributes,
    /// The signature is not by the authority.
    #[error("the signature is not by the authority")]
    Signature,
    /// The certificate of the authority is not one for timestamps.
    #[error("the authority's certificate is not for timestamps")]
    Usage,
    /// The authority was not in use at that time.
    #[error("the authority was not in use at {at}")]
    AuthorityOutsideTime {
        /// The time it states.
        at: Timestamp,
    },
    /// A certificate of the authority was not valid at that time.
    #[error("the authority's certificate was not valid at {at}")]
    CertificateOutsideTime {
        /// The time it states.
        at: Timestamp,
    },
}

/// Why a payload is no in-toto statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum StatementFault {
    /// It is not JSON of that shape.
    #[error("it is not an in-toto statement")]
    Syntax,
    /// `_type` is absent or of another version than v0.1 and v1.
    #[error("its `_type` is absent or unknown")]
    Type,
    /// It has no predicate type.
    #[error("it has no predicate type")]
    NoPredicateType,
    /// It is about nothing.
    #[error("it has no subject")]
    NoSubject,
    /// It has more subjects or digests than the cap.
    #[error("it has too many subjects")]
    TooManySubjects,
    /// A digest of a subject is not one.
    #[error("a digest of a subject cannot be read")]
    Digest,
}
