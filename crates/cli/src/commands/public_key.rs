//! `public-key`: the public half of a sealed key.

use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Failure;
use crate::flags::PublicKey;
use crate::keys;
use crate::written_file::{self, Readers};

/// Prints it, or writes it to `--outfile`.
///
/// # Errors
/// If the key or its password cannot be used.
pub(crate) fn run(flags: &PublicKey, context: &Context) -> Result<ExitCode, Failure> {
    let pem = keys::private(&flags.key)?.public_key().to_pem();
    match &flags.outfile {
        Some(file) => {
            written_file::write(file, pem.as_bytes(), Readers::All)?;
            context
                .output
                .say(format!("Key saved to: {}", file.display()));
        }
        None => context.output.data(pem)?,
    }
    Ok(ExitCode::SUCCESS)
}
