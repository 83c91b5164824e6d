//! A bundle beside its image: an OCI 1.1 referrer, written as cosign 3.1 writes it.

use std::collections::BTreeMap;

use bytes::Bytes;
use countersign_artifact::{Descriptor, Digest, media_type};
use jiff::Timestamp;
use serde::Serialize;

use crate::registry::{BlobSource, Client, RegistryError, Repository, descriptor};

/// Pushes `bundle` to `repository` as a referrer of `subject`.
///
/// The manifest goes last and names blobs that are there; until then nobody sees anything.
pub async fn push_bundle(
    registry: &Client,
    repository: &Repository,
    subject: &Descriptor,
    bundle: &[u8],
    predicate_type: &str,
    now: Timestamp,
) -> Result<Descriptor, RegistryError> {
    let layer = descriptor(
        media_type::BUNDLE_V03,
        Digest::sha256_of(bundle),
        bundle.len() as u64,
    );
    let config = descriptor(
        media_type::OCI_EMPTY,
        Digest::sha256_of(EMPTY),
        EMPTY.len() as u64,
    );
    let manifest = manifest(subject, &config, &layer, predicate_type, now);
    let empty = BlobSource::Bytes(Bytes::from_static(EMPTY));
    let content = BlobSource::Bytes(Bytes::copy_from_slice(bundle));
    // A bundle is new; whether the empty object is there is worth asking.
    futures_util::future::try_join(
        registry.push_blob(repository, &config, empty),
        registry.upload_blob(repository, &layer, content),
    )
    .await?;
    registry
        .push_referrer(
            repository,
            &subject.digest,
            media_type::OCI_MANIFEST,
            manifest.into(),
        )
        .await
}

/// The manifest, field for field in cosign's order (pkg/oci/remote/write.go). `cosign clean` looks at
/// the configuration's artifact type, `cosign load` at the annotation of the predicate type.
fn manifest(
    subject: &Descriptor,
    config: &Descriptor,
    layer: &Descriptor,
    predicate_type: &str,
    now: Timestamp,
) -> Vec<u8> {
    let created = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let annotations = BTreeMap::from([
        ("dev.sigstore.bundle.content", "dsse-envelope"),
        ("dev.sigstore.bundle.predicateType", predicate_type),
        ("org.opencontainers.image.created", &created),
    ]);
    let manifest = Manifest {
        schema_version: 2,
        media_type: media_type::OCI_MANIFEST,
        config: Pointer::to(config, Some(media_type::BUNDLE_V03)),
        layers: [Pointer::to(layer, None)],
        annotations,
        subject: Pointer::to(subject, None),
        artifact_type: media_type::BUNDLE_V03,
    };
    serde_json::to_vec(&manifest).expect("plain strings and numbers")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u32,
    media_type: &'a str,
    config: Pointer<'a>,
    layers: [Pointer<'a>; 1],
    annotations: BTreeMap<&'a str, &'a str>,
    subject: Pointer<'a>,
    artifact_type: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pointer<'a> {
    media_type: &'a str,
    size: u64,
    digest: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
}

impl<'a> Pointer<'a> {
    fn to(content: &'a Descriptor, artifact_type: Option<&'a str>) -> Self {
        Self {
            media_type: &content.media_type,
            size: content.size,
            digest: content.digest,
            artifact_type,
        }
    }
}

/// The empty object of OCI 1.1.
const EMPTY: &[u8] = b"{}";

#[cfg(test)]
mod tests {
    use super::*;

    /// What cosign 3.1.2 pushed for the fixture `keyless/images/bundle-v3-github-rekor1`.
    const COSIGN: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"},"layers":[{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","size":9837,"digest":"sha256:89f329b427ce354c36ea6c3086d5eadc90eeb75cace4f9451d608727f2043a50"}],"annotations":{"dev.sigstore.bundle.content":"dsse-envelope","dev.sigstore.bundle.predicateType":"https://sigstore.dev/cosign/sign/v1","org.opencontainers.image.created":"2026-11-23T18:51:59Z"},"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":555,"digest":"sha256:bd8e20e76127ddbe8fbebc2e576bed7c8e302b0011adc7edfaca062929d32b66"},"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"}"#;

    #[test]
    fn as_cosign_writes_it() {
        let at = |media_type: &str, hex: &str, size| {
            let digest = Digest::parse(&format!("sha256:{hex}")).unwrap();
            descriptor(media_type, digest, size)
        };
        let subject = at(
            media_type::OCI_MANIFEST,
            "bd8e20e76127ddbe8fbebc2e576bed7c8e302b0011adc7edfaca062929d32b66",
            555,
        );
        let layer = at(
            media_type::BUNDLE_V03,
            "89f329b427ce354c36ea6c3086d5eadc90eeb75cace4f9451d608727f2043a50",
            9837,
        );
        let config = descriptor(media_type::OCI_EMPTY, Digest::sha256_of(EMPTY), 2);
        let now = "2026-11-23T18:51:59.75Z".parse().unwrap();
        let predicate_type = "https://sigstore.dev/cosign/sign/v1";
        let written = manifest(&subject, &config, &layer, predicate_type, now);
        assert_eq!(String::from_utf8(written).unwrap(), COSIGN);
    }
}
