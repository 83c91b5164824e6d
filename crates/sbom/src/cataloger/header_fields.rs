//! `Name: value` lines with continuations, as Debian's control files (deb822(5)) and Python's core metadata
//! (RFC 5322 headers) share them.

use std::borrow::Cow;

/// One block of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stanza<'a> {
    fields: Vec<(&'a str, Cow<'a, str>)>,
    /// Where it begins, counted from 1.
    pub(crate) line: usize,
    /// The first line that is no field, if there is one; it was passed over.
    pub(crate) malformed_line: Option<usize>,
}

/// The blocks of a text, separated by empty lines.
pub(crate) struct Stanzas<'a> {
    lines: std::str::Lines<'a>,
    line: usize,
}

impl<'a> Stanzas<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self {
            lines: text.trim_start_matches('\u{feff}').lines(),
            line: 0,
        }
    }
}

impl<'a> Iterator for Stanzas<'a> {
    type Item = Stanza<'a>;

    fn next(&mut self) -> Option<Stanza<'a>> {
        let mut stanza = Stanza::default();
        for line in self.lines.by_ref() {
            self.line += 1;
            if line.trim().is_empty() {
                if stanza.line == 0 {
                    continue;
                }
                return Some(stanza);
            }
            if stanza.line == 0 {
                stanza.line = self.line;
            }
            stanza.read(line, self.line);
        }
        (stanza.line != 0).then_some(stanza)
    }
}

impl<'a> Stanza<'a> {
    fn read(&mut self, line: &'a str, number: usize) {
        if line.starts_with([' ', '\t']) {
            match self.fields.last_mut() {
                Some((_, value)) => {
                    let value = value.to_mut();
                    value.push('\n');
                    value.push_str(line.trim());
                }
                None => self.malformed_line = self.malformed_line.or(Some(number)),
            }
        } else if line.starts_with('#') {
            // A comment (deb822(5)); Python's metadata has no such fields.
        } else if let Some((name, value)) = line.split_once(':') {
            self.fields.push((name.trim(), Cow::Borrowed(value.trim())));
        } else {
            self.malformed_line = self.malformed_line.or(Some(number));
        }
    }

    /// The first field of the name, whatever its case, unless it is empty.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.is_empty())
    }

    /// Every field of the name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| &**value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_continuations() {
        let text = "\n\nA: 1\nB:\n two\n three\n\n# c\nnonsense\na: 4\na: 5\n";
        let stanzas: Vec<_> = Stanzas::of(text).collect();
        assert_eq!(stanzas.len(), 2);
        assert_eq!(stanzas[0].field("b"), Some("\ntwo\nthree"));
        assert_eq!((stanzas[0].line, stanzas[0].malformed_line), (3, None));
        assert_eq!(stanzas[1].all("A").collect::<Vec<_>>(), ["4", "5"]);
        assert_eq!((stanzas[1].line, stanzas[1].malformed_line), (8, Some(9)));
    }
}
