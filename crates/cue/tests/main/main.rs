//! Holds the evaluator to recorded verdicts.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read fixtures, and may fail"
)]

use countersign_cue::{Limits, Outcome, Rule};

/// What a vector asks and what upstream answered.
struct Vector {
    name: String,
    policy: String,
    input: String,
    result: String,
    error: String,
}

fn vectors() -> Vec<Vector> {
    let path = countersign_testkit::fixtures::folder("policy").join("cue.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| {
            let object: serde_json::Value = serde_json::from_str(line).unwrap();
            let field = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
            Vector {
                name: field("name"),
                policy: field("policy"),
                input: field("input"),
                result: field("result"),
                error: field("error"),
            }
        })
        .collect()
}

/// The verdict, its text, and whether it is a refusal for want of knowledge.
fn answer(vector: &Vector) -> (&'static str, String, bool) {
    match Rule::compile("ClusterImagePolicy", &vector.policy) {
        Err(error) => {
            let refused = matches!(
                error,
                countersign_cue::CompileError::Unsupported { .. }
                    | countersign_cue::CompileError::UnknownPackage { .. }
                    | countersign_cue::CompileError::TooCostly { .. }
            );
            ("error", error.to_string(), refused)
        }
        Ok(rule) => match rule.check(vector.input.as_bytes(), &Limits::default()) {
            Outcome::Pass => ("pass", String::new(), false),
            Outcome::Fail { error } => ("fail", error, false),
            Outcome::CannotJudge { error } => ("error", error, true),
        },
    }
}

#[test]
fn agrees_with_recorded_verdicts() {
    let (mut agreed, mut refused, mut wrong, mut texts, mut failures) = (0, 0, 0, 0, 0);
    for vector in vectors() {
        let (result, text, refusal) = answer(&vector);
        let wanted = vector
            .error
            .split_once(" error: ")
            .map_or("", |(_, text)| text);
        failures += usize::from(vector.result == "fail");
        if result == vector.result {
            agreed += 1;
            if result == "fail" && text == wanted {
                texts += 1;
            }
        } else if refusal {
            refused += 1;
            println!(
                "refused {} (real {}): {text:.200}",
                vector.name, vector.result
            );
        } else {
            wrong += 1;
            println!(
                "WRONG  {}: ours {result} real {}\n       ours {text:.300}\n       real {wanted:.300}",
                vector.name, vector.result
            );
        }
    }
    println!(
        "agreed {agreed}, refused {refused}, wrong {wrong}; texts of failures {texts} of {failures}"
    );
    assert_eq!(wrong, 0);
    assert!(refused <= MOST_REFUSED, "{refused} are refused");
    assert!(texts >= LEAST_TEXTS, "{texts} texts are upstream's");
}

/// What is no JSON, a number with a sign before it, and four packages that are not there.
const MOST_REFUSED: usize = 10;
/// Of 218 texts; the others say the same in other words or name another of several faults first.
const LEAST_TEXTS: usize = 200;

#[test]
fn what_is_not_known_is_refused_by_name() {
    for (text, name) in [
        (
            "import \"encoding/yaml\"\na: yaml.Marshal({})",
            "encoding/yaml",
        ),
        ("import \"net\"\na: net.URL", "net.URL"),
    ] {
        let error = Rule::compile("rule", text).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    let marked = Rule::compile_for_complete_documents("rule", "a!: int").unwrap_err();
    assert!(marked.to_string().contains("required field"), "{marked}");
    assert!(Rule::compile_for_complete_documents("rule", "a: int").is_ok());
}

#[test]
fn budgets_end_what_would_not() {
    let bomb = "a: [1,2,3,4,5,6,7,8,9]\nb: [for x in a for y in a for z in a for u in a for v in a for w in a {x}]";
    let limits = Limits {
        steps: 10_000,
        ..Limits::default()
    };
    match Rule::compile("bomb", bomb) {
        Err(_) => {}
        Ok(rule) => assert!(matches!(
            rule.check(b"{}", &limits),
            Outcome::CannotJudge { .. }
        )),
    }
    let deep = format!("a: {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(Rule::compile("deep", &deep).is_err());
    let rule = Rule::compile("rule", "a?: _").unwrap();
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(
        rule.check(deep.as_bytes(), &Limits::default()),
        Outcome::CannotJudge { .. }
    ));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[a-c#_:?!{}\\[\\]()|&<>=~*\"'0-9 .,\n+-]{0,60}", json in "[\\[\\]{}\":,0-9a-z. ]{0,40}") {
        if let Ok(rule) = Rule::compile("random", &text) {
            let limits = Limits { steps: 100_000, ..Limits::default() };
            let _ = rule.check(json.as_bytes(), &limits);
            let _ = rule.check(b"{\"a\": {\"b\": [1, \"x\"]}, \"b\": 2}", &limits);
        }
    }
}
