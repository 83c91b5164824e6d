//! Definitions are closed: what they do not declare is not allowed.

use super::fault::Stop;
use super::vertex::{Closing, Declared, VertexId};
use super::{EnvId, Evaluator};
use crate::tree::{Declaration, Label, Presence, StructLiteral};

pub(super) fn new_closing(scope: u32, definition: u32) -> Closing {
    Closing {
        scope,
        definition,
        recursive: true,
    }
}

impl<'r> Evaluator<'r> {
    /// What closes `v` because it closes the struct around it.
    pub(super) fn inherited_closings(&self, v: VertexId) -> Vec<Closing> {
        let Some(parent) = self.vertices[v].parent else {
            return Vec::new();
        };
        let from = &self.vertices[parent].node.closings;
        if from.is_empty() {
            return Vec::new();
        }
        from.iter()
            .filter(|closing| {
                closing.recursive
                    && self.vertices[v]
                        .conjuncts
                        .iter()
                        .any(|conjunct| self.listed(conjunct.tags, closing.definition))
            })
            .copied()
            .collect()
    }

    pub(super) fn inherit_closings(&mut self, v: VertexId) {
        let inherited = self.inherited_closings(v);
        self.vertices[v].node.closings = inherited;
    }

    /// Denies the fields of `v` that something closed does not declare.
    pub(super) fn check_closed(&mut self, v: VertexId) -> Result<(), Stop> {
        let mut closings = self.vertices[v].node.closings.clone();
        closings.sort_by_key(|closing| closing.scope);
        closings.dedup_by_key(|closing| closing.scope);
        for index in 0..self.vertices[v].node.fields.len() {
            let (label, child) = self.vertices[v].node.fields[index].clone();
            let mut denied = false;
            if self.vertices[child].presence == Presence::Regular {
                for closing in &closings {
                    if !self.allows(v, closing.scope, &label)? {
                        denied = true;
                        break;
                    }
                }
            }
            self.vertices[child].denied = denied;
        }
        Ok(())
    }

    /// Whether what is tagged `scope` declares `label`.
    fn allows(&mut self, v: VertexId, scope: u32, label: &Label) -> Result<bool, Stop> {
        if !matches!(label, Label::Field(_)) {
            return Ok(true);
        }
        for index in 0..self.vertices[v].node.declared.len() {
            let (tags, declared) = self.vertices[v].node.declared[index].clone();
            if !self.listed(tags, scope) {
                continue;
            }
            self.spend(1)?;
            let allowed = match declared {
                Declared::Label(found) => found == *label,
                Declared::Literal(literal, env) => self.literal_allows(literal, env, label)?,
            };
            if allowed {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn literal_allows(
        &mut self,
        literal: &'r StructLiteral,
        env: EnvId,
        label: &Label,
    ) -> Result<bool, Stop> {
        if literal.open {
            return Ok(true);
        }
        for declaration in &literal.declarations {
            let allowed = match declaration {
                Declaration::Field { label: found, .. } => found == label,
                Declaration::Pattern { pattern, .. } => match label {
                    Label::Field(name) => self.label_matches(pattern, env, name)?,
                    _ => false,
                },
                _ => false,
            };
            if allowed {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a field `label` could still come to `v`.
    pub(super) fn could_have(&mut self, v: VertexId, label: &Label) -> Result<bool, Stop> {
        let closings = self.vertices[v].node.closings.clone();
        for closing in closings {
            if !self.allows(v, closing.scope, label)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
