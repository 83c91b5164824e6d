//! The embedded services and the registry over real sockets, and what others made with them.

// A helper that fails is a test that fails.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod recorded;
mod registry;
mod services;
