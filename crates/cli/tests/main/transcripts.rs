//! What the real cosign 3.1.2 answered, answered here: the same exit status and standard output, and on
//! standard error the same lines. An error line may say more after cosign's words. Every exception is in
//! [`EXCEPTIONS`], with its reason.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use countersign_testkit::fixtures;
use serde::Deserialize;
use tempfile::TempDir;

use crate::harness::{Run, Services, finish};
use crate::layouts::{Registry, digest_of};

/// A recorded command line, run by both versions.
#[derive(Deserialize)]
struct Transcript {
    #[serde(default)]
    stdin: Option<String>,
    runs: Vec<Recorded>,
}

#[derive(Deserialize)]
struct Recorded {
    version: String,
    argv: Vec<String>,
    #[serde(default)]
    env: std::collections::BTreeMap<String, String>,
    exit: i32,
    stdout: String,
    stderr: String,
}

/// How an answer may differ from the real one.
enum Exception {
    /// The error lines of both contain this.
    Contains(&'static str),
    /// The real one claims that the log was checked, and it was not: that line is not printed.
    NotChecked,
    /// The answer is another one: its exit status, and a text in it.
    Answers(i32, &'static str),
}

use Exception::{Answers, Contains, NotChecked};

/// The transcript's number, what may differ, and why.
const EXCEPTIONS: &[(&str, Exception, &str)] = &[
    (
        "008",
        Contains("entity not found in registry, error: GET "),
        "Go prints the URL and the registry's own words",
    ),
    (
        "009",
        Contains("connection refused"),
        "Go prints two requests that failed",
    ),
    ("022", NotChecked, "--insecure-ignore-tlog"),
    ("023", NotChecked, "--insecure-ignore-tlog"),
    ("025", NotChecked, "--insecure-ignore-tlog"),
    ("026", NotChecked, "--insecure-ignore-tlog"),
    (
        "029",
        Answers(
            0,
            "Verification for localhost:5001/signatures/legacy-v3-gen-v3:1.0",
        ),
        "both formats are read, whatever the first image has",
    ),
    (
        "033",
        Contains("image tag not found: GET "),
        "Go prints the URL and the registry's own words",
    ),
    (
        "034",
        Contains("image tag not found: GET "),
        "Go prints the URL and the registry's own words",
    ),
    ("037", NotChecked, "--insecure-ignore-tlog"),
    (
        "038",
        Contains("connection refused"),
        "Go prints two requests that failed",
    ),
    (
        "045",
        Answers(64, "the flag `--sk` is not there yet"),
        "hardware tokens are refused by name; the real one fails for want of a network",
    ),
    (
        "051",
        Answers(1, "entity was not signed with a certificate"),
        "the real one speaks of a time, and the key has none",
    ),
    (
        "057",
        Contains("failed to proto-json unmarshal trusted root: "),
        "Go's parser has its own words",
    ),
    (
        "058",
        Contains("context deadline exceeded"),
        "which step was under way when the time was over is chance",
    ),
    (
        "065",
        Contains("signing localhost:5001/work/app7:1.0: "),
        "Go's parser has its own words",
    ),
    ("067", NotChecked, "--insecure-ignore-tlog"),
    (
        "071",
        Contains("none of the attestations matched the predicate type: nonsense"),
        "no type is called so; nothing is asked",
    ),
    (
        "073",
        Contains("GET "),
        "Go prints the URL and the registry's own words",
    ),
    ("074", NotChecked, "--insecure-ignore-tlog"),
    ("076", NotChecked, "--insecure-ignore-tlog"),
    (
        "137",
        Answers(0, "GitVersion:    v"),
        "it is another program, and says so",
    ),
    (
        "138",
        Answers(0, "\"gitVersion\": \"v"),
        "it is another program, and says so",
    ),
    (
        "139",
        Answers(0, "Usage: cosign [OPTIONS] <COMMAND>"),
        "help is laid out in one way for all names, and lists what is there",
    ),
    (
        "141",
        Answers(0, "Usage: cosign verify [OPTIONS] <IMAGE>..."),
        "help is laid out in one way for all names, and lists what is there",
    ),
    (
        "142",
        Answers(0, "Usage: cosign sign [OPTIONS] <IMAGE>..."),
        "help is laid out in one way for all names, and lists what is there",
    ),
];

/// The commands that are there, one that is none, and none at all.
const COMMANDS: [&str; 10] = [
    "attest",
    "completion",
    "generate-key-pair",
    "nonsense",
    "public-key",
    "sign",
    "verify",
    "verify-attestation",
    "version",
    "",
];

/// The image of transcript 002, which is in no fixture; any unsigned one will do.
const LOST: &str = "sha256:ff46363a1e58d77eea8b2942c346479837b472cc27498b3438d561de72bd66a4";

/// The line that cosign prints about bundles whether or not a log was asked for.
const CLAIM: &str = "  - Existence of the claims in the transparency log was verified offline";

#[test]
fn cosign_answers_as_cosign() {
    let stage = Stage::set();
    let (mut seen, mut wrong) = (0, Vec::new());
    for (name, transcript) in transcripts(&stage.fixtures) {
        for recorded in transcript.runs.iter().filter(|run| is_in_scope(run)) {
            seen += 1;
            let run = stage.play(recorded, transcript.stdin.as_deref().unwrap_or_default());
            if let Err(difference) = judge(&name[..3], recorded, &run) {
                wrong.push(format!("{name}: {difference}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {seen} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(
        seen, 86,
        "the commands that are there appear in so many transcripts"
    );
    let written = fs::read_to_string(stage.folder.path().join("transcripts/.out"));
    assert!(
        written
            .expect("060 writes it")
            .contains("docker-manifest-digest")
    );
}

fn is_in_scope(run: &Recorded) -> bool {
    let command = run.argv.get(1).map_or("", String::as_str);
    let made_by_others = |word: &String| word == "--local-image" || word.contains("/loaded/");
    run.version == "v3.1.2" && COMMANDS.contains(&command) && !run.argv.iter().any(made_by_others)
}

/// Every transcript with its number and name.
fn transcripts(fixtures: &Path) -> Vec<(String, Transcript)> {
    let entries = fs::read_dir(fixtures.join("transcripts")).expect("transcripts");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let read = |path: &PathBuf| {
        let name = path.file_stem().and_then(|name| name.to_str());
        let text = fs::read_to_string(path).expect("a transcript");
        let transcript = serde_json::from_str(&text).expect("a transcript");
        (name.unwrap_or_default().to_owned(), transcript)
    };
    files.iter().map(read).collect()
}

fn judge(number: &str, recorded: &Recorded, run: &Run) -> Result<(), String> {
    let exception = EXCEPTIONS.iter().find(|(of, ..)| *of == number);
    let plain = compare(recorded, run, None);
    match exception {
        None => plain,
        Some((_, _, reason)) if plain.is_ok() => {
            Err(format!("agrees; the exception is not needed: {reason}"))
        }
        Some((_, Answers(status, text), _)) => {
            let all = format!("{}{}", run.stdout, run.stderr);
            if run.status == *status && all.contains(text) {
                return Ok(());
            }
            Err(format!(
                "exit {}, expected {status} and `{text}`: {all}",
                run.status
            ))
        }
        Some((_, exception, _)) => compare(recorded, run, Some(exception)),
    }
}

fn compare(recorded: &Recorded, run: &Run, exception: Option<&Exception>) -> Result<(), String> {
    if run.status != recorded.exit {
        return Err(format!(
            "exit {}, expected {}: {}",
            run.status, recorded.exit, run.stderr
        ));
    }
    if run.stdout != recorded.stdout {
        return Err(format!(
            "printed {}, expected {}",
            run.stdout, recorded.stdout
        ));
    }
    let (found, mut expected) = (lines(&run.stderr), lines(&recorded.stderr));
    if matches!(exception, Some(NotChecked)) {
        expected.retain(|line| *line != CLAIM);
    }
    let same = |found: &str, expected: &str| match (split(found), split(expected)) {
        (Some((before, found)), Some((before_too, expected))) => {
            before == before_too
                && match exception {
                    Some(Contains(text)) => found.contains(text) && expected.contains(text),
                    _ => found.starts_with(expected),
                }
        }
        _ => found == expected,
    };
    let agree = found.len() == expected.len()
        && found
            .iter()
            .zip(&expected)
            .all(|(found, expected)| same(found, expected));
    agree.then_some(()).ok_or_else(|| {
        format!(
            "said\n{}\nexpected\n{}",
            found.join("\n"),
            expected.join("\n")
        )
    })
}

/// The lines of standard error. `Signing artifact...` is said by a task of its own, before or after its
/// neighbours; here it is first.
fn lines(text: &str) -> Vec<&str> {
    const SIGNING: &str = "Signing artifact...";
    let (mut first, rest): (Vec<_>, Vec<_>) = text.lines().partition(|line| *line == SIGNING);
    first.extend(rest);
    first
}

/// Parts an error line into what is before the message, which may be an unanswered question, and the
/// message.
fn split(line: &str) -> Option<(&str, &str)> {
    ["Error: ", "error during command execution: "]
        .iter()
        .find_map(|label| line.split_once(label))
}

/// Services with the images of the transcripts, and a folder that commands run in.
struct Stage {
    services: Services,
    fixtures: PathBuf,
    folder: TempDir,
    host: String,
    unsigned: String,
}

impl Stage {
    fn set() -> Self {
        let (services, fixtures) = (Services::start(), fixtures::folder("signing"));
        let folder = tempfile::tempdir().expect("a folder");
        symlink(
            env!("CARGO_BIN_EXE_countersign"),
            folder.path().join("cosign"),
        )
        .expect("a link");
        for name in ["keys", "inputs", "trust"] {
            symlink(fixtures.join(name), folder.path().join(name)).expect("a link");
        }
        fs::create_dir(folder.path().join("transcripts")).expect("a folder");
        let registry = services.fact("registry");
        let host = registry.replace("127.0.0.1", "localhost");
        let unsigned = fixtures.join("signatures/unsigned/layout");
        let stage = Self {
            unsigned: digest_of(&unsigned),
            services,
            fixtures,
            folder,
            host,
        };
        stage.push(&Registry::at(&registry), &unsigned);
        stage
    }

    fn push(&self, registry: &Registry, unsigned: &Path) {
        let transcripts = transcripts(&self.fixtures);
        let runs = transcripts.iter().flat_map(|(_, one)| &one.runs);
        let words = runs
            .filter(|run| is_in_scope(run))
            .flat_map(|run| &run.argv);
        let repositories: BTreeSet<&str> = words
            .filter_map(|word| word.strip_prefix("localhost:5001/"))
            .filter_map(|image| image.split([':', '@']).next())
            .collect();
        for repository in repositories {
            let layout = self.fixtures.join(repository).join("layout");
            if layout.is_dir() {
                registry.push(&layout, repository);
            } else if repository.starts_with("work/app") {
                registry.push(unsigned, repository);
            }
        }
    }

    fn play(&self, recorded: &Recorded, stdin: &str) -> Run {
        let here = |text: &String| {
            text.replace("localhost:5001", &self.host)
                .replace(LOST, &self.unsigned)
        };
        let there = |text: &str| text.replace(&self.host, "localhost:5001");
        let mut command = Command::new(self.folder.path().join("cosign"));
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.services.path())
            .envs(&recorded.env)
            .args(recorded.argv.iter().skip(1).map(here));
        let run = finish(&mut command, stdin.as_bytes());
        Run {
            status: run.status,
            stdout: there(&run.stdout),
            stderr: there(&run.stderr),
        }
    }
}
