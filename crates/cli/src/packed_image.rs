//! This very program as a one-layer OCI image: what the demo ships, and what `cargo xtask dist` ships.
//!
//! The same binary always gives the same bytes: no clock, no names of the machine.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use countersign_artifact::{Algorithm, Digest, DigestHasher, media_type};
use countersign_client::describe::host_platform;
use countersign_client::image_source::{LayoutError, LayoutWriter};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::failure::Failure;

/// Writes the layout to `target`, with the image under `tag`, and returns the image's digest.
///
/// # Errors
/// If the program cannot be read or the layout cannot be written.
pub(crate) fn write(
    program: &Path,
    target: &Path,
    tag: &str,
    level: Level,
) -> Result<Digest, Failure> {
    let mut writer = LayoutWriter::create(target).map_err(Failure::Layout)?;
    let packed = tempfile::tempfile()
        .and_then(|file| pack(program, file, level))
        .map_err(|error| Failure::read(program, &error))?;
    let (mut layer, diff_id) = packed;
    let layer = writer.add_blob_from(media_type::OCI_LAYER_GZIP, &mut layer);
    let layer = layer.map_err(Failure::Layout)?;
    let config = serde_json::to_vec(&configuration(&diff_id)).expect("plain data");
    let config = writer
        .add_blob(media_type::OCI_CONFIG, &config)
        .map_err(Failure::Layout)?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type::OCI_MANIFEST,
        "config": config,
        "layers": [layer],
    });
    let manifest = serde_json::to_vec(&manifest).expect("plain data");
    let image: Result<_, LayoutError> =
        writer.add_manifest(media_type::OCI_MANIFEST, &manifest, Some(tag));
    let image = image.map_err(Failure::Layout)?;
    writer.finish().map_err(Failure::Layout)?;
    Ok(image.digest)
}

/// Finds the program that is running.
///
/// # Errors
/// If the operating system does not tell.
pub(crate) fn this_program() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| Failure::read(Path::new("/proc/self/exe"), &error))
}

/// How hard to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// The demo's: time is short and nobody downloads it.
    Fast,
    /// For what is shipped.
    Small,
}

/// Packs the layer and returns it, rewound, with the digest of its uncompressed form.
fn pack(program: &Path, file: File, level: Level) -> io::Result<(File, Digest)> {
    let level = match level {
        Level::Fast => Compression::fast(),
        Level::Small => Compression::best(),
    };
    let hashed = Hashed {
        inner: GzEncoder::new(file, level),
        hasher: DigestHasher::new(Algorithm::Sha256),
    };
    let mut archive = tar::Builder::new(hashed);
    let mut source = File::open(program)?;
    let size = source.metadata()?.len();
    append(&mut archive, "countersign", 0o755, size, &mut source)?;
    append(
        &mut archive,
        "etc/os-release",
        0o644,
        OS_RELEASE.len() as u64,
        &mut OS_RELEASE.as_bytes(),
    )?;
    let hashed = archive.into_inner()?;
    let mut file = hashed.inner.finish()?;
    io::Seek::rewind(&mut file)?;
    Ok((file, hashed.hasher.finish()))
}

fn append(
    archive: &mut tar::Builder<Hashed>,
    path: &str,
    mode: u32,
    size: u64,
    content: &mut dyn Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_path(path)?;
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    archive.append(&header, content)
}

struct Hashed {
    inner: GzEncoder<File>,
    hasher: DigestHasher,
}

impl Write for Hashed {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(piece)?;
        self.hasher.update(&piece[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn configuration(diff_id: &Digest) -> serde_json::Value {
    let platform = host_platform();
    json!({
        "architecture": platform.architecture,
        "os": platform.os,
        "config": {
            "Entrypoint": ["/countersign"],
            "Labels": {
                "org.opencontainers.image.title": "countersign",
                "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
                "org.opencontainers.image.licenses": env!("CARGO_PKG_LICENSE"),
                "org.opencontainers.image.source": env!("CARGO_PKG_REPOSITORY"),
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id.to_string()]},
        "history": [{"created_by": "countersign", "comment": "one static binary"}],
    })
}

/// Enough for scanners to name what they look at; there is no distribution in the image.
const OS_RELEASE: &str = concat!(
    "ID=countersign\nNAME=Countersign\nPRETTY_NAME=\"Countersign ",
    env!("CARGO_PKG_VERSION"),
    "\"\nVERSION_ID=",
    env!("CARGO_PKG_VERSION"),
    "\n"
);
