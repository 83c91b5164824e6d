//! Reads data as JSON, and nothing but JSON: upstream reads it as CUE, where a document can refer to itself.

use std::collections::HashSet;
use std::sync::Arc;

use thiserror::Error;

use crate::number::Number;
use crate::value::Value;

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum JsonError {
    #[error("json: invalid JSON")]
    Malformed,
    #[error("json: the same key twice in one object")]
    DuplicateKey,
    #[error("json: nested too deeply")]
    TooDeep,
    #[error("json: a number needs more than 38 digits")]
    Digits,
}

/// Objects and lists in each other. Upstream's test data reach 1000.
const MAX_DEPTH: usize = 1024;

/// Reads one document.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|_| JsonError::Malformed)?;
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    let value = reader.value()?;
    reader.space();
    if reader.at == text.len() {
        Ok(value)
    } else {
        Err(JsonError::Malformed)
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self) -> Result<Value, JsonError> {
        self.space();
        match self.peek().ok_or(JsonError::Malformed)? {
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::array),
            b'"' => self.string().map(Value::Str),
            b'-' | b'0'..=b'9' => self.number(),
            _ => {
                for (word, value) in [
                    ("true", Value::Bool(true)),
                    ("false", Value::Bool(false)),
                    ("null", Value::Null),
                ] {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(JsonError::Malformed)
            }
        }
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Value, JsonError>,
    ) -> Result<Value, JsonError> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Value, JsonError> {
        let mut fields: Vec<(Arc<str>, Value)> = Vec::new();
        let mut seen = HashSet::new();
        if !self.eat(b'}') {
            loop {
                self.space();
                if self.peek() != Some(b'"') {
                    return Err(JsonError::Malformed);
                }
                let key = self.string()?;
                if !seen.insert(key.clone()) {
                    return Err(JsonError::DuplicateKey);
                }
                if !self.eat(b':') {
                    return Err(JsonError::Malformed);
                }
                fields.push((key, self.value()?));
                if self.eat(b'}') {
                    break;
                }
                if !self.eat(b',') {
                    return Err(JsonError::Malformed);
                }
            }
        }
        Ok(Value::Struct(Arc::new(fields)))
    }

    fn array(&mut self) -> Result<Value, JsonError> {
        let mut items = Vec::new();
        if !self.eat(b']') {
            loop {
                items.push(self.value()?);
                if self.eat(b']') {
                    break;
                }
                if !self.eat(b',') {
                    return Err(JsonError::Malformed);
                }
            }
        }
        Ok(Value::list(items))
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let rest = &self.text.as_bytes()[self.at..];
        let digits = |from: usize| {
            rest[from..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        };
        let mut end = usize::from(rest.first() == Some(&b'-'));
        let whole = digits(end);
        if whole == 0 || (whole > 1 && rest.get(end) == Some(&b'0')) {
            return Err(JsonError::Malformed);
        }
        end += whole;
        if rest.get(end) == Some(&b'.') {
            let fraction = digits(end + 1);
            if fraction == 0 {
                return Err(JsonError::Malformed);
            }
            end += 1 + fraction;
        }
        if let Some(b'e' | b'E') = rest.get(end) {
            end += 1;
            end += usize::from(matches!(rest.get(end), Some(b'+' | b'-')));
            let exponent = digits(end);
            if exponent == 0 {
                return Err(JsonError::Malformed);
            }
            end += exponent;
        }
        let text = &self.text[self.at..self.at + end];
        self.at += end;
        Number::parse_decimal(text)
            .map(Value::Number)
            .ok_or(JsonError::Digits)
    }

    fn string(&mut self) -> Result<Arc<str>, JsonError> {
        self.at += 1;
        let rest = &self.text[self.at..];
        let plain = rest
            .bytes()
            .position(|byte| byte == b'"' || byte == b'\\' || byte < 0x20);
        let plain = plain.ok_or(JsonError::Malformed)?;
        if rest.as_bytes()[plain] == b'"' {
            self.at += plain + 1;
            return Ok(Arc::from(&rest[..plain]));
        }
        let mut out = String::from(&rest[..plain]);
        self.at += plain;
        loop {
            let c = self.text[self.at..]
                .chars()
                .next()
                .ok_or(JsonError::Malformed)?;
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(Arc::from(out)),
                '\\' => out.push(self.escape()?),
                c if (c as u32) < 0x20 => return Err(JsonError::Malformed),
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let byte = self.peek().ok_or(JsonError::Malformed)?;
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                if !(0xd800..0xdc00).contains(&first) {
                    return char::from_u32(first).ok_or(JsonError::Malformed);
                }
                if !self.text[self.at..].starts_with("\\u") {
                    return Err(JsonError::Malformed);
                }
                self.at += 2;
                let second = self.hex()?;
                if !(0xdc00..0xe000).contains(&second) {
                    return Err(JsonError::Malformed);
                }
                char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
                    .ok_or(JsonError::Malformed)?
            }
            _ => return Err(JsonError::Malformed),
        })
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .ok_or(JsonError::Malformed)?;
        self.at += 4;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(JsonError::Malformed);
        }
        u32::from_str_radix(digits, 16).map_err(|_| JsonError::Malformed)
    }
}
