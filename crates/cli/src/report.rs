//! The only place where errors become sentences and exit codes.
//!
//! An error is three parts: what is wrong, where (expected and found), and what to do. Nothing above
//! this file writes prose about failure; nothing below it chooses an exit status.

pub(crate) mod code;
mod own;
mod policy;
mod registry;
mod signing;
mod stack;
mod verification;

use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::failure::Failure;
use crate::output::{BAD, STRONG};
use crate::personality::Personality;
use code::Code;

/// An error as a person reads it.
#[derive(Debug)]
pub(crate) struct Report {
    /// The row of the table.
    pub(crate) code: &'static Code,
    /// First line: what is wrong.
    pub(crate) what: String,
    /// Second part: where, what was expected and what was found.
    pub(crate) details: Vec<String>,
    /// Last line: what to do; the code's own remedy where absent.
    pub(crate) hint: Option<String>,
    /// The exit status under the name `cosign`.
    pub(crate) cosign: u8,
}

impl Report {
    /// Starts a report with its first line.
    pub(crate) fn new(code: &'static Code, what: impl Into<String>) -> Self {
        Self {
            code,
            what: what.into(),
            details: Vec::new(),
            hint: None,
            cosign: 1,
        }
    }

    /// Adds a line that says where, or what was expected and found.
    #[must_use]
    pub(crate) fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    /// Replaces the code's remedy by a better one.
    #[must_use]
    pub(crate) fn hint(mut self, line: impl Into<String>) -> Self {
        self.hint = Some(line.into());
        self
    }

    /// Sets the exit status under the name `cosign`.
    #[must_use]
    pub(crate) fn cosign(mut self, status: u8) -> Self {
        self.cosign = status;
        self
    }

    fn status(&self, personality: Personality) -> u8 {
        match personality {
            Personality::Countersign => self.code.outcome.status(),
            // What is not there yet must not look like a verdict of the tool whose name is borrowed.
            _ if self.code == code::NOT_THERE => self.code.outcome.status(),
            Personality::Cosign => self.cosign,
            Personality::Syft | Personality::PolicyTester => 1,
        }
    }
}

/// Prints a failure on standard error and gives the exit status.
pub(crate) fn print(personality: Personality, failure: &Failure) -> ExitCode {
    show(personality, &Report::from(failure))
}

/// Prints what clap says about a command line, or the help that was asked for.
pub(crate) fn command_line(personality: Personality, error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        let asked = error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
        // Help that cannot be printed has no other place to go.
        let _ = error.print();
        return if asked || personality == Personality::Cosign {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(code::COMMAND_LINE.outcome.status())
        };
    }
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let what = lines
        .next()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .to_owned();
    let details = lines.filter(|line| !line.starts_with("For more information"));
    let report = details.fold(Report::new(code::COMMAND_LINE, what), Report::detail);
    show(personality, &report)
}

fn show(personality: Personality, report: &Report) -> ExitCode {
    let text = match personality {
        Personality::Cosign => as_cosign(report),
        _ => as_three_lines(report),
    };
    // Nobody is left to tell where standard error is gone; the exit status still speaks.
    let _ = anstream::stderr().write_all(text.as_bytes());
    ExitCode::from(report.status(personality))
}

fn as_three_lines(report: &Report) -> String {
    let mut text = format!("{BAD}error[{}]{BAD:#}: {}\n", report.code.name, report.what);
    for detail in report.details.iter().flat_map(|detail| detail.lines()) {
        text.push_str(&format!("  {detail}\n"));
    }
    let hint = report.hint.as_deref().unwrap_or(report.code.remedy);
    text.push_str(&format!("{STRONG}hint{STRONG:#}: {hint}\n"));
    text
}

fn as_cosign(report: &Report) -> String {
    let mut message = report.what.clone();
    for detail in &report.details {
        message.push_str(": ");
        message.push_str(detail);
    }
    format!("Error: {message}\nerror during command execution: {message}\n")
}

impl From<&Failure> for Report {
    fn from(failure: &Failure) -> Self {
        own::report(failure)
    }
}
