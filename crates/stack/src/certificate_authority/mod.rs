//! The certificate authority: turns an identity token and a proof of possession into a
//! ten-minute certificate, and speaks Fulcio's protocol.

mod extensions;
mod http;
mod identity_token;
mod principal;
mod request;

pub(crate) use http::router;

use std::sync::Arc;

use const_oid::ObjectIdentifier;
use der::asn1::OctetString;
use jiff::{SignedDuration, Timestamp};
use x509_cert::ext::pkix::KeyUsages;
use x509_cert::name::Name;

use crate::certificate::{
    IssueError, Issuer, Purpose, authority_key_identifier, extended_key_usage, extension,
    key_identifier, key_usage, subject_alternative_name, subject_key_identifier,
};
use crate::certificate_transparency::leaf::POISON;
use crate::certificate_transparency::{CertificateLog, SignedCertificateTimestamp, SubmitError};
use crate::public_key::PublicKey;
use crate::service_keys::Authority;
use crate::signing_key::RsaKey;
pub(crate) use identity_token::TokenError;
use principal::Principal;
use request::SigningRequest;

/// The authority, the log its certificates go to, and the issuer whose tokens it believes.
#[derive(Debug)]
pub(crate) struct CertificateAuthority {
    authority: Authority,
    log: Arc<CertificateLog>,
    /// Our own identity provider: the only one. No token makes this process open a connection.
    issuer: String,
    /// PKCS#1 public key of that issuer, and its `kid`.
    issuer_key: Vec<u8>,
    issuer_key_id: String,
}

impl CertificateAuthority {
    pub(crate) fn new(
        authority: Authority,
        log: Arc<CertificateLog>,
        issuer: &str,
        issuer_key: &RsaKey,
    ) -> CertificateAuthority {
        CertificateAuthority {
            authority,
            log,
            issuer: issuer.to_owned(),
            issuer_key: issuer_key.public_pkcs1().to_vec(),
            issuer_key_id: crate::identity_provider::key_id(issuer_key),
        }
    }

    /// Issues a certificate, and gives its chain: leaf, authority, root, as DER.
    pub(crate) async fn issue(
        &self,
        request: &SigningRequest,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, IssuanceError> {
        // 1. Who is asking? Signature, issuer, audience and time, before anything else is read.
        let claims = self.verify_token(&request.token, now)?;
        // 2. What may the certificate say? One name and the claims of this kind of identity.
        let principal = Principal::from_claims(&claims)?;
        // 3. Do they hold the key?
        let key = request.proven_key(principal.challenge())?;
        // 4. Into the log, then the certificate: no certificate exists that is not logged.
        let leaf = self.certify(&principal, &key, now).await?;
        let mut chain = vec![leaf];
        chain.extend(self.authority.chain.iter().cloned());
        Ok(chain)
    }

    async fn certify(
        &self,
        principal: &Principal,
        key: &PublicKey,
        now: Timestamp,
    ) -> Result<Vec<u8>, IssuanceError> {
        let issuer = Issuer::of(&self.authority.key, &self.authority.certificate)?;
        let spki = key.spki().clone();
        let key_identifier = key_identifier(&spki)?;
        let mut body = issuer.body(Name::default(), spki, now, now + LIFETIME)?;
        let mut shared = vec![
            key_usage(KeyUsages::DigitalSignature.into())?,
            extended_key_usage(Purpose::CodeSigning, false)?,
            subject_key_identifier(&key_identifier)?,
            authority_key_identifier(&issuer.key_identifier)?,
            subject_alternative_name(principal.general_name()?)?,
        ];
        shared.extend(principal.extensions()?);

        // The two certificates differ in the last extension alone: same serial number, same dates.
        body.extensions = Some(shared.clone());
        let mut precertificate = body.clone();
        if let Some(extensions) = &mut precertificate.extensions {
            extensions.push(extension(POISON, true, &der::asn1::Null)?);
        }
        let sct = self
            .log
            .add_precertificate(&issuer.sign(precertificate)?)
            .await?;
        shared.push(sct_list(&sct)?);
        body.extensions = Some(shared);
        Ok(issuer.sign(body)?)
    }

    /// The chain every leaf ends with: authority, root.
    pub(crate) fn chain(&self) -> &[Vec<u8>] {
        &self.authority.chain
    }
}

/// Why no certificate was issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IssuanceError {
    #[error("There was an error processing the identity token: {0}")]
    Token(#[from] TokenError),
    #[error(transparent)]
    Request(#[from] request::RequestError),
    #[error("Error entering certificate in CTL: {0}")]
    Log(#[from] SubmitError),
    #[error("error communicating with CA backend: {0}")]
    Issue(#[from] IssueError),
}

fn sct_list(sct: &SignedCertificateTimestamp) -> Result<x509_cert::ext::Extension, IssueError> {
    let list = OctetString::new(sct.list())?;
    extension(SCT_LIST, false, &list)
}

/// RFC 6962 §3.3.
const SCT_LIST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.2");
/// Long enough to sign, too short to be worth stealing.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
