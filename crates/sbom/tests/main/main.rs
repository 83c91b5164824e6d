//! What the public interface of the crate promises, judged by images of the real package managers.
#![allow(clippy::disallowed_methods, reason = "tests read their fixtures")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod catalogers;
mod fixture_images;
mod forge;
mod formats;
mod go_binaries;
mod golang;
mod hostile_layers;
mod layer_model;
mod layers;
mod links;
mod rust_binaries;
mod schema;
mod single_files;
mod tarball;
mod truth;
