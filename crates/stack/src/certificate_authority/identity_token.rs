//! Checking identity tokens, in Fulcio's order.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::CertificateAuthority;
use crate::identity_provider::ALGORITHM;
use crate::identity_provider::token::AUDIENCE;

/// The claims of a token whose signature, issuer, audience and time are right. Made here only.
#[derive(Debug)]
pub(super) struct VerifiedClaims(Map<String, Value>);

impl VerifiedClaims {
    /// A claim that is a text, or a whole number written as one.
    pub(super) fn text(&self, name: &'static str) -> Result<String, TokenError> {
        let found = match self.0.get(name) {
            Some(Value::String(text)) => text.clone(),
            // Whole numbers only: 1e6 and 1000000 are the same claim and must be the same text.
            Some(Value::Number(number)) if number.is_u64() || number.is_i64() => number.to_string(),
            _ => return Err(TokenError::MissingClaim { claim: name }),
        };
        if found.is_empty() {
            return Err(TokenError::MissingClaim { claim: name });
        }
        // Claims go into certificates and there into identities that are compared as text: what
        // cannot be seen, or is not one line, has no place there.
        if found.len() > MAX_CLAIM || found.chars().any(char::is_control) {
            return Err(TokenError::UnusableClaim { claim: name });
        }
        Ok(found)
    }

    /// As [`text`](VerifiedClaims::text), when the claim may be absent or empty.
    pub(super) fn optional_text(&self, name: &'static str) -> Result<Option<String>, TokenError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(_) => self.text(name).map(Some),
        }
    }

    /// A yes, as a boolean or in words: providers differ.
    pub(super) fn is_true(&self, name: &str) -> bool {
        match self.0.get(name) {
            Some(Value::Bool(yes)) => *yes,
            Some(Value::String(text)) => text == "true",
            _ => false,
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl CertificateAuthority {
    /// Checks `token` as [`issue`](CertificateAuthority::issue) does.
    pub(super) fn verify_token(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<VerifiedClaims, TokenError> {
        // The dots are counted before anything is split: a token of a million dots must cost
        // nothing (CVE-2025-66506).
        if token.len() > MAX_TOKEN {
            return Err(TokenError::TooLong);
        }
        if token.bytes().filter(|byte| *byte == b'.').count() != 2 {
            return Err(TokenError::NotThreeParts);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::NotThreeParts)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::NotThreeParts)?;
        let claims: Map<String, Value> = decode(claims).ok_or(TokenError::Unreadable)?;

        // Unverified until the signature is; it only picks the key, of which there is one.
        let issuer = claims
            .get("iss")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if issuer != self.issuer {
            let found = issuer.chars().take(MAX_ISSUER_SHOWN).collect();
            return Err(TokenError::UnknownIssuer { issuer: found });
        }
        // The algorithm is ours to choose, not the sender's: `none`, and HS256 with the public
        // key as the secret, end here.
        let header: Header = decode(header).ok_or(TokenError::Unreadable)?;
        if header.alg != ALGORITHM {
            return Err(TokenError::AlgorithmRefused);
        }
        if header.crit.is_some() {
            return Err(TokenError::Unreadable);
        }
        if header.kid.is_some_and(|kid| kid != self.issuer_key_id) {
            return Err(TokenError::UnknownKey);
        }
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| TokenError::Unreadable)?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.issuer_key)
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| TokenError::BadSignature)?;

        let claims = check_audience_and_time(claims, now.as_second())?;
        Ok(VerifiedClaims(claims))
    }
}

fn check_audience_and_time(
    claims: Map<String, Value>,
    now: i64,
) -> Result<Map<String, Value>, TokenError> {
    let meant_for_us = match claims.get("aud") {
        Some(Value::String(audience)) => audience == AUDIENCE,
        Some(Value::Array(audiences)) => audiences.iter().any(|one| one == AUDIENCE),
        _ => false,
    };
    if !meant_for_us {
        return Err(TokenError::WrongAudience);
    }
    let expires = claims
        .get("exp")
        .and_then(Value::as_i64)
        .ok_or(TokenError::MissingClaim { claim: "exp" })?;
    if now >= expires {
        return Err(TokenError::Expired);
    }
    if let Some(not_before) = claims.get("nbf") {
        let not_before = not_before.as_i64().ok_or(TokenError::Unreadable)?;
        if now.saturating_add(CLOCK_SKEW) < not_before {
            return Err(TokenError::NotYetValid);
        }
    }
    Ok(claims)
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood (RFC 7515 §4.1.11); we understand none.
    crit: Option<Value>,
}

fn decode<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Why an identity token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("there is none")]
    Absent,
    #[error("it is longer than any identity token")]
    TooLong,
    #[error("it does not have three parts")]
    NotThreeParts,
    #[error("a part of it is no base64url or no JSON object")]
    Unreadable,
    #[error("its issuer {issuer:?} is not the one of this instance")]
    UnknownIssuer { issuer: String },
    #[error("its signature algorithm is not {ALGORITHM}")]
    AlgorithmRefused,
    #[error("its key is not one of the issuer's")]
    UnknownKey,
    #[error("its signature does not verify")]
    BadSignature,
    #[error("its audience is not {AUDIENCE:?}")]
    WrongAudience,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    NotYetValid,
    #[error("it has no usable claim {claim:?}")]
    MissingClaim { claim: &'static str },
    #[error("its claim {claim:?} cannot stand in a certificate")]
    UnusableClaim { claim: &'static str },
    #[error("its e-mail address is not verified")]
    EmailNotVerified,
    #[error("it claims to be a person and a workflow at once")]
    TwoIdentities,
    #[error("it names neither a person nor a workflow")]
    NoIdentity,
}

/// Tokens of real providers stay under 4 KiB.
const MAX_TOKEN: usize = 16 << 10;
/// Longest claim that goes into a certificate.
const MAX_CLAIM: usize = 1024;
const MAX_ISSUER_SHOWN: usize = 200;
/// Seconds a token may be from the future.
const CLOCK_SKEW: i64 = 5;
