//! The story of a verdict.
//!
//! All policies that are about an image must be content. A policy is content when at least one of its
//! authorities vouches and its own rule, if it has one, agrees. Every authority is asked, because the
//! rule sees all that vouched.

use std::collections::BTreeMap;

use countersign_artifact::ImageReference;

use crate::evidence_source::{EvidenceSource, Undecided};
use crate::expression::{Judgement, Limits};
use crate::image_config::{self, ImageConfigError};
use crate::policy::{Policy, PolicyRule, RULE_NAME};
use crate::verdict::{Decision, NoMatch, PolicyResult, PolicyVerdict, Verdict};
use crate::vouching::{Case, Refusal, vouch};
use crate::workload::Workload;

/// Judges `image`, which has a digest, for `workload`.
#[must_use]
pub fn evaluate<P: AsRef<Policy>>(
    policies: impl IntoIterator<Item = P>,
    image: &ImageReference,
    workload: &Workload,
    source: &dyn EvidenceSource,
    no_match: NoMatch,
) -> Verdict {
    evaluate_written(policies, image, image, workload, source, no_match)
}

/// Judges `image`, which has a digest, by the policies that are about `written`: what a person typed may
/// have a tag where a cluster has a digest, and patterns see the difference.
#[must_use]
pub fn evaluate_written<P: AsRef<Policy>>(
    policies: impl IntoIterator<Item = P>,
    written: &ImageReference,
    image: &ImageReference,
    workload: &Workload,
    source: &dyn EvidenceSource,
    no_match: NoMatch,
) -> Verdict {
    let case = image
        .digest()
        .map(|digest| Case::new(image, *digest, workload, source));
    let mut verdicts = Vec::new();
    for policy in policies {
        let policy = policy.as_ref();
        if policy.applies_to(written, workload) {
            verdicts.push(match &case {
                Some(case) => judge(policy, case),
                // Whatever the tag means, it may mean something else when the image is pulled.
                None => refused(
                    policy,
                    vec![format!("{} must be an image digest", image.name())],
                ),
            });
        }
    }
    if verdicts.is_empty() {
        Verdict::unmatched(no_match)
    } else {
        Verdict::of(verdicts)
    }
}

/// What one policy says.
fn judge(policy: &Policy, case: &Case<'_>) -> PolicyVerdict {
    // 1. Is it known which images the policy is about?
    let scope: Vec<String> = policy.scope_faults().map(ToString::to_string).collect();
    if !scope.is_empty() {
        return refused(policy, scope);
    }
    // 2. Who vouches?
    let mut found = Found::default();
    for authority in policy.authorities() {
        match vouch(authority, case) {
            Ok(matched) => {
                found
                    .result
                    .authority_matches
                    .insert(authority.name.clone(), matched);
            }
            Err(refusal) => found.note(refusal),
        }
    }
    if policy.authorities().is_empty() {
        found
            .errors
            .push(format!("failed to process policy: {}", policy.name()));
    }
    if found.result.authority_matches.is_empty() {
        return found.verdict(policy, Decision::Reject);
    }
    // 3. Does the policy's own rule agree with what was found?
    let Some(rule) = policy.rule() else {
        return found.verdict(policy, Decision::Admit);
    };
    match ask_rule(rule, &mut found.result, case) {
        Ok(()) => found.verdict(policy, Decision::Admit),
        Err(refusal) => {
            found.note(refusal);
            found.verdict(policy, Decision::Reject)
        }
    }
}

#[derive(Default)]
struct Found {
    result: PolicyResult,
    errors: Vec<String>,
    undecided: Vec<Undecided>,
}

impl Found {
    fn note(&mut self, refusal: Refusal) {
        match refusal {
            Refusal::Judged(error) => self.errors.push(error),
            Refusal::Undecided { cause, error } => {
                self.errors.push(error);
                self.undecided.push(cause);
            }
        }
    }

    /// A refusal while something could not be judged is none: that might have been what is missing.
    fn verdict(self, policy: &Policy, decision: Decision) -> PolicyVerdict {
        let admitted = decision == Decision::Admit;
        let decision = match decision {
            Decision::Reject if !self.undecided.is_empty() => Decision::Undecided,
            decided => decided,
        };
        PolicyVerdict {
            policy: policy.name().to_owned(),
            mode: policy.mode(),
            decision,
            result: (!self.result.authority_matches.is_empty()).then_some(self.result),
            // Of an admission the reasons of the other authorities tell nothing.
            errors: if admitted { Vec::new() } else { self.errors },
            undecided: self.undecided,
        }
    }
}

fn refused(policy: &Policy, errors: Vec<String>) -> PolicyVerdict {
    Found {
        errors,
        ..Found::default()
    }
    .verdict(policy, Decision::Reject)
}

/// Shows the rule what was found and what it asked to see besides.
fn ask_rule(rule: &PolicyRule, result: &mut PolicyResult, case: &Case<'_>) -> Result<(), Refusal> {
    let expression = match &rule.expression {
        Ok(expression) => expression,
        Err(fault) => return Err(Refusal::Judged(fault.kind.to_string())),
    };
    if rule.with_image_config {
        let configs = case.source.image_configs(case.image);
        let configs = configs.map_err(|cause| Refusal::undecided(cause, "", ""))?;
        let shown = configs.iter().map(|(platform, config)| {
            Ok((
                platform.clone(),
                image_config::as_go_has_it(platform, config)?,
            ))
        });
        let shown: Result<_, ImageConfigError> = shown.collect();
        result.config = Some(shown.map_err(|error| Refusal::Judged(error.to_string()))?);
    }
    let workload = case.workload;
    if rule.with_spec {
        result.spec.clone_from(&workload.spec);
    }
    if rule.with_object_meta {
        result.metadata.clone_from(&workload.metadata);
    }
    if rule.with_type_meta {
        result.type_meta.clone_from(&workload.type_meta);
    }
    let Ok(input) = serde_json::to_vec(&*result) else {
        let detail = format!("failed evaluating policy for {RULE_NAME}: its input is not JSON");
        let cause = Undecided::Rule {
            name: RULE_NAME.to_owned(),
            detail,
        };
        return Err(Refusal::undecided(cause, "", ""));
    };
    refusal_of(
        RULE_NAME,
        expression.judge(&input, case.source.now(), &Limits::default()),
    )
}

/// What a judgement means for the authority or policy that asked.
pub(crate) fn refusal_of(name: &str, judgement: Judgement) -> Result<(), Refusal> {
    match judgement {
        Judgement::Pass => Ok(()),
        Judgement::Fail { error, warning } if error.is_empty() => Err(Refusal::Judged(warning)),
        Judgement::Fail { error, .. } => Err(Refusal::Judged(error)),
        Judgement::CannotJudge { error } => {
            let cause = Undecided::Rule {
                name: name.to_owned(),
                detail: error.clone(),
            };
            Err(Refusal::Undecided { cause, error })
        }
    }
}

/// The policies among `verdict` by name, for programs.
#[must_use]
pub fn results(verdict: &Verdict) -> BTreeMap<&str, &PolicyResult> {
    let results = verdict.policies.iter();
    results
        .filter_map(|one| Some((one.policy.as_str(), one.result.as_ref()?)))
        .collect()
}
