//! What the engine says about an image.

use std::collections::BTreeMap;

use countersign_trust::Weakening;
use serde::Serialize;
use serde_json::Value;

use crate::evidence_source::Undecided;
use crate::policy::Mode;

/// What the policies say about one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The answer.
    pub decision: Decision,
    /// What each policy that applies says, in the order the policies were given.
    pub policies: Vec<PolicyVerdict>,
    /// Whether no policy applied, so that the answer is [`NoMatch`]'s.
    pub unmatched: bool,
}

/// Yes, no, or that nobody can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Every policy is content.
    Admit,
    /// A policy was judged and is not content.
    Reject,
    /// A policy could not be judged, and none refuses.
    Undecided,
}

/// What to say about images that no policy is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoMatch {
    /// Refuse them; what an unknown word in the configuration means too.
    #[default]
    Deny,
    /// Admit them with a warning.
    Warn,
    /// Admit them.
    Allow,
}

/// What one policy says.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyVerdict {
    /// The policy.
    pub policy: String,
    /// What its refusal means.
    pub mode: Mode,
    /// The answer, before `mode` is looked at.
    pub decision: Decision,
    /// Who vouched; absent when nobody did.
    pub result: Option<PolicyResult>,
    /// Why it refuses, one text a reason, in upstream's words.
    pub errors: Vec<String>,
    /// What could not be judged.
    pub undecided: Vec<Undecided>,
}

impl PolicyVerdict {
    /// Why it is not content, one text a reason; what could not be judged is named where no authority's
    /// words have it already.
    pub fn reasons(&self) -> impl Iterator<Item = String> {
        let undecided = self.undecided.iter().map(ToString::to_string);
        let told = |reason: &str| self.errors.iter().any(|error| error.contains(reason));
        let untold = undecided.filter(move |reason| !told(reason));
        self.errors.iter().cloned().chain(untold)
    }
}

/// policy-controller's `PolicyResult`: what a policy's own rule sees, and what programs read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PolicyResult {
    /// The authorities that vouched, by name.
    #[serde(
        rename = "authorityMatches",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub authority_matches: BTreeMap<String, AuthorityMatch>,
    /// The image's configurations by platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<BTreeMap<String, Value>>,
    /// The object's `spec`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<Value>,
    /// The object's `metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// The object's kind and version.
    #[serde(rename = "typemeta", skip_serializing_if = "Option::is_none")]
    pub type_meta: Option<Value>,
}

/// How an authority vouched.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AuthorityMatch {
    /// Signatures that it made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<SignatureFacts>,
    /// Attestations that it made, by the policy's name for them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attestations: BTreeMap<String, Vec<AttestationFacts>>,
    /// It is a fixed answer.
    #[serde(rename = "static", skip_serializing_if = "std::ops::Not::not")]
    pub fixed: bool,
    /// Checks that were left out because the policy says so. No rule sees them.
    #[serde(skip)]
    pub weakened: Vec<Weakening>,
}

/// What a signature proves about its signer. Empty fields are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignatureFacts {
    /// The hash over signature and certificate.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The first subject of the certificate.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// Its issuer.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub issuer: String,
    /// The event that started the workflow.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub github_workflow_trigger: String,
    /// The commit of the workflow.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub github_workflow_sha: String,
    /// The workflow's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub github_workflow_name: String,
    /// The repository of the workflow.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub github_workflow_repo: String,
    /// The ref of the workflow.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub github_workflow_ref: String,
}

/// What an attestation proves; not what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttestationFacts {
    /// The signature over it.
    #[serde(flatten)]
    pub signature: SignatureFacts,
    /// Its type, as the policy wrote it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub predicate_type: String,
    /// The digest of the blob that holds it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
}

impl NoMatch {
    /// Reads the word of the configuration; unknown words deny.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "allow" => Self::Allow,
            "warn" => Self::Warn,
            _ => Self::Deny,
        }
    }
}

impl Verdict {
    /// The verdict over images that no policy is about.
    #[must_use]
    pub(crate) fn unmatched(no_match: NoMatch) -> Self {
        let decision = match no_match {
            NoMatch::Deny => Decision::Reject,
            NoMatch::Warn | NoMatch::Allow => Decision::Admit,
        };
        Self {
            decision,
            policies: Vec::new(),
            unmatched: true,
        }
    }

    /// The verdict of all policies together: a refusal of one that enforces refuses, else anything
    /// undecided in one that enforces leaves the whole undecided. Each policy answers for itself;
    /// upstream lets the mode of one leak into the next.
    #[must_use]
    pub(crate) fn of(policies: Vec<PolicyVerdict>) -> Self {
        let enforced = |wanted| {
            let mut enforcing = policies.iter().filter(|one| one.mode == Mode::Enforce);
            enforcing.any(|one| one.decision == wanted)
        };
        let decision = if enforced(Decision::Reject) {
            Decision::Reject
        } else if enforced(Decision::Undecided) {
            Decision::Undecided
        } else {
            Decision::Admit
        };
        Self {
            decision,
            policies,
            unmatched: false,
        }
    }

    /// The policies whose failure counts against the image.
    pub fn failures(&self) -> impl Iterator<Item = &PolicyVerdict> {
        self.failing(Mode::Enforce)
    }

    /// The policies whose failure is told and no more.
    pub fn warnings(&self) -> impl Iterator<Item = &PolicyVerdict> {
        self.failing(Mode::Warn)
    }

    fn failing(&self, mode: Mode) -> impl Iterator<Item = &PolicyVerdict> {
        let failing = self
            .policies
            .iter()
            .filter(|one| one.decision != Decision::Admit);
        failing.filter(move |one| one.mode == mode)
    }
}
