//! JSON as other programs expect it from these tools.

use serde::Serialize;

/// Writes `value` over several lines, for a person who asked for JSON.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("our own values have string keys only")
}

/// Writes `value` on one line, for a program that reads lines.
pub(crate) fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our own values have string keys only")
}
