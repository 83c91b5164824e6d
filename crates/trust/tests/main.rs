//! What the verifier says about material made by the real tools, and about forgeries of it.
#![allow(clippy::disallowed_methods, reason = "tests read fixtures")]
#![allow(
    clippy::unwrap_used,
    reason = "a test ends where its data is not there"
)]

mod expected;
mod layout;

mod assembling;
mod conformance;
mod hostile;
mod keyless;
mod keys;
mod private_keys;
mod roots;
mod second_opinion;
mod signing_configs;
