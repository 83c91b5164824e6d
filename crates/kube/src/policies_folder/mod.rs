//! The policies in force: a folder of YAML, read as a whole or not at all.
//!
//! What an API server would hold lies here as files: ClusterImagePolicies, TrustRoots, and the Secrets
//! and ConfigMaps they refer to. One broken document refuses the whole folder, because a set without
//! it would be a weaker set; the error says which file, which document, which field.

mod document;
mod error;
mod files;
mod keeper;
mod set;

pub use error::{DocumentError, DocumentFault, PoliciesError};
pub use files::PolicyFile;
pub use keeper::PoliciesState;
pub use set::{PolicySet, PolicySetOptions};

pub(crate) use keeper::{Keeper, KeeperOptions, Request};
