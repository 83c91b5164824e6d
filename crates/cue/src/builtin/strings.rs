//! `strings`, `strconv` and `html`.

use super::{Arguments, Entry, function, int, predicate};
use crate::eval::Ev;
use crate::value::{Kinds, Value, quoted};

const S: &str = "strings";

pub(super) static MEMBERS: &[Entry] = &[
    function(S, "strings.ToUpper", 1, |a| text(upper(a.text(0)?))),
    function(S, "strings.ToLower", 1, |a| text(lower(a.text(0)?))),
    function(S, "strings.ToTitle", 1, |a| text(title(a.text(0)?))),
    function(S, "strings.TrimSpace", 1, |a| {
        text(a.text(0)?.trim().to_owned())
    }),
    function(S, "strings.Trim", 2, |a| trimmed(a, true, true)),
    function(S, "strings.TrimLeft", 2, |a| trimmed(a, true, false)),
    function(S, "strings.TrimRight", 2, |a| trimmed(a, false, true)),
    function(S, "strings.TrimPrefix", 2, |a| {
        let whole = a.text(0)?;
        text(whole.strip_prefix(a.text(1)?).unwrap_or(whole).to_owned())
    }),
    function(S, "strings.TrimSuffix", 2, |a| {
        let whole = a.text(0)?;
        text(whole.strip_suffix(a.text(1)?).unwrap_or(whole).to_owned())
    }),
    predicate(S, "strings.HasPrefix", 2, Kinds::STRING, |a| {
        yes(a.text(0)?.starts_with(a.text(1)?))
    }),
    predicate(S, "strings.HasSuffix", 2, Kinds::STRING, |a| {
        yes(a.text(0)?.ends_with(a.text(1)?))
    }),
    predicate(S, "strings.Contains", 2, Kinds::STRING, |a| {
        yes(a.text(0)?.contains(a.text(1)?))
    }),
    predicate(S, "strings.ContainsAny", 2, Kinds::STRING, |a| {
        let any = a.text(1)?;
        yes(a.text(0)?.contains(|c| any.contains(c)))
    }),
    predicate(S, "strings.MinRunes", 2, Kinds::STRING, |a| {
        yes(a.text(0)?.chars().count() as i64 >= a.int(1)?)
    }),
    predicate(S, "strings.MaxRunes", 2, Kinds::STRING, |a| {
        yes(a.text(0)?.chars().count() as i64 <= a.int(1)?)
    }),
    function(S, "strings.Index", 2, |a| {
        position(a.text(0)?.find(a.text(1)?))
    }),
    function(S, "strings.LastIndex", 2, |a| {
        position(a.text(0)?.rfind(a.text(1)?))
    }),
    function(S, "strings.Count", 2, |a| {
        let (whole, part) = (a.text(0)?, a.text(1)?);
        int(if part.is_empty() {
            whole.chars().count() + 1
        } else {
            whole.matches(part).count()
        } as i64)
    }),
    function(S, "strings.Replace", 4, replace),
    function(S, "strings.Repeat", 2, |a| {
        let count = a.int(1)?;
        let count =
            usize::try_from(count).map_err(|_| Ev::bottom("strings: negative Repeat count"))?;
        a.check_length(a.text(0)?.len().saturating_mul(count))?;
        text(a.text(0)?.repeat(count))
    }),
    function(S, "strings.Join", 2, |a| {
        let (parts, separator) = (a.texts(0)?, a.text(1)?);
        let total: usize = parts.iter().map(|part| part.len() + separator.len()).sum();
        a.check_length(total)?;
        text(parts.join(separator))
    }),
    function(S, "strings.Split", 2, |a| split(a, -1, false)),
    function(S, "strings.SplitN", 3, |a| split(a, a.int(2)?, false)),
    function(S, "strings.SplitAfter", 2, |a| split(a, -1, true)),
    function(S, "strings.SplitAfterN", 3, |a| split(a, a.int(2)?, true)),
    function(S, "strings.Fields", 1, |a| {
        texts(a.text(0)?.split_whitespace())
    }),
    function(S, "strings.Runes", 1, |a| {
        let runes: Result<Vec<_>, Ev> = a.text(0)?.chars().map(|c| int(c as u32)).collect();
        runes.map(Value::list)
    }),
    function(S, "strings.ByteAt", 2, |a| {
        let at = usize::try_from(a.int(1)?).ok();
        let byte = at.and_then(|at| a.bytes(0).ok()?.get(at).copied());
        byte.map_or_else(|| Err(Ev::bottom("index out of range")), int)
    }),
    function(S, "strings.ByteSlice", 3, |a| {
        let part = range(a)?.and_then(|range| a.bytes(0).ok()?.get(range));
        part.map(|part| Value::Bytes(part.into()))
            .ok_or_else(|| Ev::bottom("index out of range"))
    }),
    function(S, "strings.SliceRunes", 3, |a| {
        let runes: Vec<char> = a.text(0)?.chars().collect();
        let part = range(a)?.and_then(|range| runes.get(range));
        part.map(|part| Value::str(&part.iter().collect::<String>()))
            .ok_or_else(|| Ev::bottom("index out of range"))
    }),
    function("strconv", "strconv.Atoi", 1, |a| {
        let digits = a.text(0)?;
        let plain = digits.strip_prefix(['+', '-']).unwrap_or(digits);
        let valid = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
        let failed = |why| Ev::bottom(format!("strconv.Atoi: parsing {}: {why}", quoted(digits)));
        if !valid {
            return Err(failed("invalid syntax"));
        }
        int(digits
            .parse::<i64>()
            .map_err(|_| failed("value out of range"))?)
    }),
    function("strconv", "strconv.FormatBool", 1, |a| {
        match a.value(0)? {
            Value::Bool(value) => text(value.to_string()),
            _ => Err(a.wrong(0, "bool")),
        }
    }),
    function("html", "html.Escape", 1, |a| {
        let escaped = a
            .text(0)?
            .replace('&', "&amp;")
            .replace('\'', "&#39;")
            .replace('"', "&#34;");
        text(escaped.replace('<', "&lt;").replace('>', "&gt;"))
    }),
];

fn text(text: String) -> Result<Value, Ev> {
    Ok(Value::Str(text.into()))
}

fn yes(holds: bool) -> Result<Value, Ev> {
    Ok(Value::Bool(holds))
}

fn texts<'t>(parts: impl Iterator<Item = &'t str>) -> Result<Value, Ev> {
    Ok(Value::list(parts.map(Value::str).collect()))
}

fn position(found: Option<usize>) -> Result<Value, Ev> {
    match found {
        Some(at) => int(at as i64),
        None => int(-1),
    }
}

/// Go maps one character to one character.
fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

fn upper_char(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn lower(text: &str) -> String {
    text.chars()
        .map(|c| c.to_lowercase().next().unwrap_or(c))
        .collect()
}

fn title(text: &str) -> String {
    let mut previous = ' ';
    text.chars()
        .map(|c| {
            let start = previous.is_whitespace();
            previous = c;
            if start { upper_char(c) } else { c }
        })
        .collect()
}

fn trimmed(a: &Arguments<'_>, left: bool, right: bool) -> Result<Value, Ev> {
    let (mut part, cut) = (a.text(0)?, a.text(1)?);
    if left {
        part = part.trim_start_matches(|c| cut.contains(c));
    }
    if right {
        part = part.trim_end_matches(|c| cut.contains(c));
    }
    text(part.to_owned())
}

fn replace(a: &Arguments<'_>) -> Result<Value, Ev> {
    let (whole, old, new, count) = (a.text(0)?, a.text(1)?, a.text(2)?, a.int(3)?);
    let places = if old.is_empty() {
        whole.chars().count() + 1
    } else {
        whole.matches(old).count()
    };
    a.check_length(whole.len().saturating_add(places.saturating_mul(new.len())))?;
    text(match usize::try_from(count) {
        Ok(count) => whole.replacen(old, new, count),
        Err(_) => whole.replace(old, new),
    })
}

fn split(a: &Arguments<'_>, count: i64, keep: bool) -> Result<Value, Ev> {
    let (whole, separator) = (a.text(0)?, a.text(1)?);
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Value::list(Vec::new()));
    }
    let mut parts = Vec::new();
    let mut rest = whole;
    while parts.len() + 1 < limit {
        let next = if separator.is_empty() {
            rest.chars()
                .next()
                .map(|c| (c.len_utf8(), 0))
                .filter(|(length, _)| *length < rest.len())
        } else {
            rest.find(separator).map(|at| (at, separator.len()))
        };
        let Some((at, skipped)) = next else {
            break;
        };
        parts.push(&rest[..at + if keep { skipped } else { 0 }]);
        rest = &rest[at + skipped..];
    }
    if !(separator.is_empty() && whole.is_empty()) {
        parts.push(rest);
    }
    a.check_length(parts.len().saturating_mul(16))?;
    texts(parts.into_iter())
}

fn range(a: &Arguments<'_>) -> Result<Option<std::ops::Range<usize>>, Ev> {
    let (low, high) = (a.int(1)?, a.int(2)?);
    Ok(match (usize::try_from(low), usize::try_from(high)) {
        (Ok(low), Ok(high)) if low <= high => Some(low..high),
        _ => None,
    })
}
