//! Why a policy was refused.

use thiserror::Error;

/// Where something stands in the text of a policy, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// A policy cannot be used: it is not CUE, or not the CUE that this crate knows.
///
/// `Display` gives upstream's words where upstream has any, without the position.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CompileError {
    /// The text is longer than [`MAX_POLICY`](crate::MAX_POLICY).
    #[error("policy of {bytes} bytes is longer than {limit}")]
    TooLong {
        /// The length found.
        bytes: usize,
        /// The longest taken.
        limit: usize,
    },
    /// The text is not CUE.
    #[error("{fault}")]
    Syntax {
        /// Where.
        position: Position,
        /// What is wrong there.
        fault: SyntaxFault,
    },
    /// A name that nothing declares.
    #[error("reference {name:?} not found")]
    Unresolved {
        /// Where.
        position: Position,
        /// The name.
        name: String,
    },
    /// An import that nothing uses.
    #[error("imported and not used: {path:?}")]
    UnusedImport {
        /// Where.
        position: Position,
        /// The path of the package.
        path: String,
    },
    /// A name of an import that is declared again.
    #[error("{name} redeclared as imported package name")]
    Redeclared {
        /// Where.
        position: Position,
        /// The name.
        name: String,
    },
    /// A package that this crate does not have.
    #[error("builtin package {path:?} undefined")]
    UnknownPackage {
        /// Where.
        position: Position,
        /// The path of the package.
        path: String,
    },
    /// Something that this crate does not know: a function, a keyword, a form.
    #[error("{name} is not supported")]
    Unsupported {
        /// Where.
        position: Position,
        /// What it is called.
        name: String,
    },
    /// The policy contradicts itself, or cannot be decided at its top level.
    #[error("{message}")]
    Contradiction {
        /// The path and the reason, in upstream's words.
        message: String,
    },
    /// Evaluating the policy on its own took more than is allowed.
    #[error("policy is too costly: {excess}")]
    TooCostly {
        /// Which bound was met.
        excess: Excess,
    },
}

/// Which bound of a deterministic budget was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Excess {
    /// No thread for the evaluation.
    #[error("no thread could be started for the evaluation")]
    Thread,
    /// Too many steps.
    #[error("more than {0} steps")]
    Steps(u64),
    /// Values that need values that need values.
    #[error("values nest more than {0} deep")]
    Depth(usize),
    /// A text or list grew too long.
    #[error("a value is longer than {0}")]
    Length(usize),
    /// A number needs more digits than are kept.
    #[error("a number needs more than 38 digits")]
    Digits,
}

/// What is wrong with the text of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SyntaxFault {
    /// One thing was needed and another found.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What was needed.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// Two things without a comma between them.
    #[error("missing ',' in {place} literal")]
    MissingComma {
        /// `struct` or `list`.
        place: &'static str,
    },
    /// A character that means nothing in CUE.
    #[error("illegal character U+{:04X} {:?}", *.0 as u32, .0)]
    IllegalCharacter(char),
    /// A string without its end.
    #[error("string literal not terminated")]
    Unterminated,
    /// `\q` and the like.
    #[error("unknown escape sequence")]
    Escape,
    /// An escape that is no character.
    #[error("invalid string: unmatched surrogate pair")]
    Surrogate,
    /// A line of a multi-line string that is indented less than its end.
    #[error("invalid string: invalid whitespace")]
    Indentation,
    /// A number in no known form.
    #[error("illegal integer number")]
    Number,
    /// Brackets in brackets in brackets.
    #[error("nested too deeply")]
    TooDeep,
}
