//! Rules that a policy states in CUE or Rego, behind one type.

mod cue;
pub mod rego;
mod rego_check;
mod rego_text;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::policy::FaultKind;
use crate::reference::References;
use crate::wire;
use cue::Cue;
use rego::{Question, Rego, RegoError};

/// A rule, compiled once and asked often.
#[derive(Clone, Debug)]
pub struct Expression {
    name: String,
    rule: Rule,
    question: Question,
}

#[derive(Clone, Debug)]
enum Rule {
    Cue(Arc<Cue>),
    Rego(Arc<Rego>),
}

/// A language of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// CUE: what is shown must not conflict with the text.
    Cue,
    /// Rego in its v0 dialect.
    Rego,
}

/// Why a text is no rule. The texts are upstream's, with the name of the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// Neither `cue` nor `rego`.
    #[error("policy type must be one of: cue, rego, found `{0}`")]
    Language(String),
    /// Not CUE, or CUE that is not evaluated here.
    #[error(
        "failed evaluating cue policy for {name}: failed to compile the cue policy with error: {error}"
    )]
    Cue {
        /// The rule.
        name: String,
        /// What is wrong.
        error: Box<countersign_cue::CompileError>,
    },
    /// Not Rego.
    #[error("failed evaluating rego policy for type {name}: {error}")]
    Rego {
        /// The rule.
        name: String,
        /// What is wrong.
        error: RegoError,
    },
}

/// What a rule says about an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It holds.
    Pass,
    /// It does not. A rule can refuse by warning alone; then `error` is empty.
    Fail {
        /// Why.
        error: String,
        /// What else the rule said.
        warning: String,
    },
    /// It could not be asked: the input does not parse, or a limit was reached.
    CannotJudge {
        /// Why.
        error: String,
    },
}

/// How much one evaluation may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time.
    pub time: Duration,
    /// Bytes of the input.
    pub input_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(1),
            input_bytes: 128 << 20,
        }
    }
}

impl Language {
    /// Reads `cue` or `rego`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "cue" => Some(Self::Cue),
            "rego" => Some(Self::Rego),
            _ => None,
        }
    }
}

impl Expression {
    /// Compiles a rule of a ClusterImagePolicy. `name` stands in messages: of an attestation its name, of
    /// a policy the word `ClusterImagePolicy`.
    pub fn compile(name: &str, language: Language, text: &str) -> Result<Self, ExpressionError> {
        Self::compile_for(name, language, text, Question::IsCompliant)
    }

    /// Compiles a rule of `verify-attestation --policy`, whose Rego is asked another question.
    pub fn compile_for_command_line(
        name: &str,
        language: Language,
        text: &str,
    ) -> Result<Self, ExpressionError> {
        Self::compile_for(name, language, text, Question::Allow)
    }

    fn compile_for(
        name: &str,
        language: Language,
        text: &str,
        question: Question,
    ) -> Result<Self, ExpressionError> {
        let rule = match language {
            Language::Cue => {
                let cue = Cue::compile(name, text, question);
                let name = name.to_owned();
                Rule::Cue(Arc::new(cue.map_err(|error| ExpressionError::Cue {
                    name,
                    error: Box::new(error),
                })?))
            }
            Language::Rego => {
                let rego = Rego::compile(text, question);
                let name = name.to_owned();
                Rule::Rego(Arc::new(
                    rego.map_err(|error| ExpressionError::Rego { name, error })?,
                ))
            }
        };
        Ok(Self {
            name: name.to_owned(),
            rule,
            question,
        })
    }

    /// Compiles what a policy refers to.
    pub(crate) fn from_wire(
        name: &str,
        text: &wire::PolicyText,
        references: &dyn References,
    ) -> Result<Self, FaultKind> {
        let language = Language::parse(&text.language)
            .ok_or_else(|| ExpressionError::Language(text.language.clone()))?;
        let text = references.policy_text(text).map_err(FaultKind::Reference)?;
        Ok(Self::compile(name, language, &text)?)
    }

    /// The name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks about a JSON document. The texts of a refusal are whole, as upstream prints them.
    #[must_use]
    pub fn judge(&self, input: &[u8], now: Timestamp, limits: &Limits) -> Judgement {
        let (judgement, prefix) = match &self.rule {
            Rule::Cue(cue) => {
                let prefix = format!(
                    "failed evaluating cue policy for {}: failed to evaluate the policy with error: ",
                    self.name
                );
                (cue.evaluate(input, limits), prefix)
            }
            Rule::Rego(rego) => {
                let prefix = format!("failed evaluating rego policy for type {}: ", self.name);
                (rego.evaluate(input, now, limits), prefix)
            }
        };
        match self.question {
            Question::IsCompliant => judgement.after(&prefix),
            // cosign prints the bare text.
            Question::Allow => judgement,
        }
    }
}

impl Judgement {
    /// The same, with `prefix` before an error.
    fn after(self, prefix: &str) -> Self {
        match self {
            Self::Fail { error, warning } if !error.is_empty() => Self::Fail {
                error: format!("{prefix}{error}"),
                warning,
            },
            Self::CannotJudge { error } => Self::CannotJudge {
                error: format!("{prefix}{error}"),
            },
            other => other,
        }
    }
}
