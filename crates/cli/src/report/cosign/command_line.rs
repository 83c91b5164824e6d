//! What cobra, cosign's library for command lines, says about one that is wrong.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Message;

/// Writes cobra's message.
pub(in crate::report) fn command_line(error: &clap::Error) -> Message {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.clone()),
        Some(ContextValue::Strings(words)) => words.first().cloned(),
        _ => None,
    };
    let argument = word(ContextKind::InvalidArg).unwrap_or_default();
    let value = word(ContextKind::InvalidValue).unwrap_or_default();
    let flag = argument.split([' ', '[', '=']).next().unwrap_or_default();
    let text = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let name = word(ContextKind::InvalidSubcommand).unwrap_or_default();
            return Message {
                text: format!("unknown command \"{name}\" for \"cosign\""),
                advice: Some("Run 'cosign --help' for usage.".to_owned()),
            };
        }
        ErrorKind::UnknownArgument if flag.starts_with("--") => format!("unknown flag: {flag}"),
        ErrorKind::UnknownArgument if flag.starts_with('-') => {
            let letter: String = flag.chars().skip(1).take(1).collect();
            format!("unknown shorthand flag: '{letter}' in {flag}")
        }
        ErrorKind::MissingRequiredArgument if argument.starts_with("--predicate") => {
            "at least one of the flags in the group [predicate statement] is required".to_owned()
        }
        ErrorKind::MissingRequiredArgument if argument.starts_with("--") => {
            let name = flag.trim_start_matches('-');
            format!("required flag(s) \"{name}\" not set")
        }
        ErrorKind::MissingRequiredArgument => {
            "requires at least 1 arg(s), only received 0".to_owned()
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("flag needs an argument: {flag}"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let source = std::error::Error::source(error);
            let why =
                source.map_or_else(|| "not one of its values".to_owned(), ToString::to_string);
            format!("invalid argument \"{value}\" for \"{flag}\" flag: {why}")
        }
        _ => first_line(error),
    };
    Message { text, advice: None }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}
