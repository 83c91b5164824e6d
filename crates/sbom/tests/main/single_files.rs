//! One file as a source of its own.

use countersign_artifact::Digest;
use countersign_sbom::{LayerLimits, Scan, cataloger};

#[test]
fn the_name_decides_and_the_folder_does_not_show() {
    let scan = crate::tarball::lister(LayerLimits::default());
    let (source, inventory) = scan.file("/home/someone/app", &b"content"[..]).unwrap();
    assert_eq!(source.path, "/home/someone/app");
    assert_eq!(source.sha256, Digest::sha256_of(b"content"));
    assert_eq!(source.sha512, Digest::sha512_of(b"content"));
    assert_eq!(source.size, 7);
    assert_eq!(crate::tarball::listed(&inventory), ["/app=content"]);
    assert_eq!(inventory.packages[0].locations[0].layer, None);
}

#[test]
fn a_file_of_nobody_has_no_packages() {
    let scan = Scan::new(cataloger::all(), LayerLimits::default());
    let (_, inventory) = scan.file("notes.txt", &b"hello"[..]).unwrap();
    assert_eq!((inventory.packages.len(), inventory.warnings.len()), (0, 0));
}
