//! ClusterImagePolicy: one model, one engine, one verdict.

mod conversion;
pub mod field_error;
mod go_json;
pub mod go_text;
pub mod image_pattern;
pub mod kind_match;
pub mod predicate;
pub mod wire;
pub mod workload;
pub mod yaml;

pub use field_error::FieldErrors;
