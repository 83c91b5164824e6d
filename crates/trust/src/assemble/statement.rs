//! In-toto statements.

use std::collections::BTreeMap;

use countersign_artifact::Digest;
use jiff::Timestamp;
use serde_json::Value;

use super::payload::go_escaped;
use super::predicate::{self, PredicateError};
use super::protobuf_json::Json;
use crate::predicate_type::PredicateType;
use crate::statement::COSIGN_SIGN;

/// Makes the statement that `cosign sign` signs: the image with this digest is ours.
#[must_use]
pub fn image_signature_statement(
    digest: &Digest,
    annotations: &BTreeMap<String, String>,
) -> Vec<u8> {
    let annotations = annotations
        .iter()
        .map(|(name, value)| (name.clone(), Json::text(value)))
        .collect();
    let subject = Json::object([
        ("digest", digest_of(digest)),
        ("annotations", Json::Object(annotations)),
    ]);
    Json::object([
        ("_type", Json::text(STATEMENT_V1)),
        ("subject", Json::List(vec![subject])),
        ("predicateType", Json::text(COSIGN_SIGN)),
        ("predicate", Json::object([])),
    ])
    .into_bytes()
}

/// Makes the statement that `cosign attest` signs: `predicate`, read as its type asks, about the
/// artifact with this name and digest. `now` goes into custom predicates.
pub fn attestation_statement(
    subject_name: &str,
    digest: &Digest,
    predicate_type: &PredicateType,
    predicate: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, PredicateError> {
    let predicate = predicate::read(predicate_type, predicate, now)?;
    if !predicate.is_object() {
        return Ok(without_struct(
            subject_name,
            digest,
            predicate_type,
            &predicate,
        ));
    }
    let subject = Json::object([
        ("name", Json::text(subject_name)),
        ("digest", digest_of(digest)),
    ]);
    Ok(Json::object([
        ("_type", Json::text(STATEMENT_V01)),
        ("subject", Json::List(vec![subject])),
        ("predicateType", Json::text(predicate_type.uri())),
        ("predicate", Json::of_value(&predicate)),
    ])
    .into_bytes())
}

/// protobuf's statement only takes objects. For all else (SPDX as text) cosign falls back on Go's plain
/// JSON.
fn without_struct(
    subject_name: &str,
    digest: &Digest,
    predicate_type: &PredicateType,
    predicate: &Value,
) -> Vec<u8> {
    let name = Value::from(subject_name);
    let uri = Value::from(predicate_type.uri());
    let (algorithm, hex) = (digest.algorithm(), digest.hex());
    let json = format!(
        r#"{{"_type":"{STATEMENT_V01}","predicate":{predicate},"predicateType":{uri},"subject":[{{"name":{name},"digest":{{"{algorithm}":"{hex}"}}}}]}}"#
    );
    go_escaped(&json).into_bytes()
}

fn digest_of(digest: &Digest) -> Json {
    Json::object([(digest.algorithm().as_str(), Json::Text(digest.hex()))])
}

/// Attestations have the old type still, in all versions of cosign.
const STATEMENT_V01: &str = "https://in-toto.io/Statement/v0.1";
const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";
