//! The token of an RFC 3161 timestamp: CMS around a TSTInfo.

use aws_lc_rs::digest;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Reader, SliceReader, Tag, Tagged};
use jiff::Timestamp;

use crate::error::TimestampError;
use crate::public_key::{HashAlgorithm, HashRule, PublicKey};
use crate::trust_root::AuthorityCertificate;

/// A token that was read. Nothing in it is believed.
pub(super) struct Token {
    /// The time it states.
    pub(super) time: Timestamp,
    hash: &'static digest::Algorithm,
    imprint: Vec<u8>,
    content: Vec<u8>,
    signed_data: SignedData,
}

impl Token {
    /// Reads a TimeStampResp or a bare token.
    pub(super) fn read(der: &[u8]) -> Result<Self, TimestampError> {
        if der.len() > MAXIMAL_SIZE {
            return Err(TimestampError::Unreadable);
        }
        let content_info = content_info(der)?;
        if content_info.content_type != SIGNED_DATA {
            return Err(TimestampError::Unreadable);
        }
        let signed_data: SignedData = content_info
            .content
            .decode_as()
            .map_err(|_| TimestampError::Unreadable)?;
        if signed_data.encap_content_info.econtent_type != TST_INFO
            || signed_data.signer_infos.0.len() != 1
        {
            return Err(TimestampError::Unreadable);
        }
        let content = signed_data
            .encap_content_info
            .econtent
            .as_ref()
            .filter(|content| content.tag() == Tag::OctetString)
            .ok_or(TimestampError::Unreadable)?
            .value()
            .to_vec();
        let (time, hash, imprint) = tst_info(&content)?;
        Ok(Self {
            time,
            hash,
            imprint,
            content,
            signed_data,
        })
    }

    /// Tells whether it is about `bytes`.
    pub(super) fn imprint_is_of(&self, bytes: &[u8]) -> bool {
        digest::digest(self.hash, bytes).as_ref() == self.imprint
    }

    /// Tells whether it names `certificate` as its signer's.
    pub(super) fn names(&self, certificate: &AuthorityCertificate) -> bool {
        let Some(signer) = self.signer() else {
            return false;
        };
        match &signer.sid {
            SignerIdentifier::IssuerAndSerialNumber(found) => {
                found.serial_number.as_bytes() == certificate.serial
                    && found
                        .issuer
                        .to_der()
                        .is_ok_and(|issuer| issuer == certificate.issuer)
            }
            SignerIdentifier::SubjectKeyIdentifier(found) => {
                certificate.key_identifier.as_deref() == Some(found.0.as_bytes())
            }
        }
    }

    /// The certificates that came with it.
    pub(super) fn certificates(&self) -> impl Iterator<Item = AuthorityCertificate> {
        let found = self
            .signed_data
            .certificates
            .iter()
            .flat_map(|set| set.0.iter());
        found
            .take(MAXIMAL_CERTIFICATES)
            .filter_map(|one| match one {
                cms::cert::CertificateChoices::Certificate(certificate) => {
                    AuthorityCertificate::read(&certificate.to_der().ok()?).ok()
                }
                cms::cert::CertificateChoices::Other(_) => None,
            })
    }

    /// Checks that `key` signed the content: by way of the signed attributes, which must name it.
    pub(super) fn verify_signature(&self, key: &PublicKey) -> Result<(), TimestampError> {
        let signer = self.signer().ok_or(TimestampError::Unreadable)?;
        let hash = hash_of(&signer.digest_alg.oid).ok_or(TimestampError::Hash)?;
        let rule = rule_of(&signer.signature_algorithm.oid, hash).ok_or(TimestampError::Hash)?;
        let attributes = signer
            .signed_attrs
            .as_ref()
            .ok_or(TimestampError::Attributes)?;
        let value = |oid: ObjectIdentifier| {
            let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
            match (found.next(), found.next()) {
                (Some(one), None) if one.values.len() == 1 => one.values.get(0),
                _ => None,
            }
        };
        let content_type =
            value(CONTENT_TYPE).and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
        let stated = value(MESSAGE_DIGEST)
            .and_then(|any| any.decode_as::<OctetStringRef<'_>>().ok())
            .map(|octets| octets.as_bytes().to_vec());
        let computed = digest::digest(hash, &self.content);
        if content_type != Some(TST_INFO) || stated.as_deref() != Some(computed.as_ref()) {
            return Err(TimestampError::Attributes);
        }
        // RFC 5652 section 5.4: signed as a SET OF, not with the tag it has inside SignerInfo.
        let signed = attributes
            .to_der()
            .map_err(|_| TimestampError::Unreadable)?;
        key.verify(&signed, signer.signature.as_bytes(), rule)
            .map_err(|_| TimestampError::Signature)
    }

    fn signer(&self) -> Option<&SignerInfo> {
        self.signed_data.signer_infos.0.get(0)
    }
}

/// Takes the token out of a response, if it is in one.
fn content_info(der: &[u8]) -> Result<ContentInfo, TimestampError> {
    if let Ok(token) = ContentInfo::from_der(der) {
        return Ok(token);
    }
    let read = || -> der::Result<(u8, Option<ContentInfo>)> {
        let mut reader = SliceReader::new(der)?;
        let parts = reader.sequence(|inner| {
            let status: AnyRef<'_> = inner.decode()?;
            let code = status.sequence(|status| {
                let code: u8 = status.decode()?;
                while !status.is_finished() {
                    let _: AnyRef<'_> = status.decode()?;
                }
                Ok(code)
            })?;
            let token = if inner.is_finished() {
                None
            } else {
                Some(inner.decode()?)
            };
            Ok((code, token))
        })?;
        reader.finish(parts)
    };
    match read().map_err(|_| TimestampError::Unreadable)? {
        // granted, grantedWithMods
        (0 | 1, Some(token)) => Ok(token),
        (0 | 1, None) => Err(TimestampError::Unreadable),
        _ => Err(TimestampError::NotGranted),
    }
}

type TstInfo = (Timestamp, &'static digest::Algorithm, Vec<u8>);

/// Reads time and imprint of a TSTInfo (RFC 3161 section 2.4.2). What follows them is not needed, but
/// it must be DER.
fn tst_info(content: &[u8]) -> Result<TstInfo, TimestampError> {
    let read = || -> der::Result<(String, ObjectIdentifier, Vec<u8>)> {
        let mut reader = SliceReader::new(content)?;
        let parts = reader.sequence(|inner| {
            let version: u8 = inner.decode()?;
            if version != 1 {
                return Err(Tag::Integer.value_error());
            }
            let _policy: ObjectIdentifier = inner.decode()?;
            let (oid, imprint) = inner.sequence(|imprint| {
                let algorithm: spki::AlgorithmIdentifierRef<'_> = imprint.decode()?;
                let hashed: OctetStringRef<'_> = imprint.decode()?;
                Ok((algorithm.oid, hashed.as_bytes().to_vec()))
            })?;
            let _serial: AnyRef<'_> = inner.decode()?;
            let time: AnyRef<'_> = inner.decode()?;
            if time.tag() != Tag::GeneralizedTime {
                return Err(Tag::GeneralizedTime.value_error());
            }
            let time = std::str::from_utf8(time.value())
                .map_err(|_| Tag::GeneralizedTime.value_error())?
                .to_owned();
            while !inner.is_finished() {
                let _: AnyRef<'_> = inner.decode()?;
            }
            Ok((time, oid, imprint))
        })?;
        reader.finish(parts)
    };
    let (time, oid, imprint) = read().map_err(|_| TimestampError::Unreadable)?;
    let hash = hash_of(&oid).ok_or(TimestampError::Hash)?;
    let time = instant(&time).ok_or(TimestampError::Unreadable)?;
    Ok((time, hash, imprint))
}

/// Reads `YYYYMMDDhhmmss[.f]Z`, the form that RFC 3161 allows. A fraction of a second may be there.
fn instant(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z')?;
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    if whole.len() != 14 || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction = match fraction {
        None => String::new(),
        Some(digits) => {
            let is_right = (1..=9).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && !digits.ends_with('0');
            if !is_right {
                return None;
            }
            format!(".{digits}")
        }
    };
    let (date, time) = whole.split_at(8);
    let text = format!(
        "{}-{}-{}T{}:{}:{}{fraction}Z",
        &date[..4],
        &date[4..6],
        &date[6..],
        &time[..2],
        &time[2..4],
        &time[4..],
    );
    text.parse().ok()
}

fn hash_of(oid: &ObjectIdentifier) -> Option<&'static digest::Algorithm> {
    match *oid {
        const_oid::db::rfc5912::ID_SHA_256 => Some(&digest::SHA256),
        const_oid::db::rfc5912::ID_SHA_384 => Some(&digest::SHA384),
        const_oid::db::rfc5912::ID_SHA_512 => Some(&digest::SHA512),
        _ => None,
    }
}

/// The hash function under the signature: what the algorithm names, or for a bare `rsaEncryption` or
/// `ecPublicKey` that of the digest (RFC 5754). Ed25519 (RFC 8419) has its own.
fn rule_of(oid: &ObjectIdentifier, hash: &'static digest::Algorithm) -> Option<HashRule> {
    use const_oid::db::rfc5912 as oids;
    let named = match *oid {
        oids::ECDSA_WITH_SHA_256 | oids::SHA_256_WITH_RSA_ENCRYPTION => HashAlgorithm::Sha256,
        oids::ECDSA_WITH_SHA_384 | oids::SHA_384_WITH_RSA_ENCRYPTION => HashAlgorithm::Sha384,
        oids::ECDSA_WITH_SHA_512 | oids::SHA_512_WITH_RSA_ENCRYPTION => HashAlgorithm::Sha512,
        oids::RSA_ENCRYPTION | oids::ID_EC_PUBLIC_KEY if *hash == digest::SHA256 => {
            HashAlgorithm::Sha256
        }
        oids::RSA_ENCRYPTION | oids::ID_EC_PUBLIC_KEY if *hash == digest::SHA384 => {
            HashAlgorithm::Sha384
        }
        oids::RSA_ENCRYPTION | oids::ID_EC_PUBLIC_KEY => HashAlgorithm::Sha512,
        const_oid::db::rfc8410::ID_ED_25519 => return Some(HashRule::Usual),
        _ => return None,
    };
    Some(HashRule::Only(named))
}

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");

/// A token with a chain of three certificates has about 5 KB.
const MAXIMAL_SIZE: usize = 64 << 10;
const MAXIMAL_CERTIFICATES: usize = 8;

#[cfg(test)]
mod tests {
    use super::{Token, instant};
    use crate::error::TimestampError;

    #[test]
    fn times() {
        assert_eq!(
            instant("20261125071500Z").unwrap().to_string(),
            "2026-11-25T07:15:00Z"
        );
        assert_eq!(
            instant("20261125071500.25Z").unwrap().to_string(),
            "2026-11-25T07:15:00.25Z"
        );
        for bad in [
            "",
            "Z",
            "20261125071500",
            "20261125071500.Z",
            "20261125071500.50Z",
            "2026112507150Z",
        ] {
            assert_eq!(instant(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_not_a_token() {
        for bad in [
            &b""[..],
            b"x",
            &[0x30, 0x80],
            &[0x30, 0x03, 0x02, 0x01, 0x00],
        ] {
            assert!(matches!(Token::read(bad), Err(TimestampError::Unreadable)));
        }
        // A response with status 2, "rejection".
        let rejected = [0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02];
        assert!(matches!(
            Token::read(&rejected),
            Err(TimestampError::NotGranted)
        ));
    }
}
