//! From a signing certificate to an authority of the trust root.

use const_oid::db::rfc5280::{ANY_EXTENDED_KEY_USAGE, ID_KP_CODE_SIGNING};
use const_oid::db::rfc5912::{
    ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, SHA_256_WITH_RSA_ENCRYPTION,
    SHA_384_WITH_RSA_ENCRYPTION, SHA_512_WITH_RSA_ENCRYPTION,
};
use const_oid::db::rfc8410::ID_ED_25519;
use der::asn1::BitStringRef;
use der::{Decode, Reader, SliceReader};
use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use spki::AlgorithmIdentifierRef;
use webpki::{
    EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath,
    anchor_from_trusted_cert, aws_lc_rs as ways,
};
use x509_cert::Certificate;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

use super::profile::window;
use super::{CertificateError, CertificateIdentity, SigningCertificate};
use crate::public_key::{HashAlgorithm, HashRule, PublicKey};
use crate::trust_root::{Authority, AuthorityCertificate};

/// A signing certificate that an authority of the trust root issued.
#[derive(Clone, Debug)]
pub(crate) struct VerifiedSigner {
    certificate: SigningCertificate,
    issuer_spki: Vec<u8>,
}

impl VerifiedSigner {
    /// The key that signs.
    pub(crate) fn key(&self) -> &PublicKey {
        self.certificate.key()
    }

    /// Who signs.
    pub(crate) fn into_identity(self) -> CertificateIdentity {
        self.certificate.into_identity()
    }

    pub(super) fn certificate(&self) -> &SigningCertificate {
        &self.certificate
    }

    /// The key that signed the certificate, a `SubjectPublicKeyInfo`.
    pub(super) fn issuer_spki(&self) -> &[u8] {
        &self.issuer_spki
    }
}

/// Leads the certificate in `leaf` to one of `authorities`, over `intermediates` that came with it if
/// need be.
///
/// Certificate, intermediates and authority must have been valid at each of `times`, not only at one
/// (CVE-2026-24122: a chain judged at the start of the leaf's validity alone lets expired authorities
/// in).
pub(crate) fn verify(
    leaf: &[u8],
    intermediates: &[Vec<u8>],
    authorities: &[Authority],
    times: &[Timestamp],
) -> Result<VerifiedSigner, CertificateError> {
    let certificate = SigningCertificate::read(leaf)?;
    certificate.check_profile()?;
    check_validity(certificate.identity(), times)?;
    let mut worst = CertificateError::UnknownIssuer;
    for authority in authorities {
        match lead_to(authority, leaf, intermediates, times) {
            Ok(issuer_spki) => {
                return Ok(VerifiedSigner {
                    certificate,
                    issuer_spki,
                });
            }
            // A flaw under an authority we know says more than that another is a stranger.
            Err(CertificateError::UnknownIssuer) => {}
            Err(error) => worst = error,
        }
    }
    Err(worst)
}

fn check_validity(
    identity: &CertificateIdentity,
    times: &[Timestamp],
) -> Result<(), CertificateError> {
    let (not_before, not_after) = (identity.not_before(), identity.not_after());
    if times.is_empty() {
        return Err(CertificateError::NoTime);
    }
    for at in times.iter().copied() {
        if at < not_before {
            return Err(CertificateError::NotYetValid { at, not_before });
        }
        if not_after < at {
            return Err(CertificateError::Expired { at, not_after });
        }
    }
    Ok(())
}

/// Gives the key that signed the leaf, a `SubjectPublicKeyInfo`.
///
/// Every certificate of the authority is an anchor, since its chain was checked when the root was
/// loaded: that saves a P-384 verification each time. What depends on the time or on what is below is
/// checked here.
fn lead_to(
    authority: &Authority,
    leaf: &[u8],
    sent: &[Vec<u8>],
    times: &[Timestamp],
) -> Result<Vec<u8>, CertificateError> {
    let as_der = |der| CertificateDer::from(Vec::as_slice(der));
    let trusted: Vec<CertificateDer<'_>> = authority
        .certificates
        .iter()
        .map(|one| as_der(&one.der))
        .collect();
    let (anchors, constrained) = anchors(authority, &trusted);
    let mut intermediates = trusted[..constrained].to_vec();
    intermediates.extend(sent.iter().map(as_der));
    let leaf_der = CertificateDer::from(leaf);
    let leaf = EndEntityCert::try_from(&leaf_der).map_err(fault)?;
    let first = *times.first().ok_or(CertificateError::NoTime)?;
    let path = leaf
        .verify_for_usage(
            WAYS,
            &anchors,
            &intermediates,
            unix_time(first)?,
            CodeSigning,
            None,
            None,
        )
        .map_err(|error| match error {
            // The leaf's own validity was checked before: this is a certificate above it.
            webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => {
                CertificateError::IssuerOutsideTime { at: first }
            }
            other => fault(other),
        })?;
    if let Some(at) = times
        .iter()
        .copied()
        .find(|at| !authority.window.contains(*at))
    {
        return Err(CertificateError::AuthorityOutsideTime {
            uri: authority.uri.clone(),
            at,
        });
    }
    let below = path.intermediate_certificates().count();
    check_authorities(certificates_from(authority, path.anchor())?, below, times)?;
    check_intermediates(&path, times)?;
    Ok(path.issuer_spki().to_vec())
}

/// Tells whether the certificate in `der` is signed with `key`.
pub(crate) fn is_signed_by(der: &[u8], key: &PublicKey) -> bool {
    let Some((body, algorithm, signature)) = parts(der) else {
        return false;
    };
    let hash = match algorithm.oid {
        ECDSA_WITH_SHA_256 | SHA_256_WITH_RSA_ENCRYPTION => HashAlgorithm::Sha256,
        ECDSA_WITH_SHA_384 | SHA_384_WITH_RSA_ENCRYPTION => HashAlgorithm::Sha384,
        ECDSA_WITH_SHA_512 | SHA_512_WITH_RSA_ENCRYPTION | ID_ED_25519 => HashAlgorithm::Sha512,
        _ => return false,
    };
    key.verify(body, signature, HashRule::Only(hash)).is_ok()
}

/// Splits a certificate into the bytes that are signed, the algorithm and the signature.
pub(super) fn parts(der: &[u8]) -> Option<(&[u8], AlgorithmIdentifierRef<'_>, &[u8])> {
    let mut reader = SliceReader::new(der).ok()?;
    let parts = reader
        .sequence(|fields| {
            let body = fields.tlv_bytes()?;
            let algorithm = AlgorithmIdentifierRef::decode(fields)?;
            let signature = BitStringRef::decode(fields)?;
            Ok((body, algorithm, signature))
        })
        .ok()?;
    let (body, algorithm, signature) = reader.finish(parts).ok()?;
    Some((body, algorithm, signature.as_bytes()?))
}

/// Gives the anchors of an authority, and how many of its certificates (the lowest ones) must be
/// intermediates instead, because a certificate above constrains names.
fn anchors<'a>(
    authority: &Authority,
    trusted: &'a [CertificateDer<'a>],
) -> (Vec<TrustAnchor<'a>>, usize) {
    let mut anchors = Vec::with_capacity(trusted.len());
    for (index, (der, read)) in trusted
        .iter()
        .zip(&authority.certificates)
        .enumerate()
        .rev()
    {
        let Ok(anchor) = anchor_from_trusted_cert(der) else {
            return (anchors, index);
        };
        let constrains = anchor.name_constraints.is_some();
        if read.is_authority {
            anchors.push(anchor);
        }
        if constrains {
            return (anchors, index);
        }
    }
    (anchors, 0)
}

/// Gives the certificates of the authority from the anchor upwards.
fn certificates_from<'a>(
    authority: &'a Authority,
    anchor: &TrustAnchor<'_>,
) -> Result<&'a [AuthorityCertificate], CertificateError> {
    let spki = webpki::spki_for_anchor(anchor);
    // The lowest with this key: renewed certificates of one key must then all be valid.
    let place = authority
        .certificates
        .iter()
        .position(|one| one.is_authority && one.key.spki_der() == spki.as_ref());
    place
        .map(|place| &authority.certificates[place..])
        .ok_or(CertificateError::UnknownIssuer)
}

/// Checks an anchor and all above it: webpki takes anchors as they are.
fn check_authorities(
    certificates: &[AuthorityCertificate],
    below: usize,
    times: &[Timestamp],
) -> Result<(), CertificateError> {
    for (index, certificate) in certificates.iter().enumerate() {
        in_window((certificate.not_before, certificate.not_after), times)?;
        if certificate
            .path_length
            .is_some_and(|most| usize::from(most) < below + index)
        {
            return Err(CertificateError::PathLength);
        }
        let issues_for_code = certificate.extended_usages.as_ref().is_none_or(|usages| {
            usages.contains(&ID_KP_CODE_SIGNING) || usages.contains(&ANY_EXTENDED_KEY_USAGE)
        });
        if !issues_for_code {
            return Err(CertificateError::IssuerUsage);
        }
    }
    Ok(())
}

/// Checks the intermediates at the times that webpki did not look at, and their key usage, which it
/// never looks at.
fn check_intermediates(
    path: &VerifiedPath<'_>,
    times: &[Timestamp],
) -> Result<(), CertificateError> {
    for (below, intermediate) in path.intermediate_certificates().enumerate() {
        let der = intermediate.der();
        let certificate = Certificate::from_der(&der).map_err(|_| CertificateError::Encoding)?;
        let body = certificate.tbs_certificate;
        in_window(
            window(&body.validity).ok_or(CertificateError::Encoding)?,
            times,
        )?;
        let usage = body
            .get::<KeyUsage>()
            .map_err(|_| CertificateError::Encoding)?;
        if usage.is_some_and(|(_, usage)| !usage.key_cert_sign()) {
            return Err(CertificateError::IssuerUsage);
        }
        let limits = body
            .get::<BasicConstraints>()
            .map_err(|_| CertificateError::Encoding)?;
        let most = limits.and_then(|(_, limits)| limits.path_len_constraint);
        if most.is_some_and(|most| usize::from(most) < below) {
            return Err(CertificateError::PathLength);
        }
    }
    Ok(())
}

fn in_window(
    (not_before, not_after): (Timestamp, Timestamp),
    times: &[Timestamp],
) -> Result<(), CertificateError> {
    match times
        .iter()
        .find(|at| **at < not_before || not_after < **at)
    {
        Some(at) => Err(CertificateError::IssuerOutsideTime { at: *at }),
        None => Ok(()),
    }
}

fn unix_time(at: Timestamp) -> Result<UnixTime, CertificateError> {
    let seconds = u64::try_from(at.as_second()).map_err(|_| CertificateError::NoTime)?;
    Ok(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
        seconds,
    )))
}

/// Authorities may be for code signing or for everything; the leaf has its own, stricter rule in
/// [`SigningCertificate::check_profile`].
struct CodeSigning;

impl ExtendedKeyUsageValidator for CodeSigning {
    fn validate(&self, usages: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        let mut absent = true;
        for usage in usages {
            absent = false;
            let oid = usage?.to_decoded_oid();
            if oid == CODE_SIGNING || oid == ANY_USAGE {
                return Ok(());
            }
        }
        if absent {
            Ok(())
        } else {
            Err(webpki::Error::EmptyEkuExtension)
        }
    }
}

fn fault(error: webpki::Error) -> CertificateError {
    use webpki::Error;
    match error {
        Error::UnknownIssuer => CertificateError::UnknownIssuer,
        Error::InvalidSignatureForPublicKey => CertificateError::IssuerSignature,
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
        | Error::SignatureAlgorithmMismatch => CertificateError::IssuerAlgorithm,
        Error::CaUsedAsEndEntity => CertificateError::IsAuthority,
        Error::EmptyEkuExtension | Error::EndEntityUsedAsCa => CertificateError::IssuerUsage,
        Error::PathLenConstraintViolated | Error::MaximumPathDepthExceeded => {
            CertificateError::PathLength
        }
        Error::NameConstraintViolation | Error::MalformedNameConstraint => {
            CertificateError::NameConstraint
        }
        Error::UnsupportedCriticalExtension => CertificateError::UnknownCriticalExtension,
        Error::MaximumSignatureChecksExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => CertificateError::TooComplex,
        _ => CertificateError::Encoding,
    }
}

/// How authorities may sign: no SHA-1, no short RSA keys.
const WAYS: &[&dyn SignatureVerificationAlgorithm] = &[
    ways::ECDSA_P384_SHA384,
    ways::ECDSA_P256_SHA256,
    ways::ECDSA_P256_SHA384,
    ways::ECDSA_P256_SHA512,
    ways::ECDSA_P384_SHA256,
    ways::ECDSA_P384_SHA512,
    ways::ECDSA_P521_SHA256,
    ways::ECDSA_P521_SHA384,
    ways::ECDSA_P521_SHA512,
    ways::RSA_PKCS1_2048_8192_SHA256,
    ways::RSA_PKCS1_2048_8192_SHA384,
    ways::RSA_PKCS1_2048_8192_SHA512,
    ways::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    ways::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    ways::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
    ways::ED25519,
];

const CODE_SIGNING: &[usize] = &[1, 3, 6, 1, 5, 5, 7, 3, 3];
const ANY_USAGE: &[usize] = &[2, 5, 29, 37, 0];
