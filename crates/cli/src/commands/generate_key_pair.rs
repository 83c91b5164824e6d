//! `generate-key-pair`: a P-256 key sealed with a password, and its public half.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use countersign_trust::PrivateKey;

use crate::context::Context;
use crate::failure::{Failure, FlagsDisagree};
use crate::flags::GenerateKeyPair;
use crate::terminal::{self, Typed};
use crate::written_file::{Draft, Readers};

/// Writes `PREFIX.key` and `PREFIX.pub`, both or none.
///
/// # Errors
/// If the password cannot be had, the person does not want a file replaced, or a file cannot be written.
pub(crate) fn run(flags: &GenerateKeyPair, context: &Context) -> Result<ExitCode, Failure> {
    if let Some(place) = &flags.place {
        return Err(Failure::Flags(FlagsDisagree::Format {
            asked: place.clone(),
        }));
    }
    let private_file = PathBuf::from(format!("{}.key", flags.output_key_prefix));
    let public_file = PathBuf::from(format!("{}.pub", flags.output_key_prefix));
    let password = terminal::password(Typed::Twice)?;
    if !flags.yes {
        for file in [&private_file, &public_file] {
            agree_to_replace(file, context)?;
        }
    }
    let key = PrivateKey::generate().map_err(Failure::PrivateKey)?;
    let sealed = key
        .to_encrypted_pem(&password)
        .map_err(Failure::PrivateKey)?;
    let private = Draft::new(&private_file, sealed.as_bytes(), Readers::Owner)?;
    let public = Draft::new(
        &public_file,
        key.public_key().to_pem().as_bytes(),
        Readers::All,
    )?;
    private.place()?;
    context
        .output
        .say(format!("Private key written to {}", private_file.display()));
    public.place()?;
    context
        .output
        .say(format!("Public key written to {}", public_file.display()));
    Ok(ExitCode::SUCCESS)
}

fn agree_to_replace(file: &Path, context: &Context) -> Result<(), Failure> {
    if !file.exists() {
        return Ok(());
    }
    context.output.warn(format!(
        "File {} already exists. Overwrite?",
        file.display()
    ));
    terminal::confirm("Are you sure you would like to continue?")
}
