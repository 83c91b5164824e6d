//! The objects of the API group `policy.sigstore.dev` as they are written.
//!
//! v1alpha1 and v1beta1 have the same fields, so one type serves both; it remembers which one was
//! written. What a type holds here is well-typed and no more: `validation` says whether it makes
//! sense, and [`crate::Policy`] is what the engine runs on.

mod cluster_image_policy;
pub mod decode;
mod object;
mod trust_root;

pub use cluster_image_policy::{
    Attestation, Authority, ClusterImagePolicy, ClusterImagePolicySpec, ConfigMapReference,
    Identity, ImagePattern, KeyRef, KeylessRef, LabelSelector, LabelSelectorRequirement,
    MatchResource, PolicyText, RemotePolicy, Rfc3161Timestamp, SecretReference,
    SignaturePullSecret, Source, StaticRef, TransparencyLog,
};
pub use decode::{DecodeError, UnknownFields};
pub use object::{Object, ObjectError, Version};
pub use trust_root::{
    CertificateAuthority, DistinguishedName, Remote, Repository, SigstoreKeys,
    TransparencyLogInstance, TrustRoot, TrustRootSpec,
};

/// The API group of every object here.
pub const GROUP: &str = "policy.sigstore.dev";
