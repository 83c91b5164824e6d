//! SBOMs that packages carry within (CycloneDX JSON): what their builders say was linked in.
//!
//! Nobody here checked it, so it is stated as an attestation, in the lap of the package that carries it. What
//! only took part in the build is declared, not embedded.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Findings;
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::document::Fault;
use crate::file_tree::TreeFile;
use crate::license::License;
use crate::package::{Identification, Package, PackageId, PackageKind, Presence, Technique};
use crate::package_url::PackageUrl;
use crate::relationship::RelationshipKind;

/// The package that carries an SBOM.
pub(crate) struct Carrier<'a> {
    pub(crate) id: PackageId,
    pub(crate) purl: Option<&'a PackageUrl>,
}

/// States the components of the SBOM in `file`.
pub(crate) fn read(
    cataloger: &'static str,
    carrier: &Carrier<'_>,
    file: &TreeFile<'_>,
    findings: &mut Findings,
) {
    let wire: Bom = match serde_json::from_slice(file.content().unwrap_or_default()) {
        Ok(wire) => wire,
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            return findings.warning(cataloger, file, Fault::Json { line, column });
        }
    };
    if wire.bom_format.as_deref() != Some("CycloneDX") {
        return findings.warning(
            cataloger,
            file,
            Fault::Unsupported {
                format: "embedded SBOM",
            },
        );
    }
    // What the root consists of are its own build targets, not components.
    let root = wire
        .metadata
        .and_then(|metadata| metadata.component)
        .map(|root| Component {
            components: Vec::new(),
            ..root
        });
    let mut pending: Vec<Component> = root.into_iter().chain(wire.components).collect();
    let mut by_reference: BTreeMap<String, PackageId> = BTreeMap::new();
    let mut count = 0;
    while let Some(mut component) = pending.pop() {
        count += 1;
        if count > MAX_COMPONENTS {
            let limit = MAX_COMPONENTS;
            return findings.warning(cataloger, file, Fault::TooManyRecords { limit });
        }
        pending.append(&mut component.components);
        let reference = component.reference.take();
        let id = match component.package(cataloger, carrier, file) {
            Some(package) => {
                let id = findings.package(package);
                findings.relationship(carrier.id, RelationshipKind::Contains, id);
                id
            }
            None => carrier.id,
        };
        by_reference.extend(reference.map(|reference| (reference, id)));
    }
    for dependency in wire.dependencies {
        for on in &dependency.depends_on {
            if let (Some(from), Some(to)) = (
                by_reference.get(&dependency.reference),
                by_reference.get(on),
            ) {
                findings.relationship(*from, RelationshipKind::DependsOn, *to);
            }
        }
    }
}

impl Component {
    /// The package; `None` for the carrier itself and for parts of a package (purls with a subpath).
    fn package(
        &self,
        cataloger: &'static str,
        carrier: &Carrier<'_>,
        file: &TreeFile<'_>,
    ) -> Option<Package> {
        let purl = self.purl.as_deref().and_then(PackageUrl::parse);
        // Folders of the builder's machine name nothing.
        let purl = purl.map(|purl| purl.retain_qualifiers(|_, value| !value.starts_with("file:")));
        if let (Some(purl), Some(carrier)) = (&purl, carrier.purl)
            && (purl.has_subpath() || purl.is_same_package(carrier))
        {
            return None;
        }
        let kind = purl.as_ref().map_or(PackageKind::Generic, PackageUrl::kind);
        let name = self.name.clone().filter(|name| !name.is_empty())?;
        let mut package = Package::new(kind, name, self.version.clone(), cataloger);
        package.purl = purl;
        package.presence = match self.scope.as_deref() {
            Some("excluded") => Presence::Declared,
            _ => Presence::Embedded,
        };
        package.identification = Identification {
            technique: Technique::Attestation,
            confidence: CONFIDENCE,
        };
        package.description = self.description.clone().map(|text| text.trim().to_owned());
        package.locations = vec![file.location()];
        package.licenses = self.licenses.iter().filter_map(license).collect();
        package.checksums = self.hashes.iter().filter_map(checksum).collect();
        Some(package)
    }
}

/// `{"expression": ..}` or `{"license": {"id" or "name": ..}}`.
fn license(value: &Value) -> Option<License> {
    let inner = value.get("license");
    let fields = [
        value.get("expression"),
        inner.and_then(|it| it.get("id")),
        inner.and_then(|it| it.get("name")),
    ];
    License::declared(fields.into_iter().flatten().find_map(Value::as_str)?)
}

fn checksum(hash: &Hash) -> Option<Checksum> {
    let algorithm = match &*hash.algorithm {
        "MD5" => ChecksumAlgorithm::Md5,
        "SHA-1" => ChecksumAlgorithm::Sha1,
        "SHA-256" => ChecksumAlgorithm::Sha256,
        "SHA-384" => ChecksumAlgorithm::Sha384,
        "SHA-512" => ChecksumAlgorithm::Sha512,
        _ => return None,
    };
    Checksum::from_hex(algorithm, &hash.content)
}

#[derive(Debug, Deserialize)]
struct Bom {
    #[serde(rename = "bomFormat")]
    bom_format: Option<String>,
    metadata: Option<Metadata>,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    component: Option<Component>,
}

#[derive(Debug, Deserialize)]
struct Component {
    #[serde(rename = "bom-ref")]
    reference: Option<String>,
    name: Option<String>,
    version: Option<String>,
    purl: Option<String>,
    scope: Option<String>,
    description: Option<String>,
    #[serde(default)]
    licenses: Vec<Value>,
    #[serde(default)]
    hashes: Vec<Hash>,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Debug, Deserialize)]
struct Hash {
    #[serde(rename = "alg")]
    algorithm: String,
    content: String,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(default, rename = "dependsOn")]
    depends_on: Vec<String>,
}

/// Somebody else's word.
const CONFIDENCE: u8 = 80;

/// The largest wheels have some 300.
const MAX_COMPONENTS: usize = 20_000;
