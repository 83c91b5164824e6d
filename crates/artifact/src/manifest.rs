//! Manifests and indexes of images, OCI and Docker v2 schema 2.
//!
//! Fields that nobody here knows are let be: registries and builders add them freely. What is known
//! must be right, and there is a cap on everything that a registry could send without end.

use std::collections::BTreeMap;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::{Digest, Platform, media_type};

/// A manifest of either kind.
#[allow(clippy::large_enum_variant, reason = "one at a time, never in a list")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// One image, or an artifact in its shape.
    Image(ImageManifest),
    /// A list of manifests.
    Index(ImageIndex),
}

/// A configuration and layers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageManifest {
    /// Always 2.
    #[serde(default = "two")]
    pub schema_version: u32,
    /// The manifest's own media type, absent in some OCI manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What this artifact is, when it is no runnable image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The configuration.
    pub config: Descriptor,
    /// The layers, bottom first.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub layers: Vec<Descriptor>,
    /// The manifest that this one refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
}

/// A list of manifests, often one a platform; also the answer of the referrers API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageIndex {
    /// Always 2.
    #[serde(default = "two")]
    pub schema_version: u32,
    /// The index's own media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What this index is, when it is no image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The manifests.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub manifests: Vec<Descriptor>,
    /// The manifest that this one refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Annotations.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
}

/// Points at content by digest and size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the content is.
    #[serde(default)]
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// How many bytes it has.
    pub size: u64,
    /// What the artifact is that a manifest describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The platform of an image in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Annotations; cosign 2 keeps signatures and certificates here.
    #[serde(
        default,
        deserialize_with = "null_is_empty",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub annotations: BTreeMap<String, String>,
}

/// Why bytes are no manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// More bytes than [`MAX_MANIFEST_SIZE`].
    #[error("a manifest has at most {MAX_MANIFEST_SIZE} bytes, found {0}")]
    TooLarge(usize),
    /// More entries than [`MAX_ENTRIES`].
    #[error("a manifest has at most {MAX_ENTRIES} entries, found {0}")]
    TooManyEntries(usize),
    /// Not the JSON of a manifest.
    #[error("not a manifest: {detail} (line {line}, column {column})")]
    Malformed {
        /// What the reader of JSON says, without the place.
        detail: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// Says it is one kind and is sent as, or shaped like, another (CVE-2021-41190).
    #[error("the manifest is ambiguous: {found} was found where {expected} was promised")]
    Ambiguous {
        /// What was promised.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A media type that is no manifest of ours; Docker's schema 1 among others.
    #[error("unsupported manifest media type `{0}`")]
    UnsupportedMediaType(String),
    /// A schema version other than 2.
    #[error("unsupported manifest schema version {0}, expected 2")]
    UnsupportedSchema(u32),
}

impl Manifest {
    /// Reads a manifest. `sent_as` is the media type under which it came (a header or a descriptor);
    /// it must agree with what the bytes say about themselves, so that nobody can have one digest read
    /// in two ways.
    pub fn parse(sent_as: Option<&str>, bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_SIZE {
            return Err(ManifestError::TooLarge(bytes.len()));
        }
        let outline: Outline = serde_json::from_slice(bytes).map_err(malformed)?;
        if let Some(version) = outline.schema_version.filter(|version| *version != 2) {
            return Err(ManifestError::UnsupportedSchema(version));
        }
        let kind = outline.kind(sent_as.map(without_parameters))?;
        let manifest = match kind {
            Kind::Image => Self::Image(serde_json::from_slice(bytes).map_err(malformed)?),
            Kind::Index => Self::Index(serde_json::from_slice(bytes).map_err(malformed)?),
        };
        let entries = match &manifest {
            Self::Image(image) => image.layers.len(),
            Self::Index(index) => index.manifests.len(),
        };
        if entries > MAX_ENTRIES {
            return Err(ManifestError::TooManyEntries(entries));
        }
        Ok(manifest)
    }

    /// The manifest that this one refers to.
    #[must_use]
    pub fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Image(image) => image.subject.as_ref(),
            Self::Index(index) => index.subject.as_ref(),
        }
    }

    /// What the referrers API gives as the artifact type: the own one, else that of the configuration
    /// (OCI distribution 1.1, "Listing Referrers").
    #[must_use]
    pub fn artifact_type(&self) -> Option<&str> {
        match self {
            Self::Image(image) => image
                .artifact_type
                .as_deref()
                .filter(|own| !own.is_empty())
                .or(Some(image.config.media_type.as_str())),
            Self::Index(index) => index.artifact_type.as_deref().filter(|own| !own.is_empty()),
        }
    }

    /// The annotations.
    #[must_use]
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Image(image) => &image.annotations,
            Self::Index(index) => &index.annotations,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Image,
    Index,
}

/// Which fields are there, before it is decided what they mean.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    schema_version: Option<u32>,
    media_type: Option<String>,
    config: Option<Present>,
    layers: Option<Present>,
    manifests: Option<Present>,
    fs_layers: Option<Present>,
}

type Present = serde::de::IgnoredAny;

impl Outline {
    fn kind(&self, sent_as: Option<&str>) -> Result<Kind, ManifestError> {
        if self.fs_layers.is_some() {
            return Err(ManifestError::UnsupportedMediaType(
                "docker schema 1".to_owned(),
            ));
        }
        let said = self.media_type.as_deref().filter(|said| !said.is_empty());
        let kind = match (sent_as.filter(|sent| !is_generic(sent)), said) {
            (Some(sent), Some(said)) if sent != said => return Err(ambiguous(sent, said)),
            (Some(known), _) | (None, Some(known)) => Some(kind_of(known)?),
            (None, None) => None,
        };
        let image = self.config.is_some() || self.layers.is_some();
        match (kind, image, self.manifests.is_some()) {
            (_, true, true) => Err(ambiguous(
                "one kind of manifest",
                "config or layers and manifests",
            )),
            (Some(Kind::Image), _, true) => Err(ambiguous("an image", "manifests")),
            (Some(Kind::Index), true, _) => Err(ambiguous("an index", "config or layers")),
            (Some(kind), ..) => Ok(kind),
            (None, _, true) => Ok(Kind::Index),
            (None, ..) => Ok(Kind::Image),
        }
    }
}

fn kind_of(name: &str) -> Result<Kind, ManifestError> {
    if media_type::is_manifest(name) {
        Ok(Kind::Image)
    } else if media_type::is_index(name) {
        Ok(Kind::Index)
    } else {
        Err(ManifestError::UnsupportedMediaType(
            name.chars().take(128).collect(),
        ))
    }
}

/// What servers that know nothing better send.
fn is_generic(name: &str) -> bool {
    matches!(
        name,
        "" | "application/json" | "text/plain" | "application/octet-stream"
    )
}

fn without_parameters(name: &str) -> &str {
    name.split_once(';').map_or(name, |(name, _)| name).trim()
}

fn ambiguous(expected: &str, found: &str) -> ManifestError {
    let short = |text: &str| text.chars().take(128).collect();
    ManifestError::Ambiguous {
        expected: short(expected),
        found: short(found),
    }
}

fn malformed(error: serde_json::Error) -> ManifestError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let place = format!(" at line {line} column {column}");
    let detail = text
        .strip_suffix(&place)
        .unwrap_or(&text)
        .chars()
        .take(200)
        .collect();
    ManifestError::Malformed {
        detail,
        line,
        column,
    }
}

/// Go writes an empty list or map as `null`.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer)
        .map(Option::unwrap_or_default)
        .map_err(D::Error::custom)
}

fn two() -> u32 {
    2
}

/// As many bytes as registries accept (OCI distribution 1.1 asks for at least this much).
pub const MAX_MANIFEST_SIZE: usize = 4 * 1024 * 1024;
/// As many layers or manifests as cosign reads (`maxLayers`).
pub const MAX_ENTRIES: usize = 1000;
