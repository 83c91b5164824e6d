//! Strict decoding of JSON values, with the path of what is wrong and Go's words for it.
//!
//! Upstream decodes with Go's `encoding/json` and `DisallowUnknownFields`; its texts reach users of
//! policy-tester, so they are given beside our own, which say the path.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::yaml::Step;

/// What to do with fields that a type does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownFields {
    /// They are an error: a misspelt field is a check that is not made.
    Refuse,
    /// They are left out, as an API server does when it converts between versions.
    Drop,
}

/// Why a value does not fit its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// There is no such field.
    #[error("unknown field `{}`", display_path(.path))]
    UnknownField {
        /// The whole path, the unknown name last.
        path: Vec<Step>,
    },
    /// Another type is expected.
    #[error("`{}` is a {found}, expected {}", display_path(.path), plain_type(.go_type))]
    WrongType {
        /// The whole path.
        path: Vec<Step>,
        /// What is there, in Go's words.
        found: &'static str,
        /// The Go type of the field.
        go_type: String,
        /// The Go struct that has the field, if any.
        owner: &'static str,
    },
    /// Not base64, where bytes are expected.
    #[error("`{}` is not base64", display_path(.path))]
    Base64 {
        /// The whole path.
        path: Vec<Step>,
    },
}

impl DecodeError {
    /// Where.
    #[must_use]
    pub fn path(&self) -> &[Step] {
        match self {
            Self::UnknownField { path } | Self::WrongType { path, .. } | Self::Base64 { path } => {
                path
            }
        }
    }

    /// What Go's decoder says; `version` is the package of the types.
    #[must_use]
    pub fn in_go(&self, version: &str) -> String {
        match self {
            Self::UnknownField { path } => {
                let field = path.iter().rev().find_map(|step| match step {
                    Step::Field(name) => Some(name.as_str()),
                    Step::Index(_) => None,
                });
                format!(
                    "json: unknown field {}",
                    crate::go_text::quote(field.unwrap_or_default())
                )
            }
            Self::WrongType {
                path,
                found,
                go_type,
                owner,
            } => {
                let fields = path.iter().filter_map(|step| match step {
                    Step::Field(name) => Some(name.as_str()),
                    Step::Index(_) => None,
                });
                let fields = fields.collect::<Vec<_>>().join(".");
                let go_type = go_type.replace("$v", version);
                if fields.is_empty() {
                    format!("json: cannot unmarshal {found} into Go value of type {go_type}")
                } else {
                    format!(
                        "json: cannot unmarshal {found} into Go struct field {owner}.{fields} of type {go_type}"
                    )
                }
            }
            Self::Base64 { .. } => "illegal base64 data at input byte 0".to_owned(),
        }
    }
}

/// `spec.authorities[0].name`
#[must_use]
pub fn display_path(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Field(name) if text.is_empty() => text.push_str(name),
            Step::Field(name) => {
                text.push('.');
                text.push_str(name);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

fn plain_type(go_type: &str) -> &str {
    match go_type {
        "string" => "a string",
        "bool" => "a boolean",
        list if list.starts_with("[]") => "a list",
        _ => "an object",
    }
}

/// Where the decoder is.
pub(crate) struct Place {
    pub(crate) path: Vec<Step>,
    pub(crate) owner: &'static str,
    pub(crate) unknown: UnknownFields,
}

impl Place {
    pub(crate) fn new(unknown: UnknownFields) -> Self {
        Self {
            path: Vec::new(),
            owner: "",
            unknown,
        }
    }

    pub(crate) fn wrong<T: Decode>(&self, value: &Value) -> DecodeError {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let (path, owner) = (self.path.clone(), self.owner);
        DecodeError::WrongType {
            path,
            found,
            go_type: T::go_type(),
            owner,
        }
    }

    /// Decodes a part of the value at hand.
    pub(crate) fn step<T: Decode>(&mut self, step: Step, value: &Value) -> Result<T, DecodeError> {
        let owner = self.owner;
        self.path.push(step);
        let decoded = T::decode(value, self)?;
        self.path.pop();
        self.owner = owner;
        Ok(decoded)
    }

    /// Meets a field that nobody knows.
    pub(crate) fn unknown_field(&self, name: &str) -> Result<(), DecodeError> {
        match self.unknown {
            UnknownFields::Drop => Ok(()),
            UnknownFields::Refuse => {
                let mut path = self.path.clone();
                path.push(Step::Field(name.to_owned()));
                Err(DecodeError::UnknownField { path })
            }
        }
    }
}

/// A type that is read from a JSON value. A `null` leaves Go's zero value, so it does here.
pub(crate) trait Decode: Sized {
    fn go_type() -> String;
    fn decode(value: &Value, place: &mut Place) -> Result<Self, DecodeError>;
}

impl Decode for String {
    fn go_type() -> String {
        "string".to_owned()
    }

    fn decode(value: &Value, place: &mut Place) -> Result<Self, DecodeError> {
        match value {
            Value::String(text) => Ok(text.clone()),
            Value::Null => Ok(Self::new()),
            other => Err(place.wrong::<Self>(other)),
        }
    }
}

impl Decode for bool {
    fn go_type() -> String {
        "bool".to_owned()
    }

    fn decode(value: &Value, place: &mut Place) -> Result<Self, DecodeError> {
        match value {
            Value::Bool(yes) => Ok(*yes),
            Value::Null => Ok(false),
            other => Err(place.wrong::<Self>(other)),
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn go_type() -> String {
        T::go_type()
    }

    fn decode(value: &Value, place: &mut Place) -> Result<Self, DecodeError> {
        match value {
            Value::Null => Ok(None),
            value => T::decode(value, place).map(Some),
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn go_type() -> String {
        format!("[]{}", T::go_type())
    }

    fn decode(value: &Value, place: &mut Place) -> Result<Self, DecodeError> {
        match value {
            Value::Array(values) => values
                .iter()
                .enumerate()
                .map(|(index, value)| place.step(Step::Index(index), value))
                .collect(),
            Value::Null => Ok(Self::new()),
            other => Err(place.wrong::<Self>(other)),
        }
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn go_type() -> String {
        format!("map[string]{}", T::go_type())
    }

    fn decode(value: &Value, place: &mut Place) -> Result<Self, DecodeError> {
        match value {
            Value::Object(fields) => fields
                .iter()
                .map(|(key, value)| Ok((key.clone(), place.step(Step::Field(key.clone()), value)?)))
                .collect(),
            Value::Null => Ok(Self::new()),
            other => Err(place.wrong::<Self>(other)),
        }
    }
}

/// Bytes, which JSON has in base64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Decode for Bytes {
    fn go_type() -> String {
        "[]uint8".to_owned()
    }

    fn decode(value: &Value, place: &mut Place) -> Result<Self, DecodeError> {
        use base64::Engine as _;
        match value {
            Value::String(text) => base64::engine::general_purpose::STANDARD
                .decode(text.replace(['\n', '\r'], ""))
                .map(Self)
                .map_err(|_| DecodeError::Base64 {
                    path: place.path.clone(),
                }),
            Value::Null => Ok(Self::default()),
            other => Err(place.wrong::<Self>(other)),
        }
    }
}

impl serde::Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::Engine as _;
        serializer.serialize_str(&base64::engine::general_purpose::STANDARD.encode(&self.0))
    }
}

/// Tells serde to leave a field out, as Go's `omitempty` does.
pub(crate) fn is_empty<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Declares a struct of the API and how it is decoded: `field: Type = "jsonName"`, with `always`
/// before a field that is written even when empty.
macro_rules! wire_struct {
    ($(#[$meta:meta])* $name:ident as $go:literal {
        $( $(#[$field_meta:meta])* $field:ident: $type:ty = $json:literal, )*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
        pub struct $name {
            $( $(#[$field_meta])* #[serde(rename = $json)] pub $field: $type, )*
        }

        impl $crate::wire::decode::Decode for $name {
            fn go_type() -> String {
                concat!("$v.", $go).to_owned()
            }

            fn decode(
                value: &serde_json::Value,
                place: &mut $crate::wire::decode::Place,
            ) -> Result<Self, $crate::wire::decode::DecodeError> {
                let fields = match value {
                    serde_json::Value::Object(fields) => fields,
                    serde_json::Value::Null => return Ok(Self::default()),
                    other => return Err(place.wrong::<Self>(other)),
                };
                let mut decoded = Self::default();
                for (name, value) in fields {
                    place.owner = $go;
                    match name.as_str() {
                        $( $json => {
                            decoded.$field =
                                place.step($crate::yaml::Step::Field(name.clone()), value)?;
                        } )*
                        _ => place.unknown_field(name)?,
                    }
                }
                Ok(decoded)
            }
        }
    };
}
pub(crate) use wire_struct;
