//! From an image to findings: the policy engine on threads that may block, behind the verdict cache,
//! within the time that the API server gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_artifact::{Digest, ImageReference};
use countersign_policy::FieldErrors;
use countersign_policy::evidence_source::{
    EvidenceSource, SignatureSource, TrustRootLookup, Undecided, Wanted,
};
use countersign_policy::field_error::Level;
use countersign_policy::verdict::{Decision, NoMatch, PolicyVerdict, Verdict};
use countersign_policy::workload::Workload;
use countersign_trust::{Material, TrustRoot};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::evidence::EvidenceProvider;
use crate::policies_folder::PolicySet;
use crate::verdict_cache::{VerdictCache, VerdictCacheOptions, VerdictKey};

/// Judges images. Everything that waits or computes for long happens here.
pub(crate) struct Judge {
    evidence: Arc<dyn EvidenceProvider>,
    verdicts: VerdictCache,
    /// Bounds the threads that wait for registries.
    workers: Arc<Semaphore>,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Judge").finish_non_exhaustive()
    }
}

impl Judge {
    pub(crate) fn new(evidence: Arc<dyn EvidenceProvider>, options: VerdictCacheOptions) -> Self {
        let workers = Arc::new(Semaphore::new(MOST_WORKERS));
        Self {
            evidence,
            verdicts: VerdictCache::new(options),
            workers,
        }
    }

    /// What `set` says about `image`, written `text` in the object, as findings without a path.
    pub(crate) async fn findings(
        &self,
        text: &str,
        image: ImageReference,
        set: &Arc<PolicySet>,
        workload: Arc<Workload>,
    ) -> FieldErrors {
        let root = self.evidence.public_trust_root_fingerprint();
        let key = VerdictKey::new(text, &set.fingerprint(), &root, &workload);
        let judged = self.verdicts.judge(key, async {
            let (evidence, set) = (Arc::clone(&self.evidence), Arc::clone(set));
            let verdict = self.on_a_thread(move || {
                let source = SetEvidence {
                    evidence: &*evidence,
                    set: &set,
                };
                countersign_policy::evaluate(
                    set.policies(),
                    &image,
                    &workload,
                    &source,
                    set.no_match(),
                )
            });
            Arc::new(verdict.await)
        });
        findings(text, &*judged.await, set.no_match())
    }

    /// The digest that the tag of `image` names now.
    pub(crate) async fn resolve(&self, image: ImageReference) -> Result<Digest, Undecided> {
        let evidence = Arc::clone(&self.evidence);
        self.on_a_thread(move || evidence.resolve(&image)).await
    }

    async fn on_a_thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let slot = Arc::clone(&self.workers).acquire_owned().await;
        let slot = slot.expect("the semaphore is never closed");
        // The slot moves along: a review that is given up still occupies its thread.
        let done = tokio::task::spawn_blocking(move || (work(), slot)).await;
        match done {
            Ok((result, _slot)) => result,
            Err(broken) => std::panic::resume_unwind(broken.into_panic()),
        }
    }
}

/// The provider's evidence, with the trust roots of the policies' folder.
struct SetEvidence<'a> {
    evidence: &'a dyn EvidenceProvider,
    set: &'a PolicySet,
}

impl EvidenceSource for SetEvidence<'_> {
    fn material(
        &self,
        image: &ImageReference,
        source: &SignatureSource,
        wanted: Wanted,
    ) -> Result<Arc<[Material]>, Undecided> {
        self.evidence.material(image, source, wanted)
    }

    fn trust_root(&self, name: Option<&str>) -> Result<Arc<TrustRoot>, TrustRootLookup> {
        let Some(name) = name else {
            return self.evidence.trust_root(None);
        };
        let root = self.set.trust_root(name);
        root.ok_or_else(|| TrustRootLookup::NotFound(name.to_owned()))
    }

    fn image_configs(&self, image: &ImageReference) -> Result<BTreeMap<String, Value>, Undecided> {
        self.evidence.image_configs(image)
    }

    fn now(&self) -> Timestamp {
        self.evidence.now()
    }
}

/// Upstream's findings: `failed policy: NAME` with the image and all reasons on the second line.
fn findings(image: &str, verdict: &Verdict, no_match: NoMatch) -> FieldErrors {
    if verdict.unmatched {
        let level = match no_match {
            NoMatch::Deny => Level::Error,
            NoMatch::Warn => Level::Warning,
            NoMatch::Allow => return FieldErrors::none(),
        };
        return finding(level, "no matching policies", image);
    }
    let told = |level| {
        move |policy: &PolicyVerdict| {
            let message = format!("failed policy: {}", policy.policy);
            finding(level, &message, &details(image, policy))
        }
    };
    let errors = verdict.failures().map(told(Level::Error));
    let warnings = verdict.warnings().map(told(Level::Warning));
    let findings = errors
        .chain(warnings)
        .fold(FieldErrors::none(), FieldErrors::also);
    // The decision is the engine's. Whatever its lists say, nothing but `Admit` is an admission.
    if verdict.decision != Decision::Admit && findings.of(Level::Error).is_empty() {
        return findings.also(finding(Level::Error, "failed policy", image));
    }
    findings
}

fn finding(level: Level, message: &str, details: &str) -> FieldErrors {
    let finding = FieldErrors::generic(message, "").with_details(details);
    match level {
        Level::Error => finding,
        Level::Warning => finding.as_warnings(),
    }
}

fn details(image: &str, policy: &PolicyVerdict) -> String {
    std::iter::once(image.to_owned())
        .chain(policy.reasons())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Fewer than the blocking threads of the runtime (512), so that files and names still get theirs.
const MOST_WORKERS: usize = 64;
