//! YAML as Kubernetes reads it: YAML 1.1 scalars, merge keys, the last of two equal keys wins.
//!
//! `sigs.k8s.io/yaml` turns YAML into JSON and decodes that. A reader of YAML 1.2 would take `name: y`
//! for a string where every Kubernetes tool sees a boolean, so the scalars are resolved here.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use granit_parser::{Event, Options, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Number, Value};

/// A value and where it stands in the text.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the value begins.
    pub position: Position,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Scalar(Value),
    List(Vec<Node>),
    Object(Vec<(String, Position, Node)>),
}

/// A place in a text; both numbers begin at 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A step from an object or list to a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A field.
    Field(String),
    /// An element.
    Index(usize),
}

/// Why a text is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// Larger than [`MAX_TEXT`].
    #[error("a YAML text has at most {MAX_TEXT} bytes, found {0}")]
    TooLarge(usize),
    /// More values than [`MAX_NODES`], counted after aliases are filled in.
    #[error("more than {MAX_NODES} values in one YAML text")]
    TooManyValues,
    /// Deeper than [`MAX_DEPTH`].
    #[error("YAML nested deeper than {MAX_DEPTH} levels at line {}", .0.line)]
    TooDeep(Position),
    /// Not YAML.
    #[error("not YAML: {detail} at line {}, column {}", .at.line, .at.column)]
    Syntax {
        /// What the scanner says.
        detail: String,
        /// Where.
        at: Position,
    },
    /// A key that is a list or an object, or null.
    #[error("a key must be a plain value, at line {}", .0.line)]
    Key(Position),
    /// A tag that JSON has no value for.
    #[error("unsupported YAML tag `{tag}` at line {}", .at.line)]
    Tag {
        /// The tag.
        tag: String,
        /// Where.
        at: Position,
    },
    /// A number that JSON cannot say.
    #[error("`{text}` is not a number of JSON, at line {}", .at.line)]
    Number {
        /// The scalar.
        text: String,
        /// Where.
        at: Position,
    },
    /// `<<` with something that is no object.
    #[error("`<<` takes an object or a list of objects, at line {}", .0.line)]
    Merge(Position),
}

/// Reads every document of `text`; empty documents are left out.
pub fn parse(text: &str) -> Result<Vec<Node>, YamlError> {
    if text.len() > MAX_TEXT {
        return Err(YamlError::TooLarge(text.len()));
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut reader = Reader {
        events: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        nodes: 0,
    };
    reader.documents()
}

impl Node {
    /// The value as JSON has it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(nodes) => Value::Array(nodes.iter().map(Self::to_value).collect()),
            Kind::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(key, _, node)| (key.clone(), node.to_value()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }

    /// Where the part at `path` stands, or the nearest part above it.
    #[must_use]
    pub fn position_of(&self, path: &[Step]) -> Position {
        let Some((first, rest)) = path.split_first() else {
            return self.position;
        };
        match (&self.kind, first) {
            (Kind::List(nodes), Step::Index(index)) => nodes
                .get(*index)
                .map_or(self.position, |node| node.position_of(rest)),
            (Kind::Object(fields), Step::Field(name)) => {
                match fields.iter().find(|(key, ..)| key == name) {
                    Some((_, at, _)) if rest.is_empty() => *at,
                    Some((_, _, node)) => node.position_of(rest),
                    None => self.position,
                }
            }
            _ => self.position,
        }
    }

    fn weight(&self) -> usize {
        1 + match &self.kind {
            Kind::Scalar(_) => 0,
            Kind::List(nodes) => nodes.iter().map(Self::weight).sum(),
            Kind::Object(fields) => fields.iter().map(|(.., node)| node.weight()).sum(),
        }
    }

    fn depth(&self) -> usize {
        1 + match &self.kind {
            Kind::Scalar(_) => 0,
            Kind::List(nodes) => nodes.iter().map(Self::depth).max().unwrap_or(0),
            Kind::Object(fields) => fields
                .iter()
                .map(|(.., node)| node.depth())
                .max()
                .unwrap_or(0),
        }
    }
}

struct Reader<'text> {
    events: Parser<'text, granit_parser::StrInput<'text>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'text> Reader<'text> {
    fn documents(&mut self) -> Result<Vec<Node>, YamlError> {
        let mut documents = Vec::new();
        while let Some((event, at)) = self.next()? {
            match event {
                Event::DocumentStart(..) | Event::DocumentEnd | Event::StreamStart => {}
                Event::StreamEnd => break,
                event => {
                    let node = self.node(event, at, 0)?;
                    if !matches!(node.kind, Kind::Scalar(Value::Null)) {
                        documents.push(node);
                    }
                }
            }
        }
        Ok(documents)
    }

    fn next(&mut self) -> Result<Option<(Event<'text>, Position)>, YamlError> {
        match self.events.next() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, position(&span)))),
            Some(Err(error)) => {
                let marker = error.marker();
                let at = Position {
                    line: marker.line(),
                    column: marker.col() + 1,
                };
                Err(YamlError::Syntax {
                    detail: error.info(),
                    at,
                })
            }
        }
    }

    fn expect(&mut self) -> Result<(Event<'text>, Position), YamlError> {
        self.next()?.ok_or_else(|| YamlError::Syntax {
            detail: "unexpected end of the text".to_owned(),
            at: Position::default(),
        })
    }

    fn node(&mut self, event: Event<'text>, at: Position, depth: usize) -> Result<Node, YamlError> {
        if depth > MAX_DEPTH {
            return Err(YamlError::TooDeep(at));
        }
        self.count(1)?;
        let (anchor, kind) = match event {
            Event::Scalar(text, style, anchor, tag) => (
                anchor,
                Kind::Scalar(resolve(&text, style, tag.as_deref(), at)?),
            ),
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "seq", at)?;
                (anchor, self.list(depth)?)
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "map", at)?;
                (anchor, self.object(depth)?)
            }
            Event::Alias(anchor) => return self.alias(anchor, at, depth),
            _ => {
                let detail = "unexpected end of a value".to_owned();
                return Err(YamlError::Syntax { detail, at });
            }
        };
        let node = Node { position: at, kind };
        if anchor != 0 {
            self.count(node.weight())?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// Counting what an alias stands for is what stops the "billion laughs".
    fn alias(&mut self, anchor: usize, at: Position, depth: usize) -> Result<Node, YamlError> {
        let unknown = || YamlError::Syntax {
            detail: "unknown anchor".to_owned(),
            at,
        };
        let node = self.anchors.get(&anchor).ok_or_else(unknown)?;
        if depth + node.depth() > MAX_DEPTH {
            return Err(YamlError::TooDeep(at));
        }
        let weight = node.weight();
        self.count(weight)?;
        self.anchors.get(&anchor).cloned().ok_or_else(unknown)
    }

    fn list(&mut self, depth: usize) -> Result<Kind, YamlError> {
        let mut nodes = Vec::new();
        loop {
            match self.expect()? {
                (Event::SequenceEnd, _) => return Ok(Kind::List(nodes)),
                (event, at) => nodes.push(self.node(event, at, depth + 1)?),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Kind, YamlError> {
        let mut fields: Vec<(String, Position, Node)> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, at) = self.expect()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let is_merge =
                matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<");
            let key = self.node(event, at, depth + 1)?;
            let (event, value_at) = self.expect()?;
            let value = self.node(event, value_at, depth + 1)?;
            if is_merge {
                merge(value, &mut merged)?;
            } else {
                put(&mut fields, key_text(&key)?, at, value);
            }
        }
        for (key, at, value) in merged {
            if !fields.iter().any(|(known, ..)| *known == key) {
                fields.push((key, at, value));
            }
        }
        Ok(Kind::Object(fields))
    }

    fn count(&mut self, more: usize) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > MAX_NODES {
            Err(YamlError::TooManyValues)
        } else {
            Ok(())
        }
    }
}

/// The last of two equal keys wins, as upstream has it.
fn put(fields: &mut Vec<(String, Position, Node)>, key: String, at: Position, value: Node) {
    // A text of many keys must not cost the square of their number.
    if fields.len() < 64
        && let Some(field) = fields.iter_mut().find(|(known, ..)| *known == key)
    {
        *field = (key, at, value);
        return;
    }
    fields.push((key, at, value));
}

/// Of several merged objects the first that has a key gives it.
fn merge(value: Node, into: &mut Vec<(String, Position, Node)>) -> Result<(), YamlError> {
    match value.kind {
        Kind::Object(fields) => {
            for (key, at, node) in fields {
                if !into.iter().any(|(known, ..)| *known == key) {
                    into.push((key, at, node));
                }
            }
            Ok(())
        }
        Kind::List(nodes)
            if nodes
                .iter()
                .all(|node| matches!(node.kind, Kind::Object(_))) =>
        {
            nodes.into_iter().try_for_each(|node| merge(node, into))
        }
        _ => Err(YamlError::Merge(value.position)),
    }
}

fn key_text(key: &Node) -> Result<String, YamlError> {
    match &key.kind {
        Kind::Scalar(Value::String(text)) => Ok(text.clone()),
        Kind::Scalar(Value::Bool(yes)) => Ok(yes.to_string()),
        Kind::Scalar(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(YamlError::Key(key.position)),
    }
}

fn resolve(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    at: Position,
) -> Result<Value, YamlError> {
    let wanted = match tag {
        None if style == ScalarStyle::Plain => return plain(text, at),
        None => return Ok(Value::String(text.to_owned())),
        Some(tag) => core_tag(tag, at)?,
    };
    let refuse = || YamlError::Tag {
        tag: format!("!!{wanted}"),
        at,
    };
    let value = match wanted.as_str() {
        "str" => return Ok(Value::String(text.to_owned())),
        "binary" => {
            let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            let bytes = STANDARD.decode(compact).map_err(|_| refuse())?;
            return String::from_utf8(bytes)
                .map(Value::String)
                .map_err(|_| refuse());
        }
        _ => plain(text, at)?,
    };
    let fits = match wanted.as_str() {
        "null" => value.is_null(),
        "bool" => value.is_boolean(),
        "int" => value.is_i64() || value.is_u64(),
        "float" => value.is_number(),
        "timestamp" => value.is_string(),
        _ => false,
    };
    if fits { Ok(value) } else { Err(refuse()) }
}

/// An unquoted scalar, by the rules of YAML 1.1 as Go's yaml.v2 has them.
fn plain(text: &str, at: Position) -> Result<Value, YamlError> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Ok(Value::Bool(true));
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Ok(Value::Bool(false));
        }
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Ok(Value::String(text.to_owned()));
    }
    if let Some(number) = integer(&text.replace('_', "")) {
        return Ok(Value::Number(number));
    }
    let bare = text.trim_start_matches(['+', '-']);
    if matches!(bare, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Err(YamlError::Number {
            text: text.to_owned(),
            at,
        });
    }
    if is_float(text) {
        let refuse = || YamlError::Number {
            text: text.chars().take(64).collect(),
            at,
        };
        let float: f64 = text.parse().map_err(|_| refuse())?;
        return Number::from_f64(float)
            .map(Value::Number)
            .ok_or_else(refuse);
    }
    Ok(Value::String(text.to_owned()))
}

/// `strconv.ParseInt(text, 0, 64)`, then `ParseUint`: `0x`, `0o`, `0b` and a leading zero count.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let (digits, radix) = match digits.get(..2) {
        Some("0x" | "0X") => (&digits[2..], 16),
        Some("0o" | "0O") => (&digits[2..], 8),
        Some("0b" | "0B") => (&digits[2..], 2),
        Some(two) if two.starts_with('0') => (&digits[1..], 8),
        _ => (digits, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0i64.checked_sub_unsigned(magnitude).map(Number::from);
    }
    Some(Number::from(magnitude))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent
        .is_none_or(|exponent| digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)));
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", after)) => digits(after),
        Some((before, after)) => digits(before) && (after.is_empty() || digits(after)),
        None => digits(mantissa),
    };
    exponent_fits && mantissa_fits
}

fn check_tag(tag: Option<&Tag>, kind: &str, at: Position) -> Result<(), YamlError> {
    match tag {
        None => Ok(()),
        Some(tag) if core_tag(tag, at)? == kind => Ok(()),
        Some(tag) => Err(YamlError::Tag {
            tag: tag.to_string(),
            at,
        }),
    }
}

fn core_tag(tag: &Tag, at: Position) -> Result<String, YamlError> {
    let shown = tag.to_string();
    let name = shown
        .strip_prefix("tag:yaml.org,2002:")
        .or_else(|| shown.strip_prefix("!!"));
    match name {
        Some(name) => Ok(name.to_owned()),
        None if shown == "!" => Ok("str".to_owned()),
        None => Err(YamlError::Tag {
            tag: shown.chars().take(64).collect(),
            at,
        }),
    }
}

fn position(span: &Span) -> Position {
    Position {
        line: span.start.line(),
        column: span.start.col() + 1,
    }
}

/// Ten times the largest object that an API server stores.
pub const MAX_TEXT: usize = 16 << 20;
const MAX_NODES: usize = 500_000;
/// As deep as `serde_json` reads.
const MAX_DEPTH: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(text: &str) -> Value {
        parse(text).unwrap()[0].to_value()
    }

    #[test]
    fn scalars_are_those_of_yaml_1_1() {
        assert_eq!(
            one("[y, 'y', on, NO, 007, 0x10, 1_000, -3, 1.5, 1e3, .5, ~, null, 2001-01-01, 1.2.3]"),
            json!([
                true,
                "y",
                true,
                false,
                7,
                16,
                1000,
                -3,
                1.5,
                1000.0,
                0.5,
                null,
                null,
                "2001-01-01",
                "1.2.3"
            ])
        );
        assert_eq!(
            one("{1: a, true: b, x: c}"),
            json!({"1": "a", "true": "b", "x": "c"})
        );
        assert_eq!(one("[!!str 1, !!int '7', ! 1]"), json!(["1", 7, "1"]));
        assert_eq!(one("18446744073709551615"), json!(u64::MAX));
        assert_eq!(one("-9223372036854775808"), json!(i64::MIN));
        assert!(parse("[.inf]").is_err() && parse("[!x 1]").is_err() && parse("{[a]: 1}").is_err());
    }

    #[test]
    fn anchors_merges_and_repeated_keys() {
        assert_eq!(
            one("a: &x {b: 1}\nc: *x"),
            json!({"a": {"b": 1}, "c": {"b": 1}})
        );
        assert_eq!(
            one("a: &x {b: 1, d: 2}\nc: {<<: *x, b: 3}"),
            json!({"a": {"b": 1, "d": 2}, "c": {"b": 3, "d": 2}})
        );
        assert_eq!(one("a: 1\na: 2"), json!({"a": 2}));
        assert_eq!(parse("a: 1\n---\n---\nb: 2\n").unwrap().len(), 2);
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn hostile_texts_end_in_an_error() {
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let inner = format!("*a{}, ", level - 1).repeat(10);
            laughs += &format!("a{level}: &a{level} [{inner}]\n");
        }
        assert_eq!(parse(&laughs).unwrap_err(), YamlError::TooManyValues);
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(matches!(
            parse("a: [1\nb: 2"),
            Err(YamlError::Syntax { .. })
        ));
        assert!(matches!(parse("a: *nope"), Err(YamlError::Syntax { .. })));
        assert!(parse("\u{0}").is_err());
    }

    #[test]
    fn places_are_found() {
        let node = &parse("a:\n  - b: 1\n    c: 2\n").unwrap()[0];
        let path = [
            Step::Field("a".into()),
            Step::Index(0),
            Step::Field("c".into()),
        ];
        assert_eq!(node.position_of(&path), Position { line: 3, column: 5 });
    }
}
