//! A field and what is known about it.

use std::collections::HashMap;

use super::bound::{Bound, Validator};
use super::fault::Fault;
use super::{EnvId, ListId};
use crate::tree::{Comprehension, Expr, Label, Presence, StructLiteral};
use crate::value::{Kinds, Value};

pub(super) type VertexId = usize;

#[derive(Debug, Clone)]
pub(super) enum Source<'r> {
    Expr(&'r Expr, EnvId),
    Literal(&'r StructLiteral, EnvId),
    Value(Value),
}

/// Something that a value must satisfy.
#[derive(Debug, Clone)]
pub(super) struct Conjunct<'r> {
    pub(super) source: Source<'r>,
    /// The closing groups it belongs to.
    pub(super) tags: ListId,
    /// The vertices whose expansion it came from.
    pub(super) references: ListId,
    /// Those of them that were expanded on this very vertex.
    pub(super) local: ListId,
    /// Embedded: a definition here closes the group that embeds it.
    pub(super) scope: Option<u32>,
}

impl<'r> Conjunct<'r> {
    pub(super) fn of(source: Source<'r>) -> Self {
        Self {
            source,
            tags: 0,
            references: 0,
            local: 0,
            scope: None,
        }
    }

    /// The same for another source, on the same vertex.
    pub(super) fn with(&self, source: Source<'r>) -> Self {
        Self {
            source,
            tags: self.tags,
            references: self.references,
            local: self.local,
            scope: self.scope,
        }
    }
}

impl<'r> Conjunct<'r> {
    /// As a conjunct of a field or element inside.
    pub(super) fn inside(mut self) -> Self {
        self.local = 0;
        self.scope = None;
        self
    }
}

/// Only what a conjunct tagged `scope` declares is allowed; it came from a definition tagged `definition`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closing {
    pub(super) scope: u32,
    pub(super) definition: u32,
    pub(super) recursive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Fresh,
    Running,
    Done,
}

#[derive(Debug)]
pub(super) struct Vertex<'r> {
    pub(super) parent: Option<VertexId>,
    pub(super) label: Label,
    pub(super) presence: Presence,
    pub(super) conjuncts: Vec<Conjunct<'r>>,
    pub(super) state: State,
    pub(super) dirty: bool,
    /// The struct around it is closed and does not have it.
    pub(super) denied: bool,
    pub(super) readers: Vec<VertexId>,
    pub(super) waiting: Vec<VertexId>,
    pub(super) trial_of: Option<VertexId>,
    /// In a trial: which alternative of which disjunction is tried.
    pub(super) choices: Vec<(ChoiceKey, usize)>,
    pub(super) node: Box<Node<'r>>,
}

/// A disjunction: its expression, and how many of it came before on the same vertex.
pub(super) type ChoiceKey = (usize, usize);

#[derive(Debug)]
pub(super) struct ListShape<'r> {
    pub(super) closed: bool,
    pub(super) tails: Vec<(usize, Conjunct<'r>)>,
}

#[derive(Debug, Clone)]
pub(super) enum Declared<'r> {
    Literal(&'r StructLiteral, EnvId),
    Label(Label),
}

#[derive(Debug, Clone)]
pub(super) struct Pattern<'r> {
    pub(super) pattern: &'r Expr,
    pub(super) pattern_env: EnvId,
    pub(super) value: Conjunct<'r>,
    pub(super) alias: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Later<'r> {
    Comprehension(&'r Comprehension),
    Dynamic(&'r Expr, Presence, &'r Expr),
}

#[derive(Debug, Clone)]
pub(super) struct Task<'r> {
    pub(super) later: Later<'r>,
    pub(super) env: EnvId,
    pub(super) conjunct: Conjunct<'r>,
    pub(super) waits: Option<String>,
}

#[derive(Debug)]
pub(super) struct Disjunction<'r> {
    pub(super) key: ChoiceKey,
    pub(super) alternatives: Vec<(bool, Conjunct<'r>)>,
}

/// What kind was decided last, and by whom, for messages.
#[derive(Debug, Clone)]
pub(super) enum Told<'r> {
    Conjunct(Source<'r>),
    Text(String),
}

/// What evaluation found out.
#[derive(Debug)]
pub(super) struct Node<'r> {
    pub(super) kinds: Kinds,
    pub(super) told: Option<Told<'r>>,
    pub(super) scalar: Option<Value>,
    pub(super) list: Option<ListShape<'r>>,
    pub(super) elements: Vec<VertexId>,
    pub(super) fields: Vec<(Label, VertexId)>,
    pub(super) index: HashMap<Label, VertexId>,
    pub(super) bounds: Vec<Bound>,
    pub(super) validators: Vec<Validator<'r>>,
    pub(super) patterns: Vec<Pattern<'r>>,
    pub(super) declared: Vec<(ListId, Declared<'r>)>,
    pub(super) closings: Vec<Closing>,
    pub(super) deferred: std::collections::VecDeque<Conjunct<'r>>,
    pub(super) tasks: Vec<Task<'r>>,
    pub(super) disjunctions: Vec<Disjunction<'r>>,
    pub(super) seen_disjunctions: HashMap<usize, usize>,
    pub(super) alternatives: Vec<(VertexId, bool)>,
    pub(super) forward: Option<VertexId>,
    pub(super) faults: Vec<Fault>,
    pub(super) pending: Vec<(Conjunct<'r>, String)>,
    pub(super) lets: HashMap<(EnvId, usize), VertexId>,
}

impl Default for Node<'_> {
    fn default() -> Self {
        Self {
            kinds: Kinds::ALL,
            told: None,
            scalar: None,
            list: None,
            elements: Vec::new(),
            fields: Vec::new(),
            index: HashMap::new(),
            bounds: Vec::new(),
            validators: Vec::new(),
            patterns: Vec::new(),
            declared: Vec::new(),
            closings: Vec::new(),
            deferred: std::collections::VecDeque::new(),
            tasks: Vec::new(),
            disjunctions: Vec::new(),
            seen_disjunctions: HashMap::new(),
            alternatives: Vec::new(),
            forward: None,
            faults: Vec::new(),
            pending: Vec::new(),
            lets: HashMap::new(),
        }
    }
}

impl<'r> Vertex<'r> {
    pub(super) fn new(parent: Option<VertexId>, label: Label, presence: Presence) -> Self {
        Self {
            parent,
            label,
            presence,
            conjuncts: Vec::new(),
            state: State::Fresh,
            dirty: false,
            denied: false,
            readers: Vec::new(),
            waiting: Vec::new(),
            trial_of: None,
            choices: Vec::new(),
            node: Box::default(),
        }
    }

    pub(super) fn clear(&mut self) {
        *self.node = Node::default();
    }

    /// The value, when the vertex is data and nothing else.
    pub(super) fn plain(&self) -> Option<&Value> {
        match self.conjuncts.as_slice() {
            [
                Conjunct {
                    source: Source::Value(value),
                    ..
                },
            ] if !self.denied => Some(value),
            _ => None,
        }
    }
}

impl Node<'_> {
    pub(super) fn field(&self, label: &Label) -> Option<VertexId> {
        if self.fields.len() <= INDEXED {
            self.fields
                .iter()
                .find(|(found, _)| found == label)
                .map(|(_, v)| *v)
        } else {
            self.index.get(label).copied()
        }
    }

    pub(super) fn insert_field(&mut self, label: Label, v: VertexId) {
        self.fields.push((label.clone(), v));
        if self.fields.len() == INDEXED + 1 {
            self.index = self.fields.iter().cloned().collect();
        } else if self.fields.len() > INDEXED {
            self.index.insert(label, v);
        }
    }
}

/// Fewer fields than this are searched one by one.
const INDEXED: usize = 8;
