//! Disjunctions: every alternative is tried on a vertex of its own.

use super::Evaluator;
use super::fault::{Fault, Stop};
use super::vertex::{Conjunct, Disjunction, Source, VertexId};
use crate::tree::{Expr, Presence};
use crate::value::Value;

impl<'r> Evaluator<'r> {
    /// Resolves the disjunctions of `v`, as far as what is known decides them.
    pub(super) fn disjoin(&mut self, v: VertexId) -> Result<(), Stop> {
        loop {
            if !self.vertices[v].node.faults.is_empty() {
                self.vertices[v].node.disjunctions.clear();
            }
            if self.vertices[v].node.disjunctions.is_empty() {
                return Ok(());
            }
            let disjunction = self.vertices[v].node.disjunctions.remove(0);
            if let Some(matched) = self.match_scalar(v, &disjunction)? {
                if !matched {
                    return Ok(());
                }
                continue;
            }
            return self.try_alternatives(v, &disjunction);
        }
    }

    /// The quick way: a known scalar against written scalars and kinds. `None`: not that simple.
    fn match_scalar(
        &mut self,
        v: VertexId,
        disjunction: &Disjunction<'r>,
    ) -> Result<Option<bool>, Stop> {
        let Some(scalar) = self.vertices[v].node.scalar.clone() else {
            return Ok(None);
        };
        let mut matched = false;
        let mut faults = Vec::new();
        let path = self.path(v);
        self.spend(disjunction.alternatives.len())?;
        for (_, conjunct) in &disjunction.alternatives {
            let Source::Expr(expr, _) = conjunct.source else {
                return Ok(None);
            };
            let kinds = match expr {
                Expr::Literal(value) if scalar.same_scalar(value) => {
                    matched = true;
                    continue;
                }
                Expr::Literal(value) => value.kind(),
                Expr::Kind(kinds, _, None) if kinds.has(scalar.kind()) => {
                    matched = true;
                    continue;
                }
                Expr::Kind(kinds, name, None) => {
                    let message = format!(
                        "conflicting values {scalar} and {name} (mismatched types {} and {kinds})",
                        scalar.kind()
                    );
                    faults.push(Fault {
                        path: path.clone(),
                        message,
                    });
                    continue;
                }
                _ => return Ok(None),
            };
            let Expr::Literal(value) = expr else {
                continue;
            };
            let message = if kinds == scalar.kind() {
                format!("conflicting values {value} and {scalar}")
            } else {
                format!(
                    "conflicting values {scalar} and {value} (mismatched types {} and {kinds})",
                    scalar.kind()
                )
            };
            faults.push(Fault {
                path: path.clone(),
                message,
            });
        }
        if !matched {
            self.nothing_left(v, faults);
        }
        Ok(Some(matched))
    }

    fn nothing_left(&mut self, v: VertexId, mut faults: Vec<Fault>) {
        faults.dedup();
        let count = faults.len();
        self.fault(v, format!("{count} errors in empty disjunction:"));
        for fault in faults {
            if !self.vertices[v].node.faults.contains(&fault) {
                self.vertices[v].node.faults.push(fault);
            }
        }
    }

    fn try_alternatives(&mut self, v: VertexId, disjunction: &Disjunction<'r>) -> Result<(), Stop> {
        let marked = disjunction.alternatives.iter().any(|(default, _)| *default);
        let mut left: Vec<(VertexId, bool, bool)> = Vec::new();
        let mut faults = Vec::new();
        for (index, (default, _)) in disjunction.alternatives.iter().enumerate() {
            let trial = self.trial(v, disjunction, index)?;
            self.vertices[v].node.forward = Some(trial);
            self.eval(trial)?;
            let fault = self.first_fault(trial)?;
            if let Some(fault) = fault {
                let own = &self.vertices[trial].node.faults;
                let nested = own
                    .iter()
                    .skip_while(|fault| fault.message.ends_with("empty disjunction:"));
                let mut reasons: Vec<Fault> = nested.cloned().collect();
                if reasons.is_empty() {
                    reasons.push(fault);
                }
                faults.extend(reasons);
                continue;
            }
            let mark = !marked || *default;
            let settled = self.settled(trial);
            let nested = self.vertices[settled].node.alternatives.clone();
            if nested.is_empty() {
                left.push((settled, mark, false));
            } else {
                let chosen = nested.iter().any(|(_, default)| *default);
                left.extend(
                    nested
                        .iter()
                        .map(|(v, default)| (*v, mark && (*default || !chosen), chosen)),
                );
            }
        }
        self.vertices[v].node.forward = None;
        if left.is_empty() {
            self.nothing_left(v, faults);
            return Ok(());
        }
        let nested_default = left.iter().any(|(_, _, chosen)| *chosen);
        let mut alternatives: Vec<(VertexId, bool)> = left
            .into_iter()
            .map(|(v, mark, chosen)| (v, mark && (marked || (nested_default && chosen))))
            .collect();
        self.merge_equal(&mut alternatives)?;
        if let [(only, _)] = alternatives.as_slice() {
            self.vertices[v].node.forward = Some(*only);
        } else {
            self.vertices[v].node.alternatives = alternatives;
        }
        Ok(())
    }

    fn trial(
        &mut self,
        v: VertexId,
        disjunction: &Disjunction<'r>,
        index: usize,
    ) -> Result<VertexId, Stop> {
        self.spend(1)?;
        let (parent, label) = (self.vertices[v].parent, self.vertices[v].label.clone());
        let trial = self.new_vertex(parent, label, Presence::Regular);
        let conjuncts: Vec<Conjunct<'r>> = self.vertices[v].conjuncts.clone();
        self.spend(conjuncts.len())?;
        let mut choices = self.vertices[v].choices.clone();
        choices.push((disjunction.key, index));
        let vertex = &mut self.vertices[trial];
        vertex.conjuncts = conjuncts;
        vertex.choices = choices;
        vertex.trial_of = Some(v);
        Ok(trial)
    }

    /// Alternatives that are the same scalar are one.
    fn merge_equal(&mut self, alternatives: &mut Vec<(VertexId, bool)>) -> Result<(), Stop> {
        let mut kept: Vec<(VertexId, bool, Option<Value>)> = Vec::new();
        for (v, default) in alternatives.drain(..) {
            let value = match self.deep_value(v) {
                Ok(value) => Some(value),
                Err(super::fault::Ev::Stop(stop)) => return Err(stop),
                Err(_) => None,
            };
            let same = value.as_ref().and_then(|value| {
                kept.iter().position(|(_, _, other)| {
                    other
                        .as_ref()
                        .is_some_and(|other| other.kind() == value.kind() && other.equals(value))
                })
            });
            match same {
                Some(at) => kept[at].1 |= default,
                None => kept.push((v, default, value)),
            }
        }
        self.spend(kept.len())?;
        alternatives.extend(kept.into_iter().map(|(v, default, _)| (v, default)));
        Ok(())
    }

    /// Adds what `or([...])` lists, as a disjunction.
    pub(super) fn insert_or(
        &mut self,
        v: VertexId,
        key: usize,
        items: Vec<Conjunct<'r>>,
    ) -> Result<(), Stop> {
        if items.is_empty() {
            return Ok(());
        }
        self.insert_disjunction(
            v,
            key,
            items.into_iter().map(|item| (false, item)).collect(),
        )
    }
}
