//! Who a certificate names.

use core::net::IpAddr;

use const_oid::ObjectIdentifier;
use der::Encode;
use der::asn1::Utf8StringRef;
use jiff::Timestamp;
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames};

use super::extensions::FulcioClaims;
use super::{CertificateError, SigningCertificate};

/// Who a certificate names, who said so, and what else it says. Inside
/// [`Evidence`](crate::Evidence) it is proven; from [`CertificateIdentity::of_certificate`] it is what the
/// certificate claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateIdentity {
    subjects: Vec<String>,
    issuer: Option<String>,
    claims: FulcioClaims,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl CertificateIdentity {
    /// Reads whom the certificate in `der` claims to name. Nothing is verified.
    pub fn of_certificate(der: &[u8]) -> Result<Self, CertificateError> {
        SigningCertificate::read(der).map(SigningCertificate::into_identity)
    }

    /// The names: URIs, then e-mail addresses, DNS names, IP addresses and Fulcio's own kind of
    /// name.
    ///
    /// The first is the one that sigstore-go sees in a bundle (a URI before an e-mail address before
    /// the own kind); with legacy signatures cosign takes any.
    #[must_use]
    pub fn subjects(&self) -> &[String] {
        &self.subjects
    }

    /// The one name that counts in a bundle.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subjects.first().map(String::as_str)
    }

    /// The issuer of the token that the certificate was issued for.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// What else the certificate says of the token.
    #[must_use]
    pub fn claims(&self) -> &FulcioClaims {
        &self.claims
    }

    /// The first instant of the certificate's validity.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last instant of the certificate's validity.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    pub(super) fn new(
        subjects: Vec<String>,
        issuer: Option<String>,
        claims: FulcioClaims,
        (not_before, not_after): (Timestamp, Timestamp),
    ) -> Self {
        Self {
            subjects,
            issuer,
            claims,
            not_before,
            not_after,
        }
    }
}

/// Gives the names in `found` in the order of [`CertificateIdentity::subjects`]. Names of kinds that
/// no policy can ask for (directory names and the like) are left out.
pub(super) fn subjects(found: &GeneralNames) -> Option<Vec<String>> {
    let mut kinds: [Vec<String>; 5] = Default::default();
    for name in found {
        let (kind, text) = match name {
            GeneralName::UniformResourceIdentifier(uri) => (0, uri.as_str().to_owned()),
            GeneralName::Rfc822Name(address) => (1, address.as_str().to_owned()),
            GeneralName::DnsName(name) => (2, name.as_str().to_owned()),
            GeneralName::IpAddress(address) => (3, ip_address(address.as_bytes())?),
            GeneralName::OtherName(other) if other.type_id == USER_NAME => {
                let encoded = other.value.to_der().ok()?;
                let text: Utf8StringRef<'_> = der::Decode::from_der(&encoded).ok()?;
                (4, text.as_str().to_owned())
            }
            _ => continue,
        };
        if text.is_empty() {
            return None;
        }
        kinds[kind].push(text);
    }
    Some(kinds.concat())
}

fn ip_address(bytes: &[u8]) -> Option<String> {
    let address = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
        _ => return None,
    };
    Some(address.to_string())
}

/// Fulcio's own kind of name, `user!domain` (fulcio: docs/oid-info.md).
const USER_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");
