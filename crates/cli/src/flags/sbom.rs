//! `sbom`, which is `syft scan`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::RegistryFlags;

/// `sbom`.
#[derive(Debug, Args)]
pub(crate) struct Sbom {
    /// report output format (<format>=<file> to output to a file), formats=[cyclonedx-json purls spdx-json syft-table table]
    #[arg(
        short,
        long,
        value_name = "FORMAT[=FILE]",
        default_value = "syft-table",
        value_delimiter = ','
    )]
    pub(crate) output: Vec<SbomOutput>,
    /// an optional platform specifier for container image sources (e.g. 'linux/arm64', 'linux/arm64/v8', 'arm64', 'linux')
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<String>,
    /// set the name of the target being analyzed
    #[arg(long, value_name = "NAME")]
    pub(crate) source_name: Option<String>,
    /// specify the source behavior to use (e.g. registry, oci-dir, oci-archive, file)
    #[arg(long, value_name = "SOURCE")]
    pub(crate) from: Option<String>,
    /// selection of layers to catalog, options=[squashed]
    #[arg(short, long, value_name = "SCOPE", default_value = "squashed")]
    pub(crate) scope: String,
    /// suppress all logging output
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryFlags,
    /// An image in a registry, or oci-dir:FOLDER, oci-archive:FILE, file:FILE
    #[arg(value_name = "SOURCE", help_heading = "Arguments")]
    pub(crate) source: String,
}

/// One document to write, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SbomOutput {
    /// The form.
    pub(crate) format: SbomFormat,
    /// The file; standard output where absent.
    pub(crate) file: Option<PathBuf>,
}

/// The forms that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SbomFormat {
    /// SPDX 2.3 as JSON.
    SpdxJson,
    /// CycloneDX 1.6 as JSON.
    CycloneDxJson,
    /// Name, version and type in columns.
    Table,
    /// One package URL a line.
    PackageUrls,
}

impl FromStr for SbomOutput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (format, file) = match text.split_once('=') {
            Some((format, file)) if !file.is_empty() => (format, Some(PathBuf::from(file))),
            Some((format, _)) => (format, None),
            None => (text, None),
        };
        let format = match format {
            "spdx-json" | "spdx-json@2.3" => SbomFormat::SpdxJson,
            "cyclonedx-json" | "cyclonedx-json@1.6" => SbomFormat::CycloneDxJson,
            "syft-table" | "table" => SbomFormat::Table,
            "purls" => SbomFormat::PackageUrls,
            other => {
                return Err(format!(
                    "the format `{other}` is not written yet; there are spdx-json, cyclonedx-json, syft-table and purls"
                ));
            }
        };
        Ok(Self { format, file })
    }
}
