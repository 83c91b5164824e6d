//! Evaluates a policy, alone or against data.
//!
//! A field is a *vertex* with *conjuncts*: the expressions that its value must satisfy all at once.
//! A reference adds the conjuncts of the field it names. A vertex is evaluated when somebody asks:
//! first what is written, then what refers or computes, then comprehensions, then disjunctions,
//! each alternative of which is tried on a vertex of its own. Whoever reads a vertex that later
//! gains a conjunct is evaluated again, so the order of fields does not matter.

mod bound;
mod closed;
mod comprehension;
mod conjunct;
mod disjunction;
mod expression;
mod fault;
mod resolve;
mod validate;
mod vertex;

pub(crate) use fault::{Ev, Failure, Fault, Stop};

use crate::error::Excess;
use crate::tree::{Expr, Label, Presence, StructLiteral};
use crate::value::Value;
use vertex::{Conjunct, Source, State, Vertex, VertexId};

/// The deterministic budget of one evaluation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) steps: u64,
    pub(crate) depth: usize,
    pub(crate) length: usize,
}

type EnvId = usize;

/// Where names are looked up.
#[derive(Debug)]
enum Scope<'r> {
    Struct {
        vertex: VertexId,
        literal: &'r StructLiteral,
    },
    Bindings(Vec<Binding>),
}

#[derive(Debug, Clone)]
enum Binding {
    Vertex(VertexId),
    Value(Value),
}

#[derive(Debug)]
struct Env<'r> {
    up: EnvId,
    scope: Scope<'r>,
}

/// A list that shares its tail with others.
type ListId = u32;

/// One evaluation.
pub(crate) struct Evaluator<'r> {
    vertices: Vec<Vertex<'r>>,
    envs: Vec<Env<'r>>,
    /// Cells of shared lists: tags and references. Cell 0 is the empty list.
    cells: Vec<(u32, ListId)>,
    running: Vec<VertexId>,
    next_tag: u32,
    /// How deep the value is that is being read.
    nesting: usize,
    steps: u64,
    budget: Budget,
}

/// Evaluates `policy`, with `data` when there is any. `Ok` holds every error found.
pub(crate) fn evaluate(
    policy: &StructLiteral,
    data: Option<Value>,
    budget: Budget,
) -> Result<Vec<Fault>, Stop> {
    let with_data = data.is_some();
    let mut evaluator = Evaluator {
        vertices: Vec::new(),
        envs: vec![Env {
            up: 0,
            scope: Scope::Bindings(Vec::new()),
        }],
        cells: vec![(0, 0)],
        running: Vec::new(),
        next_tag: 1,
        nesting: 0,
        steps: budget.steps,
        budget,
    };
    let root = evaluator.new_vertex(None, Label::Inner, Presence::Regular);
    evaluator.vertices[root]
        .conjuncts
        .push(Conjunct::of(Source::Literal(policy, 0)));
    if let Some(value) = data {
        evaluator.vertices[root]
            .conjuncts
            .push(Conjunct::of(Source::Value(value)));
    }
    let mut faults = evaluator.validate(root)?;
    if !with_data && faults.is_empty() {
        // What the policy alone cannot decide at its top level, upstream does not compile.
        faults = evaluator.undecided_top_level(root);
    }
    Ok(faults)
}

impl<'r> Evaluator<'r> {
    fn new_vertex(
        &mut self,
        parent: Option<VertexId>,
        label: Label,
        presence: Presence,
    ) -> VertexId {
        self.vertices.push(Vertex::new(parent, label, presence));
        self.vertices.len() - 1
    }

    fn new_env(&mut self, up: EnvId, scope: Scope<'r>) -> EnvId {
        self.envs.push(Env { up, scope });
        self.envs.len() - 1
    }

    fn new_tag(&mut self) -> u32 {
        self.next_tag += 1;
        self.next_tag
    }

    /// Takes `count` steps from the budget.
    pub(crate) fn spend(&mut self, count: usize) -> Result<(), Stop> {
        match self.steps.checked_sub(count as u64) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(Stop::Excess(Excess::Steps(self.budget.steps))),
        }
    }

    /// Pays for a text or list of `length`.
    pub(crate) fn spend_length(&mut self, length: usize) -> Result<(), Stop> {
        if length > self.budget.length {
            return Err(Stop::Excess(Excess::Length(self.budget.length)));
        }
        self.spend(length / 16)
    }

    fn cons(&mut self, item: u32, list: ListId) -> ListId {
        if self.listed(list, item) {
            return list;
        }
        self.cells.push((item, list));
        (self.cells.len() - 1) as ListId
    }

    fn listed(&self, mut list: ListId, item: u32) -> bool {
        while list != 0 {
            let (found, rest) = self.cells[list as usize];
            if found == item {
                return true;
            }
            list = rest;
        }
        false
    }

    fn concat(&mut self, mut from: ListId, to: ListId) -> ListId {
        if to == 0 || from == to {
            return from;
        }
        let mut out = to;
        while from != 0 {
            let (item, rest) = self.cells[from as usize];
            out = self.cons(item, out);
            from = rest;
        }
        out
    }

    /// Evaluates a vertex itself; its fields wait until somebody asks for them.
    fn eval(&mut self, v: VertexId) -> Result<(), Stop> {
        if self.vertices[v].state != State::Fresh {
            return Ok(());
        }
        self.spend(1)?;
        if self.running.len() >= self.budget.depth {
            return Err(Stop::Excess(Excess::Depth(self.budget.depth)));
        }
        for _ in 0..MAX_RERUNS {
            self.vertices[v].state = State::Running;
            self.vertices[v].dirty = false;
            self.running.push(v);
            let result = self.run(v);
            self.running.pop();
            result?;
            self.vertices[v].state = State::Done;
            self.wake_waiting(v);
            if !self.vertices[v].dirty {
                return Ok(());
            }
            self.vertices[v].clear();
        }
        Err(Stop::Unsettled)
    }

    /// Those who read this vertex while it was unfinished look again.
    fn wake_waiting(&mut self, v: VertexId) {
        let waiting = std::mem::take(&mut self.vertices[v].waiting);
        for reader in waiting {
            if reader != v && self.vertices[reader].state == State::Done {
                self.reset(reader, Some(v));
            }
        }
    }

    /// Forgets what was found out about a vertex, and whatever was found out from it.
    fn reset(&mut self, v: VertexId, except: Option<VertexId>) {
        let mut open = vec![v];
        while let Some(v) = open.pop() {
            if self.vertices[v].state == State::Running {
                self.vertices[v].dirty = true;
                continue;
            }
            if self.vertices[v].state == State::Fresh {
                continue;
            }
            self.vertices[v].clear();
            self.vertices[v].state = State::Fresh;
            for reader in std::mem::take(&mut self.vertices[v].readers) {
                if Some(reader) != except && self.running.last() != Some(&reader) {
                    open.push(reader);
                }
            }
        }
    }

    /// Notes that whoever is evaluated now has read `w`.
    fn note_read(&mut self, w: VertexId) {
        let Some(&reader) = self.running.last() else {
            return;
        };
        if reader == w {
            return;
        }
        let list = if self.vertices[w].state == State::Running {
            &mut self.vertices[w].waiting
        } else {
            &mut self.vertices[w].readers
        };
        if list.last() != Some(&reader) {
            list.push(reader);
        }
    }

    /// The vertex that holds the value of `v`: itself, or the alternative that was chosen or is tried.
    fn settled(&self, mut v: VertexId) -> VertexId {
        while let Some(next) = self.vertices[v].node.forward {
            v = next;
        }
        v
    }

    /// The vertex that `v` is a trial of, or itself.
    fn origin(&self, mut v: VertexId) -> VertexId {
        while let Some(of) = self.vertices[v].trial_of {
            v = of;
        }
        v
    }

    /// Whether `w` encloses `v`.
    fn encloses(&self, w: VertexId, v: VertexId) -> bool {
        let w = self.origin(w);
        let mut at = self.vertices[self.origin(v)].parent;
        while let Some(parent) = at {
            let parent = self.origin(parent);
            if parent == w {
                return true;
            }
            at = self.vertices[parent].parent;
        }
        false
    }

    fn env_up(&self, mut env: EnvId, up: u32) -> EnvId {
        for _ in 0..up {
            env = self.envs[env].up;
        }
        env
    }

    /// A vertex for a value without a name.
    fn scratch(
        &mut self,
        conjuncts: Vec<Conjunct<'r>>,
        parent: Option<VertexId>,
    ) -> Result<VertexId, Stop> {
        self.spend(1)?;
        let v = self.new_vertex(parent, Label::Inner, Presence::Regular);
        self.vertices[v].conjuncts = conjuncts;
        Ok(v)
    }

    fn expr_vertex(&mut self, expr: &'r Expr, env: EnvId) -> Result<VertexId, Stop> {
        let parent = self.running.last().copied();
        self.scratch(vec![Conjunct::of(Source::Expr(expr, env))], parent)
    }
}

/// How often a vertex is evaluated again because something it had read changed.
const MAX_RERUNS: usize = 8;
