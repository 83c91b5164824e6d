//! `sbom`, which is `syft scan`: an image, layout, archive or file, and its documents.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use countersign_artifact::Platform;
use countersign_client::describe::{self, Described};
use countersign_client::image_source::Layout;
use countersign_sbom::format::{self, Format, Layout as Json};
use countersign_sbom::{Completeness, Document, Source, Tool};
use jiff::Timestamp;

use crate::context::Context;
use crate::failure::{Failure, FlagsDisagree};
use crate::flags::{RegistryFlags, Sbom, SbomFormat, SbomOutput};
use crate::registries;
use crate::written_file::{Draft, Readers};

/// Reads the source once and writes every document that was asked for, or none.
///
/// # Errors
/// If the source cannot be read or a document cannot be written.
pub(crate) fn run(flags: &Sbom, context: &Context) -> Result<ExitCode, Failure> {
    if flags.scope != "squashed" {
        let asked = format!("--scope {}", flags.scope);
        return Err(Failure::Flags(FlagsDisagree::Format { asked }));
    }
    let place = Place::parse(&flags.source, flags.from.as_deref())?;
    let platform = flags.platform.as_deref().map(Platform::parse).transpose();
    let platform = platform.map_err(Failure::Platform)?;
    let progress = (!flags.quiet).then(|| context.output.wait("reading layers and packages"));
    let described = describe(&place, platform.as_ref(), &flags.registry, context)?;
    drop(progress);
    let document = document(described, flags.source_name.as_deref())?;
    if !flags.quiet {
        warn(&document, context);
    }
    write(&document, &flags.output, context)?;
    Ok(ExitCode::SUCCESS)
}

/// Where the source is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// An image in a registry.
    Registry(String),
    /// A layout, as a folder or an archive, and perhaps which of its images.
    Layout(PathBuf, Option<String>),
    /// One file.
    File(PathBuf),
}

impl Place {
    /// Reads what syft reads: a prefix, or `--from`, or what the name is of.
    fn parse(text: &str, from: Option<&str>) -> Result<Self, Failure> {
        let (prefix, rest) = match (from, text.split_once(':')) {
            (Some(from), _) => (from, text),
            (None, Some((prefix, rest))) if PREFIXES.contains(&prefix) => (prefix, rest),
            (None, _) => ("", text),
        };
        Ok(match prefix {
            "registry" => Self::Registry(rest.to_owned()),
            "oci-dir" | "oci-archive" => {
                let (path, tag) = with_tag(rest);
                Self::Layout(path, tag)
            }
            "file" => Self::File(PathBuf::from(rest)),
            "" => Self::of_name(rest)?,
            other => return Err(not_there(other)),
        })
    }

    /// A path that exists is meant before an image of that name, as in syft.
    fn of_name(text: &str) -> Result<Self, Failure> {
        let path = Path::new(text);
        if path.is_dir() {
            if path.join("index.json").is_file() {
                return Ok(Self::Layout(path.to_owned(), None));
            }
            return Err(not_there("dir"));
        }
        if !path.is_file() {
            return Ok(Self::Registry(text.to_owned()));
        }
        // An archive with an index is an image; anything else is a file.
        Ok(match Layout::open(path) {
            Ok(_) => Self::Layout(path.to_owned(), None),
            Err(_) => Self::File(path.to_owned()),
        })
    }
}

fn not_there(source: &str) -> Failure {
    Failure::Flags(FlagsDisagree::Format {
        asked: format!("{source}:"),
    })
}

/// `FOLDER:TAG` where there is no such path as a whole.
fn with_tag(text: &str) -> (PathBuf, Option<String>) {
    if Path::new(text).exists() {
        return (PathBuf::from(text), None);
    }
    match text.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') && Path::new(path).exists() => {
            (PathBuf::from(path), Some(tag.to_owned()))
        }
        _ => (PathBuf::from(text), None),
    }
}

fn describe(
    place: &Place,
    platform: Option<&Platform>,
    flags: &RegistryFlags,
    context: &Context,
) -> Result<Described, Failure> {
    match place {
        Place::Registry(text) => {
            let image = registries::reference(text)?;
            let registry = registries::client(flags)?;
            context.wait_for(async {
                let described = describe::describe_image(&registry, &image, platform).await;
                described.map_err(Failure::Describe)
            })
        }
        Place::Layout(path, tag) => {
            let layout = Layout::open(path).map_err(Failure::Layout)?;
            let name = path.display().to_string();
            describe::describe_layout(&layout, &name, tag.as_deref(), platform)
                .map_err(Failure::Describe)
        }
        Place::File(path) => describe::describe_file(path).map_err(Failure::Describe),
    }
}

/// Makes the document. Its time is `SOURCE_DATE_EPOCH`, else when the image was built, else the epoch:
/// never now, so that the same image gives the same bytes.
///
/// # Errors
/// If `SOURCE_DATE_EPOCH` is no time.
pub(crate) fn document(described: Described, name: Option<&str>) -> Result<Document, Failure> {
    let Described {
        mut source,
        inventory,
    } = described;
    let built = match &mut source {
        Source::Image(image) => {
            if let Some(name) = name {
                name.clone_into(&mut image.name);
            }
            image.created
        }
        Source::File(file) => {
            if let Some(name) = name {
                name.clone_into(&mut file.path);
            }
            None
        }
    };
    let created = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) if !text.is_empty() => {
            let seconds = text
                .parse()
                .ok()
                .and_then(|seconds| Timestamp::from_second(seconds).ok());
            seconds.ok_or(Failure::Epoch { text })?
        }
        _ => built.unwrap_or(Timestamp::UNIX_EPOCH),
    };
    let tool = Tool {
        vendor: "Countersign".to_owned(),
        name: "countersign".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(Document {
        source,
        inventory,
        tool,
        created,
    })
}

/// Writes a document into memory.
pub(crate) fn bytes(document: &Document, format: Format) -> Vec<u8> {
    let mut bytes = Vec::new();
    format::write(document, format, Json::Indented, &mut bytes).expect("memory takes everything");
    bytes
}

fn write(document: &Document, outputs: &[SbomOutput], context: &Context) -> Result<(), Failure> {
    // Files are complete on the disk before the first is put in its place.
    let mut drafts = Vec::new();
    let mut printed = Vec::new();
    for output in outputs {
        let bytes = bytes(document, format_of(output.format));
        match &output.file {
            Some(file) if file.exists() && !file.is_file() => {
                std::fs::write(file, &bytes).map_err(|error| Failure::write(file, &error))?;
            }
            Some(file) => drafts.push(Draft::new(file, &bytes, Readers::All)?),
            None => printed.push(bytes),
        }
    }
    drafts.into_iter().try_for_each(Draft::place)?;
    printed
        .iter()
        .try_for_each(|bytes| context.output.data(bytes))
}

fn format_of(format: SbomFormat) -> Format {
    match format {
        SbomFormat::SpdxJson => Format::SpdxJson,
        SbomFormat::CycloneDxJson => Format::CycloneDxJson,
        SbomFormat::Table => Format::Table,
        SbomFormat::PackageUrls => Format::PackageUrls,
    }
}

fn warn(document: &Document, context: &Context) {
    for warning in document.inventory.warnings.iter().take(MOST_WARNINGS) {
        context.output.warn(format!(
            "{}: {} ({})",
            warning.path, warning.fault, warning.cataloger
        ));
    }
    let count = document.inventory.warnings.len();
    if count > MOST_WARNINGS {
        context
            .output
            .warn(format!("and {} more", count - MOST_WARNINGS));
    }
    if document.inventory.completeness == Completeness::Incomplete {
        context
            .output
            .warn("the document is incomplete, and says so");
    }
}

const MOST_WARNINGS: usize = 20;

/// What may stand before a colon: syft's names of sources.
const PREFIXES: [&str; 14] = [
    "registry",
    "oci-dir",
    "oci-archive",
    "file",
    "docker",
    "podman",
    "containerd",
    "docker-archive",
    "dir",
    "singularity",
    "snap",
    "oci-model",
    "local-file",
    "local-directory",
];
