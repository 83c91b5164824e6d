//! In-toto statements: what an attestation says about which artifacts.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use countersign_artifact::Digest;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::StatementFault;

/// A statement whose signature holds.
#[derive(Clone, Debug)]
pub struct Statement {
    payload: Arc<Vec<u8>>,
    payload_type: String,
    statement_type: String,
    predicate_type: String,
    subjects: Vec<Subject>,
    /// Where the predicate stands in the payload, if there is one.
    predicate: Option<Range<usize>>,
}

/// An artifact that a statement is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    name: String,
    digests: Vec<Digest>,
    annotations: Map<String, Value>,
}

impl Statement {
    /// Reads a payload. Only a verified one may come here: there is no other maker.
    pub(crate) fn read(payload_type: &str, payload: &Arc<Vec<u8>>) -> Result<Self, StatementFault> {
        let wire: Wire<'_> = serde_json::from_slice(payload).map_err(|_| StatementFault::Syntax)?;
        let statement_type = wire.statement_type.ok_or(StatementFault::Type)?;
        if !STATEMENT_TYPES.contains(&statement_type.as_ref()) {
            return Err(StatementFault::Type);
        }
        let predicate_type = wire.predicate_type.unwrap_or_default();
        if predicate_type.is_empty() {
            return Err(StatementFault::NoPredicateType);
        }
        let subjects = wire.subject.unwrap_or_default();
        if subjects.is_empty() {
            return Err(StatementFault::NoSubject);
        }
        if subjects.len() > MAXIMAL_SUBJECTS {
            return Err(StatementFault::TooManySubjects);
        }
        let predicate = wire
            .predicate
            .and_then(|found| place_of(found.get(), payload));
        Ok(Self {
            payload: Arc::clone(payload),
            payload_type: payload_type.to_owned(),
            statement_type: statement_type.into_owned(),
            predicate_type: predicate_type.into_owned(),
            subjects: subjects
                .into_iter()
                .map(Subject::of)
                .collect::<Result<_, _>>()?,
            predicate,
        })
    }

    /// The signed bytes, as they came.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The type of the payload in the envelope.
    #[must_use]
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// `_type`: which version of the statement layer.
    #[must_use]
    pub fn statement_type(&self) -> &str {
        &self.statement_type
    }

    /// What kind of thing is said.
    #[must_use]
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// What it is said about.
    #[must_use]
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// What is said; `null` where nothing is.
    #[must_use]
    pub fn predicate(&self) -> &RawValue {
        let text = self
            .predicate
            .clone()
            .and_then(|place| self.payload.get(place));
        // It was read once already, as part of the payload.
        let value = text.and_then(|text| serde_json::from_slice(text).ok());
        value.unwrap_or(RawValue::NULL)
    }

    /// The subject that is `artifact`.
    pub(crate) fn subject_of(&self, artifact: &Digest) -> Option<&Subject> {
        self.subjects
            .iter()
            .find(|subject| subject.digests.contains(artifact))
    }
}

impl Subject {
    /// Its name, which may be empty. A name proves nothing about what has it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its digests of the kinds that are safe.
    #[must_use]
    pub fn digests(&self) -> &[Digest] {
        &self.digests
    }

    /// What the signer noted about it, `-a` of `cosign sign`.
    #[must_use]
    pub fn annotations(&self) -> &Map<String, Value> {
        &self.annotations
    }

    fn of(wire: WireSubject<'_>) -> Result<Self, StatementFault> {
        let found = wire.digest.unwrap_or_default().0;
        if found.len() > MAXIMAL_DIGESTS {
            return Err(StatementFault::TooManySubjects);
        }
        let mut digests = Vec::with_capacity(found.len());
        for (index, (algorithm, hex)) in found.iter().enumerate() {
            if found[..index].iter().any(|(other, _)| other == algorithm) {
                return Err(StatementFault::Digest);
            }
            // Other algorithms (sha1, gitCommit, ...) bind nothing here.
            if matches!(algorithm.as_ref(), "sha256" | "sha512") {
                let text = format!("{algorithm}:{}", hex.to_ascii_lowercase());
                digests.push(Digest::parse(&text).map_err(|_| StatementFault::Digest)?);
            }
        }
        Ok(Self {
            name: wire.name.unwrap_or_default().into_owned(),
            digests,
            annotations: wire.annotations.unwrap_or_default(),
        })
    }
}

/// Gives the place of `part`, which was borrowed from `whole`.
fn place_of(part: &str, whole: &[u8]) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let place = start..start.checked_add(part.len())?;
    (whole.get(place.clone())? == part.as_bytes()).then_some(place)
}

/// Looks for the predicate type of an unverified payload.
pub(crate) fn claimed_type(payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Claim {
        predicate_type: String,
    }
    serde_json::from_slice::<Claim>(payload)
        .ok()
        .map(|claim| claim.predicate_type)
}

/// A statement as it is written. Fields that are not known here are other people's, but no field may
/// be there twice: two readers could take different ones.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "_type", borrow)]
    statement_type: Option<std::borrow::Cow<'a, str>>,
    #[serde(rename = "predicateType", borrow)]
    predicate_type: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    subject: Option<Vec<WireSubject<'a>>>,
    #[serde(borrow)]
    predicate: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireSubject<'a> {
    #[serde(borrow)]
    name: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    digest: Option<Digests<'a>>,
    annotations: Option<Map<String, Value>>,
}

/// The digests of a subject in order, so that one that is there twice is seen.
#[derive(Default)]
struct Digests<'a>(Vec<(std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Digests<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Digests<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("digests by algorithm")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Digests<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Digests(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// What `cosign sign` of version 3 states.
pub(crate) const COSIGN_SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

const STATEMENT_TYPES: [&str; 2] = [
    "https://in-toto.io/Statement/v0.1",
    "https://in-toto.io/Statement/v1",
];

/// The caps of sigstore-go (pkg/verify/signature.go).
const MAXIMAL_SUBJECTS: usize = 1024;
const MAXIMAL_DIGESTS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn read(text: &str) -> Result<Statement, StatementFault> {
        Statement::read("t", &Arc::new(text.replace("HASH", HASH).into_bytes()))
    }

    #[test]
    fn both_versions_and_any_predicate() {
        for version in ["v0.1", "v1"] {
            for predicate in [r#"{"a": 1}"#, r#""text""#, "null", "[1.0]"] {
                let statement = read(&format!(
                    r#"{{"_type":"https://in-toto.io/Statement/{version}","predicateType":"p",
                    "subject":[{{"name":"n","digest":{{"sha256":"HASH","sha1":"x"}}}}],
                    "predicate": {predicate} }}"#
                ));
                let statement = statement.unwrap();
                assert_eq!(statement.predicate().get(), predicate);
                assert_eq!(statement.subjects()[0].digests(), [Digest::sha256_of(b"")]);
                assert!(statement.subject_of(&Digest::sha256_of(b"")).is_some());
                assert!(statement.subject_of(&Digest::sha256_of(b"x")).is_none());
            }
        }
    }

    #[test]
    fn no_predicate_is_null() {
        let statement = read(
            r#"{"_type":"https://in-toto.io/Statement/v1","predicateType":"p","subject":[{"digest":{}}]}"#,
        );
        assert_eq!(statement.unwrap().predicate().get(), "null");
    }

    #[test]
    fn what_is_no_statement() {
        let good = r#"{"_type":"https://in-toto.io/Statement/v1","predicateType":"p","subject":[{"digest":{"sha256":"HASH"}}]}"#;
        assert!(read(good).is_ok());
        let cases = [
            (
                r#""_type":"https://in-toto.io/Statement/v1","#,
                "",
                StatementFault::Type,
            ),
            ("Statement/v1", "Statement/v2", StatementFault::Type),
            (
                r#""predicateType":"p","#,
                "",
                StatementFault::NoPredicateType,
            ),
            (
                r#"[{"digest":{"sha256":"HASH"}}]"#,
                "[]",
                StatementFault::NoSubject,
            ),
            ("HASH", "abc", StatementFault::Digest),
            (
                r#""predicateType":"p""#,
                r#""predicateType":"p","predicateType":"q""#,
                StatementFault::Syntax,
            ),
            (
                r#""sha256":"HASH""#,
                r#""sha256":"HASH","sha256":"HASH""#,
                StatementFault::Digest,
            ),
        ];
        for (from, to, fault) in cases {
            assert_eq!(read(&good.replace(from, to)).unwrap_err(), fault, "{to}");
        }
    }
}
