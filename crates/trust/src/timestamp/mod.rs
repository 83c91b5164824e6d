//! Timestamps by RFC 3161: an authority's word that a signature existed at a time.

mod token;

use crate::error::{TimestampError, VerifyError};
use crate::evidence::{TimeSource, VerifiedTime};
use crate::material::{Claims, SignedContent};
use crate::trust_root::{Authority, AuthorityCertificate, TrustRoot};

use token::Token;

/// What the timestamp authorities of a root say about material.
#[derive(Debug, Default)]
pub(crate) struct Stamped {
    pub(crate) times: Vec<VerifiedTime>,
    /// How many timestamps are by authorities that the root does not know. Their word is no fact.
    pub(crate) strangers: usize,
}

/// Checks every timestamp of a known authority. One that is not right is an error, also beside a good
/// one or a good log entry. The same token twice says nothing more than once.
pub(crate) fn verify_all(claims: &Claims, root: &TrustRoot) -> Result<Stamped, VerifyError> {
    let mut stamped = Stamped::default();
    for (index, der) in claims.timestamps.iter().enumerate() {
        if claims.timestamps[..index].contains(der) {
            continue;
        }
        let token = Token::read(der).map_err(VerifyError::Timestamp)?;
        match verify(&token, &claims.content, root).map_err(VerifyError::Timestamp)? {
            Some(time) => stamped.times.push(time),
            None => stamped.strangers += 1,
        }
    }
    Ok(stamped)
}

/// Checks `token` against each authority it claims to be by; `None` if there is none.
///
/// The authority that signed must also be the one that was in use: another's window does not help
/// (TOB-SIGSTORE-11).
fn verify(
    token: &Token,
    content: &SignedContent,
    root: &TrustRoot,
) -> Result<Option<VerifiedTime>, TimestampError> {
    let mut refused = None;
    for authority in root.timestamp_authorities() {
        let Some(signer) = Signer::of(token, authority) else {
            continue;
        };
        match verify_by(token, content, authority, &signer) {
            Ok(()) => {
                let source = TimeSource::TimestampAuthority {
                    uri: authority.uri.clone(),
                };
                return Ok(Some(VerifiedTime::new(token.time, source)));
            }
            Err(error) => refused = Some(error),
        }
    }
    refused.map_or(Ok(None), Err)
}

fn verify_by(
    token: &Token,
    content: &SignedContent,
    authority: &Authority,
    signer: &Signer<'_>,
) -> Result<(), TimestampError> {
    // 1. Is it of this signature? cosign's older attestations have their whole envelope stamped.
    let envelope = match content {
        SignedContent::Envelope(envelope) => envelope.json.as_deref(),
        _ => None,
    };
    let is_of = |bytes: &[u8]| token.imprint_is_of(bytes);
    if !is_of(content.signature()) && !envelope.is_some_and(is_of) {
        return Err(TimestampError::Imprint);
    }
    // 2. Did the authority sign it, with a certificate for just that?
    let leaf = signer.certificate();
    token.verify_signature(&leaf.key)?;
    if leaf.extended_usages.as_deref() != Some(&[TIME_STAMPING]) {
        return Err(TimestampError::Usage);
    }
    // 3. Was the authority in use, and all its certificates valid, at the time it states?
    let at = token.time;
    if !authority.window.contains(at) {
        return Err(TimestampError::AuthorityOutsideTime { at });
    }
    let is_valid = |one: &AuthorityCertificate| one.not_before <= at && at <= one.not_after;
    if !is_valid(leaf) || !authority.certificates.iter().all(is_valid) {
        return Err(TimestampError::CertificateOutsideTime { at });
    }
    Ok(())
}

/// The certificate that a token names as its signer, found by issuer and serial number, never by its
/// place (CVE-2026-39984).
enum Signer<'a> {
    /// One of the root.
    Known(&'a AuthorityCertificate),
    /// One that came with the token and was issued by an authority of the root.
    Embedded(Box<AuthorityCertificate>),
}

impl<'a> Signer<'a> {
    fn of(token: &Token, authority: &'a Authority) -> Option<Self> {
        let known = authority.certificates.iter().find(|one| token.names(one));
        if let Some(known) = known {
            return Some(Self::Known(known));
        }
        let issuer = authority
            .certificates
            .first()
            .filter(|one| one.is_authority)?;
        token
            .certificates()
            .filter(|one| token.names(one) && one.issuer == issuer.subject)
            .find(|one| crate::certificate::is_signed_by(&one.der, &issuer.key))
            .map(|one| Self::Embedded(Box::new(one)))
    }

    fn certificate(&self) -> &AuthorityCertificate {
        match self {
            Self::Known(one) => one,
            Self::Embedded(one) => one,
        }
    }
}

/// id-kp-timeStamping (RFC 3161 section 2.3: the only usage there may be).
const TIME_STAMPING: der::oid::ObjectIdentifier =
    der::oid::ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
