//! The admission controller: may these images run?
//!
//! An API server asks with AdmissionReviews over HTTPS. Each becomes images and policies, takes the way
//! that `verify` and `policy test` take, and is answered in the words of Sigstore's policy-controller.
//! Policies, trust roots and what they refer to come from a folder.
//!
//! ```no_run
//! # async fn run(evidence: std::sync::Arc<dyn countersign_kube::EvidenceProvider>)
//! #     -> Result<(), countersign_kube::StartError> {
//! use countersign_kube::{Controller, ControllerOptions};
//! let options = ControllerOptions::new("policies", ([127, 0, 0, 1], 8443).into());
//! let controller = Controller::start(options, evidence).await?;
//! println!("caBundle: {}", controller.ca_bundle());
//! controller.shutdown().await;
//! # Ok(()) }
//! ```

mod admission;
mod controller;
mod evidence;
mod judge;
mod policies_folder;
mod server;
mod verdict_cache;

pub use admission::{Admission, ReviewError, Webhook};
pub use controller::{Controller, ControllerOptions, StartError};
pub use evidence::EvidenceProvider;
pub use policies_folder::{
    DocumentError, DocumentFault, PoliciesError, PoliciesState, PolicyFile, PolicySet,
    PolicySetOptions,
};
pub use server::{IdentityError, ServerIdentity};
pub use verdict_cache::VerdictCacheOptions;
