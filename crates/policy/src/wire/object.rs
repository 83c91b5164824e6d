//! What all objects share: group, version, kind, metadata.

use serde_json::{Map, Value};

use super::GROUP;
use super::decode::{Decode, DecodeError, Place};
use crate::yaml::{Position, Step, YamlError};

/// A version of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// `v1alpha1`, which API servers store.
    V1Alpha1,
    /// `v1beta1`.
    V1Beta1,
}

impl Version {
    /// `v1alpha1` or `v1beta1`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1Alpha1 => "v1alpha1",
            Self::V1Beta1 => "v1beta1",
        }
    }

    /// Reads `v1alpha1` or `v1beta1`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::V1Alpha1, Self::V1Beta1]
            .into_iter()
            .find(|version| version.as_str() == text)
    }
}

/// An object of the group whose kind and version are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The version.
    pub version: Version,
    /// `ClusterImagePolicy` or `TrustRoot`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// The whole object.
    pub value: Value,
}

/// Why a text holds no objects of ours.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ObjectError {
    /// Not YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// Not an object with a kind.
    #[error("line {}: expected an object with apiVersion and kind", .0.line)]
    NoKind(Position),
    /// Another kind or version.
    #[error("unhandled kind: {api_version}, Kind={kind}")]
    UnhandledKind {
        /// `apiVersion`.
        api_version: String,
        /// `kind`.
        kind: String,
    },
    /// Does not fit its type.
    #[error("{name}: line {}, column {}: {error}", .at.line, .at.column)]
    Decode {
        /// The object's name.
        name: String,
        /// Where.
        at: Position,
        /// What.
        error: DecodeError,
        /// The version, which Go's words need.
        version: Version,
    },
}

impl Object {
    /// Looks at kind, version and name of a value.
    pub fn identify(value: Value) -> Result<Self, ObjectError> {
        let text = |name: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let version = api_version
            .strip_prefix(GROUP)
            .and_then(|rest| rest.strip_prefix('/'))
            .and_then(Version::parse);
        let known = match (kind.as_str(), version) {
            ("ClusterImagePolicy", Some(version)) => Some(version),
            ("TrustRoot", Some(Version::V1Alpha1)) => Some(Version::V1Alpha1),
            _ => None,
        };
        let Some(version) = known else {
            return Err(ObjectError::UnhandledKind { api_version, kind });
        };
        let name = value
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        Ok(Self {
            version,
            kind,
            name: name.to_owned(),
            value,
        })
    }
}

/// Decodes the parts that every object has.
pub(super) fn spec_of<T: Decode + Default>(
    object: &Object,
    place: &mut Place,
    kind: &'static str,
) -> Result<(Value, T, Value), DecodeError> {
    let empty = Map::new();
    let fields = object.value.as_object().unwrap_or(&empty);
    let mut metadata = Value::Object(Map::new());
    let (mut spec, mut status) = (T::default(), Value::Object(Map::new()));
    for (name, value) in fields {
        place.owner = kind;
        match name.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => metadata = place.step::<Metadata>(Step::Field(name.clone()), value)?.0,
            "spec" => spec = place.step(Step::Field(name.clone()), value)?,
            "status" => status = place.step::<Status>(Step::Field(name.clone()), value)?.0,
            _ => place.unknown_field(name)?,
        }
    }
    Ok((metadata, spec, status))
}

/// ObjectMeta: kept as it came, its field names checked.
struct Metadata(Value);

impl Decode for Metadata {
    fn go_type() -> String {
        "v1.ObjectMeta".to_owned()
    }

    fn decode(value: &Value, place: &mut Place) -> Result<Self, DecodeError> {
        let fields = match value {
            Value::Object(fields) => fields,
            Value::Null => return Ok(Self(Value::Object(Map::new()))),
            other => return Err(place.wrong::<Self>(other)),
        };
        let mut kept = fields.clone();
        for (name, value) in fields {
            place.owner = "ObjectMeta";
            let step = Step::Field(name.clone());
            match name.as_str() {
                "labels" | "annotations" => {
                    place.step::<std::collections::BTreeMap<String, String>>(step, value)?;
                }
                "name" | "namespace" | "generateName" | "uid" | "resourceVersion" | "selfLink" => {
                    place.step::<String>(step, value)?;
                }
                "finalizers" => drop(place.step::<Vec<String>>(step, value)?),
                "generation"
                | "creationTimestamp"
                | "deletionTimestamp"
                | "ownerReferences"
                | "deletionGracePeriodSeconds"
                | "managedFields" => {}
                _ => {
                    place.unknown_field(name)?;
                    kept.remove(name);
                }
            }
        }
        Ok(Self(Value::Object(kept)))
    }
}

/// The status is for readers; nothing here depends on it.
struct Status(Value);

impl Decode for Status {
    fn go_type() -> String {
        "v1.Status".to_owned()
    }

    fn decode(value: &Value, place: &mut Place) -> Result<Self, DecodeError> {
        match value {
            Value::Object(_) => Ok(Self(with_transition_times(value.clone()))),
            Value::Null => Ok(Self(Value::Object(Map::new()))),
            other => Err(place.wrong::<Self>(other)),
        }
    }
}

/// Upstream decodes conditions into structs and writes them again: a time that is absent comes out as
/// `null` (recorded in the conversions of a real API server).
fn with_transition_times(mut status: Value) -> Value {
    let conditions = status.get_mut("conditions").and_then(Value::as_array_mut);
    for condition in conditions
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        condition.entry("lastTransitionTime").or_insert(Value::Null);
    }
    status
}
