//! `stack up` and `stack token`.

use std::fs;
use std::net::TcpListener;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Services, run};

#[test]
fn it_says_where_everything_is_and_writes_it_down() {
    let services = Services::start();
    for name in ["issuer", "fulcio", "ct", "rekor", "tsa", "tuf", "registry"] {
        services.fact(name);
    }
    let folder = services.path().join("sigstore");
    let endpoints = fs::read(folder.join("endpoints.json")).expect("endpoints.json");
    let endpoints: Value = serde_json::from_slice(&endpoints).expect("JSON");
    assert_eq!(endpoints["rekor"], services.facts["rekor"]);
    for name in [
        "trusted_root.json",
        "signing_config.json",
        "trust_config.json",
    ] {
        let text = fs::read(folder.join(name)).expect(name);
        serde_json::from_slice::<Value>(&text).expect(name);
    }
    assert_eq!(services.stop(Signal::TERM), 0);
}

#[test]
fn tokens_are_for_a_person_or_a_workflow() {
    let services = Services::start();
    let token = services.token();
    assert_eq!(token.split('.').count(), 3);
    let words = [
        "stack",
        "token",
        "--dir",
        "sigstore",
        "--email",
        "ada@example.com",
    ];
    assert_eq!(
        services
            .run(&words)
            .exits(0)
            .stdout
            .trim()
            .split('.')
            .count(),
        3
    );
    let words = [
        "stack",
        "token",
        "--dir",
        "sigstore",
        "--github-workflow",
        "nonsense",
    ];
    services.run(&words).exits(64).says(&["OWNER/REPOSITORY"]);
    services
        .run(&["stack", "token", "--dir", "absent", "--email", "a@b.c"])
        .exits(2);
}

#[test]
fn a_folder_in_use_is_refused() {
    let services = Services::start();
    services
        .run(&["stack", "up", "--dir", "sigstore"])
        .exits(2)
        .says(&["error[S0802]", "is in use"]);
}

#[test]
fn a_port_that_is_taken_is_told_and_nothing_is_written() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    run(
        folder.path(),
        &["stack", "up", "--dir", "d", "--listen", &address],
    )
    .exits(2)
    .says(&["error[S0801]", &address, "another program listens there"]);
    assert!(!folder.path().join("d").exists());
}
