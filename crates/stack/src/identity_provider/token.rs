//! Identity tokens of the embedded issuer, made from its data folder alone.
//!
//! ```no_run
//! # fn main() -> Result<(), countersign_stack::token::MintError> {
//! use std::path::Path;
//! use countersign_stack::token;
//! let dir = Path::new("sigstore");
//! let person = token::email(dir, "ada@example.com")?;
//! let workflow = token::github_workflow(dir, &token::GithubWorkflow::new("octo/app"))?;
//! # Ok(()) }
//! ```

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{ALGORITHM, key_id};
use crate::endpoints::{Endpoints, EndpointsError};
use crate::service_keys::{ServiceKeysError, open_identity_provider};
use crate::signing_key::{KeyError, RsaKey, random};

/// A token that says its holder controls the verified address `email`. Valid for half an hour.
pub fn email(dir: &Path, email: &str) -> Result<String, MintError> {
    Issuer::open(dir)?.email(email)
}

/// A token with the claims GitHub gives a workflow run. Valid for five minutes, as GitHub's.
pub fn github_workflow(dir: &Path, workflow: &GithubWorkflow) -> Result<String, MintError> {
    Issuer::open(dir)?.github_workflow(workflow)
}

/// The issuer of one data folder, for callers who need more than the two usual tokens.
#[derive(Debug)]
pub struct Issuer {
    url: String,
    key: RsaKey,
}

impl Issuer {
    /// Opens the issuer's key. The stack need not run, but must have been started once.
    pub fn open(dir: &Path) -> Result<Issuer, MintError> {
        let url = Endpoints::read(dir)?.issuer;
        let key = open_identity_provider(dir)?;
        Ok(Issuer { url, key })
    }

    /// The `iss` of the tokens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// As [`email`].
    pub fn email(&self, email: &str) -> Result<String, MintError> {
        let mut claims = self.standard_claims(EMAIL_LIFETIME)?;
        claims.insert("sub".into(), email.into());
        claims.insert("email".into(), email.into());
        claims.insert("email_verified".into(), true.into());
        self.sign(&claims)
    }

    /// As [`github_workflow`].
    pub fn github_workflow(&self, workflow: &GithubWorkflow) -> Result<String, MintError> {
        let mut claims = self.standard_claims(WORKFLOW_LIFETIME)?;
        claims.append(&mut workflow.claims());
        self.sign(&claims)
    }

    /// `iss`, `aud`, `iat`, `nbf`, `exp` and `jti` of a token made now; add the rest and
    /// [`sign`](Issuer::sign) it.
    pub fn standard_claims(&self, lifetime: i64) -> Result<Map<String, Value>, MintError> {
        let now = Timestamp::now().as_second();
        let claims = json!({
            "iss": self.url,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "jti": hex::encode(random::<16>()?),
        });
        match claims {
            Value::Object(claims) => Ok(claims),
            _ => Ok(Map::new()),
        }
    }

    /// Signs exactly these claims, sensible or not: tests of the refusals need the others.
    pub fn sign(&self, claims: &Map<String, Value>) -> Result<String, MintError> {
        let header = json!({"alg": ALGORITHM, "kid": key_id(&self.key), "typ": "JWT"});
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!(
            "{}.{}",
            encode(&header),
            encode(&Value::Object(claims.clone()))
        );
        let signature = self.key.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A run of a GitHub Actions workflow, as its identity token tells it.
///
/// [`GithubWorkflow::new`] gives a push to `main` running `.github/workflows/release.yml`; change
/// the fields that matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubWorkflow {
    /// `OWNER/NAME`.
    pub repository: String,
    /// The workflow's `name:`.
    pub workflow: String,
    /// The workflow's file in the repository.
    pub file: String,
    /// The git reference that runs, `refs/heads/…` or `refs/tags/…`.
    pub reference: String,
    /// The commit.
    pub sha: String,
    /// What started it: `push`, `workflow_dispatch`, `pull_request`, …
    pub event: String,
    /// The deployment environment of the job, if it has one.
    pub environment: Option<String>,
    /// A reusable workflow that does the signing, as `OWNER/NAME/FILE@REF`: then it, and not
    /// `file`, is the name in the certificate.
    pub reusable_workflow: Option<String>,
}

impl GithubWorkflow {
    /// A push to `main` of `repository` (`OWNER/NAME`).
    pub fn new(repository: impl Into<String>) -> GithubWorkflow {
        GithubWorkflow {
            repository: repository.into(),
            workflow: "Release".into(),
            file: ".github/workflows/release.yml".into(),
            reference: "refs/heads/main".into(),
            sha: "0f2b9c1d8e7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c".into(),
            event: "push".into(),
            environment: None,
            reusable_workflow: None,
        }
    }

    /// Reads `OWNER/NAME`, `OWNER/NAME@REF`, or `OWNER/NAME/FILE@REF` as GitHub writes a workflow.
    pub fn parse(text: &str) -> Result<GithubWorkflow, MintError> {
        let fail = || MintError::NotAWorkflow { text: text.into() };
        let (path, reference) = match text.split_once('@') {
            Some((path, reference)) => (path, Some(reference)),
            None => (text, None),
        };
        let mut parts = path.splitn(3, '/');
        let (Some(owner), Some(name)) = (parts.next(), parts.next()) else {
            return Err(fail());
        };
        if owner.is_empty() || name.is_empty() {
            return Err(fail());
        }
        let mut workflow = GithubWorkflow::new(format!("{owner}/{name}"));
        if let Some(file) = parts.next() {
            if file.is_empty() || reference.is_none() {
                return Err(fail());
            }
            workflow.file = file.into();
        }
        if let Some(reference) = reference {
            if !reference.starts_with("refs/") {
                return Err(fail());
            }
            workflow.reference = reference.into();
        }
        Ok(workflow)
    }

    /// The URI that names this workflow in a certificate, when its issuer is believed.
    pub fn identity(&self) -> String {
        format!("https://github.com/{}", self.job_workflow_ref())
    }

    fn job_workflow_ref(&self) -> String {
        match &self.reusable_workflow {
            Some(reusable) => reusable.clone(),
            None => self.workflow_ref(),
        }
    }

    fn workflow_ref(&self) -> String {
        format!("{}/{}@{}", self.repository, self.file, self.reference)
    }

    /// The claims GitHub documents, every value a string.
    fn claims(&self) -> Map<String, Value> {
        let owner = self.repository.split('/').next().unwrap_or_default();
        let (ref_type, short) = match self.reference.strip_prefix("refs/tags/") {
            Some(tag) => ("tag", tag),
            None => ("branch", self.reference.trim_start_matches("refs/heads/")),
        };
        let repository = &self.repository;
        let subject = match (&self.environment, self.event.as_str()) {
            (Some(environment), _) => format!(
                "repo:{repository}:environment:{}",
                environment.replace(':', "%3A")
            ),
            (None, "pull_request") => format!("repo:{repository}:pull_request"),
            (None, _) => format!("repo:{repository}:ref:{}", self.reference),
        };
        let head = if self.event == "pull_request" {
            short
        } else {
            ""
        };
        let mut claims = Map::new();
        for (name, value) in [
            ("sub", subject.as_str()),
            ("ref", &self.reference),
            ("sha", &self.sha),
            ("repository", repository),
            ("repository_id", "740011"),
            ("repository_owner", owner),
            ("repository_owner_id", "65001"),
            ("repository_visibility", "public"),
            ("run_id", "1658821493"),
            ("run_number", "10"),
            ("run_attempt", "1"),
            ("runner_environment", "github-hosted"),
            ("actor", "octocat"),
            ("actor_id", "12"),
            ("workflow", &self.workflow),
            ("workflow_ref", &self.workflow_ref()),
            ("workflow_sha", &self.sha),
            ("head_ref", head),
            ("base_ref", if head.is_empty() { "" } else { "main" }),
            ("event_name", &self.event),
            ("ref_type", ref_type),
            ("ref_protected", "false"),
            ("job_workflow_ref", &self.job_workflow_ref()),
            ("job_workflow_sha", &self.sha),
        ] {
            claims.insert(name.into(), value.into());
        }
        if let Some(environment) = &self.environment {
            claims.insert("environment".into(), environment.as_str().into());
        }
        claims
    }
}

/// Why no token was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The issuer's address is not known: was a stack ever started with this folder?
    #[error(transparent)]
    Endpoints(#[from] EndpointsError),
    /// The issuer's key cannot be read.
    #[error(transparent)]
    Keys(#[from] ServiceKeysError),
    /// The key failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A workflow that is neither `OWNER/NAME` nor `OWNER/NAME/FILE@refs/…`.
    #[error("{text:?} is no workflow: expected OWNER/NAME or OWNER/NAME/FILE@refs/...")]
    NotAWorkflow {
        /// What was given.
        text: String,
    },
}

/// The audience that certificate authorities of Sigstore ask for.
pub(crate) const AUDIENCE: &str = "sigstore";
const EMAIL_LIFETIME: i64 = 1800;
const WORKFLOW_LIFETIME: i64 = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workflows_are_read_as_github_writes_them() {
        let full = GithubWorkflow::parse("octo/app/.github/workflows/ci.yml@refs/tags/v1").unwrap();
        assert_eq!(full.repository, "octo/app");
        assert_eq!(
            full.identity(),
            "https://github.com/octo/app/.github/workflows/ci.yml@refs/tags/v1"
        );
        assert_eq!(full.claims()["ref_type"], "tag");
        assert_eq!(full.claims()["sub"], "repo:octo/app:ref:refs/tags/v1");
        assert_eq!(
            GithubWorkflow::parse("octo/app").unwrap(),
            GithubWorkflow::new("octo/app")
        );
        for bad in [
            "",
            "octo",
            "/app",
            "octo/",
            "octo/app/ci.yml",
            "octo/app@main",
        ] {
            assert!(GithubWorkflow::parse(bad).is_err(), "{bad}");
        }
    }
}
