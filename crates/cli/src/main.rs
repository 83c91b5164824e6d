//! The binary: flags, output and wiring, nothing else.

mod annotations;
mod commands;
mod context;
mod failure;
mod flags;
mod keys;
mod output;
mod packed_image;
mod personality;
mod places;
mod read_file;
mod registries;
mod report;
mod signing;
mod terminal;
mod verifying;
mod written_file;

use std::process::ExitCode;

use context::Context;
use failure::Failure;
use output::Output;
use personality::Personality;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let personality = Personality::of(flags::program_name(&words));
    let parsed = flags::parse(personality, &words);
    if personality == Personality::Cosign && flags::were_read(&parsed) {
        for note in flags::deprecated::notes(&words) {
            report::note(&note);
        }
    }
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(flags::NotParsed::Clap(error)) => return report::command_line(personality, &error),
        Err(flags::NotParsed::Refused(refused)) => {
            return report::print(personality, &Failure::NotThere(refused));
        }
    };
    let appears = commands::output_appears(&parsed.command);
    let done = Output::open(&parsed.global, appears).and_then(|output| {
        let context = Context::new(personality, &parsed.global, output);
        let code = commands::run(parsed.command, &context)?;
        context.output.finish().map(|()| code)
    });
    match done {
        Ok(code) => code,
        Err(failure) => report::print(personality, &failure),
    }
}
