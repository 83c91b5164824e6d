//! Questions to the person at the keyboard: yes or no, and passwords.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The variable that holds the password of a key, even when it is empty.
const PASSWORD: &str = "COSIGN_PASSWORD";

/// The most that is read as a password from a pipe.
const LONGEST_PASSWORD: u64 = 64 * 1024;

/// Asks whether to go on; only `y` or `Y` does.
///
/// # Errors
/// If the answer is no, or neither yes nor no.
pub(crate) fn confirm(question: &str) -> Result<(), Failure> {
    let mut talk = io::stderr().lock();
    let said = write!(talk, "{question} [y/N] ").and_then(|()| talk.flush());
    said.map_err(|error| Failure::Talk {
        error: error.kind(),
    })?;
    let mut answer = String::new();
    let read = io::stdin().lock().take(1024).read_line(&mut answer);
    read.map_err(|error| Failure::Input {
        error: error.kind(),
    })?;
    match answer.trim() {
        "y" | "Y" => Ok(()),
        "" | "n" | "N" => Err(Failure::Declined),
        other => Err(Failure::NeitherYesNorNo {
            answer: other.to_owned(),
        }),
    }
}

/// Finds the password of a private key: `COSIGN_PASSWORD`, else the terminal, else all of standard input
/// unchanged (a trailing newline is part of it, as for cosign).
///
/// # Errors
/// If it cannot be read, or the two typed ones differ.
pub(crate) fn password(typed: Typed) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if let Some(password) = std::env::var_os(PASSWORD) {
        return Ok(Zeroizing::new(password.into_encoded_bytes()));
    }
    let input = |error: io::Error| Failure::Input {
        error: error.kind(),
    };
    if !io::stdin().is_terminal() {
        let mut password = Zeroizing::new(Vec::new());
        io::stdin()
            .lock()
            .take(LONGEST_PASSWORD)
            .read_to_end(&mut password)
            .map_err(input)?;
        return Ok(password);
    }
    let first = type_password("Enter password for private key: ").map_err(input)?;
    if typed == Typed::Twice {
        let again = type_password("Enter password for private key again: ").map_err(input)?;
        if *first != *again {
            return Err(Failure::PasswordsDiffer);
        }
    }
    Ok(first)
}

/// How often a person types a password: twice when it seals something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typed {
    /// To open.
    Once,
    /// To seal.
    Twice,
}

fn type_password(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut talk = io::stderr().lock();
    write!(talk, "{prompt}")?;
    talk.flush()?;
    let quiet = Quiet::start()?;
    let mut line = Zeroizing::new(String::new());
    io::stdin()
        .lock()
        .take(LONGEST_PASSWORD)
        .read_line(&mut line)?;
    drop(quiet);
    writeln!(talk)?;
    Ok(Zeroizing::new(
        line.trim_end_matches(['\n', '\r']).as_bytes().to_vec(),
    ))
}

/// A terminal that does not show what is typed, until this is dropped.
struct Quiet {
    before: Termios,
}

impl Quiet {
    fn start() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &quiet)?;
        Ok(Self { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Nothing is left to do where the terminal is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
