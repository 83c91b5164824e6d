//! Certificate and timestamp authorities: chains that were checked when the root was loaded.

use der::{Decode, Encode};
use jiff::Timestamp;
use x509_cert::Certificate;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, SubjectKeyIdentifier};
use x509_cert::time::Time;

use super::{TrustRootError, Validity};
use crate::certificate::{self, CertificateError};
use crate::public_key::{PublicKey, PublicKeyError};

/// An authority of the root: a chain, each certificate signed by the next, and when it was in use.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    /// Where it is, for messages.
    pub(crate) uri: String,
    /// When it was in use.
    pub(crate) window: Validity,
    /// From the one nearest to the leaf (for a timestamp authority perhaps the leaf) to the root.
    pub(crate) certificates: Vec<AuthorityCertificate>,
}

/// A certificate of an authority, read once.
#[derive(Clone, Debug)]
pub(crate) struct AuthorityCertificate {
    /// As the root has it.
    pub(crate) der: Vec<u8>,
    /// Its subject, DER.
    pub(crate) subject: Vec<u8>,
    /// Its issuer, DER.
    pub(crate) issuer: Vec<u8>,
    /// Its serial number, the content octets of the INTEGER.
    pub(crate) serial: Vec<u8>,
    /// Its subject key identifier.
    pub(crate) key_identifier: Option<Vec<u8>>,
    /// Its key.
    pub(crate) key: PublicKey,
    /// The first instant of its validity.
    pub(crate) not_before: Timestamp,
    /// The last instant of its validity.
    pub(crate) not_after: Timestamp,
    /// Whether it may issue certificates.
    pub(crate) is_authority: bool,
    /// How many authorities may stand below it.
    pub(crate) path_length: Option<u8>,
    /// Its extended key usages, `None` where the extension is absent (any use).
    pub(crate) extended_usages: Option<Vec<der::oid::ObjectIdentifier>>,
}

impl Authority {
    /// Reads a chain and checks its links, once for all verifications to come.
    pub(crate) fn load(
        uri: String,
        chain: &[Vec<u8>],
        window: Validity,
    ) -> Result<Self, TrustRootError> {
        if chain.is_empty() {
            return Err(TrustRootError::EmptyChain { uri });
        }
        if chain.len() > MAXIMAL_CHAIN {
            return Err(TrustRootError::ChainTooLong { uri });
        }
        let mut certificates = Vec::with_capacity(chain.len());
        for der in chain {
            match AuthorityCertificate::read(der) {
                Ok(read) => certificates.push(read),
                Err(CertificateError::Key(
                    PublicKeyError::Kind { .. } | PublicKeyError::Curve { .. },
                )) => return Err(TrustRootError::UnknownKey { uri }),
                Err(_) => return Err(TrustRootError::Certificate { uri }),
            }
        }
        for (index, pair) in certificates.windows(2).enumerate() {
            let linked = pair[1].is_authority
                && pair[0].issuer == pair[1].subject
                && pair[1]
                    .path_length
                    .is_none_or(|most| usize::from(most) >= below(&certificates, index))
                && certificate::is_signed_by(&pair[0].der, &pair[1].key);
            if !linked {
                return Err(TrustRootError::BrokenChain { uri });
            }
        }
        Ok(Self {
            uri,
            window,
            certificates,
        })
    }
}

/// How many certificate authorities stand at or below `index`: what the next one's path length counts.
fn below(certificates: &[AuthorityCertificate], index: usize) -> usize {
    certificates[..=index]
        .iter()
        .filter(|one| one.is_authority)
        .count()
}

impl AuthorityCertificate {
    pub(crate) fn read(der: &[u8]) -> Result<Self, CertificateError> {
        let key = |body: &x509_cert::TbsCertificate| -> Result<PublicKey, CertificateError> {
            let spki = body.subject_public_key_info.to_der();
            Ok(PublicKey::from_spki_der(
                &spki.map_err(|_| CertificateError::Encoding)?,
            )?)
        };
        let certificate = Certificate::from_der(der).map_err(|_| CertificateError::Encoding)?;
        let key = key(&certificate.tbs_certificate)?;
        Self::with_key(der, &certificate.tbs_certificate, key).ok_or(CertificateError::Encoding)
    }

    fn with_key(der: &[u8], body: &x509_cert::TbsCertificate, key: PublicKey) -> Option<Self> {
        let constraints: Option<BasicConstraints> = body.get().ok()?.map(|(_, found)| found);
        let usages: Option<ExtendedKeyUsage> = body.get().ok()?.map(|(_, found)| found);
        let identifier: Option<SubjectKeyIdentifier> = body.get().ok()?.map(|(_, found)| found);
        Some(Self {
            der: der.to_vec(),
            subject: body.subject.to_der().ok()?,
            issuer: body.issuer.to_der().ok()?,
            serial: body.serial_number.as_bytes().to_vec(),
            key_identifier: identifier.map(|found| found.0.as_bytes().to_vec()),
            key,
            not_before: instant(body.validity.not_before)?,
            not_after: instant(body.validity.not_after)?,
            is_authority: constraints.as_ref().is_some_and(|found| found.ca),
            path_length: constraints.and_then(|found| found.path_len_constraint),
            extended_usages: usages.map(|found| found.0),
        })
    }
}

fn instant(time: Time) -> Option<Timestamp> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok()?;
    Timestamp::from_second(seconds).ok()
}

/// Sigstore's chains have two or three; webpki's budget ends at six intermediates.
const MAXIMAL_CHAIN: usize = 8;
