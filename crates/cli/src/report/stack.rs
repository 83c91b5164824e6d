//! Sentences for the embedded services: ports, data folders, tokens.

use std::io::ErrorKind;

use countersign_stack::token::MintError;
use countersign_stack::{FileError, StackError};

use super::Report;
use super::code;
use super::own::{kind, written};

/// Writes the report of a stack that did not start.
pub(super) fn failed(error: &StackError) -> Report {
    match error {
        StackError::AddressInUse { address } => {
            Report::new(code::PORT, format!("{address} cannot be listened on"))
                .detail("another program listens there")
        }
        StackError::Listen {
            address,
            kind: found,
        } => {
            let report = Report::new(code::PORT, format!("{address} cannot be listened on"));
            let report = report.detail(kind(*found));
            match found {
                ErrorKind::AddrNotAvailable => {
                    report.hint("this machine has no such address: choose another with `--listen`")
                }
                ErrorKind::PermissionDenied => report
                    .hint("ports below 1024 need privileges: choose a higher one with `--listen`"),
                _ => report,
            }
        }
        StackError::FolderInUse { folder } => Report::new(
            code::DATA_FOLDER_IN_USE,
            format!("the data folder {} is in use", folder.display()),
        )
        .detail("another process holds its lock"),
        StackError::HostnameChanged { stored, wanted } => Report::new(
            code::DATA_FOLDER,
            "the data folder belongs to another host name",
        )
        .detail(format!("expected {stored:?}, found {wanted:?}"))
        .hint(format!(
            "listen on {stored:?} again, or give another folder with `--dir`"
        )),
        StackError::File(error) => file(error),
        other => Report::new(code::DATA_FOLDER, "the services cannot be started")
            .detail(other.to_string()),
    }
}

fn file(error: &FileError) -> Report {
    let report = Report::new(
        code::DATA_FOLDER,
        format!("the data folder cannot be used: {}", error.path.display()),
    );
    written(report, error.kind)
}

/// Writes the report of a token that was not made.
pub(super) fn token(error: &MintError) -> Report {
    match error {
        MintError::NotAWorkflow { .. } => {
            Report::new(code::FLAGS_DISAGREE, "the workflow cannot be read")
                .detail(error.to_string())
                .hint("write it as OWNER/REPOSITORY/.github/workflows/FILE@refs/tags/TAG")
        }
        MintError::Endpoints(_) => Report::new(code::DATA_FOLDER, "the folder holds no services")
            .detail(error.to_string())
            .hint("start them first: `countersign stack up --dir FOLDER`"),
        MintError::Keys(_) | MintError::Key(_) => {
            Report::new(code::DATA_FOLDER, "the issuer's key cannot be used")
                .detail(error.to_string())
        }
    }
}
