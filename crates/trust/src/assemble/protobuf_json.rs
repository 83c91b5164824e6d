//! JSON as the Go library for protobuf writes it.
//!
//! That library puts a space behind each comma or none, depending on a hash of the program, so that
//! nobody relies on its bytes. cosign 3.1.2 as built for our fixtures has the space, and so have we.

use serde_json::Value;

use crate::base64_bytes;

/// A value, whose objects keep the order they are given.
pub(super) enum Json {
    /// Anything that has one spelling: numbers, `true`, `null`.
    Literal(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn bytes(bytes: &[u8]) -> Self {
        Self::Text(base64_bytes::encode(bytes))
    }

    pub(super) fn object<const N: usize>(fields: [(&str, Json); N]) -> Self {
        let own = |(name, value): (&str, Json)| (name.to_owned(), value);
        Self::Object(fields.into_iter().map(own).collect())
    }

    /// Takes a value through protobuf's `Struct`: names in order, numbers as doubles.
    ///
    /// Whole numbers that no double has stay as they are: cosign signs another number then than the one
    /// in the file.
    pub(super) fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Literal("null".to_owned()),
            Value::Bool(value) => Self::Literal(value.to_string()),
            Value::Number(number) => Self::Literal(number_text(number)),
            Value::String(text) => Self::text(text),
            Value::Array(items) => Self::List(items.iter().map(Self::of_value).collect()),
            Value::Object(fields) => {
                let mut fields: Vec<(String, Json)> = fields
                    .iter()
                    .map(|(name, value)| (name.clone(), Self::of_value(value)))
                    .collect();
                fields.sort_by(|(one, _), (other, _)| one.cmp(other));
                Self::Object(fields)
            }
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut out = String::new();
        self.write(&mut out);
        out.into_bytes()
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Literal(text) => out.push_str(text),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (index, (name, value)) in fields.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    write_text(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// Go escapes here what serde_json does: quotes, backslashes and control characters.
fn write_text(text: &str, out: &mut String) {
    out.push_str(&Value::from(text).to_string());
}

/// The shortest text of a double as ECMAScript has it, which Go follows.
fn number_text(number: &serde_json::Number) -> String {
    if number.is_f64() {
        let double = number.as_f64().unwrap_or_default();
        return serde_json_canonicalizer::to_string(&double).unwrap_or_else(|_| number.to_string());
    }
    number.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let written = |text: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            String::from_utf8(Json::of_value(&value).into_bytes()).unwrap()
        };
        for (text, expected) in [
            ("1.0", "1"),
            ("0.1", "0.1"),
            ("1e21", "1e+21"),
            ("1e-7", "1e-7"),
            ("123456789012", "123456789012"),
            ("9007199254740993", "9007199254740993"),
            ("-3", "-3"),
        ] {
            assert_eq!(written(text), expected);
        }
        assert_eq!(
            written(r#"{"b":[1,"<\u0001\n"],"a":null}"#),
            r#"{"a":null, "b":[1, "<\u0001\n"]}"#
        );
    }
}
