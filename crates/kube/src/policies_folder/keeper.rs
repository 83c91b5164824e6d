//! Keeps the policies in force equal to the folder, as long as the folder makes sense.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use countersign_artifact::Digest;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;

use super::error::PoliciesError;
use super::files::Snapshot;
use super::set::{PolicySet, PolicySetOptions};
use crate::admission::Admission;

/// What is in force, and what is wrong with the folder.
#[derive(Clone, Debug, PartialEq)]
pub struct PoliciesState {
    /// The set in force ([`PolicySet::fingerprint`]).
    pub in_force: Digest,
    /// How many policies it has.
    pub policies: usize,
    /// Why the folder as it is now is not in force. The set before it is.
    pub error: Option<Arc<PoliciesError>>,
}

/// What a [`Keeper`] is made with.
#[derive(Clone, Debug)]
pub(crate) struct KeeperOptions {
    pub(crate) folder: PathBuf,
    pub(crate) set: PolicySetOptions,
    /// How often the folder is looked at.
    pub(crate) interval: Duration,
}

/// Looks at the folder. One task owns it.
pub(crate) struct Keeper {
    options: KeeperOptions,
    /// The folder when it was read last; `None` if it could not even be listed.
    seen: Option<Snapshot>,
    admission: Arc<Admission>,
    state: watch::Sender<PoliciesState>,
}

/// Asks for a look at the folder at once, and for what came of it.
pub(crate) type Request = oneshot::Sender<Result<(), Arc<PoliciesError>>>;

/// The folder as it is at the start.
pub(crate) struct FirstRead {
    pub(crate) set: PolicySet,
    seen: Option<Snapshot>,
}

impl KeeperOptions {
    /// Reads the folder for the first time. Blocks.
    pub(crate) fn read(&self) -> Result<FirstRead, PoliciesError> {
        // Looked at before it is read: what changes meanwhile is read again.
        let seen = Snapshot::take(&self.folder).ok();
        Ok(FirstRead {
            set: PolicySet::read(&self.folder, &self.set)?,
            seen,
        })
    }
}

impl Keeper {
    pub(crate) fn new(
        options: KeeperOptions,
        first: &FirstRead,
        admission: Arc<Admission>,
    ) -> (Self, watch::Receiver<PoliciesState>) {
        let (state, states) = watch::channel(PoliciesState::of(&first.set));
        (
            Self {
                options,
                seen: first.seen.clone(),
                admission,
                state,
            },
            states,
        )
    }

    /// Looks at the folder now and then, and when asked, until nobody can ask any more.
    pub(crate) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut ticks = tokio::time::interval(self.options.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                request = requests.recv() => {
                    let Some(answer) = request else { return };
                    let outcome = self.read().await;
                    // Who asked may be gone.
                    let _ = answer.send(outcome);
                }
                _ = ticks.tick() => self.read_if_changed().await,
            }
        }
    }

    async fn read_if_changed(&mut self) {
        let folder = self.options.folder.clone();
        let seen = tokio::task::spawn_blocking(move || Snapshot::take(&folder).ok()).await;
        if seen.is_ok_and(|seen| seen != self.seen) {
            // The outcome is in the state and in the log.
            let _ = self.read().await;
        }
    }

    async fn read(&mut self) -> Result<(), Arc<PoliciesError>> {
        let options = self.options.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let seen = Snapshot::take(&options.folder).ok();
            (PolicySet::read(&options.folder, &options.set), seen)
        });
        let (read, seen) = match reading.await {
            Ok(done) => done,
            Err(broken) => std::panic::resume_unwind(broken.into_panic()),
        };
        self.seen = seen;
        match read {
            Ok(set) => {
                let state = PoliciesState::of(&set);
                tracing::info!(policies = state.policies, set = %state.in_force, "policies in force");
                self.admission.exchange(set);
                self.state.send_replace(state);
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the policies stay as they were");
                let error = Arc::new(error);
                self.state
                    .send_modify(|state| state.error = Some(Arc::clone(&error)));
                Err(error)
            }
        }
    }
}

impl PoliciesState {
    fn of(set: &PolicySet) -> Self {
        Self {
            in_force: set.fingerprint(),
            policies: set.policies().len(),
            error: None,
        }
    }
}
