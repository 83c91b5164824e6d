//! Computes expressions: operators, calls, interpolation.

use std::sync::Arc;

use countersign_go_regex::GoRegex;

use super::bound::{Validator, holds, order};
use super::fault::{Ev, Stop};
use super::resolve::Target;
use super::vertex::{Conjunct, Source, State, VertexId};
use super::{EnvId, Evaluator};
use crate::builtin::{Builtin, Role};
use crate::number::Number;
use crate::tree::{Arithmetic, Comparison, Expr, Part};
use crate::value::{Kinds, Value};

impl<'r> Evaluator<'r> {
    /// Adds what a reference leads to, or what an expression computes, to `v`.
    pub(super) fn insert_computed(
        &mut self,
        v: VertexId,
        expr: &'r Expr,
        env: EnvId,
        conjunct: &Conjunct<'r>,
    ) -> Result<(), Ev> {
        match expr {
            Expr::Field { .. }
            | Expr::Let { .. }
            | Expr::Bound1 { .. }
            | Expr::Select(..)
            | Expr::Index(..) => match self.target(expr, env)? {
                Target::Vertex(w) => Ok(self.expand(v, w, conjunct)?),
                Target::Value(value) => Ok(self.insert(v, conjunct.with(Source::Value(value)))?),
            },
            Expr::Bound(comparison, operand) => {
                let value = self.concrete(operand, env)?;
                self.insert_bound(v, *comparison, value)
            }
            Expr::Member(builtin) => match builtin.constant() {
                Some(value) => Ok(self.insert(v, conjunct.with(Source::Value(value)))?),
                None => self.insert_validator(
                    v,
                    Validator {
                        builtin: *builtin,
                        arguments: Vec::new(),
                        schemas: None,
                    },
                ),
            },
            Expr::Call(function, arguments, _) => {
                self.insert_call(v, expr, function, arguments, env, conjunct)
            }
            _ => {
                let value = self.compute(expr, env)?;
                Ok(self.insert(v, conjunct.with(Source::Value(value)))?)
            }
        }
    }

    fn insert_call(
        &mut self,
        v: VertexId,
        call: &'r Expr,
        function: &'r Expr,
        arguments: &'r [Expr],
        env: EnvId,
        conjunct: &Conjunct<'r>,
    ) -> Result<(), Ev> {
        match function {
            Expr::Predeclared(name @ ("and" | "or")) => {
                let [argument] = arguments else {
                    return Err(arity(name, arguments.len(), 1));
                };
                let items = self.conjuncts_of_list(argument, env, conjunct)?;
                if *name == "or" {
                    return Ok(self.insert_or(v, std::ptr::from_ref(call) as usize, items)?);
                }
                for item in items {
                    self.insert(v, item)?;
                }
                Ok(())
            }
            Expr::Member(builtin) if builtin.role(arguments.len()) == Role::Validator => {
                if builtin.name() == "list.MatchN" {
                    let [count, schema] = arguments else {
                        return Err(arity("list.MatchN", arguments.len(), 2));
                    };
                    let validator = Validator {
                        builtin: *builtin,
                        arguments: Vec::new(),
                        schemas: Some((Source::Expr(count, env), Source::Expr(schema, env))),
                    };
                    return self.insert_validator(v, validator);
                }
                let arguments = self.arguments(*builtin, arguments, env)?;
                self.insert_validator(
                    v,
                    Validator {
                        builtin: *builtin,
                        arguments,
                        schemas: None,
                    },
                )
            }
            _ => {
                let value = self.compute(call, env)?;
                Ok(self.insert(v, conjunct.with(Source::Value(value)))?)
            }
        }
    }

    fn conjuncts_of_list(
        &mut self,
        list: &'r Expr,
        env: EnvId,
        conjunct: &Conjunct<'r>,
    ) -> Result<Vec<Conjunct<'r>>, Ev> {
        match self.target(list, env)? {
            Target::Value(Value::List(items)) => Ok(items
                .iter()
                .map(|item| conjunct.with(Source::Value(item.clone())))
                .collect()),
            Target::Vertex(w) => {
                let settled = self.decided(w)?;
                self.note_read(w);
                self.own_fault(settled)?;
                if self.vertices[settled].node.list.is_none() {
                    return Err(Ev::incomplete("list is not known yet"));
                }
                let mut out = Vec::new();
                for element in self.vertices[settled].node.elements.clone() {
                    // Each element stands for all of its conjuncts at once.
                    let [only] = self.vertices[element].conjuncts.as_slice() else {
                        return Err(Ev::Stop(Stop::Unsupported(
                            "and/or of elements with several conjuncts".to_owned(),
                        )));
                    };
                    out.push(conjunct.with(only.source.clone()));
                }
                Ok(out)
            }
            Target::Value(other) => Err(Ev::bottom(format!(
                "cannot use {other} (type {}) as list",
                other.kind()
            ))),
        }
    }

    /// The concrete value of `expr`: whole, down to its fields.
    pub(super) fn concrete(&mut self, expr: &'r Expr, env: EnvId) -> Result<Value, Ev> {
        match expr {
            Expr::Literal(value) => Ok(value.clone()),
            Expr::Member(builtin) => builtin
                .constant()
                .ok_or_else(|| Ev::incomplete(format!("non-concrete value {}", builtin.name()))),
            _ => match self.target(expr, env)? {
                Target::Value(value) => Ok(value),
                Target::Vertex(v) => self.deep_value(v),
            },
        }
    }

    /// The concrete value of a vertex: whole, down to its fields.
    pub(super) fn deep_value(&mut self, v: VertexId) -> Result<Value, Ev> {
        self.spend(1)?;
        if let Some(value) = self.vertices[v].plain() {
            let value = value.clone();
            self.note_read(v);
            return Ok(value);
        }
        if self.nesting >= MAX_NESTING {
            return Err(Ev::Stop(Stop::Excess(crate::error::Excess::Depth(
                MAX_NESTING,
            ))));
        }
        self.nesting += 1;
        let value = self.deep_value_inside(v);
        self.nesting -= 1;
        value
    }

    fn deep_value_inside(&mut self, v: VertexId) -> Result<Value, Ev> {
        let settled = self.decided(v)?;
        self.note_read(v);
        self.own_fault(settled)?;
        if self.vertices[settled].denied {
            return Err(Ev::bottom("field not allowed"));
        }
        if let Some(scalar) = &self.vertices[settled].node.scalar {
            return Ok(scalar.clone());
        }
        let kinds = self.vertices[settled].node.kinds;
        if kinds == Kinds::LIST && self.vertices[settled].node.list.is_some() {
            let elements = self.vertices[settled].node.elements.clone();
            let items: Result<Vec<_>, Ev> = elements
                .into_iter()
                .map(|element| self.deep_value(element))
                .collect();
            return items.map(Value::list);
        }
        if kinds == Kinds::STRUCT {
            if self.vertices[settled].state == State::Running
                && !self.vertices[settled].node.tasks.is_empty()
            {
                return Err(Ev::incomplete("struct is not known yet"));
            }
            let mut fields = Vec::new();
            for (name, child) in self.present_fields(settled) {
                fields.push((name, self.deep_value(child)?));
            }
            return Ok(Value::Struct(Arc::new(fields)));
        }
        let shown = self.shown_kind(settled);
        Err(Ev::incomplete(format!("non-concrete value {shown}")))
    }

    /// Computes an expression that is no path.
    pub(super) fn compute(&mut self, expr: &'r Expr, env: EnvId) -> Result<Value, Ev> {
        match expr {
            Expr::Negate(inner) => match self.operand(inner, env, "-")? {
                Value::Number(number) => number.negate().map(Value::Number).ok_or_else(Ev::digits),
                other => Err(Ev::bottom(format!(
                    "invalid operation -{other} (- {})",
                    other.kind()
                ))),
            },
            Expr::Plus(inner) => match self.operand(inner, env, "+")? {
                Value::Number(number) => Ok(Value::Number(number)),
                other => Err(Ev::bottom(format!(
                    "invalid operation +{other} (+ {})",
                    other.kind()
                ))),
            },
            Expr::Not(inner) => match self.operand(inner, env, "!")? {
                Value::Bool(value) => Ok(Value::Bool(!value)),
                other => Err(Ev::bottom(format!(
                    "invalid operation !{other} (! {})",
                    other.kind()
                ))),
            },
            // Upstream computes both sides: an undecided right side leaves the whole undecided.
            Expr::And(left, right) => {
                let (left, right) = (self.truth(left, env, "&&")?, self.truth(right, env, "&&")?);
                Ok(Value::Bool(left && right))
            }
            Expr::Or(left, right) => {
                let (left, right) = (self.truth(left, env, "||")?, self.truth(right, env, "||")?);
                Ok(Value::Bool(left || right))
            }
            Expr::Compare(comparison, left, right) => {
                self.compare(*comparison, left, right, env).map(Value::Bool)
            }
            Expr::Arithmetic(operator, left, right) => {
                let left = self.operand(left, env, operator.text())?;
                let right = self.operand(right, env, operator.text())?;
                self.arithmetic(*operator, left, right)
            }
            Expr::Interpolation(parts, bytes) => self.interpolate(parts, *bytes, env),
            Expr::Slice(inner, low, high) => {
                self.slice(inner, low.as_deref(), high.as_deref(), env)
            }
            Expr::Call(function, arguments, _) => match function.as_ref() {
                Expr::Predeclared(name) => self.predeclared(name, arguments, env),
                Expr::Member(builtin) => self.call(*builtin, arguments, env),
                _ => Err(Ev::Stop(Stop::Unsupported(
                    "call of something that is no function".to_owned(),
                ))),
            },
            _ => self.concrete(expr, env),
        }
    }

    fn operand(&mut self, expr: &'r Expr, env: EnvId, operator: &str) -> Result<Value, Ev> {
        self.concrete(expr, env).map_err(|error| match error {
            Ev::Incomplete(why)
                if why.starts_with("non-concrete value") && !why.contains(" in ") =>
            {
                Ev::Incomplete(format!("{why} in operand to {operator}"))
            }
            other => other,
        })
    }

    fn truth(&mut self, expr: &'r Expr, env: EnvId, operator: &str) -> Result<bool, Ev> {
        match self.operand(expr, env, operator)? {
            Value::Bool(value) => Ok(value),
            other => Err(Ev::bottom(format!(
                "invalid operand {other} to '{operator}' (type {})",
                other.kind()
            ))),
        }
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        left: &'r Expr,
        right: &'r Expr,
        env: EnvId,
    ) -> Result<bool, Ev> {
        if let Comparison::Equal | Comparison::NotEqual = comparison
            && let (Expr::Bottom, other) | (other, Expr::Bottom) = (left, right)
        {
            let bottom = self.is_bottom(other, env)?;
            return Ok(bottom == (comparison == Comparison::Equal));
        }
        let left = self.operand(left, env, comparison.text())?;
        let right = self.operand(right, env, comparison.text())?;
        self.spend_length(length(&left))?;
        let comparable = matches!(comparison, Comparison::Equal | Comparison::NotEqual)
            && (left.kind() == right.kind()
                || matches!(left, Value::Null)
                || matches!(right, Value::Null));
        if comparable {
            return Ok(left.equals(&right) == (comparison == Comparison::Equal));
        }
        if let (
            Comparison::Matches | Comparison::MatchesNot,
            Value::Str(text),
            Value::Str(pattern),
        ) = (comparison, &left, &right)
        {
            self.spend(text.len() / 8 + pattern.len())?;
            let regex = GoRegex::new(pattern)
                .map_err(|error| Ev::bottom(format!("invalid regexp: {error}")))?;
            return Ok(regex.is_match(text) == (comparison == Comparison::Matches));
        }
        match order(&left, &right) {
            Some(order) if !matches!(comparison, Comparison::Matches | Comparison::MatchesNot) => {
                Ok(holds(comparison, order))
            }
            _ => Err(Ev::bottom(format!(
                "invalid operands {left} and {right} to '{}' (type {} and {})",
                comparison.text(),
                left.kind(),
                right.kind()
            ))),
        }
    }

    /// Whether `expr` is an error, or nothing.
    fn is_bottom(&mut self, expr: &'r Expr, env: EnvId) -> Result<bool, Ev> {
        match self.target(expr, env) {
            Ok(Target::Value(_)) => Ok(false),
            Ok(Target::Vertex(v)) => {
                self.eval(v)?;
                self.note_read(v);
                let running = self.vertices[v].state == State::Running;
                if !running && self.first_fault(v)?.is_some() {
                    return Ok(true);
                }
                let settled = self.settled(v);
                Ok(self.vertices[settled].denied || !self.vertices[settled].node.faults.is_empty())
            }
            Err(Ev::Stop(stop)) => Err(Ev::Stop(stop)),
            Err(Ev::Bottom(_) | Ev::Incomplete(_)) => Ok(true),
        }
    }

    fn arithmetic(&mut self, operator: Arithmetic, left: Value, right: Value) -> Result<Value, Ev> {
        match (operator, &left, &right) {
            (Arithmetic::Divide, Value::Number(_), Value::Number(b)) if b.is_zero() => {
                Err(Ev::bottom("division by zero"))
            }
            (_, Value::Number(a), Value::Number(b)) => {
                let result = match operator {
                    Arithmetic::Add => a.add(*b),
                    Arithmetic::Subtract => a.subtract(*b),
                    Arithmetic::Multiply => a.multiply(*b),
                    Arithmetic::Divide => a.divide(*b),
                };
                result.map(Value::Number).ok_or_else(Ev::digits)
            }
            (Arithmetic::Add, Value::Str(a), Value::Str(b)) => {
                self.spend_length(a.len() + b.len())?;
                Ok(Value::Str(Arc::from(format!("{a}{b}"))))
            }
            (Arithmetic::Add, Value::Bytes(a), Value::Bytes(b)) => {
                self.spend_length(a.len() + b.len())?;
                Ok(Value::Bytes(a.iter().chain(b.iter()).copied().collect()))
            }
            (Arithmetic::Multiply, Value::Str(text), Value::Number(count))
            | (Arithmetic::Multiply, Value::Number(count), Value::Str(text)) => {
                let count = count
                    .to_i64()
                    .ok_or_else(|| Ev::bottom("cannot convert number to int"))?;
                let count = usize::try_from(count)
                    .map_err(|_| Ev::bottom("cannot convert negative number to uint64"))?;
                self.spend_length(text.len().saturating_mul(count))?;
                Ok(Value::Str(Arc::from(text.repeat(count))))
            }
            (Arithmetic::Add, Value::List(_), Value::List(_)) => Err(Ev::bottom(
                "Addition of lists is superseded by list.Concat; see https://cuelang.org/e/v0.11-list-arithmetic",
            )),
            (Arithmetic::Multiply, Value::List(_), _)
            | (Arithmetic::Multiply, _, Value::List(_)) => Err(Ev::bottom(
                "Multiplication of lists is superseded by list.Repeat; see https://cuelang.org/e/v0.11-list-arithmetic",
            )),
            _ => Err(Ev::bottom(format!(
                "invalid operands {left} and {right} to '{}' (type {} and {})",
                operator.text(),
                left.kind(),
                right.kind()
            ))),
        }
    }

    fn interpolate(&mut self, parts: &'r [Part], bytes: bool, env: EnvId) -> Result<Value, Ev> {
        if bytes {
            return Err(Ev::Stop(Stop::Unsupported(
                "interpolation in bytes".to_owned(),
            )));
        }
        let mut out = String::new();
        for part in parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Expr(expr) => match self.concrete(expr, env) {
                    Ok(Value::Str(text)) => out.push_str(&text),
                    Ok(Value::Number(number)) => out.push_str(&number.to_string()),
                    Ok(Value::Bool(value)) => out.push_str(if value { "true" } else { "false" }),
                    Ok(other) => {
                        return Err(Ev::bottom(format!(
                            "invalid interpolation: cannot use {other} (type {}) as type (bool|string|bytes|number)",
                            other.kind()
                        )));
                    }
                    Err(Ev::Incomplete(why)) => {
                        let kind = why
                            .strip_prefix("non-concrete value ")
                            .map(|kind| format!(" (type {kind})"));
                        return Err(Ev::incomplete(format!(
                            "invalid interpolation: {why}{}",
                            kind.unwrap_or_default()
                        )));
                    }
                    Err(other) => return Err(other),
                },
            }
            self.spend_length(out.len())?;
        }
        Ok(Value::Str(Arc::from(out)))
    }

    fn slice(
        &mut self,
        inner: &'r Expr,
        low: Option<&'r Expr>,
        high: Option<&'r Expr>,
        env: EnvId,
    ) -> Result<Value, Ev> {
        let Value::List(items) = self.concrete(inner, env)? else {
            return Err(Ev::bottom("cannot slice what is no list"));
        };
        let mut limit = |limit: Option<&'r Expr>, default: usize| -> Result<usize, Ev> {
            let Some(expr) = limit else {
                return Ok(default);
            };
            match self.concrete(expr, env)? {
                Value::Number(number) => number
                    .to_i64()
                    .and_then(|number| usize::try_from(number).ok())
                    .ok_or_else(|| Ev::bottom("slice bounds out of range")),
                other => Err(Ev::bottom(format!("cannot use {other} as slice index"))),
            }
        };
        let (low, high) = (limit(low, 0)?, limit(high, items.len())?);
        let part = items
            .get(low..high)
            .ok_or_else(|| Ev::bottom("slice bounds out of range"))?;
        Ok(Value::list(part.to_vec()))
    }

    fn predeclared(
        &mut self,
        name: &'static str,
        arguments: &'r [Expr],
        env: EnvId,
    ) -> Result<Value, Ev> {
        match (name, arguments) {
            ("len", [argument]) => self.len(argument, env),
            ("error", [argument]) => {
                let message = self.concrete(argument, env)?;
                match message {
                    Value::Str(text) => Err(Ev::bottom(text.to_string())),
                    other => Err(Ev::bottom(format!(
                        "cannot use {other} as string in argument 1 to error"
                    ))),
                }
            }
            ("div" | "mod" | "quo" | "rem", [left, right]) => {
                let left = self.operand(left, env, name)?;
                let right = self.operand(right, env, name)?;
                integer_division(name, &left, &right)
            }
            ("len" | "error", _) => Err(arity(name, arguments.len(), 1)),
            _ => Err(arity(name, arguments.len(), 2)),
        }
    }

    fn len(&mut self, argument: &'r Expr, env: EnvId) -> Result<Value, Ev> {
        let count = match self.target(argument, env)? {
            Target::Value(Value::Struct(fields)) => fields.len(),
            Target::Value(value) => scalar_length(&value)?,
            Target::Vertex(v) => {
                let settled = self.decided(v)?;
                self.note_read(v);
                self.own_fault(settled)?;
                let node = &self.vertices[settled].node;
                if let Some(scalar) = &node.scalar {
                    scalar_length(scalar)?
                } else if node.kinds == Kinds::LIST && node.list.is_some() {
                    node.elements.len()
                } else if node.kinds == Kinds::STRUCT {
                    self.present_fields(settled).len()
                } else {
                    let shown = self.shown(settled);
                    return Err(Ev::incomplete(format!(
                        "non-concrete value {shown} in argument to len"
                    )));
                }
            }
        };
        Ok(Value::Number(Number::int(count as i128)))
    }

    fn arguments(
        &mut self,
        builtin: Builtin,
        arguments: &'r [Expr],
        env: EnvId,
    ) -> Result<Vec<Value>, Ev> {
        let mut out = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match self.concrete(argument, env) {
                Ok(value) => out.push(value),
                Err(Ev::Incomplete(why)) => {
                    return Err(Ev::incomplete(format!(
                        "error in call to {}: {why}",
                        builtin.full_name()
                    )));
                }
                Err(other) => return Err(other),
            }
        }
        Ok(out)
    }

    fn call(&mut self, builtin: Builtin, arguments: &'r [Expr], env: EnvId) -> Result<Value, Ev> {
        if builtin.name() == "list.Sort" || builtin.name() == "list.SortStable" {
            return self.sort(arguments, env);
        }
        let arguments = self.arguments(builtin, arguments, env)?;
        let cost = arguments
            .iter()
            .map(|argument| builtin.cost(argument))
            .sum();
        self.spend_length(cost)?;
        let value = builtin.call(&arguments, self.budget.length)?;
        self.spend_length(length(&value))?;
        Ok(value)
    }

    /// `list.Sort(list, {x: _, y: _, less: ...})`: `less` is judged on a vertex for each pair.
    fn sort(&mut self, arguments: &'r [Expr], env: EnvId) -> Result<Value, Ev> {
        let [list, order] = arguments else {
            return Err(arity("list.Sort", arguments.len(), 2));
        };
        let Value::List(items) = self.concrete(list, env)? else {
            return Err(Ev::bottom("cannot use argument 1 of list.Sort as list"));
        };
        let mut sorted: Vec<Value> = Vec::with_capacity(items.len());
        for item in items.iter() {
            let (mut low, mut high) = (0, sorted.len());
            while low < high {
                let middle = usize::midpoint(low, high);
                if self.less(order, env, item, &sorted[middle])? {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            self.spend(sorted.len() / 16)?;
            sorted.insert(low, item.clone());
        }
        Ok(Value::list(sorted))
    }

    fn less(&mut self, order: &'r Expr, env: EnvId, x: &Value, y: &Value) -> Result<bool, Ev> {
        let pair = Value::Struct(Arc::new(vec![
            (Arc::from("x"), x.clone()),
            (Arc::from("y"), y.clone()),
        ]));
        let parent = self.running.last().copied();
        let conjuncts = match order {
            Expr::Member(builtin) if builtin.name().starts_with("list.") => {
                let (Some(order), descending) = (
                    super::bound::order(x, y),
                    builtin.name().ends_with("Descending"),
                ) else {
                    return Err(Ev::bottom("cannot compare elements of list.Sort"));
                };
                return Ok(if descending {
                    order.is_gt()
                } else {
                    order.is_lt()
                });
            }
            _ => vec![
                Conjunct::of(Source::Expr(order, env)),
                Conjunct::of(Source::Value(pair)),
            ],
        };
        let v = self.scratch(conjuncts, parent)?;
        let less = self.select(
            Target::Vertex(v),
            &crate::tree::Label::Field(Arc::from("less")),
        )?;
        let value = match less {
            Target::Vertex(v) => self.deep_value(v)?,
            Target::Value(value) => value,
        };
        match value {
            Value::Bool(value) => Ok(value),
            other => Err(Ev::bottom(format!(
                "cannot use {other} as bool in list.Sort"
            ))),
        }
    }
}

/// How deep a value may be that is made of policy and data; plain data may be deeper.
const MAX_NESTING: usize = 200;

fn arity(name: &str, have: usize, want: usize) -> Ev {
    let amount = if have > want {
        "too many"
    } else {
        "not enough"
    };
    Ev::bottom(format!(
        "{amount} arguments in call to {name} (have {have}, want {want})"
    ))
}

fn scalar_length(value: &Value) -> Result<usize, Ev> {
    match value {
        Value::Str(text) => Ok(text.len()),
        Value::Bytes(bytes) => Ok(bytes.len()),
        Value::List(items) => Ok(items.len()),
        other => Err(Ev::bottom(format!(
            "invalid argument type {} in call to len",
            other.kind()
        ))),
    }
}

/// What a value weighs, for the budget.
pub(super) fn length(value: &Value) -> usize {
    match value {
        Value::Str(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.len().saturating_mul(16),
        Value::Struct(fields) => fields.len().saturating_mul(16),
        _ => 16,
    }
}

fn integer_division(name: &str, left: &Value, right: &Value) -> Result<Value, Ev> {
    let whole = |value: &Value| match value {
        Value::Number(number) if !number.is_float() => number.to_i128(),
        _ => None,
    };
    let (Some(a), Some(b)) = (whole(left), whole(right)) else {
        return Err(Ev::bottom(format!(
            "invalid operands {left} and {right} to '{name}' (type {} and {})",
            left.kind(),
            right.kind()
        )));
    };
    if b == 0 {
        return Err(Ev::bottom("division by zero"));
    }
    let result = match name {
        "div" => a.checked_div_euclid(b),
        "mod" => a.checked_rem_euclid(b),
        "quo" => a.checked_div(b),
        _ => a.checked_rem(b),
    };
    result
        .map(|value| Value::Number(Number::int(value)))
        .ok_or_else(Ev::digits)
}
