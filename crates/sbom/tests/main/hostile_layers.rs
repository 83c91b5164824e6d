//! Layers that lie: each is refused with the exact reason, or loses exactly what it lied about.

use std::io::{self, Read};

use countersign_artifact::Digest;
use countersign_sbom::file_tree::{Compression, DigestMismatch, HeaderFault, PathFault};
use countersign_sbom::{ExpectedLayer, Fault, LayerError, LayerLimits};

use crate::tarball::{Tarball, gzip, inventory, listed, lister, read, refusal, seal};

fn tar() -> Tarball {
    Tarball::default()
}

#[test]
fn paths_that_leave_the_image() {
    for path in ["../a", "d/../../a", "/../a", "./d/../../.wh.a"] {
        let expected = LayerError::Path {
            entry: path.into(),
            at: 0,
            fault: PathFault::EscapesRoot,
        };
        assert_eq!(refusal(&tar().file(path, b"1").bytes()), expected);
    }
    let link = tar().file("a", b"").hard_link("b", "../etc/shadow").bytes();
    let expected = LayerError::Path {
        entry: "../etc/shadow".into(),
        at: 512,
        fault: PathFault::EscapesRoot,
    };
    assert_eq!(refusal(&link), expected);
}

#[test]
fn whiteouts_of_folders_they_lie_in() {
    for path in ["d/.wh.", "d/.wh..", "d/.wh..."] {
        let expected = LayerError::Path {
            entry: path.into(),
            at: 0,
            fault: PathFault::Whiteout,
        };
        assert_eq!(refusal(&tar().file(path, b"").bytes()), expected);
    }
}

#[test]
fn paths_that_are_too_long_or_too_deep() {
    let long = "x".repeat(5000);
    let fault = PathFault::TooLong { limit: 4096 };
    let expected = LayerError::Path {
        entry: long[..200].into(),
        at: 0,
        fault,
    };
    assert_eq!(
        refusal(&tar().pax(&[("path", &long)]).file("x", b"").bytes()),
        expected
    );
    assert_eq!(
        refusal(&tar().pax(&[("linkpath", &long)]).symlink("x", "").bytes()),
        expected
    );
    let deep = "d/".repeat(600);
    let fault = PathFault::TooDeep { limit: 512 };
    let expected = LayerError::Path {
        entry: deep[..200].into(),
        at: 0,
        fault,
    };
    assert_eq!(
        refusal(&tar().pax(&[("path", &deep)]).file("x", b"").bytes()),
        expected
    );
}

#[test]
fn more_entries_or_names_than_allowed() {
    let bytes = tar().file("a", b"").file("b", b"").file("c", b"").bytes();
    let few = lister(LayerLimits {
        entries: 2,
        ..LayerLimits::default()
    });
    assert_eq!(
        read(&few, 0, &bytes, &bytes).unwrap_err(),
        LayerError::TooManyEntries { limit: 2 }
    );
    let short = lister(LayerLimits {
        name_bytes: 2,
        ..LayerLimits::default()
    });
    assert_eq!(
        read(&short, 0, &bytes, &bytes).unwrap_err(),
        LayerError::TooManyNames { limit: 2 }
    );
}

#[test]
fn headers_that_are_damaged() {
    let header = |at, fault| LayerError::Header { at, fault };
    let mut flipped = tar().file("a", b"1").file("b", b"2").bytes();
    flipped[1024] ^= 1;
    assert_eq!(refusal(&flipped), header(1024, HeaderFault::Checksum));
    let mut size = tar().file("a", b"1").bytes();
    size[124..136].copy_from_slice(b"99999999999\0");
    seal(&mut size);
    assert_eq!(refusal(&size), header(0, HeaderFault::Number));
    size[124..136].fill(0xff);
    seal(&mut size);
    assert_eq!(refusal(&size), header(0, HeaderFault::Number));
    let mut half = tar().file("a", b"1").0;
    half.resize(half.len() + 512, 0);
    half.extend_from_slice(&tar().file("b", b"2").bytes());
    assert_eq!(refusal(&half), header(1024, HeaderFault::End));
    assert_eq!(
        refusal(&tar().entry(b'x', "x", "", b"99 path=a\n").bytes()),
        header(0, HeaderFault::PaxRecord)
    );
    assert_eq!(refusal(&[b'x'; 600]), header(0, HeaderFault::Checksum));
}

#[test]
fn extended_headers_that_want_memory() {
    let bytes = tar().sized(b'L', "././@LongLink", "", b"", 8 << 30).bytes();
    let fault = HeaderFault::ExtendedSize {
        size: 8 << 30,
        limit: 1 << 20,
    };
    assert_eq!(refusal(&bytes), LayerError::Header { at: 512, fault });
}

#[test]
fn archives_that_end_too_early() {
    let whole = tar().file("a", &[b'x'; 700]).bytes();
    for at in [1, 511, 513, 600, 1023, 1211, 1212] {
        assert_eq!(
            refusal(&whole[..at]),
            LayerError::Truncated { at: at as u64 },
            "{at}"
        );
    }
    let claimed = tar().sized(b'0', "a", "", b"1", 1 << 40).bytes();
    assert_eq!(
        refusal(&claimed),
        LayerError::Truncated {
            at: claimed.len() as u64
        }
    );
}

#[test]
fn compression_that_ends_too_early_or_is_damaged() {
    let scan = lister(LayerLimits::default());
    // Content that does not compress, so that a cut leaves something.
    let content: Vec<u8> = (0..2000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let bytes = tar().file("a", &content).bytes();
    let packed = gzip(&bytes);
    let zstd = zstd::encode_all(&bytes[..], 3).unwrap();
    for blob in [
        &packed[..packed.len() / 2],
        &packed[..packed.len() - 4],
        &zstd[..zstd.len() / 2],
    ] {
        let error = read(&scan, 0, &bytes, blob).unwrap_err();
        assert!(matches!(error, LayerError::Truncated { .. }), "{error:?}");
    }
    let mut damaged = packed.clone();
    // The first block behind the gzip header, of a type that does not exist.
    damaged[10] = 0xff;
    let compression = Compression::Gzip;
    assert_eq!(
        read(&scan, 0, &bytes, &damaged).unwrap_err(),
        LayerError::Corrupt { compression }
    );
    let mut checksum = packed.clone();
    let end = packed.len() - 6;
    checksum[end] ^= 1;
    assert_eq!(
        read(&scan, 0, &bytes, &checksum).unwrap_err(),
        LayerError::Corrupt { compression }
    );
    let behind = [&packed[..], b"garbage behind the last member"].concat();
    assert_eq!(
        read(&scan, 0, &bytes, &behind).unwrap_err(),
        LayerError::Corrupt { compression }
    );
}

#[test]
fn bombs() {
    let bytes = tar().file("a.skip", &vec![0; 4 << 20]).bytes();
    let packed = gzip(&bytes);
    let ratio = lister(LayerLimits {
        ratio_floor: 1 << 20,
        ..LayerLimits::default()
    });
    assert_eq!(
        read(&ratio, 0, &bytes, &packed).unwrap_err(),
        LayerError::Expansion { limit: 200 }
    );
    // The same bytes uncompressed are no bomb.
    assert!(read(&ratio, 0, &bytes, &bytes).is_ok());
    let small = lister(LayerLimits {
        inflated_bytes: 1 << 20,
        ..LayerLimits::default()
    });
    assert_eq!(
        read(&small, 0, &bytes, &packed).unwrap_err(),
        LayerError::TooLarge { limit: 1 << 20 }
    );
}

#[test]
fn layers_that_are_others() {
    let scan = lister(LayerLimits::default());
    let tar = tar().file("a", b"1").bytes();
    let blob = gzip(&tar);
    let other = Digest::sha256_of(b"other");
    let right = ExpectedLayer {
        index: 0,
        digest: Some(Digest::sha256_of(&blob)),
        size: Some(blob.len() as u64),
        diff_id: Digest::sha256_of(&tar),
    };
    assert!(scan.read_layer(&right, &blob[..]).is_ok());
    let check = |expected: ExpectedLayer, error: LayerError| {
        assert_eq!(scan.read_layer(&expected, &blob[..]).unwrap_err(), error);
    };
    let found = Digest::sha256_of(&blob);
    check(
        ExpectedLayer {
            digest: Some(other),
            ..right
        },
        LayerError::BlobDigest(Box::new(DigestMismatch {
            expected: other,
            found,
        })),
    );
    let found = Digest::sha256_of(&tar);
    check(
        ExpectedLayer {
            diff_id: other,
            ..right
        },
        LayerError::DiffId(Box::new(DigestMismatch {
            expected: other,
            found,
        })),
    );
    let found = blob.len() as u64;
    check(
        ExpectedLayer {
            size: Some(1),
            ..right
        },
        LayerError::BlobSize { expected: 1, found },
    );
    let plain = ExpectedLayer {
        digest: Some(other),
        size: None,
        ..right
    };
    let expected = Box::new(DigestMismatch {
        expected: other,
        found: right.diff_id,
    });
    let error = scan.read_layer(&plain, &tar[..]).unwrap_err();
    assert_eq!(error, LayerError::BlobDigest(expected));
    // What lies behind the end of the archive is part of what is named.
    let mut longer = tar.clone();
    longer.extend_from_slice(&[0; 512]);
    let error = read(&scan, 0, &tar, &gzip(&longer)).unwrap_err();
    assert!(matches!(error, LayerError::DiffId(_)));
}

#[test]
fn a_source_that_fails() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            let count = self.0.min(target.len());
            target[..count].fill(0x1f);
            self.0 -= count;
            Ok(count)
        }
    }
    let scan = lister(LayerLimits::default());
    let any = Digest::sha256_of(b"");
    let expected = ExpectedLayer {
        index: 0,
        digest: None,
        size: None,
        diff_id: any,
    };
    for after in [0, 3, 100] {
        let error = scan.read_layer(&expected, Failing(after)).unwrap_err();
        assert_eq!(
            error,
            LayerError::Source {
                kind: io::ErrorKind::ConnectionReset
            }
        );
    }
}

#[test]
fn files_that_are_too_large_are_named() {
    let found = inventory(vec![tar().file("a", &[b'x'; 1001]).file("b", b"2")]).unwrap();
    assert_eq!(listed(&found), ["/a=?", "/b=2"]);
    let warning = &found.warnings[0];
    assert_eq!((&*warning.path, warning.cataloger), ("/a", "lister"));
    assert_eq!(
        warning.fault,
        Fault::TooLarge {
            size: 1001,
            limit: 1000
        }
    );
}

#[test]
fn the_budget_for_kept_content_is_kept() {
    let scan = lister(LayerLimits {
        kept_bytes: 5,
        ..LayerLimits::default()
    });
    let bytes = tar()
        .file("a", b"1234")
        .file("b", b"1234")
        .file("c", b"1")
        .file("d", b"1")
        .bytes();
    let found = scan
        .finish(vec![read(&scan, 0, &bytes, &bytes).unwrap()])
        .unwrap();
    assert_eq!(listed(&found), ["/a=1234", "/b=?", "/c=1"]);
    let faults: Vec<_> = found
        .warnings
        .iter()
        .map(|warning| (&*warning.path, &warning.fault))
        .collect();
    assert_eq!(faults, [("/b", &Fault::BudgetUsedUp { limit: 5 })]);
}

#[test]
fn sparse_files_are_named() {
    let sparse = tar()
        .pax(&[("GNU.sparse.major", "1"), ("GNU.sparse.name", "real")])
        .file("made/up", b"1");
    let found = inventory(vec![sparse]).unwrap();
    assert_eq!(
        (&*found.warnings[0].path, &found.warnings[0].fault),
        ("/real", &Fault::SparseFile)
    );
    let mut old = tar().entry(b'S', "a", "", b"1");
    old.0[257..265].copy_from_slice(b"ustar  \0");
    // One more block of the map follows the header.
    old.0[482] = 1;
    seal(&mut old.0);
    old.0.splice(512..512, [0; 512]);
    let found = inventory(vec![old.file("b", b"2")]).unwrap();
    assert_eq!(listed(&found), ["/a=?", "/b=2"]);
}

#[test]
fn no_bytes_can_make_it_panic() {
    use proptest::prelude::*;
    let scan = lister(LayerLimits::default());
    let whole = tar()
        .pax(&[("path", "d/x")])
        .file("x", b"1")
        .symlink("l", "d")
        .hard_link("h", "d/x")
        .bytes();
    proptest!(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() }, |(
        at in 0..whole.len(),
        byte: u8,
        reseals: bool,
    )| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        if reseals {
            let block = at / 512 * 512;
            seal(&mut bytes[block..block + 512]);
        }
        if let Ok(layer) = read(&scan, 0, &bytes, &bytes) {
            let _ = scan.finish(vec![layer]);
        }
    });
}
