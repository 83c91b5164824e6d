//! `sbom`, and `syft` by its own name.

use std::fs;

use serde_json::Value;

use crate::harness::{run, run_with, small_image};

#[test]
fn the_program_describes_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = format!("file:{}", env!("CARGO_BIN_EXE_countersign"));
    let words = [
        "sbom",
        &source,
        "-o",
        "spdx-json=a.spdx.json",
        "-o",
        "cyclonedx-json=a.cdx.json",
        "-o",
        "purls",
    ];
    let purls = run(folder.path(), &words).exits(0).stdout;
    assert!(purls.lines().count() > 200, "{purls}");
    assert!(purls.contains("pkg:cargo/aws-lc-rs@"));
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.path().join(name)).expect(name)).expect(name)
    };
    let spdx = read("a.spdx.json");
    assert_eq!(spdx["spdxVersion"], "SPDX-2.3");
    assert!(spdx["packages"].as_array().expect("packages").len() > 200);
    assert!(
        !spdx["relationships"]
            .as_array()
            .expect("relationships")
            .is_empty()
    );
    let cyclonedx = read("a.cdx.json");
    assert_eq!(cyclonedx["specVersion"], "1.6");
    assert!(
        cyclonedx["components"]
            .as_array()
            .expect("components")
            .len()
            > 200
    );
}

#[test]
fn the_same_image_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    small_image(folder.path(), "image", "a program");
    for format in ["spdx-json", "cyclonedx-json"] {
        let words = ["sbom", "oci-dir:image", "-o", format];
        let epoch = [("SOURCE_DATE_EPOCH", "1700000000")];
        let first = run_with(folder.path(), &epoch, b"", &words).exits(0).stdout;
        let second = run_with(folder.path(), &epoch, b"", &words).exits(0).stdout;
        assert_eq!(first, second);
        assert!(first.contains("2023-11-14T22:13:20Z"), "{first}");
    }
}

#[test]
fn tables_are_for_people() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = format!("file:{}", env!("CARGO_BIN_EXE_countersign"));
    let table = run(folder.path(), &["sbom", &source]).exits(0).stdout;
    let first = table.lines().next().expect("a head");
    assert_eq!(
        first.split_whitespace().collect::<Vec<_>>(),
        ["NAME", "VERSION", "TYPE"]
    );
}

#[test]
fn other_formats_and_sources_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), &["sbom", "image", "-o", "github-json"])
        .exits(64)
        .says(&["github-json"]);
    run(folder.path(), &["sbom", "docker:image"])
        .exits(64)
        .says(&["error[S0102]", "docker:"]);
    run(
        folder.path(),
        &["sbom", "--scope", "all-layers", "oci-dir:x"],
    )
    .exits(64)
    .says(&["error[S0102]", "all-layers"]);
}
