//! One file a verb: flags in, the library's call, output out.

mod attest;
mod audit;
mod completion;
mod controller;
mod debug;
mod demo;
mod generate_key_pair;
mod policy_test;
mod public_key;
mod sbom;
mod sign;
mod signals;
mod stack;
mod verify;
mod verify_attestation;
mod version;

use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Failure;
use crate::flags::{Command, PolicyCommand, StackCommand};
use crate::output::Appears;

/// When the file of `--output-file` is there: servers write before they end.
pub(crate) fn output_appears(command: &Command) -> Appears {
    match command {
        Command::Controller(_) | Command::Stack(StackCommand::Up(_)) | Command::Demo(_) => {
            Appears::AtOnce
        }
        _ => Appears::Whole,
    }
}

/// Carries out a command.
///
/// # Errors
/// If it cannot be done, or the answer is no.
pub(crate) fn run(command: Command, context: &Context) -> Result<ExitCode, Failure> {
    match command {
        Command::Demo(flags) => demo::run(&flags, context),
        Command::Sign(flags) => sign::run(&flags, context),
        Command::Attest(flags) => attest::run(&flags, context),
        Command::Verify(flags) => verify::run(&flags, context),
        Command::VerifyAttestation(flags) => verify_attestation::run(&flags, context),
        Command::GenerateKeyPair(flags) => generate_key_pair::run(&flags, context),
        Command::PublicKey(flags) => public_key::run(&flags, context),
        Command::Sbom(flags) => sbom::run(&flags, context),
        Command::Controller(flags) => controller::run(&flags, context),
        Command::Policy(PolicyCommand::Test(flags)) => policy_test::run(&flags, context),
        Command::Audit(flags) => audit::run(&flags, context),
        Command::Stack(StackCommand::Up(flags)) => stack::up(&flags, context),
        Command::Stack(StackCommand::Token(flags)) => stack::token(&flags, context),
        Command::Version(flags) => version::run(&flags, context),
        Command::Completion(flags) => completion::run(&flags, context),
        Command::Debug(command) => debug::run(&command, context),
    }
}
