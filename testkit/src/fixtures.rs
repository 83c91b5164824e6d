//! The folders of `fixtures/`, unpacked once for each version of their archive.
//!
//! The repository keeps them as `.tar.zst`; a test asks for a folder by name and gets a path it may
//! only read.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

/// Returns the unpacked folder `name`: `signing`, `policy`, `admission` or `images/<image>`.
///
/// # Panics
/// If there is no such archive or it cannot be unpacked: a test cannot go on without its data.
#[must_use]
pub fn folder(name: &str) -> PathBuf {
    let archive = repository().join(archive_of(name));
    unpack(&archive)
        .unwrap_or_else(|error| panic!("cannot unpack {}: {error}", archive.display()))
        .join(name)
}

/// Returns the data of the sigstore-conformance suite, which is other people's and not part of the
/// repository: `$COUNTERSIGN_CONFORMANCE`, else `../shared/fixtures/conformance` beside the checkout.
///
/// Prints a visible line and gives `None` where it is absent.
#[must_use]
pub fn conformance() -> Option<PathBuf> {
    let folder = std::env::var_os("COUNTERSIGN_CONFORMANCE").map_or_else(
        || repository().join("../shared/fixtures/conformance"),
        PathBuf::from,
    );
    if folder.join("cases.json").is_file() {
        return Some(folder);
    }
    #[allow(clippy::print_stderr, reason = "a skipped test must be seen")]
    {
        eprintln!("SKIPPED: no conformance data at {}", folder.display());
    }
    None
}

/// Returns the root of the checkout.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the manifest of testkit lies one below the root")
        .to_path_buf()
}

fn archive_of(name: &str) -> String {
    match name.strip_prefix("images/") {
        Some(image) => format!("fixtures/image-{image}.tar.zst"),
        None => format!("fixtures/{name}.tar.zst"),
    }
}

/// Unpacks `archive` beside the build output. The folder's name holds the archive's hash and appears
/// by a rename, so that tests in parallel processes never see half of it.
fn unpack(archive: &Path) -> io::Result<PathBuf> {
    let packed = fs::read(archive)?;
    let mut hasher = DefaultHasher::new();
    packed.hash(&mut hasher);
    let home = target_folder().join("fixtures");
    let done = home.join(format!("{:016x}", hasher.finish()));
    if done.is_dir() {
        return Ok(done);
    }
    fs::create_dir_all(&home)?;
    let fresh = tempfile::tempdir_in(&home)?;
    tar::Archive::new(zstd::Decoder::new(&packed[..])?).unpack(fresh.path())?;
    match fs::rename(fresh.path(), &done) {
        Ok(()) => Ok(done),
        Err(_) if done.is_dir() => Ok(done),
        Err(error) => Err(error),
    }
}

fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from)
}
