//! The client against real sockets: our own stack, and servers that misbehave on purpose.

mod evidence;
mod fixtures;
mod harness;
mod image_source;
mod log;
mod material;
mod shop;
mod signing;
mod tokens;
mod verification;
