//! Predicate types, and the statement as an attestation's rule sees it.
//!
//! cosign decodes a statement into Go structs and encodes it again before a rule sees it: fields that
//! the struct lacks vanish, fields that it has appear, numbers pass through `float64`. Rules in use
//! were written against that.

use serde_json::{Map, Value};

use crate::go_json;
use crate::go_shape::Shape;

/// A predicate type as a policy names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredicateType {
    written: String,
}

/// Why a statement cannot be shown to a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not JSON.
    #[error("unmarshal payload: {0}")]
    NotJson(String),
    /// Not a statement, or not one of the type the policy names.
    #[error("unmarshaling into {type_name}: `{path}` is not {expected}")]
    Shape {
        /// The type.
        type_name: &'static str,
        /// The field.
        path: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl PredicateType {
    /// Takes a URI, or one of cosign's short names.
    #[must_use]
    pub fn new(written: &str) -> Self {
        Self {
            written: written.to_owned(),
        }
    }

    /// As the policy has it.
    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// The URI that a statement carries.
    #[must_use]
    pub fn uri(&self) -> &str {
        match self.written.as_str() {
            "custom" => "https://cosign.sigstore.dev/attestation/v1",
            "slsaprovenance" | "slsaprovenance02" => "https://slsa.dev/provenance/v0.2",
            "slsaprovenance1" => "https://slsa.dev/provenance/v1",
            "spdx" | "spdxjson" => "https://spdx.dev/Document",
            "cyclonedx" => "https://cyclonedx.org/bom",
            "link" => "https://in-toto.io/Link/v1",
            "vuln" => "https://cosign.sigstore.dev/attestation/vuln/v1",
            "openvex" => "https://openvex.dev/ns",
            uri => uri,
        }
    }

    /// Whether cosign reads such statements into a type of their own, so that one may not fit.
    #[must_use]
    pub fn is_typed(&self) -> bool {
        matches!(
            self.written.as_str(),
            "link" | "slsaprovenance" | "slsaprovenance02" | "vuln"
        )
    }

    /// The statement in `payload` as a rule sees it.
    pub fn statement_for_rule(&self, payload: &[u8]) -> Result<Vec<u8>, StatementError> {
        let text = std::str::from_utf8(payload)
            .map_err(|_| StatementError::NotJson("the payload is not UTF-8".to_owned()))?;
        let json = go_json::parse(text).map_err(StatementError::NotJson)?;
        let (type_name, predicate): (_, &Shape) = match self.written.as_str() {
            "link" => ("in_toto.LinkStatement", &LINK),
            "slsaprovenance" | "slsaprovenance02" => {
                ("in_toto.ProvenanceStatementSLSA02", &SLSA_02)
            }
            "vuln" => ("attestation.CosignVulnStatement", &VULN),
            _ => ("in_toto.Statement", &Shape::Any),
        };
        let mut path = Vec::new();
        let mut encode = |shape: &Shape, name: &'static str| {
            path.clear();
            path.push(name);
            shape
                .encode(json.field(name), &mut path)
                .map_err(|expected| StatementError::Shape {
                    type_name,
                    path: path.join("."),
                    expected,
                })
        };
        let mut statement = Map::new();
        statement.insert("_type".to_owned(), encode(&Shape::Text, "_type")?);
        statement.insert(
            "predicateType".to_owned(),
            encode(&Shape::Text, "predicateType")?,
        );
        statement.insert("subject".to_owned(), encode(&SUBJECT, "subject")?);
        statement.insert("predicate".to_owned(), encode(predicate, "predicate")?);
        Ok(Value::Object(statement).to_string().into_bytes())
    }
}

const ANY_MAP: Shape = Shape::Map(&Shape::Any);
const DIGESTS: Shape = Shape::Map(&Shape::Text);

static SUBJECT: Shape = Shape::List(&Shape::Struct(&[
    ("name", Shape::Text, false),
    ("digest", DIGESTS, false),
]));

static VULN: Shape = Shape::Struct(&[
    (
        "invocation",
        Shape::Struct(&[
            ("parameters", Shape::Any, false),
            ("uri", Shape::Text, false),
            ("event_id", Shape::Text, false),
            ("builder.id", Shape::Text, false),
        ]),
        false,
    ),
    (
        "scanner",
        Shape::Struct(&[
            ("uri", Shape::Text, false),
            ("version", Shape::Text, false),
            (
                "db",
                Shape::Struct(&[("uri", Shape::Text, false), ("version", Shape::Text, false)]),
                false,
            ),
            ("result", ANY_MAP, false),
        ]),
        false,
    ),
    (
        "metadata",
        Shape::Struct(&[
            ("scanStartedOn", Shape::Time, false),
            ("scanFinishedOn", Shape::Time, false),
        ]),
        false,
    ),
]);

static LINK: Shape = Shape::Struct(&[
    ("_type", Shape::Text, false),
    ("name", Shape::Text, false),
    ("materials", ANY_MAP, false),
    ("products", ANY_MAP, false),
    ("byproducts", ANY_MAP, false),
    ("command", Shape::List(&Shape::Text), false),
    ("environment", ANY_MAP, false),
]);

static SLSA_02: Shape = Shape::Struct(&[
    (
        "builder",
        Shape::Struct(&[("id", Shape::Text, false)]),
        false,
    ),
    ("buildType", Shape::Text, false),
    (
        "invocation",
        Shape::Struct(&[
            (
                "configSource",
                Shape::Struct(&[
                    ("uri", Shape::Text, true),
                    ("digest", DIGESTS, true),
                    ("entryPoint", Shape::Text, true),
                ]),
                false,
            ),
            ("parameters", Shape::Any, true),
            ("environment", Shape::Any, true),
        ]),
        false,
    ),
    ("buildConfig", Shape::Any, true),
    (
        "metadata",
        Shape::Struct(&[
            ("buildInvocationID", Shape::Text, true),
            ("buildStartedOn", Shape::Time, true),
            ("buildFinishedOn", Shape::Time, true),
            (
                "completeness",
                Shape::Struct(&[
                    ("parameters", Shape::Flag, false),
                    ("environment", Shape::Flag, false),
                    ("materials", Shape::Flag, false),
                ]),
                false,
            ),
            ("reproducible", Shape::Flag, false),
        ]),
        true,
    ),
    (
        "materials",
        Shape::List(&Shape::Struct(&[
            ("uri", Shape::Text, true),
            ("digest", DIGESTS, true),
        ])),
        true,
    ),
]);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn seen(written: &str, statement: &str) -> Value {
        let bytes = PredicateType::new(written)
            .statement_for_rule(statement.as_bytes())
            .unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_uri_is_decoded_generically() {
        let statement = r#"{"_type":"t","predicateType":"p","extra":1,"subject":[{"name":"n","digest":{"sha256":"00"},"uri":"u"}],"predicate":{"big":9007199254740993,"one":1.0}}"#;
        assert_eq!(
            seen("https://example.test/x", statement),
            json!({"_type": "t", "predicateType": "p", "subject": [{"name": "n", "digest": {"sha256": "00"}}],
                   "predicate": {"big": 9_007_199_254_740_992_i64, "one": 1}})
        );
    }

    #[test]
    fn what_is_a_pointer_in_go_may_be_absent() {
        let slsa = |predicate: &str| {
            seen(
                "slsaprovenance",
                &format!(r#"{{"predicateType":"p","predicate":{predicate}}}"#),
            )
        };
        let predicate = &slsa("{}")["predicate"];
        assert_eq!(
            predicate,
            &json!({"builder": {"id": ""}, "buildType": "", "invocation": {"configSource": {}}})
        );
        let predicate = &slsa(r#"{"buildConfig": {}, "metadata": {}}"#)["predicate"];
        assert_eq!(predicate["buildConfig"], json!({}));
        assert_eq!(predicate["metadata"]["reproducible"], false);
    }

    #[test]
    fn an_alias_gives_the_struct() {
        let statement = r#"{"predicateType":"p","predicate":{"scanner":{"uri":"s","unknown":1}}}"#;
        let vuln = seen("vuln", statement);
        assert_eq!(
            vuln["predicate"]["scanner"],
            json!({"uri": "s", "version": "", "db": {"uri": "", "version": ""}, "result": null})
        );
        assert_eq!(vuln["predicate"]["invocation"]["builder.id"], "");
        let wrong = r#"{"predicate":{"scanner":{"uri":5}}}"#;
        let error = PredicateType::new("vuln")
            .statement_for_rule(wrong.as_bytes())
            .unwrap_err();
        assert!(
            matches!(error, StatementError::Shape { path, .. } if path == "predicate.scanner.uri")
        );
    }
}
