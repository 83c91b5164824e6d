//! Layers add up as container runtimes unpack them.

use crate::tarball::{Tarball, files, gzip, inventory, lister, read};
use countersign_sbom::LayerLimits;

fn tar() -> Tarball {
    Tarball::default()
}

#[track_caller]
fn check(layers: Vec<Tarball>, expected: &[&str]) {
    assert_eq!(files(layers), expected);
}

#[test]
fn later_layers_and_later_entries_win() {
    check(
        vec![
            tar().file("a", b"1").file("./a", b"2"),
            tar().file("/b", b"3"),
        ],
        &["/a=2", "/b=3"],
    );
    check(
        vec![tar().file("a", b"1"), tar().file("a", b"2")],
        &["/a=2"],
    );
}

#[test]
fn the_layer_of_a_file_is_the_one_that_brought_it() {
    let found = inventory(vec![
        tar().file("a", b"1").file("b", b"1"),
        tar().file("b", b"2"),
    ])
    .unwrap();
    let layers: Vec<_> = found
        .packages
        .iter()
        .map(|package| package.locations[0].layer.unwrap().index)
        .collect();
    assert_eq!(layers, [0, 1]);
}

#[test]
fn a_whiteout_removes_what_is_below_and_nothing_of_its_own_layer() {
    check(
        vec![
            tar().file("d/a", b"1").file("d/b", b"1"),
            tar().file("d/.wh.a", b""),
        ],
        &["/d/b=1"],
    );
    check(
        vec![
            tar().file("d/a", b"1"),
            tar().file("d/.wh.a", b"").file("d/a", b"2"),
        ],
        &["/d/a=2"],
    );
    check(
        vec![
            tar().file("d/a", b"1"),
            tar().file("d/a", b"2").file("d/.wh.a", b""),
        ],
        &["/d/a=2"],
    );
    check(
        vec![tar().file("d/a", b"1").file("d/.wh.a", b"")],
        &["/d/a=1"],
    );
    // A folder is removed whole; what the same layer puts there stays, whichever comes first.
    check(
        vec![tar().file("d/e/a", b"1"), tar().file(".wh.d", b"")],
        &[],
    );
    check(
        vec![
            tar().file("d/e/a", b"1"),
            tar().file("d/e/b", b"2").file(".wh.d", b""),
        ],
        &["/d/e/b=2"],
    );
    check(
        vec![
            tar().file("d/e/a", b"1"),
            tar().file(".wh.d", b"").file("d/e/b", b"2"),
        ],
        &["/d/e/b=2"],
    );
}

#[test]
fn a_removed_file_may_come_back() {
    check(
        vec![
            tar().file("a", b"1"),
            tar().file(".wh.a", b""),
            tar().file("a", b"3"),
        ],
        &["/a=3"],
    );
    check(
        vec![tar().file("a", b"1"), tar(), tar().file(".wh.a", b"")],
        &[],
    );
}

#[test]
fn an_opaque_folder_hides_all_that_is_below() {
    let below = || tar().file("d/a", b"1").file("d/e/b", b"1").file("x", b"1");
    check(vec![below(), tar().file("d/.wh..wh..opq", b"")], &["/x=1"]);
    check(
        vec![below(), tar().file("d/c", b"2").file("d/.wh..wh..opq", b"")],
        &["/d/c=2", "/x=1"],
    );
    check(
        vec![
            below(),
            tar().file("d/.wh..wh..opq", b"").file("d/e/c", b"2"),
        ],
        &["/d/e/c=2", "/x=1"],
    );
    check(
        vec![below(), tar().file(".wh..wh..opq", b"").file("y", b"2")],
        &["/y=2"],
    );
}

#[test]
fn records_of_aufs_and_whiteouts_of_nothing_do_nothing() {
    check(
        vec![
            tar().file("a", b"1"),
            tar()
                .file(".wh..wh.plnk", b"")
                .file(".wh.b", b"")
                .file("c/.wh.d", b""),
        ],
        &["/a=1"],
    );
}

#[test]
fn a_file_replaces_a_folder_and_a_folder_a_file() {
    check(
        vec![tar().file("d/a", b"1"), tar().file("d", b"2")],
        &["/d=2"],
    );
    check(
        vec![tar().file("d", b"1"), tar().folder("d").file("d/a", b"2")],
        &["/d/a=2"],
    );
    check(
        vec![tar().file("d", b"1"), tar().file("d/a", b"2")],
        &["/d/a=2"],
    );
    check(
        vec![tar().file("d/a", b"1"), tar().folder("d")],
        &["/d/a=1"],
    );
}

#[test]
fn names_of_every_form() {
    let long = format!("{}/x", "n".repeat(98));
    let longer = "d/".repeat(80) + "x";
    let gnu = tar()
        .entry(b'L', "././@LongLink", "", format!("{longer}\0").as_bytes())
        .file("short", b"1");
    check(vec![gnu], &[&format!("/{longer}=1")]);
    let pax = tar()
        .pax(&[("path", &longer), ("mtime", "1.5")])
        .file("short", b"1");
    check(vec![pax], &[&format!("/{longer}=1")]);
    check(vec![tar().file(&long, b"1")], &[&format!("/{long}=1")]);
    // A global header applies to nothing, as in Go.
    check(
        vec![tar().entry(b'g', "g", "", b"10 path=b\n").file("a", b"1")],
        &["/a=1"],
    );
    // A PAX size overrides the header's.
    let sized = tar().pax(&[("size", "1")]).sized(b'0', "a", "", b"1", 0);
    check(vec![sized.file("b", b"2")], &["/a=1", "/b=2"]);
    // Old archives mark a folder by the slash alone.
    check(
        vec![tar().entry(0, "d/", "", b"").file("d/a", b"1")],
        &["/d/a=1"],
    );
}

#[test]
fn names_that_are_no_text_stay_apart() {
    let mut bytes = tar().file("a1", b"1").file("a2", b"2").0;
    for (at, byte) in [(1, 0xff_u8), (1025, 0xfe)] {
        bytes[at] = byte;
        crate::tarball::seal(&mut bytes[at - 1..]);
    }
    check(vec![Tarball(bytes)], &["/a\\xfe=2", "/a\\xff=1"]);
}

#[test]
fn layers_may_be_plain_gzip_in_pieces_or_zstd() {
    let scan = lister(LayerLimits::default());
    let bytes = tar().file("a", &[b'x'; 900]).file("b", b"2").bytes();
    let (first, second) = bytes.split_at(700);
    let pieces = [gzip(first), gzip(second)].concat();
    let zstd = zstd::encode_all(&bytes[..], 3).unwrap();
    let frames = [
        zstd::encode_all(first, 3).unwrap(),
        zstd::encode_all(second, 3).unwrap(),
    ]
    .concat();
    for blob in [bytes.clone(), gzip(&bytes), pieces, zstd, frames] {
        let layer = read(&scan, 0, &bytes, &blob).unwrap();
        assert_eq!(layer.inflated(), bytes.len() as u64);
        assert_eq!(scan.finish(vec![layer]).unwrap().packages.len(), 2);
    }
}

#[test]
fn an_archive_may_end_without_its_end_and_go_on_behind_it() {
    let scan = lister(LayerLimits::default());
    let bare = tar().file("a", b"1").0;
    assert!(read(&scan, 0, &bare, &bare).is_ok());
    let mut behind = tar().file("a", b"1").bytes();
    behind.extend_from_slice(&tar().file("hidden", b"2").0);
    let layer = read(&scan, 0, &behind, &behind).unwrap();
    // Runtimes stop at the end; so nothing behind it is in the image, but its bytes are in the DiffID.
    assert_eq!(
        crate::tarball::listed(&scan.finish(vec![layer]).unwrap()),
        ["/a=1"]
    );
}
