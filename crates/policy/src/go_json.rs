//! JSON as Go's `encoding/json` reads it: deeper than `serde_json` goes, the last of two equal keys
//! wins, numbers as they are written, and Go's words for what is wrong.

use serde_json::{Map, Number, Value};

/// A JSON value whose numbers are still text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as written.
    Number(String),
    /// A string.
    String(String),
    /// A list.
    Array(Vec<Json>),
    /// An object, its keys sorted.
    Object(std::collections::BTreeMap<String, Json>),
}

/// Reads a document; the error is Go's text.
pub(crate) fn parse(text: &str) -> Result<Json, String> {
    let mut reader = Reader { text, at: 0 };
    reader.skip_space();
    let value = reader.value(0)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(value),
        Some(c) => Err(format!(
            "invalid character {} after top-level value",
            quoted(c)
        )),
    }
}

impl Json {
    /// The value with its numbers as `float64`, as Go decodes into `interface{}` and writes again:
    /// `1.0` becomes `1`, integers beyond 2^53 lose their last digits.
    #[must_use]
    pub(crate) fn through_float64(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(yes) => Value::Bool(*yes),
            Self::String(text) => Value::String(text.clone()),
            Self::Array(elements) => {
                Value::Array(elements.iter().map(Self::through_float64).collect())
            }
            Self::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(key, value)| (key.clone(), value.through_float64()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            Self::Number(text) => float(text),
        }
    }

    /// A field of an object.
    #[must_use]
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.get(name),
            _ => None,
        }
    }
}

fn float(text: &str) -> Value {
    let number: f64 = text.parse().unwrap_or(0.0);
    // Below 1e21 Go writes integers without exponent or point.
    if number.fract() == 0.0 && number.abs() < 1e18 {
        #[allow(clippy::cast_possible_truncation, reason = "whole, and below 2^63")]
        return Value::Number(Number::from(number as i64));
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

struct Reader<'text> {
    text: &'text str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\r' | '\n')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json, String> {
        if depth > MAX_DEPTH {
            return Err("exceeded max depth".to_owned());
        }
        match self.peek() {
            None => Err(END.to_owned()),
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some('"') => self.string().map(Json::String),
            Some('-' | '0'..='9') => self.number(),
            Some('t') => self.literal("true", Json::Bool(true)),
            Some('f') => self.literal("false", Json::Bool(false)),
            Some('n') => self.literal("null", Json::Null),
            Some(c) => Err(unexpected(c, "looking for beginning of value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, String> {
        let mut fields = std::collections::BTreeMap::new();
        self.at += 1;
        self.skip_space();
        if self.peek() == Some('}') {
            self.at += 1;
            return Ok(Json::Object(fields));
        }
        loop {
            self.skip_space();
            match self.peek() {
                Some('"') => {}
                None => return Err(END.to_owned()),
                Some(c) => {
                    return Err(unexpected(c, "looking for beginning of object key string"));
                }
            }
            let key = self.string()?;
            self.skip_space();
            self.expect(':', "after object key")?;
            self.skip_space();
            fields.insert(key, self.value(depth + 1)?);
            self.skip_space();
            match self.next() {
                Some(',') => {}
                Some('}') => return Ok(Json::Object(fields)),
                None => return Err(END.to_owned()),
                Some(c) => return Err(unexpected(c, "after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, String> {
        let mut elements = Vec::new();
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(']') {
            self.at += 1;
            return Ok(Json::Array(elements));
        }
        loop {
            self.skip_space();
            elements.push(self.value(depth + 1)?);
            self.skip_space();
            match self.next() {
                Some(',') => {}
                Some(']') => return Ok(Json::Array(elements)),
                None => return Err(END.to_owned()),
                Some(c) => return Err(unexpected(c, "after array element")),
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        let mut text = String::new();
        self.at += 1;
        loop {
            match self.next() {
                None => return Err(END.to_owned()),
                Some('"') => return Ok(text),
                Some('\\') => self.escape(&mut text)?,
                Some(c) if c < ' ' => return Err(unexpected(c, "in string literal")),
                Some(c) => text.push(c),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Result<(), String> {
        match self.next() {
            None => return Err(END.to_owned()),
            Some(c @ ('"' | '\\' | '/')) => text.push(c),
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('u') => {
                let first = self.hex()?;
                let pair =
                    (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with("\\u");
                if pair {
                    let before = self.at;
                    self.at += 2;
                    let second = self.hex()?;
                    if (0xdc00..0xe000).contains(&second) {
                        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                        text.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                        return Ok(());
                    }
                    self.at = before;
                }
                // Half of a pair is no character; Go puts the replacement character in its place.
                text.push(char::from_u32(first).unwrap_or('\u{fffd}'));
            }
            Some(c) => return Err(unexpected(c, "in string escape code")),
        }
        Ok(())
    }

    fn hex(&mut self) -> Result<u32, String> {
        let mut code = 0;
        for _ in 0..4 {
            let c = self.next().ok_or_else(|| END.to_owned())?;
            let digit = c
                .to_digit(16)
                .ok_or_else(|| unexpected(c, "in \\u hexadecimal character escape"))?;
            code = code * 16 + digit;
        }
        Ok(code)
    }

    fn number(&mut self) -> Result<Json, String> {
        let start = self.at;
        if self.peek() == Some('-') {
            self.at += 1;
        }
        match self.peek() {
            Some('0') => self.at += 1,
            Some('1'..='9') => self.digits(),
            None => return Err(END.to_owned()),
            Some(c) => return Err(unexpected(c, "in numeric literal")),
        }
        if self.peek() == Some('.') {
            self.at += 1;
            self.some_digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            self.at += 1;
            if matches!(self.peek(), Some('+' | '-')) {
                self.at += 1;
            }
            self.some_digits("in exponent of numeric literal")?;
        }
        Ok(Json::Number(self.text[start..self.at].to_owned()))
    }

    fn some_digits(&mut self, place: &str) -> Result<(), String> {
        match self.peek() {
            Some('0'..='9') => self.digits(),
            None => return Err(END.to_owned()),
            Some(c) => return Err(unexpected(c, place)),
        }
        Ok(())
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some('0'..='9')) {
            self.at += 1;
        }
    }

    fn literal(&mut self, word: &'static str, value: Json) -> Result<Json, String> {
        for expected in word.chars() {
            match self.next() {
                Some(c) if c == expected => {}
                None => return Err(END.to_owned()),
                Some(c) => {
                    return Err(unexpected(
                        c,
                        &format!("in literal {word} (expecting '{expected}')"),
                    ));
                }
            }
        }
        Ok(value)
    }

    fn expect(&mut self, wanted: char, place: &str) -> Result<(), String> {
        match self.next() {
            Some(c) if c == wanted => Ok(()),
            None => Err(END.to_owned()),
            Some(c) => Err(unexpected(c, place)),
        }
    }
}

fn unexpected(c: char, place: &str) -> String {
    format!("invalid character {} {place}", quoted(c))
}

/// Go's `quoteChar`.
fn quoted(c: char) -> String {
    match c {
        '\'' => r"'\''".to_owned(),
        '"' => "'\"'".to_owned(),
        c => {
            // Go works on bytes; a character beyond ASCII shows as its first one.
            let byte = c.to_string().as_bytes()[0] as char;
            let inner = crate::go_text::quote(&if c.is_ascii() { c } else { byte }.to_string());
            format!("'{}'", &inner[1..inner.len() - 1])
        }
    }
}

const END: &str = "unexpected end of JSON input";
/// Go stops at 10,000; documents that people write end long before, and so does our stack.
const MAX_DEPTH: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_words() {
        let error = |text: &str| parse(text).unwrap_err();
        assert_eq!(
            error("not json"),
            "invalid character 'o' in literal null (expecting 'u')"
        );
        assert_eq!(error(""), "unexpected end of JSON input");
        assert_eq!(
            error("{\"a\":1,}"),
            "invalid character '}' looking for beginning of object key string"
        );
        assert_eq!(error("[1 2]"), "invalid character '2' after array element");
        assert_eq!(error("1 x"), "invalid character 'x' after top-level value");
        assert_eq!(error("01"), "invalid character '1' after top-level value");
        assert_eq!(
            error("\"a\nb\""),
            "invalid character '\\n' in string literal"
        );
        assert_eq!(error("-"), "unexpected end of JSON input");
        assert!(parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn values() {
        let value =
            parse("{\"a\":1,\"a\":[1.0, 9007199254740993, \"\\ud83d\\ude00\\ud83d\"]}").unwrap();
        assert_eq!(
            value.through_float64(),
            serde_json::json!({"a": [1, 9_007_199_254_740_992_i64, "😀\u{fffd}"]})
        );
        assert!(parse(&format!("{}{}", "[".repeat(900), "]".repeat(900))).is_ok());
    }
}
