//! Predicates, read from what the user gives as cosign reads them.
//!
//! Some types have a schema: cosign keeps the fields it knows, and drops the others. Such a schema is
//! data here.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde_json::{Map, Value, json};

use crate::predicate_type::{Kind, PredicateType};

/// Why a file is not a predicate of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PredicateError {
    /// It is larger than the cap.
    #[error("a predicate has at most {limit} bytes, found {found}")]
    TooLarge {
        /// The cap.
        limit: usize,
        /// The size.
        found: usize,
    },
    /// It is not text.
    #[error("the predicate is not text in UTF-8")]
    NotText,
    /// It is not JSON.
    #[error("the predicate is not JSON: line {line}, column {column}")]
    NotJson {
        /// Where reading stopped.
        line: usize,
        /// Where reading stopped.
        column: usize,
    },
    /// It is JSON, but not an object.
    #[error("a predicate of this type must be a JSON object")]
    NotAnObject,
    /// A required field is missing.
    #[error("required field {field} missing")]
    FieldMissing {
        /// Its name.
        field: &'static str,
    },
    /// A field has another kind of value than its type asks for.
    #[error("the field {field} must be {expected}")]
    Field {
        /// Where it is.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
}

/// Reads `content` as a predicate of this type.
pub(super) fn read(
    predicate_type: &PredicateType,
    content: &[u8],
    now: Timestamp,
) -> Result<Value, PredicateError> {
    if content.len() > MAXIMAL_SIZE {
        return Err(PredicateError::TooLarge {
            limit: MAXIMAL_SIZE,
            found: content.len(),
        });
    }
    match predicate_type.kind() {
        Kind::Custom => Ok(json!({ "Data": text(content)?, "Timestamp": seconds(now) })),
        Kind::SpdxText => Ok(Value::from(text(content)?)),
        Kind::Json => json(content),
        Kind::Other => object(content).map(Value::Object),
        Kind::Slsa02 => shape(content, SLSA_02),
        Kind::Slsa1 => shape(content, SLSA_1),
        Kind::Link => link(content),
        Kind::Vulnerabilities => vulnerabilities(content),
    }
}

fn text(content: &[u8]) -> Result<&str, PredicateError> {
    std::str::from_utf8(content).map_err(|_| PredicateError::NotText)
}

fn json(content: &[u8]) -> Result<Value, PredicateError> {
    serde_json::from_slice(content).map_err(|error| PredicateError::NotJson {
        line: error.line(),
        column: error.column(),
    })
}

fn object(content: &[u8]) -> Result<Map<String, Value>, PredicateError> {
    match json(content)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(PredicateError::NotAnObject),
    }
}

fn shape(content: &[u8], fields: Fields) -> Result<Value, PredicateError> {
    Ok(Value::Object(keep(&object(content)?, fields, "")?))
}

/// A link has all of its fields, else it is not one (cosign's `checkRequiredJSONFields`).
fn link(content: &[u8]) -> Result<Value, PredicateError> {
    let found = object(content)?;
    for (field, _) in LINK {
        if !found.contains_key(*field) {
            return Err(PredicateError::FieldMissing { field });
        }
    }
    let mut kept = Map::new();
    for (field, kind) in LINK {
        let value = &found[*field];
        check(value, kind, field)?;
        kept.insert((*field).to_owned(), value.clone());
    }
    Ok(Value::Object(kept))
}

/// Every field is written, absent ones with Go's empty value.
fn vulnerabilities(content: &[u8]) -> Result<Value, PredicateError> {
    let found = object(content)?;
    let at = |path: &[&str]| {
        let (first, rest) = path.split_first()?;
        rest.iter()
            .try_fold(found.get(*first)?, |value, name| value.get(*name))
    };
    let text = |path: &[&str]| match at(path) {
        None | Some(Value::Null) => Ok(Value::from("")),
        Some(Value::String(text)) => Ok(Value::from(text.as_str())),
        Some(_) => Err(PredicateError::Field {
            field: path.join("."),
            expected: "text",
        }),
    };
    let any = |path: &[&str]| at(path).cloned().unwrap_or(Value::Null);
    let time = |path: &[&str]| match at(path) {
        None | Some(Value::Null) => Ok(Value::from("0001-01-01T00:00:00Z")),
        Some(value) => check(value, &Field::Time, &path.join(".")).map(|()| value.clone()),
    };
    Ok(json!({
        "invocation": {
            "parameters": any(&["invocation", "parameters"]),
            "uri": text(&["invocation", "uri"])?,
            "event_id": text(&["invocation", "event_id"])?,
            "builder.id": text(&["invocation", "builder.id"])?,
        },
        "scanner": {
            "uri": text(&["scanner", "uri"])?,
            "version": text(&["scanner", "version"])?,
            "db": {
                "uri": text(&["scanner", "db", "uri"])?,
                "version": text(&["scanner", "db", "version"])?,
            },
            "result": any(&["scanner", "result"]),
        },
        "metadata": {
            "scanStartedOn": time(&["metadata", "scanStartedOn"])?,
            "scanFinishedOn": time(&["metadata", "scanFinishedOn"])?,
        },
    }))
}

/// Keeps the known fields that are not empty.
fn keep(
    found: &Map<String, Value>,
    fields: Fields,
    path: &str,
) -> Result<Map<String, Value>, PredicateError> {
    let mut kept = Map::new();
    for (name, kind) in fields {
        let Some(value) = found.get(*name) else {
            continue;
        };
        let path = if path.is_empty() {
            (*name).to_owned()
        } else {
            format!("{path}.{name}")
        };
        if is_empty(value) {
            continue;
        }
        check(value, kind, &path)?;
        let value = match (kind, value) {
            (Field::Object(fields), Value::Object(inner)) => {
                Value::Object(keep(inner, fields, &path)?)
            }
            (Field::Objects(fields), Value::Array(items)) => {
                let keep_one = |item: &Value| match item {
                    Value::Object(inner) => keep(inner, fields, &path).map(Value::Object),
                    _ => Err(PredicateError::Field {
                        field: path.clone(),
                        expected: "objects",
                    }),
                };
                Value::Array(items.iter().map(keep_one).collect::<Result<_, _>>()?)
            }
            _ => value.clone(),
        };
        kept.insert((*name).to_owned(), value);
    }
    Ok(kept)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn check(value: &Value, kind: &Field, field: &str) -> Result<(), PredicateError> {
    let (fits, expected) = match kind {
        Field::Any => (true, "anything"),
        Field::Text => (value.is_string(), "text"),
        Field::Truth => (value.is_boolean(), "true or false"),
        Field::Time => {
            let time = value
                .as_str()
                .and_then(|text| text.parse::<Timestamp>().ok());
            (time.is_some(), "a time")
        }
        Field::Map | Field::Object(_) => (value.is_object() || value.is_null(), "an object"),
        Field::List | Field::Objects(_) => (value.is_array() || value.is_null(), "a list"),
    };
    if fits {
        Ok(())
    } else {
        Err(PredicateError::Field {
            field: field.to_owned(),
            expected,
        })
    }
}

/// RFC 3339 in whole seconds, as Go writes it.
fn seconds(time: Timestamp) -> String {
    let printer = DateTimePrinter::new().precision(Some(0));
    printer.timestamp_to_string(&time)
}

type Fields = &'static [(&'static str, Field)];

enum Field {
    Any,
    Text,
    Truth,
    Time,
    Map,
    List,
    Object(Fields),
    Objects(Fields),
}

/// <https://slsa.dev/spec/v0.2/provenance>
const SLSA_02: Fields = &[
    ("builder", Field::Object(&[("id", Field::Text)])),
    ("buildType", Field::Text),
    (
        "invocation",
        Field::Object(&[
            (
                "configSource",
                Field::Object(&[
                    ("uri", Field::Text),
                    ("digest", Field::Map),
                    ("entryPoint", Field::Text),
                ]),
            ),
            ("parameters", Field::Any),
            ("environment", Field::Any),
        ]),
    ),
    ("buildConfig", Field::Any),
    (
        "metadata",
        Field::Object(&[
            ("buildInvocationId", Field::Text),
            ("buildStartedOn", Field::Time),
            ("buildFinishedOn", Field::Time),
            (
                "completeness",
                Field::Object(&[
                    ("parameters", Field::Truth),
                    ("environment", Field::Truth),
                    ("materials", Field::Truth),
                ]),
            ),
            ("reproducible", Field::Truth),
        ]),
    ),
    (
        "materials",
        Field::Objects(&[("uri", Field::Text), ("digest", Field::Map)]),
    ),
];

/// <https://slsa.dev/spec/v1.0/provenance>
const SLSA_1: Fields = &[
    (
        "buildDefinition",
        Field::Object(&[
            ("buildType", Field::Text),
            ("externalParameters", Field::Any),
            ("internalParameters", Field::Any),
            ("resolvedDependencies", Field::Objects(RESOURCE)),
        ]),
    ),
    (
        "runDetails",
        Field::Object(&[
            (
                "builder",
                Field::Object(&[
                    ("id", Field::Text),
                    ("version", Field::Map),
                    ("builderDependencies", Field::Objects(RESOURCE)),
                ]),
            ),
            (
                "metadata",
                Field::Object(&[
                    ("invocationId", Field::Text),
                    ("startedOn", Field::Time),
                    ("finishedOn", Field::Time),
                ]),
            ),
            ("byproducts", Field::Objects(RESOURCE)),
        ]),
    ),
];

const RESOURCE: Fields = &[
    ("uri", Field::Text),
    ("digest", Field::Map),
    ("name", Field::Text),
    ("downloadLocation", Field::Text),
    ("mediaType", Field::Text),
    ("content", Field::Text),
    ("annotations", Field::Map),
];

/// <https://in-toto.io/Link/v1>
const LINK: Fields = &[
    ("_type", Field::Text),
    ("name", Field::Text),
    ("materials", Field::Map),
    ("products", Field::Map),
    ("byproducts", Field::Map),
    ("command", Field::List),
    ("environment", Field::Map),
];

/// cosign's cap for attachments.
const MAXIMAL_SIZE: usize = 128 << 20;
