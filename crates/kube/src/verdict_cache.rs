//! Verdicts that were judged a short while ago.
//!
//! The key holds everything a verdict depends on but the clock and the registry, and for these the
//! verdict lives a limited time. What was not judged, because a registry was away, is never kept.

use std::sync::Arc;
use std::time::Duration;

use countersign_artifact::{Digest, DigestHasher};
use countersign_policy::verdict::{Decision, Verdict};
use countersign_policy::workload::Workload;

/// How many verdicts are kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerdictCacheOptions {
    /// The most verdicts.
    pub capacity: u64,
    /// How long a verdict is used. In this time a signature that is taken back in the registry still
    /// counts.
    pub time_to_live: Duration,
}

impl Default for VerdictCacheOptions {
    fn default() -> Self {
        Self {
            capacity: 10_000,
            time_to_live: Duration::from_secs(300),
        }
    }
}

/// Judged verdicts by what they were judged on.
pub(crate) struct VerdictCache(moka::future::Cache<VerdictKey, Arc<Verdict>>);

/// The hash over image, policies, trust roots and the parts of the workload that the policies see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct VerdictKey(Digest);

impl VerdictKey {
    /// `workload` must be the very one that is judged: what is not in it cannot matter.
    pub(crate) fn new(
        image: &str,
        policies: &Digest,
        public_trust_root: &Digest,
        workload: &Workload,
    ) -> Self {
        let mut hasher = DigestHasher::new(countersign_artifact::Algorithm::Sha256);
        // With lengths: `ab` and `c` must not look like `a` and `bc`.
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        part(image.as_bytes());
        part(policies.as_bytes());
        part(public_trust_root.as_bytes());
        for text in [
            &workload.group,
            &workload.version,
            &workload.kind,
            &workload.namespace,
        ] {
            part(text.as_bytes());
        }
        part(&(workload.labels.len() as u64).to_be_bytes());
        for (name, value) in &workload.labels {
            part(name.as_bytes());
            part(value.as_bytes());
        }
        for value in [&workload.spec, &workload.metadata, &workload.type_meta] {
            match value {
                None => part(b""),
                Some(value) => part(value.to_string().as_bytes()),
            }
        }
        Self(hasher.finish())
    }
}

impl VerdictCache {
    pub(crate) fn new(options: VerdictCacheOptions) -> Self {
        let cache = moka::future::Cache::builder();
        Self(
            cache
                .max_capacity(options.capacity)
                .time_to_live(options.time_to_live)
                .build(),
        )
    }

    /// Returns the verdict of `key`, judging it if need be; many reviews of one image at once judge it
    /// once. An undecided verdict is an error here, so that the cache cannot keep it.
    pub(crate) async fn judge(
        &self,
        key: VerdictKey,
        judge: impl Future<Output = Arc<Verdict>>,
    ) -> Arc<Verdict> {
        if let Some(known) = self.0.get(&key).await {
            return known;
        }
        let judged = self.0.try_get_with(key, async {
            let verdict = judge.await;
            if is_kept(&verdict) {
                Ok(verdict)
            } else {
                Err(verdict)
            }
        });
        judged
            .await
            .unwrap_or_else(|undecided| Arc::clone(&undecided))
    }

    #[cfg(test)]
    async fn count(&self) -> u64 {
        self.0.run_pending_tasks().await;
        self.0.entry_count()
    }
}

/// A warning policy that could not be judged leaves the image admitted, but says nothing that may be
/// repeated for minutes.
fn is_kept(verdict: &Verdict) -> bool {
    verdict.decision != Decision::Undecided
        && verdict
            .policies
            .iter()
            .all(|policy| policy.undecided.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(decision: Decision) -> Arc<Verdict> {
        Arc::new(Verdict {
            decision,
            policies: Vec::new(),
            unmatched: false,
        })
    }

    #[test]
    fn everything_is_in_the_key() {
        let digest = Digest::sha256_of(b"set");
        let key = |image: &str, policies: &Digest, root: &Digest, workload: &Workload| {
            VerdictKey::new(image, policies, root, workload)
        };
        let pod = Workload::of_kind("v1", "Pod");
        let base = key("a", &digest, &digest, &pod);
        let other = Digest::sha256_of(b"other");
        let with = |change: fn(&mut Workload)| {
            let mut workload = pod.clone();
            change(&mut workload);
            key("a", &digest, &digest, &workload)
        };
        let mut all = vec![
            base,
            key("b", &digest, &digest, &pod),
            key("a", &other, &digest, &pod),
            key("a", &digest, &other, &pod),
            with(|workload| "apps".clone_into(&mut workload.group)),
            with(|workload| "v2".clone_into(&mut workload.version)),
            with(|workload| "Job".clone_into(&mut workload.kind)),
            with(|workload| "shop".clone_into(&mut workload.namespace)),
            with(|workload| drop(workload.labels.insert("a".to_owned(), "bc".to_owned()))),
            with(|workload| drop(workload.labels.insert("ab".to_owned(), "c".to_owned()))),
            with(|workload| workload.spec = Some(json!({}))),
            with(|workload| workload.metadata = Some(json!({}))),
            with(|workload| workload.type_meta = Some(json!({}))),
        ];
        let count = all.len();
        all.sort_by_key(|key| key.0);
        all.dedup();
        assert_eq!(all.len(), count);
        assert_eq!(base, key("a", &digest, &digest, &pod));
    }

    #[tokio::test]
    async fn judged_verdicts_are_kept_and_others_are_not() {
        let cache = VerdictCache::new(VerdictCacheOptions::default());
        let digest = Digest::sha256_of(b"");
        let key = |image| VerdictKey::new(image, &digest, &digest, &Workload::default());
        for (image, first) in [("a", Decision::Admit), ("b", Decision::Reject)] {
            assert_eq!(
                cache
                    .judge(key(image), async { verdict(first) })
                    .await
                    .decision,
                first
            );
            let again = cache
                .judge(key(image), async { panic!("it is known") })
                .await;
            assert_eq!(again.decision, first);
        }
        let away = cache
            .judge(key("c"), async { verdict(Decision::Undecided) })
            .await;
        assert_eq!(away.decision, Decision::Undecided);
        let back = cache
            .judge(key("c"), async { verdict(Decision::Admit) })
            .await;
        assert_eq!(back.decision, Decision::Admit);
        assert_eq!(cache.count().await, 3);
    }

    #[tokio::test]
    async fn the_cache_is_bounded() {
        let options = VerdictCacheOptions {
            capacity: 2,
            ..VerdictCacheOptions::default()
        };
        let cache = VerdictCache::new(options);
        let digest = Digest::sha256_of(b"");
        for number in 0..50 {
            let key = VerdictKey::new(&number.to_string(), &digest, &digest, &Workload::default());
            cache.judge(key, async { verdict(Decision::Admit) }).await;
        }
        assert!(cache.count().await <= 2);
    }
}
