//! `verify-attestation`: who says what about this image?

use countersign_artifact::{Digest, ImageReference};
use countersign_policy::expression::{Expression, Judgement, Limits};
use countersign_trust::{Content, Evidence, Material, PredicateType, Shape, Statement};
use jiff::Timestamp;

use crate::cosign_output;
use crate::material::{Gathered, Place, Wanted, gather};
use crate::registry::{Client, RegistryError};
use crate::verify_image::reasons;
use crate::verify_rules::{Check, Leniency, Refused, Rules};

/// What is asked of attestations besides their signatures.
#[derive(Clone, Copy, Debug)]
pub struct AttestationQuestion<'a> {
    /// Only those of this type count.
    pub predicate_type: &'a PredicateType,
    /// What each of them must fulfil.
    pub rules: &'a [Expression],
    /// The time that rules see.
    pub now: Timestamp,
}

/// An image with attestations that count.
#[derive(Debug)]
pub struct VerifiedAttestations {
    /// As it was asked for.
    pub asked: ImageReference,
    /// Its digest.
    pub digest: Digest,
    /// The attestations that count, at least one.
    pub attestations: Vec<VerifiedAttestation>,
    /// What was there besides and does not count.
    pub refused: Vec<Refused>,
    /// What every one of the attestations has passed.
    pub checks: Vec<Check>,
}

/// An attestation that counts.
#[derive(Debug)]
pub struct VerifiedAttestation {
    evidence: Evidence,
    statement: Statement,
    leniencies: Vec<Leniency>,
}

/// What a rule says against an attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFailure {
    /// The rule.
    pub rule: String,
    /// What it says.
    pub error: String,
}

/// Why attestations are not verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyAttestationError {
    /// The registry, not the attestations.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// What is asked for needs a trust root, and none was given.
    #[error("a trust root is needed to verify identities, logs and times")]
    NoTrustRoot,
    /// There are no attestations.
    #[error("no attestations found")]
    NoAttestations {
        /// The image.
        image: ImageReference,
    },
    /// There are attestations, and none counts.
    #[error("no matching attestations: {}", reasons(refused))]
    NoneMatched {
        /// The image.
        image: ImageReference,
        /// Why each does not count.
        refused: Vec<Refused>,
    },
    /// Those that count are of other types.
    #[error("none of the attestations matched the predicate type: {wanted}, found: {}", found.join(","))]
    NoneOfType {
        /// The image.
        image: ImageReference,
        /// The type asked for.
        wanted: String,
        /// The types that are there.
        found: Vec<String>,
    },
    /// At least one attestation does not fulfil a rule. One is enough: whoever could push a good one
    /// beside it must not hide it.
    #[error("{} validation errors occurred", failures.len())]
    RuleFailed {
        /// The image.
        image: ImageReference,
        /// What each rule says.
        failures: Vec<RuleFailure>,
    },
    /// A rule could not be asked; this is no judgement.
    #[error("the rule {} cannot be asked: {}", failure.rule, failure.error)]
    Undecided {
        /// The image.
        image: ImageReference,
        /// Which, and why.
        failure: RuleFailure,
    },
}

impl VerifiedAttestation {
    /// What it proves.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// What it says.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// What was not asked of it.
    #[must_use]
    pub fn leniencies(&self) -> &[Leniency] {
        &self.leniencies
    }

    /// Its envelope in one line, as `cosign verify-attestation` prints it.
    #[must_use]
    pub fn cosign_json(&self) -> String {
        cosign_output::envelope(&self.evidence, &self.statement)
    }
}

/// Verifies that `image` has attestations as `rules` and `question` ask.
pub async fn verify_attestation(
    registry: &Client,
    image: &ImageReference,
    place: &Place,
    rules: &Rules<'_>,
    question: AttestationQuestion<'_>,
) -> Result<VerifiedAttestations, VerifyAttestationError> {
    if rules.need_root() && rules.trust_root.is_none() {
        return Err(VerifyAttestationError::NoTrustRoot);
    }
    let gathered = gather(registry, image, Wanted::Attestations, place).await?;
    judge_attestations(image, &gathered, rules, question)
}

/// Judges the attestations that were gathered, wherever that was.
pub fn judge_attestations(
    asked: &ImageReference,
    gathered: &Gathered,
    rules: &Rules<'_>,
    question: AttestationQuestion<'_>,
) -> Result<VerifiedAttestations, VerifyAttestationError> {
    if rules.need_root() && rules.trust_root.is_none() {
        return Err(VerifyAttestationError::NoTrustRoot);
    }
    let image = || gathered.image.clone();
    let claimed = |one: &&Material| matches!(one.shape(), Shape::Attestation | Shape::Unreadable);
    let counting: Vec<&Material> = gathered.material.iter().filter(claimed).collect();
    if counting.is_empty() {
        return Err(VerifyAttestationError::NoAttestations { image: image() });
    }
    // 1. Which are by whom we want?
    let (proven, refused) = prove(&counting, &gathered.digest, rules);
    if proven.is_empty() {
        return Err(VerifyAttestationError::NoneMatched {
            image: image(),
            refused,
        });
    }
    // 2. Which of them say something of the kind that is asked for?
    let wanted = question.predicate_type.uri();
    let (attestations, others): (Vec<_>, Vec<_>) = proven
        .into_iter()
        .partition(|one| one.statement.predicate_type() == wanted);
    if attestations.is_empty() {
        let mut found: Vec<String> = others
            .iter()
            .map(|one| one.statement.predicate_type().to_owned())
            .collect();
        found.sort();
        found.dedup();
        let wanted = wanted.to_owned();
        return Err(VerifyAttestationError::NoneOfType {
            image: image(),
            wanted,
            found,
        });
    }
    // 3. Is it what the rules want to hear?
    ask_rules(&attestations, question, &gathered.image)?;
    let checks = rules.checks(attestations.iter().map(|one| &one.evidence));
    Ok(VerifiedAttestations {
        asked: asked.clone(),
        digest: gathered.digest,
        attestations,
        refused,
        checks,
    })
}

fn prove(
    material: &[&Material],
    digest: &Digest,
    rules: &Rules<'_>,
) -> (Vec<VerifiedAttestation>, Vec<Refused>) {
    let (mut proven, mut refused) = (Vec::new(), Vec::new());
    for one in material {
        match rules.judge(one, digest) {
            Ok(evidence) => {
                // A claim of another kind that turned out to be none is nothing that was asked for.
                let Content::Statement(statement) = evidence.content() else {
                    continue;
                };
                proven.push(VerifiedAttestation {
                    statement: statement.clone(),
                    leniencies: rules.leniencies(&evidence),
                    evidence,
                });
            }
            Err(reason) => refused.push(reason),
        }
    }
    (proven, refused)
}

fn ask_rules(
    attestations: &[VerifiedAttestation],
    question: AttestationQuestion<'_>,
    image: &ImageReference,
) -> Result<(), VerifyAttestationError> {
    let (mut failures, limits) = (Vec::new(), Limits::default());
    for attestation in attestations {
        for rule in question.rules {
            let failure = |error| RuleFailure {
                rule: rule.name().to_owned(),
                error,
            };
            match rule.judge(attestation.statement.payload(), question.now, &limits) {
                Judgement::Pass => {}
                Judgement::Fail { error, warning } => {
                    failures.push(failure(if error.is_empty() { warning } else { error }));
                }
                Judgement::CannotJudge { error } => {
                    let (image, failure) = (image.clone(), failure(error));
                    return Err(VerifyAttestationError::Undecided { image, failure });
                }
            }
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(VerifyAttestationError::RuleFailed {
        image: image.clone(),
        failures,
    })
}
