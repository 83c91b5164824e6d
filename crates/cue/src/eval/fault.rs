//! What goes wrong in an evaluation.

use crate::error::Excess;

/// A value that cannot be: where, and why, in upstream's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) path: String,
    pub(crate) message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// The evaluation ends without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    Excess(Excess),
    /// Fields that depend on each other in circles without end.
    Unsettled,
    /// Met something that this crate does not know.
    Unsupported(String),
}

/// Why an expression has no value.
#[derive(Debug, Clone)]
pub(crate) enum Ev {
    /// It never will have: a contradiction. The fault of another vertex is passed on as it is.
    Bottom(Failure),
    /// It may have when more is known.
    Incomplete(String),
    Stop(Stop),
}

#[derive(Debug, Clone)]
pub(crate) enum Failure {
    Here(String),
    There(Fault),
}

impl Ev {
    pub(crate) fn bottom(message: impl Into<String>) -> Self {
        Self::Bottom(Failure::Here(message.into()))
    }

    pub(crate) fn incomplete(message: impl Into<String>) -> Self {
        Self::Incomplete(message.into())
    }

    pub(crate) fn digits() -> Self {
        Self::Stop(Stop::Excess(Excess::Digits))
    }
}

impl From<Stop> for Ev {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}
