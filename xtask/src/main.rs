//! The project's own chores: `cargo xtask test`, `cargo xtask tidy`, `cargo xtask dist`.

use std::process::ExitCode;

use anyhow::{Result, bail};

mod dist;
mod test;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["test"] => test::run(),
        ["tidy"] => tidy(),
        ["tidy", "--bless"] => xtask::tidy::dependencies::bless(),
        ["dist"] => dist::run(),
        _ => bail!("expected one of: test, tidy, tidy --bless, dist"),
    }
}

fn tidy() -> Result<()> {
    let findings = xtask::tidy::run()?;
    for finding in &findings {
        say(&finding.to_string());
    }
    if findings.is_empty() {
        say("tidy: nothing to say");
        return Ok(());
    }
    bail!("{} findings", findings.len())
}

/// Talk goes to stderr; stdout is for data.
fn say(line: &str) {
    #[allow(
        clippy::print_stderr,
        reason = "this is the terminal front of the chores"
    )]
    {
        eprintln!("{line}");
    }
}
