//! What the public interface of the crate promises, judged by images of the real package managers.

mod fixture_images;
mod hostile_layers;
mod layers;
mod links;
mod single_files;
mod truth;
