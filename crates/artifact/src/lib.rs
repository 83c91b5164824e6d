//! What is secured: digests, image references, platforms, manifests.
//!
//! Nothing here asks a registry, a file or a clock. Every type holds only what is valid; the bytes a
//! manifest was parsed from stay with the caller, because a digest is over bytes and not over values.

pub mod digest;
pub mod image_reference;
pub mod manifest;
pub mod media_type;
pub mod platform;
pub mod referrer;

pub use digest::{Algorithm, Digest, DigestError, DigestHasher};
pub use image_reference::{ImageReference, ReferenceError, Scheme};
pub use manifest::{Descriptor, ImageIndex, ImageManifest, Manifest, ManifestError};
pub use platform::{Platform, PlatformError};
