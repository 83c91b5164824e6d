//! Programs that keep credentials: `docker-credential-<name> get`.

use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};

use super::{Credential, KeychainError};
use crate::Secret;

/// Refuses names that would run something outside the search path's helpers.
pub(super) fn check_name(name: &str) -> Result<(), KeychainError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.len() <= 64 && name.bytes().all(fits) {
        return Ok(());
    }
    Err(KeychainError::HelperName {
        name: name.chars().take(64).collect(),
    })
}

/// Asks a helper for the credential of `server`; `None` where it has none.
pub(super) async fn ask(name: &str, server: &str) -> Result<Option<Credential>, KeychainError> {
    check_name(name)?;
    let program = format!("docker-credential-{name}");
    let failed = || KeychainError::HelperFailed {
        program: program.clone(),
    };
    let child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| KeychainError::HelperAbsent {
            program: program.clone(),
            kind: error.kind(),
        })?;
    let conversation = tokio::time::timeout(TIMEOUT, converse(child, server)).await;
    let (success, output) = match conversation {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => return Err(failed()),
        Err(_) => {
            let seconds = TIMEOUT.as_secs();
            return Err(KeychainError::HelperTimedOut { program, seconds });
        }
    };
    if !success {
        // The one sentence that the protocol fixes (docker-credential-helpers, `errCredentialsNotFound`).
        let says = String::from_utf8_lossy(&output);
        let none = says.contains("credentials not found in native keychain");
        return if none { Ok(None) } else { Err(failed()) };
    }
    let answer: Answer = serde_json::from_slice(&output).map_err(|_| failed())?;
    Ok(answer.credential())
}

async fn converse(
    mut child: Child,
    server: &str,
) -> std::io::Result<(bool, zeroize::Zeroizing<Vec<u8>>)> {
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read its input may still answer.
        let _ = input.write_all(server.as_bytes()).await;
    }
    let mut output = zeroize::Zeroizing::new(Vec::with_capacity(MAX_ANSWER));
    if let Some(stdout) = child.stdout.take() {
        stdout
            .take(MAX_ANSWER as u64)
            .read_to_end(&mut output)
            .await?;
    }
    Ok((child.wait().await?.success(), output))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    secret: Option<Secret>,
}

impl Answer {
    fn credential(self) -> Option<Credential> {
        let secret = self.secret.filter(|secret| !secret.expose().is_empty())?;
        Some(match self.username.as_str() {
            "<token>" => Credential::IdentityToken(secret),
            _ => Credential::Basic {
                username: self.username,
                password: secret,
            },
        })
    }
}

/// Helpers that ask a person or a cloud take seconds.
const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_ANSWER: usize = 64 * 1024;
