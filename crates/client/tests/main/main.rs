//! The client against real sockets: our own stack, and servers that misbehave on purpose.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails"
)]

mod describe;
mod evidence;
mod fixtures;
mod harness;
mod hostile_services;
mod image_source;
mod keys;
mod log;
mod material;
mod policies;
mod shop;
mod signing;
mod tokens;
mod verification;
