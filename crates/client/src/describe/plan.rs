//! Manifest and configuration, brought together into what is to be read.

use std::collections::BTreeMap;

use countersign_artifact::{Descriptor, Digest, ImageManifest, Platform, media_type};
use countersign_sbom::{ExpectedLayer, ImageLayer, ImageSource};
use jiff::Timestamp;
use serde::Deserialize;

use super::DescribeError;

/// An image whose layers are still to be read.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) source: ImageSource,
    /// The lowest first.
    pub(super) layers: Vec<PlannedLayer>,
}

/// A layer, where it is and what it must be.
#[derive(Clone, Debug)]
pub(super) struct PlannedLayer {
    pub(super) blob: Descriptor,
    pub(super) expected: ExpectedLayer,
}

/// How an image was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) repository: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) digest: Digest,
    pub(super) index_digest: Option<Digest>,
    pub(super) media_type: String,
}

/// The configuration of an image (OCI image specification, config.md), as far as it is used here.
#[derive(Debug, Deserialize)]
struct Configuration {
    created: Option<String>,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    os: String,
    #[serde(rename = "os.version")]
    os_version: Option<String>,
    variant: Option<String>,
    config: Option<Execution>,
    rootfs: RootFs,
}

#[derive(Debug, Deserialize)]
struct Execution {
    #[serde(rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
struct RootFs {
    /// Absent in images without layers.
    diff_ids: Option<Vec<Digest>>,
}

/// Whether a manifest is that of a container image.
pub(super) fn check_kind(digest: Digest, manifest: &ImageManifest) -> Result<(), DescribeError> {
    let config = &*manifest.config.media_type;
    let is_image = matches!(config, media_type::OCI_CONFIG | media_type::DOCKER_CONFIG);
    if is_image && manifest.artifact_type.is_none() {
        return Ok(());
    }
    let found = manifest
        .artifact_type
        .as_deref()
        .unwrap_or(config)
        .to_owned();
    Err(DescribeError::NotAnImage { digest, found })
}

/// Reads the configuration and compares it with the manifest and with the platform that is wanted.
pub(super) fn plan(
    found: Found,
    manifest: &ImageManifest,
    configuration: &[u8],
    wanted: Option<&Platform>,
) -> Result<Plan, DescribeError> {
    let read: Configuration =
        serde_json::from_slice(configuration).map_err(|error| DescribeError::Configuration {
            digest: manifest.config.digest,
            line: error.line(),
            column: error.column(),
        })?;
    let platform = (!read.os.is_empty()).then_some(Platform {
        architecture: read.architecture,
        os: read.os,
        os_version: read.os_version,
        variant: read.variant,
    });
    if let Some(wanted) = wanted
        && !platform
            .as_ref()
            .is_some_and(|platform| platform.satisfies(wanted))
    {
        return Err(DescribeError::NoPlatform {
            wanted: wanted.clone(),
            available: platform.into_iter().collect(),
        });
    }
    let diff_ids = read.rootfs.diff_ids.unwrap_or_default();
    if diff_ids.len() != manifest.layers.len() {
        return Err(DescribeError::LayerCount {
            manifest: manifest.layers.len(),
            configuration: diff_ids.len(),
        });
    }
    let described = manifest.layers.iter().zip(diff_ids).enumerate();
    let layers: Vec<PlannedLayer> = described
        .map(|(index, (blob, diff_id))| PlannedLayer {
            blob: blob.clone(),
            // Layouts and registries compare the blob's digest and size themselves, as it goes by.
            expected: ExpectedLayer {
                index,
                digest: None,
                size: None,
                diff_id,
            },
        })
        .collect();
    let source = ImageSource {
        name: found.name,
        repository: found.repository,
        tags: found.tags,
        digest: found.digest,
        index_digest: found.index_digest,
        config_digest: manifest.config.digest,
        media_type: found.media_type,
        platform,
        created: read.created.and_then(|text| text.parse::<Timestamp>().ok()),
        labels: read
            .config
            .and_then(|config| config.labels)
            .unwrap_or_default(),
        layers: layers
            .iter()
            .map(|layer| ImageLayer {
                digest: layer.blob.digest,
                diff_id: layer.expected.diff_id,
                size: layer.blob.size,
                media_type: layer.blob.media_type.clone(),
            })
            .collect(),
    };
    Ok(Plan { source, layers })
}

/// Real ones have some kilobytes; history and labels grow them.
pub(super) const MAX_CONFIGURATION: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn manifest(kind: &str) -> ImageManifest {
        let layer = format!(
            r#"{{"mediaType":"{}","digest":"{DIGEST}","size":3}}"#,
            media_type::OCI_LAYER
        );
        let text = format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"{kind}","digest":"{DIGEST}","size":3}},"layers":[{layer}]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn planned(configuration: &str, wanted: Option<&str>) -> Result<Plan, DescribeError> {
        let found = Found {
            name: "n".into(),
            repository: None,
            tags: Vec::new(),
            digest: Digest::parse(DIGEST).unwrap(),
            index_digest: None,
            media_type: media_type::OCI_MANIFEST.into(),
        };
        let wanted = wanted.map(|text| Platform::parse(text).unwrap());
        plan(
            found,
            &manifest(media_type::OCI_CONFIG),
            configuration.as_bytes(),
            wanted.as_ref(),
        )
    }

    #[test]
    fn only_images_are_described() {
        let digest = Digest::parse(DIGEST).unwrap();
        assert!(check_kind(digest, &manifest(media_type::DOCKER_CONFIG)).is_ok());
        let found = media_type::OCI_EMPTY.to_owned();
        let expected = DescribeError::NotAnImage { digest, found };
        assert_eq!(
            check_kind(digest, &manifest(media_type::OCI_EMPTY)).unwrap_err(),
            expected
        );
    }

    #[test]
    fn configuration_and_manifest_must_agree() {
        let right = format!(
            r#"{{"os":"linux","architecture":"arm64","created":"2026-01-02T03:04:05Z","config":{{"Labels":{{"a":"b"}}}},"rootfs":{{"diff_ids":["{DIGEST}"]}}}}"#
        );
        let plan = planned(&right, Some("linux/arm64")).unwrap();
        assert_eq!(
            plan.source.created.unwrap().to_string(),
            "2026-01-02T03:04:05Z"
        );
        assert_eq!((plan.source.labels.len(), plan.layers.len()), (1, 1));
        assert!(matches!(
            planned(&right, Some("linux/amd64")),
            Err(DescribeError::NoPlatform { .. })
        ));
        let none = planned(r#"{"rootfs":{}}"#, None).unwrap_err();
        assert_eq!(
            none,
            DescribeError::LayerCount {
                manifest: 1,
                configuration: 0
            }
        );
        let digest = Digest::parse(DIGEST).unwrap();
        let broken = planned("{}", None).unwrap_err();
        assert_eq!(
            broken,
            DescribeError::Configuration {
                digest,
                line: 1,
                column: 2
            }
        );
    }
}
