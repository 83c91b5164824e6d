//! What the registry needs to know of a pushed manifest: what it is, what it names, whom it refers to.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_artifact::Digest;
use serde::{Deserialize, Serialize};

use super::refusal::ManifestFault;

/// A manifest that may be stored, if what it names is there.
#[derive(Debug)]
pub(super) struct PushedManifest {
    /// What it is served as.
    pub(super) media_type: String,
    /// Config and layers, without those that are not distributed.
    pub(super) blobs: Vec<Link>,
    /// The manifests of an index.
    pub(super) children: Vec<Link>,
    /// The manifest it refers to.
    pub(super) subject: Option<Digest>,
    /// `artifactType`, else the config's media type for images.
    artifact_type: Option<String>,
    annotations: BTreeMap<String, String>,
}

/// Content named by a manifest.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) digest: Digest,
    pub(super) size: u64,
}

/// An entry of a referrers list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReferrerDescriptor<'a> {
    media_type: &'a str,
    size: usize,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) artifact_type: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

impl PushedManifest {
    /// Parses `bytes`, sent with the media type `header` (its parameters are ignored).
    pub(super) fn parse(header: Option<&str>, bytes: &[u8]) -> Result<Self, ManifestFault> {
        let wire: Wire = serde_json::from_slice(bytes).map_err(|error| ManifestFault::Json {
            line: error.line(),
            column: error.column(),
        })?;
        if wire.schema_version != 2 {
            return Err(ManifestFault::SchemaVersion(wire.schema_version));
        }
        let media_type = media_type(header, wire.media_type.as_deref())?;
        if IMAGES.contains(&media_type.as_str()) {
            Self::image(media_type, wire)
        } else if INDEXES.contains(&media_type.as_str()) {
            Self::index(media_type, wire)
        } else {
            Err(ManifestFault::MediaTypeUnknown(media_type))
        }
    }

    /// Returns this manifest's entry in the list of its subject's referrers.
    pub(super) fn referrer_descriptor(
        &self,
        digest: &Digest,
        size: usize,
    ) -> ReferrerDescriptor<'_> {
        ReferrerDescriptor {
            media_type: &self.media_type,
            size,
            digest: digest.to_string(),
            artifact_type: self.artifact_type.as_deref(),
            annotations: &self.annotations,
        }
    }

    fn image(media_type: String, wire: Wire) -> Result<Self, ManifestFault> {
        if wire.manifests.is_some() {
            return Err(ManifestFault::Ambiguous);
        }
        let config = wire.config.ok_or(ManifestFault::ConfigMissing)?;
        let mut blobs = vec![config.link()?];
        for layer in wire.layers.iter().flatten() {
            let link = layer.link()?;
            if !layer.is_not_distributed() {
                blobs.push(link);
            }
        }
        Ok(Self {
            media_type,
            blobs,
            children: Vec::new(),
            subject: subject(wire.subject.as_ref())?,
            artifact_type: stated(wire.artifact_type).or_else(|| stated(config.media_type)),
            annotations: wire.annotations.unwrap_or_default(),
        })
    }

    fn index(media_type: String, wire: Wire) -> Result<Self, ManifestFault> {
        if wire.config.is_some() || wire.layers.is_some() {
            return Err(ManifestFault::Ambiguous);
        }
        let children = wire.manifests.iter().flatten().map(WireDescriptor::link);
        Ok(Self {
            media_type,
            blobs: Vec::new(),
            children: children.collect::<Result<_, _>>()?,
            subject: subject(wire.subject.as_ref())?,
            artifact_type: stated(wire.artifact_type),
            annotations: wire.annotations.unwrap_or_default(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    schema_version: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<WireDescriptor>,
    layers: Option<Vec<WireDescriptor>>,
    manifests: Option<Vec<WireDescriptor>>,
    subject: Option<WireDescriptor>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDescriptor {
    media_type: Option<String>,
    digest: String,
    size: u64,
    data: Option<String>,
}

impl WireDescriptor {
    fn link(&self) -> Result<Link, ManifestFault> {
        let digest = self.digest()?;
        if let Some(data) = &self.data {
            // Whoever trusts inline data skips the blob, so a lie here must not get in.
            let data = STANDARD
                .decode(data)
                .map_err(|_| ManifestFault::Data(digest))?;
            if !digest.matches(&data) || data.len() as u64 != self.size {
                return Err(ManifestFault::Data(digest));
            }
        }
        Ok(Link {
            digest,
            size: self.size,
        })
    }

    fn digest(&self) -> Result<Digest, ManifestFault> {
        Digest::parse(&self.digest).map_err(|_| ManifestFault::Digest(self.digest.clone()))
    }

    /// Such layers are fetched from elsewhere and need not be pushed.
    fn is_not_distributed(&self) -> bool {
        self.media_type.as_deref().is_some_and(|media_type| {
            media_type.starts_with("application/vnd.oci.image.layer.nondistributable.")
                || media_type == "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
        })
    }
}

fn subject(descriptor: Option<&WireDescriptor>) -> Result<Option<Digest>, ManifestFault> {
    descriptor.map(WireDescriptor::digest).transpose()
}

fn media_type(header: Option<&str>, manifest: Option<&str>) -> Result<String, ManifestFault> {
    let header = header
        .map(without_parameters)
        .filter(|header| !header.is_empty());
    match (header, manifest.filter(|stated| !stated.is_empty())) {
        (Some(header), Some(manifest)) if header != manifest => {
            Err(ManifestFault::MediaTypeDiffers {
                header: header.to_owned(),
                manifest: manifest.to_owned(),
            })
        }
        (Some(stated), _) | (None, Some(stated)) => Ok(stated.to_owned()),
        (None, None) => Err(ManifestFault::MediaTypeMissing),
    }
}

fn without_parameters(header: &str) -> &str {
    header.split(';').next().unwrap_or_default().trim()
}

fn stated(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

const IMAGES: [&str; 2] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
const INDEXES: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];
