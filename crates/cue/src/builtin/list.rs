//! `list`.

use std::cmp::Ordering;

use super::{Arguments, Entry, function, int, predicate};
use crate::eval::Ev;
use crate::number::Number;
use crate::value::{Kinds, Value};

const L: &str = "list";

pub(super) static MEMBERS: &[Entry] = &[
    predicate(L, "list.MinItems", 2, Kinds::LIST, |a| {
        Ok(Value::Bool(a.list(0)?.len() as i64 >= a.int(1)?))
    }),
    predicate(L, "list.MaxItems", 2, Kinds::LIST, |a| {
        Ok(Value::Bool(a.list(0)?.len() as i64 <= a.int(1)?))
    }),
    predicate(L, "list.UniqueItems", 1, Kinds::LIST, unique_items),
    predicate(L, "list.MatchN", 3, Kinds::LIST, |a| {
        Err(Ev::bottom(format!("{} is no function", a.name)))
    }),
    predicate(L, "list.Contains", 2, Kinds::LIST, |a| {
        let wanted = a.value(1)?;
        Ok(Value::Bool(
            a.list(0)?.iter().any(|item| item.equals(wanted)),
        ))
    }),
    predicate(L, "list.IsSortedStrings", 1, Kinds::LIST, |a| {
        Ok(Value::Bool(a.texts(0)?.is_sorted()))
    }),
    function(L, "list.SortStrings", 1, |a| {
        let mut texts = a.texts(0)?;
        texts.sort_unstable();
        Ok(Value::list(texts.into_iter().map(Value::str).collect()))
    }),
    function(L, "list.Sort", 2, |a| Err(a.wrong(1, "comparer"))),
    function(L, "list.SortStable", 2, |a| Err(a.wrong(1, "comparer"))),
    function(L, "list.Ascending", 2, |a| Err(a.wrong(0, "comparer"))),
    function(L, "list.Descending", 2, |a| Err(a.wrong(0, "comparer"))),
    function(L, "list.Concat", 1, |a| {
        let mut out = Vec::new();
        for part in a.list(0)? {
            match part {
                Value::List(items) => out.extend(items.iter().cloned()),
                _ => return Err(a.wrong(0, "list of lists")),
            }
        }
        Ok(Value::list(out))
    }),
    function(L, "list.Repeat", 2, |a| {
        let count = usize::try_from(a.int(1)?).map_err(|_| Ev::bottom("negative count"))?;
        let items = a.list(0)?;
        a.check_length(items.len().saturating_mul(count).saturating_mul(16))?;
        Ok(Value::list(
            std::iter::repeat_n(items, count)
                .flatten()
                .cloned()
                .collect(),
        ))
    }),
    function(L, "list.FlattenN", 2, |a| {
        let mut out = Vec::new();
        flatten(a.list(0)?, a.int(1)?, &mut out);
        Ok(Value::list(out))
    }),
    function(L, "list.Reverse", 1, |a| {
        Ok(Value::list(a.list(0)?.iter().rev().cloned().collect()))
    }),
    function(L, "list.Slice", 3, |a| {
        let (low, high) = (a.int(1)?, a.int(2)?);
        if low < 0 {
            return Err(Ev::bottom("negative index"));
        }
        if low > high {
            return Err(Ev::bottom(format!("invalid index: {low} > {high}")));
        }
        let part = a.list(0)?.get(low as usize..high as usize);
        part.map(|part| Value::list(part.to_vec()))
            .ok_or_else(|| Ev::bottom("slice bounds out of range"))
    }),
    function(L, "list.Take", 2, |a| {
        let count = usize::try_from(a.int(1)?).map_err(|_| Ev::bottom("negative index"))?;
        Ok(Value::list(
            a.list(0)?.iter().take(count).cloned().collect(),
        ))
    }),
    function(L, "list.Drop", 2, |a| {
        let count = usize::try_from(a.int(1)?).map_err(|_| Ev::bottom("negative index"))?;
        Ok(Value::list(
            a.list(0)?.iter().skip(count).cloned().collect(),
        ))
    }),
    function(L, "list.Range", 3, range),
    function(L, "list.Sum", 1, |a| fold(a, Number::int(0), Number::add)),
    function(L, "list.Product", 1, |a| {
        fold(a, Number::int(1), Number::multiply)
    }),
    function(L, "list.Min", 1, |a| extreme(a, Ordering::Less)),
    function(L, "list.Max", 1, |a| extreme(a, Ordering::Greater)),
    function(L, "list.Avg", 1, |a| {
        let numbers = a.numbers(0)?;
        if numbers.is_empty() {
            return Err(Ev::bottom("empty list"));
        }
        let sum = total(&numbers, Number::int(0), Number::add)?;
        let average = sum
            .divide(Number::int(numbers.len() as i128))
            .ok_or_else(Ev::digits)?;
        // A whole average is an int, as upstream has it.
        Ok(Value::Number(
            average.to_i128().map_or(average, Number::int),
        ))
    }),
];

fn total(
    numbers: &[Number],
    start: Number,
    join: fn(Number, Number) -> Option<Number>,
) -> Result<Number, Ev> {
    let sum = numbers
        .iter()
        .try_fold(start, |sum, number| join(sum, *number));
    sum.ok_or_else(Ev::digits)
}

fn fold(
    a: &Arguments<'_>,
    start: Number,
    join: fn(Number, Number) -> Option<Number>,
) -> Result<Value, Ev> {
    total(&a.numbers(0)?, start, join).map(Value::Number)
}

fn extreme(a: &Arguments<'_>, wanted: Ordering) -> Result<Value, Ev> {
    let numbers = a.numbers(0)?;
    let best = numbers.into_iter().reduce(|best, next| {
        if next.compare(best) == wanted {
            next
        } else {
            best
        }
    });
    best.map(Value::Number)
        .ok_or_else(|| Ev::bottom("empty list"))
}

fn flatten(items: &[Value], depth: i64, out: &mut Vec<Value>) {
    for item in items {
        match item {
            Value::List(inner) if depth != 0 => flatten(inner, depth - 1, out),
            other => out.push(other.clone()),
        }
    }
}

fn range(a: &Arguments<'_>) -> Result<Value, Ev> {
    let (start, limit, step) = (a.number(0)?, a.number(1)?, a.number(2)?);
    if step.is_zero() {
        return Err(Ev::bottom("step must be non zero"));
    }
    let end = if step.is_negative() {
        Ordering::Greater
    } else {
        Ordering::Less
    };
    let mut out = Vec::new();
    let mut at = start;
    while at.compare(limit) == end {
        a.check_length(out.len().saturating_mul(16))?;
        out.push(Value::Number(at));
        at = at.add(step).ok_or_else(Ev::digits)?;
    }
    Ok(Value::list(out))
}

/// Structs are never equal here, as upstream has it.
fn unique_items(a: &Arguments<'_>) -> Result<Value, Ev> {
    let items = a.list(0)?;
    for (at, item) in items.iter().enumerate() {
        if matches!(item, Value::Struct(_)) {
            continue;
        }
        if let Some(before) = items[..at].iter().position(|other| other.equals(item)) {
            return Err(Ev::bottom(format!(
                "equal value ({item}) at position {before} and {at}"
            )));
        }
    }
    int(1).map(|_| Value::Bool(true))
}
