//! What was signed: the signer's key over the content, and the content about the artifact.

use std::sync::Arc;

use aws_lc_rs::digest;
use countersign_artifact::{Algorithm, Digest};
use serde_json::{Map, Value};

use crate::envelope::{Envelope, IN_TOTO};
use crate::error::{StatementFault, VerifyError};
use crate::evidence::{Content, ImageSignature};
use crate::material::{Message, SignedContent, StatedDigest};
use crate::public_key::{HashAlgorithm, HashRule, KeyAlgorithm, PublicKey, SignatureError};
use crate::statement::{COSIGN_SIGN, Statement};
use crate::verify::Artifact;

/// The bytes that are signed, in two parts so that none has to be copied, or what is known of them.
pub(crate) enum SignedArtifact<'a> {
    /// All bytes.
    Whole([&'a [u8]; 2]),
    /// A hash.
    Hashed(HashAlgorithm, Vec<u8>),
}

/// Checks the signature with `key`, and that what is signed is `artifact`.
pub(crate) fn verify(
    content: &SignedContent,
    key: &PublicKey,
    rule: HashRule,
    artifact: &Artifact<'_>,
) -> Result<Content, VerifyError> {
    match content {
        SignedContent::Message(message) => verify_message(message, key, rule, artifact),
        SignedContent::SimpleSigning { payload, signature } => {
            check(key.verify(payload, signature, rule))?;
            let signed = simple_signing(payload).ok_or(VerifyError::SimpleSigning)?;
            signed.check(artifact)?;
            Ok(Content::ImageSignature(signed))
        }
        SignedContent::Envelope(envelope) => verify_envelope(envelope, key, rule, artifact),
    }
}

/// What log entries about `content` must be about: the artifact of a message, else what is in it;
/// of an envelope its signed bytes, whose beginning is `header`.
pub(crate) fn signed_bytes<'a>(
    content: &'a SignedContent,
    artifact: &Artifact<'a>,
    header: &'a str,
) -> SignedArtifact<'a> {
    match content {
        SignedContent::SimpleSigning { payload, .. } => SignedArtifact::Whole([payload, b""]),
        SignedContent::Envelope(envelope) => {
            SignedArtifact::Whole([header.as_bytes(), &envelope.payload])
        }
        SignedContent::Message(message) => match artifact {
            Artifact::Bytes(bytes) => SignedArtifact::Whole([bytes, b""]),
            Artifact::Digest(digest) => {
                let algorithm = match digest.algorithm() {
                    Algorithm::Sha256 => HashAlgorithm::Sha256,
                    Algorithm::Sha512 => HashAlgorithm::Sha512,
                };
                SignedArtifact::Hashed(algorithm, digest.as_bytes().to_vec())
            }
            Artifact::Unchecked => {
                let stated = message.digest.stated().unwrap_or_default().to_vec();
                SignedArtifact::Hashed(algorithm_of_length(stated.len()), stated)
            }
        },
    }
}

fn verify_message(
    message: &Message,
    key: &PublicKey,
    rule: HashRule,
    artifact: &Artifact<'_>,
) -> Result<Content, VerifyError> {
    // Ed25519 is over the artifact itself; cosign then writes no digest.
    let is_missing = matches!(message.digest, StatedDigest::Missing);
    if is_missing && key.algorithm() != KeyAlgorithm::Ed25519 {
        return Err(VerifyError::NoMessageDigest);
    }
    let stated = message.digest.stated();
    let digest = match artifact {
        Artifact::Bytes(bytes) => {
            if let Some(stated) = stated {
                let whole = SignedArtifact::Whole([bytes, b""]);
                if whole.digest(algorithm_of_length(stated.len())).as_deref() != Some(stated) {
                    return Err(other_artifact(Digest::sha256_of(bytes), stated));
                }
            }
            check(key.verify(bytes, &message.signature, rule))?;
            return Ok(Content::Message(Digest::sha256_of(bytes)));
        }
        Artifact::Digest(digest) => *digest,
        Artifact::Unchecked => stated
            .and_then(digest_of)
            .ok_or(VerifyError::ArtifactNeeded)?,
    };
    if let Some(stated) = stated {
        if stated.len() != digest.as_bytes().len() {
            return Err(VerifyError::ArtifactNeeded);
        }
        if stated != digest.as_bytes() {
            return Err(other_artifact(digest, stated));
        }
    }
    match check(key.verify_digest(&digest, &message.signature, rule)) {
        // Of several usual hashes it may be another one.
        Err(_) if stated.is_none() && key.algorithm().usual_hashes().len() > 1 => {
            Err(VerifyError::ArtifactNeeded)
        }
        result => result.map(|()| Content::Message(digest)),
    }
}

fn verify_envelope(
    envelope: &Envelope,
    key: &PublicKey,
    rule: HashRule,
    artifact: &Artifact<'_>,
) -> Result<Content, VerifyError> {
    check(key.verify(&envelope.signed_bytes(), &envelope.signature, rule))?;
    if envelope.payload_type != IN_TOTO {
        let found = envelope.payload_type.chars().take(128).collect();
        return Err(VerifyError::PayloadType { found });
    }
    let statement = Statement::read(&envelope.payload_type, &envelope.payload)
        .map_err(VerifyError::Statement)?;
    let subject = match artifact {
        Artifact::Unchecked => statement.subjects().first(),
        Artifact::Digest(digest) => statement.subject_of(digest),
        Artifact::Bytes(bytes) => statement
            .subject_of(&Digest::sha256_of(bytes))
            .or_else(|| statement.subject_of(&Digest::sha512_of(bytes))),
    };
    let Some(subject) = subject else {
        let found = statement
            .subjects()
            .iter()
            .flat_map(|subject| subject.digests());
        return Err(VerifyError::SubjectMismatch {
            expected: artifact
                .digest()
                .ok_or(VerifyError::Statement(StatementFault::NoSubject))?,
            found: found.take(SHOWN_SUBJECTS).copied().collect(),
        });
    };
    if statement.predicate_type() != COSIGN_SIGN {
        return Ok(Content::Statement(statement));
    }
    let digest = artifact
        .digest()
        .or_else(|| subject.digests().first().copied());
    let annotations = subject.annotations().clone();
    let payload = Arc::clone(&envelope.payload);
    Ok(Content::ImageSignature(ImageSignature::new(
        digest,
        annotations,
        String::new(),
        payload,
    )))
}

/// Reads a simple signing object. Go reads the names of fields without regard to case, and so have
/// some signers written them; two spellings of one name are refused.
fn simple_signing(payload: &Arc<Vec<u8>>) -> Option<ImageSignature> {
    let whole: Map<String, Value> = serde_json::from_slice(payload).ok()?;
    let critical = field(&whole, "critical")?.as_object()?;
    let image = field(critical, "image")?.as_object()?;
    let digest = field(image, "docker-manifest-digest")?.as_str()?;
    let reference = field(critical, "identity")
        .and_then(|identity| field(identity.as_object()?, "docker-reference")?.as_str())
        .unwrap_or_default();
    let annotations = match field(&whole, "optional") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(found)) => found.clone(),
        Some(_) => return None,
    };
    Some(ImageSignature::new(
        Some(Digest::parse(digest).ok()?),
        annotations,
        reference.to_owned(),
        Arc::clone(payload),
    ))
}

fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let mut found = object
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name));
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

impl ImageSignature {
    fn check(&self, artifact: &Artifact<'_>) -> Result<(), VerifyError> {
        let found = self.digest();
        let is_right = match artifact {
            Artifact::Unchecked => true,
            Artifact::Digest(digest) => found == Some(digest),
            Artifact::Bytes(bytes) => found.is_some_and(|digest| digest.matches(bytes)),
        };
        match (is_right, artifact.digest()) {
            (false, Some(expected)) => {
                let found = found.map(ToString::to_string).unwrap_or_default();
                Err(VerifyError::DigestMismatch { expected, found })
            }
            _ => Ok(()),
        }
    }
}

impl StatedDigest {
    fn stated(&self) -> Option<&[u8]> {
        match self {
            Self::Digest(bytes) => Some(bytes),
            Self::Missing | Self::Unusual => None,
        }
    }
}

impl SignedArtifact<'_> {
    /// Its hash, unless only another one is known.
    pub(crate) fn digest(&self, algorithm: HashAlgorithm) -> Option<Vec<u8>> {
        match self {
            Self::Whole(parts) => {
                let mut context = digest::Context::new(match algorithm {
                    HashAlgorithm::Sha256 => &digest::SHA256,
                    HashAlgorithm::Sha384 => &digest::SHA384,
                    HashAlgorithm::Sha512 => &digest::SHA512,
                });
                parts.iter().for_each(|part| context.update(part));
                Some(context.finish().as_ref().to_vec())
            }
            Self::Hashed(known, bytes) => (*known == algorithm).then(|| bytes.clone()),
        }
    }
}

fn check(result: Result<(), SignatureError>) -> Result<(), VerifyError> {
    result.map_err(|error| match error {
        SignatureError::NeedsContent => VerifyError::ArtifactNeeded,
        SignatureError::Mismatch | SignatureError::RuleOfOtherKey => VerifyError::Signature,
    })
}

fn other_artifact(expected: Digest, stated: &[u8]) -> VerifyError {
    let algorithm = match algorithm_of_length(stated.len()) {
        HashAlgorithm::Sha256 => "sha256",
        HashAlgorithm::Sha384 => "sha384",
        HashAlgorithm::Sha512 => "sha512",
    };
    VerifyError::DigestMismatch {
        expected,
        found: format!("{algorithm}:{}", hex::encode(stated)),
    }
}

/// The length was compared with the name of the algorithm when the bundle was read.
fn algorithm_of_length(length: usize) -> HashAlgorithm {
    match length {
        64 => HashAlgorithm::Sha512,
        48 => HashAlgorithm::Sha384,
        _ => HashAlgorithm::Sha256,
    }
}

fn digest_of(bytes: &[u8]) -> Option<Digest> {
    match bytes.len() {
        32 => bytes.try_into().ok().map(Digest::Sha256),
        64 => bytes.try_into().ok().map(Digest::Sha512),
        _ => None,
    }
}

/// Enough for a message.
const SHOWN_SUBJECTS: usize = 8;
