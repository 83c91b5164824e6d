//! Concrete values and the kinds they have.

use std::fmt;
use std::sync::Arc;

use crate::number::Number;

/// A concrete value. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
    List(Arc<Vec<Value>>),
    Struct(Arc<Vec<(Arc<str>, Value)>>),
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kinds(pub(crate) u16);

impl Kinds {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const NULL: Self = Self(1);
    pub(crate) const BOOL: Self = Self(2);
    pub(crate) const INT: Self = Self(4);
    pub(crate) const FLOAT: Self = Self(8);
    pub(crate) const NUMBER: Self = Self(4 | 8);
    pub(crate) const STRING: Self = Self(16);
    pub(crate) const BYTES: Self = Self(32);
    pub(crate) const LIST: Self = Self(64);
    pub(crate) const STRUCT: Self = Self(128);
    pub(crate) const ALL: Self = Self(255);

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("_");
        }
        let mut names = Vec::new();
        for (kind, name) in [
            (Self::NULL, "null"),
            (Self::BOOL, "bool"),
            (Self::STRING, "string"),
            (Self::BYTES, "bytes"),
            (Self::LIST, "list"),
            (Self::STRUCT, "struct"),
        ] {
            if self.has(kind) {
                names.push(name);
            }
        }
        match (self.has(Self::INT), self.has(Self::FLOAT)) {
            (true, true) => names.push("number"),
            (true, false) => names.push("int"),
            (false, true) => names.push("float"),
            (false, false) => {}
        }
        match names.as_slice() {
            [] => f.write_str("_|_"),
            [one] => f.write_str(one),
            _ => write!(f, "({})", names.join("|")),
        }
    }
}

impl Value {
    pub(crate) fn str(text: &str) -> Self {
        Self::Str(Arc::from(text))
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(items))
    }

    pub(crate) fn kind(&self) -> Kinds {
        match self {
            Self::Null => Kinds::NULL,
            Self::Bool(_) => Kinds::BOOL,
            Self::Number(number) if number.is_float() => Kinds::FLOAT,
            Self::Number(_) => Kinds::INT,
            Self::Str(_) => Kinds::STRING,
            Self::Bytes(_) => Kinds::BYTES,
            Self::List(_) => Kinds::LIST,
            Self::Struct(_) => Kinds::STRUCT,
        }
    }

    /// Whether unifying the two scalars leaves one of them.
    pub(crate) fn same_scalar(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.equals(other)
    }

    /// The operator `==`: numbers by value, structs without regard to order.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a.compare(*b).is_eq(),
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(b))
            }
            (Self::Struct(a), Self::Struct(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(name, value)| {
                        b.iter()
                            .find(|(other, _)| other == name)
                            .is_some_and(|(_, other)| value.equals(other))
                    })
            }
            _ => false,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Str(text) => f.write_str(&quoted(text)),
            Self::Bytes(bytes) => {
                let text = quoted(&String::from_utf8_lossy(bytes));
                let inner = text.get(1..text.len() - 1).unwrap_or_default();
                write!(f, "'{}'", inner.replace("\\\"", "\"").replace('\'', "\\'"))
            }
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Self::Struct(fields) => {
                f.write_str("{")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    write!(
                        f,
                        "{}{}:{value}",
                        if index == 0 { "" } else { "," },
                        label_text(name)
                    )?;
                }
                f.write_str("}")
            }
        }
    }
}

/// `text` between double quotes, escaped as CUE prints it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A field's name as a path shows it: bare when it is an identifier.
pub(crate) fn label_text(name: &str) -> String {
    let mut chars = name.chars();
    let bare = chars.next().is_some_and(|c| c.is_alphabetic() || c == '$')
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '$');
    if bare { name.to_owned() } else { quoted(name) }
}
