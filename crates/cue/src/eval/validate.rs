//! Walks an evaluated policy and gathers its faults, and says where and what things are.

use super::Evaluator;
use super::fault::{Ev, Fault, Stop};
use super::vertex::{Later, Source, Told, VertexId};
use crate::tree::{Expr, Label, Presence};
use crate::value::{Kinds, label_text};

impl<'r> Evaluator<'r> {
    /// Every fault of `root` and of what is in it, in order. Incomplete is no fault.
    pub(super) fn validate(&mut self, root: VertexId) -> Result<Vec<Fault>, Stop> {
        // A vertex may be evaluated again while others are; look until nothing is left to do.
        for _ in 0..MAX_PASSES {
            let mut faults = Vec::new();
            self.walk(root, &mut faults, usize::MAX)?;
            if !faults.is_empty() || self.is_settled(root)? {
                return Ok(faults);
            }
        }
        Err(Stop::Unsettled)
    }

    /// Some fault of `v` or of what is in it.
    pub(super) fn first_fault(&mut self, v: VertexId) -> Result<Option<Fault>, Stop> {
        let mut faults = Vec::new();
        self.walk(v, &mut faults, 1)?;
        Ok(faults.into_iter().next())
    }

    fn walk(&mut self, root: VertexId, faults: &mut Vec<Fault>, wanted: usize) -> Result<(), Stop> {
        let mut open = vec![root];
        while let Some(v) = open.pop() {
            self.spend(1)?;
            if self.vertices[v].plain().is_some() {
                continue;
            }
            self.eval(v)?;
            if self.vertices[v].denied {
                let path = self.path(v);
                push(
                    faults,
                    Fault {
                        path,
                        message: "field not allowed".to_owned(),
                    },
                );
                continue;
            }
            let settled = self.settled(v);
            for fault in self.vertices[settled].node.faults.clone() {
                push(faults, fault);
            }
            if faults.len() >= wanted {
                return Ok(());
            }
            if !self.vertices[settled].node.alternatives.is_empty() {
                continue;
            }
            let node = &self.vertices[settled].node;
            let fields = node.fields.iter().rev();
            let present =
                fields.filter(|(_, child)| self.vertices[*child].presence == Presence::Regular);
            let children: Vec<VertexId> = present
                .map(|(_, child)| *child)
                .chain(node.elements.iter().rev().copied())
                .collect();
            open.extend(children);
        }
        Ok(())
    }

    /// Whether a walk would find every vertex evaluated.
    fn is_settled(&mut self, root: VertexId) -> Result<bool, Stop> {
        let mut open = vec![root];
        while let Some(v) = open.pop() {
            self.spend(1)?;
            if self.vertices[v].plain().is_some() {
                continue;
            }
            if self.vertices[v].state != super::vertex::State::Done {
                return Ok(false);
            }
            let settled = self.settled(v);
            let node = &self.vertices[settled].node;
            if node.alternatives.is_empty() {
                let present = node
                    .fields
                    .iter()
                    .filter(|(_, child)| self.vertices[*child].presence == Presence::Regular);
                open.extend(
                    present
                        .map(|(_, child)| *child)
                        .chain(node.elements.iter().copied()),
                );
            }
        }
        Ok(true)
    }

    /// What the top level still waits for; upstream calls that an error of the policy.
    pub(super) fn undecided_top_level(&self, root: VertexId) -> Vec<Fault> {
        let settled = self.settled(root);
        let mut faults = Vec::new();
        for task in &self.vertices[settled].node.tasks {
            if let (Some(why), Later::Comprehension(_) | Later::Dynamic(..)) =
                (&task.waits, &task.later)
            {
                faults.push(Fault {
                    path: String::new(),
                    message: why.clone(),
                });
            }
        }
        faults
    }

    pub(super) fn path(&self, v: VertexId) -> String {
        let mut labels = Vec::new();
        let mut at = Some(v);
        while let Some(v) = at {
            let vertex = &self.vertices[v];
            match &vertex.label {
                Label::Field(name) => labels.push(label_text(name)),
                Label::Hidden(name) | Label::Definition(name) => labels.push(name.to_string()),
                Label::Index(index) => labels.push(index.to_string()),
                Label::Inner => {}
            }
            at = vertex.parent;
        }
        labels.reverse();
        labels.join(".")
    }

    /// The value of `v` as messages show it.
    pub(super) fn shown(&mut self, v: VertexId) -> String {
        match self.deep_value(v) {
            Ok(value) => value.to_string(),
            Err(Ev::Bottom(_) | Ev::Incomplete(_) | Ev::Stop(_)) => {
                let settled = self.settled(v);
                self.shown_kind(settled)
            }
        }
    }

    /// What is known of a value that is not concrete.
    pub(super) fn shown_kind(&self, v: VertexId) -> String {
        let node = &self.vertices[v].node;
        match &node.told {
            Some(told) if !node.kinds.has(Kinds::STRUCT) => self.told_text(told),
            _ => node.kinds.to_string(),
        }
    }

    pub(super) fn told_text(&self, told: &Told<'r>) -> String {
        match told {
            Told::Text(text) => text.clone(),
            Told::Conjunct(Source::Value(value)) => value.to_string(),
            Told::Conjunct(Source::Expr(expr, _)) => expr_text(expr),
            Told::Conjunct(Source::Literal(literal, _)) => literal_text(literal),
        }
    }
}

/// How often the whole is walked before giving up.
const MAX_PASSES: usize = 8;

fn push(faults: &mut Vec<Fault>, fault: Fault) {
    if faults.len() > MANY || !faults.contains(&fault) {
        faults.push(fault);
    }
}

/// Faults beyond this many are not compared with each other.
const MANY: usize = 200;

fn literal_text(literal: &crate::tree::StructLiteral) -> String {
    let mut parts = Vec::new();
    for declaration in &literal.declarations {
        match declaration {
            crate::tree::Declaration::Field {
                label: Label::Field(name),
                value,
                ..
            } => {
                parts.push(format!("{}:{}", label_text(name), expr_text(value)));
            }
            crate::tree::Declaration::Embed(value) if !literal.is_struct => {
                return expr_text(value);
            }
            _ => {}
        }
    }
    format!("{{{}}}", parts.join(","))
}

fn expr_text(expr: &Expr) -> String {
    match expr {
        Expr::Literal(value) => value.to_string(),
        Expr::Kind(_, name, _) => (*name).to_owned(),
        Expr::Bound(comparison, operand) => format!("{}{}", comparison.text(), expr_text(operand)),
        Expr::Struct(literal) => literal_text(literal),
        Expr::List(list) => {
            let mut parts: Vec<String> = Vec::new();
            for element in &list.elements {
                parts.push(match element {
                    crate::tree::Element::Plain(value) => expr_text(value),
                    crate::tree::Element::Comprehension(_) => "_".to_owned(),
                });
            }
            match &list.tail {
                Some(Some(tail)) => parts.push(format!("...{}", expr_text(tail))),
                Some(None) => parts.push("...".to_owned()),
                None => {}
            }
            format!("[{}]", parts.join(","))
        }
        Expr::Field {
            label: Label::Field(name) | Label::Hidden(name) | Label::Definition(name),
            ..
        } => name.to_string(),
        _ => "_".to_owned(),
    }
}
