//! Signatures and attestations as they are found. Nothing in them is believed.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_artifact::Digest;

use crate::bundle;
use crate::bundle::legacy;
use crate::envelope::Envelope;
use crate::error::MaterialError;
use crate::statement;
use crate::transparency_log::Entry;

/// A signature or attestation as found. Nothing in it is believed.
#[derive(Clone, Debug)]
pub struct Material {
    form: Form,
    bundle: Option<Digest>,
    reading: Arc<Result<Reading, MaterialError>>,
}

/// How material is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A Sigstore bundle.
    Bundle,
    /// A layer of a `.sig` or `.att` tag.
    Legacy,
}

/// What material claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A signature of an image: simple signing or a `cosign/sign/v1` statement.
    ImageSignature,
    /// A statement about an artifact.
    Attestation,
    /// A signature over bytes.
    Message,
    /// Something that could not be read.
    Unreadable,
}

#[derive(Debug)]
struct Reading {
    claims: Claims,
    predicate_type: Option<String>,
}

/// What material claims, in parts.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    pub(crate) content: SignedContent,
    pub(crate) key: KeyMaterial,
    pub(crate) entries: Vec<Entry>,
    pub(crate) timestamps: Vec<Vec<u8>>,
}

/// What is said to be signed.
#[derive(Clone, Debug)]
pub(crate) enum SignedContent {
    /// An artifact that is not part of the material.
    Message(Message),
    /// A simple signing object.
    SimpleSigning {
        payload: Arc<Vec<u8>>,
        signature: Vec<u8>,
    },
    /// An envelope.
    Envelope(Envelope),
}

/// A signature over an artifact that is elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) digest: StatedDigest,
    pub(crate) signature: Vec<u8>,
}

/// What stands beside a message signature about the message.
#[derive(Clone, Debug)]
pub(crate) enum StatedDigest {
    /// This digest.
    Digest(Vec<u8>),
    /// Nothing, though a bundle must have one for most kinds of keys.
    Missing,
    /// Nothing, as in cosign's older files.
    Unusual,
}

/// Who is said to have signed.
#[derive(Clone, Debug)]
pub(crate) enum KeyMaterial {
    /// A certificate and what came with it.
    Certificate {
        leaf: Vec<u8>,
        intermediates: Vec<Vec<u8>>,
    },
    /// The name of a key. It proves nothing and need not be right.
    Hint(String),
    /// Nothing is said.
    Unnamed,
}

impl SignedContent {
    /// The raw signature.
    pub(crate) fn signature(&self) -> &[u8] {
        match self {
            Self::Message(message) => &message.signature,
            Self::SimpleSigning { signature, .. } => signature,
            Self::Envelope(envelope) => &envelope.signature,
        }
    }
}

impl Material {
    /// Reads a Sigstore bundle of version 0.1 to 0.3.
    pub fn parse_bundle(json: &[u8]) -> Result<Self, MaterialError> {
        let mut material = Self::of(Form::Bundle, bundle::read(json)?);
        material.bundle = Some(Digest::sha256_of(json));
        Ok(material)
    }

    /// Takes a layer of a `.sig` tag: a simple signing object and the annotations of its descriptor.
    pub fn legacy_signature(
        payload: Vec<u8>,
        annotations: &BTreeMap<String, String>,
    ) -> Result<Self, MaterialError> {
        Ok(Self::of(
            Form::Legacy,
            legacy::signature(payload, annotations)?,
        ))
    }

    /// Takes a layer of an `.att` tag: an envelope and the annotations of its descriptor.
    pub fn legacy_attestation(
        envelope: Vec<u8>,
        annotations: &BTreeMap<String, String>,
    ) -> Result<Self, MaterialError> {
        Ok(Self::of(
            Form::Legacy,
            legacy::attestation(envelope, annotations)?,
        ))
    }

    /// Reads the file that `cosign sign-blob --bundle` and `attest-blob --bundle` of version 2 write:
    /// `{"base64Signature": ..., "cert": ..., "rekorBundle": ...}`.
    pub fn parse_legacy_bundle(json: &[u8]) -> Result<Self, MaterialError> {
        Ok(Self::of(Form::Legacy, legacy::local_bundle(json)?))
    }

    /// Takes the signature of a blob, raw or in base64 as `cosign sign-blob` of version 2 prints it,
    /// with the annotations that a layer would have, if there are any.
    pub fn legacy_message(
        signature: &[u8],
        annotations: &BTreeMap<String, String>,
    ) -> Result<Self, MaterialError> {
        Ok(Self::of(
            Form::Legacy,
            legacy::message(signature, annotations)?,
        ))
    }

    /// Stands for something that was there and could not be read: it verifies to that error, so that
    /// it is reported and not overlooked.
    #[must_use]
    pub fn unreadable(error: MaterialError) -> Self {
        Self {
            form: Form::Bundle,
            bundle: None,
            reading: Arc::new(Err(error)),
        }
    }

    /// How it is written.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// What it claims to be.
    #[must_use]
    pub fn shape(&self) -> Shape {
        match &*self.reading {
            Err(_) => Shape::Unreadable,
            Ok(reading) => match &reading.claims.content {
                SignedContent::Message(_) => Shape::Message,
                SignedContent::SimpleSigning { .. } => Shape::ImageSignature,
                SignedContent::Envelope(_) => match reading.predicate_type.as_deref() {
                    Some(statement::COSIGN_SIGN) => Shape::ImageSignature,
                    _ => Shape::Attestation,
                },
            },
        }
    }

    /// The predicate type that it claims, for filters and messages. It is not verified: a statement
    /// that was verified has its own.
    #[must_use]
    pub fn claimed_predicate_type(&self) -> Option<&str> {
        self.reading
            .as_ref()
            .as_ref()
            .ok()?
            .predicate_type
            .as_deref()
    }

    /// The name of the key that it claims to be signed with, SHA-256 of the key in base64. It proves
    /// nothing and need not be right.
    #[must_use]
    pub fn claimed_key_hint(&self) -> Option<&str> {
        match &self.reading.as_ref().as_ref().ok()?.claims.key {
            KeyMaterial::Hint(hint) => Some(hint),
            _ => None,
        }
    }

    /// The digest of the bytes that hold it in a registry: of the bundle or of the layer. It says which
    /// one it was, no more.
    #[must_use]
    pub fn blob_digest(&self) -> Option<Digest> {
        if self.bundle.is_some() {
            return self.bundle;
        }
        match &self.claims().ok()?.content {
            SignedContent::SimpleSigning { payload, .. } => Some(Digest::sha256_of(payload)),
            SignedContent::Envelope(envelope) => envelope.json.as_deref().map(Digest::sha256_of),
            SignedContent::Message(_) => None,
        }
    }

    /// What could be read.
    pub(crate) fn claims(&self) -> Result<&Claims, MaterialError> {
        match &*self.reading {
            Ok(reading) => Ok(&reading.claims),
            Err(error) => Err(error.clone()),
        }
    }

    fn of(form: Form, claims: Claims) -> Self {
        let predicate_type = match &claims.content {
            SignedContent::Envelope(envelope) => statement::claimed_type(&envelope.payload),
            _ => None,
        };
        Self {
            form,
            bundle: None,
            reading: Arc::new(Ok(Reading {
                claims,
                predicate_type,
            })),
        }
    }
}
