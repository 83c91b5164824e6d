//! Replacement of matches, with Go's templates.

use crate::GoRegex;

/// Copies `text`, giving each match's groups to `write`.
pub(crate) fn replace_all(
    regex: &GoRegex,
    text: &str,
    mut write: impl FnMut(&[Option<&str>], &mut String),
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for captures in regex.regex.captures_iter(text) {
        let Some(whole) = captures.get_match() else {
            continue;
        };
        let groups: Vec<Option<&str>> = captures
            .iter()
            .map(|group| group.map(|span| &text[span.range()]))
            .collect();
        out.push_str(&text[done..whole.start()]);
        write(&groups, &mut out);
        done = whole.end();
    }
    out.push_str(&text[done..]);
    out
}

/// Writes `template` with its references filled in. What is not a reference stays as it is.
pub(crate) fn expand(
    template: &str,
    names: &[Option<String>],
    groups: &[Option<&str>],
    out: &mut String,
) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = reference(after) {
            out.push_str(group(name, names, groups).unwrap_or_default());
            rest = after;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
}

/// Splits `name}..` or `name..` off the text after a dollar sign.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (body, braced) = match text.strip_prefix('{') {
        Some(body) => (body, true),
        None => (text, false),
    };
    let end = body
        .find(|c: char| c != '_' && !c.is_alphanumeric())
        .unwrap_or(body.len());
    let (name, rest) = body.split_at(end);
    match (name.is_empty(), braced) {
        (true, _) => None,
        (false, false) => Some((name, rest)),
        (false, true) => rest.strip_prefix('}').map(|rest| (name, rest)),
    }
}

fn group<'t>(name: &str, names: &[Option<String>], groups: &[Option<&'t str>]) -> Option<&'t str> {
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return groups.get(name.parse::<usize>().ok()?).copied().flatten();
    }
    // Go takes the first group of that name which took part.
    let mut named = names
        .iter()
        .zip(groups)
        .filter(|(known, _)| known.as_deref() == Some(name));
    named.find_map(|(_, group)| *group)
}
