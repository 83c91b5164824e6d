//! What references, selectors and indices lead to.

use super::fault::{Ev, Failure};
use super::vertex::{Conjunct, Source, State, VertexId};
use super::{Binding, EnvId, Evaluator, Scope};
use crate::number::Number;
use crate::tree::{Expr, Label, Presence};
use crate::value::{Kinds, Value, label_text};

/// What an expression leads to.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Vertex(VertexId),
    Value(Value),
}

impl<'r> Evaluator<'r> {
    /// Follows `expr`; anything that is no path is computed.
    pub(super) fn target(&mut self, expr: &'r Expr, env: EnvId) -> Result<Target, Ev> {
        self.spend(1)?;
        match expr {
            Expr::Field { up, label } => {
                let env = self.env_up(env, *up);
                let Scope::Struct { vertex, .. } = self.envs[env].scope else {
                    return Err(Ev::bottom("reference to a struct that is none"));
                };
                self.eval(vertex)?;
                self.field_of(vertex, label).map(Target::Vertex)
            }
            Expr::Let { up, slot } => {
                let env = self.env_up(env, *up);
                self.let_vertex(env, *slot).map(Target::Vertex)
            }
            Expr::Bound1 { up, slot } => {
                let env = self.env_up(env, *up);
                let binding = match &self.envs[env].scope {
                    Scope::Bindings(bindings) => bindings.get(*slot).cloned(),
                    Scope::Struct { .. } => None,
                };
                match binding {
                    Some(Binding::Vertex(v)) => Ok(Target::Vertex(v)),
                    Some(Binding::Value(value)) => Ok(Target::Value(value)),
                    None => Err(Ev::bottom("reference to a variable that is none")),
                }
            }
            Expr::Select(inner, label, _) => {
                let target = self.target(inner, env)?;
                self.select(target, label)
            }
            Expr::Index(inner, index) => {
                let target = self.target(inner, env)?;
                match self.concrete(index, env)? {
                    Value::Str(name) => self.select(target, &Label::Field(name)),
                    Value::Number(number) => self.element(target, number),
                    other => Err(Ev::bottom(format!(
                        "invalid index {other} (invalid type {})",
                        other.kind()
                    ))),
                }
            }
            Expr::Literal(value) => Ok(Target::Value(value.clone())),
            Expr::Struct(_)
            | Expr::List(_)
            | Expr::Disjunction(_)
            | Expr::Unify(_)
            | Expr::Kind(..)
            | Expr::Top
            | Expr::Bottom
            | Expr::Bound(..)
            | Expr::Aliased(..) => self
                .expr_vertex(expr, env)
                .map(Target::Vertex)
                .map_err(Ev::Stop),
            Expr::Call(function, ..)
                if matches!(**function, Expr::Predeclared("close" | "and" | "or")) =>
            {
                self.expr_vertex(expr, env)
                    .map(Target::Vertex)
                    .map_err(Ev::Stop)
            }
            _ => self.compute(expr, env).map(Target::Value),
        }
    }

    fn let_vertex(&mut self, env: EnvId, slot: usize) -> Result<VertexId, Ev> {
        let Scope::Struct { vertex, literal } = self.envs[env].scope else {
            return Err(Ev::bottom("reference to a struct that is none"));
        };
        if let Some(&v) = self.vertices[vertex].node.lets.get(&(env, slot)) {
            return Ok(v);
        }
        let Some((_, expr)) = literal.lets.get(slot) else {
            return Err(Ev::bottom("reference to a let that is none"));
        };
        let v = self.scratch(vec![Conjunct::of(Source::Expr(expr, env))], Some(vertex))?;
        self.vertices[vertex].node.lets.insert((env, slot), v);
        Ok(v)
    }

    /// The present field `label` of `v`, evaluated or not.
    fn field_of(&mut self, v: VertexId, label: &Label) -> Result<VertexId, Ev> {
        let settled = self.settled(v);
        self.note_read(v);
        match self.vertices[settled].node.field(label) {
            Some(child) if self.vertices[child].presence == Presence::Regular => Ok(child),
            Some(_) => Err(Ev::incomplete(format!(
                "cannot reference optional field: {}",
                shown(label)
            ))),
            None => Err(Ev::incomplete(format!("undefined field: {}", shown(label)))),
        }
    }

    pub(super) fn select(&mut self, target: Target, label: &Label) -> Result<Target, Ev> {
        let v = match target {
            Target::Value(Value::Struct(fields)) => {
                let Label::Field(name) = label else {
                    return Err(Ev::incomplete(format!("undefined field: {}", shown(label))));
                };
                let found = fields.iter().find(|(found, _)| found == name);
                return match found {
                    Some((_, value)) => Ok(Target::Value(value.clone())),
                    None => Err(Ev::incomplete(format!("undefined field: {}", shown(label)))),
                };
            }
            Target::Value(other) => {
                return Err(Ev::bottom(format!(
                    "invalid operand {other} (found {}, want list or struct)",
                    other.kind()
                )));
            }
            Target::Vertex(v) => v,
        };
        if let Some(Value::Struct(fields)) = self.vertices[v].plain()
            && let Label::Field(name) = label
            && self.vertices[v].state == State::Fresh
            && !fields.iter().any(|(found, _)| found == name)
        {
            self.note_read(v);
            return Err(Ev::incomplete(format!("undefined field: {}", shown(label))));
        }
        let settled = self.decided(v)?;
        self.note_read(v);
        if let Some(child) = self.vertices[settled].node.field(label)
            && self.vertices[child].presence == Presence::Regular
        {
            return Ok(Target::Vertex(child));
        }
        self.own_fault(settled)?;
        let node = &self.vertices[settled].node;
        if !node.kinds.has(Kinds::STRUCT) {
            let kinds = node.kinds;
            return Err(Ev::bottom(format!(
                "invalid operand (found {kinds}, want list or struct)"
            )));
        }
        if self.vertices[settled].state == State::Done && !self.could_have(settled, label)? {
            return Err(Ev::bottom(format!("undefined field: {}", shown(label))));
        }
        Err(Ev::incomplete(format!("undefined field: {}", shown(label))))
    }

    fn element(&mut self, target: Target, index: Number) -> Result<Target, Ev> {
        let Some(at) = index.to_i128().filter(|_| !index.is_float()) else {
            return Err(Ev::bottom(format!("invalid index {index} (type float)")));
        };
        let Some(at) = usize::try_from(at).ok() else {
            return Err(Ev::bottom(format!(
                "invalid index {index} (index must be non-negative)"
            )));
        };
        match target {
            Target::Value(Value::List(items)) => match items.get(at) {
                Some(item) => Ok(Target::Value(item.clone())),
                None => Err(Ev::bottom(format!(
                    "index out of range [{at}] with length {}",
                    items.len()
                ))),
            },
            Target::Value(other) => Err(Ev::bottom(format!(
                "invalid operand {other} (found {}, want list)",
                other.kind()
            ))),
            Target::Vertex(v) => {
                let settled = self.decided(v)?;
                self.note_read(v);
                let node = &self.vertices[settled].node;
                if let Some(&child) = node.elements.get(at) {
                    return Ok(Target::Vertex(child));
                }
                let (kinds, count) = (node.kinds, node.elements.len());
                let closed = node.list.as_ref().is_some_and(|list| list.closed);
                self.own_fault(settled)?;
                if !kinds.has(Kinds::LIST) {
                    return Err(Ev::bottom(format!(
                        "invalid operand (found {kinds}, want list)"
                    )));
                }
                if closed {
                    return Err(Ev::bottom(format!(
                        "index out of range [{at}] with length {count}"
                    )));
                }
                Err(Ev::incomplete(format!("index out of range [{at}]")))
            }
        }
    }

    /// Evaluates `v` and follows it to its one value: its default, when it has several.
    pub(super) fn decided(&mut self, v: VertexId) -> Result<VertexId, Ev> {
        self.eval(v)?;
        let mut at = self.settled(v);
        loop {
            let alternatives = &self.vertices[at].node.alternatives;
            if alternatives.is_empty() {
                return Ok(at);
            }
            let mut defaults = alternatives
                .iter()
                .filter(|(_, default)| *default)
                .map(|(v, _)| *v);
            match (defaults.next(), defaults.next()) {
                (Some(one), None) => at = self.settled(one),
                _ => {
                    self.note_read(v);
                    return Err(Ev::incomplete("unresolved disjunction"));
                }
            }
        }
    }

    /// The first fault of `v` itself, as the reason why something that needs it has no value.
    pub(super) fn own_fault(&self, v: VertexId) -> Result<(), Ev> {
        match self.vertices[v].node.faults.first() {
            Some(fault) => Err(Ev::Bottom(Failure::There(fault.clone()))),
            None => Ok(()),
        }
    }
}

fn shown(label: &Label) -> String {
    match label {
        Label::Field(name) => label_text(name),
        Label::Hidden(name) | Label::Definition(name) => name.to_string(),
        Label::Index(index) => index.to_string(),
        Label::Inner => String::new(),
    }
}
