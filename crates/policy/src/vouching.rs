//! Whether one authority vouches for an image.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_artifact::{Digest, ImageReference};
use countersign_trust::{
    Artifact, Content, Evidence, Form, Material, Shape, Statement, TimeSource, TrustRoot, Verifier,
};

use crate::attestation_rule::AttestationRule;
use crate::authority::{
    Authority, AuthorityKind, KeyAuthority, KeylessAuthority, LogRule, SctRule, SignedFormat,
    StaticAnswer, TimestampRule,
};
use crate::evaluate::refusal_of;
use crate::evidence_source::{EvidenceSource, SignatureSource, Undecided, Wanted};
use crate::expression::Limits;
use crate::identity::{Meaning, check_any};
use crate::parties::{self, constructing};
use crate::policy::FaultKind;
use crate::upstream_words::{self, Asked};
use crate::verdict::{AttestationFacts, AuthorityMatch, SignatureFacts};
use crate::workload::Workload;

/// The image at hand, and what was fetched about it so far: each place is asked once for all policies.
pub(crate) struct Case<'a> {
    pub(crate) image: &'a ImageReference,
    pub(crate) workload: &'a Workload,
    pub(crate) source: &'a dyn EvidenceSource,
    digest: Digest,
    fetched: RefCell<BTreeMap<(SignatureSource, Wanted), Fetched>>,
}

type Fetched = Result<Arc<[Material]>, Undecided>;

/// Why an authority does not vouch.
pub(crate) enum Refusal {
    /// It was judged.
    Judged(String),
    /// It could not be.
    Undecided { cause: Undecided, error: String },
}

impl Refusal {
    pub(crate) fn undecided(cause: Undecided, before: &str, between: &str) -> Self {
        let error = format!("{before}{between}{cause}");
        Self::Undecided { cause, error }
    }
}

impl<'a> Case<'a> {
    pub(crate) fn new(
        image: &'a ImageReference,
        digest: Digest,
        workload: &'a Workload,
        source: &'a dyn EvidenceSource,
    ) -> Self {
        Self {
            image,
            workload,
            source,
            digest,
            fetched: RefCell::default(),
        }
    }

    fn material(&self, authority: &Authority, wanted: Wanted) -> Fetched {
        let place = authority.source(&self.workload.namespace);
        if let Some(known) = self.fetched.borrow().get(&(place.clone(), wanted)) {
            return known.clone();
        }
        let fetched = self.source.material(self.image, &place, wanted);
        self.fetched
            .borrow_mut()
            .insert((place, wanted), fetched.clone());
        fetched
    }
}

/// Asks `authority` about the image of `case`.
pub(crate) fn vouch(authority: &Authority, case: &Case<'_>) -> Result<AuthorityMatch, Refusal> {
    let signer = match &authority.kind {
        AuthorityKind::Static(StaticAnswer::Pass) => {
            return Ok(AuthorityMatch {
                fixed: true,
                ..AuthorityMatch::default()
            });
        }
        AuthorityKind::Static(StaticAnswer::Fail { message }) => {
            return Err(Refusal::Judged(format!(
                "disallowed by static policy: {message}"
            )));
        }
        AuthorityKind::Broken(fault) => {
            return Err(Refusal::Judged(broken(authority, &fault.kind)));
        }
        AuthorityKind::Key(key) => Signer::Key(key),
        AuthorityKind::Keyless(keyless) => Signer::Keyless(keyless),
    };
    let keyless = match &signer {
        Signer::Keyless(keyless) => Some(*keyless),
        Signer::Key(_) => None,
    };
    let root = parties::root(authority, keyless, case.source)?;
    let check = Check {
        authority,
        signer,
        case,
        root,
    };
    if authority.attestations.is_empty() {
        check.signatures()
    } else {
        check.attestations()
    }
}

#[derive(Clone, Copy)]
enum Signer<'a> {
    Key(&'a KeyAuthority),
    Keyless(&'a KeylessAuthority),
}

/// An authority with the one root that is asked for it.
struct Check<'a> {
    authority: &'a Authority,
    signer: Signer<'a>,
    case: &'a Case<'a>,
    root: TrustRoot,
}

impl Check<'_> {
    fn signatures(&self) -> Result<AuthorityMatch, Refusal> {
        let material = self.fetch(Wanted::Signatures)?;
        let (mut matched, mut refused) = (AuthorityMatch::default(), Vec::new());
        let candidates = material.iter().filter(|one| {
            self.is_of_format(one)
                && matches!(one.shape(), Shape::ImageSignature | Shape::Unreadable)
        });
        for one in candidates {
            match self.evidence(one) {
                Ok(evidence) if matches!(evidence.content(), Content::ImageSignature(_)) => {
                    matched.weakened.extend_from_slice(evidence.weakened());
                    matched.signatures.push(signature_facts(&evidence));
                }
                Ok(_) => refused.push(upstream_words::NO_IMAGE_SIGNATURE.to_owned()),
                Err(reason) => refused.push(reason),
            }
        }
        match (matched.signatures.is_empty(), refused.is_empty()) {
            (false, _) => Ok(matched),
            (true, true) => Err(self.refuse("no signatures found")),
            (true, false) => {
                Err(self.refuse(&format!("no matching signatures: {}", refused.join("\n "))))
            }
        }
    }

    fn attestations(&self) -> Result<AuthorityMatch, Refusal> {
        let material = self.fetch(Wanted::Attestations)?;
        let candidates: Vec<&Material> = material
            .iter()
            .filter(|one| {
                self.is_of_format(one)
                    && matches!(one.shape(), Shape::Attestation | Shape::Unreadable)
            })
            .collect();
        // Those of the wanted types first: the others are only verified where a message needs them.
        let is_wanted = |one: &&&Material| {
            let claimed = one.claimed_predicate_type();
            let mut rules = self.authority.attestations.iter();
            rules.any(|rule| claimed == Some(rule.predicate_type.uri()))
        };
        let mut verified = Verified::default();
        candidates
            .iter()
            .filter(is_wanted)
            .for_each(|one| verified.add(self, one));
        let mut matched = AuthorityMatch::default();
        let mut missing = None;
        for rule in &self.authority.attestations {
            match self.attestation(rule, &verified) {
                Ok(facts) => {
                    matched.attestations.insert(rule.name.clone(), facts);
                }
                Err(refusal) => {
                    missing = Some((rule, refusal));
                    break;
                }
            }
        }
        let Some((rule, refusal)) = missing else {
            let weakened = verified
                .proven
                .iter()
                .flat_map(|one| one.evidence.weakened());
            matched.weakened.extend(weakened.copied());
            return Ok(matched);
        };
        candidates
            .iter()
            .filter(|one| !is_wanted(one))
            .for_each(|one| verified.add(self, one));
        if verified.proven.is_empty() {
            let found_none = candidates.is_empty() && self.authority.format == SignedFormat::Bundle;
            return Err(self.refuse(&if found_none {
                "no valid bundles exist in registry".to_owned()
            } else {
                format!("no matching attestations: {}", verified.refused.join("\n "))
            }));
        }
        Err(refusal.unwrap_or_else(|| {
            let checked = crate::go_text::quote(&verified.types().join(","));
            Refusal::Judged(format!(
                "no matching attestations with type {}, checked the following predicateTypes: {checked}",
                rule.predicate_type.as_written()
            ))
        }))
    }

    /// The attestations that satisfy `rule`, at least one. Of several reasons the first is told; none is
    /// there where no statement has the type.
    fn attestation(
        &self,
        rule: &AttestationRule,
        verified: &Verified,
    ) -> Result<Vec<AttestationFacts>, Option<Refusal>> {
        let (mut facts, mut first, mut undecided) = (Vec::new(), None, None);
        let of_type = verified
            .statements()
            .filter(|(_, statement)| statement.predicate_type() == rule.predicate_type.uri());
        for (one, statement) in of_type {
            match self.satisfies(rule, statement) {
                Ok(()) => facts.push(AttestationFacts {
                    signature: signature_facts(&one.evidence),
                    predicate_type: rule.predicate_type.as_written().to_owned(),
                    digest: one
                        .blob
                        .as_ref()
                        .map(ToString::to_string)
                        .unwrap_or_default(),
                }),
                Err(refusal @ Refusal::Undecided { .. }) => undecided = undecided.or(Some(refusal)),
                Err(refusal) => first = first.or(Some(refusal)),
            }
        }
        if facts.is_empty() {
            Err(undecided.or(first))
        } else {
            Ok(facts)
        }
    }

    fn satisfies(&self, rule: &AttestationRule, statement: &Statement) -> Result<(), Refusal> {
        if rule.rule.is_none() && !rule.predicate_type.is_typed() {
            return Ok(());
        }
        let shown = rule.predicate_type.statement_for_rule(statement.payload());
        let shown = shown.map_err(|error| Refusal::Judged(error.to_string()))?;
        match &rule.rule {
            None => Ok(()),
            Some(Err(fault)) => Err(Refusal::Judged(fault.kind.to_string())),
            Some(Ok(expression)) => {
                let judgement =
                    expression.judge(&shown, self.case.source.now(), &Limits::default());
                refusal_of(&rule.name, judgement)
            }
        }
    }

    /// What one signature or attestation proves, if it is by this authority and as public as it must be;
    /// else cosign's words for what is wrong.
    fn evidence(&self, material: &Material) -> Result<Evidence, String> {
        let form = material.form();
        let asked = Asked {
            form,
            shape: material.shape(),
            key: match self.signer {
                Signer::Key(key) => Some(key.key.algorithm()),
                Signer::Keyless(_) => None,
            },
            log: self.authority.log != LogRule::NotAsked,
            timestamp: self.authority.timestamp != TimestampRule::NotAsked,
        };
        // 1. Facts.
        let verified = self
            .verifier()
            .verify(material, &Artifact::Digest(self.case.digest));
        let evidence = verified.map_err(|error| upstream_words::verify_error(&error, &asked))?;
        // 2. Judgement: public enough, seen by who must have seen it, signed by whom it must be.
        if asked.log && evidence.entries().is_empty() {
            return Err(upstream_words::no_log_entry(&evidence, form));
        }
        let is_stamp =
            |source: &TimeSource| matches!(source, TimeSource::TimestampAuthority { .. });
        if asked.timestamp && !evidence.times().iter().any(|time| is_stamp(time.source())) {
            return Err(upstream_words::no_timestamp(&evidence));
        }
        if let Signer::Keyless(keyless) = self.signer {
            let Some(identity) = evidence.certificate() else {
                return Err(upstream_words::NO_CERTIFICATE.to_owned());
            };
            let meaning = match form {
                Form::Legacy => Meaning::Legacy,
                Form::Bundle => Meaning::Bundle,
            };
            check_any(&keyless.identities, identity, meaning)
                .map_err(|mismatch| upstream_words::identity(&mismatch, form))?;
        }
        Ok(evidence)
    }

    fn verifier(&self) -> Verifier<'_> {
        let asks_nobody = self.authority.log == LogRule::NotAsked
            && self.authority.timestamp == TimestampRule::NotAsked;
        match &self.signer {
            Signer::Key(key) => {
                let root = (!asks_nobody).then_some(&self.root);
                Verifier::of_key(&key.key, root).with_hash(key.hash)
            }
            Signer::Keyless(keyless) => {
                let mut verifier = Verifier::of_certificates(&self.root);
                if keyless.sct == SctRule::DangerouslyIgnored {
                    verifier = verifier.dangerous_without_sct();
                }
                // The policy wants no proof of the time, so the certificate must be valid now.
                if asks_nobody {
                    verifier.dangerous_at(self.case.source.now())
                } else {
                    verifier
                }
            }
        }
    }

    fn fetch(&self, wanted: Wanted) -> Result<Arc<[Material]>, Refusal> {
        self.case
            .material(self.authority, wanted)
            .map_err(|cause| Refusal::undecided(cause, &self.validation_failed(), ""))
    }

    fn is_of_format(&self, material: &Material) -> bool {
        match self.authority.format {
            SignedFormat::Any => true,
            SignedFormat::Bundle => material.form() == Form::Bundle,
        }
    }

    fn refuse(&self, reason: &str) -> Refusal {
        Refusal::Judged(format!("{}{reason}", self.validation_failed()))
    }

    fn validation_failed(&self) -> String {
        let what = if self.authority.attestations.is_empty() {
            "signature"
        } else {
            "attestation"
        };
        let how = match self.signer {
            Signer::Key(_) => "key",
            Signer::Keyless(_) => "keyless",
        };
        let (name, image) = (&self.authority.name, self.case.image.name());
        format!("{what} {how} validation failed for authority {name} for {image}: ")
    }
}

/// Attestations whose signatures hold.
#[derive(Default)]
struct Verified {
    proven: Vec<ProvenAttestation>,
    refused: Vec<String>,
}

struct ProvenAttestation {
    evidence: Evidence,
    blob: Option<Digest>,
}

impl Verified {
    fn add(&mut self, check: &Check<'_>, material: &Material) {
        match check.evidence(material) {
            Ok(evidence) if matches!(evidence.content(), Content::Statement(_)) => {
                self.proven.push(ProvenAttestation {
                    evidence,
                    blob: material.blob_digest(),
                });
            }
            Ok(_) => self.refused.push(upstream_words::NO_STATEMENT.to_owned()),
            Err(reason) => self.refused.push(reason),
        }
    }

    fn statements(&self) -> impl Iterator<Item = (&ProvenAttestation, &Statement)> {
        self.proven
            .iter()
            .filter_map(|one| match one.evidence.content() {
                Content::Statement(statement) => Some((one, statement)),
                Content::ImageSignature(_) | Content::Message(_) => None,
            })
    }

    fn types(&self) -> Vec<&str> {
        let mut types: Vec<&str> = self
            .statements()
            .map(|(_, statement)| statement.predicate_type())
            .collect();
        types.sort_unstable();
        types.dedup();
        types
    }
}

fn broken(authority: &Authority, fault: &FaultKind) -> String {
    match fault {
        FaultKind::Bundle(fault) => format!("{}{fault}", constructing(authority)),
        FaultKind::NoKeylessUrl | FaultKind::NoSigner => fault.to_string(),
        fault => format!("authority {} cannot be asked: {fault}", authority.name),
    }
}

/// What rules may know of a signature. Of a key there is the identifier alone: what stands in a
/// certificate beside it was not verified.
fn signature_facts(evidence: &Evidence) -> SignatureFacts {
    let mut identified = evidence.signature().to_vec();
    identified.extend_from_slice(evidence.certificate_pem().unwrap_or_default().as_bytes());
    let id = Digest::sha256_of(&identified).hex();
    let Some(identity) = evidence.certificate() else {
        return SignatureFacts {
            id,
            ..SignatureFacts::default()
        };
    };
    let claims = identity.claims();
    let text = |claim: Option<&str>| claim.unwrap_or_default().to_owned();
    SignatureFacts {
        id,
        subject: text(identity.subject()),
        issuer: text(identity.issuer()),
        github_workflow_trigger: text(claims.github_workflow_trigger()),
        github_workflow_sha: text(claims.github_workflow_sha()),
        github_workflow_name: text(claims.github_workflow_name()),
        github_workflow_repo: text(claims.github_workflow_repository()),
        github_workflow_ref: text(claims.github_workflow_ref()),
    }
}
