//! SPDX 2.3 as JSON (the specification's JSON schema; ISO/IEC 5962 is its predecessor 2.2.1).
//!
//! Files are not listed: SPDX 2.3 wants the SHA-1 of each (clause 8.4), and package managers recorded MD5 or
//! SHA-256. So `filesAnalyzed` is false throughout, and where a package was found is in its `sourceInfo`.
//! What nobody knows is said: a package whose dependencies are unknown `DEPENDS_ON NOASSERTION`, and an image
//! of which something could not be read `CONTAINS NOASSERTION`.

mod wire;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::Serialize;

use super::graph::Graph;
use super::license_terms::{expression, term};
use super::root::{Root, distro_supplier};
use super::{
    Layout, Streamed, is_page, is_url, kind_name, serial, sole_checksums, timestamp, write_value,
};
use crate::checksum::Checksum;
use crate::distro::Distro;
use crate::document::{Completeness, Document};
use crate::license::{License, LicenseBasis};
use crate::package::{Package, PackageId, Presence, Technique};
use crate::party::{Party, PartyKind};
use crate::relationship::RelationshipKind;

/// Writes `document` as SPDX 2.3 JSON.
pub fn write_json(document: &Document, layout: Layout, out: impl Write) -> io::Result<()> {
    let view = View::of(document);
    // What the document says makes its name; so it is hashed with an empty one first.
    let uuid = serial::uuid_of(&view.to_wire(String::new()))?;
    let namespace = format!("{NAMESPACES}{}-{uuid}", plain(document.source.name()));
    write_value(&view.to_wire(namespace), layout, out)
}

struct View<'a> {
    document: &'a Document,
    root: Root<'a>,
    root_id: String,
    distro: Option<&'a Distro>,
    graph: Graph,
    ids: Vec<String>,
    references: BTreeMap<String, String>,
}

impl<'a> View<'a> {
    fn of(document: &'a Document) -> Self {
        let inventory = &document.inventory;
        let root = Root::of(&document.source);
        let graph = Graph::of(inventory);
        let ids = inventory
            .packages
            .iter()
            .zip(&graph.ids)
            .map(|(package, id)| spdx_id(package, *id));
        let ids = ids.collect();
        let licenses = inventory
            .packages
            .iter()
            .flat_map(|package| &package.licenses);
        let references = licenses
            .chain(&root.licenses)
            .flat_map(|license| term(license).references);
        let references = references.collect();
        let word = if root.is_image { "Image" } else { "File" };
        let root_id = format!("SPDXRef-DocumentRoot-{word}-{}", plain(root.name));
        Self {
            document,
            root,
            root_id,
            distro: inventory.distro.as_ref(),
            graph,
            ids,
            references,
        }
    }

    fn to_wire(&self, namespace: String) -> impl Serialize + '_ {
        let document = self.document;
        wire::Document {
            spdx_version: "SPDX-2.3",
            data_license: "CC0-1.0",
            id: DOCUMENT,
            name: document.source.name(),
            namespace,
            creation: wire::Creation {
                license_list_version: license_list_version(),
                creators: vec![format!(
                    "Tool: {}-{}",
                    document.tool.name, document.tool.version
                )],
                created: timestamp(document.created),
            },
            comment: self.comment(),
            packages: Streamed(move || {
                let own = [Some(self.root_package()), self.distro.map(distro_package)];
                let packages = document.inventory.packages.iter().zip(&self.ids);
                own.into_iter()
                    .flatten()
                    .chain(packages.map(|(package, id)| to_package(package, id)))
            }),
            extracted: Streamed(move || {
                self.references.iter().map(|(id, text)| wire::Extracted {
                    id,
                    text,
                    name: text,
                })
            }),
            relationships: Streamed(move || self.relationships()),
        }
    }

    /// What could not be read: a reader must know that there may be more.
    fn comment(&self) -> Option<String> {
        let warnings = self.document.inventory.warnings.iter();
        let lines: Vec<String> = warnings
            .map(|warning| format!("not read: {}: {}", warning.path, warning.fault))
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn root_package(&self) -> wire::Package<'_> {
        let root = &self.root;
        wire::Package {
            name: root.name,
            id: &self.root_id,
            version: Some(&root.version),
            supplier: supplier_of(root.supplier.as_ref()),
            download_location: NOASSERTION,
            files_analyzed: false,
            checksums: checksums(&root.checksums),
            homepage: root.homepage,
            source_info: None,
            license_concluded: NOASSERTION.into(),
            license_declared: license(&root.licenses, LicenseBasis::Declared),
            copyright: NOASSERTION,
            description: root.description,
            comment: None,
            external_references: root
                .purl
                .as_deref()
                .map(purl_reference)
                .into_iter()
                .collect(),
            purpose: Some(if root.is_image { "CONTAINER" } else { "FILE" }),
        }
    }

    fn relationships(&self) -> impl Iterator<Item = wire::Relationship<'_>> {
        let root = &*self.root_id;
        let relation = wire::Relationship::new;
        let inventory = &self.document.inventory;
        let describes = relation(DOCUMENT, "DESCRIBES", root);
        let distro = self.distro.map(|_| relation(root, "CONTAINS", DISTRO));
        let unknown = match inventory.completeness {
            Completeness::Complete => None,
            Completeness::Incomplete => Some(relation(root, "CONTAINS", NOASSERTION)),
        };
        let has_carrier = self.carried();
        let packages = inventory.packages.iter().zip(&self.ids).enumerate();
        let contains = packages.filter_map(move |(index, (package, id))| match package.presence {
            Presence::Installed | Presence::Embedded => Some(relation(root, "CONTAINS", id)),
            Presence::Declared if has_carrier.contains(&index) => None,
            Presence::Declared => Some(relation(root, "OTHER", id).with_comment(DECLARED)),
        });
        let edges = self.graph.edges.iter().map(move |(from, kind, to)| {
            let is_there = inventory.packages[*to].presence != Presence::Declared;
            let (from, to) = (&*self.ids[*from], &*self.ids[*to]);
            match kind {
                RelationshipKind::DependsOn => relation(to, "DEPENDENCY_OF", from),
                RelationshipKind::Contains if is_there => relation(from, "CONTAINS", to),
                RelationshipKind::Contains => relation(from, "OTHER", to).with_comment(DECLARED),
                RelationshipKind::OwnedBy => relation(to, "CONTAINS", from).with_comment(OWNED),
            }
        });
        let opaque = self
            .graph
            .opaque(&inventory.packages)
            .into_iter()
            .zip(&self.ids);
        let opaque = opaque.filter(|(is_opaque, _)| *is_opaque);
        let opaque = opaque.map(move |(_, id)| relation(id, "DEPENDS_ON", NOASSERTION));
        let first = [Some(describes), distro, unknown];
        first
            .into_iter()
            .flatten()
            .chain(contains)
            .chain(edges)
            .chain(opaque)
    }

    /// Packages that another one contains.
    fn carried(&self) -> BTreeSet<usize> {
        let carried = self
            .graph
            .edges
            .iter()
            .filter(|(_, kind, _)| *kind == RelationshipKind::Contains);
        carried.map(|(_, _, to)| *to).collect()
    }
}

fn to_package<'a>(package: &'a Package, id: &'a str) -> wire::Package<'a> {
    let is_program = package.presence == Presence::Installed
        && package.identification.technique == Technique::BinaryAnalysis;
    let location = package
        .download_location
        .as_deref()
        .filter(|location| is_url(location));
    wire::Package {
        name: &package.name,
        id,
        version: package.version.as_deref(),
        supplier: supplier_of(package.supplier.as_ref()),
        download_location: location.unwrap_or(NOASSERTION),
        files_analyzed: false,
        checksums: checksums(&package.checksums),
        homepage: package
            .homepage
            .as_deref()
            .filter(|homepage| is_page(homepage)),
        source_info: source_info(package),
        license_concluded: license(&package.licenses, LicenseBasis::Concluded),
        license_declared: license(&package.licenses, LicenseBasis::Declared),
        copyright: package.copyright.as_deref().unwrap_or(NOASSERTION),
        description: package.description.as_deref(),
        comment: layers(package),
        external_references: package
            .purl
            .as_ref()
            .map(|purl| purl_reference(purl.to_string()))
            .into_iter()
            .collect(),
        purpose: Some(if is_program { "APPLICATION" } else { "LIBRARY" }),
    }
}

fn distro_package(distro: &Distro) -> wire::Package<'_> {
    wire::Package {
        name: &distro.id,
        id: DISTRO,
        version: distro.version_id.as_deref().or(distro.build_id.as_deref()),
        supplier: supplier_of(distro_supplier(distro).as_ref()),
        download_location: NOASSERTION,
        files_analyzed: false,
        checksums: Vec::new(),
        homepage: distro.home_url.as_deref().filter(|url| is_page(url)),
        source_info: None,
        license_concluded: NOASSERTION.into(),
        license_declared: NOASSERTION.into(),
        copyright: NOASSERTION,
        description: distro.pretty_name.as_deref().or(distro.name.as_deref()),
        comment: None,
        external_references: Vec::new(),
        purpose: Some("OPERATING_SYSTEM"),
    }
}

fn license(licenses: &[License], basis: LicenseBasis) -> Cow<'_, str> {
    expression(licenses, basis).map_or(NOASSERTION.into(), Cow::Owned)
}

/// A supplier in the form of clause 7.5: `Person: NAME (ADDRESS)`.
fn supplier_of(party: Option<&Party>) -> Cow<'static, str> {
    let Some(party) = party else {
        return NOASSERTION.into();
    };
    let kind = match party.kind {
        PartyKind::Person => "Person",
        PartyKind::Organization => "Organization",
    };
    // Parentheses are the address's.
    let clean = |text: &str| -> String {
        let open = text.replace(['(', '['], "[").replace([')', ']'], "]");
        open.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (name, email) = (clean(&party.name), party.email.as_deref().map(clean));
    match (name.is_empty(), email) {
        (true, None) => NOASSERTION.into(),
        (true, Some(email)) => format!("{kind}: {email} ({email})").into(),
        (false, None) => format!("{kind}: {name}").into(),
        (false, Some(email)) => format!("{kind}: {name} ({email})").into(),
    }
}

fn checksums(all: &[Checksum]) -> Vec<wire::Checksum<'_>> {
    let sole = sole_checksums(all);
    sole.map(|checksum| wire::Checksum {
        algorithm: checksum.algorithm.as_str(),
        value: &checksum.hex,
    })
    .collect()
}

fn source_info(package: &Package) -> Option<String> {
    let places: Vec<&str> = package.locations.iter().map(|place| &*place.path).collect();
    (!places.is_empty()).then(|| {
        format!(
            "acquired package info from {}: {}",
            package.found_by,
            places.join(", ")
        )
    })
}

fn layers(package: &Package) -> Option<String> {
    let marks = package.locations.iter().filter_map(|place| place.layer);
    let layers: BTreeSet<_> = marks
        .map(|mark| (mark.index, mark.diff_id.to_string()))
        .collect();
    let lines: Vec<String> = layers
        .into_iter()
        .map(|(_, id)| format!("layerID: {id}"))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn purl_reference<'a>(purl: impl Into<Cow<'a, str>>) -> wire::ExternalReference<'a> {
    wire::ExternalReference {
        category: "PACKAGE-MANAGER",
        kind: "purl",
        locator: purl.into(),
    }
}

fn spdx_id(package: &Package, id: PackageId) -> String {
    format!(
        "SPDXRef-Package-{}-{}-{id}",
        kind_name(package.kind),
        plain(&package.name)
    )
}

/// What identifiers and namespaces may have in them (clause 7.2); not more than a name needs.
fn plain(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    text.chars()
        .take(MAX_NAME)
        .map(|c| if is_plain(c) { c } else { '-' })
        .collect()
}

/// `3.27.0` is written `3.27` (clause 6.7).
fn license_list_version() -> &'static str {
    let version = spdx::license_version();
    match version.match_indices('.').nth(1) {
        Some((end, _)) => &version[..end],
        None => version,
    }
}

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const DISTRO: &str = "SPDXRef-OperatingSystem";
const DECLARED: &str = "declared, and not seen to be there";
const OWNED: &str = "ownership-by-file-overlap: its files were installed by this package";
const NOASSERTION: &str = "NOASSERTION";

/// For those who have no place of their own to publish documents at (clause 6.5).
const NAMESPACES: &str = "https://spdx.org/spdxdocs/";

const MAX_NAME: usize = 100;
