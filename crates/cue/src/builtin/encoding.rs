//! `encoding/json`, `encoding/base64` and `encoding/hex`.

use super::{Entry, function, predicate};
use crate::eval::{Ev, Stop};
use crate::json;
use crate::value::{Kinds, Value};

const J: &str = "encoding/json";
const B: &str = "encoding/base64";
const H: &str = "encoding/hex";

pub(super) static MEMBERS: &[Entry] = &[
    predicate(
        J,
        "json.Valid",
        1,
        Kinds(Kinds::STRING.0 | Kinds::BYTES.0),
        |a| {
            Ok(Value::Bool(!matches!(
                json::parse(a.bytes(0)?),
                Err(json::JsonError::Malformed)
            )))
        },
    ),
    function(J, "json.Unmarshal", 1, |a| {
        json::parse(a.bytes(0)?).map_err(|error| Ev::bottom(error.to_string()))
    }),
    function(J, "json.Marshal", 1, |a| {
        let mut out = String::new();
        marshal(a.value(0)?, &mut out)?;
        Ok(Value::Str(out.into()))
    }),
    function(B, "base64.Encode", 2, |a| match a.value(0)? {
        Value::Null => Ok(Value::Str(encode(a.bytes(1)?).into())),
        _ => Err(a.wrong(0, "null")),
    }),
    function(B, "base64.Decode", 2, |a| match a.value(0)? {
        Value::Null => match decode(a.bytes(1)?) {
            Ok(bytes) => Ok(Value::Bytes(bytes.into())),
            Err(at) => Err(Ev::bottom(format!(
                "illegal base64 data at input byte {at}"
            ))),
        },
        _ => Err(a.wrong(0, "null")),
    }),
    function(H, "hex.Encode", 1, |a| {
        let digits = a.bytes(0)?.iter().map(|byte| format!("{byte:02x}"));
        Ok(Value::Str(digits.collect::<String>().into()))
    }),
    function(H, "hex.Decode", 1, |a| {
        let digits = a.bytes(0)?;
        let pairs = digits.chunks(2).map(|pair| match pair {
            [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
            _ => None,
        });
        let bytes: Option<Vec<u8>> = pairs.collect();
        bytes
            .map(|bytes| Value::Bytes(bytes.into()))
            .ok_or_else(|| Ev::bottom("encoding/hex: invalid hex"))
    }),
];

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

/// What upstream writes differently from everybody else is refused.
fn marshal(value: &Value, out: &mut String) -> Result<(), Ev> {
    let refused = |what: &str| {
        Err(Ev::Stop(Stop::Unsupported(format!(
            "json.Marshal of {what}"
        ))))
    };
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) if number.is_float() => return refused("a float"),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Str(text) => {
            let plain = |c: char| {
                (c == '\n' || c == '\t' || c == '\r' || !c.is_control())
                    && !"<>&\u{2028}\u{2029}".contains(c)
            };
            if !text.chars().all(plain) {
                return refused("such a string");
            }
            out.push_str(&crate::value::quoted(text));
        }
        Value::Bytes(_) => return refused("bytes"),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                marshal(item, out)?;
            }
            out.push(']');
        }
        Value::Struct(fields) => {
            out.push('{');
            for (index, (name, field)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                marshal(&Value::Str(name.clone()), out)?;
                out.push(':');
                marshal(field, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = 0u32;
        for index in 0..3 {
            group = (group << 8) | u32::from(chunk.get(index).copied().unwrap_or(0));
        }
        for index in 0..4 {
            let six = (group >> (18 - 6 * index)) & 0x3f;
            out.push(if index <= chunk.len() {
                char::from(ALPHABET[six as usize])
            } else {
                '='
            });
        }
    }
    out
}

/// Padded standard base64; line ends are skipped. The error is about where it went wrong.
fn decode(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut group, mut count, mut padding) = (0u32, 0usize, 0usize);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'\n' | b'\r' => continue,
            b'=' if count >= 2 && count + padding < 4 => {
                padding += 1;
                continue;
            }
            _ => {}
        }
        let six = ALPHABET
            .iter()
            .position(|letter| letter == byte)
            .filter(|_| padding == 0)
            .ok_or(at)?;
        group = (group << 6) | six as u32;
        count += 1;
        if count == 4 {
            out.extend_from_slice(&group.to_be_bytes()[1..]);
            (group, count) = (0, 0);
        }
    }
    match (count, padding) {
        (0, 0) => {}
        (2, 2) => out.push((group >> 4) as u8),
        (3, 1) => out.extend_from_slice(&((group >> 2) as u16).to_be_bytes()),
        _ => return Err(text.len()),
    }
    Ok(out)
}
