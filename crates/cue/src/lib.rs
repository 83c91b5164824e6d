//! A CUE evaluator for policies.
//!
//! A policy is CUE text; it is judged against a JSON document by unifying the two, as cosign does:
//! only contradictions fail, and what is missing or undecided passes. This is the part of CUE that
//! policies are written in, exact where it goes; what it does not know it refuses by name when the
//! policy is compiled, or cannot judge, and never guesses.
//!
//! ```
//! use countersign_cue::{Limits, Outcome, Rule};
//!
//! let rule = Rule::compile("example", r#"predicate: failed: <=0"#).expect("a valid policy");
//! assert_eq!(rule.check(br#"{"predicate": {"failed": 0}}"#, &Limits::default()), Outcome::Pass);
//! assert_eq!(
//!     rule.check(br#"{"predicate": {"failed": 2}}"#, &Limits::default()),
//!     Outcome::Fail { error: "predicate.failed: invalid value 2 (out of bound <=0)".to_owned() },
//! );
//! ```

mod builtin;
mod error;
mod eval;
mod json;
mod number;
mod parse;
mod resolve;
mod scan;
mod string_literal;
mod tree;
mod value;

pub use error::{CompileError, Excess, Position, SyntaxFault};

use eval::{Budget, Fault, Stop};

/// The longest policy taken, in bytes. A Kubernetes object with the policy in it is at most 1.5 MiB.
pub const MAX_POLICY: usize = 1 << 20;

/// What one evaluation may take. Counted, not timed: the same policy and data always end the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Steps of evaluation; one is about a field looked at. A list of 10,000 numbers takes about 100,000.
    pub steps: u64,
    /// The longest document, in bytes.
    pub input_bytes: usize,
    /// How many values may wait for each other.
    pub depth: usize,
    /// The longest text, or sixteen times the longest list, that a computation may make.
    pub value_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 5_000_000,
            input_bytes: 64 << 20,
            depth: 64,
            value_bytes: 8 << 20,
        }
    }
}

impl Limits {
    fn budget(&self) -> Budget {
        Budget {
            steps: self.steps,
            depth: self.depth,
            length: self.value_bytes,
        }
    }
}

/// What a rule says of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing contradicts the policy.
    Pass,
    /// The document contradicts the policy.
    Fail {
        /// The first contradiction, and how many more there are, in upstream's words.
        error: String,
    },
    /// The document could not be judged: it is not JSON, or judging it took too much.
    CannotJudge {
        /// Why.
        error: String,
    },
}

/// A compiled policy.
#[derive(Debug)]
pub struct Rule {
    name: String,
    body: tree::StructLiteral,
}

impl Rule {
    /// Compiles the policy `text`, known as `name`.
    ///
    /// A policy that contradicts itself is refused here, and so is one that cannot be decided on
    /// its own at its top level, as upstream does.
    pub fn compile(name: &str, text: &str) -> Result<Self, CompileError> {
        on_a_deep_stack(|| Self::compile_here(name, text)).unwrap_or(Err(CompileError::TooCostly {
            excess: Excess::Thread,
        }))
    }

    fn compile_here(name: &str, text: &str) -> Result<Self, CompileError> {
        if text.len() > MAX_POLICY {
            return Err(CompileError::TooLong {
                bytes: text.len(),
                limit: MAX_POLICY,
            });
        }
        let mut file = parse::file(text)?;
        resolve::resolve(&mut file)?;
        let start = Position { line: 1, column: 1 };
        match eval::evaluate(&file.body, None, Limits::default().budget()) {
            Ok(faults) if faults.is_empty() => {}
            Ok(faults) => {
                return Err(CompileError::Contradiction {
                    message: summary(&faults),
                });
            }
            Err(Stop::Excess(excess)) => return Err(CompileError::TooCostly { excess }),
            Err(Stop::Unsupported(name)) => {
                return Err(CompileError::Unsupported {
                    position: start,
                    name,
                });
            }
            Err(Stop::Unsettled) => {
                let name = "a circle of fields that does not settle".to_owned();
                return Err(CompileError::Unsupported {
                    position: start,
                    name,
                });
            }
        }
        Ok(Self {
            name: name.to_owned(),
            body: file.body,
        })
    }

    /// Compiles a policy for documents that must be complete, as `cosign verify-attestation` asks it:
    /// there a field marked `!` must be in the document. That is not judged yet, so such a mark is
    /// refused by name; everything else means the same.
    pub fn compile_for_complete_documents(name: &str, text: &str) -> Result<Self, CompileError> {
        let marked = || Ok(parse::file(text)?.asks_for_fields);
        if text.len() <= MAX_POLICY && on_a_deep_stack(marked).unwrap_or(Ok(true))? {
            return Err(CompileError::Unsupported {
                position: Position { line: 1, column: 1 },
                name: "a required field (`name!:`)".to_owned(),
            });
        }
        Self::compile(name, text)
    }

    /// The name given to [`Rule::compile`].
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Judges a JSON document.
    #[must_use]
    pub fn check(&self, json: &[u8], limits: &Limits) -> Outcome {
        on_a_deep_stack(|| self.check_here(json, limits)).unwrap_or_else(|| Outcome::CannotJudge {
            error: "no thread could be started for the evaluation".to_owned(),
        })
    }

    fn check_here(&self, json: &[u8], limits: &Limits) -> Outcome {
        if json.len() > limits.input_bytes {
            let error = format!(
                "document of {} bytes is longer than {}",
                json.len(),
                limits.input_bytes
            );
            return Outcome::CannotJudge { error };
        }
        let data = match json::parse(json) {
            Ok(data) => data,
            Err(error) => {
                return Outcome::CannotJudge {
                    error: error.to_string(),
                };
            }
        };
        match eval::evaluate(&self.body, Some(data), limits.budget()) {
            Ok(faults) if faults.is_empty() => Outcome::Pass,
            Ok(faults) => Outcome::Fail {
                error: summary(&faults),
            },
            Err(stop) => Outcome::CannotJudge {
                error: match stop {
                    Stop::Excess(excess) => excess.to_string(),
                    Stop::Unsupported(name) => format!("{name} is not supported"),
                    Stop::Unsettled => "a circle of fields does not settle".to_owned(),
                },
            },
        }
    }
}

/// Does work that goes as deep as the limits allow where the stack is deep enough for it: callers' threads
/// have two megabytes and less. `None` if no thread could be started.
fn on_a_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(DEEP_STACK);
        let running = thread.spawn_scoped(scope, work).ok()?;
        match running.join() {
            Ok(done) => Some(done),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Address space, not memory: only what is used is ever touched.
const DEEP_STACK: usize = 64 << 20;

/// The first fault and the number of the others.
fn summary(faults: &[Fault]) -> String {
    let first = faults.first().map(Fault::to_string).unwrap_or_default();
    match faults.len() {
        0 | 1 => first,
        count => format!("{first} (and {} more errors)", count - 1),
    }
}
