//! The recorded answers of go-containerregistry.

use countersign_artifact::{Digest, ImageReference, ReferenceError};
use serde_json::Value;

#[test]
fn every_recorded_reference() {
    let file = countersign_testkit::fixtures::folder("policy").join("references.jsonl");
    let text = std::fs::read_to_string(file).unwrap();
    let mut count = 0;
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (name, written) = (&case["name"], case["reference"].as_str().unwrap());
        let expected = case["result"].as_str().unwrap();
        match ImageReference::parse(written) {
            Err(error) => assert_eq!(expected, "error", "{name} {written}: {error}"),
            Ok(found) => {
                assert_eq!(found.name(), expected, "{name}");
                let parts = &case["parts"];
                assert_eq!(found.registry(), parts["registry"], "{name}");
                assert_eq!(found.repository(), parts["repository"], "{name}");
                assert_eq!(found.identifier(), parts["identifier"], "{name}");
                assert_eq!(found.as_typed(), parts["string"], "{name}");
                assert_eq!(found.scheme().as_str(), parts["scheme"], "{name}");
                assert_eq!(
                    found.digest().is_some(),
                    parts["kind"] == "digest",
                    "{name}"
                );
            }
        }
        count += 1;
    }
    assert_eq!(count, 135);
}

#[test]
fn the_error_names_the_part() {
    use ReferenceError as E;
    let parse = |text: &str| ImageReference::parse(text).unwrap_err();
    assert_eq!(parse(""), E::Empty);
    assert!(
        matches!(parse("reg.example:x/app"), E::Registry(registry) if registry == "reg.example:x")
    );
    assert!(matches!(
        parse("reg.example/App"),
        E::RepositoryCharacter { character: 'A', .. }
    ));
    assert!(matches!(
        parse("reg.example/a"),
        E::RepositoryLength { found: 1, .. }
    ));
    assert!(matches!(
        parse("reg.example/app:"),
        E::TagLength { found: 0, .. }
    ));
    assert!(matches!(
        parse("reg.example/app:a+b"),
        E::TagCharacter { character: '+', .. }
    ));
    assert!(matches!(parse("reg.example/app@sha256:00"), E::Digest(_)));
    assert!(matches!(
        parse(&format!("reg.example/app@sha512:{}", "0".repeat(128))),
        E::Digest(_)
    ));
    assert_eq!(parse("aa@b@c"), E::DigestSeparators(2));
    assert!(matches!(parse(&"a".repeat(5000)), E::TooLong(5000)));
}

#[test]
fn pinning_keeps_the_tag_and_normalises() {
    let digest = Digest::sha256_of(b"x");
    let pinned = ImageReference::parse("nginx").unwrap().with_digest(digest);
    assert_eq!(
        pinned.as_typed(),
        format!("index.docker.io/library/nginx:latest@{digest}")
    );
    assert_eq!(
        pinned.name(),
        format!("index.docker.io/library/nginx@{digest}")
    );
    assert_eq!(pinned.tag(), Some("latest"));
    assert_eq!(ImageReference::parse(pinned.as_typed()).unwrap(), pinned);
    let moved = pinned.with_repository("reg.example/signatures").unwrap();
    assert_eq!(moved.name(), format!("reg.example/signatures@{digest}"));
    let tagged = moved.with_tag("v1").unwrap();
    assert_eq!(tagged.name(), "reg.example/signatures:v1");
    assert!(tagged.with_tag("no/slash").is_err());
}
