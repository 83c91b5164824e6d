//! The only place where errors become sentences and exit codes.
//!
//! An error is three parts: what is wrong, where (expected and found), and what to do. Nothing above
//! this file writes prose about failure; nothing below it chooses an exit status.

pub(crate) mod code;
mod cosign;
mod own;
mod policy;
mod registry;
mod signing;
mod stack;
mod verification;

use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::failure::Failure;
use crate::flags;
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
}

impl Report {
    /// Starts a report with its first line.
    pub(crate) fn new(code: &'static Code, what: impl Into<String>) -> Self {
        Self {
            code,
            what: what.into(),
            details: Vec::new(),
            hint: None,
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
}

/// Prints a failure on standard error and gives the exit status.
pub(crate) fn print(personality: Personality, failure: &Failure) -> ExitCode {
    let report = Report::from(failure);
    let (text, status) = match personality {
        Personality::Cosign => {
            let message = cosign::message(failure, &report);
            (two_lines(&message), cosign::status(failure, &report))
        }
        _ => (as_three_lines(&report), status(personality, &report)),
    };
    end(&text, status)
}

/// Prints a line of talk before there is anywhere else to say it.
pub(crate) fn note(line: &str) {
    // Nobody is left to tell where standard error is gone.
    let _ = writeln!(anstream::stderr(), "{line}");
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
        if personality == Personality::Cosign && !asked {
            // cosign alone is cosign asked for help.
            let _ = write!(anstream::stdout(), "{}", error.render().ansi());
            return ExitCode::SUCCESS;
        }
        // Help that cannot be printed has no other place to go.
        let _ = error.print();
        return if asked {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(code::COMMAND_LINE.outcome.status())
        };
    }
    if personality == Personality::Cosign {
        let message = cosign::command_line(error);
        return end(&two_lines(&message), cosign::WRONG);
    }
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let what = lines
        .next()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .trim_end_matches(':')
        .to_owned();
    let noise = ["For more information", "tip: to pass"];
    let details = lines.filter(|line| !noise.iter().any(|start| line.starts_with(start)));
    let mut report = details.fold(Report::new(code::COMMAND_LINE, what), Report::detail);
    if let Some(variable) = variable_behind(error) {
        report = report.hint(format!(
            "unset the variable {variable}, or set it to such a value"
        ));
    }
    end(&as_three_lines(&report), status(personality, &report))
}

/// A value that nobody typed is not found on the command line: it is in a variable.
fn variable_behind(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let words: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let flag = argument.split([' ', '[', '=']).next()?;
    let flag = flag.strip_prefix("--")?;
    flags::variable_behind(flag, &words)
}

fn end(text: &str, status: u8) -> ExitCode {
    // Nobody is left to tell where standard error is gone; the exit status still speaks.
    let _ = anstream::stderr().write_all(text.as_bytes());
    ExitCode::from(status)
}

fn status(personality: Personality, report: &Report) -> u8 {
    match personality {
        Personality::Syft | Personality::PolicyTester if report.code != code::NOT_THERE => 1,
        _ => report.code.outcome.status(),
    }
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

/// cobra prints an error, and cosign's `main` prints it again.
fn two_lines(message: &cosign::Message) -> String {
    let mut text = format!("Error: {}\n", message.text);
    if let Some(advice) = &message.advice {
        text.push_str(&format!("{advice}\n"));
    }
    text.push_str(&format!(
        "error during command execution: {}\n",
        message.text
    ));
    text
}

impl From<&Failure> for Report {
    fn from(failure: &Failure) -> Self {
        own::report(failure)
    }
}
