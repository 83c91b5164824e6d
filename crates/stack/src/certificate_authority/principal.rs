//! From verified claims to what a certificate says about its holder.
//!
//! A public Fulcio types each issuer as one kind. This instance has one issuer that mints both of
//! its kinds, so the claims decide, and a token that could be read as both is refused.

use der::asn1::Ia5String;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;

use super::TokenError;
use super::extensions::{Claim, render};
use super::identity_token::VerifiedClaims;
use crate::certificate::IssueError;

/// Whom a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Principal {
    name: SubjectName,
    subject: String,
    claims: Vec<(Claim, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum SubjectName {
    Email(String),
    Workflow(String),
}

impl Principal {
    pub(super) fn from_claims(claims: &VerifiedClaims) -> Result<Principal, TokenError> {
        match (claims.has("email"), claims.has("job_workflow_ref")) {
            (true, true) => Err(TokenError::TwoIdentities),
            (true, false) => Principal::person(claims),
            (false, true) => Principal::workflow(claims),
            (false, false) => Err(TokenError::NoIdentity),
        }
    }

    /// Fulcio's `email` type.
    fn person(claims: &VerifiedClaims) -> Result<Principal, TokenError> {
        let email = claims.text("email")?;
        if !claims.is_true("email_verified") {
            return Err(TokenError::EmailNotVerified);
        }
        if !is_email(&email) {
            return Err(TokenError::UnusableClaim { claim: "email" });
        }
        let subject = claims.text("sub")?;
        let issuer = claims.text("iss")?;
        Ok(Principal {
            claims: vec![
                (Claim::IssuerV1, issuer.clone()),
                (Claim::Issuer, issuer),
                (Claim::TokenSubject, subject.clone()),
            ],
            name: SubjectName::Email(email),
            subject,
        })
    }

    /// Fulcio's `ci-provider` type with the `github-workflow` templates.
    fn workflow(claims: &VerifiedClaims) -> Result<Principal, TokenError> {
        let text = |name| claims.text(name);
        let issuer = text("iss")?;
        let subject = text("sub")?;
        let uri = |path: &str| format!("{GITHUB}/{path}");
        let job_workflow = uri(&text("job_workflow_ref")?);
        if !is_uri(&job_workflow) {
            return Err(TokenError::UnusableClaim {
                claim: "job_workflow_ref",
            });
        }
        let (event, sha) = (text("event_name")?, text("sha")?);
        let (repository, reference) = (text("repository")?, text("ref")?);
        let run = format!(
            "{repository}/actions/runs/{}/attempts/{}",
            text("run_id")?,
            text("run_attempt")?
        );
        let mut list = vec![
            (Claim::IssuerV1, issuer.clone()),
            (Claim::WorkflowTrigger, event.clone()),
            (Claim::WorkflowSha, sha.clone()),
            (Claim::WorkflowName, text("workflow")?),
            (Claim::WorkflowRepository, repository.clone()),
            (Claim::WorkflowRef, reference.clone()),
            (Claim::Issuer, issuer),
            (Claim::BuildSignerUri, job_workflow.clone()),
            (Claim::BuildSignerDigest, text("job_workflow_sha")?),
            (Claim::RunnerEnvironment, text("runner_environment")?),
            (Claim::SourceRepositoryUri, uri(&repository)),
            (Claim::SourceRepositoryDigest, sha),
            (Claim::SourceRepositoryRef, reference),
            (Claim::SourceRepositoryIdentifier, text("repository_id")?),
            (
                Claim::SourceRepositoryOwnerUri,
                uri(&text("repository_owner")?),
            ),
            (
                Claim::SourceRepositoryOwnerIdentifier,
                text("repository_owner_id")?,
            ),
            (Claim::BuildConfigUri, uri(&text("workflow_ref")?)),
            (Claim::BuildConfigDigest, text("workflow_sha")?),
            (Claim::BuildTrigger, event),
            (Claim::RunInvocationUri, uri(&run)),
            (
                Claim::SourceRepositoryVisibility,
                text("repository_visibility")?,
            ),
        ];
        if let Some(environment) = claims.optional_text("environment")? {
            list.push((Claim::DeploymentEnvironment, environment));
        }
        list.push((Claim::TokenSubject, subject.clone()));
        Ok(Principal {
            name: SubjectName::Workflow(job_workflow),
            subject,
            claims: list,
        })
    }

    /// What the holder signs to prove possession of the key.
    pub(super) fn challenge(&self) -> &str {
        match &self.name {
            SubjectName::Email(email) => email,
            SubjectName::Workflow(_) => &self.subject,
        }
    }

    pub(super) fn general_name(&self) -> Result<GeneralName, IssueError> {
        Ok(match &self.name {
            SubjectName::Email(email) => GeneralName::Rfc822Name(Ia5String::new(email)?),
            SubjectName::Workflow(uri) => {
                GeneralName::UniformResourceIdentifier(Ia5String::new(uri)?)
            }
        })
    }

    pub(super) fn extensions(&self) -> Result<Vec<Extension>, IssueError> {
        let rendered = self.claims.iter();
        rendered
            .map(|(claim, value)| render(*claim, value))
            .collect()
    }
}

/// One `@` between two printable ASCII parts. Not all of RFC 5322: quoted local parts can hide
/// another address from a reader.
fn is_email(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"\"(),:;<>[\\]@".contains(&byte))
    };
    text.len() <= MAX_EMAIL
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| plain(local) && plain(domain))
}

/// Characters a URI may have, so that it is the same text everywhere.
fn is_uri(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
}

/// RFC 5321 §4.5.3.1.3.
const MAX_EMAIL: usize = 254;
/// Where the repositories of the tokens are.
const GITHUB: &str = "https://github.com";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_hide_another_are_refused() {
        assert!(is_email("ada@example.com"));
        for bad in [
            "",
            "ada",
            "@b",
            "a@",
            "a@b@c",
            "a b@c",
            "\"a@b\"@c",
            "ä@b",
            "<a@b>",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
