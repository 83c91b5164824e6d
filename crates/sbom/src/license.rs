//! Licences as packages state them, and as SPDX can express them.

use spdx::{Expression, ParseMode};

/// A licence that a package states.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct License {
    /// What is stated.
    pub term: LicenseTerm,
    /// Whether the package says so itself or we concluded it from a text.
    pub basis: LicenseBasis,
}

/// The words of a [`License`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LicenseTerm {
    /// A valid SPDX expression, operators in capitals.
    Expression(String),
    /// Anything else, as it was written; SPDX needs a `LicenseRef` for it.
    Name(String),
}

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LicenseBasis {
    /// The package's own metadata.
    Declared,
    /// Our reading of a licence text.
    Concluded,
}

impl License {
    /// Takes what a package declares; `None` if that is nothing (`UNKNOWN` and its like included).
    ///
    /// A text that is an SPDX expression, or a known loose spelling of one, becomes that expression.
    #[must_use]
    pub fn declared(text: &str) -> Option<Self> {
        let text = text.trim();
        let says_nothing = NOTHING.iter().any(|word| text.eq_ignore_ascii_case(word));
        if says_nothing {
            return None;
        }
        let term = match expression(text) {
            Some(expression) => LicenseTerm::Expression(expression),
            None => LicenseTerm::Name(text.chars().take(MAX_NAME).collect()),
        };
        Some(Self {
            term,
            basis: LicenseBasis::Declared,
        })
    }

    /// The words, whichever they are.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.term {
            LicenseTerm::Expression(text) | LicenseTerm::Name(text) => text,
        }
    }
}

/// Reads `text` as an SPDX expression, forgiving the spellings that the `spdx` crate knows.
fn expression(text: &str) -> Option<String> {
    if text.len() > MAX_EXPRESSION || text.bytes().filter(|byte| *byte == b'(').count() > MAX_DEPTH
    {
        return None;
    }
    let shouted = shout_operators(text);
    if Expression::parse_mode(&shouted, WRITTEN).is_ok() {
        return Some(shouted);
    }
    let canonical = Expression::canonicalize(text)
        .ok()
        .flatten()
        .map(|text| shout_operators(&text));
    if let Some(canonical) = canonical.filter(|text| Expression::parse_mode(text, WRITTEN).is_ok())
    {
        return Some(canonical);
    }
    let (id, length) = spdx::imprecise_license_id(text)?;
    (length == text.len()).then(|| id.name.to_owned())
}

/// Writes `and`, `or`, `with` in capitals, as the specification wants them written.
fn shout_operators(text: &str) -> String {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let is_operator = ["and", "or", "with"]
            .iter()
            .any(|operator| word.eq_ignore_ascii_case(operator));
        words.push(if is_operator {
            word.to_ascii_uppercase()
        } else {
            word.to_owned()
        });
    }
    words.join(" ")
}

/// Deprecated identifiers are still on the list, and packages of their time use them.
const WRITTEN: ParseMode = ParseMode {
    allow_deprecated: true,
    ..ParseMode::STRICT
};

/// What people write when there is nothing to say.
const NOTHING: [&str; 6] = [
    "",
    "unknown",
    "none",
    "noassertion",
    "dual license",
    "see license",
];

/// The longest real expressions (Debian's gcc) have some 500 characters.
const MAX_EXPRESSION: usize = 4096;

/// The parser of the `spdx` crate keeps a stack; no real expression nests deeper than 4.
const MAX_DEPTH: usize = 64;

/// Whole licence texts stand in the field of some packages; what names the licence is in front.
const MAX_NAME: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let license = License::declared(text).unwrap();
        assert_eq!(
            license.term,
            LicenseTerm::Expression(expected.to_owned()),
            "{text}"
        );
    }

    #[test]
    fn expressions_are_recognised() {
        check("MIT", "MIT");
        check("MIT or Apache-2.0", "MIT OR Apache-2.0");
        check("MIT/Apache-2.0", "MIT OR Apache-2.0");
        check(
            "(GPL-2.0-only WITH Classpath-exception-2.0) and BSD-3-Clause",
            "(GPL-2.0-only WITH Classpath-exception-2.0) AND BSD-3-Clause",
        );
        check("GPL-2.0", "GPL-2.0");
    }

    #[test]
    fn everything_else_is_a_name() {
        let odd = License::declared("My own licence, see below").unwrap();
        assert_eq!(
            odd.term,
            LicenseTerm::Name("My own licence, see below".into())
        );
        assert_eq!(License::declared(" UNKNOWN "), None);
        assert!(matches!(
            License::declared(&"(".repeat(5000)).unwrap().term,
            LicenseTerm::Name(_)
        ));
    }
}
