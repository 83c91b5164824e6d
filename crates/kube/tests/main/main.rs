//! The controller as an API server meets it: over TLS, with recorded and with written reviews.
#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

mod folder;
mod harness;
mod recorded;
mod registry;
mod server;
mod story;
