//! The embedded services and the registry over real sockets.

// A helper that fails is a test that fails.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod registry;
mod services;
