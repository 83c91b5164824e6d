//! `demo`, `audit`, and the hidden entries for the project's own checks.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{DataFormat, RegistryFlags};

/// `demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Keep everything in this folder and leave the services up until Ctrl-C
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,
    /// Ship this image, an OCI layout or archive, instead of this very program
    #[arg(long, value_name = "LAYOUT_OR_ARCHIVE")]
    pub(crate) image: Option<PathBuf>,
    /// How to print the steps
    #[arg(short, long, value_enum, default_value = "text")]
    pub(crate) output: DataFormat,
}

/// `audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// address of rekor STL server
    #[arg(long, value_name = "URL")]
    pub(crate) rekor_url: String,
    /// Path to a Sigstore TrustedRoot JSON file that knows the log
    #[arg(long, value_name = "FILE")]
    pub(crate) trusted_root: PathBuf,
    /// The first entry to read
    #[arg(long, value_name = "INDEX", default_value = "0")]
    pub(crate) from: u64,
    /// How many entries to read at most
    #[arg(long, value_name = "N", default_value = "1000")]
    pub(crate) limit: u64,
    /// How to print the entries
    #[arg(short, long, value_enum, default_value = "text")]
    pub(crate) output: DataFormat,
}

/// The hidden entries.
#[derive(Debug, Subcommand)]
pub(crate) enum DebugCommand {
    /// Print docs/reference/errors.md
    Errors,
    /// Pack a binary as a one-layer OCI layout
    PackImage(PackImage),
    /// Push an OCI layout to a registry
    PushImage(PushImage),
}

/// `debug pack-image`.
#[derive(Debug, Args)]
pub(crate) struct PackImage {
    /// The program; this one where absent
    #[arg(long)]
    pub(crate) binary: Option<PathBuf>,
    /// The folder for the layout
    #[arg(long)]
    pub(crate) output: PathBuf,
}

/// `debug push-image`.
#[derive(Debug, Args)]
pub(crate) struct PushImage {
    /// The layout, a folder or an archive
    #[arg(long)]
    pub(crate) layout: PathBuf,
    #[command(flatten)]
    pub(crate) registry: RegistryFlags,
    /// Where to
    #[arg(value_name = "IMAGE", help_heading = "Arguments")]
    pub(crate) image: String,
}
