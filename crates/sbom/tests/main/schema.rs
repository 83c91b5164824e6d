//! The official JSON schemas of the formats.

use std::fs;
use std::path::Path;

use jsonschema::{Registry, Validator};
use serde_json::Value;

/// SPDX 2.3.
pub(crate) fn spdx() -> Validator {
    options().build(&read("spdx-2.3.schema.json")).unwrap()
}

/// CycloneDX 1.6.
pub(crate) fn cyclonedx() -> Validator {
    let registry = Registry::new()
        .add(
            "http://cyclonedx.org/schema/spdx.schema.json",
            read("spdx-licenses.schema.json"),
        )
        .unwrap()
        .add(
            "http://cyclonedx.org/schema/jsf-0.82.schema.json",
            read("jsf-0.82.schema.json"),
        )
        .unwrap()
        .prepare()
        .unwrap();
    options()
        .with_registry(&registry)
        .build(&read("bom-1.6.schema.json"))
        .unwrap()
}

/// Says what is wrong with `document`, at most ten things.
#[track_caller]
pub(crate) fn hold(validator: &Validator, document: &Value) {
    let faults: Vec<String> = validator
        .iter_errors(document)
        .take(10)
        .map(|error| format!("{}: {error:.300}", error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

fn options<'a>() -> jsonschema::ValidationOptions<'a> {
    jsonschema::options()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(true)
}

fn read(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schema");
    let packed = fs::read(folder.join(format!("{name}.zst"))).unwrap();
    serde_json::from_slice(&zstd::decode_all(&packed[..]).unwrap()).unwrap()
}
