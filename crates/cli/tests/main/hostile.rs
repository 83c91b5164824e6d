//! A stranger's mistakes and ill will: each is told once, and nothing is left half done.

use std::fs;

use countersign_testkit::fixtures;

use crate::harness::{Run, Services, run, run_with, write};
use crate::layouts::Registry;

const PASSWORD: (&str, &str) = ("COSIGN_PASSWORD", "a secret");

/// Services with an image from the fixtures, and a key pair that signed nothing.
fn shop(name: &str) -> (Services, String) {
    let services = Services::start();
    let layout = fixtures::folder("signing").join("signatures").join(name);
    Registry::at(&services.fact("registry")).push(&layout.join("layout"), "shop/cart");
    run_with(services.path(), &[PASSWORD], b"", &["generate-key-pair"]).exits(0);
    let image = services.image("shop/cart:1.0");
    (services, image)
}

fn verify(services: &Services, more: &[&str], image: &str) -> Run {
    let mut words = vec!["verify", "--key", "cosign.pub", "--insecure-ignore-tlog"];
    words.extend(more);
    words.push(image);
    services.run(&words)
}

fn sign(services: &Services, more: &[&str], images: &[&str]) -> Run {
    let mut words = vec!["sign", "--key", "cosign.key", "--tlog-upload=false"];
    words.push("--use-signing-config=false");
    words.extend(more);
    words.extend(images);
    run_with(services.path(), &[PASSWORD], b"", &words)
}

#[test]
fn a_bundle_that_is_none_is_told() {
    for (fixture, reason) in [
        ("bundle-not-json_fail", "not a bundle"),
        ("bundle-media-type-unknown_fail", "unknown media type"),
        ("bundle-no-material_fail", "no certificate and no key hint"),
    ] {
        let (services, image) = shop(fixture);
        let told = verify(&services, &[], &image).exits(1);
        told.says(&["error[S0202]", reason]);
    }
}

#[test]
fn nothing_is_pushed_where_the_bundle_cannot_be_written() {
    let (services, image) = shop("unsigned");
    sign(&services, &["--bundle", "absent/cart.json"], &[&image])
        .exits(2)
        .says(&["error[S0106]", "absent/cart.json"]);
    sign(&services, &["--bundle", "cart.json"], &[&image, &image])
        .exits(64)
        .says(&["error[S0103]", "several images"]);
    verify(&services, &[], &image)
        .exits(1)
        .says(&["error[S0201]"]);
    assert!(!services.path().join("cart.json").exists());
}

#[test]
fn a_failure_leaves_the_output_file_as_it_was() {
    let (services, image) = shop("unsigned");
    let file = services.path().join("verified.json");
    fs::write(&file, "before").expect("written");
    let into = ["--output-file", "verified.json"];
    verify(&services, &into, &image).exits(1);
    assert_eq!(fs::read_to_string(&file).expect("the file"), "before");
    sign(&services, &[], &[&image]).exits(0);
    let run = verify(&services, &into, &image).exits(0);
    assert_eq!(run.stdout, "");
    let written = fs::read_to_string(&file).expect("the file");
    assert!(written.contains("docker-manifest-digest"), "{written}");
    verify(&services, &["--output-file", "/dev/full"], &image)
        .exits(2)
        .says(&["error[S0106]", "the disk is full"]);
}

#[test]
fn an_address_is_no_reference() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "x.pub", "");
    for (reference, words) in [
        (
            "https://registry.example/shop/cart",
            "leave out `https://`: write registry.example/shop/cart",
        ),
        (
            "registry.example:99999/shop/cart",
            "the registry `registry.example:99999` is not a host name with an optional port",
        ),
        ("", "must not be empty"),
    ] {
        let words_typed = [
            "verify",
            "--certificate-identity",
            "a",
            "--certificate-oidc-issuer",
            "b",
            reference,
        ];
        run(folder.path(), &words_typed)
            .exits(64)
            .says(&["error[S0104]", words]);
    }
}

#[test]
fn a_token_with_a_letter_missing_is_not_repeated() {
    let (services, image) = shop("unsigned");
    let token = services.token();
    let broken = token.replacen('.', "_", 1);
    let words = [
        "sign",
        "--yes",
        "--signing-config",
        "sigstore/signing_config.json",
        "--identity-token",
        &broken,
        &image,
    ];
    let told = services
        .run(&words)
        .exits(64)
        .says(&["error[S0405]", "not a token"]);
    assert!(!told.stderr.contains(&broken[..40]), "{}", told.stderr);
}

#[test]
fn a_wrong_word_says_where_it_was_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let variable = ("COSIGN_TIMEOUT", "soon");
    run_with(folder.path(), &[variable], b"", &["version"])
        .exits(64)
        .says(&["error[S0101]", "COSIGN_TIMEOUT"]);
    run(folder.path(), &["verify", "--key", "", "image"])
        .exits(64)
        .says(&["error[S0101]", "--key"]);
    run(folder.path(), &["verify", "--key", "k", "-o", "yaml", "i"])
        .exits(64)
        .says(&["error[S0103]", "json or text"]);
    run(folder.path(), &["stack", "token", "--dir", "x"])
        .exits(64)
        .says(&["--email", "--github-workflow"]);
    run(
        folder.path(),
        &["stack", "token", "--dir", "x", "--email", ""],
    )
    .exits(64);
}
