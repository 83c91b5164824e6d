//! A signing certificate, taken apart, and what Fulcio's profile asks of it.
//!
//! Source: fulcio, `docs/certificate-specification.md`.

use std::collections::BTreeSet;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{
    ID_CE_BASIC_CONSTRAINTS, ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE, ID_CE_SUBJECT_ALT_NAME,
    ID_KP_CODE_SIGNING,
};
use const_oid::db::rfc6962::CT_PRECERT_SCTS;
use der::asn1::OctetStringRef;
use der::{Decode, Encode};
use jiff::Timestamp;
use x509_cert::Certificate;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};
use x509_cert::time::{Time, Validity};

use super::extensions::{FulcioClaims, FulcioExtension};
use super::{CertificateError, CertificateIdentity, identity};
use crate::public_key::PublicKey;

/// A certificate for signing, as it came and taken apart. Nothing of it is believed.
#[derive(Clone, Debug)]
pub(super) struct SigningCertificate {
    der: Vec<u8>,
    key: PublicKey,
    identity: CertificateIdentity,
    usage: Usage,
    /// The list of signed certificate timestamps in TLS's encoding.
    scts: Option<Vec<u8>>,
}

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    authority: bool,
    code_signing: bool,
    digital_signature: bool,
}

/// What the extensions of a certificate say.
#[derive(Default)]
struct Extensions {
    subjects: Vec<String>,
    old_issuer: Option<String>,
    issuer: Option<String>,
    claims: FulcioClaims,
    usage: Usage,
    scts: Option<Vec<u8>>,
}

impl SigningCertificate {
    /// Takes a certificate apart.
    pub(super) fn read(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAXIMAL_SIZE {
            return Err(CertificateError::Encoding);
        }
        let certificate = Certificate::from_der(der).map_err(|_| CertificateError::Encoding)?;
        let body = &certificate.tbs_certificate;
        let extensions = Extensions::read(body.extensions.as_deref().unwrap_or_default())?;
        let spki = body
            .subject_public_key_info
            .to_der()
            .map_err(|_| CertificateError::Encoding)?;
        let validity = window(&body.validity).ok_or(CertificateError::Encoding)?;
        let issuer = one_issuer(extensions.old_issuer, extensions.issuer)?;
        Ok(Self {
            der: der.to_vec(),
            key: PublicKey::from_spki_der(&spki)?,
            identity: CertificateIdentity::new(
                extensions.subjects,
                issuer,
                extensions.claims,
                validity,
            ),
            usage: extensions.usage,
            scts: extensions.scts,
        })
    }

    /// The certificate as it came.
    pub(super) fn der(&self) -> &[u8] {
        &self.der
    }

    /// Its key.
    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Whom it names.
    pub(super) fn identity(&self) -> &CertificateIdentity {
        &self.identity
    }

    pub(super) fn into_identity(self) -> CertificateIdentity {
        self.identity
    }

    pub(super) fn scts(&self) -> Option<&[u8]> {
        self.scts.as_deref()
    }

    /// Holds it against the profile of a signing certificate.
    ///
    /// cosign and sigstore-go take a leaf without any extended key usage, and one that is an authority;
    /// such a certificate was not made for signing artifacts.
    pub(super) fn check_profile(&self) -> Result<(), CertificateError> {
        if self.usage.authority {
            return Err(CertificateError::IsAuthority);
        }
        if !self.usage.code_signing {
            return Err(CertificateError::NoCodeSigning);
        }
        if !self.usage.digital_signature {
            return Err(CertificateError::NoDigitalSignature);
        }
        if self.identity.subjects().is_empty() {
            return Err(CertificateError::NoSubject);
        }
        Ok(())
    }
}

impl Extensions {
    fn read(found: &[Extension]) -> Result<Self, CertificateError> {
        let mut read = Self::default();
        let mut seen = BTreeSet::new();
        for extension in found {
            // RFC 5280, section 4.2. Readers that take the first and readers that take the last would
            // see two identities in one certificate.
            if !seen.insert(extension.extn_id) {
                return Err(CertificateError::DuplicateExtension {
                    oid: extension.extn_id.to_string(),
                });
            }
            read.take(&extension.extn_id, extension.extn_value.as_bytes())
                .ok_or_else(|| CertificateError::Extension {
                    oid: extension.extn_id.to_string(),
                })?;
        }
        Ok(read)
    }

    fn take(&mut self, oid: &ObjectIdentifier, value: &[u8]) -> Option<()> {
        match *oid {
            ID_CE_SUBJECT_ALT_NAME => {
                let names = SubjectAltName::from_der(value).ok()?;
                self.subjects = identity::subjects(&names.0)?;
            }
            ID_CE_BASIC_CONSTRAINTS => {
                self.usage.authority = BasicConstraints::from_der(value).ok()?.ca;
            }
            ID_CE_KEY_USAGE => {
                self.usage.digital_signature = KeyUsage::from_der(value).ok()?.digital_signature();
            }
            ID_CE_EXT_KEY_USAGE => {
                let usages = ExtendedKeyUsage::from_der(value).ok()?;
                self.usage.code_signing = usages.0.contains(&ID_KP_CODE_SIGNING);
            }
            CT_PRECERT_SCTS => {
                let list = OctetStringRef::from_der(value).ok()?;
                self.scts = Some(list.as_bytes().to_vec());
            }
            _ => {
                let Some(known) = FulcioExtension::of(oid) else {
                    return Some(());
                };
                let text = known.text(value)?;
                match known {
                    FulcioExtension::OldIssuer => self.old_issuer = Some(text),
                    FulcioExtension::Issuer => self.issuer = Some(text),
                    FulcioExtension::Claim(claim) => self.claims.set(claim, text),
                }
            }
        }
        Some(())
    }
}

/// Fulcio writes the issuer twice, alike. Which of two different ones counts depends on the reader:
/// cosign looks at the old extension, sigstore-go at the last one.
fn one_issuer(
    old: Option<String>,
    new: Option<String>,
) -> Result<Option<String>, CertificateError> {
    match (old, new) {
        (Some(old), Some(new)) if old != new => Err(CertificateError::TwoIssuers { old, new }),
        (old, new) => Ok(new.or(old)),
    }
}

/// The first and the last instant of `validity`.
pub(super) fn window(validity: &Validity) -> Option<(Timestamp, Timestamp)> {
    Some((
        instant(&validity.not_before)?,
        instant(&validity.not_after)?,
    ))
}

fn instant(time: &Time) -> Option<Timestamp> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok()?;
    Timestamp::from_second(seconds).ok()
}

/// webpki reads certificates up to this size; Fulcio's have 2 KB.
const MAXIMAL_SIZE: usize = 0xffff;
