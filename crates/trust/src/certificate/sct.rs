//! Signed certificate timestamps: a log of certificates has seen the certificate (RFC 6962).

use const_oid::db::rfc6962::CT_PRECERT_SCTS;
use countersign_artifact::Digest;
use der::asn1::ObjectIdentifier;
use der::{Decode, Encode, Header, Length, Reader, SliceReader, Tag, TagNumber};
use jiff::Timestamp;

use super::SctError;
use super::chain::{VerifiedSigner, parts};
use crate::public_key::{HashAlgorithm, HashRule, KeyAlgorithm, PublicKey};
use crate::trust_root::Log;

/// Checks that one of `logs` has seen the signer's certificate.
///
/// A timestamp of a stranger and a broken one beside a good one are no facts, as for sigstore-go.
pub(crate) fn verify(signer: &VerifiedSigner, logs: &[Log]) -> Result<(), SctError> {
    let certificate = signer.certificate();
    let scts = list(certificate.scts().ok_or(SctError::Absent)?).ok_or(SctError::Encoding)?;
    if scts.len() > MAXIMAL_COUNT {
        return Err(SctError::TooMany {
            limit: MAXIMAL_COUNT,
            found: scts.len(),
        });
    }
    let body = parts(certificate.der())
        .map(|(body, ..)| body)
        .ok_or(SctError::Encoding)?;
    let submitted = without_scts(body).ok_or(SctError::Encoding)?;
    let issuer = Digest::sha256_of(signer.issuer_spki());
    let mut error = SctError::Absent;
    for sct in scts {
        match verify_one(sct, &submitted, &issuer, logs) {
            Ok(()) => return Ok(()),
            Err(fault) => error = error.max_of(fault),
        }
    }
    Err(error)
}

impl SctError {
    /// Keeps the more telling of two faults: a broken timestamp of a log we know, then one out of time,
    /// then a stranger's.
    fn max_of(self, other: Self) -> Self {
        let rank = |error: &Self| match error {
            Self::Signature { .. } => 3,
            Self::LogOutsideTime { .. } => 2,
            Self::UnknownLog { .. } => 1,
            _ => 0,
        };
        if rank(&other) >= rank(&self) {
            other
        } else {
            self
        }
    }
}

/// One timestamp, RFC 6962, section 3.2.
struct Sct<'a> {
    log_id: &'a [u8],
    milliseconds: u64,
    extensions: &'a [u8],
    hash: u8,
    signature_algorithm: u8,
    signature: &'a [u8],
}

fn verify_one(
    bytes: &[u8],
    submitted: &[u8],
    issuer: &Digest,
    logs: &[Log],
) -> Result<(), SctError> {
    let sct = Sct::read(bytes).ok_or(SctError::Encoding)?;
    let at = i64::try_from(sct.milliseconds)
        .ok()
        .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
        .ok_or(SctError::Encoding)?;
    let Some(log) = logs.iter().find(|log| log.id == sct.log_id) else {
        return Err(SctError::UnknownLog {
            id: hex::encode(sct.log_id),
        });
    };
    if !log.window.contains(at) {
        return Err(SctError::LogOutsideTime {
            url: log.url.clone(),
            at,
        });
    }
    let signed = sct.signed_bytes(submitted, issuer);
    match sct
        .rule(&log.key)
        .map(|rule| log.key.verify(&signed, sct.signature, rule))
    {
        Some(Ok(())) => Ok(()),
        _ => Err(SctError::Signature {
            url: log.url.clone(),
        }),
    }
}

impl<'a> Sct<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        let version = take(&mut rest, 1)?;
        if version != [0] {
            return None;
        }
        let log_id = take(&mut rest, 32)?;
        let milliseconds = u64::from_be_bytes(take(&mut rest, 8)?.try_into().ok()?);
        let extensions = take_vector(&mut rest)?;
        let hash = take(&mut rest, 1)?[0];
        let signature_algorithm = take(&mut rest, 1)?[0];
        let signature = take_vector(&mut rest)?;
        let all = rest.is_empty();
        all.then_some(Self {
            log_id,
            milliseconds,
            extensions,
            hash,
            signature_algorithm,
            signature,
        })
    }

    /// What the log signed: a precertificate entry.
    fn signed_bytes(&self, submitted: &[u8], issuer: &Digest) -> Vec<u8> {
        let mut signed = Vec::with_capacity(submitted.len() + 64);
        signed.extend_from_slice(&[0, 0]);
        signed.extend_from_slice(&self.milliseconds.to_be_bytes());
        signed.extend_from_slice(&1u16.to_be_bytes());
        signed.extend_from_slice(issuer.as_bytes());
        // A certificate is capped at 64 KB, so that 24 bits hold its length.
        signed.extend_from_slice(&(submitted.len() as u32).to_be_bytes()[1..]);
        signed.extend_from_slice(submitted);
        signed.extend_from_slice(&(self.extensions.len() as u16).to_be_bytes());
        signed.extend_from_slice(self.extensions);
        signed
    }

    /// RFC 6962, section 2.1.4, has two ways to sign; the log's key picks one and the timestamp must
    /// name it. P-384 keys with their own hash exist too in private logs.
    fn rule(&self, key: &PublicKey) -> Option<HashRule> {
        let hash = match self.hash {
            4 => HashAlgorithm::Sha256,
            5 => HashAlgorithm::Sha384,
            6 => HashAlgorithm::Sha512,
            _ => return None,
        };
        let fits = match key.algorithm() {
            KeyAlgorithm::Rsa { .. } => self.signature_algorithm == 1,
            KeyAlgorithm::Ed25519 => false,
            _ => self.signature_algorithm == 3,
        };
        fits.then_some(HashRule::Only(hash))
    }
}

/// Splits a `SignedCertificateTimestampList`.
fn list(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = bytes;
    let mut items = take_vector(&mut rest)?;
    if !rest.is_empty() {
        return None;
    }
    let mut scts = Vec::new();
    while !items.is_empty() {
        scts.push(take_vector(&mut items)?);
    }
    Some(scts)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn take_vector<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take(rest, 2)?;
    take(
        rest,
        usize::from(u16::from_be_bytes(length.try_into().ok()?)),
    )
}

/// Gives the body of the certificate as the log saw it: without the list of timestamps. All other
/// bytes stay as they came.
fn without_scts(body: &[u8]) -> Option<Vec<u8>> {
    let mut fields = Vec::with_capacity(body.len());
    for field in elements(body)? {
        match field.first() {
            Some(&EXTENSIONS_TAG) => {
                let list = *elements(field)?.first()?;
                let kept = elements(list)?
                    .into_iter()
                    .filter(|extension| !is_sct_list(extension))
                    .collect::<Vec<_>>()
                    .concat();
                let kept = wrap(Tag::Sequence, &kept)?;
                let tag = Tag::ContextSpecific {
                    constructed: true,
                    number: TagNumber::N3,
                };
                fields.extend_from_slice(&wrap(tag, &kept)?);
            }
            _ => fields.extend_from_slice(field),
        }
    }
    wrap(Tag::Sequence, &fields)
}

fn is_sct_list(extension: &[u8]) -> bool {
    let oid =
        elements(extension).and_then(|fields| ObjectIdentifier::from_der(fields.first()?).ok());
    oid == Some(CT_PRECERT_SCTS)
}

/// Splits a constructed DER element into its parts.
fn elements(der: &[u8]) -> Option<Vec<&[u8]>> {
    let mut reader = SliceReader::new(der).ok()?;
    let header = Header::decode(&mut reader).ok()?;
    let content = reader.read_slice(header.length).ok()?;
    let mut reader = reader.finish(SliceReader::new(content)).ok()?.ok()?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(reader.tlv_bytes().ok()?);
    }
    Some(elements)
}

fn wrap(tag: Tag, content: &[u8]) -> Option<Vec<u8>> {
    let length = Length::try_from(content.len()).ok()?;
    let mut der = Header::new(tag, length).ok()?.to_der().ok()?;
    der.extend_from_slice(content);
    Some(der)
}

/// `[3]`, constructed: the extensions of a certificate's body (RFC 5280, section 4.1).
const EXTENSIONS_TAG: u8 = 0xa3;

/// The public authority asks one log; browsers' certificates have two or three.
const MAXIMAL_COUNT: usize = 16;
