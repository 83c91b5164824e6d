//! The client against real sockets: our own stack, and servers that misbehave on purpose.

mod describe;
mod harness;
mod image_source;
mod material;
mod shop;
mod signing;
