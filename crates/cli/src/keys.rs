//! Keys as `--key` names them, with the password asked for only when a sealed one is there.

use countersign_client::Secret;
use countersign_client::key_source::{KeySource, KeySourceError};
use countersign_trust::{PrivateKey, PublicKey};

use crate::failure::Failure;
use crate::terminal::{self, Typed};

/// Reads a sealed private key.
///
/// # Errors
/// If it is not there, is no key, or the password does not open it.
pub(crate) fn private(reference: &str) -> Result<PrivateKey, Failure> {
    let source = KeySource::parse(reference).map_err(Failure::Key)?;
    // Nobody is asked for the password of a key that is not there.
    source.text().map_err(Failure::Key)?;
    let password = terminal::password(Typed::Once)?;
    // Passwords are bytes; those that are no text seal no key that could be named here.
    let password = std::str::from_utf8(&password).map_err(|_| {
        Failure::Key(KeySourceError::Private {
            origin: source.clone(),
            error: countersign_trust::private_key::PrivateKeyError::WrongPassword,
        })
    })?;
    source
        .private_key(&Secret::new(password))
        .map_err(Failure::Key)
}

/// Reads a public key.
///
/// # Errors
/// If it is not there or is no public key.
pub(crate) fn public(reference: &str) -> Result<PublicKey, Failure> {
    KeySource::parse(reference)
        .and_then(|source| source.public_key())
        .map_err(Failure::Key)
}
