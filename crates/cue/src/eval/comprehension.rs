//! Comprehensions and fields whose names are computed.

use super::fault::{Ev, Failure, Stop};
use super::resolve::Target;
use super::vertex::{Conjunct, Declared, Later, Source, Task, VertexId};
use super::{Binding, EnvId, Evaluator, Scope};
use crate::number::Number;
use crate::tree::{Clause, Comprehension, Element, Expr, Label, ListLiteral, Presence};
use crate::value::{Kinds, Value};
use std::sync::Arc;

impl<'r> Evaluator<'r> {
    /// Runs what waits to run on `v`; says whether anything came of it.
    pub(super) fn run_tasks(&mut self, v: VertexId) -> Result<bool, Stop> {
        let mut progress = false;
        let tasks = std::mem::take(&mut self.vertices[v].node.tasks);
        let mut left = Vec::new();
        for mut task in tasks {
            self.spend(1)?;
            match self.run_task(v, &task) {
                Ok(()) => progress = true,
                Err(Ev::Stop(stop)) => return Err(stop),
                Err(Ev::Incomplete(why)) => {
                    task.waits = Some(why);
                    left.push(task);
                }
                Err(Ev::Bottom(Failure::Here(message))) => self.fault(v, message),
                Err(Ev::Bottom(Failure::There(fault))) => {
                    if !self.vertices[v].node.faults.contains(&fault) {
                        self.vertices[v].node.faults.push(fault);
                    }
                }
            }
        }
        // What the tasks themselves added comes first.
        let node = &mut self.vertices[v].node;
        progress |= !node.tasks.is_empty();
        node.tasks.extend(left);
        Ok(progress)
    }

    fn run_task(&mut self, v: VertexId, task: &Task<'r>) -> Result<(), Ev> {
        match task.later {
            Later::Comprehension(comprehension) => {
                let mut yields = Vec::new();
                self.clauses(&comprehension.clauses, task.env, &mut yields)?;
                for env in yields {
                    let body = task.conjunct.with(Source::Expr(&comprehension.body, env));
                    self.insert(v, body)?;
                }
                Ok(())
            }
            Later::Dynamic(label, presence, value) => {
                let name = match self.concrete(label, task.env) {
                    Err(Ev::Incomplete(why)) => {
                        return Err(Ev::incomplete(format!(
                            "key value of dynamic field must be concrete, found _|_({why})"
                        )));
                    }
                    other => other?,
                };
                let Value::Str(name) = name else {
                    return Err(Ev::bottom(format!(
                        "invalid field name {name} (type {})",
                        name.kind()
                    )));
                };
                let label = Label::Field(name);
                self.vertices[v]
                    .node
                    .declared
                    .push((task.conjunct.tags, Declared::Label(label.clone())));
                let value = task.conjunct.with(Source::Expr(value, task.env));
                self.add_field(v, label, presence, value)?;
                Ok(())
            }
        }
    }

    /// Runs the clauses; one environment for each time the body is wanted.
    fn clauses(
        &mut self,
        clauses: &'r [Clause],
        env: EnvId,
        yields: &mut Vec<EnvId>,
    ) -> Result<(), Ev> {
        self.spend(1)?;
        let Some((first, rest)) = clauses.split_first() else {
            yields.push(env);
            return Ok(());
        };
        match first {
            Clause::If(condition) => {
                let value = match self.concrete(condition, env) {
                    Err(Ev::Incomplete(why)) => return Err(Ev::incomplete(why)),
                    other => other?,
                };
                match value {
                    Value::Bool(true) => self.clauses(rest, env, yields),
                    Value::Bool(false) => Ok(()),
                    other => Err(Ev::bottom(format!(
                        "cannot use {other} (type {}) as type bool",
                        other.kind()
                    ))),
                }
            }
            Clause::Let(_, value) => {
                let v = self.expr_vertex(value, env)?;
                let env = self.new_env(env, Scope::Bindings(vec![Binding::Vertex(v)]));
                self.clauses(rest, env, yields)
            }
            Clause::For { key, source, .. } => {
                for (name, value) in self.pairs(source, env)? {
                    let mut bindings = vec![value];
                    if key.is_some() {
                        bindings.push(Binding::Value(name));
                    }
                    let env = self.new_env(env, Scope::Bindings(bindings));
                    self.clauses(rest, env, yields)?;
                }
                Ok(())
            }
        }
    }

    /// The keys and values that `for` goes through.
    fn pairs(&mut self, source: &'r Expr, env: EnvId) -> Result<Vec<(Value, Binding)>, Ev> {
        let index = |index: usize| Value::Number(Number::int(index as i128));
        match self.target(source, env)? {
            Target::Value(Value::List(items)) => {
                let pairs = items.iter().enumerate();
                Ok(pairs
                    .map(|(at, item)| (index(at), Binding::Value(item.clone())))
                    .collect())
            }
            Target::Value(Value::Struct(fields)) => {
                let pairs = fields.iter();
                Ok(pairs
                    .map(|(name, value)| (Value::Str(name.clone()), Binding::Value(value.clone())))
                    .collect())
            }
            Target::Value(other) => Err(not_iterable(&other.to_string(), other.kind())),
            Target::Vertex(v) => {
                let settled = self.decided(v)?;
                self.note_read(v);
                self.own_fault(settled)?;
                let node = &self.vertices[settled].node;
                if node.kinds == Kinds::LIST && node.list.is_some() {
                    let pairs = node.elements.iter().enumerate();
                    return Ok(pairs
                        .map(|(at, v)| (index(at), Binding::Vertex(*v)))
                        .collect());
                }
                if node.kinds == Kinds::STRUCT {
                    let fields = self.present_fields(settled);
                    let pairs = fields.into_iter();
                    return Ok(pairs
                        .map(|(name, v)| (Value::Str(name), Binding::Vertex(v)))
                        .collect());
                }
                let kinds = node.kinds;
                if kinds.has(Kinds::LIST) || kinds.has(Kinds::STRUCT) {
                    return Err(Ev::incomplete("source of for is not known yet"));
                }
                let shown = self.shown(settled);
                Err(not_iterable(&shown, kinds))
            }
        }
    }

    /// The regular fields of `v`, in order.
    pub(super) fn present_fields(&self, v: VertexId) -> Vec<(Arc<str>, VertexId)> {
        let v = self.settled(v);
        let fields = self.vertices[v].node.fields.iter();
        fields
            .filter_map(|(label, child)| match label {
                Label::Field(name) if self.vertices[*child].presence == Presence::Regular => {
                    Some((name.clone(), *child))
                }
                _ => None,
            })
            .collect()
    }

    /// A list literal with comprehensions in it.
    pub(super) fn comprehended_list(
        &mut self,
        v: VertexId,
        list: &'r ListLiteral,
        env: EnvId,
        conjunct: &Conjunct<'r>,
    ) -> Result<(), Ev> {
        let mut elements = Vec::new();
        for element in &list.elements {
            match element {
                Element::Plain(value) => elements.push(conjunct.with(Source::Expr(value, env))),
                Element::Comprehension(comprehension) => {
                    self.list_comprehension(comprehension, env, conjunct, &mut elements)?;
                }
            }
        }
        self.insert_elements(v, elements, list, env, conjunct)?;
        Ok(())
    }

    fn list_comprehension(
        &mut self,
        comprehension: &'r Comprehension,
        env: EnvId,
        conjunct: &Conjunct<'r>,
        elements: &mut Vec<Conjunct<'r>>,
    ) -> Result<(), Ev> {
        let mut yields = Vec::new();
        self.clauses(&comprehension.clauses, env, &mut yields)?;
        elements.extend(
            yields
                .into_iter()
                .map(|env| conjunct.with(Source::Expr(&comprehension.body, env))),
        );
        Ok(())
    }
}

fn not_iterable(shown: &str, kinds: Kinds) -> Ev {
    Ev::bottom(format!(
        "cannot range over {shown} (found {kinds}, want list or struct)"
    ))
}
