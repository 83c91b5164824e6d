//! `completion`: a script for the shell, from the flags' own definition.

use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Failure;
use crate::flags::{self, Completion, Shell};
use crate::personality::Personality;

/// Prints the script.
pub(crate) fn run(flags: &Completion, context: &Context) -> Result<ExitCode, Failure> {
    let mut command = flags::command_of(context.personality);
    let name = match context.personality {
        Personality::Countersign => "countersign",
        Personality::Cosign => "cosign",
        Personality::Syft => "syft",
        Personality::PolicyTester => "policy-tester",
    };
    let shell = match flags.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::PowerShell => clap_complete::Shell::PowerShell,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    context.output.data(script)?;
    Ok(ExitCode::SUCCESS)
}
