//! Objects through defaulting, validation and conversion: `cip.jsonl`.

use countersign_policy::field_error::Level;
use countersign_policy::validation::{self, EmptyAuthorities, SYSTEM_NAMESPACE};
use countersign_policy::wire::{ClusterImagePolicy, Object, TrustRoot, UnknownFields, Version};
use countersign_policy::{FieldErrors, yaml};
use serde_json::{Map, Value, json};

use crate::vectors::{Tally, lines, text};

#[test]
fn objects_are_refused_as_upstream_refuses_them() {
    let mut tally = Tally::new(DIFFERENT);
    for line in lines("cip.jsonl")
        .iter()
        .filter(|line| text(line, "op") == "validate")
    {
        let ours = match validated(line) {
            Err(error) => format!("reject\n{error}\n"),
            Ok((findings, _)) => {
                let errors = findings.of(Level::Error);
                let warnings = findings.of(Level::Warning);
                let result = if errors.is_empty() {
                    "accept"
                } else {
                    "reject"
                };
                let failed = if errors.is_empty() {
                    ""
                } else {
                    "validation failed: "
                };
                format!("{result}\n{failed}{errors}\n{warnings}")
            }
        };
        let upstream = format!(
            "{}\n{}\n{}",
            text(line, "result"),
            text(line, "error"),
            text(line, "warning")
        );
        if let Some(expected) = line["expected_of_us"].as_str() {
            assert!(
                expected.starts_with(ours.lines().next().unwrap()),
                "{ours}, expected {expected}"
            );
            continue;
        }
        tally.compare(text(line, "name"), &ours, &upstream);
    }
    tally.finish("cip, validation");
}

#[test]
fn defaults_are_upstreams() {
    let mut tally = Tally::new(OTHER_DEFAULTS);
    let lines = lines("cip.jsonl");
    let accepted = lines.iter().filter(|line| {
        text(line, "op") == "validate"
            && text(line, "result") == "accept"
            && !line["output"].is_null()
            && !text(line, "expected_of_us").starts_with("reject")
            && text(line, "operation") != "DELETE"
    });
    for line in accepted {
        let Ok((_, object)) = validated(line) else {
            tally.compare(text(line, "name"), "not decoded", "decoded");
            continue;
        };
        let upstream = meaningful(&line["output"]).to_string();
        tally.compare(
            text(line, "name"),
            &meaningful(&object).to_string(),
            &upstream,
        );
    }
    tally.finish("cip, defaults");
}

#[test]
fn nothing_is_lost_between_versions() {
    let mut tally = Tally::new(KEPT);
    for line in lines("cip.jsonl")
        .iter()
        .filter(|line| text(line, "op") == "convert")
    {
        let node = &yaml::parse(text(line, "object")).unwrap()[0];
        let object = Object::identify(node.to_value()).unwrap();
        let mut policy = ClusterImagePolicy::decode(&object, UnknownFields::Drop).unwrap();
        for version in text(line, "to").split(',') {
            policy = policy.convert(Version::parse(version).unwrap());
        }
        let upstream = meaningful(&line["output"]).to_string();
        tally.compare(
            text(line, "name"),
            &meaningful(&policy.to_value()).to_string(),
            &upstream,
        );
    }
    tally.finish("cip, conversion");
}

/// The defaulted object and what is wrong with it, or why it could not be read.
fn validated(line: &Value) -> Result<(FieldErrors, Value), String> {
    let nodes = yaml::parse(text(line, "object")).map_err(|error| error.to_string())?;
    let value = nodes.first().map(yaml::Node::to_value).unwrap_or_default();
    let (api_version, kind) = (text(&value, "apiVersion"), text(&value, "kind"));
    let unhandled = format!("mutation failed: unhandled kind: {api_version}, Kind={kind}");
    let object = Object::identify(value.clone()).map_err(|_| unhandled)?;
    let undecodable = |error: countersign_policy::wire::DecodeError| {
        format!(
            "mutation failed: cannot decode incoming new object: {}",
            error.in_go(object.version.as_str())
        )
    };
    let stored = text(&line["config"], "fail-on-empty-authorities") == "false";
    let empty = if stored {
        EmptyAuthorities::Stored
    } else {
        EmptyAuthorities::Refused
    };
    let is_status = text(line, "subresource") == "status" || text(line, "operation") == "DELETE";
    let found = |findings| {
        if is_status {
            FieldErrors::none()
        } else {
            findings
        }
    };
    if object.kind == "TrustRoot" {
        let mut root = TrustRoot::decode(&object, UnknownFields::Refuse).map_err(undecodable)?;
        root.set_defaults();
        return Ok((found(validation::trust_root(&root)), root.to_value()));
    }
    let mut policy =
        ClusterImagePolicy::decode(&object, UnknownFields::Refuse).map_err(undecodable)?;
    policy.set_defaults();
    let findings = validation::cluster_image_policy(&policy, empty, SYSTEM_NAMESPACE);
    Ok((found(findings), policy.to_value()))
}

/// The value without `status`, nulls and empty objects, which count for nothing.
fn meaningful(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| *name != "status");
            let kept = kept.map(|(name, value)| (name.clone(), meaningful(value)));
            let kept = kept.filter(|(_, value)| !value.is_null() && *value != json!({}));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        Value::Array(elements) => elements.iter().map(meaningful).collect(),
        other => other.clone(),
    }
}

const DIFFERENT: &[(&str, &str)] = &[];
const OTHER_DEFAULTS: &[(&str, &str)] = &[];
const KEPT: &[(&str, &str)] = &[(
    "convert/ctlog-only-trustroot",
    "upstream loses `ctlog`, and with it the check of the log",
)];
