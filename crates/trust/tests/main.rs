//! What the verifier says about material made by the real tools, and about forgeries of it.
#![allow(clippy::disallowed_methods, reason = "tests read fixtures")]

mod expected;
mod layout;

mod conformance;
mod keyless;
mod keys;
mod roots;
mod second_opinion;
