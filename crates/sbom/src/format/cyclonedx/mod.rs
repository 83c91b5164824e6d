//! CycloneDX 1.6 as JSON (ECMA-424, first edition).
//!
//! Where CycloneDX has a field, that is used (occurrences, identity, acknowledgement, compositions); what it
//! has none for is a property, under the name that syft gives it if it means the same, else under
//! `countersign:`. The graph has a root, and everything can be reached from it. A package is in the graph
//! with an empty list if it needs nothing, and not at all if nobody knows what it needs.

mod wire;

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

use super::graph::Graph;
use super::license_terms::{expression, single_id, term};
use super::root::Root;
use super::{
    Layout, Streamed, is_email, is_url, kind_name, language, serial, timestamp, write_value,
};
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::distro::Distro;
use crate::document::{Completeness, Document};
use crate::license::{License, LicenseBasis};
use crate::package::{Identification, Location, Package, PackageId, Presence, Technique};
use crate::party::{Party, PartyKind};

/// Writes `document` as CycloneDX 1.6 JSON.
pub fn write_json(document: &Document, layout: Layout, out: impl Write) -> io::Result<()> {
    let view = View::of(document);
    // What the document says makes its serial number; so it is hashed with none first.
    let uuid = serial::uuid_of(&view.to_wire(None))?;
    write_value(&view.to_wire(Some(format!("urn:uuid:{uuid}"))), layout, out)
}

struct View<'a> {
    document: &'a Document,
    root: Root<'a>,
    root_reference: String,
    distro: Option<(&'a Distro, String)>,
    graph: Graph,
    /// The `bom-ref` of each package.
    references: Vec<String>,
}

impl<'a> View<'a> {
    fn of(document: &'a Document) -> Self {
        let inventory = &document.inventory;
        let root = Root::of(&document.source);
        let root_reference = root.purl.clone().unwrap_or_else(|| root.version.clone());
        let distro = inventory.distro.as_ref().map(|distro| {
            let version = distro.version_id.as_deref().unwrap_or_default();
            (distro, format!("os:{}@{version}", distro.id))
        });
        let graph = Graph::of(inventory);
        let packages = inventory.packages.iter().zip(&graph.ids);
        let references = packages
            .map(|(package, id)| reference(package, *id))
            .collect();
        Self {
            document,
            root,
            root_reference,
            distro,
            graph,
            references,
        }
    }

    fn to_wire(&self, serial: Option<String>) -> impl Serialize + '_ {
        let packages = &self.document.inventory.packages;
        let below = self.graph.below();
        let tops = Graph::tops(&below);
        let opaque = self.graph.opaque(packages);
        let unknown: Vec<&str> = self.named(
            opaque
                .iter()
                .enumerate()
                .filter(|(_, is)| **is)
                .map(|(at, _)| at),
        );
        wire::Bom {
            schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
            format: "CycloneDX",
            version: "1.6",
            serial,
            revision: 1,
            metadata: self.metadata(),
            components: Streamed(move || {
                let distro = self.distro.as_ref();
                let distro = distro.map(|(distro, reference)| distro_component(distro, reference));
                let packages = packages.iter().zip(&self.references);
                distro
                    .into_iter()
                    .chain(packages.map(|(package, at)| component(package, at)))
            }),
            dependencies: Streamed(move || {
                let mut on = self.named(tops.iter().copied());
                on.extend(self.distro.as_ref().map(|(_, reference)| &**reference));
                on.sort_unstable();
                let root = wire::Dependency {
                    reference: &self.root_reference,
                    on,
                };
                let of_packages: Vec<_> = below
                    .iter()
                    .enumerate()
                    .filter(|(at, children)| !opaque[*at] || !children.is_empty())
                    .map(|(at, children)| wire::Dependency {
                        reference: &self.references[at],
                        on: self.named(children.iter().copied()),
                    })
                    .collect();
                std::iter::once(root).chain(of_packages)
            }),
            compositions: self.compositions(unknown),
        }
    }

    fn named(&self, places: impl Iterator<Item = usize>) -> Vec<&str> {
        places.map(|at| &*self.references[at]).collect()
    }

    /// How much of the truth this is.
    fn compositions<'b>(&'b self, unknown: Vec<&'b str>) -> Vec<wire::Composition<'b>> {
        let aggregate = match self.document.inventory.completeness {
            Completeness::Complete => "complete",
            Completeness::Incomplete => "incomplete",
        };
        let root = wire::Composition {
            aggregate,
            assemblies: vec![&self.root_reference],
            dependencies: Vec::new(),
        };
        let unknown = (!unknown.is_empty()).then_some(wire::Composition {
            aggregate: "unknown",
            assemblies: Vec::new(),
            dependencies: unknown,
        });
        std::iter::once(root).chain(unknown).collect()
    }

    fn metadata(&self) -> wire::Metadata<'_> {
        let (document, root) = (self.document, &self.root);
        let tool = wire::Tool {
            kind: "application",
            manufacturer: wire::Entity {
                name: Some(document.tool.vendor.clone().into()),
                urls: Vec::new(),
                contacts: Vec::new(),
            },
            name: &document.tool.name,
            version: &document.tool.version,
        };
        let warnings = document.inventory.warnings.iter().enumerate();
        let warnings = warnings.map(|(index, warning)| wire::Property {
            name: format!("countersign:notRead:{index}").into(),
            value: format!("{}: {}", warning.path, warning.fault).into(),
        });
        let links = [("website", root.homepage), ("vcs", root.repository)];
        let properties = root.properties.iter();
        wire::Metadata {
            timestamp: timestamp(document.created),
            lifecycles: [wire::Lifecycle {
                phase: "post-build",
            }],
            tools: wire::Tools { components: [tool] },
            component: wire::Component {
                kind: if root.is_image { "container" } else { "file" },
                version: Some(&root.version),
                supplier: root.vendor.map(|vendor| wire::Entity {
                    name: Some(vendor.into()),
                    urls: Vec::new(),
                    contacts: Vec::new(),
                }),
                description: root.description,
                hashes: hashes(&root.checksums),
                licenses: licenses(&root.licenses, LicenseBasis::Declared),
                purl: root.purl.clone(),
                external_references: external_references(links),
                properties: properties
                    .map(|(name, value)| wire::Property {
                        name: Cow::Borrowed(name),
                        value: value.into(),
                    })
                    .collect(),
                ..wire::Component::new(&self.root_reference, root.name)
            },
            properties: warnings.collect(),
        }
    }
}

fn component<'a>(package: &'a Package, reference: &'a str) -> wire::Component<'a> {
    let is_program = package.presence == Presence::Installed
        && package.identification.technique == Technique::BinaryAnalysis;
    let declared = licenses(&package.licenses, LicenseBasis::Declared);
    let concluded = licenses(&package.licenses, LicenseBasis::Concluded);
    // What we concluded stands beside what is declared, and in its place only where nothing is.
    let (licenses, observed) = match declared.is_empty() {
        true => (concluded, Vec::new()),
        false => (declared, concluded),
    };
    let links = [
        ("website", package.homepage.as_deref()),
        ("distribution", package.download_location.as_deref()),
    ];
    wire::Component {
        kind: if is_program { "application" } else { "library" },
        version: package.version.as_deref(),
        supplier: package.supplier.as_ref().and_then(entity),
        description: package.description.as_deref(),
        scope: (package.presence == Presence::Declared).then_some("excluded"),
        hashes: hashes(&package.checksums),
        licenses,
        copyright: package.copyright.as_deref(),
        purl: package.purl.as_ref().map(ToString::to_string),
        external_references: external_references(links),
        evidence: evidence(package, observed),
        properties: properties(package),
        ..wire::Component::new(reference, &package.name)
    }
}

fn distro_component<'a>(distro: &'a Distro, reference: &'a str) -> wire::Component<'a> {
    let fields = [
        ("id", Some(&distro.id)),
        ("name", distro.name.as_ref()),
        ("prettyName", distro.pretty_name.as_ref()),
        ("versionID", distro.version_id.as_ref()),
        ("versionCodename", distro.version_codename.as_ref()),
        ("buildID", distro.build_id.as_ref()),
        ("cpeName", distro.cpe_name.as_ref()),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| {
        Some(wire::Property {
            name: format!("syft:distro:{name}").into(),
            value: value?.into(),
        })
    });
    let like = distro
        .id_like
        .iter()
        .enumerate()
        .map(|(index, id)| wire::Property {
            name: format!("syft:distro:idLike:{index}").into(),
            value: id.into(),
        });
    wire::Component {
        kind: "operating-system",
        version: distro.version_id.as_deref().or(distro.build_id.as_deref()),
        description: distro.pretty_name.as_deref(),
        external_references: external_references([("website", distro.home_url.as_deref())]),
        properties: fields.chain(like).collect(),
        ..wire::Component::new(reference, &distro.id)
    }
}

/// The package URL with the package's identifier, as package URLs alone may be equal.
fn reference(package: &Package, id: PackageId) -> String {
    match &package.purl {
        Some(purl) => {
            let purl = purl.to_string();
            let (name, subpath) = purl
                .split_once('#')
                .map_or((&*purl, None), |(a, b)| (a, Some(b)));
            let separator = if name.contains('?') { '&' } else { '?' };
            match subpath {
                Some(subpath) => format!("{name}{separator}package-id={id}#{subpath}"),
                None => format!("{name}{separator}package-id={id}"),
            }
        }
        None => id.to_string(),
    }
}

fn entity(party: &Party) -> Option<wire::Entity<'_>> {
    let url = party.url.as_deref().filter(|url| is_url(url));
    let email = party.email.as_deref().filter(|email| is_email(email));
    // An organisation is reached at its address; a person is the contact.
    let is_person = party.kind == PartyKind::Person;
    let contact = (email.is_some() || is_person).then(|| wire::Contact {
        name: Some(&*party.name).filter(|name| is_person && !name.is_empty()),
        email,
    });
    let name = match party.name.is_empty() {
        true => party.email.as_deref()?,
        false => &party.name,
    };
    Some(wire::Entity {
        name: Some(name.into()),
        urls: url.into_iter().collect(),
        contacts: contact.into_iter().collect(),
    })
}

/// Hashes of which there is one: several of one algorithm are of several files, and none is the package's.
fn hashes(all: &[Checksum]) -> Vec<wire::Hash<'_>> {
    let is_only = |one: &&Checksum| {
        all.iter()
            .filter(|other| other.algorithm == one.algorithm)
            .count()
            == 1
    };
    let only = all.iter().filter(is_only);
    only.map(|checksum| wire::Hash {
        algorithm: match checksum.algorithm {
            ChecksumAlgorithm::Md5 => "MD5",
            ChecksumAlgorithm::Sha1 => "SHA-1",
            ChecksumAlgorithm::Sha256 => "SHA-256",
            ChecksumAlgorithm::Sha384 => "SHA-384",
            ChecksumAlgorithm::Sha512 => "SHA-512",
        },
        content: &checksum.hex,
    })
    .collect()
}

/// A list of identifiers and names, or a single expression: never both.
fn licenses(all: &[License], basis: LicenseBasis) -> Vec<wire::LicenseChoice<'_>> {
    let acknowledgement = match basis {
        LicenseBasis::Declared => "declared",
        LicenseBasis::Concluded => "concluded",
    };
    let of_basis: Vec<&License> = all
        .iter()
        .filter(|license| license.basis == basis)
        .collect();
    let is_plain = |license: &&License| {
        single_id(license).is_some() || !term(license).references.is_empty() && is_name(license)
    };
    if !of_basis.iter().all(is_plain) {
        let expression = expression(all, basis).unwrap_or_default();
        return vec![wire::LicenseChoice::Expression {
            expression,
            acknowledgement,
        }];
    }
    let choices = of_basis.into_iter().map(|license| {
        let id = single_id(license);
        wire::LicenseChoice::License {
            license: wire::License {
                id,
                name: if id.is_some() {
                    None
                } else {
                    Some(license.text())
                },
                acknowledgement,
            },
        }
    });
    choices.collect()
}

fn is_name(license: &License) -> bool {
    matches!(license.term, crate::license::LicenseTerm::Name(_))
}

fn external_references<'a, const N: usize>(
    links: [(&'static str, Option<&'a str>); N],
) -> Vec<wire::ExternalReference<'a>> {
    let known = links
        .into_iter()
        .filter_map(|(kind, url)| Some((kind, url.filter(|url| is_url(url))?)));
    known
        .map(|(kind, url)| wire::ExternalReference { kind, url })
        .collect()
}

fn evidence<'a>(
    package: &'a Package,
    licenses: Vec<wire::LicenseChoice<'a>>,
) -> Option<wire::Evidence<'a>> {
    let Identification {
        technique,
        confidence,
    } = package.identification;
    let confidence = f64::from(confidence.min(100)) / 100.0;
    let place = |location: &'a Location| wire::Occurrence {
        location: &location.path,
    };
    Some(wire::Evidence {
        identity: [wire::Identity {
            field: if package.purl.is_some() {
                "purl"
            } else {
                "name"
            },
            confidence,
            methods: [wire::Method {
                technique: technique.as_str(),
                confidence,
            }],
        }],
        occurrences: package.locations.iter().map(place).collect(),
        licenses,
    })
}

fn properties(package: &Package) -> Vec<wire::Property<'_>> {
    let mut properties: Vec<wire::Property<'_>> = Vec::new();
    let mut add = |name: Cow<'static, str>, value: Cow<'_, str>| {
        properties.push(wire::Property {
            name,
            value: value.into_owned().into(),
        });
    };
    add("syft:package:foundBy".into(), package.found_by.into());
    if let Some(language) = language(package.kind) {
        add("syft:package:language".into(), language.into());
    }
    add("syft:package:type".into(), kind_name(package.kind).into());
    let presence = match package.presence {
        Presence::Installed => "installed",
        Presence::Embedded => "embedded",
        Presence::Declared => "declared",
    };
    add("countersign:package:presence".into(), presence.into());
    for (index, location) in package.locations.iter().enumerate() {
        if let Some(layer) = location.layer {
            add(
                format!("syft:location:{index}:layerID").into(),
                layer.diff_id.to_string().into(),
            );
        }
        add(
            format!("syft:location:{index}:path").into(),
            (&*location.path).into(),
        );
    }
    if let Some(architecture) = &package.architecture {
        add("syft:metadata:architecture".into(), architecture.into());
    }
    if let Some(source) = &package.source_package {
        add("syft:metadata:source".into(), (&*source.name).into());
        if let Some(version) = &source.version {
            add("syft:metadata:sourceVersion".into(), version.into());
        }
    }
    for (name, value) in &package.properties {
        add(format!("countersign:{name}").into(), value.into());
    }
    properties
}
