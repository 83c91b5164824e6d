//! What is written is valid by the official schemas, says everything, and is the same every time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use countersign_artifact::{Digest, Platform};
use countersign_sbom::format::{self, Format, Layout};
use countersign_sbom::{
    Checksum, ChecksumAlgorithm, Completeness, Document, Fault, FileSource, ImageLayer,
    ImageSource, Inventory, License, LicenseBasis, LicenseTerm, Location, Package, PackageKind,
    PackageUrl, Party, PartyKind, Presence, Relationship, RelationshipKind, Source, Tool, Warning,
};
use jiff::Timestamp;
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixture_images::scan;
use crate::schema;

fn image(name: &str) -> Source {
    let labels = [
        (
            "org.opencontainers.image.licenses",
            "Apache-2.0 AND LicenseRef-ours",
        ),
        ("org.opencontainers.image.vendor", "Example Ltd"),
        (
            "org.opencontainers.image.source",
            "https://git.example/shop/cart",
        ),
    ];
    let digest = Digest::sha256_of(name.as_bytes());
    Source::Image(ImageSource {
        name: format!("registry.example:5000/Shop/{name}:1.2"),
        repository: Some(format!("registry.example:5000/shop/{name}")),
        tags: vec!["1.2".into()],
        digest,
        index_digest: None,
        config_digest: Digest::sha256_of(b"config"),
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        platform: Some(Platform::parse("linux/amd64").unwrap()),
        created: None,
        labels: labels
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        layers: vec![ImageLayer {
            digest,
            diff_id: Digest::sha256_of(b"layer"),
            size: 1,
            media_type: "application/vnd.oci.image.layer.v1.tar+gzip".into(),
        }],
    })
}

fn document(source: Source, inventory: Inventory) -> Document {
    Document {
        source,
        inventory,
        tool: Tool {
            vendor: "Countersign".into(),
            name: "countersign".into(),
            version: "0.1.0".into(),
        },
        created: "2026-01-02T03:04:05.678Z".parse::<Timestamp>().unwrap(),
    }
}

fn empty() -> Inventory {
    Inventory {
        distro: None,
        packages: Vec::new(),
        relationships: Vec::new(),
        warnings: Vec::new(),
        completeness: Completeness::Complete,
    }
}

/// A package with everything that may go wrong in a format.
fn hostile() -> Inventory {
    let mut odd = Package::new(
        PackageKind::Pypi,
        "na\u{1b}[31mme\"\u{202e}",
        Some("1\n2".into()),
        "test",
    );
    odd.purl =
        PackageUrl::new(PackageKind::Pypi, "na me").map(|purl| purl.with_version(Some("1+2")));
    odd.licenses = [
        "MIT OR Apache-2.0",
        "GPL-2.0",
        "Beer, but free",
        "Beer; but free",
        "DocumentRef-x:LicenseRef-y",
    ]
    .iter()
    .filter_map(|text| License::declared(text))
    .collect();
    odd.licenses.push(License {
        term: LicenseTerm::Expression("ISC".into()),
        basis: LicenseBasis::Concluded,
    });
    odd.supplier = Some(Party {
        name: "Some (one)\n[else]".into(),
        email: Some("not an address".into()),
        url: Some("nowhere".into()),
        kind: PartyKind::Person,
    });
    odd.homepage = Some("javascript:alert(1)".into());
    odd.download_location = Some("https://a b".into());
    odd.copyright = Some("(c) \u{0}".into());
    odd.checksums = [ChecksumAlgorithm::Md5, ChecksumAlgorithm::Sha512]
        .into_iter()
        .filter_map(|algorithm| Checksum::from_hex(algorithm, &"a".repeat(algorithm.hex_length())))
        .collect();
    odd.locations = vec![Location {
        path: "/ä\n".into(),
        layer: None,
    }];
    odd.identification.confidence = 250;
    odd.properties = BTreeMap::from([("x".into(), "\u{7f}".into())]);
    let mut nameless = Package::new(PackageKind::Generic, "", None, "test");
    nameless.supplier = Some(Party {
        name: String::new(),
        email: None,
        url: None,
        kind: PartyKind::Organization,
    });
    let mut declared = Package::new(PackageKind::Cargo, "d", Some("1.0.0".into()), "test");
    declared.presence = Presence::Declared;
    let mut carried = Package::new(PackageKind::Cargo, "e", Some("1.0.0".into()), "test");
    carried.presence = Presence::Declared;
    carried.licenses = License::declared("MIT").into_iter().collect();
    let (a, b, c) = (odd.id(), nameless.id(), carried.id());
    let relation = |from, kind, to| Relationship { from, kind, to };
    Inventory {
        relationships: vec![
            relation(a, RelationshipKind::DependsOn, b),
            relation(a, RelationshipKind::Contains, c),
            relation(a, RelationshipKind::OwnedBy, b),
            relation(b, RelationshipKind::DependsOn, a),
        ],
        packages: vec![odd, nameless, declared, carried],
        warnings: vec![Warning {
            path: "/bin/x".into(),
            layer: None,
            cataloger: "test",
            fault: Fault::SparseFile,
        }],
        completeness: Completeness::Incomplete,
        distro: None,
    }
}

fn bytes(document: &Document, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    format::write(document, format, Layout::Compact, &mut out).unwrap();
    out
}

fn text(document: &Document, format: Format) -> String {
    String::from_utf8(bytes(document, format)).unwrap()
}

fn json(document: &Document, format: Format) -> Value {
    serde_json::from_slice(&bytes(document, format)).unwrap()
}

fn documents() -> Vec<Document> {
    let images = ["debian-mini", "python-mini", "node-mini", "go-mini"];
    let file = Source::File(FileSource {
        path: "/home/someone/tool".into(),
        sha256: Digest::sha256_of(b"x"),
        sha512: Digest::sha512_of(b"x"),
        size: 1,
    });
    let scanned = images
        .into_iter()
        .map(|name| document(image(name), scan(name)));
    let odd = [
        (image("odd"), hostile()),
        (file.clone(), hostile()),
        (file, empty()),
        (image("none"), empty()),
    ];
    scanned
        .chain(odd.map(|(source, inventory)| document(source, inventory)))
        .collect()
}

#[test]
fn documents_are_valid_by_the_official_schemas() {
    let (spdx, cyclonedx) = (schema::spdx(), schema::cyclonedx());
    for document in documents() {
        schema::hold(&spdx, &json(&document, Format::SpdxJson));
        schema::hold(&cyclonedx, &json(&document, Format::CycloneDxJson));
    }
}

/// The judge is awake: each of these documents is broken in one place.
#[test]
fn the_schemas_refuse_what_is_broken() {
    let document = document(image("odd"), hostile());
    let breaks: [(Format, &str, Value); 8] = [
        (Format::SpdxJson, "/packages/0/downloadLocation", json!(1)),
        (
            Format::SpdxJson,
            "/packages/0/primaryPackagePurpose",
            json!("TOY"),
        ),
        (
            Format::SpdxJson,
            "/relationships/0/relationshipType",
            json!("LIKES"),
        ),
        (Format::SpdxJson, "/creationInfo/creators", json!([])),
        (Format::CycloneDxJson, "/serialNumber", json!("urn:uuid:1")),
        (
            Format::CycloneDxJson,
            "/components/0/hashes/0/content",
            json!("ab"),
        ),
        (
            Format::CycloneDxJson,
            "/components/3/licenses/0/license/id",
            json!("Beerware-9"),
        ),
        (
            Format::CycloneDxJson,
            "/components/0/evidence/identity/0/confidence",
            json!(2.5),
        ),
    ];
    for (format, pointer, value) in breaks {
        let validator = match format {
            Format::SpdxJson => schema::spdx(),
            _ => schema::cyclonedx(),
        };
        let mut broken = json(&document, format);
        *broken
            .pointer_mut(pointer)
            .unwrap_or_else(|| panic!("{pointer}")) = value;
        assert!(!validator.is_valid(&broken), "{pointer}");
    }
}

#[test]
fn the_same_document_gives_the_same_bytes_and_another_another_name() {
    let one = document(image("go-mini"), scan("go-mini"));
    let again = document(image("go-mini"), scan("go-mini"));
    let mut later = one.clone();
    later.created = "2026-01-02T03:04:06Z".parse().unwrap();
    let elsewhere = document(image("other"), one.inventory.clone());
    for (format, name) in [
        (Format::SpdxJson, "documentNamespace"),
        (Format::CycloneDxJson, "serialNumber"),
    ] {
        assert_eq!(bytes(&one, format), bytes(&again, format));
        let names: BTreeSet<String> = [&one, &later, &elsewhere]
            .into_iter()
            .map(|document| json(document, format)[name].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names.len(), 3, "{names:?}");
    }
    for format in [Format::Table, Format::PackageUrls] {
        assert_eq!(bytes(&one, format), bytes(&again, format));
    }
}

#[test]
fn layouts_say_the_same() {
    let document = document(image("odd"), hostile());
    for format in [Format::SpdxJson, Format::CycloneDxJson] {
        let mut out = Vec::new();
        format::write(&document, format, Layout::Indented, &mut out).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&out).unwrap(),
            json(&document, format)
        );
        assert!(out.iter().filter(|byte| **byte == b'\n').count() > 100);
    }
}

#[test]
fn a_writer_that_fails_is_an_error() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let document = document(image("odd"), hostile());
    for format in [
        Format::SpdxJson,
        Format::CycloneDxJson,
        Format::Table,
        Format::PackageUrls,
    ] {
        let error = format::write(&document, format, Layout::Compact, Full).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{format:?}");
    }
}

#[test]
fn spdx_says_everything() {
    let document = document(image("go-mini"), scan("go-mini"));
    let written = json(&document, Format::SpdxJson);
    assert_eq!(
        written["creationInfo"]["creators"],
        json!(["Tool: countersign-0.1.0"])
    );
    assert_eq!(written["creationInfo"]["created"], "2026-01-02T03:04:05Z");
    let namespace = written["documentNamespace"].as_str().unwrap();
    assert!(
        namespace.starts_with("https://spdx.org/spdxdocs/registry.example-5000-Shop-go-mini-1.2-")
    );
    let packages = written["packages"].as_array().unwrap();
    let root = &packages[0];
    assert_eq!(
        root["SPDXID"],
        "SPDXRef-DocumentRoot-Image-registry.example-5000-shop-go-mini"
    );
    assert_eq!(root["supplier"], "Organization: Example Ltd");
    assert_eq!(root["licenseDeclared"], "Apache-2.0 AND LicenseRef-ours");
    assert_eq!(root["versionInfo"], root_digest(&document));
    assert_eq!(
        root["externalRefs"][0]["referenceLocator"],
        format!(
            "pkg:oci/go-mini@{}?arch=amd64&repository_url=registry.example:5000%2Fshop%2Fgo-mini&tag=1.2",
            root_digest(&document)
        )
    );
    // Every package, with its purl, and contained by the root.
    let purls: BTreeSet<&str> = packages[1..]
        .iter()
        .filter_map(|package| package["externalRefs"][0]["referenceLocator"].as_str())
        .collect();
    let expected: BTreeSet<String> = document
        .inventory
        .packages
        .iter()
        .map(|package| package.purl.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(purls, expected.iter().map(|purl| &**purl).collect());
    let relationships = written["relationships"].as_array().unwrap();
    let count = |kind: &str| {
        relationships
            .iter()
            .filter(|edge| edge["relationshipType"] == kind)
            .count()
    };
    assert_eq!(count("DESCRIBES"), 1);
    assert_eq!(count("CONTAINS"), packages.len() - 1);
    assert_eq!(
        count("DEPENDENCY_OF"),
        document.inventory.relationships.len()
    );
    // Five modules and the library in one version each, and the folder: nobody knows what they need.
    assert_eq!(count("DEPENDS_ON"), 7);
    let ids: BTreeSet<&str> = packages
        .iter()
        .map(|package| package["SPDXID"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), packages.len());
    let known = |id: &Value| {
        let id = id.as_str().unwrap();
        ids.contains(id) || id == "SPDXRef-DOCUMENT" || id == "NOASSERTION"
    };
    for edge in relationships {
        assert!(
            known(&edge["spdxElementId"]) && known(&edge["relatedSpdxElement"]),
            "{edge}"
        );
    }
    let library = packages
        .iter()
        .find(|package| package["name"] == "stdlib")
        .unwrap();
    assert_eq!(library["supplier"], "Organization: The Go Authors");
    assert_eq!(library["licenseDeclared"], "BSD-3-Clause");
    assert!(
        library["sourceInfo"]
            .as_str()
            .unwrap()
            .ends_with(", /usr/bin/hello")
    );
}

fn root_digest(document: &Document) -> String {
    match &document.source {
        Source::Image(image) => image.digest.to_string(),
        Source::File(file) => file.sha256.to_string(),
    }
}

#[test]
fn every_reference_to_a_licence_is_explained() {
    for document in documents() {
        let written = json(&document, Format::SpdxJson);
        let explained: BTreeSet<&str> = written["hasExtractedLicensingInfos"]
            .as_array()
            .unwrap()
            .iter()
            .map(|info| info["licenseId"].as_str().unwrap())
            .collect();
        let mut used = BTreeSet::new();
        for package in written["packages"].as_array().unwrap() {
            for field in ["licenseDeclared", "licenseConcluded"] {
                let text = package[field].as_str().unwrap();
                if text == "NOASSERTION" {
                    continue;
                }
                let mode = spdx::ParseMode {
                    allow_deprecated: true,
                    ..spdx::ParseMode::STRICT
                };
                let parsed = spdx::Expression::parse_mode(text, mode).unwrap();
                for requirement in parsed.requirements() {
                    if let spdx::LicenseItem::Other(reference) = &requirement.req.license {
                        used.insert(reference.to_string());
                    }
                }
            }
        }
        assert_eq!(
            used.iter().map(|id| &**id).collect::<BTreeSet<_>>(),
            explained
        );
    }
}

#[test]
fn odd_values_stay_within_their_fields() {
    let document = document(image("odd"), hostile());
    let spdx = json(&document, Format::SpdxJson);
    let package = &spdx["packages"][1];
    assert_eq!(
        package["supplier"],
        "Person: Some [one] [else] (not an address)"
    );
    assert_eq!(package["downloadLocation"], "NOASSERTION");
    assert_eq!(package["homepage"], Value::Null);
    assert_eq!(package["licenseConcluded"], "ISC");
    assert_eq!(spdx["packages"][2]["supplier"], "NOASSERTION");
    assert_eq!(
        spdx["comment"],
        "not read: /bin/x: a sparse file, which is not read"
    );
    let root = spdx["packages"][0]["SPDXID"].as_str().unwrap();
    let has = |from: &str, kind: &str, to: &str| {
        let edges = spdx["relationships"].as_array().unwrap();
        edges.iter().any(|edge| {
            edge["spdxElementId"] == from
                && edge["relationshipType"] == kind
                && edge["relatedSpdxElement"] == to
        })
    };
    let id = |index: usize| spdx["packages"][index]["SPDXID"].as_str().unwrap();
    assert!(has(root, "CONTAINS", "NOASSERTION"));
    assert!(has(root, "OTHER", id(3)) && !has(root, "CONTAINS", id(3)));
    assert!(has(id(1), "OTHER", id(4)) && !has(root, "OTHER", id(4)));
    assert!(has(id(2), "CONTAINS", id(1)) && has(id(2), "DEPENDENCY_OF", id(1)));

    let cyclonedx = json(&document, Format::CycloneDxJson);
    let component = &cyclonedx["components"][0];
    assert!(
        component["licenses"][0]["expression"]
            .as_str()
            .unwrap()
            .starts_with("(MIT OR Apache-2.0) AND ")
    );
    assert_eq!(component["evidence"]["licenses"][0]["license"]["id"], "ISC");
    assert_eq!(
        component["supplier"],
        json!({
            "name": "Some (one)\n[else]",
            "contact": [{"name": "Some (one)\n[else]"}],
        })
    );
    assert_eq!(component["externalReferences"], Value::Null);
    assert_eq!(cyclonedx["components"][2]["scope"], "excluded");
    assert_eq!(
        cyclonedx["components"][3]["licenses"],
        json!([{"license": {"id": "MIT", "acknowledgement": "declared"}}])
    );
    assert_eq!(cyclonedx["compositions"][0]["aggregate"], "incomplete");
    assert_eq!(
        cyclonedx["metadata"]["properties"][0]["value"],
        "/bin/x: a sparse file, which is not read"
    );

    let table = text(&document, Format::Table);
    assert!(table.contains("na\u{fffd}[31mme\"\u{fffd}  1\u{fffd}2") && !table.contains('\u{1b}'));
}

#[test]
fn everything_can_be_reached_from_the_root_of_cyclonedx() {
    for document in documents() {
        let written = json(&document, Format::CycloneDxJson);
        let mut on: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for dependency in written["dependencies"].as_array().unwrap() {
            let children = dependency["dependsOn"].as_array().unwrap();
            let children = children
                .iter()
                .map(|child| child.as_str().unwrap())
                .collect();
            let known = on.insert(dependency["ref"].as_str().unwrap(), children);
            assert!(known.is_none(), "one entry for each");
        }
        let root = written["metadata"]["component"]["bom-ref"]
            .as_str()
            .unwrap();
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut pending = vec![root];
        while let Some(next) = pending.pop() {
            if reached.insert(next) {
                pending.extend(on.get(next).into_iter().flatten());
            }
        }
        let mut all: BTreeSet<&str> = BTreeSet::from([root]);
        for component in written["components"].as_array().unwrap() {
            assert!(
                all.insert(component["bom-ref"].as_str().unwrap()),
                "references are unique"
            );
        }
        assert_eq!(reached, all);
    }
}

#[test]
fn cyclonedx_says_where_and_how_sure() {
    let document = document(image("go-mini"), scan("go-mini"));
    let written = json(&document, Format::CycloneDxJson);
    assert_eq!(written["metadata"]["timestamp"], "2026-01-02T03:04:05Z");
    assert_eq!(written["metadata"]["lifecycles"][0]["phase"], "post-build");
    let root = &written["metadata"]["component"];
    assert_eq!(
        (&root["type"], &root["version"]),
        (&json!("container"), &json!(root_digest(&document)))
    );
    assert_eq!(root["hashes"][0]["alg"], "SHA-256");
    let components = written["components"].as_array().unwrap();
    let main = components
        .iter()
        .find(|component| component["version"] == "v1.4.2")
        .unwrap();
    assert_eq!(main["type"], "application");
    assert_eq!(main["hashes"].as_array().unwrap().len(), 1);
    assert_eq!(
        main["evidence"]["occurrences"],
        json!([{"location": "/usr/bin/app"}])
    );
    assert_eq!(
        main["evidence"]["identity"][0]["methods"][0]["technique"],
        "binary-analysis"
    );
    let property = |name: &str| {
        let properties = main["properties"].as_array().unwrap();
        properties
            .iter()
            .find(|property| property["name"] == name)
            .map(|property| property["value"].clone())
    };
    assert_eq!(
        property("syft:location:0:path"),
        Some(json!("/usr/bin/app"))
    );
    assert!(property("syft:location:0:layerID").is_some());
    assert_eq!(property("syft:package:type"), Some(json!("go-module")));
    assert_eq!(property("countersign:go:build:GOOS"), Some(json!("linux")));
    // Modules are opaque: no entry in the graph, and said so.
    let module = components
        .iter()
        .find(|component| component["name"] == "gopkg.in/yaml.v3")
        .unwrap();
    let in_graph = written["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .any(|one| one["ref"] == module["bom-ref"]);
    assert!(!in_graph);
    let unknown = &written["compositions"][1];
    assert_eq!(unknown["aggregate"], "unknown");
    assert!(
        unknown["dependencies"]
            .as_array()
            .unwrap()
            .contains(&module["bom-ref"])
    );
}

#[test]
fn tables_and_package_urls_are_for_pipes() {
    let go = document(image("go-mini"), scan("go-mini"));
    let table = text(&go, Format::Table);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["NAME", "VERSION", "TYPE"]
    );
    assert!(lines.iter().any(|line| {
        line.split_whitespace()
            .eq(["stdlib", "1.26.8", "go-module"])
    }));
    assert_eq!(lines.len(), go.inventory.packages.len() + 1);
    let column = lines[0].find("TYPE").unwrap();
    assert!(
        lines[1..]
            .iter()
            .all(|line| line[column..].starts_with("go-module"))
    );
    let debian = text(
        &document(image("debian-mini"), scan("debian-mini")),
        Format::Table,
    );
    assert!(
        debian.contains("(+1 duplicate)"),
        "gcc-12-base is there for two architectures"
    );
    assert_eq!(
        text(&document(image("none"), empty()), Format::Table),
        "No packages discovered\n"
    );

    let purls = text(&go, Format::PackageUrls);
    let lines: Vec<&str> = purls.lines().collect();
    assert!(lines.is_sorted() && lines.contains(&"pkg:golang/stdlib@1.26.8"));
    assert_eq!(lines.len(), go.inventory.packages.len());
}

/// What an image may say of a package, in every field that reaches a document.
fn any_package() -> impl Strategy<Value = Package> {
    let texts = prop::collection::vec(any::<String>(), 10);
    let word = "[ -~äß\\n]{0,20}";
    (
        texts,
        prop::collection::vec(word, 3),
        any::<bool>(),
        0_u8..3,
    )
        .prop_map(|(texts, licenses, is_person, presence)| {
            let kind = [PackageKind::Npm, PackageKind::Golang, PackageKind::Generic]
                [usize::from(presence)];
            let mut package = Package::new(kind, &*texts[0], Some(texts[1].clone()), "test");
            package.purl = PackageUrl::of_path(kind, &texts[0]).map(|purl| {
                purl.with_version(Some(&texts[1]))
                    .with_qualifier("arch", &texts[2])
                    .with_subpath(&texts[3])
            });
            package.presence = [Presence::Installed, Presence::Embedded, Presence::Declared]
                [usize::from(presence)];
            package.licenses = licenses
                .iter()
                .filter_map(|text| License::declared(text))
                .collect();
            package.supplier = Some(Party {
                name: texts[4].clone(),
                email: Some(texts[5].clone()),
                url: Some(format!("https://{}", texts[6])),
                kind: if is_person {
                    PartyKind::Person
                } else {
                    PartyKind::Organization
                },
            });
            package.homepage = Some(format!("http://{}", texts[7]));
            package.download_location = Some(format!("git+https://{}", texts[8]));
            package.description = Some(texts[9].clone());
            package.copyright = Some(texts[0].clone());
            package.locations = vec![Location {
                path: texts[2].clone(),
                layer: None,
            }];
            package.properties = BTreeMap::from([(texts[3].clone(), texts[4].clone())]);
            package
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_an_image_says_the_documents_are_valid(
        packages in prop::collection::vec(any_package(), 1..4),
        edges in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..3, any::<prop::sample::Index>()), 0..6),
    ) {
        let kinds = [RelationshipKind::DependsOn, RelationshipKind::Contains, RelationshipKind::OwnedBy];
        let packages: BTreeMap<_, _> = packages.into_iter().map(|package| (package.id(), package)).collect();
        let ids: Vec<_> = packages.keys().copied().collect();
        let relationships: BTreeSet<Relationship> = edges
            .into_iter()
            .map(|(from, kind, to)| Relationship {
                from: *from.get(&ids),
                kind: kinds[usize::from(kind)],
                to: *to.get(&ids),
            })
            .filter(|edge| edge.from != edge.to)
            .collect();
        let inventory = Inventory {
            packages: packages.into_values().collect(),
            relationships: relationships.into_iter().collect(),
            ..empty()
        };
        let document = document(image("any"), inventory);
        schema::hold(&SPDX, &json(&document, Format::SpdxJson));
        schema::hold(&CYCLONEDX, &json(&document, Format::CycloneDxJson));
        let table = text(&document, Format::Table);
        prop_assert!(table.chars().all(|c| c == '\n' || !c.is_control()));
    }
}

static SPDX: LazyLock<Validator> = LazyLock::new(schema::spdx);
static CYCLONEDX: LazyLock<Validator> = LazyLock::new(schema::cyclonedx);
