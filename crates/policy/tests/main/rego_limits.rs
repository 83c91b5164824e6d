//! Rego texts that are made to hurt: each must end in an answer, soon, and never in a yes.

use countersign_policy::{Expression, Judgement, Language, Limits};

fn ask(text: &str, input: &str) -> String {
    match Expression::compile("r", Language::Rego, text) {
        Err(error) => format!("compile: {error}"),
        Ok(rule) => {
            let now = "2026-11-24T00:00:00Z".parse().unwrap();
            match rule.judge(input.as_bytes(), now, &Limits::default()) {
                Judgement::Pass => "pass".to_owned(),
                Judgement::Fail { error, .. } => format!("fail: {error}"),
                Judgement::CannotJudge { error } => format!("cannot: {error}"),
            }
        }
    }
}

#[test]
fn deep_texts_are_refused_or_run_and_never_overflow() {
    let rule = |body: &str| format!("package sigstore\nisCompliant {{ {body} }}");
    let nested = [
        ("[", "1", "]"),
        ("(", "1", ")"),
        ("{", "1", "}"),
        ("-", "1", ""),
        ("input[", "0", "]"),
        ("abs(", "1", ")"),
    ];
    for (open, inner, close) in nested {
        let body = format!(
            "x := {}{inner}{}; x == 7",
            open.repeat(20_000),
            close.repeat(20_000)
        );
        assert_ne!(ask(&rule(&body), "{}"), "pass", "{open}");
    }
    for repeated in ["not ", "with input as 1 "] {
        let body = match repeated {
            "not " => format!("{}false; false", repeated.repeat(20_000)),
            _ => format!("false {}", repeated.repeat(10_000)),
        };
        assert_ne!(ask(&rule(&body), "{}"), "pass", "{repeated}");
    }
    let sum = format!("1{} < 0", "+1".repeat(24_000));
    assert_ne!(ask(&rule(&sum), "{}"), "pass");
    let path = format!("input{}", ".a".repeat(20_000));
    assert_ne!(ask(&rule(&path), "{}"), "pass");
}

#[test]
fn long_chains_of_rules_run_on_a_stack_that_fits() {
    let chain = |length: usize| {
        let mut text = "package sigstore\nr0 = 1\n".to_owned();
        for index in 1..length {
            text += &format!("r{index} = r{} + 1\n", index - 1);
        }
        text + &format!("isCompliant {{ r{} == {length} }}\n", length - 1)
    };
    assert_eq!(ask(&chain(10), "{}"), "pass");
    assert_eq!(ask(&chain(100), "{}"), "pass");
    assert!(
        ask(&chain(5_000), "{}").starts_with("compile: "),
        "{}",
        ask(&chain(5_000), "{}")
    );
}

#[test]
fn rules_that_lead_to_themselves_are_refused() {
    for body in [
        "a { b }\nb { a }\nisCompliant { a }",
        "f(x) = f(x-1)\nisCompliant { f(3) }",
        "isCompliant { data.sigstore[x] }",
    ] {
        let answer = ask(&format!("package sigstore\n{body}"), "{}");
        assert_ne!(answer, "pass", "{body}");
    }
}

#[test]
fn time_is_limited_and_given() {
    let endless = "package sigstore\nisCompliant { count(numbers.range(1, 100000000)) > 1 }";
    assert_ne!(ask(endless, "{}"), "pass");
    let now = "package sigstore\nn = time.now_ns()\nisCompliant { n == 1795478400000000000 }";
    assert_eq!(ask(now, "{}"), "pass", "the clock is the verdict's");
}

#[test]
fn network_and_machine_are_out_of_reach() {
    for call in [
        "http.send({\"method\": \"get\", \"url\": \"http://127.0.0.1:9\"})",
        "net.lookup_ip_addr(\"a.test\")",
        "numbers.range_step(1, 9, 1)",
    ] {
        let text = format!("package sigstore\nisCompliant {{ x := {call}; x == x }}");
        assert!(
            ask(&text, "{}").starts_with("compile: "),
            "{call}: {}",
            ask(&text, "{}")
        );
    }
}
