//! From the words of a command line, and the name the program was called by, to flags.

use std::env;
use std::ffi::OsString;
use std::path::Path;

use clap::builder::ValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, CommandFactory, FromArgMatches};

use super::refused::{self, Refused};
use super::{
    Command, Cosign, Countersign, Global, PolicyCommand, PolicyTester, Syft, SyftCommand, Version,
    go_value,
};
use crate::personality::Personality;

/// A command line that was understood.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The flags every command has.
    pub(crate) global: Global,
    /// What to do.
    pub(crate) command: Command,
}

/// Why a command line is not carried out.
#[derive(Debug)]
pub(crate) enum NotParsed {
    /// It names something that is not there yet.
    Refused(Refused),
    /// It is wrong, or it asked for help.
    Clap(clap::Error),
}

/// Reads a command line, the name of the program first.
///
/// # Errors
/// If the line is wrong, asks for help, or names a part that is not there.
pub(crate) fn parse(personality: Personality, words: &[String]) -> Result<Parsed, NotParsed> {
    let rest = words.get(1..).unwrap_or_default();
    if asks_for_version(personality, rest) {
        return Ok(Parsed {
            global: Global::default(),
            command: Command::Version(Version { json: false }),
        });
    }
    match personality {
        Personality::Countersign => {
            look_for_refused(rest)?;
            let line: Countersign = read(personality, words)?;
            Ok(Parsed {
                global: line.global,
                command: line.command,
            })
        }
        Personality::Cosign => {
            look_for_refused(rest)?;
            let line: Cosign = read(personality, words)?;
            Ok(Parsed {
                global: line.global,
                command: line.command.into(),
            })
        }
        Personality::Syft => parse_syft(words),
        Personality::PolicyTester => {
            let line: PolicyTester = read(personality, &double_dashes(words))?;
            let command = if line.version {
                Command::Version(Version { json: false })
            } else {
                Command::Policy(PolicyCommand::Test(line.test))
            };
            Ok(Parsed {
                global: Global::default(),
                command,
            })
        }
    }
}

/// `--version` works as in most programs; cosign does not know it.
fn asks_for_version(personality: Personality, words: &[String]) -> bool {
    matches!(personality, Personality::Countersign | Personality::Syft)
        && matches!(words, [only] if only == "--version" || only == "-V")
}

/// Names the variable of the environment that a wrong value of `flag` came from.
pub(crate) fn variable_behind(flag: &str, words: &[String]) -> Option<String> {
    let long = format!("--{flag}");
    let typed = |word: &String| word.split('=').next() == Some(&long);
    if words.iter().any(typed) {
        return None;
    }
    from_environment(flag).map(|(variable, _)| variable)
}

/// Whether every flag on the line is known, so that only words are missing if anything.
pub(crate) fn were_read(parsed: &Result<Parsed, NotParsed>) -> bool {
    match parsed {
        Ok(_) => true,
        Err(NotParsed::Clap(error)) => error.kind() == ErrorKind::MissingRequiredArgument,
        Err(NotParsed::Refused(_)) => false,
    }
}

/// Builds the command line's definition: for help and completion.
pub(crate) fn command_of(personality: Personality) -> clap::Command {
    let command = match personality {
        Personality::Countersign => Countersign::command(),
        Personality::Cosign => Cosign::command(),
        Personality::Syft => Syft::command(),
        Personality::PolicyTester => PolicyTester::command(),
    };
    as_go_reads(command, personality)
}

impl Default for Global {
    fn default() -> Self {
        Self {
            output_file: None,
            timeout: std::time::Duration::from_secs(180),
            verbose: false,
        }
    }
}

fn read<T: FromArgMatches>(personality: Personality, words: &[String]) -> Result<T, NotParsed> {
    let matches = command_of(personality)
        .try_get_matches_from(words)
        .map_err(NotParsed::Clap)?;
    T::from_arg_matches(&matches).map_err(NotParsed::Clap)
}

fn look_for_refused(words: &[String]) -> Result<(), NotParsed> {
    refused::find(words, |flag| from_environment(flag).map(|(_, value)| value))
        .map_or(Ok(()), |found| Err(NotParsed::Refused(found)))
}

/// `syft IMAGE` is `syft scan IMAGE`.
fn parse_syft(words: &[String]) -> Result<Parsed, NotParsed> {
    let mut words = words.to_vec();
    let rest = words.get(1..).unwrap_or_default();
    if let Some(found) = refused::find_syft_command(rest) {
        return Err(NotParsed::Refused(found));
    }
    let known = ["scan", "version", "completion", "help", "-h", "--help"];
    if rest
        .first()
        .is_some_and(|first| !known.contains(&first.as_str()))
    {
        words.insert(1, "scan".to_owned());
    }
    look_for_refused(&words[1..])?;
    let line: Syft = read(Personality::Syft, &words)?;
    let command = match line.command {
        SyftCommand::Scan(flags) => Command::Sbom(flags),
        SyftCommand::Version(flags) => Command::Version(flags),
        SyftCommand::Completion(flags) => Command::Completion(flags),
    };
    Ok(Parsed {
        global: Global::default(),
        command,
    })
}

/// Go's `flag` package, which policy-tester uses, takes `-policy` for `--policy`.
fn double_dashes(words: &[String]) -> Vec<String> {
    let single = |word: &String| word.len() > 2 && word.starts_with('-') && !word.starts_with("--");
    words
        .iter()
        .map(|word| {
            if single(word) {
                format!("-{word}")
            } else {
                word.clone()
            }
        })
        .collect()
}

/// Gives every flag the two things that cobra and viper give to cosign's: truth values may be written
/// out (`--yes=false`), and the environment has a say where the command line is silent.
fn as_go_reads(command: clap::Command, personality: Personality) -> clap::Command {
    command
        .mut_args(|argument| with_environment(with_truth(argument), personality))
        .mut_subcommands(|command| as_go_reads(command, personality))
}

fn with_truth(argument: Arg) -> Arg {
    if !matches!(argument.get_action(), ArgAction::SetTrue) {
        return argument;
    }
    let silent = argument
        .get_default_values()
        .first()
        .map_or_else(|| "false".into(), Clone::clone);
    let off = silent == "false";
    argument
        .action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .value_parser(ValueParser::new(go_value::truth))
        .default_value(silent)
        .default_missing_value("true")
        .hide_default_value(off)
        .hide_possible_values(true)
        .value_name("BOOL")
}

fn with_environment(argument: Arg, personality: Personality) -> Arg {
    if matches!(personality, Personality::PolicyTester | Personality::Syft) {
        return argument;
    }
    let Some((variable, _)) = argument.get_long().and_then(from_environment) else {
        return argument;
    };
    argument.env(OsString::from(variable)).hide_env(true)
}

/// Finds the variable that stands for a flag: ours first, then cosign's. An empty one counts as absent,
/// as it does for viper.
fn from_environment(flag: &str) -> Option<(String, String)> {
    let name = flag.to_uppercase().replace('-', "_");
    ["COUNTERSIGN_", "COSIGN_"]
        .iter()
        .filter(|prefix| **prefix == "COUNTERSIGN_" || is_cosigns(flag))
        .map(|prefix| format!("{prefix}{name}"))
        .find_map(|variable| {
            let value = env::var(&variable).ok().filter(|value| !value.is_empty())?;
            Some((variable, value))
        })
}

/// Flags that cosign does not have take no `COSIGN_` variable.
fn is_cosigns(flag: &str) -> bool {
    const OURS: [&str; 18] = [
        "dir",
        "listen",
        "email",
        "github-workflow",
        "sha",
        "event",
        "workflow-name",
        "policies",
        "no-match-policy",
        "ca-file",
        "keep",
        "image",
        "from",
        "limit",
        "binary",
        "quiet",
        "scope",
        "accept-attestation-as-signature",
    ];
    !OURS.contains(&flag)
}

/// Returns the last part of the name the program was called by.
pub(crate) fn program_name(words: &[String]) -> &str {
    words
        .first()
        .and_then(|name| Path::new(name).file_stem())
        .and_then(|name| name.to_str())
        .unwrap_or("countersign")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn definitions_are_sound() {
        for personality in [
            Personality::Countersign,
            Personality::Cosign,
            Personality::Syft,
            Personality::PolicyTester,
        ] {
            command_of(personality).debug_assert();
        }
    }

    #[test]
    fn truth_values_may_be_written_out() {
        let words = line("countersign sign --tlog-upload=false --yes image");
        let parsed = parse(Personality::Countersign, &words).unwrap();
        let Command::Sign(sign) = parsed.command else {
            panic!("another command")
        };
        assert!(!sign.signing.tlog_upload);
        assert!(sign.signing.yes);
        assert!(sign.upload);
        assert!(sign.signing.use_signing_config);
    }

    #[test]
    fn short_names_of_cosign_identify_flags() {
        let words = line("cosign verify --cert-identity a --cert-oidc-issuer=b image");
        let parsed = parse(Personality::Cosign, &words).unwrap();
        let Command::Verify(verify) = parsed.command else {
            panic!("another command")
        };
        assert_eq!(verify.identity.certificate_identity.as_deref(), Some("a"));
        assert_eq!(
            verify.identity.certificate_oidc_issuer.as_deref(),
            Some("b")
        );
    }

    #[test]
    fn syft_takes_a_source_without_a_command() {
        let parsed = parse(
            Personality::Syft,
            &line("syft alpine -o spdx-json=f -o purls"),
        )
        .unwrap();
        let Command::Sbom(sbom) = parsed.command else {
            panic!("another command")
        };
        assert_eq!(sbom.source, "alpine");
        assert_eq!(sbom.output.len(), 2);
    }

    #[test]
    fn policy_tester_takes_one_dash() {
        let words = line("policy-tester -policy p -image i");
        let parsed = parse(Personality::PolicyTester, &words).unwrap();
        let Command::Policy(PolicyCommand::Test(test)) = parsed.command else {
            panic!("another command")
        };
        assert_eq!((test.policy.as_str(), test.image.as_str()), ("p", "i"));
    }
}
