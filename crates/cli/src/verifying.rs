//! From the flags of `verify` and `verify-attestation` to the rules that signatures are judged by.

use std::collections::BTreeMap;

use countersign_client::verify_rules::{
    CertificateLogRule, Check, ClaimRule, LogRule, Rules, TimestampRule, WantedSigner,
};
use countersign_policy::{IdentityPattern, TextPattern, WorkflowClaims};
use countersign_trust::{PublicKey, TrustRoot};
use jiff::Timestamp;

use crate::context::Context;
use crate::failure::{Failure, FlagsDisagree};
use crate::flags::{IdentityFlags, TrustFlags};
use crate::personality::Personality;
use crate::{annotations, keys, signing};

/// What the flags ask for, read and compiled.
pub(crate) struct Wanted {
    signer: Signer,
    trust_root: Option<TrustRoot>,
    trust: TrustFlags,
    annotations: BTreeMap<String, String>,
    now: Timestamp,
}

enum Signer {
    Key(Box<PublicKey>),
    Identities(Vec<IdentityPattern>),
}

impl Wanted {
    /// Reads keys and trust roots and compiles patterns. Nothing is sent.
    ///
    /// # Errors
    /// If flags do not go together, or something they name cannot be used.
    pub(crate) fn of(
        trust: &TrustFlags,
        identity: &IdentityFlags,
        annotations: &[String],
        context: &Context,
        what: &str,
    ) -> Result<Self, Failure> {
        let named = identity.certificate_identity.is_some()
            || identity.certificate_identity_regexp.is_some();
        // 1. Do the flags go together?
        let pattern = match &trust.key {
            Some(_) if named => return Err(Failure::Flags(FlagsDisagree::KeyAndIdentity)),
            Some(_) => None,
            None => Some(pattern(identity, context)?),
        };
        // 2. What is left out is said before anything can fail.
        let ignores_log = trust.insecure_ignore_tlog || trust.private_infrastructure;
        if trust.insecure_ignore_tlog && !trust.private_infrastructure {
            context.output.warn(format!(
                "Skipping tlog verification is an insecure practice that lacks transparency and auditability verification for the {what}."
            ));
        }
        // 3. What they name.
        let annotations = annotations::parse(annotations)?;
        let signer = match (pattern, &trust.key) {
            (Some(pattern), _) => Signer::Identities(vec![pattern]),
            (None, Some(key)) => Signer::Key(Box::new(keys::public(key)?)),
            (None, None) => return Err(Failure::Flags(FlagsDisagree::IdentityMissing)),
        };
        let needs_root =
            matches!(signer, Signer::Identities(_)) || !ignores_log || trust.use_signed_timestamps;
        let named = trust.trusted_root.as_deref();
        let trust_root = if named.is_some() || needs_root {
            Some(signing::trust_root_or_public(named)?)
        } else {
            None
        };
        Ok(Self {
            signer,
            trust_root,
            trust: trust.clone(),
            annotations,
            now: Timestamp::now(),
        })
    }

    /// The time that the judgement is made at.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// The rules.
    pub(crate) fn rules(&self) -> Rules<'_> {
        let signer = match &self.signer {
            Signer::Key(key) => WantedSigner::Key(key),
            Signer::Identities(patterns) => WantedSigner::Identities(patterns),
        };
        let mut rules = Rules::strict(signer, self.trust_root.as_ref());
        if self.trust.insecure_ignore_tlog || self.trust.private_infrastructure {
            rules.log = LogRule::DangerouslyIgnored { now: self.now };
        }
        if self.trust.use_signed_timestamps {
            rules.timestamp = TimestampRule::Required;
        }
        if self.trust.insecure_ignore_sct {
            rules.certificate_log = CertificateLogRule::DangerouslyIgnored;
        }
        if !self.trust.check_claims {
            rules.claims = ClaimRule::DangerouslyUnchecked;
        }
        rules.annotations.clone_from(&self.annotations);
        rules
    }
}

/// Refuses an unknown `--output`. cosign takes any word and prints JSON.
///
/// # Errors
/// If it is neither `json` nor `text`, and the program was not called `cosign`.
pub(crate) fn check_format(asked: &str, context: &Context) -> Result<(), Failure> {
    if context.personality == Personality::Cosign || matches!(asked, "json" | "text") {
        return Ok(());
    }
    Err(Failure::Flags(FlagsDisagree::OutputFormat {
        asked: asked.to_owned(),
    }))
}

/// Says which image was verified and by what, as cosign does.
pub(crate) fn tell(asked: &str, checks: &[Check], context: &Context) {
    context.output.say(format!("\nVerification for {asked} --"));
    context
        .output
        .say("The following checks were performed on each of these signatures:");
    for check in checks {
        let line = match check {
            Check::Annotations => "The specified annotations were verified.",
            Check::Claims => "The cosign claims were validated",
            Check::LogOffline => {
                "Existence of the claims in the transparency log was verified offline"
            }
            Check::Key => "The signatures were verified against the specified public key",
            Check::Certificate => {
                "The code-signing certificate was verified using trusted certificate authority certificates"
            }
        };
        context.output.say(format!("  - {line}"));
    }
}

fn pattern(flags: &IdentityFlags, context: &Context) -> Result<IdentityPattern, Failure> {
    let given = |text: &Option<String>| text.clone().unwrap_or_default();
    let (subject, subject_pattern) = (
        given(&flags.certificate_identity),
        given(&flags.certificate_identity_regexp),
    );
    let (issuer, issuer_pattern) = (
        given(&flags.certificate_oidc_issuer),
        given(&flags.certificate_oidc_issuer_regexp),
    );
    if subject.is_empty() && subject_pattern.is_empty() {
        return Err(Failure::Flags(FlagsDisagree::IdentityMissing));
    }
    if issuer.is_empty() && issuer_pattern.is_empty() {
        return Err(Failure::Flags(FlagsDisagree::IssuerMissing));
    }
    for (flag, expression) in [
        ("--certificate-identity-regexp", &subject_pattern),
        ("--certificate-oidc-issuer-regexp", &issuer_pattern),
    ] {
        warn_of_open_pattern(flag, expression, context);
    }
    let subject =
        TextPattern::compile("subject", &subject, &subject_pattern).map_err(Failure::Identity)?;
    let issuer =
        TextPattern::compile("issuer", &issuer, &issuer_pattern).map_err(Failure::Identity)?;
    Ok(
        IdentityPattern::new(subject, issuer).with_workflow(WorkflowClaims {
            trigger: flags.certificate_github_workflow_trigger.clone(),
            sha: flags.certificate_github_workflow_sha.clone(),
            name: flags.certificate_github_workflow_name.clone(),
            repository: flags.certificate_github_workflow_repository.clone(),
            reference: flags.certificate_github_workflow_ref.clone(),
        }),
    )
}

/// Expressions are found anywhere in the text, as in cosign: `https://github.com/acme/` is in
/// `https://evil.example/https://github.com/acme/` too.
fn warn_of_open_pattern(flag: &str, expression: &str, context: &Context) {
    if !expression.is_empty() && !expression.starts_with('^') && !expression.starts_with("\\A") {
        context.output.warn(format!(
            "the expression of {flag} is found anywhere in an identity, also within that of another host; begin it with ^ to pin its start"
        ));
    }
}
