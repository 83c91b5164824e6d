//! Bodies written anew from the material that they must be about.

use aws_lc_rs::digest::{SHA256, digest};

use super::wire::{BinaryHash, Hash, IntotoV1, IntotoV2, VerifierV2};
use super::{Body, Expected, SignerKey, Spec, sole};
use crate::assemble::pem_block;
use crate::base64_bytes::{self, Base64Bytes};
use crate::envelope::{Envelope, IN_TOTO};
use crate::error::BodyPart;
use crate::material::SignedContent;
use crate::public_key::{HashAlgorithm, PublicKey};
use crate::signature::SignedArtifact;

impl Body<'_> {
    /// Writes the body (RFC 8785) that the log must have for this material. Base64, hexadecimal and
    /// the names of algorithms need no escaping.
    pub(super) fn rebuild(
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

impl SignerKey<'_> {
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

impl VerifierV2 {
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
