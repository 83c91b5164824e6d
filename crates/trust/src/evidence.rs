//! What was proven. Only this crate can make these values, and each has one maker.

use std::sync::{Arc, OnceLock};

use countersign_artifact::Digest;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::certificate::CertificateIdentity;
use crate::material::Form;
use crate::public_key::PublicKey;
use crate::statement::Statement;
use crate::transparency_log::{Entry, EntryKind, Recorded, RecordedVerifier};
use crate::trust_root::Log;

/// What material proves: who signed what, when, and in which logs that is recorded.
///
/// It is a list of facts. Whether they are enough (an identity that is wanted, at least one log entry)
/// is for a policy to say: with fewer facts fewer policies are satisfied.
#[derive(Debug)]
pub struct Evidence {
    pub(crate) form: Form,
    pub(crate) signer: Signer,
    pub(crate) content: Content,
    pub(crate) times: Vec<VerifiedTime>,
    pub(crate) entries: Vec<VerifiedEntry>,
    pub(crate) strangers: Vec<Stranger>,
    pub(crate) weakened: Vec<Weakening>,
    pub(crate) signature: Vec<u8>,
    pub(crate) certificate_pem: Option<String>,
    pub(crate) chain_pem: Option<String>,
}

/// Who signed.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one for each verification"
)]
#[derive(Clone, Debug)]
pub enum Signer {
    /// The holder of a key that was given.
    Key(VerifiedKey),
    /// The holder of a certificate.
    Certificate(CertificateIdentity),
}

/// A key that made a signature.
#[derive(Clone, Debug)]
pub struct VerifiedKey {
    key: PublicKey,
}

/// What was signed.
#[derive(Clone, Debug)]
pub enum Content {
    /// An image.
    ImageSignature(ImageSignature),
    /// A statement about an artifact.
    Statement(Statement),
    /// Bytes with this digest.
    Message(Digest),
}

/// A signature over an image.
#[derive(Clone, Debug)]
pub struct ImageSignature {
    digest: Option<Digest>,
    annotations: Map<String, Value>,
    docker_reference: String,
    payload: Arc<Vec<u8>>,
}

/// A time at which the signature existed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedTime {
    at: Timestamp,
    source: TimeSource,
}

/// Who vouches for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// A transparency log, with a signed entry timestamp.
    Log {
        /// The log.
        url: String,
        /// The entry.
        index: u64,
    },
    /// A timestamp authority.
    TimestampAuthority {
        /// The authority.
        uri: String,
    },
}

/// An entry that is in a log of the trust root.
#[derive(Clone, Debug)]
pub struct VerifiedEntry {
    log_index: u64,
    log_id: Vec<u8>,
    log_url: String,
    integrated_time: Option<Timestamp>,
    kind: EntryKind,
    body: Vec<u8>,
    signed_entry_timestamp: Option<Vec<u8>>,
    has_inclusion_proof: bool,
    recorded: Recorded,
    identity: OnceLock<Option<CertificateIdentity>>,
}

/// Something that was there and counts for nothing, because the trust root does not know who said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// An entry of a log with this identifier.
    Log {
        /// The identifier, in hexadecimal.
        id: String,
    },
    /// A timestamp.
    TimestampAuthority,
}

/// A check that was left out because someone asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakening {
    /// No log for certificates was asked about the certificate.
    NoSct,
    /// No time was proven; the certificate was judged at this one.
    JudgedAt(Timestamp),
    /// What was signed was not compared with an artifact.
    ArtifactUnchecked,
}

impl Evidence {
    /// How the material was written.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// Who signed.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The identity in the certificate, if it is signed with one.
    #[must_use]
    pub fn certificate(&self) -> Option<&CertificateIdentity> {
        match &self.signer {
            Signer::Certificate(identity) => Some(identity),
            Signer::Key(_) => None,
        }
    }

    /// What was signed.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// When the signature existed, as logs and timestamp authorities say.
    #[must_use]
    pub fn times(&self) -> &[VerifiedTime] {
        &self.times
    }

    /// The log entries about this very signature.
    #[must_use]
    pub fn entries(&self) -> &[VerifiedEntry] {
        &self.entries
    }

    /// What was there and counts for nothing. It serves messages only.
    #[must_use]
    pub fn strangers(&self) -> &[Stranger] {
        &self.strangers
    }

    /// Which checks were left out on demand.
    #[must_use]
    pub fn weakened(&self) -> &[Weakening] {
        &self.weakened
    }

    /// The signature, raw.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The signing certificate.
    #[must_use]
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate_pem.as_deref()
    }

    /// The certificates that came beside the signing certificate, if any did.
    #[must_use]
    pub fn chain_pem(&self) -> Option<&str> {
        self.chain_pem.as_deref()
    }
}

impl VerifiedKey {
    pub(crate) fn new(key: PublicKey) -> Self {
        Self { key }
    }

    /// The key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.key
    }
}

impl ImageSignature {
    pub(crate) fn new(
        digest: Option<Digest>,
        annotations: Map<String, Value>,
        docker_reference: String,
        payload: Arc<Vec<u8>>,
    ) -> Self {
        Self {
            digest,
            annotations,
            docker_reference,
            payload,
        }
    }

    /// The digest that is signed; absent where nothing was compared and no digest is named.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// What the signer noted, `-a` of `cosign sign`.
    #[must_use]
    pub fn annotations(&self) -> &Map<String, Value> {
        &self.annotations
    }

    /// The repository that the signer named; empty in bundles, which do not have it.
    #[must_use]
    pub fn docker_reference(&self) -> &str {
        &self.docker_reference
    }

    /// The signed bytes, as they came.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

impl VerifiedTime {
    pub(crate) fn new(at: Timestamp, source: TimeSource) -> Self {
        Self { at, source }
    }

    /// The time.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Who vouches for it.
    #[must_use]
    pub fn source(&self) -> &TimeSource {
        &self.source
    }
}

impl VerifiedEntry {
    pub(crate) fn new(
        entry: &Entry,
        log: &Log,
        kind: EntryKind,
        integrated_time: Option<Timestamp>,
        recorded: Recorded,
    ) -> Self {
        Self {
            log_index: entry.log_index,
            log_id: entry.log_id.clone(),
            log_url: log.url.clone(),
            integrated_time,
            kind,
            body: entry.body.clone(),
            signed_entry_timestamp: entry.promise.clone(),
            has_inclusion_proof: entry.proof.is_some(),
            recorded,
            identity: OnceLock::new(),
        }
    }

    /// Its index over all shards of the log.
    #[must_use]
    pub fn log_index(&self) -> u64 {
        self.log_index
    }

    /// The identifier of the log.
    #[must_use]
    pub fn log_id(&self) -> &[u8] {
        &self.log_id
    }

    /// The URL of the log, from the trust root.
    #[must_use]
    pub fn log_url(&self) -> &str {
        &self.log_url
    }

    /// When the log took it, if the log signed that.
    #[must_use]
    pub fn integrated_time(&self) -> Option<Timestamp> {
        self.integrated_time
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &EntryKind {
        &self.kind
    }

    /// Its body, as the log has it.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The log's promise to include it.
    #[must_use]
    pub fn signed_entry_timestamp(&self) -> Option<&[u8]> {
        self.signed_entry_timestamp.as_deref()
    }

    /// Tells whether the proof that it is in the tree was there and checked. Legacy material has the
    /// log's promise alone.
    #[must_use]
    pub fn has_inclusion_proof(&self) -> bool {
        self.has_inclusion_proof
    }

    /// Whom the body names as signer, if by a certificate. That it is genuine is only proven for
    /// entries of [`Evidence`].
    #[must_use]
    pub fn recorded_identity(&self) -> Option<&CertificateIdentity> {
        let read = || match self.recorded.verifier.as_ref()? {
            RecordedVerifier::Certificate(der) => CertificateIdentity::of_certificate(der).ok(),
            RecordedVerifier::Key(_) => None,
        };
        self.identity.get_or_init(read).as_ref()
    }

    /// The digest that the body records: of the artifact, or of an envelope's payload.
    #[must_use]
    pub fn recorded_digest(&self) -> Option<&Digest> {
        self.recorded.digest.as_ref()
    }
}
