//! `generate-key-pair` and `public-key`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{run_with, write};

const PASSWORD: (&str, &str) = ("COSIGN_PASSWORD", "a secret");

#[test]
fn a_pair_is_written_and_its_public_half_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = run_with(folder.path(), &[PASSWORD], b"", &["generate-key-pair"]).exits(0);
    assert_eq!(made.stdout, "");
    made.says(&[
        "Private key written to cosign.key",
        "Public key written to cosign.pub",
    ]);
    let sealed = fs::metadata(folder.path().join("cosign.key")).expect("the key");
    assert_eq!(sealed.permissions().mode() & 0o777, 0o600);
    let public = fs::read_to_string(folder.path().join("cosign.pub")).expect("the public key");
    let words = ["public-key", "--key", "cosign.key"];
    assert_eq!(
        run_with(folder.path(), &[PASSWORD], b"", &words)
            .exits(0)
            .stdout,
        public
    );
}

#[test]
fn a_wrong_password_is_told_and_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    run_with(folder.path(), &[PASSWORD], b"", &["generate-key-pair"]).exits(0);
    let wrong = ("COSIGN_PASSWORD", "no such thing");
    let words = ["public-key", "--key", "cosign.key"];
    let told = run_with(folder.path(), &[wrong], b"", &words)
        .exits(64)
        .says(&["error[S0502]"]);
    assert!(!told.stderr.contains("no such thing"));
    assert!(!told.stderr.contains("a secret"));
}

#[test]
fn a_pair_is_not_replaced_without_a_yes() {
    let folder = tempfile::tempdir().expect("a folder");
    run_with(folder.path(), &[PASSWORD], b"", &["generate-key-pair"]).exits(0);
    let before = fs::read(folder.path().join("cosign.key")).expect("the key");
    let words = ["generate-key-pair"];
    run_with(folder.path(), &[PASSWORD], b"n\n", &words)
        .exits(1)
        .says(&["already exists. Overwrite?"]);
    assert_eq!(
        fs::read(folder.path().join("cosign.key")).expect("the key"),
        before
    );
    run_with(
        folder.path(),
        &[PASSWORD],
        b"",
        &["generate-key-pair", "--yes"],
    )
    .exits(0);
    assert_ne!(
        fs::read(folder.path().join("cosign.key")).expect("the key"),
        before
    );
}

#[test]
fn what_is_no_key_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "x.key", "not a key");
    let words = ["public-key", "--key", "x.key"];
    run_with(folder.path(), &[PASSWORD], b"", &words)
        .exits(64)
        .says(&["error[S0501]"]);
    let words = ["public-key", "--key", "absent.key"];
    run_with(folder.path(), &[PASSWORD], b"", &words)
        .exits(2)
        .says(&["error[S0105]", "absent.key"]);
}
