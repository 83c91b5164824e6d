//! Signatures and attestations of an image, wherever they are: in bundles that refer to it and in the
//! tags of older versions of cosign, in a registry or in a layout.
//!
//! Everything there is, is merged: one form never hides another. What is attached and cannot be read is
//! part of the answer (`Material::unreadable`); a registry that does not answer is an error. Nothing is
//! left out by its artifact type, which is what whoever wrote the list put there, nor by the annotation
//! that names a predicate type, which cosign 2.6 and 3.0 write wrongly.

mod attached;
mod layout;
mod place;
mod registry;

pub use countersign_policy::evidence_source::Wanted;
pub use layout::LayoutMaterial;
pub use place::{Place, PlaceError};
pub use registry::{Gathered, gather, material};
