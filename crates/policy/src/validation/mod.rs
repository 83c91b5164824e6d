//! Says what is wrong with an object, in upstream's words.
//!
//! The rules are those of the validating webhook of policy-controller 0.15.1. Where its code has a
//! slip that hides an error (the loops over a TrustRoot's lists keep the last answer alone) all
//! errors are told.

mod cluster_image_policy;
mod key;
mod trust_root;

pub use cluster_image_policy::{EmptyAuthorities, cluster_image_policy};
pub(crate) use key::hash_algorithm;
pub use trust_root::trust_root;

/// The namespace of the controller, where Secrets and ConfigMaps of policies live.
pub const SYSTEM_NAMESPACE: &str = "cosign-system";
