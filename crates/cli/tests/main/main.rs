//! The binary as its users see it: words in, text and exit status out, over real sockets on loopback.

mod bad_input;
mod demo;
mod documents;
mod harness;
mod hostile;
mod keys;
mod layouts;
mod policies;
mod sbom;
mod signing;
mod stack;
mod transcripts;
mod usage;
