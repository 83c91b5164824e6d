//! `cargo xtask dist`: the static binary, and the image `FROM scratch` around it, both with SBOM.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::say;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The most a stripped binary may weigh (25 MB).
const MOST_BYTES: u64 = 25_000_000;

/// Builds `dist/countersign`, `dist/image` (an OCI layout) and the SBOMs of both.
///
/// The new binary packs and describes itself: what is shipped is what was tried.
pub(crate) fn run() -> Result<()> {
    let root = xtask::root();
    let folder = root.join("dist");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot empty dist/")?;
    }
    fs::create_dir_all(&folder)?;

    let binary = folder.join("countersign");
    fs::copy(build(&root)?, &binary).context("cannot copy the binary")?;
    let bytes = fs::metadata(&binary)?.len();
    ensure!(
        bytes < MOST_BYTES,
        "the binary has {bytes} bytes, the limit is {MOST_BYTES}"
    );
    ensure_static(&binary)?;
    say(&format!(
        "dist/countersign: {:.1} MB, static",
        bytes as f64 / 1e6
    ));

    let image = folder.join("image");
    countersign(
        &binary,
        &[
            "debug",
            "pack-image",
            "--binary",
            text(&binary)?,
            "--output",
            text(&image)?,
        ],
    )?;
    let layout = format!("oci-dir:{}", image.display());
    for format in ["spdx-json", "cyclonedx-json"] {
        let output = |name: &str| {
            format!(
                "{format}={}",
                folder.join(format!("{name}.{format}")).display()
            )
        };
        countersign(
            &binary,
            &["sbom", &layout, "--quiet", "-o", &output("image")],
        )?;
        countersign(
            &binary,
            &[
                "sbom",
                &format!("file:{}", binary.display()),
                "--quiet",
                "-o",
                &output("countersign"),
            ],
        )?;
    }
    say("dist/image: OCI layout; SBOMs beside it");
    Ok(())
}

fn build(root: &Path) -> Result<PathBuf> {
    // `--target` keeps the flag away from build scripts and procedural macros, which must stay dynamic.
    let status = Command::new(env!("CARGO"))
        .current_dir(root)
        .env(
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
            "-C target-feature=+crt-static",
        )
        .args([
            "build",
            "--locked",
            "--profile",
            "dist",
            "--package",
            "countersign-cli",
            "--target",
            TARGET,
        ])
        .status()
        .context("cargo build")?;
    ensure!(status.success(), "the build failed");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join(TARGET).join("dist/countersign"))
}

/// A static binary has no program interpreter: nothing must be there to load it.
fn ensure_static(binary: &Path) -> Result<()> {
    const PT_INTERP: u32 = 3;
    let bytes = fs::read(binary)?;
    let word = |at: usize| {
        bytes
            .get(at..at + 8)
            .map(|raw| u64::from_le_bytes(raw.try_into().expect("8 bytes")))
    };
    let half = |at: usize| {
        bytes
            .get(at..at + 2)
            .map(|raw| u16::from_le_bytes(raw.try_into().expect("2 bytes")))
    };
    let kind = |at: usize| {
        bytes
            .get(at..at + 4)
            .map(|raw| u32::from_le_bytes(raw.try_into().expect("4 bytes")))
    };
    ensure!(
        bytes.starts_with(b"\x7fELF\x02\x01"),
        "not a 64-bit little-endian ELF file"
    );
    let (Some(table), Some(size), Some(count)) = (word(0x20), half(0x36), half(0x38)) else {
        bail!("the ELF head is cut off");
    };
    for index in 0..usize::from(count) {
        let at = usize::try_from(table)? + index * usize::from(size);
        ensure!(
            kind(at).context("a program header is cut off")? != PT_INTERP,
            "the binary asks for a dynamic loader"
        );
    }
    Ok(())
}

fn countersign(binary: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new(binary)
        .args(arguments)
        .status()
        .with_context(|| binary.display().to_string())?;
    ensure!(
        status.success(),
        "countersign {} failed",
        arguments.join(" ")
    );
    Ok(())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the path is not UTF-8")
}
