//! The packages that policies import.

mod encoding;
mod list;
mod math;
mod net;
mod regexp;
mod strings;
mod time;

use crate::eval::{Ev, Stop};
use crate::number::Number;
use crate::value::{Kinds, Value};

/// A member of a package.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Builtin(&'static Entry);

/// A function computes a value; a validator judges one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Function,
    Validator,
}

/// What a validator says.
#[derive(Debug)]
pub(crate) enum Verdict {
    Holds,
    Fails,
    FailsBecause(String),
}

pub(super) type Call = fn(&Arguments<'_>) -> Result<Value, Ev>;

#[derive(Debug)]
pub(super) struct Entry {
    path: &'static str,
    /// With the last part of the path: `json.Valid`.
    name: &'static str,
    kind: EntryKind,
}

#[derive(Debug)]
enum EntryKind {
    Constant(fn() -> Option<Value>),
    Function {
        arity: usize,
        call: Call,
    },
    /// A function that says yes or no of its first argument, which must be of these kinds.
    Predicate {
        arity: usize,
        kinds: Kinds,
        call: Call,
    },
}

pub(super) const fn function(
    path: &'static str,
    name: &'static str,
    arity: usize,
    call: Call,
) -> Entry {
    Entry {
        path,
        name,
        kind: EntryKind::Function { arity, call },
    }
}

pub(super) const fn predicate(
    path: &'static str,
    name: &'static str,
    arity: usize,
    kinds: Kinds,
    call: Call,
) -> Entry {
    Entry {
        path,
        name,
        kind: EntryKind::Predicate { arity, kinds, call },
    }
}

pub(super) const fn constant(
    path: &'static str,
    name: &'static str,
    value: fn() -> Option<Value>,
) -> Entry {
    Entry {
        path,
        name,
        kind: EntryKind::Constant(value),
    }
}

const TABLES: [&[Entry]; 8] = [
    strings::MEMBERS,
    list::MEMBERS,
    time::MEMBERS,
    regexp::MEMBERS,
    math::MEMBERS,
    encoding::MEMBERS,
    net::MEMBERS,
    STRUCT,
];

static STRUCT: &[Entry] = &[
    predicate("struct", "struct.MinFields", 2, Kinds::STRUCT, |a| {
        a.count_fields(|have, want| have >= want)
    }),
    predicate("struct", "struct.MaxFields", 2, Kinds::STRUCT, |a| {
        a.count_fields(|have, want| have <= want)
    }),
];

fn entries() -> impl Iterator<Item = &'static Entry> {
    TABLES.into_iter().flatten()
}

/// Whether some members of the package are known.
pub(crate) fn is_package(path: &str) -> bool {
    entries().any(|entry| entry.path == path)
}

/// The member `name` of the package `path`.
pub(crate) fn find(path: &str, name: &str) -> Option<Builtin> {
    let matches =
        |entry: &&Entry| entry.path == path && entry.name.rsplit('.').next() == Some(name);
    entries().find(matches).map(Builtin)
}

impl Builtin {
    /// As messages about validators name it: `list.MaxItems`.
    pub(crate) fn name(self) -> &'static str {
        self.0.name
    }

    /// As messages about calls name it: `encoding/json.Unmarshal`.
    pub(crate) fn full_name(self) -> String {
        let member = self.0.name.rsplit('.').next().unwrap_or_default();
        format!("{}.{member}", self.0.path)
    }

    pub(crate) fn constant(self) -> Option<Value> {
        match self.0.kind {
            EntryKind::Constant(value) => value(),
            _ => None,
        }
    }

    pub(crate) fn role(self, arguments: usize) -> Role {
        match self.0.kind {
            EntryKind::Predicate { arity, .. } if arguments + 1 == arity => Role::Validator,
            _ => Role::Function,
        }
    }

    pub(crate) fn judged_kinds(self) -> Kinds {
        match self.0.kind {
            EntryKind::Predicate { kinds, .. } => kinds,
            _ => Kinds::NONE,
        }
    }

    /// What of a call with these written arguments is not supported.
    pub(crate) fn refuses(self, arguments: &[Option<Value>]) -> Option<String> {
        let layout = match (self.0.name, self.role(arguments.len())) {
            ("time.Parse", _) | ("time.Format", Role::Validator) => arguments.first(),
            ("time.Format", Role::Function) => arguments.get(1),
            _ => None,
        };
        match layout {
            Some(Some(Value::Str(layout))) if time::is_layout(layout) => None,
            Some(Some(Value::Str(layout))) => {
                Some(format!("{} with the layout {layout:?}", self.0.name))
            }
            _ => None,
        }
    }

    /// How much work an argument may make.
    pub(crate) fn cost(self, argument: &Value) -> usize {
        let length = |value: &Value| match value {
            Value::Str(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(items) => items.len() * 16,
            Value::Struct(fields) => fields.len() * 16,
            _ => 16,
        };
        match argument {
            // Every pair of elements is compared.
            Value::List(items) if self.0.name == "list.UniqueItems" => {
                items.len().saturating_mul(items.len())
            }
            Value::List(items) => items.iter().map(length).sum(),
            other => length(other),
        }
    }

    pub(crate) fn call(self, arguments: &[Value], longest: usize) -> Result<Value, Ev> {
        let (arity, call) = match self.0.kind {
            EntryKind::Function { arity, call } | EntryKind::Predicate { arity, call, .. } => {
                (arity, call)
            }
            EntryKind::Constant(_) => {
                return Err(Ev::bottom(format!(
                    "cannot call non-function {}",
                    self.0.name
                )));
            }
        };
        let have = arguments.len();
        if have != arity {
            let amount = if have > arity {
                "too many"
            } else {
                "not enough"
            };
            return Err(Ev::bottom(format!(
                "{amount} arguments in call to {} (have {have}, want {arity})",
                self.full_name()
            )));
        }
        let arguments = Arguments {
            name: self.0.name,
            values: arguments,
            longest,
        };
        call(&arguments).map_err(|error| match error {
            Ev::Bottom(crate::eval::Failure::Here(message))
                if !message.starts_with("cannot use ") =>
            {
                Ev::bottom(format!("error in call to {}: {message}", self.full_name()))
            }
            other => other,
        })
    }

    pub(crate) fn judge(self, value: &Value, arguments: &[Value]) -> Result<Verdict, Ev> {
        let mut all = vec![value.clone()];
        all.extend_from_slice(arguments);
        match self.call(&all, usize::MAX) {
            Ok(Value::Bool(true)) => Ok(Verdict::Holds),
            Ok(_) => Ok(Verdict::Fails),
            Err(Ev::Bottom(crate::eval::Failure::Here(message))) => {
                let bare = format!("error in call to {}: ", self.full_name());
                Ok(Verdict::FailsBecause(
                    if self.0.name == "list.UniqueItems" {
                        message.replacen(&bare, "", 1)
                    } else {
                        message
                    },
                ))
            }
            Err(other) => Err(other),
        }
    }
}

/// The arguments of a call.
pub(super) struct Arguments<'v> {
    name: &'static str,
    values: &'v [Value],
    longest: usize,
}

impl Arguments<'_> {
    fn wrong(&self, index: usize, wanted: &str) -> Ev {
        match self.values.get(index) {
            Some(value) => Ev::bottom(format!(
                "cannot use {value} (type {}) as {wanted} in argument {} to {}",
                value.kind(),
                index + 1,
                self.name
            )),
            None => Ev::bottom(format!("not enough arguments in call to {}", self.name)),
        }
    }

    fn value(&self, index: usize) -> Result<&Value, Ev> {
        self.values
            .get(index)
            .ok_or_else(|| self.wrong(index, "value"))
    }

    fn text(&self, index: usize) -> Result<&str, Ev> {
        match self.values.get(index) {
            Some(Value::Str(text)) => Ok(text),
            _ => Err(self.wrong(index, "string")),
        }
    }

    /// A string or bytes, as bytes.
    fn bytes(&self, index: usize) -> Result<&[u8], Ev> {
        match self.values.get(index) {
            Some(Value::Str(text)) => Ok(text.as_bytes()),
            Some(Value::Bytes(bytes)) => Ok(bytes),
            _ => Err(self.wrong(index, "bytes|string")),
        }
    }

    fn list(&self, index: usize) -> Result<&[Value], Ev> {
        match self.values.get(index) {
            Some(Value::List(items)) => Ok(items),
            _ => Err(self.wrong(index, "list")),
        }
    }

    fn texts(&self, index: usize) -> Result<Vec<&str>, Ev> {
        let items = self.list(index)?.iter().enumerate();
        items
            .map(|(at, item)| match item {
                Value::Str(text) => Ok(&**text),
                other => Err(Ev::bottom(format!(
                    "invalid list element {at} in argument {index} to call: cannot use value {other} ({}) as string",
                    other.kind()
                ))),
            })
            .collect()
    }

    fn numbers(&self, index: usize) -> Result<Vec<Number>, Ev> {
        let items = self.list(index)?.iter().enumerate();
        items
            .map(|(at, item)| match item {
                Value::Number(number) => Ok(*number),
                other => Err(Ev::bottom(format!(
                    "invalid list element {at} in argument {index} to call: cannot use value {other} ({}) as number",
                    other.kind()
                ))),
            })
            .collect()
    }

    fn number(&self, index: usize) -> Result<Number, Ev> {
        match self.values.get(index) {
            Some(Value::Number(number)) => Ok(*number),
            _ => Err(self.wrong(index, "number")),
        }
    }

    fn int(&self, index: usize) -> Result<i64, Ev> {
        match self.values.get(index) {
            Some(Value::Number(number)) if !number.is_float() => {
                number.to_i64().ok_or_else(Ev::digits)
            }
            _ => Err(self.wrong(index, "int")),
        }
    }

    fn count_fields(&self, holds: fn(i64, i64) -> bool) -> Result<Value, Ev> {
        match self.value(0)? {
            Value::Struct(fields) => Ok(Value::Bool(holds(fields.len() as i64, self.int(1)?))),
            _ => Err(self.wrong(0, "struct")),
        }
    }

    /// Refuses a result that would be longer than a value may be.
    fn check_length(&self, length: usize) -> Result<(), Ev> {
        if length > self.longest {
            return Err(Ev::Stop(Stop::Excess(crate::error::Excess::Length(
                self.longest,
            ))));
        }
        Ok(())
    }
}

fn int(value: impl TryInto<i128>) -> Result<Value, Ev> {
    value
        .try_into()
        .map(|value| Value::Number(Number::int(value)))
        .map_err(|_| Ev::digits())
}
