//! Identity tokens: who asks for a certificate, as an OpenID Connect issuer says.
//!
//! The certificate authority verifies a token; here it is only read for what the proof of possession
//! must sign. Tokens are passwords for a few minutes and are never printed.

mod ambient;
mod source;

pub use ambient::Ambient;
pub use source::{TokenSource, identity_token};

use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;

use crate::Secret;
use crate::service::Refusal;
use crate::transport::TransportFault;

/// A token, read but not verified.
#[derive(Clone)]
pub struct IdentityToken {
    raw: Secret,
    issuer: String,
    subject: String,
    expires_at: Option<Timestamp>,
}

/// Why there is no identity token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityTokenError {
    /// There is none and nowhere to get one.
    #[error("there is no identity token")]
    NoSource {
        /// Whether this runs in a GitHub workflow, which could have one.
        in_github_actions: bool,
    },
    /// It is larger than any token.
    #[error("an identity token has at most {limit} bytes, found {found}")]
    TooLarge {
        /// The cap.
        limit: usize,
        /// The size.
        found: usize,
    },
    /// It is not a JWT: three parts, of which the second is JSON in base64.
    #[error("it is not a token (JWT)")]
    NotAToken,
    /// A claim is absent.
    #[error("the token has no claim `{claim}`")]
    NoClaim {
        /// Its name.
        claim: &'static str,
    },
    /// Its issuer has not verified the e-mail address, so no certificate is issued for it.
    #[error("the issuer {issuer} has not verified the e-mail address in the token")]
    EmailNotVerified {
        /// The issuer.
        issuer: String,
    },
    /// What was given is neither a token nor a file that can be read.
    #[error("cannot read the token from {}: {kind}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        kind: std::io::ErrorKind,
    },
    /// The URL that the workflow's runner gave is not one.
    #[error("ACTIONS_ID_TOKEN_REQUEST_URL is not a URL")]
    RequestUrl,
    /// GitHub refused.
    #[error("GitHub gave no token: {0}")]
    Refused(Refusal),
    /// GitHub's answer holds no token.
    #[error("GitHub's answer holds no token")]
    NoValue,
    /// GitHub did not answer.
    #[error("GitHub gave no token: {0}")]
    Transport(#[from] TransportFault),
}

impl IdentityToken {
    /// Reads a token in its compact form. White space around it is let be.
    pub fn parse(raw: Secret) -> Result<Self, IdentityTokenError> {
        let text = raw.expose().trim();
        if text.len() > MAX_TOKEN {
            let (limit, found) = (MAX_TOKEN, text.len());
            return Err(IdentityTokenError::TooLarge { limit, found });
        }
        // Counted before anything is split (CVE-2025-66506).
        if text.bytes().filter(|byte| *byte == b'.').count() != 2 {
            return Err(IdentityTokenError::NotAToken);
        }
        let payload = text.split('.').nth(1).unwrap_or_default();
        let payload = URL_SAFE_NO_PAD
            .decode(payload)
            .map_err(|_| IdentityTokenError::NotAToken)?;
        let claims: Claims =
            serde_json::from_slice(&payload).map_err(|_| IdentityTokenError::NotAToken)?;
        let issuer = required("iss", claims.issuer)?;
        let subject = match claims.email.filter(|email| !email.is_empty()) {
            Some(_) if !claims.email_verified.is_some_and(|found| found.0) => {
                return Err(IdentityTokenError::EmailNotVerified { issuer });
            }
            Some(email) => email,
            None => required("sub", claims.subject)?,
        };
        let expires_at = claims
            .expires
            .and_then(|at| Timestamp::from_second(at as i64).ok());
        Ok(Self {
            raw: Secret::new(text),
            issuer,
            subject,
            expires_at,
        })
    }

    /// The token itself; whoever takes it must not print it.
    #[must_use]
    pub fn raw(&self) -> &Secret {
        &self.raw
    }

    /// Who issued it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What the proof of possession signs: the e-mail address, else the subject (fulcio.md 4.2).
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// When it stops being one.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

impl fmt::Debug for IdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            issuer, subject, ..
        } = self;
        write!(f, "IdentityToken({subject} by {issuer})")
    }
}

fn required(claim: &'static str, found: Option<String>) -> Result<String, IdentityTokenError> {
    found
        .filter(|text| !text.is_empty())
        .ok_or(IdentityTokenError::NoClaim { claim })
}

#[derive(Deserialize)]
struct Claims {
    #[serde(rename = "iss")]
    issuer: Option<String>,
    #[serde(rename = "sub")]
    subject: Option<String>,
    email: Option<String>,
    email_verified: Option<Truth>,
    #[serde(rename = "exp")]
    expires: Option<f64>,
}

/// Some issuers write `"true"`.
#[derive(Clone, Copy, Deserialize)]
#[serde(from = "serde_json::Value")]
struct Truth(bool);

impl From<serde_json::Value> for Truth {
    fn from(value: serde_json::Value) -> Self {
        Self(value == true || value == "true")
    }
}

/// GitHub's have 2 KB; the largest that Kubernetes and GitLab make have some more.
const MAX_TOKEN: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> Result<IdentityToken, IdentityTokenError> {
        let claims = URL_SAFE_NO_PAD.encode(claims);
        IdentityToken::parse(Secret::new(format!("e30.{claims}.c2ln\n")))
    }

    #[test]
    fn what_is_signed() {
        let found = token(r#"{"iss":"i","sub":"s","exp":1.5}"#).unwrap();
        assert_eq!((found.issuer(), found.subject()), ("i", "s"));
        assert_eq!(found.expires_at(), Timestamp::from_second(1).ok());
        assert!(!found.raw().expose().ends_with('\n'));
        for verified in ["true", "\"true\""] {
            let claims =
                format!(r#"{{"iss":"i","sub":"s","email":"a@b.c","email_verified":{verified}}}"#);
            assert_eq!(token(&claims).unwrap().subject(), "a@b.c");
        }
        assert!(!format!("{found:?}").contains("e30"));
    }

    #[test]
    fn refused() {
        let not_a_token = Some(IdentityTokenError::NotAToken);
        for text in ["", "a.b", "a.b.c.d", "a.!.c", "a..c", &".".repeat(60_000)] {
            assert_eq!(
                IdentityToken::parse(Secret::new(text)).err(),
                not_a_token,
                "{text}"
            );
        }
        let missing = |claim| Some(IdentityTokenError::NoClaim { claim });
        assert_eq!(token("{}").err(), missing("iss"));
        assert_eq!(token(r#"{"iss":"i"}"#).err(), missing("sub"));
        for email in [
            r#""email":"a@b.c""#,
            r#""email":"a@b.c","email_verified":false"#,
        ] {
            let issuer = "i".to_owned();
            assert_eq!(
                token(&format!(r#"{{"iss":"i","sub":"s",{email}}}"#)).err(),
                Some(IdentityTokenError::EmailNotVerified { issuer })
            );
        }
        assert!(matches!(
            IdentityToken::parse(Secret::new("x".repeat(70_000))),
            Err(IdentityTokenError::TooLarge { .. })
        ));
    }
}
