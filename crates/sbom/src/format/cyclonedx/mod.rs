//! CycloneDX 1.6 as JSON (ECMA-424, first edition).
//!
//! Where CycloneDX has a field, that is used (occurrences, identity, acknowledgement, compositions); what it
//! has none for is a property, under the name that syft gives it if it means the same, else under
//! `countersign:`. The graph has a root, and everything can be reached from it. A package is in the graph
//! with an empty list if it needs nothing, and not at all if nobody knows what it needs.

mod component;
mod wire;

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

use super::graph::Graph;
use super::root::Root;
use super::{Layout, Streamed, serial, timestamp, write_value};
use crate::distro::Distro;
use crate::document::{Completeness, Document};
use crate::license::LicenseBasis;

use component::{
    component, distro_component, entity, external_references, hashes, licenses, reference,
};

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
                supplier: root.supplier.as_ref().and_then(entity),
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
