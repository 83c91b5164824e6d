//! The whole story in one command.

use crate::harness::{run, small_image};

#[test]
fn every_step_goes_as_expected() {
    let folder = tempfile::tempdir().expect("a folder");
    let story = run(folder.path(), &["demo", "-o", "json"]).exits(0).json();
    assert_eq!(story["as_expected"], story["total"]);
    let steps = story["steps"].as_array().expect("steps");
    for name in [
        "start", "push", "sbom", "sign", "attest", "verify", "enforce", "audit",
    ] {
        assert!(steps.iter().any(|step| step["name"] == name), "{name}");
    }
    // The binary carries the list of its own crates: hundreds of them.
    let sbom = steps
        .iter()
        .find(|step| step["name"] == "sbom")
        .expect("a description");
    let count: usize = sbom["what"]
        .as_str()
        .and_then(|what| what.split_whitespace().find_map(|word| word.parse().ok()))
        .expect("a count");
    assert!(count > 200, "{sbom}");
    assert_eq!(
        std::fs::read_dir(folder.path())
            .expect("the folder")
            .count(),
        0,
        "nothing is left"
    );
}

#[test]
fn another_image_can_be_shipped() {
    let folder = tempfile::tempdir().expect("a folder");
    let image = small_image(folder.path(), "image", "a program");
    let image = image.display().to_string();
    let told = run(folder.path(), &["demo", "--image", &image]).exits(0);
    assert!(
        told.stdout.contains("steps went as expected"),
        "{}",
        told.stdout
    );
    assert!(!told.stdout.contains('\u{1b}'));
}

#[test]
fn an_image_that_is_none_ends_the_story_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    run(folder.path(), &["demo", "--image", "absent"])
        .exits(2)
        .says(&["error[S0305]", "absent"]);
}

#[test]
fn a_kept_folder_is_not_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let mine = folder.path().join("image");
    std::fs::create_dir(&mine).expect("a folder");
    std::fs::write(mine.join("photo"), "mine").expect("a file");
    run(folder.path(), &["demo", "--keep", "."])
        .exits(2)
        .says(&["error[S0106]", "not empty"]);
    assert_eq!(
        std::fs::read(mine.join("photo")).expect("it is there"),
        b"mine"
    );
    assert_eq!(
        std::fs::read_dir(folder.path())
            .expect("the folder")
            .count(),
        1
    );
}
