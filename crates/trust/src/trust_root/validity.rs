//! A span of time in which a key or an authority was in use.

use jiff::Timestamp;

/// A span of time, both ends included, as `validFor` of a trust root has it. An end that is absent is
/// open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// The first instant.
    pub start: Option<Timestamp>,
    /// The last instant.
    pub end: Option<Timestamp>,
}

impl Validity {
    /// Tells whether `at` lies in the span.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= at) && self.end.is_none_or(|end| at <= end)
    }
}
