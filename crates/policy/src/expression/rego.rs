//! Rego policies: the v0 dialect on regorus, without network, with a limit on time.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jiff::Timestamp;
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, PolicyLengthConfig, Value};

use super::{Judgement, Limits, rego_text};
use crate::go_json::{self, Json};

/// A Rego module, parsed and ready to be asked.
#[derive(Clone)]
pub struct Rego {
    engine: Engine,
    question: Question,
    stack: Stack,
}

impl std::fmt::Debug for Rego {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rego")
            .field("question", &self.question)
            .finish_non_exhaustive()
    }
}

/// Which rule is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// `data.sigstore.isCompliant`, of a ClusterImagePolicy: a boolean, or a set or array of answers.
    IsCompliant,
    /// `data.signature.allow`, of `verify-attestation --policy`: must be `true`.
    Allow,
}

/// Why a text is no Rego policy that we run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegoError {
    /// Longer than [`MAX_TEXT`].
    #[error("a policy has at most {MAX_TEXT} bytes, found {0}")]
    TooLarge(usize),
    /// Nothing is there.
    #[error("1 error occurred: {FILE}:0: rego_parse_error: empty module")]
    Empty,
    /// The `package` line is missing.
    #[error("1 error occurred: {FILE}:{line}: rego_parse_error: package expected")]
    NoPackage {
        /// The line where it is expected.
        line: u32,
    },
    /// The policy would use the network, or learn about the machine.
    #[error(
        "1 error occurred: {FILE}:{line}: `{function}` is refused in policies: it reaches out, or may not end"
    )]
    Refused {
        /// The function.
        function: &'static str,
        /// Where it stands.
        line: u32,
    },
    /// A rule is defined in two ways that exclude each other.
    #[error(
        "1 error occurred: {FILE}:{line}: rego_type_error: {kind} data.{package}.{name} found{places}"
    )]
    Conflict {
        /// What OPA calls it.
        kind: &'static str,
        /// The package.
        package: String,
        /// The rule.
        name: String,
        /// The line that OPA names.
        line: u32,
        /// More places.
        places: String,
    },
    /// `if` without `import future.keywords`.
    #[error("1 error occurred: {FILE}:{line}: rego_parse_error: var cannot be used for rule name")]
    KeywordNotImported {
        /// Where it stands.
        line: u32,
    },
    /// The rule that is asked takes arguments.
    #[error("1 error occurred: 1:15: rego_type_error: undefined ref: {asked}\n\t{asked}\n\t{}\n\thave: ({}) => boolean", "^".repeat(.asked.len()), ["any"].repeat(*.arity).join(", "))]
    AskedIsFunction {
        /// The rule.
        asked: String,
        /// How many arguments.
        arity: usize,
    },
    /// No such function.
    #[error("1 error occurred: {FILE}:{line}: rego_type_error: undefined function {name}")]
    UndefinedFunction {
        /// The function.
        name: String,
        /// Where it is called.
        line: u32,
    },
    /// Too many or too few arguments.
    #[error(
        "1 error occurred: {FILE}:{line}: rego_type_error: {name}: arity mismatch\n\thave: {given} arguments\n\twant: {wanted} arguments"
    )]
    Arity {
        /// The function.
        name: String,
        /// Where it is called.
        line: u32,
        /// How many arguments it is given.
        given: usize,
        /// How many it takes.
        wanted: usize,
    },
    /// Does not parse, or does not compile.
    #[error("1 error occurred: {FILE}:{line}: rego_compile_error: {detail}")]
    Invalid {
        /// What the engine says.
        detail: String,
        /// The line, or 0.
        line: u32,
        /// The column, or 0.
        column: u32,
    },
    /// A rule that leads to itself, or too many in a row.
    #[error(
        "1 error occurred: {FILE}:{line}: rego_recursion_error: rule {name} is recursive: {cycle}"
    )]
    Recursion {
        /// The rule.
        name: String,
        /// Where it begins.
        line: u32,
        /// The way back to it.
        cycle: String,
    },
    /// Needs more stack than any policy should.
    #[error("1 error occurred: {FILE}:0: rego_compile_error: the rules are nested too deeply")]
    TooDeep,
    /// The engine panicked on it.
    #[error("1 error occurred: {FILE}:0: rego_internal_error: the policy stops the engine")]
    Panicked,
}

impl RegoError {
    /// Line and column, where known.
    #[must_use]
    pub fn place(&self) -> (u32, u32) {
        match self {
            Self::NoPackage { line }
            | Self::KeywordNotImported { line }
            | Self::Refused { line, .. }
            | Self::UndefinedFunction { line, .. }
            | Self::Arity { line, .. }
            | Self::Recursion { line, .. }
            | Self::Conflict { line, .. } => (*line, 0),
            Self::Invalid { line, column, .. } => (*line, *column),
            _ => (0, 0),
        }
    }
}

impl Question {
    fn rule(self) -> &'static str {
        match self {
            Self::IsCompliant => "data.sigstore.isCompliant",
            Self::Allow => "data.signature.allow",
        }
    }
}

impl Rego {
    /// Parses `text` and checks that `question` can be asked.
    pub fn compile(text: &str, question: Question) -> Result<Self, RegoError> {
        if text.len() > MAX_TEXT {
            return Err(RegoError::TooLarge(text.len()));
        }
        let words = rego_text::words(text);
        match words.first() {
            None => return Err(RegoError::Empty),
            Some((first, line)) if *first != "package" => {
                return Err(RegoError::NoPackage { line: *line });
            }
            Some(_) => {}
        }
        // The words of later Rego are plain names here until they are imported; regorus takes them.
        let imported = words
            .iter()
            .any(|(word, _)| word.starts_with("future.keywords") || *word == "rego.v1");
        if let Some((_, line)) = words.iter().find(|(word, _)| *word == "if" && !imported) {
            return Err(RegoError::KeywordNotImported { line: *line });
        }
        let is_costly =
            rego_text::marks(text) > MAX_WORDS || rego_text::parsing_steps(text) > MAX_STEPS;
        if words.len() > MAX_WORDS || is_costly {
            return Err(RegoError::TooDeep);
        }
        // Every level of nesting costs the parser stack before anything can count it.
        let stack = Stack::OwnThread { bytes: MAX_STACK };
        stack
            .run(|| Self::load(text, question))
            .unwrap_or(Err(RegoError::Panicked))
    }

    fn load(text: &str, question: Question) -> Result<Self, RegoError> {
        let mut engine = Engine::new();
        engine.set_rego_v0(true);
        engine.set_strict_builtin_errors(false);
        let mut lengths = PolicyLengthConfig::default();
        if let Some(longest) = NonZeroU32::new(u32::try_from(MAX_TEXT).unwrap_or(u32::MAX)) {
            lengths.max_col = longest;
        }
        engine.set_policy_length_config(lengths);
        // The engine's type of errors has no name here; one of its own functions begins the chain.
        let bounded = |arguments: Vec<Value>| {
            Value::from_json_str("null").and_then(|_| Ok(range(&arguments)?))
        };
        let added = engine.add_extension("numbers.range".to_owned(), 2, Box::new(bounded));
        added.map_err(|error| invalid(&error))?;
        engine
            .add_policy(FILE.to_owned(), text.to_owned())
            .map_err(|error| invalid(&error))?;
        let mut frames = 0;
        for module in engine.get_modules() {
            frames = super::rego_check::check(module, question.rule())?.max(frames);
        }
        let rego = Self {
            engine,
            question,
            stack: Stack::for_frames(frames)?,
        };
        rego.prepare()?;
        Ok(rego)
    }

    /// Has the engine schedule the rules: unsafe variables show only then.
    fn prepare(&self) -> Result<(), RegoError> {
        match self
            .engine
            .clone()
            .compile_with_entrypoint(&self.question.rule().into())
        {
            Ok(_) => Ok(()),
            // A module may lack the rule; that is "not compliant", not an error.
            Err(error) if error.to_string().contains("not a valid rule path") => Ok(()),
            Err(error) => Err(invalid(&error)),
        }
    }

    /// Asks about `input`, the text of a JSON document.
    #[must_use]
    pub fn evaluate(&self, input: &[u8], now: Timestamp, limits: &Limits) -> Judgement {
        match self.stack.run(|| self.ask(input, now, limits)) {
            Ok(judgement) => judgement,
            Err(Panicked) => cannot("the policy stops the engine".to_owned()),
        }
    }

    fn ask(&self, input: &[u8], now: Timestamp, limits: &Limits) -> Judgement {
        if input.len() > limits.input_bytes {
            return cannot(format!(
                "the input has more than {} bytes",
                limits.input_bytes
            ));
        }
        let Ok(text) = std::str::from_utf8(input) else {
            return cannot("the input is not UTF-8".to_owned());
        };
        let input = match go_json::parse(text).and_then(|json| value_of(&json)) {
            Ok(input) => input,
            Err(detail) => return cannot(detail),
        };
        let mut engine = self.engine.clone();
        engine.set_execution_timer_config(timer(limits.time));
        engine.set_input(input);
        let rule = self.question.rule();
        // The clock of a policy is the verdict's, so that a verdict can be repeated.
        let query = format!(
            "answer = {rule} with time.now_ns as {}",
            now.as_nanosecond()
        );
        match engine.eval_query(query, false) {
            Err(error) => cannot(evaluation_text(&error.to_string())),
            Ok(results) => {
                let answer = results.result.first().and_then(|result| {
                    let bindings = result.bindings.as_object().ok()?;
                    bindings.get(&Value::from("answer")).cloned()
                });
                match self.question {
                    Question::IsCompliant => is_compliant(answer.as_ref()),
                    Question::Allow => allow(answer.as_ref()),
                }
            }
        }
    }
}

/// `numbers.range` with an end: the engine's own takes as much memory as the policy says.
fn range(arguments: &[Value]) -> Result<Value, RangeTooLong> {
    let integer = |argument: &Value| match argument {
        Value::Number(number) => number.as_i64(),
        _ => None,
    };
    let [Some(first), Some(last)] =
        [arguments.first(), arguments.get(1)].map(|one| one.and_then(integer))
    else {
        return Ok(Value::Undefined);
    };
    if first.abs_diff(last) >= LONGEST_RANGE {
        return Err(RangeTooLong);
    }
    let numbers = |range: &mut dyn Iterator<Item = i64>| range.map(Value::from).collect::<Vec<_>>();
    Ok(Value::from(if first <= last {
        numbers(&mut (first..=last))
    } else {
        numbers(&mut (last..=first).rev())
    }))
}

/// A range that no policy needs.
#[derive(Debug, thiserror::Error)]
#[error("numbers.range gives at most {LONGEST_RANGE} numbers")]
struct RangeTooLong;

/// What cosign makes of the answer to `isCompliant = data.sigstore.isCompliant`.
fn is_compliant(answer: Option<&Value>) -> Judgement {
    let elements: Vec<&Value> = match answer {
        Some(Value::Bool(true)) => return Judgement::Pass,
        Some(Value::Set(elements)) => elements.iter().collect(),
        Some(Value::Array(elements)) => elements.iter().collect(),
        _ => return fail(NOT_COMPLIANT.to_owned()),
    };
    if elements.is_empty() {
        return fail(NOT_COMPLIANT.replace('\'', "\""));
    }
    let (mut error, mut warning) = (String::new(), String::new());
    for element in elements {
        let Value::Object(fields) = element else {
            // Upstream's process dies here; what is no answer is no consent.
            return fail(NOT_COMPLIANT.to_owned());
        };
        let field = |name: &str| fields.get(&Value::from(name));
        let text = |name: &str| match field(name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.to_string()),
            Some(other) => Err(unfit(other, name, "string")),
        };
        let (own_error, own_warning) = match (text("error"), text("warning")) {
            (Ok(error), Ok(warning)) => (error, warning),
            (Err(refused), _) | (_, Err(refused)) => return refused,
        };
        match field("result") {
            Some(Value::Bool(true)) if own_warning.is_empty() => return Judgement::Pass,
            Some(Value::Bool(true)) => {
                // A rejection in `enforce`, a warning in `warn`: users rely on both.
                let warning = format!("warning: {own_warning}");
                return Judgement::Fail {
                    error: String::new(),
                    warning,
                };
            }
            Some(Value::Bool(false) | Value::Null) | None => {}
            Some(other) => return unfit(other, "result", "bool"),
        }
        (error, warning) = (own_error, own_warning);
    }
    Judgement::Fail {
        error: format!("{NOT_COMPLIANT} with errors: {error}"),
        warning,
    }
}

fn allow(answer: Option<&Value>) -> Judgement {
    match answer {
        Some(Value::Bool(true)) => Judgement::Pass,
        Some(Value::Undefined) | None => {
            fail("result is undefined for query 'data.signature.allow'".to_owned())
        }
        Some(other) => fail(format!("expression value, {other}, is not true")),
    }
}

fn fail(error: String) -> Judgement {
    Judgement::Fail {
        error,
        warning: String::new(),
    }
}

fn cannot(error: String) -> Judgement {
    Judgement::CannotJudge { error }
}

fn unfit(value: &Value, field: &str, wanted: &str) -> Judgement {
    let found = match value {
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) | Value::Set(_) => "array",
        _ => "object",
    };
    fail(format!(
        "{NOT_COMPLIANT} due to parsing errors: json: cannot unmarshal {found} into Go struct field CosignRuleResult.{field} of type {wanted}"
    ))
}

fn value_of(json: &Json) -> Result<Value, String> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(yes) => Value::Bool(*yes),
        Json::String(text) => Value::from(text.as_str()),
        // `json.Number`: exact, however large.
        Json::Number(text) => {
            Value::from_numeric_string(text).map_err(|error| error.to_string())?
        }
        Json::Array(elements) => Value::from(
            elements
                .iter()
                .map(value_of)
                .collect::<Result<Vec<_>, _>>()?,
        ),
        Json::Object(fields) => {
            let fields = fields.iter();
            let fields =
                fields.map(|(key, value)| Ok((Value::from(key.as_str()), value_of(value)?)));
            Value::from(fields.collect::<Result<BTreeMap<_, _>, String>>()?)
        }
    })
}

fn timer(limit: Duration) -> ExecutionTimerConfig {
    let check_interval = NonZeroU32::MIN.saturating_add(31);
    ExecutionTimerConfig {
        limit,
        check_interval,
    }
}

fn invalid(error: &impl std::fmt::Display) -> RegoError {
    let text = error.to_string();
    let (line, column) = place_in(&text);
    RegoError::Invalid {
        detail: detail_in(&text),
        line,
        column,
    }
}

fn evaluation_text(text: &str) -> String {
    let (line, _) = place_in(text);
    let detail = detail_in(text);
    if detail.contains("rules should not produce multiple outputs")
        || detail.contains("rules must not produce multiple outputs")
        || detail.contains("rule conflicts with rule at")
    {
        return format!(
            "{FILE}:{line}: eval_conflict_error: complete rules must not produce multiple outputs"
        );
    }
    format!("{FILE}:{line}: eval_error: {detail}")
}

/// regorus draws a box: `--> file:line:column`, the line, `error: text`.
fn place_in(text: &str) -> (u32, u32) {
    let place = text
        .split_once("--> ")
        .map_or("", |(_, rest)| rest.lines().next().unwrap_or(""));
    let mut numbers = place
        .rsplit(':')
        .map(|number| number.trim().parse().unwrap_or(0));
    let column = numbers.next().unwrap_or(0);
    (numbers.next().unwrap_or(0), column)
}

fn detail_in(text: &str) -> String {
    let line = text
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix("error: "));
    line.unwrap_or(text.trim()).chars().take(300).collect()
}

struct Panicked;

/// Where a policy runs: here, or on a thread of its own with a larger stack. Without that a chain of
/// some hundred rules, which anyone can write, ends the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stack {
    Here,
    OwnThread { bytes: usize },
}

impl Stack {
    fn for_frames(frames: usize) -> Result<Self, RegoError> {
        match frames.saturating_mul(BYTES_A_FRAME) {
            few if few <= ON_ANY_STACK => Ok(Self::Here),
            many if many <= MAX_STACK => Ok(Self::OwnThread {
                bytes: many + ON_ANY_STACK,
            }),
            _ => Err(RegoError::TooDeep),
        }
    }

    fn run<T: Send>(self, work: impl FnOnce() -> T + Send) -> Result<T, Panicked> {
        let Self::OwnThread { bytes } = self else {
            return guarded(work);
        };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(bytes);
            let handle = thread
                .spawn_scoped(scope, || guarded(work))
                .map_err(|_| Panicked)?;
            handle.join().map_err(|_| Panicked)?
        })
    }
}

/// regorus has no promise not to panic, and a policy text must not stop the process.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

pub(super) const FILE: &str = "sigstore.rego";
const NOT_COMPLIANT: &str =
    "policy is not compliant for query 'isCompliant = data.sigstore.isCompliant'";
/// Measured without optimisation, with as much again to spare.
const BYTES_A_FRAME: usize = 16 << 10;
/// A quarter of what a thread usually has.
const ON_ANY_STACK: usize = 512 << 10;
/// Address space, of which only what is touched is used.
const MAX_STACK: usize = 512 << 20;
/// Real policies have some hundred; a list of allowed names may have thousands.
const MAX_WORDS: usize = 50_000;
/// Thirty times what the largest public policies need; each costs a microsecond or less.
const MAX_STEPS: u64 = 300_000;
/// Sums and products of a range; OPA would fill the memory.
const LONGEST_RANGE: u64 = 1_000_000;
/// The cap on a policy text, as for CUE.
pub const MAX_TEXT: usize = 1 << 20;
