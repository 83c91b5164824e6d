//! `regexp`.

use countersign_go_regex::GoRegex;

use super::{Arguments, Entry, function, predicate};
use crate::eval::Ev;
use crate::value::{Kinds, Value};

const R: &str = "regexp";

pub(super) static MEMBERS: &[Entry] = &[
    predicate(R, "regexp.Valid", 1, Kinds::STRING, |a| {
        compiled(a).map(|_| Value::Bool(true))
    }),
    predicate(R, "regexp.Match", 2, Kinds::STRING, |a| {
        Ok(Value::Bool(compiled(a)?.is_match(a.text(1)?)))
    }),
    function(R, "regexp.Find", 2, |a| {
        compiled(a)?
            .find(a.text(1)?)
            .map(Value::str)
            .ok_or_else(no_match)
    }),
    function(R, "regexp.FindAll", 3, |a| {
        let regex = compiled(a)?;
        let found: Vec<Value> = regex
            .find_iter(a.text(1)?)
            .take(count(a)?)
            .map(Value::str)
            .collect();
        some(found)
    }),
    function(R, "regexp.FindSubmatch", 2, |a| {
        compiled(a)?
            .captures(a.text(1)?)
            .map(|groups| groups_of(&groups))
            .ok_or_else(no_match)
    }),
    function(R, "regexp.FindAllSubmatch", 3, |a| {
        let regex = compiled(a)?;
        let found = regex.captures_iter(a.text(1)?).take(count(a)?);
        some(found.map(|groups| groups_of(&groups)).collect())
    }),
    function(R, "regexp.FindNamedSubmatch", 2, |a| {
        let regex = compiled(a)?;
        let groups = regex.captures(a.text(1)?).ok_or_else(no_match)?;
        named(&regex, &groups)
    }),
    function(R, "regexp.FindAllNamedSubmatch", 3, |a| {
        let regex = compiled(a)?;
        let found = regex.captures_iter(a.text(1)?).take(count(a)?);
        some(
            found
                .map(|groups| named(&regex, &groups))
                .collect::<Result<_, _>>()?,
        )
    }),
    function(R, "regexp.ReplaceAll", 3, |a| {
        Ok(Value::Str(
            compiled(a)?.replace_all(a.text(1)?, a.text(2)?).into(),
        ))
    }),
    function(R, "regexp.ReplaceAllLiteral", 3, |a| {
        Ok(Value::Str(
            compiled(a)?
                .replace_all_literal(a.text(1)?, a.text(2)?)
                .into(),
        ))
    }),
];

fn compiled(a: &Arguments<'_>) -> Result<GoRegex, Ev> {
    GoRegex::new(a.text(0)?).map_err(|error| Ev::bottom(error.to_string()))
}

fn no_match() -> Ev {
    Ev::bottom("no match")
}

fn count(a: &Arguments<'_>) -> Result<usize, Ev> {
    Ok(usize::try_from(a.int(2)?).unwrap_or(usize::MAX))
}

fn some(found: Vec<Value>) -> Result<Value, Ev> {
    if found.is_empty() {
        Err(no_match())
    } else {
        Ok(Value::list(found))
    }
}

fn groups_of(groups: &[Option<&str>]) -> Value {
    Value::list(
        groups
            .iter()
            .map(|group| Value::str(group.unwrap_or_default()))
            .collect(),
    )
}

fn named(regex: &GoRegex, groups: &[Option<&str>]) -> Result<Value, Ev> {
    let mut fields = Vec::new();
    for (name, group) in regex.capture_names().iter().zip(groups) {
        if let Some(name) = name {
            fields.push((name.as_str().into(), Value::str(group.unwrap_or_default())));
        }
    }
    if fields.is_empty() {
        return Err(Ev::bottom("no named groups"));
    }
    Ok(Value::Struct(fields.into()))
}
