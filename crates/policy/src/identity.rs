//! Whom a certificate must name.
//!
//! cosign has two meanings, and users' expressions were written against them. With legacy signatures
//! any subject may match and an expression wins over an exact text; with bundles only the first subject
//! counts and both must hold. Expressions are Go's, and unanchored in both.

use std::fmt;

use countersign_go_regex::GoRegex;
use countersign_trust::CertificateIdentity;

use crate::wire;

/// An identity that is asked for: subject and issuer, always both.
#[derive(Clone, Debug)]
pub struct IdentityPattern {
    subject: TextPattern,
    issuer: TextPattern,
    workflow: WorkflowClaims,
}

/// What a text must be.
#[derive(Clone, Debug)]
pub enum TextPattern {
    /// Exactly this.
    Exact(String),
    /// Something this expression is found in.
    Pattern(GoRegex),
    /// Both were given.
    Both {
        /// Exactly this.
        exact: String,
        /// And this expression.
        pattern: GoRegex,
    },
}

/// Claims of a GitHub workflow, exact; `None` asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkflowClaims {
    /// The event, `push`.
    pub trigger: Option<String>,
    /// The commit.
    pub sha: Option<String>,
    /// The workflow's name.
    pub name: Option<String>,
    /// The repository, `owner/name`.
    pub repository: Option<String>,
    /// The ref, `refs/heads/main`.
    pub reference: Option<String>,
}

/// Which of cosign's two meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Of `.sig` and `.att` tags.
    Legacy,
    /// Of Sigstore bundles.
    Bundle,
}

/// How a certificate differs from what was asked for. Rendered in cosign's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityMismatch {
    /// Legacy: none of the identities.
    None {
        /// The subjects of the certificate.
        subjects: Vec<String>,
        /// Its issuer.
        issuer: String,
    },
    /// Legacy: a workflow claim is absent or other.
    Workflow(&'static str),
    /// Bundle: another text.
    Value {
        /// `SAN`, `issuer`.
        what: &'static str,
        /// What was asked for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Bundle: the expression is not found.
    Pattern {
        /// `SAN`, `issuer`.
        what: &'static str,
        /// The expression.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Bundle: a workflow claim differs.
    Claim {
        /// The claim.
        what: &'static str,
        /// What was asked for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Nobody was asked for, so nobody is right.
    NobodyAsked,
}

impl IdentityPattern {
    /// Asks for a subject and an issuer.
    #[must_use]
    pub fn new(subject: TextPattern, issuer: TextPattern) -> Self {
        Self {
            subject,
            issuer,
            workflow: WorkflowClaims::default(),
        }
    }

    /// Asks for claims of a GitHub workflow too.
    #[must_use]
    pub fn with_workflow(mut self, workflow: WorkflowClaims) -> Self {
        self.workflow = workflow;
        self
    }

    /// Reads an identity of a ClusterImagePolicy.
    pub fn compile(identity: &wire::Identity) -> Result<Self, IdentityError> {
        let subject =
            TextPattern::compile("subject", &identity.subject, &identity.subject_reg_exp)?;
        let issuer = TextPattern::compile("issuer", &identity.issuer, &identity.issuer_reg_exp)?;
        Ok(Self::new(subject, issuer))
    }

    /// Tells how `identity` differs, if it does.
    pub fn check(
        &self,
        identity: &CertificateIdentity,
        meaning: Meaning,
    ) -> Result<(), IdentityMismatch> {
        match meaning {
            Meaning::Legacy => self.check_legacy(identity),
            Meaning::Bundle => self.check_bundle(identity),
        }
    }

    fn check_legacy(&self, identity: &CertificateIdentity) -> Result<(), IdentityMismatch> {
        for (name, wanted, found) in self.workflow.pairs(identity) {
            if wanted.is_some_and(|wanted| found != Some(wanted)) {
                return Err(IdentityMismatch::Workflow(name.0));
            }
        }
        let (subjects, issuer) = (identity.subjects(), identity.issuer().unwrap_or_default());
        let subject_fits = subjects
            .iter()
            .any(|subject| self.subject.fits_legacy(subject));
        if subject_fits && self.issuer.fits_legacy(issuer) {
            return Ok(());
        }
        Err(IdentityMismatch::None {
            subjects: subjects.to_vec(),
            issuer: issuer.to_owned(),
        })
    }

    fn check_bundle(&self, identity: &CertificateIdentity) -> Result<(), IdentityMismatch> {
        self.subject
            .check_bundle("SAN", identity.subject().unwrap_or_default())?;
        self.issuer
            .check_bundle("issuer", identity.issuer().unwrap_or_default())?;
        for ((_, what), wanted, found) in self.workflow.pairs(identity) {
            let Some(wanted) = wanted else { continue };
            if found != Some(wanted) {
                return Err(IdentityMismatch::Claim {
                    what,
                    expected: wanted.to_owned(),
                    found: found.unwrap_or_default().to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// Tells whether any of `patterns` names `identity`. No patterns means nobody, never anybody.
pub fn check_any(
    patterns: &[IdentityPattern],
    identity: &CertificateIdentity,
    meaning: Meaning,
) -> Result<(), IdentityMismatch> {
    let mut last = IdentityMismatch::NobodyAsked;
    for pattern in patterns {
        match pattern.check(identity, meaning) {
            Ok(()) => return Ok(()),
            Err(mismatch) => last = mismatch,
        }
    }
    Err(last)
}

/// Why an identity cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Neither a text nor an expression.
    #[error("{0} is missing: give a text or an expression")]
    Missing(&'static str),
    /// The expression is wrong, in Go's words.
    #[error("malformed {what} in identity: {expression} : {error}")]
    Expression {
        /// `subject` or `issuer`.
        what: &'static str,
        /// The expression.
        expression: String,
        /// What is wrong with it.
        error: String,
    },
}

impl TextPattern {
    /// Takes an exact text and an expression, of which empty ones count as absent.
    pub fn compile(
        what: &'static str,
        exact: &str,
        expression: &str,
    ) -> Result<Self, IdentityError> {
        let pattern = match expression {
            "" => None,
            expression => Some(GoRegex::new(expression).map_err(|error| {
                let (expression, error) = (expression.to_owned(), error.to_string());
                IdentityError::Expression {
                    what,
                    expression,
                    error,
                }
            })?),
        };
        match (exact, pattern) {
            ("", None) => Err(IdentityError::Missing(what)),
            (exact, None) => Ok(Self::Exact(exact.to_owned())),
            ("", Some(pattern)) => Ok(Self::Pattern(pattern)),
            (exact, Some(pattern)) => Ok(Self::Both {
                exact: exact.to_owned(),
                pattern,
            }),
        }
    }

    fn fits_legacy(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Pattern(pattern) | Self::Both { pattern, .. } => pattern.is_match(text),
        }
    }

    fn check_bundle(&self, what: &'static str, found: &str) -> Result<(), IdentityMismatch> {
        let (exact, pattern) = match self {
            Self::Exact(exact) => (Some(exact), None),
            Self::Pattern(pattern) => (None, Some(pattern)),
            Self::Both { exact, pattern } => (Some(exact), Some(pattern)),
        };
        if let Some(expected) = exact.filter(|exact| *exact != found) {
            let (expected, found) = (expected.clone(), found.to_owned());
            return Err(IdentityMismatch::Value {
                what,
                expected,
                found,
            });
        }
        if let Some(pattern) = pattern.filter(|pattern| !pattern.is_match(found)) {
            let (expected, found) = (pattern.as_str().to_owned(), found.to_owned());
            return Err(IdentityMismatch::Pattern {
                what,
                expected,
                found,
            });
        }
        Ok(())
    }
}

/// cosign's name of a claim in the legacy texts, and sigstore-go's.
type ClaimName = (&'static str, &'static str);

impl WorkflowClaims {
    fn pairs<'a>(
        &'a self,
        identity: &'a CertificateIdentity,
    ) -> [(ClaimName, Option<&'a str>, Option<&'a str>); 5] {
        let claims = identity.claims();
        [
            (
                ("Trigger", "GithubWorkflowTrigger"),
                self.trigger.as_deref(),
                claims.github_workflow_trigger(),
            ),
            (
                ("SHA", "GithubWorkflowSHA"),
                self.sha.as_deref(),
                claims.github_workflow_sha(),
            ),
            (
                ("Name", "GithubWorkflowName"),
                self.name.as_deref(),
                claims.github_workflow_name(),
            ),
            (
                ("Repository", "GithubWorkflowRepository"),
                self.repository.as_deref(),
                claims.github_workflow_repository(),
            ),
            (
                ("Ref", "GithubWorkflowRef"),
                self.reference.as_deref(),
                claims.github_workflow_ref(),
            ),
        ]
    }
}

impl fmt::Display for IdentityMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None { subjects, issuer } => write!(
                f,
                "none of the expected identities matched what was in the certificate, got subjects [{}] with issuer {issuer}",
                subjects.join(", ")
            ),
            Self::Workflow(name) => {
                write!(
                    f,
                    "expected GitHub Workflow {name} not found in certificate"
                )
            }
            Self::Value {
                what,
                expected,
                found,
            } => write!(
                f,
                "no matching CertificateIdentity found, last error: expected {what} value \"{expected}\", got \"{found}\""
            ),
            Self::Pattern {
                what,
                expected,
                found,
            } => write!(
                f,
                "no matching CertificateIdentity found, last error: expected {what} value to match regex \"{expected}\", got \"{found}\""
            ),
            Self::Claim {
                what,
                expected,
                found,
            } => write!(
                f,
                "no matching CertificateIdentity found, last error: expected {what} to be \"{expected}\", got \"{found}\""
            ),
            Self::NobodyAsked => f.write_str("no matching CertificateIdentity found"),
        }
    }
}
