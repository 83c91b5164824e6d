//! X.509 certificates as the services issue them, built field by field so that a precertificate
//! and its certificate differ in exactly one extension.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{
    ECDSA_WITH_SHA_256, ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_BASIC_CONSTRAINTS,
    ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE, ID_CE_SUBJECT_ALT_NAME, ID_CE_SUBJECT_KEY_IDENTIFIER,
};
use der::asn1::{BitString, OctetString};
use der::{Decode, Encode};
use jiff::Timestamp;
use std::str::FromStr;
use std::time::Duration;
use x509_cert::Certificate;
use x509_cert::certificate::{TbsCertificate, Version};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages,
    SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

use crate::signing_key::{EcdsaKey, KeyError, pem_config, random};

/// An authority that signs certificates: its key, and its own certificate.
#[derive(Debug)]
pub(crate) struct Issuer<'a> {
    pub(crate) key: &'a EcdsaKey,
    pub(crate) name: Name,
    pub(crate) key_identifier: Vec<u8>,
}

impl<'a> Issuer<'a> {
    /// The authority whose certificate is `certificate`.
    pub(crate) fn of(key: &'a EcdsaKey, certificate: &Certificate) -> Result<Self, IssueError> {
        Ok(Issuer {
            key,
            name: certificate.tbs_certificate.subject.clone(),
            key_identifier: key_identifier(&certificate.tbs_certificate.subject_public_key_info)?,
        })
    }

    /// Signs `tbs`, giving the certificate as DER.
    pub(crate) fn sign(&self, tbs: TbsCertificate) -> Result<Vec<u8>, IssueError> {
        let signature = self.key.sign(&tbs.to_der()?)?;
        let certificate = Certificate {
            signature_algorithm: tbs.signature.clone(),
            tbs_certificate: tbs,
            signature: BitString::from_bytes(&signature)?,
        };
        Ok(certificate.to_der()?)
    }

    /// A certificate body under this authority, with a fresh serial number and no extensions.
    pub(crate) fn body(
        &self,
        subject: Name,
        public_key: SubjectPublicKeyInfoOwned,
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Result<TbsCertificate, IssueError> {
        Ok(TbsCertificate {
            version: Version::V3,
            serial_number: serial_number()?,
            signature: ecdsa_sha256(),
            issuer: self.name.clone(),
            validity: Validity {
                not_before: time(not_before)?,
                not_after: time(not_after)?,
            },
            subject,
            subject_public_key_info: public_key,
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: None,
        })
    }
}

/// A self-made chain: `[authority, root]`, DER, plus the authority's key as PEM.
pub(crate) struct Hierarchy {
    pub(crate) key_pem: zeroize::Zeroizing<String>,
    pub(crate) chain: Vec<Vec<u8>>,
}

/// Makes a root and under it a certificate authority that may issue for `purpose` only.
///
/// The root's private key is dropped here and never written: whoever reads the data folder later
/// gains the authority's key, but can make no second authority.
pub(crate) fn found_authority(
    label: &str,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Hierarchy, IssueError> {
    let (root_key, _) = EcdsaKey::generate()?;
    let (key, key_pem) = EcdsaKey::generate()?;
    let root_name = distinguished_name(&format!("{label} root"))?;
    let root_spki = SubjectPublicKeyInfoOwned::from_der(root_key.public_der())?;
    let issuer = Issuer {
        key: &root_key,
        name: root_name.clone(),
        key_identifier: key_identifier(&root_spki)?,
    };
    let mut root = issuer.body(root_name, root_spki, now, later(now, ROOT_YEARS)?)?;
    root.extensions = Some(vec![
        key_usage(KeyUsages::KeyCertSign | KeyUsages::CRLSign)?,
        basic_constraints(true, Some(1))?,
        subject_key_identifier(&issuer.key_identifier)?,
    ]);
    let spki = SubjectPublicKeyInfoOwned::from_der(key.public_der())?;
    let own_identifier = key_identifier(&spki)?;
    let name = distinguished_name(label)?;
    let mut tbs = issuer.body(name, spki, now, later(now, AUTHORITY_YEARS)?)?;
    let mut extensions = match purpose {
        Purpose::CodeSigning => vec![
            key_usage(KeyUsages::KeyCertSign | KeyUsages::CRLSign)?,
            extended_key_usage(purpose, false)?,
            basic_constraints(true, Some(0))?,
        ],
        // The timestamp authority signs timestamps itself; RFC 3161 §2.3 wants its one purpose
        // critical and alone.
        Purpose::TimeStamping => vec![
            key_usage(KeyUsages::DigitalSignature.into())?,
            extended_key_usage(purpose, true)?,
            basic_constraints(false, None)?,
        ],
    };
    extensions.push(subject_key_identifier(&own_identifier)?);
    extensions.push(authority_key_identifier(&issuer.key_identifier)?);
    tbs.extensions = Some(extensions);
    Ok(Hierarchy {
        chain: vec![issuer.sign(tbs)?, issuer.sign(root)?],
        key_pem,
    })
}

/// What the holder of a certificate may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    CodeSigning,
    TimeStamping,
}

impl Purpose {
    fn oid(self) -> ObjectIdentifier {
        match self {
            Purpose::CodeSigning => const_oid::db::rfc5280::ID_KP_CODE_SIGNING,
            Purpose::TimeStamping => const_oid::db::rfc5280::ID_KP_TIME_STAMPING,
        }
    }
}

/// Why a certificate could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// A value that has no DER form.
    #[error("a certificate field has no DER form: {0}")]
    Encoding(der::ErrorKind),
    /// The key failed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl From<der::Error> for IssueError {
    fn from(error: der::Error) -> Self {
        IssueError::Encoding(error.kind())
    }
}

pub(crate) fn key_usage(usages: der::flagset::FlagSet<KeyUsages>) -> Result<Extension, IssueError> {
    extension(ID_CE_KEY_USAGE, true, &KeyUsage(usages))
}

pub(crate) fn extended_key_usage(
    purpose: Purpose,
    critical: bool,
) -> Result<Extension, IssueError> {
    let usage = ExtendedKeyUsage(vec![purpose.oid()]);
    extension(ID_CE_EXT_KEY_USAGE, critical, &usage)
}

fn basic_constraints(ca: bool, path_len_constraint: Option<u8>) -> Result<Extension, IssueError> {
    let constraints = BasicConstraints {
        ca,
        path_len_constraint,
    };
    extension(ID_CE_BASIC_CONSTRAINTS, true, &constraints)
}

pub(crate) fn subject_key_identifier(identifier: &[u8]) -> Result<Extension, IssueError> {
    let value = SubjectKeyIdentifier(OctetString::new(identifier)?);
    extension(ID_CE_SUBJECT_KEY_IDENTIFIER, false, &value)
}

pub(crate) fn authority_key_identifier(identifier: &[u8]) -> Result<Extension, IssueError> {
    let value = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(identifier)?),
        ..Default::default()
    };
    extension(ID_CE_AUTHORITY_KEY_IDENTIFIER, false, &value)
}

/// The one name of a leaf; critical, because the subject is empty (RFC 5280 §4.1.2.6).
pub(crate) fn subject_alternative_name(name: GeneralName) -> Result<Extension, IssueError> {
    extension(ID_CE_SUBJECT_ALT_NAME, true, &SubjectAltName(vec![name]))
}

pub(crate) fn extension(
    extn_id: ObjectIdentifier,
    critical: bool,
    value: &impl Encode,
) -> Result<Extension, IssueError> {
    Ok(Extension {
        extn_id,
        critical,
        extn_value: OctetString::new(value.to_der()?)?,
    })
}

/// Method 1 of RFC 5280 §4.2.1.2: SHA-1 of the key bits. An identifier, not a security property.
pub(crate) fn key_identifier(spki: &SubjectPublicKeyInfoOwned) -> Result<Vec<u8>, IssueError> {
    let bits = spki.subject_public_key.raw_bytes();
    let sha1 = &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
    Ok(aws_lc_rs::digest::digest(sha1, bits).as_ref().to_vec())
}

/// `ecdsa-with-SHA256`, no parameters.
pub(crate) fn ecdsa_sha256() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid: ECDSA_WITH_SHA_256,
        parameters: None,
    }
}

/// A random positive serial number of 159 bits.
pub(crate) fn serial_number() -> Result<SerialNumber, IssueError> {
    let mut bytes: [u8; 20] = random()?;
    // The top bit is the sign; the next one keeps the length, and so the size, constant.
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    Ok(SerialNumber::new(&bytes)?)
}

/// `CN=<common name>, O=Countersign`.
pub(crate) fn distinguished_name(common_name: &str) -> Result<Name, IssueError> {
    Ok(Name::from_str(&format!(
        "CN={common_name},O={ORGANIZATION}"
    ))?)
}

/// `der` as PEM.
pub(crate) fn pem_of(label: &str, der: &[u8]) -> String {
    pem::encode_config(&pem::Pem::new(label, der), pem_config())
}

/// A chain of certificates as PEM, in the order given.
pub(crate) fn chain_pem(chain: &[Vec<u8>]) -> String {
    chain
        .iter()
        .map(|certificate| pem_of("CERTIFICATE", certificate))
        .collect()
}

/// The organization every certificate of ours names.
pub(crate) const ORGANIZATION: &str = "Countersign";

fn time(at: Timestamp) -> Result<Time, IssueError> {
    let since_epoch = Duration::from_secs(u64::try_from(at.as_second()).unwrap_or(0));
    // UTCTime until 2049, GeneralizedTime after it (RFC 5280 §4.1.2.5).
    match der::asn1::UtcTime::from_unix_duration(since_epoch) {
        Ok(utc) => Ok(Time::UtcTime(utc)),
        Err(_) => Ok(Time::GeneralTime(
            der::asn1::GeneralizedTime::from_unix_duration(since_epoch)?,
        )),
    }
}

fn later(now: Timestamp, years: i64) -> Result<Timestamp, IssueError> {
    Timestamp::from_second(now.as_second() + years * 365 * 86_400)
        .map_err(|_| IssueError::Encoding(der::ErrorKind::DateTime))
}

const ROOT_YEARS: i64 = 20;
const AUTHORITY_YEARS: i64 = 10;
