//! The controller as a whole: policies, server, and what goes on beside them.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::admission::Admission;
use crate::evidence::EvidenceProvider;
use crate::policies_folder::{
    Keeper, KeeperOptions, PoliciesError, PoliciesState, PolicySet, PolicySetOptions, Request,
};
use crate::server::{Identity, IdentityError, Listening, Paths, Server, ServerIdentity};
use crate::verdict_cache::VerdictCacheOptions;

/// What a controller is started with.
#[derive(Clone, Debug)]
pub struct ControllerOptions {
    /// The folder with the policies.
    pub policies: PathBuf,
    /// Where the API server will ask. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The certificate that is shown there.
    pub identity: ServerIdentity,
    /// What the policies do not say themselves.
    pub set: PolicySetOptions,
    /// How many verdicts are remembered, and how long.
    pub verdicts: VerdictCacheOptions,
    /// How often the folder is looked at for changes.
    pub interval: Duration,
}

/// A running controller. Dropped without [`Controller::shutdown`], it ends as after a kill.
#[derive(Debug)]
pub struct Controller {
    address: SocketAddr,
    authority_pem: String,
    admission: Arc<Admission>,
    server: Server,
    requests: mpsc::Sender<Request>,
    states: watch::Receiver<PoliciesState>,
    keeping: JoinHandle<()>,
    renewing: JoinHandle<()>,
}

/// Why a controller did not start. Nothing listens then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program listens on the address.
    #[error("{address} is taken by another process")]
    PortTaken {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {address}: {kind}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// The folder of policies is not taken.
    #[error(transparent)]
    Policies(#[from] PoliciesError),
    /// There is no certificate to show.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The program is ending while the controller starts.
    #[error("the start was interrupted")]
    Interrupted,
}

impl ControllerOptions {
    /// Policies from `policies`, a certificate made for this run, and defaults.
    #[must_use]
    pub fn new(policies: impl Into<PathBuf>, listen: SocketAddr) -> Self {
        Self {
            policies: policies.into(),
            listen,
            identity: ServerIdentity::Generated {
                folder: None,
                names: Vec::new(),
            },
            set: PolicySetOptions::default(),
            verdicts: VerdictCacheOptions::default(),
            interval: INTERVAL,
        }
    }
}

impl Controller {
    /// Starts to answer reviews by the policies in the folder and the evidence that `evidence` finds.
    /// When this returns, every review is answered, and by them alone.
    pub async fn start(
        options: ControllerOptions,
        evidence: Arc<dyn EvidenceProvider>,
    ) -> Result<Self, StartError> {
        // 1. The port is ours, but nobody is answered yet.
        let listening = Listening::bind(options.listen).await.map_err(|error| {
            let address = options.listen;
            match error.kind() {
                io::ErrorKind::AddrInUse => StartError::PortTaken { address },
                kind => StartError::Listen { address, kind },
            }
        })?;
        let address = listening.address();
        // 2. The policies: without them nothing could be said.
        let keeper = KeeperOptions {
            folder: options.policies,
            set: options.set,
            interval: options.interval,
        };
        let wanted = options.identity.clone();
        let prepared = tokio::task::spawn_blocking(move || {
            let first = keeper.read()?;
            // 3. The certificate, for the address that we have now.
            let identity = Identity::open(&wanted, address.ip(), Timestamp::now())?;
            Ok::<_, StartError>((keeper, first, identity))
        });
        let (keeper, first, identity) = prepared.await.map_err(|_| StartError::Interrupted)??;
        let set = first.set.clone();
        let admission = Arc::new(Admission::new(set, evidence, options.verdicts));
        let (keeper, states) = Keeper::new(keeper, &first, Arc::clone(&admission));
        // 4. Answer.
        let server = listening.serve(
            identity.server_config()?,
            Paths::new(Arc::clone(&admission)),
        );
        let (requests, asked) = mpsc::channel(1);
        tracing::info!(%address, policies = first.set.policies().len(), "the controller is up");
        Ok(Self {
            address,
            authority_pem: identity.authority_pem().to_owned(),
            admission,
            server,
            requests,
            states,
            keeping: tokio::spawn(keeper.run(asked)),
            renewing: tokio::spawn(renew(Arc::new(identity))),
        })
    }

    /// Where reviews are answered.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the authority behind ours, in PEM.
    #[must_use]
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    /// The same as a webhook configuration wants it in `caBundle`: the PEM in base64.
    #[must_use]
    pub fn ca_bundle(&self) -> String {
        STANDARD.encode(&self.authority_pem)
    }

    /// What answers the reviews.
    #[must_use]
    pub fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    /// The policies that the next review is answered by.
    #[must_use]
    pub fn policies(&self) -> Arc<PolicySet> {
        self.admission.policies()
    }

    /// What is in force and what is wrong, and whenever that changes.
    #[must_use]
    pub fn states(&self) -> watch::Receiver<PoliciesState> {
        self.states.clone()
    }

    /// Reads the folder at once. If it makes no sense, the policies stay as they were.
    pub async fn reload(&self) -> Result<(), Arc<PoliciesError>> {
        let (answer, outcome) = oneshot::channel();
        // The task ends with us and not before; if it broke, its panic has been told.
        if self.requests.send(answer).await.is_err() {
            return Ok(());
        }
        outcome.await.unwrap_or(Ok(()))
    }

    /// Takes no new connections, answers what was asked, and ends.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
        self.renewing.abort();
        drop(self.requests);
        let _ = self.keeping.await;
        let _ = self.renewing.await;
    }
}

/// Shows a new certificate long before the old one ends, and takes up changed files.
async fn renew(identity: Arc<Identity>) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        let identity = Arc::clone(&identity);
        let renewed = tokio::task::spawn_blocking(move || identity.renew(Timestamp::now())).await;
        if let Ok(Err(error)) = renewed {
            tracing::error!(%error, "the certificate is not renewed");
        }
    }
}

/// Upstream needs 60 to 230 ms from `kubectl apply` to the new verdict; a look costs a folder listing.
const INTERVAL: Duration = Duration::from_secs(1);
/// A generated certificate lives 30 days, those of usual issuers some hours at least.
const RENEWAL: Duration = Duration::from_secs(600);
