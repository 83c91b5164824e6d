//! ClusterImagePolicy: one model, one engine, one verdict.
//!
//! [`wire`] is what people write, [`validation`] says what is wrong with it in upstream's words,
//! [`Policy::compile`] makes what the engine runs on, and [`evaluate`] judges an image. The engine asks
//! the world through one trait, [`EvidenceSource`]; what it gets is verified by `countersign-trust` as
//! facts, and judged here.

mod attestation_rule;
pub mod authority;
mod conversion;
mod evaluate;
pub mod evidence_source;
pub mod expression;
pub mod field_error;
mod go_json;
mod go_shape;
pub mod go_text;
pub mod identity;
mod image_config;
pub mod image_pattern;
pub mod kind_match;
mod parties;
pub mod policy;
pub mod predicate;
mod public_key;
pub mod reference;
mod trust_root_object;
mod upstream_words;
pub mod validation;
pub mod verdict;
mod vouching;
pub mod wire;
pub mod workload;
pub mod yaml;

pub use attestation_rule::AttestationRule;
pub use authority::Authority;
pub use evaluate::{evaluate, evaluate_written, results};
pub use evidence_source::{EvidenceSource, SignatureSource, TrustRootLookup, Undecided, Wanted};
pub use expression::{Expression, ExpressionError, Judgement, Language, Limits};
pub use field_error::FieldErrors;
pub use identity::{IdentityMismatch, IdentityPattern, TextPattern, WorkflowClaims};
pub use image_pattern::ImagePattern;
pub use policy::{Fault, FaultKind, Mode, Policy};
pub use reference::{InMemoryReferences, References};
pub use trust_root_object::TrustRootObjectError;
pub use verdict::{Decision, NoMatch, PolicyResult, PolicyVerdict, Verdict};
pub use workload::Workload;
