//! What a document is about, in the terms that both formats share.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{is_page, is_url};
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::distro::Distro;
use crate::document::{ImageSource, Source};
use crate::license::License;
use crate::party::{Party, PartyKind};
use countersign_artifact::Digest;

/// The image or file itself.
pub(super) struct Root<'a> {
    pub(super) name: &'a str,
    /// The digest: images have no other version that is sure.
    pub(super) version: String,
    pub(super) purl: Option<String>,
    pub(super) checksums: Vec<Checksum>,
    pub(super) is_image: bool,
    pub(super) supplier: Option<Party>,
    pub(super) description: Option<&'a str>,
    pub(super) homepage: Option<&'a str>,
    pub(super) repository: Option<&'a str>,
    pub(super) licenses: Vec<License>,
    /// What else is known, for CycloneDX's properties.
    pub(super) properties: Vec<(Cow<'static, str>, String)>,
}

impl<'a> Root<'a> {
    pub(super) fn of(source: &'a Source) -> Self {
        match source {
            Source::Image(image) => of_image(image),
            Source::File(file) => Self {
                name: file.path.rsplit('/').next().unwrap_or(&file.path),
                version: file.sha256.to_string(),
                purl: None,
                checksums: [&file.sha256, &file.sha512]
                    .into_iter()
                    .map(checksum)
                    .collect(),
                is_image: false,
                supplier: None,
                description: None,
                homepage: None,
                repository: None,
                licenses: Vec::new(),
                properties: vec![("countersign:file:size".into(), file.size.to_string())],
            },
        }
    }
}

fn of_image(image: &ImageSource) -> Root<'_> {
    // The names are those of the OCI image specification, annotations.md.
    let label = |name: &str| {
        let label = image
            .labels
            .get(&format!("org.opencontainers.image.{name}"));
        label
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
    };
    let mut properties: Vec<(Cow<'static, str>, String)> = Vec::new();
    let mut add = |name: Cow<'static, str>, value: String| properties.push((name, value));
    add(
        "countersign:image:configDigest".into(),
        image.config_digest.to_string(),
    );
    if let Some(digest) = &image.index_digest {
        add("countersign:image:indexDigest".into(), digest.to_string());
    }
    add(
        "countersign:image:mediaType".into(),
        image.media_type.clone(),
    );
    if let Some(platform) = &image.platform {
        add("countersign:image:platform".into(), platform.to_string());
    }
    if let Some(created) = image.created {
        add(
            "countersign:image:created".into(),
            super::timestamp(created),
        );
    }
    for tag in &image.tags {
        add("countersign:image:tag".into(), tag.clone());
    }
    for (index, layer) in image.layers.iter().enumerate() {
        add(
            format!("countersign:layer:{index}:digest").into(),
            layer.digest.to_string(),
        );
        add(
            format!("countersign:layer:{index}:diffID").into(),
            layer.diff_id.to_string(),
        );
    }
    for (name, value) in &image.labels {
        add(format!("syft:image:labels:{name}").into(), value.clone());
    }
    Root {
        name: image.repository.as_deref().unwrap_or(&image.name),
        version: image.digest.to_string(),
        purl: package_url(image),
        checksums: vec![checksum(&image.digest)],
        is_image: true,
        supplier: label("vendor")
            .map(organization)
            .or_else(|| label("authors").and_then(Party::parse)),
        description: label("description").or_else(|| label("title")),
        homepage: label("url").filter(|url| is_page(url)),
        repository: label("source").filter(|url| is_url(url)),
        licenses: label("licenses")
            .and_then(License::declared)
            .into_iter()
            .collect(),
        properties,
    }
}

/// Who supplies an operating system: the project that it is named after.
pub(super) fn distro_supplier(distro: &Distro) -> Option<Party> {
    let name = distro
        .name
        .as_deref()
        .filter(|name| !name.trim().is_empty());
    name.map(organization)
}

fn organization(name: &str) -> Party {
    Party {
        name: name.to_owned(),
        email: None,
        url: None,
        kind: PartyKind::Organization,
    }
}

fn checksum(digest: &Digest) -> Checksum {
    let algorithm = match digest {
        Digest::Sha256(_) => ChecksumAlgorithm::Sha256,
        Digest::Sha512(_) => ChecksumAlgorithm::Sha512,
    };
    Checksum {
        algorithm,
        hex: digest.hex(),
    }
}

/// The name of an image among package URLs (purl specification, type `oci`): the last part of the
/// repository, the digest as version. A folder's name does as well where there is no repository.
fn package_url(image: &ImageSource) -> Option<String> {
    let place = image.repository.as_deref().unwrap_or(&image.name);
    let name = place
        .trim_end_matches('/')
        .rsplit('/')
        .next()?
        .to_ascii_lowercase();
    let name = match image.repository {
        Some(_) => &*name,
        // What was asked for may end in a tag or a digest.
        None => name.split(['@', ':']).next()?,
    };
    if name.is_empty() {
        return None;
    }
    let mut purl = format!("pkg:oci/{}@{}", encode(name), image.digest);
    let architecture = image
        .platform
        .as_ref()
        .map(|platform| &*platform.architecture);
    let qualifiers = [
        ("arch", architecture),
        ("repository_url", image.repository.as_deref()),
        ("tag", image.tags.first().map(|tag| &**tag)),
    ];
    let mut separator = '?';
    for (name, value) in qualifiers {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            // Writing to a string does not fail.
            let _ = write!(purl, "{separator}{name}={}", encode(value));
            separator = '&';
        }
    }
    Some(purl)
}

/// Percent-encodes as [`PackageUrl`](crate::PackageUrl) does.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => {
                encoded.push(char::from(byte));
            }
            other => {
                // Writing to a string does not fail.
                let _ = write!(encoded, "%{other:02X}");
            }
        }
    }
    encoded
}
