//! Bodies of log entries: read strictly, and rebuilt from the material to be compared whole.

mod rebuild;
#[cfg(test)]
mod tests;
mod wire;

use self::wire::{
    BinaryHash, DsseV1, DsseV2, DsseV2Spec, Hash, HashedRekordV1, HashedRekordV2,
    HashedRekordV2Spec, Head, IntotoV1, IntotoV2, VerifierV2,
};
use crate::base64_bytes;
use crate::error::{BodyPart, EntryPart, MaterialError, VerifyError};
use crate::material::SignedContent;
use crate::public_key::PublicKey;
use crate::signature::SignedArtifact;

/// The body of an entry.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    pub(crate) kind: String,
    pub(crate) version: String,
    bytes: &'a [u8],
    spec: Spec,
}

/// The material that a body must be about.
pub(crate) struct Expected<'a> {
    pub(crate) content: &'a SignedContent,
    pub(crate) signer: SignerKey<'a>,
}

/// Who signed, as a log records it.
#[derive(Clone, Copy)]
pub(crate) enum SignerKey<'a> {
    /// A certificate in DER, and its key.
    Certificate(&'a [u8], &'a PublicKey),
    /// A bare key.
    Key(&'a PublicKey),
}

/// What a body records, for those who read a log.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) verifier: Option<RecordedVerifier>,
    /// SHA-256 or SHA-512 of the artifact or payload.
    pub(crate) digest: Option<countersign_artifact::Digest>,
}

/// Whom a body names as signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecordedVerifier {
    /// A certificate in DER.
    Certificate(Vec<u8>),
    /// A key in DER.
    Key(Vec<u8>),
}

/// The kinds that are known here. Others can be in a log, but are about nothing that is verified.
#[derive(Debug)]
enum Spec {
    HashedRekordV1(HashedRekordV1),
    HashedRekordV2(HashedRekordV2),
    DsseV1(DsseV1),
    DsseV2(DsseV2),
    IntotoV1(IntotoV1),
    IntotoV2(IntotoV2),
    Other,
}

impl<'a> Body<'a> {
    /// Reads a body. One of a known kind must have exactly the fields of that kind.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, VerifyError> {
        let unreadable = || {
            VerifyError::Unreadable(MaterialError::Entry {
                part: EntryPart::Body,
            })
        };
        if bytes.len() > MAXIMAL_BODY {
            return Err(unreadable());
        }
        let head: Head<'_> = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
        let (kind, version) = (head.kind, head.api_version);
        let spec = head.spec.get();
        let spec = match (kind.as_str(), version.as_str()) {
            ("hashedrekord", "0.0.1") => serde_json::from_str(spec).map(Spec::HashedRekordV1),
            ("hashedrekord", "0.0.2") => serde_json::from_str(spec)
                .map(|outer: HashedRekordV2Spec| Spec::HashedRekordV2(outer.inner)),
            ("dsse", "0.0.1") => serde_json::from_str(spec).map(Spec::DsseV1),
            ("dsse", "0.0.2") => {
                serde_json::from_str(spec).map(|outer: DsseV2Spec| Spec::DsseV2(outer.inner))
            }
            ("intoto", "0.0.1") => serde_json::from_str(spec).map(Spec::IntotoV1),
            ("intoto", "0.0.2") => serde_json::from_str(spec).map(Spec::IntotoV2),
            _ => Ok(Spec::Other),
        };
        Ok(Self {
            kind,
            version,
            bytes,
            spec: spec.map_err(|_| unreadable())?,
        })
    }

    /// Tells whether it is of a log of Rekor v2, which has one index and no clock.
    pub(crate) fn is_of_rekor_v2(&self) -> bool {
        matches!(self.spec, Spec::HashedRekordV2(_) | Spec::DsseV2(_))
    }

    /// Checks that it is about the signature, the signer and the content that are expected, by
    /// rebuilding it. What cannot be rebuilt is taken from the body and named in [`Self::rebuild`].
    pub(super) fn check(
        &self,
        expected: &Expected<'_>,
        signed: &SignedArtifact<'_>,
    ) -> Result<(), VerifyError> {
        let mismatch = |part| VerifyError::EntryMismatch { part };
        if matches!(self.spec, Spec::Other) {
            return Err(VerifyError::UnsupportedEntry {
                kind: self.kind.chars().take(64).collect(),
                version: self.version.chars().take(64).collect(),
            });
        }
        // First part by part, so that the answer says what differs...
        if let Some(signature) = self.signature()
            && signature != expected.content.signature()
        {
            return Err(mismatch(BodyPart::Signature));
        }
        if self.verifier() != Some(expected.signer.recorded()) {
            return Err(mismatch(BodyPart::Verifier));
        }
        // ... then whole, so that nothing is overlooked.
        let rebuilt = self.rebuild(expected, signed).map_err(mismatch)?;
        if rebuilt != self.bytes {
            return Err(mismatch(BodyPart::Form));
        }
        Ok(())
    }

    /// What it records.
    pub(super) fn recorded(&self) -> Recorded {
        Recorded {
            verifier: self.verifier(),
            digest: self.digest(),
        }
    }

    fn signature(&self) -> Option<Vec<u8>> {
        match &self.spec {
            Spec::HashedRekordV1(spec) => Some(spec.signature.content.0.clone()),
            Spec::HashedRekordV2(spec) => Some(spec.signature.content.0.clone()),
            Spec::DsseV1(spec) => Some(sole(&spec.signatures)?.signature.0.clone()),
            Spec::DsseV2(spec) => Some(sole(&spec.signatures)?.content.0.clone()),
            // Twice base64, and that is no slip of ours (rekor: pkg/types/intoto/v0.0.2).
            Spec::IntotoV2(spec) => {
                let inner = &sole(&spec.content.envelope.signatures)?.sig.0;
                base64_bytes::decode(std::str::from_utf8(inner).ok()?)
            }
            Spec::IntotoV1(_) | Spec::Other => None,
        }
    }

    fn verifier(&self) -> Option<RecordedVerifier> {
        match &self.spec {
            Spec::HashedRekordV1(spec) => of_pem(&spec.signature.public_key.content.0),
            Spec::HashedRekordV2(spec) => spec.signature.verifier.recorded(),
            Spec::DsseV1(spec) => of_pem(&sole(&spec.signatures)?.verifier.0),
            Spec::DsseV2(spec) => sole(&spec.signatures)?.verifier.recorded(),
            Spec::IntotoV1(spec) => of_pem(&spec.public_key.0),
            Spec::IntotoV2(spec) => of_pem(&sole(&spec.content.envelope.signatures)?.public_key.0),
            Spec::Other => None,
        }
    }

    fn digest(&self) -> Option<countersign_artifact::Digest> {
        let of_hex = |hash: &Hash| {
            countersign_artifact::Digest::parse(&format!("{}:{}", hash.algorithm, hash.value)).ok()
        };
        let of_bytes = |hash: &BinaryHash| match hash.algorithm.as_str() {
            "SHA2_256" => <[u8; 32]>::try_from(&hash.digest.0[..])
                .ok()
                .map(countersign_artifact::Digest::Sha256),
            "SHA2_512" => <[u8; 64]>::try_from(&hash.digest.0[..])
                .ok()
                .map(countersign_artifact::Digest::Sha512),
            _ => None,
        };
        match &self.spec {
            Spec::HashedRekordV1(spec) => of_hex(&spec.data.hash),
            Spec::HashedRekordV2(spec) => of_bytes(&spec.data),
            Spec::DsseV1(spec) => of_hex(&spec.payload_hash),
            Spec::DsseV2(spec) => of_bytes(&spec.payload_hash),
            Spec::IntotoV1(spec) => of_hex(spec.content.payload_hash.as_ref()?),
            Spec::IntotoV2(spec) => of_hex(&spec.content.payload_hash),
            Spec::Other => None,
        }
    }
}

impl SignerKey<'_> {
    fn recorded(&self) -> RecordedVerifier {
        match self {
            Self::Certificate(der, _) => RecordedVerifier::Certificate(der.to_vec()),
            Self::Key(key) => RecordedVerifier::Key(key.spki_der().to_vec()),
        }
    }
}

impl VerifierV2 {
    fn recorded(&self) -> Option<RecordedVerifier> {
        match (&self.x509_certificate, &self.public_key) {
            (Some(certificate), None) => Some(RecordedVerifier::Certificate(
                certificate.raw_bytes.0.clone(),
            )),
            (None, Some(key)) => Some(RecordedVerifier::Key(key.raw_bytes.0.clone())),
            _ => None,
        }
    }
}

/// The element of a list that must have one: a second signature would be unaccounted for.
fn sole<T>(list: &[T]) -> Option<&T> {
    match list {
        [one] => Some(one),
        _ => None,
    }
}

/// Reads a verifier of Rekor v1, one certificate or key in PEM.
fn of_pem(bytes: &[u8]) -> Option<RecordedVerifier> {
    let blocks = pem::parse_many(bytes).ok()?;
    let block = sole(&blocks)?;
    match block.tag() {
        "CERTIFICATE" => Some(RecordedVerifier::Certificate(block.contents().to_vec())),
        "PUBLIC KEY" => Some(RecordedVerifier::Key(block.contents().to_vec())),
        _ => None,
    }
}

/// Rekor's tiles hold entries of 64 KiB; v1 kept whole attestations up to 100 KiB, in base64 twice.
const MAXIMAL_BODY: usize = 1 << 20;
