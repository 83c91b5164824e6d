//! Which image of an index is meant.

use countersign_artifact::{Descriptor, ImageIndex, Platform, media_type};

use super::DescribeError;

/// Chooses an image for `wanted`; without a wish, the only one, or the one for this machine on Linux.
pub(super) fn choose<'a>(
    index: &'a ImageIndex,
    wanted: Option<&Platform>,
) -> Result<&'a Descriptor, DescribeError> {
    let images: Vec<&Descriptor> = index
        .manifests
        .iter()
        .filter(|entry| is_image(entry))
        .collect();
    if let (None, [only]) = (wanted, &images[..]) {
        return Ok(only);
    }
    let host = host_platform();
    let wanted = wanted.unwrap_or(&host);
    let fits = |image: &&&Descriptor| {
        image
            .platform
            .as_ref()
            .is_some_and(|platform| platform.satisfies(wanted))
    };
    images
        .iter()
        .find(fits)
        .copied()
        .ok_or_else(|| DescribeError::NoPlatform {
            wanted: wanted.clone(),
            available: images
                .iter()
                .filter_map(|image| image.platform.clone())
                .collect(),
        })
}

/// Linux on this machine's architecture, in the words of image indexes (Go's `GOARCH`).
#[must_use]
pub fn host_platform() -> Platform {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    };
    Platform {
        architecture: architecture.to_owned(),
        os: "linux".to_owned(),
        ..Platform::default()
    }
}

/// BuildKit lists its attestations in the index of the images they are about.
fn is_image(entry: &Descriptor) -> bool {
    let is_manifest =
        media_type::is_manifest(&entry.media_type) || media_type::is_index(&entry.media_type);
    let is_unknown = entry
        .platform
        .as_ref()
        .is_some_and(|platform| platform.os == "unknown");
    is_manifest && !is_unknown && !entry.annotations.contains_key(BUILDKIT_REFERENCE)
}

const BUILDKIT_REFERENCE: &str = "vnd.docker.reference.type";

/// How deep indexes may lie in each other; one is usual.
pub(super) const MAX_NESTING: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn index(images: &[(&str, &str)]) -> ImageIndex {
        let entries: Vec<String> = images
            .iter()
            .enumerate()
            .map(|(number, (os, architecture))| {
                format!(
                    r#"{{"mediaType":"{}","digest":"sha256:{number:064x}","size":1,"platform":{{"os":"{os}","architecture":"{architecture}"}}}}"#,
                    media_type::OCI_MANIFEST
                )
            })
            .collect();
        serde_json::from_str(&format!(
            r#"{{"schemaVersion":2,"manifests":[{}]}}"#,
            entries.join(",")
        ))
        .unwrap()
    }

    fn chosen(images: &[(&str, &str)], wanted: Option<&str>) -> Result<String, DescribeError> {
        let wanted = wanted.map(|text| Platform::parse(text).unwrap());
        choose(&index(images), wanted.as_ref())
            .map(|image| image.platform.as_ref().unwrap().to_string())
    }

    #[test]
    fn the_only_image_is_meant_whatever_it_runs_on() {
        assert_eq!(
            chosen(&[("linux", "s390x"), ("unknown", "unknown")], None).unwrap(),
            "linux/s390x"
        );
        let error = chosen(&[("linux", "s390x")], Some("linux/amd64")).unwrap_err();
        assert!(
            matches!(error, DescribeError::NoPlatform { available, .. } if available.len() == 1)
        );
    }

    #[test]
    fn a_wish_chooses_and_this_machine_without_one() {
        let host = host_platform();
        let images = [
            ("windows", "amd64"),
            ("linux", "arm"),
            ("linux", &*host.architecture),
        ];
        assert_eq!(chosen(&images, Some("linux/arm")).unwrap(), "linux/arm");
        assert_eq!(chosen(&images, None).unwrap(), host.to_string());
        assert!(chosen(&images[..2], None).is_err());
    }
}
