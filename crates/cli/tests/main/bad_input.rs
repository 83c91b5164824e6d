//! Bad input gets one clear error, its exit status, and leaves nothing half done.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::harness::{finish, run, run_with, small_image, write};

const PASSWORD: (&str, &str) = ("COSIGN_PASSWORD", "a secret");

/// Verifies by key without a log: nothing but the registry is asked.
fn verify(folder: &Path, image: &str) -> crate::harness::Run {
    if !folder.join("cosign.pub").exists() {
        run_with(folder, &[PASSWORD], b"", &["generate-key-pair"]).exits(0);
    }
    run(
        folder,
        &[
            "verify",
            "--key",
            "cosign.pub",
            "--insecure-ignore-tlog",
            image,
        ],
    )
}

/// A registry that answers everything with one status, until the test process ends.
fn registry_that_says(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn a_reference_that_does_not_parse_says_which_part() {
    let folder = tempfile::tempdir().expect("a folder");
    for (reference, part) in [
        ("registry.example/Shop/cart:1", "the repository `Shop/cart`"),
        ("registry.example/shop/cart:a b", "the tag `a b`"),
        ("registry.example/shop/cart@sha256:12", "the digest"),
    ] {
        verify(folder.path(), reference).exits(64).says(&[
            "error[S0104]",
            &format!("could not parse reference: {reference}"),
            part,
        ]);
    }
}

#[test]
fn a_registry_that_does_not_answer_is_not_an_unsigned_image() {
    let folder = tempfile::tempdir().expect("a folder");
    let nobody = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let image = format!("{nobody}/shop/cart:1.0");
    verify(folder.path(), &image)
        .exits(2)
        .says(&["error[S0301]", "connection refused"]);
}

#[test]
fn a_registry_that_refuses_or_fails_is_not_an_unsigned_image() {
    let folder = tempfile::tempdir().expect("a folder");
    for (status, code, exit, words) in [
        ("401 Unauthorized", "S0302", 2, "401"),
        ("403 Forbidden", "S0302", 2, "403"),
        ("404 Not Found", "S0205", 1, "404"),
        ("500 Internal Server Error", "S0303", 2, "500"),
        ("429 Too Many Requests", "S0303", 2, "429"),
    ] {
        let image = format!("{}/shop/cart:1.0", registry_that_says(status));
        let told = verify(folder.path(), &image).exits(exit);
        told.says(&[&format!("error[{code}]"), words]);
    }
}

#[test]
fn a_layout_that_is_none_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("empty")).expect("a folder");
    run(folder.path(), &["sbom", "oci-dir:empty"])
        .exits(2)
        .says(&["error[S0305]", "no index.json"]);
    run(folder.path(), &["sbom", "oci-dir:absent"])
        .exits(2)
        .says(&["error[S0305]", "absent"]);
    write(folder.path(), "x.tar", "no archive");
    run(folder.path(), &["sbom", "oci-archive:x.tar"])
        .exits(2)
        .says(&["error[S0305]"]);
}

#[test]
fn a_blob_that_is_cut_off_or_another_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let layout = small_image(folder.path(), "image", "a program");
    let blobs = layout.join("blobs/sha256");
    let largest = fs::read_dir(&blobs)
        .expect("blobs")
        .map(|entry| entry.expect("a blob").path())
        .find(|path| fs::read(path).expect("a blob").starts_with(&[0x1f, 0x8b]))
        .expect("the layer");
    let whole = fs::read(&largest).expect("the layer");
    fs::write(&largest, &whole[..whole.len() - 1]).expect("written");
    let cut = run(
        folder.path(),
        &["sbom", "oci-dir:image", "-o", "spdx-json=x.json"],
    )
    .exits(2);
    cut.says(&["error[S0305]"]);
    assert!(!folder.path().join("x.json").exists());
    let mut other = whole.clone();
    let middle = other.len() / 2;
    other[middle] ^= 1;
    fs::write(&largest, &other).expect("written");
    run(folder.path(), &["sbom", "oci-dir:image"])
        .exits(2)
        .says(&["error["]);
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    small_image(folder.path(), "image", "a program");
    let told = run(
        folder.path(),
        &["sbom", "oci-dir:image", "-o", "spdx-json=/dev/full"],
    );
    told.exits(2).says(&["error[S0106]", "the disk is full"]);
    let program = env!("CARGO_BIN_EXE_countersign");
    let mut to_full = Command::new("sh");
    to_full
        .current_dir(folder.path())
        .args(["-c", &format!("{program} version > /dev/full")]);
    finish(&mut to_full, b"").exits(2).says(&["error[S0106]"]);
}

#[test]
fn a_trust_root_or_config_that_is_none_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "x.json", "{\"mediaType\":\"text/plain\"}");
    let identity = [
        "--certificate-identity",
        "a",
        "--certificate-oidc-issuer",
        "b",
    ];
    for (root, code, exit) in [("x.json", "S0406", 64), ("absent.json", "S0105", 2)] {
        let mut words = vec!["verify", "--trusted-root", root];
        words.extend(identity);
        words.push("127.0.0.1:1/a/b");
        run(folder.path(), &words)
            .exits(exit)
            .says(&[&format!("error[{code}]"), root]);
    }
    let words = [
        "sign",
        "--yes",
        "--identity-token",
        "a.b.c",
        "--signing-config",
        "x.json",
        "127.0.0.1:1/a/b",
    ];
    run(folder.path(), &words).exits(64).says(&["error[S0407]"]);
}
