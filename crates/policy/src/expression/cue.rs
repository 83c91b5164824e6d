//! Rules in CUE: what is shown must not contradict the text.
//!
//! Upstream compiles what it is shown as CUE, so that a statement with comments or sums in it passes.
//! Here it must be JSON first.

use countersign_cue::{CompileError, Limits as CueLimits, Outcome, Rule};

use super::{Judgement, Limits, Question};

/// A rule in CUE.
#[derive(Debug)]
pub(super) struct Cue(Rule);

impl Cue {
    /// Compiles a text.
    pub(super) fn compile(
        name: &str,
        text: &str,
        question: Question,
    ) -> Result<Self, CompileError> {
        let rule = match question {
            Question::IsCompliant => Rule::compile(name, text)?,
            Question::Allow => Rule::compile_for_complete_documents(name, text)?,
        };
        Ok(Self(rule))
    }

    /// Asks about a JSON document.
    pub(super) fn evaluate(&self, input: &[u8], limits: &Limits) -> Judgement {
        let limits = CueLimits {
            input_bytes: limits.input_bytes,
            ..CueLimits::default()
        };
        match self.0.check(input, &limits) {
            Outcome::Pass => Judgement::Pass,
            Outcome::Fail { error } => Judgement::Fail {
                error,
                warning: String::new(),
            },
            Outcome::CannotJudge { error } => Judgement::CannotJudge { error },
        }
    }
}
