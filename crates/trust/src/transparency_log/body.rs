//! Bodies of log entries: read strictly, and rebuilt from the material to be compared whole.

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;

use crate::assemble::pem_block;
use crate::base64_bytes::{self, Base64Bytes};
use crate::envelope::Envelope;
use crate::error::{BodyPart, EntryPart, MaterialError, VerifyError};
use crate::material::SignedContent;
use crate::public_key::{HashAlgorithm, PublicKey};
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

    /// Writes the body (RFC 8785) that the log must have for this material. Base64, hexadecimal and
    /// the names of algorithms need no escaping.
    fn rebuild(
        &self,
        expected: &Expected<'_>,
        signed: &SignedArtifact<'_>,
    ) -> Result<Vec<u8>, BodyPart> {
        let signature = base64_bytes::encode(expected.content.signature());
        let text = match &self.spec {
            Spec::HashedRekordV1(spec) => {
                // Whichever of the allowed hash functions the signer took, it must be of the content.
                let name = spec.data.hash.algorithm.as_str();
                let algorithm = HashAlgorithm::parse(name).ok_or(BodyPart::Form)?;
                let value = hex::encode(signed.digest(algorithm).ok_or(BodyPart::Digest)?);
                same(&value, &spec.data.hash.value, BodyPart::Digest)?;
                let verifier = expected
                    .signer
                    .rebuild_pem(&spec.signature.public_key.content)?;
                format!(
                    r#"{{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{{"data":{{"hash":{{"algorithm":"{name}","value":"{value}"}}}},"signature":{{"content":"{signature}","publicKey":{{"content":"{verifier}"}}}}}}}}"#
                )
            }
            Spec::HashedRekordV2(spec) => {
                let data = spec.data.rebuild(signed)?;
                let verifier = spec.signature.verifier.rebuild(&expected.signer)?;
                format!(
                    r#"{{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{{"hashedRekordV002":{{"data":{data},"signature":{{"content":"{signature}","verifier":{verifier}}}}}}}}}"#
                )
            }
            Spec::DsseV1(spec) => {
                let payload = payload_hash(envelope(expected)?, &spec.payload_hash)?;
                // Over the envelope as it was sent to the log, which is not part of a bundle.
                let sent = spec.envelope_hash.opaque()?;
                let verifier = expected
                    .signer
                    .rebuild_pem(&sole(&spec.signatures).ok_or(BodyPart::Form)?.verifier)?;
                format!(
                    r#"{{"apiVersion":"0.0.1","kind":"dsse","spec":{{"envelopeHash":{sent},"payloadHash":{payload},"signatures":[{{"signature":"{signature}","verifier":"{verifier}"}}]}}}}"#
                )
            }
            Spec::DsseV2(spec) => {
                let payload = SignedArtifact::Whole([&envelope(expected)?.payload, b""]);
                let payload = spec.payload_hash.rebuild(&payload)?;
                let found = sole(&spec.signatures).ok_or(BodyPart::Form)?;
                let verifier = found.verifier.rebuild(&expected.signer)?;
                format!(
                    r#"{{"apiVersion":"0.0.2","kind":"dsse","spec":{{"dsseV002":{{"payloadHash":{payload},"signatures":[{{"content":"{signature}","verifier":{verifier}}}]}}}}}}"#
                )
            }
            Spec::IntotoV1(spec) => rebuild_intoto_v1(spec, expected)?,
            Spec::IntotoV2(spec) => rebuild_intoto_v2(spec, expected, &signature)?,
            Spec::Other => return Err(BodyPart::Form),
        };
        Ok(text.into_bytes())
    }
}

/// Nothing in this kind names the signature but the hash of the whole envelope, so it must be over
/// the very bytes that we have.
fn rebuild_intoto_v1(spec: &IntotoV1, expected: &Expected<'_>) -> Result<String, BodyPart> {
    let envelope = envelope(expected)?;
    let json = envelope.json.as_deref().ok_or(BodyPart::Envelope)?;
    let value = hex::encode(digest(&SHA256, json));
    same(&value, &spec.content.hash.value, BodyPart::Envelope)?;
    let payload = match &spec.content.payload_hash {
        Some(found) => format!(r#","payloadHash":{}"#, payload_hash(envelope, found)?),
        None => String::new(),
    };
    let verifier = expected.signer.rebuild_pem(&spec.public_key)?;
    Ok(format!(
        r#"{{"apiVersion":"0.0.1","kind":"intoto","spec":{{"content":{{"hash":{{"algorithm":"sha256","value":"{value}"}}{payload}}},"publicKey":"{verifier}"}}}}"#
    ))
}

fn rebuild_intoto_v2(
    spec: &IntotoV2,
    expected: &Expected<'_>,
    signature: &str,
) -> Result<String, BodyPart> {
    let envelope = envelope(expected)?;
    let hash = payload_hash(envelope, &spec.content.payload_hash)?;
    let sent = spec.content.hash.opaque()?;
    let found = sole(&spec.content.envelope.signatures).ok_or(BodyPart::Form)?;
    let verifier = expected.signer.rebuild_pem(&found.public_key)?;
    let signature = base64_bytes::encode(signature.as_bytes());
    let key_id = match (&found.keyid, &envelope.key_id) {
        (None, _) => String::new(),
        (Some(found), Some(ours)) if found == ours => {
            format!(
                r#""keyid":{},"#,
                serde_json::to_string(ours).map_err(|_| BodyPart::Form)?
            )
        }
        _ => return Err(BodyPart::Envelope),
    };
    // Some logs kept the payload, in base64 twice as the signature is.
    let payload = match &spec.content.envelope.payload {
        Some(found) => {
            let once = base64_bytes::encode(&envelope.payload);
            if found.0 != once.as_bytes() {
                return Err(BodyPart::Envelope);
            }
            format!(r#""payload":"{}","#, base64_bytes::encode(once.as_bytes()))
        }
        None => String::new(),
    };
    Ok(format!(
        r#"{{"apiVersion":"0.0.2","kind":"intoto","spec":{{"content":{{"envelope":{{{payload}"payloadType":"{IN_TOTO}","signatures":[{{{key_id}"publicKey":"{verifier}","sig":"{signature}"}}]}},"hash":{sent},"payloadHash":{hash}}}}}}}"#,
        IN_TOTO = crate::envelope::IN_TOTO,
    ))
}

fn envelope<'a>(expected: &Expected<'a>) -> Result<&'a Envelope, BodyPart> {
    match expected.content {
        SignedContent::Envelope(envelope) => Ok(envelope),
        _ => Err(BodyPart::Kind),
    }
}

/// The hash of the payload as the logs of Rekor v1 write it.
fn payload_hash(envelope: &Envelope, found: &Hash) -> Result<String, BodyPart> {
    let value = hex::encode(digest(&SHA256, &envelope.payload));
    same(&value, &found.value, BodyPart::Digest)?;
    Ok(format!(r#"{{"algorithm":"sha256","value":"{value}"}}"#))
}

fn same(ours: &str, found: &str, part: BodyPart) -> Result<(), BodyPart> {
    if ours == found { Ok(()) } else { Err(part) }
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

impl SignerKey<'_> {
    fn recorded(&self) -> RecordedVerifier {
        match self {
            Self::Certificate(der, _) => RecordedVerifier::Certificate(der.to_vec()),
            Self::Key(key) => RecordedVerifier::Key(key.spki_der().to_vec()),
        }
    }

    fn key(&self) -> &PublicKey {
        match self {
            Self::Certificate(_, key) | Self::Key(key) => key,
        }
    }

    /// Its PEM in base64, as the body has it: where PEM breaks its lines is the one freedom.
    fn rebuild_pem(&self, found: &Base64Bytes) -> Result<String, BodyPart> {
        let ours = self.pem();
        let of_one_line = |text: &[u8]| -> Vec<u8> {
            text.iter().copied().filter(|byte| *byte != b'\n').collect()
        };
        if found.0 == ours.as_bytes() || of_one_line(&found.0) == of_one_line(ours.as_bytes()) {
            Ok(base64_bytes::encode(&found.0))
        } else {
            Err(BodyPart::Verifier)
        }
    }

    /// As Go's encoding/pem writes it, which Rekor normalises to.
    fn pem(&self) -> String {
        match self {
            Self::Certificate(der, _) => pem_block("CERTIFICATE", der),
            Self::Key(key) => pem_block("PUBLIC KEY", key.spki_der()),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Head<'a> {
    api_version: String,
    kind: String,
    #[serde(borrow)]
    spec: &'a serde_json::value::RawValue,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hash {
    algorithm: String,
    value: String,
}

impl Hash {
    /// A hash over bytes that we do not have, in its one spelling.
    fn opaque(&self) -> Result<String, BodyPart> {
        let is_hex = self
            .value
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if self.algorithm != "sha256" || self.value.len() != 64 || !is_hex {
            return Err(BodyPart::Form);
        }
        Ok(format!(
            r#"{{"algorithm":"sha256","value":"{}"}}"#,
            self.value
        ))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedRekordV1 {
    data: HashedRekordV1Data,
    signature: HashedRekordV1Signature,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedRekordV1Data {
    hash: Hash,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HashedRekordV1Signature {
    content: Base64Bytes,
    public_key: HashedRekordV1Key,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedRekordV1Key {
    content: Base64Bytes,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedRekordV2Spec {
    #[serde(rename = "hashedRekordV002")]
    inner: HashedRekordV2,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedRekordV2 {
    data: BinaryHash,
    signature: SignatureV2,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BinaryHash {
    algorithm: String,
    digest: Base64Bytes,
}

impl BinaryHash {
    fn rebuild(&self, signed: &SignedArtifact<'_>) -> Result<String, BodyPart> {
        let (name, algorithm) = match self.algorithm.as_str() {
            "SHA2_256" => ("SHA2_256", HashAlgorithm::Sha256),
            "SHA2_384" => ("SHA2_384", HashAlgorithm::Sha384),
            "SHA2_512" => ("SHA2_512", HashAlgorithm::Sha512),
            _ => return Err(BodyPart::Form),
        };
        let digest = signed.digest(algorithm).ok_or(BodyPart::Digest)?;
        if digest != self.digest.0 {
            return Err(BodyPart::Digest);
        }
        let digest = base64_bytes::encode(&digest);
        Ok(format!(r#"{{"algorithm":"{name}","digest":"{digest}"}}"#))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureV2 {
    content: Base64Bytes,
    verifier: VerifierV2,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct VerifierV2 {
    key_details: String,
    public_key: Option<RawBytes>,
    x509_certificate: Option<RawBytes>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawBytes {
    raw_bytes: Base64Bytes,
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

    fn rebuild(&self, signer: &SignerKey<'_>) -> Result<String, BodyPart> {
        let details = signer
            .key()
            .algorithm()
            .key_details()
            .ok_or(BodyPart::Verifier)?;
        same(details, &self.key_details, BodyPart::Verifier)?;
        Ok(match signer {
            SignerKey::Certificate(der, _) => format!(
                r#"{{"keyDetails":"{details}","x509Certificate":{{"rawBytes":"{}"}}}}"#,
                base64_bytes::encode(der)
            ),
            SignerKey::Key(key) => format!(
                r#"{{"keyDetails":"{details}","publicKey":{{"rawBytes":"{}"}}}}"#,
                base64_bytes::encode(key.spki_der())
            ),
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DsseV1 {
    envelope_hash: Hash,
    payload_hash: Hash,
    signatures: Vec<DsseV1Signature>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DsseV1Signature {
    signature: Base64Bytes,
    verifier: Base64Bytes,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DsseV2Spec {
    #[serde(rename = "dsseV002")]
    inner: DsseV2,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DsseV2 {
    payload_hash: BinaryHash,
    signatures: Vec<SignatureV2>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IntotoV1 {
    content: IntotoV1Content,
    public_key: Base64Bytes,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IntotoV1Content {
    hash: Hash,
    payload_hash: Option<Hash>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IntotoV2 {
    content: IntotoV2Content,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IntotoV2Content {
    envelope: IntotoV2Envelope,
    hash: Hash,
    payload_hash: Hash,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IntotoV2Envelope {
    payload: Option<Base64Bytes>,
    #[allow(dead_code, reason = "compared when the body is rebuilt")]
    payload_type: String,
    signatures: Vec<IntotoV2Signature>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct IntotoV2Signature {
    keyid: Option<String>,
    public_key: Base64Bytes,
    sig: Base64Bytes,
}

/// Rekor's tiles hold entries of 64 KiB; v1 kept whole attestations up to 100 KiB, in base64 twice.
const MAXIMAL_BODY: usize = 1 << 20;
