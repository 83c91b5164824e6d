//! What each conjunct says about a vertex.

use super::bound::Bound;
use super::closed::new_closing;
use super::fault::{Ev, Failure, Fault, Stop};
use super::vertex::{
    Conjunct, Declared, Disjunction, Later, ListShape, Pattern, Source, State, Task, Told, VertexId,
};
use super::{Binding, EnvId, Evaluator, Scope};
use crate::number::Number;
use crate::tree::{
    Comparison, Declaration, Element, Expr, Label, ListLiteral, Presence, StructLiteral,
};
use crate::value::{Kinds, Value};

impl<'r> Evaluator<'r> {
    /// Evaluates `v`: written values, then references and computations, then comprehensions,
    /// then disjunctions, then what can only be said of the whole.
    pub(super) fn run(&mut self, v: VertexId) -> Result<(), Stop> {
        self.inherit_closings(v);
        let own = matches!(self.vertices[v].label, Label::Definition(_)).then(|| self.new_tag());
        if let Some(tag) = own {
            self.vertices[v].node.closings.push(new_closing(tag, tag));
        }
        for index in 0..self.vertices[v].conjuncts.len() {
            let mut conjunct = self.vertices[v].conjuncts[index].clone();
            if let Some(tag) = own {
                conjunct.tags = self.cons(tag, conjunct.tags);
            }
            self.insert(v, conjunct)?;
        }
        loop {
            while let Some(conjunct) = self.vertices[v].node.deferred.pop_front() {
                self.insert_deferred(v, conjunct)?;
            }
            if !self.run_tasks(v)? && self.vertices[v].node.deferred.is_empty() {
                break;
            }
        }
        // What could not be computed may be computable now: `a: a + 1`.
        for (conjunct, _) in std::mem::take(&mut self.vertices[v].node.pending) {
            self.insert_deferred(v, conjunct)?;
            while let Some(more) = self.vertices[v].node.deferred.pop_front() {
                self.insert_deferred(v, more)?;
            }
        }
        self.disjoin(v)?;
        if self.vertices[v].node.forward.is_some() || !self.vertices[v].node.alternatives.is_empty()
        {
            return Ok(());
        }
        self.check_bounds(v);
        self.check_closed(v)?;
        self.check_validators(v)
    }

    pub(super) fn fault(&mut self, v: VertexId, message: impl Into<String>) {
        let path = self.path(v);
        let fault = Fault {
            path,
            message: message.into(),
        };
        if !self.vertices[v].node.faults.contains(&fault) {
            self.vertices[v].node.faults.push(fault);
        }
    }

    pub(super) fn insert(&mut self, v: VertexId, conjunct: Conjunct<'r>) -> Result<(), Stop> {
        self.spend(1)?;
        let (expr, env) = match conjunct.source {
            Source::Value(ref value) => {
                let value = value.clone();
                return self.insert_value(v, value, &conjunct);
            }
            Source::Literal(literal, env) => return self.insert_struct(v, literal, env, conjunct),
            Source::Expr(expr, env) => (expr, env),
        };
        match expr {
            Expr::Literal(value) => self.insert_value(v, value.clone(), &conjunct)?,
            Expr::Top => {}
            Expr::Bottom => self.fault(v, "explicit error (_|_ literal) in source"),
            Expr::Kind(kinds, name, limits) => self.insert_kind_name(v, *kinds, name, *limits),
            Expr::Unify(items) => {
                for item in items {
                    self.insert(v, conjunct.with(Source::Expr(item, env)))?;
                }
            }
            Expr::Disjunction(items) => {
                let alternatives = items
                    .iter()
                    .map(|(default, item)| (*default, conjunct.with(Source::Expr(item, env))))
                    .collect();
                self.insert_disjunction(v, std::ptr::from_ref(expr) as usize, alternatives)?;
            }
            Expr::Struct(literal) => self.insert_struct(v, literal, env, conjunct)?,
            Expr::List(list) if !list.comprehends => {
                self.insert_list_literal(v, list, env, &conjunct)?
            }
            Expr::Aliased(_, inner) => {
                let env = self.new_env(env, Scope::Bindings(vec![Binding::Vertex(v)]));
                self.insert(v, conjunct.with(Source::Expr(inner, env)))?;
            }
            Expr::Call(function, arguments, _)
                if matches!(**function, Expr::Predeclared("close")) =>
            {
                let [argument] = arguments.as_slice() else {
                    self.fault(v, "close takes one argument");
                    return Ok(());
                };
                let tag = self.new_tag();
                let mut closing = new_closing(conjunct.scope.unwrap_or(tag), tag);
                closing.recursive = false;
                self.vertices[v].node.closings.push(closing);
                let mut inner = conjunct.with(Source::Expr(argument, env));
                inner.tags = self.cons(tag, inner.tags);
                self.insert(v, inner)?;
            }
            _ => self.vertices[v].node.deferred.push_back(conjunct),
        }
        Ok(())
    }

    /// Narrows the kind of `v`; on a mismatch the fault names what was told before and `told`.
    pub(super) fn narrow(&mut self, v: VertexId, kinds: Kinds, told: Told<'r>) -> bool {
        let before = self.vertices[v].node.kinds;
        let both = before.and(kinds);
        if both != Kinds::NONE {
            let node = &mut self.vertices[v].node;
            if both != before || node.told.is_none() {
                node.told = Some(told);
            }
            node.kinds = both;
            return true;
        }
        if before == Kinds::NONE {
            return false;
        }
        let old = self.vertices[v].node.told.clone();
        let mut sides = [
            (
                old.map_or_else(String::new, |old| self.told_text(&old)),
                before,
            ),
            (self.told_text(&told), kinds),
        ];
        if before == Kinds::STRUCT {
            sides.reverse();
        }
        let [(first, first_kinds), (second, second_kinds)] = sides;
        self.fault(
            v,
            format!("conflicting values {first} and {second} (mismatched types {first_kinds} and {second_kinds})"),
        );
        self.vertices[v].node.kinds = Kinds::NONE;
        false
    }

    fn insert_kind_name(
        &mut self,
        v: VertexId,
        kinds: Kinds,
        name: &'static str,
        limits: Option<(i128, i128)>,
    ) {
        self.narrow(v, kinds, Told::Text(name.to_owned()));
        let limit = |comparison, number| Bound {
            comparison,
            value: Value::Number(number),
            regex: None,
        };
        if let Some((low, high)) = limits {
            if low > i128::MIN {
                self.vertices[v]
                    .node
                    .bounds
                    .push(limit(Comparison::GreaterOrEqual, Number::int(low)));
            }
            if high < i128::MAX {
                self.vertices[v]
                    .node
                    .bounds
                    .push(limit(Comparison::LessOrEqual, Number::int(high)));
            }
        }
        let largest = match name {
            "float32" => "3.4028234663852885981170418348451692544e+38",
            "float64" => "1.797693134862315708145274237317043568e+308",
            _ => return,
        };
        if let Some(largest) = Number::parse_decimal(largest) {
            self.vertices[v]
                .node
                .bounds
                .push(limit(Comparison::LessOrEqual, largest));
            if let Some(least) = largest.negate() {
                self.vertices[v]
                    .node
                    .bounds
                    .push(limit(Comparison::GreaterOrEqual, least));
            }
        }
    }

    fn insert_value(
        &mut self,
        v: VertexId,
        value: Value,
        conjunct: &Conjunct<'r>,
    ) -> Result<(), Stop> {
        match &value {
            Value::Struct(fields) => {
                if !self.narrow(v, Kinds::STRUCT, Told::Conjunct(conjunct.source.clone())) {
                    return Ok(());
                }
                for (name, field) in fields.iter() {
                    let label = Label::Field(name.clone());
                    let child = conjunct.with(Source::Value(field.clone()));
                    if conjunct.tags != 0 {
                        self.vertices[v]
                            .node
                            .declared
                            .push((conjunct.tags, Declared::Label(label.clone())));
                    }
                    self.add_field(v, label, Presence::Regular, child)?;
                }
                Ok(())
            }
            Value::List(items) => {
                if !self.narrow(v, Kinds::LIST, Told::Conjunct(conjunct.source.clone())) {
                    return Ok(());
                }
                let elements = items
                    .iter()
                    .map(|item| conjunct.with(Source::Value(item.clone())))
                    .collect();
                self.insert_list(v, elements, None)
            }
            scalar => {
                let kinds = scalar.kind();
                if !self.narrow(v, kinds, Told::Conjunct(conjunct.source.clone())) {
                    return Ok(());
                }
                match self.vertices[v].node.scalar.clone() {
                    Some(old) if !old.same_scalar(scalar) => {
                        self.fault(v, format!("conflicting values {scalar} and {old}"));
                    }
                    Some(_) => {}
                    None => self.vertices[v].node.scalar = Some(value),
                }
                Ok(())
            }
        }
    }

    fn insert_struct(
        &mut self,
        v: VertexId,
        literal: &'r StructLiteral,
        env: EnvId,
        conjunct: Conjunct<'r>,
    ) -> Result<(), Stop> {
        if literal.is_struct
            && !self.narrow(v, Kinds::STRUCT, Told::Conjunct(conjunct.source.clone()))
        {
            return Ok(());
        }
        let env = self.new_env(env, Scope::Struct { vertex: v, literal });
        let scope = literal.embeds.then(|| self.new_tag());
        let tags = scope.map_or(conjunct.tags, |tag| self.cons(tag, conjunct.tags));
        self.vertices[v]
            .node
            .declared
            .push((tags, Declared::Literal(literal, env)));
        let base = Conjunct {
            tags,
            scope: None,
            ..conjunct
        };
        for declaration in &literal.declarations {
            match declaration {
                Declaration::Field {
                    label,
                    presence,
                    value,
                    ..
                } => {
                    let child = base.with(Source::Expr(value, env));
                    self.add_field(v, label.clone(), *presence, child)?;
                }
                Declaration::Pattern {
                    alias,
                    pattern,
                    value,
                } => {
                    let pattern = Pattern {
                        pattern,
                        pattern_env: env,
                        value: base.with(Source::Expr(value, env)),
                        alias: alias.is_some(),
                    };
                    self.add_pattern(v, pattern)?;
                }
                Declaration::Embed(value) => {
                    let mut embedded = base.with(Source::Expr(value, env));
                    embedded.scope = scope;
                    self.insert(v, embedded)?;
                }
                Declaration::Comprehension(comprehension) => {
                    self.add_task(v, Later::Comprehension(comprehension), env, &base);
                }
                Declaration::Dynamic {
                    label,
                    presence,
                    value,
                } => {
                    self.add_task(v, Later::Dynamic(label, *presence, value), env, &base);
                }
            }
        }
        Ok(())
    }

    fn add_task(&mut self, v: VertexId, later: Later<'r>, env: EnvId, base: &Conjunct<'r>) {
        self.vertices[v].node.tasks.push(Task {
            later,
            env,
            conjunct: base.clone(),
            waits: None,
        });
    }

    /// Adds a conjunct to the field `label` of `v`, and the patterns that a new field meets.
    pub(super) fn add_field(
        &mut self,
        v: VertexId,
        label: Label,
        presence: Presence,
        conjunct: Conjunct<'r>,
    ) -> Result<(), Stop> {
        self.spend(1)?;
        let conjunct = conjunct.inside();
        if let Some(child) = self.vertices[v].node.field(&label) {
            self.reset(child, Some(v));
            self.vertices[child].conjuncts.push(conjunct);
            if presence > self.vertices[child].presence {
                self.vertices[child].presence = presence;
            }
            return Ok(());
        }
        let child = self.new_vertex(Some(v), label.clone(), presence);
        self.vertices[child].conjuncts.push(conjunct);
        self.vertices[v].node.insert_field(label.clone(), child);
        // Whoever missed this field looks again.
        for reader in std::mem::take(&mut self.vertices[v].waiting) {
            if self.vertices[reader].state == State::Done {
                self.reset(reader, Some(v));
            } else {
                self.vertices[v].waiting.push(reader);
            }
        }
        for index in 0..self.vertices[v].node.patterns.len() {
            let pattern = self.vertices[v].node.patterns[index].clone();
            self.apply_pattern(&pattern, &label, child)?;
        }
        Ok(())
    }

    fn add_pattern(&mut self, v: VertexId, pattern: Pattern<'r>) -> Result<(), Stop> {
        let fields = self.vertices[v].node.fields.clone();
        for (label, child) in fields {
            self.apply_pattern(&pattern, &label, child)?;
        }
        self.vertices[v].node.patterns.push(pattern);
        Ok(())
    }

    fn apply_pattern(
        &mut self,
        pattern: &Pattern<'r>,
        label: &Label,
        child: VertexId,
    ) -> Result<(), Stop> {
        let Label::Field(name) = label else {
            return Ok(());
        };
        if !self.label_matches(pattern.pattern, pattern.pattern_env, name)? {
            return Ok(());
        }
        let mut value = pattern.value.clone().inside();
        if let (true, Source::Expr(expr, env)) = (pattern.alias, &value.source) {
            let (expr, env) = (*expr, *env);
            let env = self.new_env(
                env,
                Scope::Bindings(vec![Binding::Value(Value::Str(name.clone()))]),
            );
            value.source = Source::Expr(expr, env);
        }
        self.reset(child, None);
        self.vertices[child].conjuncts.push(value);
        Ok(())
    }

    /// Whether the label `name` is in `pattern`.
    pub(super) fn label_matches(
        &mut self,
        pattern: &'r Expr,
        env: EnvId,
        name: &std::sync::Arc<str>,
    ) -> Result<bool, Stop> {
        self.spend(1)?;
        match pattern {
            Expr::Top => return Ok(true),
            Expr::Kind(kinds, _, None) => return Ok(kinds.has(Kinds::STRING)),
            _ => {}
        }
        let label = Value::Str(name.clone());
        let conjuncts = vec![
            Conjunct::of(Source::Value(label)),
            Conjunct::of(Source::Expr(pattern, env)),
        ];
        let v = self.scratch(conjuncts, None)?;
        self.eval(v)?;
        let settled = self.settled(v);
        let node = &self.vertices[settled].node;
        Ok(node.faults.is_empty() && node.pending.is_empty())
    }

    fn insert_list_literal(
        &mut self,
        v: VertexId,
        list: &'r ListLiteral,
        env: EnvId,
        conjunct: &Conjunct<'r>,
    ) -> Result<(), Stop> {
        let mut elements = Vec::with_capacity(list.elements.len());
        for element in &list.elements {
            if let Element::Plain(value) = element {
                elements.push(conjunct.with(Source::Expr(value, env)));
            }
        }
        self.insert_elements(v, elements, list, env, conjunct)
    }

    /// Adds the elements of a list literal, comprehensions already expanded, and its tail.
    pub(super) fn insert_elements(
        &mut self,
        v: VertexId,
        elements: Vec<Conjunct<'r>>,
        list: &'r ListLiteral,
        env: EnvId,
        conjunct: &Conjunct<'r>,
    ) -> Result<(), Stop> {
        if !self.narrow(v, Kinds::LIST, Told::Conjunct(conjunct.source.clone())) {
            return Ok(());
        }
        let tail = list.tail.as_ref().map(|tail| {
            tail.as_ref()
                .map(|tail| conjunct.with(Source::Expr(tail, env)).inside())
        });
        self.insert_list(v, elements, tail)
    }

    fn insert_list(
        &mut self,
        v: VertexId,
        elements: Vec<Conjunct<'r>>,
        tail: Option<Option<Conjunct<'r>>>,
    ) -> Result<(), Stop> {
        let (count, had) = (elements.len(), self.vertices[v].node.elements.len());
        let was_closed = self.vertices[v].node.list.as_ref().map(|list| list.closed);
        let fits = match (was_closed, tail.is_some()) {
            (Some(true), true) => count <= had,
            (Some(true), false) => count == had,
            (Some(false), false) => had <= count,
            _ => true,
        };
        if !fits {
            let (short, long) = (count.min(had), count.max(had));
            self.fault(v, format!("incompatible list lengths ({short} and {long})"));
            return Ok(());
        }
        let shape = self.vertices[v].node.list.get_or_insert(ListShape {
            closed: false,
            tails: Vec::new(),
        });
        shape.closed |= tail.is_none();
        let tails = shape.tails.clone();
        for (index, element) in elements.into_iter().enumerate() {
            self.spend(1)?;
            let element = element.inside();
            if let Some(&child) = self.vertices[v].node.elements.get(index) {
                self.reset(child, None);
                self.vertices[child].conjuncts.push(element);
                continue;
            }
            let child = self.new_vertex(Some(v), Label::Index(index), Presence::Regular);
            self.vertices[child].conjuncts.push(element);
            for (start, tail) in &tails {
                if index >= *start {
                    self.vertices[child].conjuncts.push(tail.clone());
                }
            }
            self.vertices[v].node.elements.push(child);
        }
        if let Some(Some(tail)) = tail {
            for index in count..self.vertices[v].node.elements.len() {
                let child = self.vertices[v].node.elements[index];
                self.reset(child, None);
                self.vertices[child].conjuncts.push(tail.clone());
            }
            if let Some(shape) = &mut self.vertices[v].node.list {
                shape.tails.push((count, tail));
            }
        }
        Ok(())
    }

    /// Adds a disjunction or, in a trial that has chosen already, the alternative it chose.
    pub(super) fn insert_disjunction(
        &mut self,
        v: VertexId,
        expr: usize,
        alternatives: Vec<(bool, Conjunct<'r>)>,
    ) -> Result<(), Stop> {
        let count = self.vertices[v]
            .node
            .seen_disjunctions
            .entry(expr)
            .or_insert(0);
        let key = (expr, *count);
        *count += 1;
        let chosen = self.vertices[v]
            .choices
            .iter()
            .find(|(other, _)| *other == key)
            .map(|(_, chosen)| *chosen);
        match chosen {
            Some(index) => match alternatives.into_iter().nth(index) {
                Some((_, conjunct)) => self.insert(v, conjunct),
                None => Err(Stop::Unsettled),
            },
            None => {
                self.vertices[v]
                    .node
                    .disjunctions
                    .push(Disjunction { key, alternatives });
                Ok(())
            }
        }
    }

    /// Adds every conjunct of `w` to `v`: what a reference means.
    pub(super) fn expand(
        &mut self,
        v: VertexId,
        w: VertexId,
        conjunct: &Conjunct<'r>,
    ) -> Result<(), Stop> {
        if self.origin(v) == self.origin(w) {
            return Ok(());
        }
        let reference = u32::try_from(self.origin(w)).unwrap_or(u32::MAX);
        if self.listed(conjunct.local, reference) {
            // It is being expanded here already: a circle of references adds nothing.
            return Ok(());
        }
        if self.is_cyclic(v, w, reference, conjunct) {
            self.fault(v, "structural cycle");
            return Ok(());
        }
        self.note_read(w);
        if self.vertices[w].denied {
            self.fault(v, "field not allowed");
        }
        let mut extra = conjunct.tags;
        let inherited = self.inherited_closings(w);
        self.vertices[v].node.closings.extend(inherited);
        if matches!(self.vertices[w].label, Label::Definition(_)) {
            let tag = self.new_tag();
            let closing = new_closing(conjunct.scope.unwrap_or(tag), tag);
            self.vertices[v].node.closings.push(closing);
            extra = self.cons(tag, extra);
        }
        let references = self.cons(reference, conjunct.references);
        let local = self.cons(reference, conjunct.local);
        for index in 0..self.vertices[w].conjuncts.len() {
            let original = self.vertices[w].conjuncts[index].clone();
            let expanded = Conjunct {
                tags: self.concat(original.tags, extra),
                references: self.concat(original.references, references),
                local,
                scope: conjunct.scope,
                source: original.source,
            };
            self.insert(v, expanded)?;
        }
        Ok(())
    }

    /// Whether expanding `w` here leads back here for ever: nothing but the circle itself asks for it.
    fn is_cyclic(&self, v: VertexId, w: VertexId, reference: u32, conjunct: &Conjunct<'r>) -> bool {
        let is_data = |other: &Conjunct<'r>| matches!(other.source, Source::Value(_));
        if self.listed(conjunct.references, reference) {
            let others = self.vertices[v].conjuncts.iter();
            return !others
                .into_iter()
                .any(|other| is_data(other) || !self.listed(other.references, reference));
        }
        self.encloses(w, v) && !self.vertices[v].conjuncts.iter().any(is_data)
    }

    /// References, calls and computations.
    fn insert_deferred(&mut self, v: VertexId, conjunct: Conjunct<'r>) -> Result<(), Stop> {
        self.spend(1)?;
        let Source::Expr(expr, env) = conjunct.source else {
            return Ok(());
        };
        let result = match expr {
            Expr::List(list) => self.comprehended_list(v, list, env, &conjunct),
            _ => self.insert_computed(v, expr, env, &conjunct),
        };
        match result {
            Ok(()) => {}
            Err(Ev::Stop(stop)) => return Err(stop),
            Err(Ev::Incomplete(why)) => self.vertices[v].node.pending.push((conjunct, why)),
            Err(Ev::Bottom(Failure::Here(message))) => self.fault(v, message),
            Err(Ev::Bottom(Failure::There(fault))) => {
                if !self.vertices[v].node.faults.contains(&fault) {
                    self.vertices[v].node.faults.push(fault);
                }
            }
        }
        Ok(())
    }
}
