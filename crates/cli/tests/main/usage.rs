//! Words of the command line: what is there, what is refused by name, and the borrowed names.

use std::os::unix::fs::symlink;

use crate::harness::{Run, command, finish, run};

fn called_as(name: &str, words: &[&str]) -> Run {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join(name);
    symlink(env!("CARGO_BIN_EXE_countersign"), &link).expect("a link");
    let mut command = std::process::Command::new(&link);
    finish(
        command.current_dir(folder.path()).env_clear().args(words),
        b"",
    )
}

#[test]
fn version_says_what_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = run(folder.path(), &["version"]).exits(0);
    assert!(
        text.stdout
            .contains(concat!("GitVersion:    v", env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(text.stderr, "");
    for words in [["--version"], ["-V"]] {
        assert_eq!(run(folder.path(), &words).exits(0).stdout, text.stdout);
    }
    let data = run(folder.path(), &["version", "--json"]).exits(0).json();
    assert_eq!(data["gitVersion"], concat!("v", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completion_is_written_for_every_shell() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = run(folder.path(), &["completion", shell]).exits(0).stdout;
        assert!(script.contains("verify-attestation"), "{shell}");
    }
}

#[test]
fn every_command_has_help() {
    let folder = tempfile::tempdir().expect("a folder");
    for words in [
        &["demo", "--help"][..],
        &["sign", "--help"],
        &["attest", "--help"],
        &["verify", "--help"],
        &["verify-attestation", "--help"],
        &["generate-key-pair", "--help"],
        &["public-key", "--help"],
        &["sbom", "--help"],
        &["controller", "--help"],
        &["policy", "test", "--help"],
        &["audit", "--help"],
        &["stack", "up", "--help"],
        &["stack", "token", "--help"],
        &["version", "--help"],
        &["completion", "--help"],
    ] {
        let help = run(folder.path(), words).exits(0);
        assert!(help.stdout.contains("Usage:"), "{words:?}");
    }
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    for (name, words, refused) in [
        (
            "countersign",
            &["sign-blob", "file"][..],
            "the command `sign-blob`",
        ),
        ("cosign", &["tree", "image"], "the command `tree`"),
        ("cosign", &["sign", "--sk", "image"], "the flag `--sk`"),
        ("syft", &["convert", "x.json"], "the command `convert`"),
        (
            "syft",
            &["alpine", "--exclude", "./x"],
            "the flag `--exclude`",
        ),
    ] {
        let run = called_as(name, words).exits(64).says(&[refused]);
        assert_eq!(run.stdout, "", "{words:?}");
    }
}

#[test]
fn wrong_words_exit_64() {
    for words in [
        &["verify"][..],
        &["verify", "--no-such-flag", "image"],
        &["no-such-command"],
    ] {
        called_as("countersign", words)
            .exits(64)
            .says(&["error[S0101]", "hint: "]);
    }
}

#[test]
fn borrowed_names_take_that_tools_words() {
    let version = called_as("cosign", &["version"]).exits(0);
    assert!(version.stdout.contains("GitVersion"));
    called_as("cosign", &["verify", "127.0.0.1:1/a/b"]).exits(1).says(&[
        "Error: --certificate-identity or --certificate-identity-regexp is required for verification in keyless mode",
        "error during command execution: ",
    ]);
    called_as("policy-tester", &["-image", "x"]).exits(1);
}

#[test]
fn output_in_a_pipe_has_no_colours() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = finish(
        command(folder.path()).args(["verify", "127.0.0.1:1/a/b"]),
        b"",
    )
    .exits(64);
    assert!(!run.stderr.contains('\u{1b}'), "{:?}", run.stderr);
}
