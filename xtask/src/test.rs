//! `cargo xtask test`: all that must hold before a change lands, ending in one summary line.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::say;

/// Runs format, lints and tests in this order, and prints `N passed, N failed, N skipped` last.
///
/// The tests run even when format or lints fail, so that one run shows everything.
pub(crate) fn run() -> Result<()> {
    let started = Instant::now();
    let mut broken = Vec::new();
    for (name, arguments) in [
        ("format", vec!["fmt", "--all", "--check"]),
        (
            "lints",
            vec![
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--quiet",
                "--",
                "-D",
                "warnings",
            ],
        ),
    ] {
        say(&format!("== {name}"));
        if !cargo(&arguments)
            .status()
            .with_context(|| name.to_owned())?
            .success()
        {
            broken.push(name);
        }
    }
    say("== tests");
    let (counts, success) = run_tests()?;
    say(&format!("== {:.0} s", started.elapsed().as_secs_f64()));
    if counts.failed > 0 || !success {
        broken.push("tests");
    }
    let failed = counts.failed + usize::from(!broken.is_empty() && counts.failed == 0);
    if !broken.is_empty() {
        say(&format!("broken: {}", broken.join(", ")));
    }
    print(&format!(
        "{} passed, {failed} failed, {} skipped",
        counts.passed, counts.skipped
    ));
    if broken.is_empty() {
        Ok(())
    } else {
        bail!("{} must be mended", broken.join(", "))
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Counts {
    /// Adds what one test binary says in its closing line, as libtest writes it.
    fn add(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test result: ") else {
            return;
        };
        let mut number = 0;
        for word in rest.split_whitespace() {
            match word.trim_end_matches([';', '.']) {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                other => number = other.parse().unwrap_or(0),
            }
        }
    }
}

fn run_tests() -> Result<(Counts, bool)> {
    let mut child = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"])
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo test")?;
    let mut counts = Counts::default();
    let output = child.stdout.take().expect("stdout was asked for as a pipe");
    for line in BufReader::new(output).lines() {
        let line = line?;
        counts.add(&line);
        print(&line);
    }
    Ok((counts, child.wait()?.success()))
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(xtask::root()).args(arguments);
    command
}

fn print(line: &str) {
    #[allow(
        clippy::print_stdout,
        reason = "the runner's lines are what a program reads here"
    )]
    {
        println!("{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_summed() {
        let mut counts = Counts::default();
        counts.add("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s");
        counts
            .add("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out");
        counts.add("running 3 tests");
        assert_eq!(
            counts,
            Counts {
                passed: 15,
                failed: 2,
                skipped: 1
            }
        );
    }
}
