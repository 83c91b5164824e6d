//! Bounds (`>3`, `=~"x"`) and validators (`list.MaxItems(2)`).

use std::cmp::Ordering;
use std::sync::Arc;

use countersign_go_regex::GoRegex;

use super::Evaluator;
use super::fault::{Ev, Failure, Stop};
use super::vertex::{Conjunct, Source, Told, VertexId};
use crate::builtin::{Builtin, Verdict};
use crate::number::{Direction, Number};
use crate::tree::Comparison;
use crate::value::{Kinds, Value};

#[derive(Debug, Clone)]
pub(super) struct Bound {
    pub(super) comparison: Comparison,
    pub(super) value: Value,
    /// Of `=~` and `!~`: the expression, or Go's words against it.
    pub(super) regex: Option<Result<Arc<GoRegex>, String>>,
}

impl Bound {
    pub(super) fn text(&self) -> String {
        format!("{}{}", self.comparison.text(), self.value)
    }

    /// The kinds that can meet the bound, or what is wrong with it.
    fn kinds(&self) -> Result<Kinds, String> {
        let kind = self.value.kind();
        let wrong = || {
            Err(format!(
                "invalid value {} (type {kind}) for bound {}",
                self.value,
                self.comparison.text()
            ))
        };
        match self.comparison {
            Comparison::Matches | Comparison::MatchesNot if kind == Kinds::STRING => {
                Ok(Kinds::STRING)
            }
            Comparison::Matches | Comparison::MatchesNot => wrong(),
            Comparison::NotEqual if kind == Kinds::NULL => Ok(Kinds::ALL.without(Kinds::NULL)),
            _ if kind == Kinds::STRING || kind == Kinds::BYTES => Ok(kind),
            _ if Kinds::NUMBER.has(kind) => Ok(Kinds::NUMBER),
            _ => wrong(),
        }
    }

    fn admits(&self, value: &Value) -> Result<bool, String> {
        if let Some(regex) = &self.regex {
            let regex = regex
                .as_ref()
                .map_err(|words| format!("invalid regexp: {words}"))?;
            let Value::Str(text) = value else {
                return Ok(false);
            };
            return Ok(regex.is_match(text) == (self.comparison == Comparison::Matches));
        }
        if self.comparison == Comparison::NotEqual {
            return Ok(!value.equals(&self.value));
        }
        Ok(order(value, &self.value).is_some_and(|order| holds(self.comparison, order)))
    }
}

/// Whether a comparison holds of values in this order.
pub(super) fn holds(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Matches | Comparison::MatchesNot => false,
    }
}

/// The order of two values of a kind that has one.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => Some(a.compare(*b)),
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// A builtin that judges a value.
#[derive(Debug, Clone)]
pub(super) struct Validator<'r> {
    pub(super) builtin: Builtin,
    pub(super) arguments: Vec<Value>,
    /// Of `list.MatchN`: the count wanted, and what is counted.
    pub(super) schemas: Option<(Source<'r>, Source<'r>)>,
}

impl Validator<'_> {
    pub(super) fn text(&self) -> String {
        let arguments: Vec<String> = self.arguments.iter().map(Value::to_string).collect();
        format!("{}({})", self.builtin.name(), arguments.join(", "))
    }

    /// As refusals name it: without parentheses when it takes no arguments.
    fn refusal_text(&self) -> String {
        if self.arguments.is_empty() {
            self.builtin.name().to_owned()
        } else {
            self.text()
        }
    }
}

impl<'r> Evaluator<'r> {
    pub(super) fn insert_bound(
        &mut self,
        v: VertexId,
        comparison: Comparison,
        value: Value,
    ) -> Result<(), Ev> {
        let regex = match (&value, comparison) {
            (Value::Str(pattern), Comparison::Matches | Comparison::MatchesNot) => {
                self.spend(pattern.len() / 8)?;
                Some(
                    GoRegex::new(pattern)
                        .map(Arc::new)
                        .map_err(|error| error.to_string()),
                )
            }
            _ => None,
        };
        let bound = Bound {
            comparison,
            value,
            regex,
        };
        let kinds = bound.kinds().map_err(Ev::bottom)?;
        if self.narrow(v, kinds, Told::Text(bound.text())) {
            self.vertices[v].node.bounds.push(bound);
        }
        Ok(())
    }

    pub(super) fn insert_validator(
        &mut self,
        v: VertexId,
        validator: Validator<'r>,
    ) -> Result<(), Ev> {
        let kinds = validator.builtin.judged_kinds();
        if self.narrow(v, kinds, Told::Text(validator.text())) {
            self.vertices[v].node.validators.push(validator);
        }
        Ok(())
    }

    /// Holds the bounds against the value or, without one, against each other.
    pub(super) fn check_bounds(&mut self, v: VertexId) {
        if self.vertices[v].node.bounds.is_empty() || !self.vertices[v].node.faults.is_empty() {
            return;
        }
        let Some(value) = self.vertices[v].node.scalar.clone() else {
            self.check_contradiction(v);
            return;
        };
        for index in 0..self.vertices[v].node.bounds.len() {
            let bound = &self.vertices[v].node.bounds[index];
            match bound.admits(&value) {
                Ok(true) => {}
                Ok(false) => {
                    let message = format!("invalid value {value} (out of bound {})", bound.text());
                    self.fault(v, message);
                    return;
                }
                Err(message) => {
                    self.fault(v, message);
                    return;
                }
            }
        }
    }

    fn check_contradiction(&mut self, v: VertexId) {
        let node = &self.vertices[v].node;
        let int = node.kinds == Kinds::INT;
        let mut conflict = None;
        let mut exact = None;
        for low in node
            .bounds
            .iter()
            .filter(|bound| is_lower(bound.comparison))
        {
            for high in node
                .bounds
                .iter()
                .filter(|bound| is_upper(bound.comparison))
            {
                match between(low, high, int) {
                    Some(Between::Nothing) => conflict = Some((low.text(), high.text())),
                    Some(Between::One(value)) => exact = Some(value),
                    None => {}
                }
            }
        }
        let kinds = node.kinds;
        if let Some((low, high)) = conflict {
            let kind = if kinds == Kinds::STRING {
                "string"
            } else {
                "number"
            };
            self.fault(v, format!("incompatible {kind} bounds {high} and {low}"));
        } else if let Some(value) = exact
            && kinds.has(value.kind())
        {
            self.vertices[v].node.scalar = Some(value);
            self.check_bounds(v);
        }
    }

    /// Asks the validators, once the value is there.
    pub(super) fn check_validators(&mut self, v: VertexId) -> Result<(), Stop> {
        if !self.vertices[v].node.faults.is_empty() {
            return Ok(());
        }
        for index in 0..self.vertices[v].node.validators.len() {
            let validator = self.vertices[v].node.validators[index].clone();
            match self.ask(v, &validator) {
                Ok(()) | Err(Ev::Incomplete(_)) => {}
                Err(Ev::Stop(stop)) => return Err(stop),
                Err(Ev::Bottom(Failure::Here(message))) => {
                    self.fault(v, message);
                    return Ok(());
                }
                Err(Ev::Bottom(Failure::There(fault))) => {
                    self.vertices[v].node.faults.push(fault);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn ask(&mut self, v: VertexId, validator: &Validator<'r>) -> Result<(), Ev> {
        let verdict = match validator.builtin.name() {
            "struct.MinFields" | "struct.MaxFields" => self.count_fields(v, validator)?,
            "list.MinItems" | "list.MaxItems" => self.count_items(v, validator)?,
            "list.MatchN" => return self.match_count(v, validator),
            _ => {
                let value = self.deep_value(v)?;
                self.spend_length(validator.builtin.cost(&value))?;
                validator.builtin.judge(&value, &validator.arguments)?
            }
        };
        let reason = match verdict {
            Verdict::Holds => return Ok(()),
            Verdict::Fails => String::new(),
            Verdict::FailsBecause(reason) => format!(": {reason}"),
        };
        let shown = self.shown(v);
        Err(Ev::bottom(format!(
            "invalid value {shown} (does not satisfy {}){reason}",
            validator.refusal_text()
        )))
    }

    fn count_fields(&mut self, v: VertexId, validator: &Validator<'r>) -> Result<Verdict, Ev> {
        let node = &self.vertices[v].node;
        if !node.kinds.has(Kinds::STRUCT) || node.kinds != Kinds::STRUCT {
            return Err(Ev::incomplete("no struct yet"));
        }
        let count = self.present_fields(v).len();
        let limit = limit(validator)?;
        if validator.builtin.name() == "struct.MinFields" {
            return if (count as i64) < limit {
                Err(Ev::incomplete("too few fields yet"))
            } else {
                Ok(Verdict::Holds)
            };
        }
        Ok(if count as i64 > limit {
            Verdict::FailsBecause(format!(
                "len(fields) > MaxFields({limit}) ({count} > {limit})"
            ))
        } else {
            Verdict::Holds
        })
    }

    fn count_items(&mut self, v: VertexId, validator: &Validator<'r>) -> Result<Verdict, Ev> {
        let node = &self.vertices[v].node;
        let Some(list) = &node.list else {
            return Err(Ev::incomplete("no list yet"));
        };
        let (closed, count, limit) = (list.closed, node.elements.len(), limit(validator)?);
        if validator.builtin.name() == "list.MinItems" {
            if count as i64 >= limit {
                return Ok(Verdict::Holds);
            }
            return if closed {
                Ok(Verdict::FailsBecause(format!(
                    "len(list) < MinItems({limit}) ({count} < {limit})"
                )))
            } else {
                Err(Ev::incomplete("too few elements yet"))
            };
        }
        Ok(if count as i64 > limit {
            Verdict::FailsBecause(format!("len(list) > MaxItems({limit}) ({count} > {limit})"))
        } else {
            Verdict::Holds
        })
    }

    /// `list.MatchN(n, schema)`: how many elements unify with the schema.
    fn match_count(&mut self, v: VertexId, validator: &Validator<'r>) -> Result<(), Ev> {
        let Some((wanted, schema)) = validator.schemas.clone() else {
            return Err(Ev::Stop(Stop::Unsupported(
                "list.MatchN without a schema".to_owned(),
            )));
        };
        let Some(list) = &self.vertices[v].node.list else {
            return Err(Ev::incomplete("no list yet"));
        };
        let closed = list.closed;
        let elements = self.vertices[v].node.elements.clone();
        let mut count: i128 = 0;
        for element in elements {
            let mut conjuncts = self.vertices[element].conjuncts.clone();
            conjuncts.push(Conjunct::of(schema.clone()));
            let trial = self.scratch(conjuncts, Some(v))?;
            self.eval(trial)?;
            count += i128::from(self.first_fault(trial)?.is_none());
        }
        let number = Source::Value(Value::Number(Number::int(count)));
        let conjuncts = vec![Conjunct::of(number), Conjunct::of(wanted)];
        let wanted = self.scratch(conjuncts, Some(v))?;
        self.eval(wanted)?;
        match self.first_fault(wanted)? {
            Some(_) if closed => Err(Ev::bottom(format!(
                "invalid value (does not satisfy list.MatchN): number of matched elements is {count}"
            ))),
            _ => Ok(()),
        }
    }
}

fn limit(validator: &Validator<'_>) -> Result<i64, Ev> {
    match validator.arguments.first() {
        Some(Value::Number(number)) => number.to_i64().ok_or_else(Ev::digits),
        _ => Err(Ev::bottom(format!(
            "cannot use argument of {} as int",
            validator.builtin.name()
        ))),
    }
}

fn is_lower(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Greater | Comparison::GreaterOrEqual)
}

fn is_upper(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Less | Comparison::LessOrEqual)
}

enum Between {
    Nothing,
    One(Value),
}

/// What lies between two bounds, when that is nothing or a single value.
fn between(low: &Bound, high: &Bound, int: bool) -> Option<Between> {
    let inclusive =
        low.comparison == Comparison::GreaterOrEqual && high.comparison == Comparison::LessOrEqual;
    if let (true, Value::Number(a), Value::Number(b)) = (int, &low.value, &high.value) {
        let (mut first, mut last) = (a.whole(Direction::Up)?, b.whole(Direction::Down)?);
        if low.comparison == Comparison::Greater && first.compare(*a).is_eq() {
            first = first.add(Number::int(1))?;
        }
        if high.comparison == Comparison::Less && last.compare(*b).is_eq() {
            last = last.subtract(Number::int(1))?;
        }
        return match first.compare(last) {
            Ordering::Less => None,
            Ordering::Equal => Some(Between::One(Value::Number(first))),
            Ordering::Greater => Some(Between::Nothing),
        };
    }
    match order(&low.value, &high.value)? {
        Ordering::Less => None,
        Ordering::Equal if inclusive => Some(Between::One(low.value.clone())),
        Ordering::Equal | Ordering::Greater => Some(Between::Nothing),
    }
}
