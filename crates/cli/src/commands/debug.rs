//! The hidden entries: for the project's own checks, chores and tests.

use std::process::ExitCode;

use countersign_client::image_source::{Layout, push_layout};

use crate::context::Context;
use crate::failure::Failure;
use crate::flags::{DebugCommand, PackImage, PushImage};
use crate::packed_image::{self, Level};
use crate::registries;
use crate::report::code;

/// Carries out one of them.
///
/// # Errors
/// If it cannot be done.
pub(crate) fn run(command: &DebugCommand, context: &Context) -> Result<ExitCode, Failure> {
    match command {
        DebugCommand::Errors => context.output.data(code::page())?,
        DebugCommand::PackImage(flags) => pack(flags, context)?,
        DebugCommand::PushImage(flags) => push(flags, context)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn pack(flags: &PackImage, context: &Context) -> Result<(), Failure> {
    let program = match &flags.binary {
        Some(program) => program.clone(),
        None => packed_image::this_program()?,
    };
    let digest = packed_image::write(&program, &flags.output, "latest", Level::Small)?;
    context.output.line(digest.to_string())
}

fn push(flags: &PushImage, context: &Context) -> Result<(), Failure> {
    let client = registries::client(&flags.registry)?;
    let target = registries::reference(&flags.image)?;
    let layout = Layout::open(&flags.layout).map_err(Failure::Layout)?;
    let pushed = context.wait_for(async {
        push_layout(&client, &layout, &target)
            .await
            .map_err(Failure::Push)
    })?;
    context.output.line(pushed.digest.to_string())
}
