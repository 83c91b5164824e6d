//! A policy as a tree. Names are resolved in place by `resolve`.

use std::sync::Arc;

use crate::error::Position;
use crate::value::{Kinds, Value};

/// The name of a field, and what kind of field it names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Label {
    /// A regular field, as data has them.
    Field(Arc<str>),
    /// `_x`: never meets data.
    Hidden(Arc<str>),
    /// `#X` or `_#X`: closed, never meets data.
    Definition(Arc<str>),
    /// An element of a list.
    Index(usize),
    /// A value without a name of its own: a `let`, a loop variable, a trial.
    Inner,
}

impl Label {
    pub(crate) fn of_identifier(name: &str) -> Self {
        if name.starts_with('#') || name.starts_with("_#") {
            Self::Definition(Arc::from(name))
        } else if name.starts_with('_') {
            Self::Hidden(Arc::from(name))
        } else {
            Self::Field(Arc::from(name))
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Matches,
    MatchesNot,
}

impl Comparison {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::MatchesNot => "!~",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Arithmetic {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Literal(Value),
    Top,
    Bottom,
    /// `string`, `int`, `uint8` and the like, with the limits of the sized ones.
    Kind(Kinds, &'static str, Option<(i128, i128)>),
    Bound(Comparison, Box<Expr>),
    Negate(Box<Expr>),
    Plus(Box<Expr>),
    Not(Box<Expr>),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Unify(Vec<Expr>),
    Disjunction(Vec<(bool, Expr)>),
    Struct(Box<StructLiteral>),
    List(Box<ListLiteral>),
    Interpolation(Vec<Part>, bool),
    /// A name before it is resolved.
    Name(Arc<str>, Position),
    /// A field of the struct `up` scopes out.
    Field {
        up: u32,
        label: Label,
    },
    /// A `let` of the struct `up` scopes out.
    Let {
        up: u32,
        slot: usize,
    },
    /// What a comprehension or an alias binds, `up` scopes out.
    Bound1 {
        up: u32,
        slot: usize,
    },
    /// `len`, `close`, ... with the name.
    Predeclared(&'static str),
    /// A member of an imported package.
    Member(crate::builtin::Builtin),
    Select(Box<Expr>, Label, Position),
    Index(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>),
    Call(Box<Expr>, Vec<Expr>, Position),
    /// `X={...}`: the value, with a name for it.
    Aliased(Arc<str>, Box<Expr>),
}

#[derive(Debug, Clone)]
pub(crate) enum Part {
    Text(String),
    Expr(Expr),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct StructLiteral {
    pub(crate) declarations: Vec<Declaration>,
    pub(crate) lets: Vec<(Arc<str>, Expr)>,
    /// `A=a: ...`
    pub(crate) aliases: Vec<(Arc<str>, Label)>,
    /// Has `...`.
    pub(crate) open: bool,
    /// Whether it can only be a struct, whatever is embedded.
    pub(crate) is_struct: bool,
    /// Has something embedded that might be closed.
    pub(crate) embeds: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Presence {
    Optional,
    Required,
    Regular,
}

#[derive(Debug, Clone)]
pub(crate) enum Declaration {
    Field {
        label: Label,
        presence: Presence,
        value: Expr,
        referable: bool,
    },
    Dynamic {
        label: Expr,
        presence: Presence,
        value: Expr,
    },
    Pattern {
        alias: Option<Arc<str>>,
        pattern: Expr,
        value: Expr,
    },
    Embed(Expr),
    Comprehension(Comprehension),
}

#[derive(Debug, Clone)]
pub(crate) struct Comprehension {
    pub(crate) clauses: Vec<Clause>,
    pub(crate) body: Expr,
}

#[derive(Debug, Clone)]
pub(crate) enum Clause {
    For {
        key: Option<Arc<str>>,
        value: Arc<str>,
        source: Expr,
    },
    If(Expr),
    Let(Arc<str>, Expr),
}

#[derive(Debug, Clone)]
pub(crate) struct ListLiteral {
    pub(crate) elements: Vec<Element>,
    /// `...` or `...T`.
    pub(crate) tail: Option<Option<Expr>>,
    pub(crate) comprehends: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Element {
    Plain(Expr),
    Comprehension(Comprehension),
}
