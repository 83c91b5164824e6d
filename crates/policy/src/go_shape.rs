//! Go's structs as far as their JSON shows: what is decoded into one and encoded again loses the fields
//! that the struct lacks and gains those that it has.

use serde_json::{Map, Value};

use crate::go_json::Json;

/// A Go type, as far as encoding sees it.
pub(crate) enum Shape {
    /// `interface{}`
    Any,
    /// `string`
    Text,
    /// `bool`
    Flag,
    /// `int`
    Integer,
    /// `time.Time`
    Time,
    /// `[]T`
    List(&'static Shape),
    /// `map[string]T`
    Map(&'static Shape),
    /// A struct: name, type, and whether it is left out when empty.
    Struct(&'static [(&'static str, Shape, bool)]),
}

impl Shape {
    pub(crate) fn encode(
        &self,
        json: Option<&Json>,
        path: &mut Vec<&'static str>,
    ) -> Result<Value, &'static str> {
        let json = json.unwrap_or(&Json::Null);
        match (self, json) {
            (Self::Any, json) => Ok(json.through_float64()),
            (Self::Text, Json::Null) => Ok(Value::String(String::new())),
            (Self::Text, Json::String(text)) => Ok(Value::String(text.clone())),
            (Self::Text, _) => Err("a string"),
            (Self::Flag, Json::Null) => Ok(Value::Bool(false)),
            (Self::Flag, Json::Bool(yes)) => Ok(Value::Bool(*yes)),
            (Self::Flag, _) => Err("a boolean"),
            (Self::Integer, Json::Null) => Ok(Value::from(0)),
            (Self::Integer, Json::Number(text)) => text
                .parse::<i64>()
                .map(Value::from)
                .map_err(|_| "an integer"),
            (Self::Integer, _) => Err("an integer"),
            (Self::Time, Json::Null) => Ok(Value::String("0001-01-01T00:00:00Z".to_owned())),
            (Self::Time, Json::String(text)) if text.parse::<jiff::Timestamp>().is_ok() => {
                Ok(Value::String(text.clone()))
            }
            (Self::Time, _) => Err("a time of RFC 3339"),
            (Self::List(_) | Self::Map(_), Json::Null) => Ok(Value::Null),
            (Self::List(shape), Json::Array(elements)) => {
                let elements = elements
                    .iter()
                    .map(|element| shape.encode(Some(element), path));
                Ok(Value::Array(elements.collect::<Result<_, _>>()?))
            }
            (Self::List(_), _) => Err("a list"),
            (Self::Map(shape), Json::Object(fields)) => {
                let fields = fields
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), shape.encode(Some(value), path)?)));
                Ok(Value::Object(
                    fields.collect::<Result<Map<_, _>, &'static str>>()?,
                ))
            }
            (Self::Struct(fields), Json::Object(_) | Json::Null) => {
                let mut encoded = Map::new();
                for (name, shape, omit_empty) in *fields {
                    path.push(name);
                    let field = json.field(name);
                    let value = shape.encode(field, path)?;
                    path.pop();
                    if !(*omit_empty && shape.is_omitted(field, &value)) {
                        encoded.insert((*name).to_owned(), value);
                    }
                }
                Ok(Value::Object(encoded))
            }
            (Self::Map(_) | Self::Struct(_), _) => Err("an object"),
        }
    }

    /// What Go's `omitempty` leaves out: `nil` of what is an interface or a pointer, and zero values.
    fn is_omitted(&self, field: Option<&Json>, value: &Value) -> bool {
        match self {
            Self::Any | Self::Struct(_) | Self::Time => is_null(field),
            Self::Text => value == "",
            Self::Flag => value == false,
            Self::Integer => value == 0,
            Self::List(_) => value.as_array().is_none_or(Vec::is_empty),
            Self::Map(_) => value.as_object().is_none_or(Map::is_empty),
        }
    }
}

fn is_null(json: Option<&Json>) -> bool {
    matches!(json, None | Some(Json::Null))
}
