//! An embedded private Sigstore and OCI registry: identity provider, certificate authority with
//! certificate transparency, transparency log, timestamp authority, trust root repository and
//! registry, in one process, on one port, in one data folder.
//!
//! Every service speaks the public protocol of its kind, so that any Sigstore client can use it.
//! What a service has answered is on the disk: it survives a kill and a restart.
//!
//! ```no_run
//! # async fn run() -> Result<(), countersign_stack::StackError> {
//! use countersign_stack::{Stack, StackOptions};
//! let stack = Stack::start(StackOptions::new("sigstore", ([127, 0, 0, 1], 0).into())).await?;
//! println!("sign with {}", stack.endpoints().fulcio);
//! stack.shutdown().await;
//! # Ok(()) }
//! ```

mod certificate;
mod certificate_authority;
mod certificate_transparency;
mod data_folder;
mod endpoints;
mod identity_provider;
mod log_files;
mod merkle_log;
mod public_key;
mod refusal;
pub mod registry;
mod server;
mod service_keys;
mod signing_key;
mod stack;
mod timestamp_authority;
mod transparency_log;
mod trust_documents;
mod trust_repository;

pub use certificate::IssueError;
pub use data_folder::{FileError, Step};
pub use endpoints::{Endpoints, EndpointsError};
pub use identity_provider::token;
pub use merkle_log::{Damage, LogError};
pub use service_keys::ServiceKeysError;
pub use signing_key::KeyError;
pub use stack::{Stack, StackError, StackOptions};
pub use timestamp_authority::ClockError;
pub use trust_repository::RepositoryError;
