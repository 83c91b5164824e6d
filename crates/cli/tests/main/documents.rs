//! What the pages say is there: every command and flag they show, and the table of errors.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use countersign_testkit::fixtures;

use crate::harness::run;

#[test]
fn the_table_of_errors_is_the_programs() {
    let folder = tempfile::tempdir().expect("a folder");
    let printed = run(folder.path(), &["debug", "errors"]).exits(0).stdout;
    let page = fixtures::repository().join("docs/reference/errors.md");
    let written = fs::read_to_string(page).expect("the page");
    assert!(
        written == printed,
        "run `countersign debug errors > docs/reference/errors.md`"
    );
}

#[test]
fn commands_and_flags_in_the_pages_exist() {
    let root = fixtures::repository();
    let mut shown = BTreeSet::new();
    for page in [
        "README.md",
        "docs/migration.md",
        "examples/01-demo/README.md",
        "SECURITY.md",
    ] {
        let text = fs::read_to_string(root.join(page)).expect(page);
        for line in commands(&text) {
            shown.insert(line);
        }
    }
    assert!(shown.len() > 5, "the README shows commands");
    for line in &shown {
        check(&root, line);
    }
}

/// The command lines in fenced blocks: continued lines joined, `$(...)` looked into.
fn commands(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut fenced = false;
    let mut open = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if !fenced {
            continue;
        }
        match line.trim_end().strip_suffix('\\') {
            Some(begun) => open.push_str(begun),
            None => {
                open.push_str(line);
                let whole = std::mem::take(&mut open);
                // What is run within a command is a command too.
                for part in whole.split("$(") {
                    let part = part.split(')').next().unwrap_or(part);
                    let part = part.split(" #").next().unwrap_or(part);
                    let found = part.find("countersign ").map(|at| &part[at..]);
                    lines.extend(
                        found
                            .filter(|_| !part.contains("alias "))
                            .map(str::to_owned),
                    );
                }
            }
        }
    }
    lines
}

fn check(root: &Path, line: &str) {
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    let mut asked: Vec<&str> = Vec::new();
    for word in &words {
        let is_name =
            word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
        if !is_name
            || asked.len() == 2
            || (asked.len() == 1 && !["stack", "policy"].contains(&asked[0]))
        {
            break;
        }
        asked.push(word);
    }
    let mut help = asked.clone();
    help.push("--help");
    let help = run(root, &help).exits(0).stdout;
    for flag in words.iter().filter(|word| word.starts_with("--")) {
        let flag = flag.split('=').next().unwrap_or(flag);
        assert!(
            help.contains(flag),
            "`{flag}` of `{line}` is not in the help of {asked:?}"
        );
    }
}
