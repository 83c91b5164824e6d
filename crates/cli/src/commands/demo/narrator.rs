//! One line a step: what happened, which digest or log entry, how long it took; and the count at the end.

use std::fmt::Write as _;
use std::future::Future;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::flags::DataFormat;
use crate::output::{BAD, FAINT, GOOD, STRONG, json, text};

/// What one step of the story showed.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Step {
    /// The chapter, 1 to 8.
    pub(super) chapter: u8,
    /// Its name: `start`, `push`, `sbom`, `sign`, `attest`, `verify`, `enforce`, `audit`.
    pub(super) name: &'static str,
    /// What happened.
    pub(super) what: String,
    /// The image or document that it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<String>,
    /// Where the transparency log has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log_index: Option<u64>,
    /// Further lines: the exact reason of a refusal, what a kubectl user sees.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) details: Vec<String>,
    /// Whether it went as the story wants.
    pub(super) as_expected: bool,
    /// How long it took, in milliseconds.
    #[serde(serialize_with = "milliseconds", rename = "duration_ms")]
    pub(super) took: Duration,
}

/// Tells the story, and remembers how it went.
pub(super) struct Narrator<'a> {
    context: &'a Context,
    format: DataFormat,
    steps: Vec<Step>,
    started: Instant,
}

/// What a step reports before it is known how long it took.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// See [`Step::what`].
    pub(super) what: String,
    /// See [`Step::digest`].
    pub(super) digest: Option<String>,
    /// See [`Step::log_index`].
    pub(super) log_index: Option<u64>,
    /// See [`Step::details`].
    pub(super) details: Vec<String>,
    /// What went otherwise than the story wants.
    pub(super) surprise: Option<String>,
}

impl Told {
    /// Says what happened.
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ..Self::default()
        }
    }

    /// Names what it happened to.
    pub(super) fn digest(mut self, digest: impl ToString) -> Self {
        self.digest = Some(digest.to_string());
        self
    }

    /// Names the log entry.
    pub(super) fn entry(mut self, index: Option<u64>) -> Self {
        self.log_index = index;
        self
    }

    /// Adds a line.
    pub(super) fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    /// Marks the step as a surprise unless `holds`.
    pub(super) fn expect(mut self, holds: bool, otherwise: impl Into<String>) -> Self {
        if !holds && self.surprise.is_none() {
            self.surprise = Some(otherwise.into());
        }
        self
    }
}

/// The whole story as data.
#[derive(Serialize)]
struct Story<'a> {
    steps: &'a [Step],
    as_expected: usize,
    total: usize,
    #[serde(serialize_with = "milliseconds", rename = "duration_ms")]
    took: Duration,
}

impl<'a> Narrator<'a> {
    /// Begins.
    pub(super) fn new(context: &'a Context, format: DataFormat) -> Self {
        Self {
            context,
            format,
            steps: Vec::new(),
            started: Instant::now(),
        }
    }

    /// Does one step and prints its line.
    ///
    /// # Errors
    /// If the step cannot be done at all: the story ends there.
    pub(super) async fn step<T>(
        &mut self,
        chapter: u8,
        name: &'static str,
        doing: impl Future<Output = Result<(T, Told), Failure>>,
    ) -> Result<T, Failure> {
        let started = Instant::now();
        let (value, told) = doing.await?;
        let mut details = told.details;
        details.extend(
            told.surprise
                .iter()
                .map(|surprise| format!("surprise: {surprise}")),
        );
        let step = Step {
            chapter,
            name,
            what: told.what,
            digest: told.digest,
            log_index: told.log_index,
            details,
            as_expected: told.surprise.is_none(),
            took: started.elapsed(),
        };
        if self.format == DataFormat::Text {
            self.context.output.data(line(&step))?;
        }
        self.steps.push(step);
        Ok(value)
    }

    /// Counts, prints the last line or the whole story as JSON, and tells whether all went as expected.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(super) fn finish(&self) -> Result<bool, Failure> {
        let as_expected = self.steps.iter().filter(|step| step.as_expected).count();
        let total = self.steps.len();
        let took = self.started.elapsed();
        match self.format {
            DataFormat::Json => {
                let story = Story {
                    steps: &self.steps,
                    as_expected,
                    total,
                    took,
                };
                self.context.output.line(json::pretty(&story))?;
            }
            DataFormat::Text => {
                let style = if as_expected == total { GOOD } else { BAD };
                let seconds = took.as_secs_f64();
                self.context.output.data(format!(
                    "\n{style}{as_expected} of {total} steps went as expected{style:#} in {seconds:.1} s\n"
                ))?;
            }
        }
        Ok(as_expected == total)
    }
}

fn line(step: &Step) -> String {
    let (style, mark) = if step.as_expected {
        (GOOD, "✓")
    } else {
        (BAD, "✗")
    };
    let mut line = format!(
        "{style}{mark}{style:#} {STRONG}{} {:<8}{STRONG:#} {}",
        step.chapter, step.name, step.what
    );
    if let Some(index) = step.log_index {
        let _ = write!(line, "  {FAINT}log index {index}{FAINT:#}");
    }
    if let Some(digest) = &step.digest {
        let _ = write!(line, "  {FAINT}{}{FAINT:#}", text::short_digest(digest));
    }
    let _ = writeln!(line, "  {FAINT}{}{FAINT:#}", text::duration(step.took));
    for detail in step.details.iter().flat_map(|detail| detail.lines()) {
        let _ = writeln!(line, "             {FAINT}{detail}{FAINT:#}");
    }
    line
}

fn milliseconds<S: serde::Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64((time.as_secs_f64() * 1e6).round() / 1e3)
}
