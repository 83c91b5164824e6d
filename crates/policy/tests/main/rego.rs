//! Rego: `rego.jsonl`.

use std::time::Duration;

use countersign_policy::{Expression, Judgement, Language, Limits};
use serde_json::Value;

use crate::vectors::{Tally, lines, text};

#[test]
fn rules_say_what_opa_says() {
    let mut tally = Tally::new(DIFFERENT);
    for line in lines("rego.jsonl") {
        let (result, ..) = answer(&line);
        let upstream = match text(&line, "expected_of_us") {
            "" => text(&line, "result"),
            expected => expected
                .split([' ', ',', ':', ';'])
                .next()
                .unwrap_or_default(),
        };
        if text(&line, "result") == "unbounded" {
            assert_ne!(result, "pass", "a limit ends it");
            continue;
        }
        if line["must_be_refused"].as_bool() == Some(true) {
            assert_ne!(result, "pass", "no policy has a network");
        }
        tally.compare(text(&line, "name"), result, upstream);
    }
    tally.finish("rego, results");
}

#[test]
fn rules_use_opas_words() {
    let mut tally = Tally::new(OTHER_WORDS);
    for line in lines("rego.jsonl")
        .iter()
        .filter(|line| line["expected_of_us"].is_null())
    {
        let (_, error, warning) = answer(line);
        let upstream = format!("{}|{}", text(line, "error"), text(line, "warning"));
        tally.compare(text(line, "name"), &format!("{error}|{warning}"), &upstream);
    }
    tally.finish("rego, texts");
}

fn answer(line: &Value) -> (&'static str, String, String) {
    let compiled = Expression::compile("ClusterImagePolicy", Language::Rego, text(line, "policy"));
    let expression = match compiled {
        Ok(expression) => expression,
        Err(error) => return ("error", error.to_string(), String::new()),
    };
    let now = "2026-11-24T00:00:00Z".parse().unwrap();
    // What passes within a second upstream may need more here, without optimisation.
    let limits = Limits {
        time: Duration::from_secs(60),
        ..Limits::default()
    };
    match expression.judge(text(line, "input").as_bytes(), now, &limits) {
        Judgement::Pass => ("pass", String::new(), String::new()),
        Judgement::Fail { error, warning } => ("fail", error, warning),
        Judgement::CannotJudge { error } => ("error", error, String::new()),
    }
}

const DIFFERENT: &[(&str, &str)] = &[];
const OTHER_WORDS: &[(&str, &str)] = &[
    (
        "bool/conflicting-values",
        "the engine names the second of the two lines",
    ),
    (
        "bool/isCompliant-function",
        "the types of arguments are not worked out",
    ),
    ("dialect/walrus-twice", "the engine's words"),
    (
        "dialect/unsafe-in-negation",
        "the engine tells the first of two errors",
    ),
    (
        "dialect/type-error",
        "the types of arguments are not worked out",
    ),
    ("dialect/syntax-error", "the engine's words"),
    ("dialect/syntax-error-brace", "the engine's words"),
];
