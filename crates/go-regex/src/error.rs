//! What Go says about an expression that it cannot compile.

use thiserror::Error;

/// An expression was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("error parsing regexp: {kind}: `{expression}`")]
pub struct GoRegexError {
    kind: ErrorKind,
    expression: String,
}

/// Why an expression was refused, with Go's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ErrorKind {
    /// A range that runs backwards, or an unknown class name.
    #[error("invalid character class range")]
    InvalidCharacterRange,
    /// An escape that Go does not know, among them back references.
    #[error("invalid escape sequence")]
    InvalidEscape,
    /// A group name that is not letters, digits and underscores.
    #[error("invalid named capture")]
    InvalidNamedCapture,
    /// Look-around, possessive and other syntax of Perl that Go leaves out.
    #[error("invalid or unsupported Perl syntax")]
    InvalidPerlSyntax,
    /// `a**` and the like.
    #[error("invalid nested repetition operator")]
    InvalidRepeatOperator,
    /// A count over 1000, alone or by nesting, or one that runs backwards.
    #[error("invalid repeat count")]
    InvalidRepeatSize,
    /// A class without its end.
    #[error("missing closing ]")]
    MissingBracket,
    /// A group without its end.
    #[error("missing closing )")]
    MissingParenthesis,
    /// A repetition of nothing.
    #[error("missing argument to repetition operator")]
    MissingRepeatArgument,
    /// The expression ends in a backslash.
    #[error("trailing backslash at end of expression")]
    TrailingBackslash,
    /// A group that was never opened.
    #[error("unexpected )")]
    UnexpectedParenthesis,
    /// Too many groups inside each other.
    #[error("expression nests too deeply")]
    TooDeep,
    /// Too long, or too large when compiled.
    #[error("expression too large")]
    TooLarge,
}

impl GoRegexError {
    pub(crate) fn new(kind: ErrorKind, expression: &str) -> Self {
        Self {
            kind,
            expression: expression.to_owned(),
        }
    }

    pub(crate) fn too_large(pattern: &str) -> Self {
        let shown: String = pattern.chars().take(SHOWN).collect();
        Self {
            kind: ErrorKind::TooLarge,
            expression: shown,
        }
    }

    /// Why the expression was refused.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The part of the expression that is at fault.
    pub fn expression(&self) -> &str {
        &self.expression
    }
}

/// How much of an oversized pattern is repeated in its error.
const SHOWN: usize = 64;
