//! Packages and the operating system as components.

use std::borrow::Cow;

use super::super::license_terms::{expression, single_id, term};
use super::super::{is_email, is_page, is_url, kind_name, language, sole_checksums};
use super::wire;
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::distro::Distro;
use crate::license::{License, LicenseBasis, LicenseTerm};
use crate::package::{Identification, Location, Package, PackageId, Presence, Technique};
use crate::party::{Party, PartyKind};

pub(super) fn component<'a>(package: &'a Package, reference: &'a str) -> wire::Component<'a> {
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

pub(super) fn distro_component<'a>(distro: &'a Distro, reference: &'a str) -> wire::Component<'a> {
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
        supplier: distro.name.as_deref().map(|name| wire::Entity {
            name: Some(name.into()),
            urls: Vec::new(),
            contacts: Vec::new(),
        }),
        version: distro.version_id.as_deref().or(distro.build_id.as_deref()),
        description: distro.pretty_name.as_deref(),
        external_references: external_references([("website", distro.home_url.as_deref())]),
        properties: fields.chain(like).collect(),
        ..wire::Component::new(reference, &distro.id)
    }
}

/// The package URL with the package's identifier, as package URLs alone may be equal.
pub(super) fn reference(package: &Package, id: PackageId) -> String {
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

pub(super) fn entity(party: &Party) -> Option<wire::Entity<'_>> {
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

pub(super) fn hashes(all: &[Checksum]) -> Vec<wire::Hash<'_>> {
    let only = sole_checksums(all);
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
pub(super) fn licenses(all: &[License], basis: LicenseBasis) -> Vec<wire::LicenseChoice<'_>> {
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
    matches!(license.term, LicenseTerm::Name(_))
}

pub(super) fn external_references<'a, const N: usize>(
    links: [(&'static str, Option<&'a str>); N],
) -> Vec<wire::ExternalReference<'a>> {
    let known = links
        .into_iter()
        .filter_map(|(kind, url)| Some((kind, url.filter(|url| is_url(url))?)))
        // Some give the place of their source for a page.
        .map(|(kind, url)| (if is_page(url) { kind } else { "vcs" }, url));
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
