//! Links in layers: followed as in a container, in circles never.

use countersign_sbom::{Completeness, Fault, LayerLimits};

use crate::tarball::{Tarball, files, gzip, inventory, listed, lister, read};

fn tar() -> Tarball {
    Tarball::default()
}

#[track_caller]
fn check(layers: Vec<Tarball>, expected: &[&str]) {
    assert_eq!(files(layers), expected);
}

#[test]
fn entries_are_placed_through_links_of_their_folders() {
    check(
        vec![tar().symlink("lib", "usr/lib").file("lib/a", b"1")],
        &["/usr/lib/a=1"],
    );
    check(
        vec![tar().symlink("lib", "/usr/lib"), tar().file("lib/a", b"1")],
        &["/usr/lib/a=1"],
    );
    // Out of the image is the image's root.
    check(
        vec![tar().symlink("l", "../../../etc").file("l/a", b"1")],
        &["/etc/a=1"],
    );
}

#[test]
fn a_whiteout_reaches_through_a_link_too() {
    let below = || {
        tar()
            .symlink("lib", "usr/lib")
            .file("usr/lib/a", b"1")
            .file("usr/lib/b", b"1")
    };
    check(
        vec![below(), tar().file("lib/.wh.a", b"")],
        &["/usr/lib/b=1"],
    );
    check(vec![below(), tar().file("lib/.wh..wh..opq", b"")], &[]);
    // Of the link itself, it removes the link.
    check(
        vec![below(), tar().file(".wh.lib", b"").file("lib/c", b"2")],
        &["/lib/c=2", "/usr/lib/a=1", "/usr/lib/b=1"],
    );
}

#[test]
fn a_folder_replaces_a_link_and_does_not_empty_its_target() {
    let below = tar().symlink("d", "t").file("t/a", b"1");
    check(
        vec![
            below,
            tar()
                .folder("d")
                .file("d/.wh..wh..opq", b"")
                .file("d/b", b"2"),
        ],
        &["/d/b=2", "/t/a=1"],
    );
}

#[test]
fn content_cannot_be_hidden_behind_a_link_that_goes_away() {
    // The lower layer wrote through the link to /c; the upper one replaces the link by a folder.
    let below = tar().folder("c").symlink("a", "c").file("a/b", b"1");
    check(
        vec![
            below,
            tar().file(".wh.a", b"").folder("a").file("a/b", b"2"),
        ],
        &["/a/b=2", "/c/b=1"],
    );
}

#[test]
fn a_hard_link_is_what_its_target_is_at_that_moment() {
    check(
        vec![tar().file("a", b"1").hard_link("b", "a").file("a", b"2")],
        &["/a=2", "/b=1"],
    );
    check(
        vec![
            tar().file("a", b"1"),
            tar().hard_link("./b", "/a").file(".wh.a", b""),
        ],
        &["/b=1"],
    );
    check(
        vec![
            tar()
                .symlink("d", "e")
                .file("e/a", b"1")
                .hard_link("b", "d/a"),
        ],
        &["/b=1", "/e/a=1"],
    );
}

#[test]
fn a_hard_link_to_nothing_is_a_warning() {
    let found = inventory(vec![tar().hard_link("b", "a")]).unwrap();
    assert_eq!(found.completeness, Completeness::Incomplete);
    assert_eq!(found.warnings[0].path, "/b");
    assert_eq!(
        found.warnings[0].fault,
        Fault::DanglingLink {
            target: "/a".into()
        }
    );
}

#[test]
fn a_wanted_name_of_unwanted_content_is_read_again_or_a_warning() {
    let tarball = tar()
        .file("a.skip", b"1")
        .hard_link("b", "a.skip")
        .hard_link("c.skip", "a.skip")
        .hard_link("d", "c.skip");
    let found = inventory(vec![tarball.clone()]).unwrap();
    let target = "/a.skip".to_owned();
    assert_eq!(
        found.warnings[0].fault,
        Fault::LinkedContentNotRead { target }
    );
    let bytes = tarball.bytes();
    let scan = lister(LayerLimits::default());
    let first = read(&scan, 0, &bytes, &bytes).unwrap();
    assert!(first.wants_second_reading());
    let digest = countersign_artifact::Digest::sha256_of(&bytes);
    let expected = countersign_sbom::ExpectedLayer {
        index: 0,
        digest: None,
        size: None,
        diff_id: digest,
    };
    let second = scan
        .read_layer_again(&first, &expected, &bytes[..])
        .unwrap();
    let found = scan.finish(vec![second]).unwrap();
    assert_eq!(found.warnings, []);
    assert_eq!(listed(&found), ["/a.skip=1", "/b=1", "/c.skip=1", "/d=1"]);
    assert!(
        !read(&scan, 0, &tar().bytes(), &tar().bytes())
            .unwrap()
            .wants_second_reading()
    );
}

#[test]
fn circles_are_cut() {
    let found = inventory(vec![
        tar()
            .symlink("a", "b")
            .symlink("b", "a")
            .file("a/c", b"1")
            .file("d", b"1"),
    ])
    .unwrap();
    assert_eq!(listed(&found), ["/d=1"]);
    assert_eq!(found.warnings[0].fault, Fault::LinkLoop);
    check(
        vec![tar().symlink("self", "self/self").file("d", b"1")],
        &["/d=1"],
    );
    // Each link doubles the path: forty hops would be 2^40 parts.
    let mut doubling = tar().folder("x0");
    for level in 1..100 {
        let below = format!("x{}/..", level - 1);
        doubling = doubling.symlink(
            &format!("x{level}"),
            &format!("{below}/{below}/x{}", level - 1),
        );
    }
    check(
        vec![doubling.file("x99/a", b"1").file("d", b"1")],
        &["/d=1"],
    );
}

#[test]
fn deep_trees_need_no_stack() {
    let scan = lister(LayerLimits {
        depth: 2000,
        path_bytes: 8000,
        ..LayerLimits::default()
    });
    let deep = "d/".repeat(1999);
    let below = tar()
        .pax(&[("path", &format!("{deep}a"))])
        .file("x", b"1")
        .bytes();
    let above = tar()
        .file(".wh.d", b"")
        .pax(&[("path", &format!("{deep}b"))])
        .file("x", b"2")
        .bytes();
    let layers = vec![
        read(&scan, 0, &below, &gzip(&below)).unwrap(),
        read(&scan, 1, &above, &gzip(&above)).unwrap(),
    ];
    assert_eq!(
        listed(&scan.finish(layers).unwrap()),
        [format!("/{deep}b=2")]
    );
}
