//! One admission review, end to end: bytes to review, review to images, images to verdicts, verdicts to
//! answer.

mod own_kinds;
mod patch;
mod pod_spec;
mod respond;
mod review;
mod workloads;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use self::respond::{Answer, Denial};
use self::review::{ConversionReview, Review};
use crate::evidence::EvidenceProvider;
use crate::judge::Judge;
use crate::policies_folder::PolicySet;
use crate::verdict_cache::VerdictCacheOptions;

pub use self::review::ReviewError;

/// Answers reviews by the policies of the moment.
#[derive(Debug)]
pub struct Admission {
    policies: ArcSwap<PolicySet>,
    judge: Judge,
}

/// What is asked, by the path it is asked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Webhook {
    /// Pin the tags of a workload.
    MutateWorkload,
    /// Judge the images of a workload.
    ValidateWorkload,
    /// Fill in a policy of ours.
    DefaultOwnKind,
    /// Check a policy of ours.
    ValidateOwnKind,
    /// Convert policies of ours between versions.
    Convert,
}

impl Webhook {
    /// The webhook at a path of the server.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        match path {
            "/mutations" => Some(Self::MutateWorkload),
            "/validations" => Some(Self::ValidateWorkload),
            "/defaulting" => Some(Self::DefaultOwnKind),
            "/validating" => Some(Self::ValidateOwnKind),
            "/resource-conversion" => Some(Self::Convert),
            _ => None,
        }
    }

    fn out_of_time(self) -> Denial {
        match self {
            Self::MutateWorkload | Self::DefaultOwnKind => Denial::OutOfTimeToMutate,
            Self::ValidateWorkload | Self::ValidateOwnKind | Self::Convert => Denial::OutOfTime,
        }
    }
}

impl Admission {
    /// Answers by `policies` and what `evidence` finds, remembering verdicts.
    #[must_use]
    pub fn new(
        policies: PolicySet,
        evidence: Arc<dyn EvidenceProvider>,
        verdicts: VerdictCacheOptions,
    ) -> Self {
        let judge = Judge::new(evidence, verdicts);
        Self {
            policies: ArcSwap::from_pointee(policies),
            judge,
        }
    }

    /// The policies that reviews are answered by.
    #[must_use]
    pub fn policies(&self) -> Arc<PolicySet> {
        self.policies.load_full()
    }

    /// Answers the next reviews by `policies`; those under way end by the old ones.
    pub fn exchange(&self, policies: PolicySet) {
        self.policies.store(Arc::new(policies));
    }

    /// Answers one review within `time`: a review in JSON for one in JSON.
    pub async fn answer(
        &self,
        webhook: Webhook,
        body: &[u8],
        time: Duration,
    ) -> Result<Vec<u8>, ReviewError> {
        if webhook == Webhook::Convert {
            let review = ConversionReview::parse(body)?;
            return Ok(respond::conversion(
                &review.uid,
                own_kinds::convert(&review),
            ));
        }
        let review = Review::parse(body)?;
        let deciding = self.decide(webhook, &review);
        let answer = tokio::time::timeout(time, deciding).await;
        let answer = answer.unwrap_or_else(|_| Answer::Denied(webhook.out_of_time()));
        tracing::info!(
            webhook = ?webhook,
            kind = %review.kind,
            namespace = review.namespace,
            uid = review.uid,
            allowed = !matches!(answer, Answer::Denied(_)),
            "review"
        );
        Ok(respond::review(review.uid, &answer))
    }

    /// Answers a review that was not read to its end, if its uid can be told.
    pub(crate) fn answer_too_large(
        webhook: Webhook,
        beginning: &[u8],
        limit: usize,
    ) -> Option<Vec<u8>> {
        let uid = review::uid_of_beginning(beginning).filter(|_| webhook != Webhook::Convert)?;
        Some(respond::review(
            uid,
            &Answer::Denied(Denial::TooLarge { limit }),
        ))
    }

    async fn decide(&self, webhook: Webhook, review: &Review<'_>) -> Answer {
        let policies = self.policies();
        match webhook {
            Webhook::ValidateWorkload => workloads::validate(review, &self.judge, &policies).await,
            Webhook::MutateWorkload => workloads::mutate(review, &self.judge).await,
            Webhook::DefaultOwnKind => own_kinds::default(review),
            Webhook::ValidateOwnKind | Webhook::Convert => {
                own_kinds::validate(review, policies.empty_authorities(), policies.namespace())
            }
        }
    }
}
