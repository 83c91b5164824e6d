//! Reads Go's syntax into a tree, with Go's errors in Go's order.

use regex_syntax::hir::{ClassUnicode, Dot, Hir, Look};

use crate::class;
use crate::error::{ErrorKind, GoRegexError};
use crate::node::{Node, Repeat};

/// A parsed pattern, and the names of its groups (the whole match first).
pub(crate) struct Parsed {
    pub(crate) hir: Hir,
    pub(crate) names: Vec<Option<String>>,
}

/// Parses the whole of `pattern`.
pub(crate) fn parse(pattern: &str) -> Result<Parsed, GoRegexError> {
    let mut parser = Parser {
        whole: pattern,
        flags: Flags::default(),
        groups: vec![Group::outermost()],
        names: vec![None],
        ranges: 0,
    };
    let mut rest = pattern;
    let mut last_repeat = None;
    while let Some(first) = rest.chars().next() {
        let start = rest;
        rest = parser.step(first, rest, last_repeat)?;
        let repeated = match first {
            '*' | '+' | '?' => true,
            '{' => braces(start).is_some(),
            _ => false,
        };
        last_repeat = repeated.then_some(start);
    }
    if parser.groups.len() != 1 {
        return Err(GoRegexError::new(ErrorKind::MissingParenthesis, pattern));
    }
    let outermost = parser.groups.pop().expect("one group is left");
    let node = parser.checked(outermost.finish())?;
    Ok(Parsed {
        hir: node.hir,
        names: parser.names,
    })
}

struct Parser<'p> {
    whole: &'p str,
    flags: Flags,
    /// The open groups, the whole expression first.
    groups: Vec<Group>,
    names: Vec<Option<String>>,
    /// How many ranges all classes hold together.
    ranges: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_newline: bool,
    lazy: bool,
}

#[derive(Default)]
struct Group {
    branches: Vec<Node>,
    items: Vec<Node>,
    /// The flags that return when the group closes.
    flags: Flags,
    capture: Option<u32>,
}

impl Group {
    fn outermost() -> Self {
        Self::default()
    }

    fn close_branch(&mut self) {
        let items = std::mem::take(&mut self.items);
        self.branches.push(if items.is_empty() {
            Node::empty()
        } else {
            Node::concat(items)
        });
    }

    fn finish(mut self) -> Node {
        self.close_branch();
        Node::alternation(self.branches)
    }
}

impl<'p> Parser<'p> {
    /// Reads one item from the front of `text` and returns what follows it.
    fn step(
        &mut self,
        first: char,
        text: &'p str,
        last_repeat: Option<&'p str>,
    ) -> Result<&'p str, GoRegexError> {
        let after = &text[first.len_utf8()..];
        match first {
            '(' if after.starts_with('?') => return self.perl_group(text),
            '(' => self.open(Some(None)),
            ')' => self.close()?,
            '|' => self.top().close_branch(),
            '^' => self.look(if self.flags.multi_line {
                Look::StartLF
            } else {
                Look::Start
            })?,
            '$' => self.look(if self.flags.multi_line {
                Look::EndLF
            } else {
                Look::End
            })?,
            '.' => {
                let any = self.flags.dot_newline;
                self.push(Node::dot(if any {
                    Dot::AnyChar
                } else {
                    Dot::AnyCharExceptLF
                }))?;
            }
            '[' => return self.class(text),
            '*' => return self.repeat(0, None, false, text, after, last_repeat),
            '+' => return self.repeat(1, None, false, text, after, last_repeat),
            '?' => return self.repeat(0, Some(1), false, text, after, last_repeat),
            '{' => {
                let Some((counts, after)) = braces(text) else {
                    self.literal('{')?;
                    return Ok(after);
                };
                let Some((min, max)) = counts else {
                    let written = &text[..text.len() - after.len()];
                    return Err(GoRegexError::new(ErrorKind::InvalidRepeatSize, written));
                };
                return self.repeat(min, max, true, text, after, last_repeat);
            }
            '\\' => return self.backslash(text),
            _ => self.literal(first)?,
        }
        Ok(after)
    }

    fn top(&mut self) -> &mut Group {
        self.groups
            .last_mut()
            .expect("the outermost group is never closed")
    }

    fn push(&mut self, node: Node) -> Result<(), GoRegexError> {
        let node = self.checked(node)?;
        self.top().items.push(node);
        Ok(())
    }

    fn checked(&self, node: Node) -> Result<Node, GoRegexError> {
        if node.height() > MAX_HEIGHT {
            return Err(GoRegexError::new(ErrorKind::TooDeep, self.whole));
        }
        Ok(node)
    }

    fn literal(&mut self, character: char) -> Result<(), GoRegexError> {
        self.push(Node::literal(u32::from(character), self.flags.fold))
    }

    fn look(&mut self, look: Look) -> Result<(), GoRegexError> {
        self.push(Node::look(look))
    }

    fn push_class(&mut self, class: ClassUnicode) -> Result<(), GoRegexError> {
        self.ranges = self.ranges.saturating_add(class.ranges().len());
        if self.ranges > MAX_RANGES {
            return Err(GoRegexError::too_large(self.whole));
        }
        self.push(Node::class(class))
    }

    /// Opens a group: `Some(name)` captures.
    fn open(&mut self, capture: Option<Option<&str>>) {
        let capture = capture.map(|name| {
            self.names.push(name.map(str::to_owned));
            u32::try_from(self.names.len() - 1).expect("shorter than the pattern")
        });
        self.groups.push(Group {
            flags: self.flags,
            capture,
            ..Group::default()
        });
    }

    fn close(&mut self) -> Result<(), GoRegexError> {
        if self.groups.len() < 2 {
            return Err(GoRegexError::new(
                ErrorKind::UnexpectedParenthesis,
                self.whole,
            ));
        }
        let group = self.groups.pop().expect("two groups are open");
        self.flags = group.flags;
        let capture = group.capture;
        let node = group.finish();
        self.push(match capture {
            Some(index) => node.capture(index),
            None => node,
        })
    }

    fn repeat(
        &mut self,
        min: u32,
        max: Option<u32>,
        counted: bool,
        before: &'p str,
        after: &'p str,
        last_repeat: Option<&'p str>,
    ) -> Result<&'p str, GoRegexError> {
        let (rest, lazy) = match after.strip_prefix('?') {
            Some(rest) => (rest, !self.flags.lazy),
            None => (after, self.flags.lazy),
        };
        if let Some(last) = last_repeat {
            let written = &last[..last.len() - rest.len()];
            return Err(GoRegexError::new(ErrorKind::InvalidRepeatOperator, written));
        }
        let written = &before[..before.len() - rest.len()];
        let Some(item) = self.top().items.pop() else {
            return Err(GoRegexError::new(ErrorKind::MissingRepeatArgument, written));
        };
        let node = item.repeat(Repeat {
            min,
            max,
            greedy: !lazy,
            counted,
        });
        let large = counted && (min >= 2 || max.is_some_and(|max| max >= 2));
        if large && node.repeats() > MAX_REPEAT {
            return Err(GoRegexError::new(ErrorKind::InvalidRepeatSize, written));
        }
        self.push(node)?;
        Ok(rest)
    }

    /// `(?flags)`, `(?flags:`, `(?P<name>` and `(?<name>`.
    fn perl_group(&mut self, text: &'p str) -> Result<&'p str, GoRegexError> {
        let named = [("(?P<", 5), ("(?<", 4)]
            .into_iter()
            .find(|(prefix, least)| text.starts_with(prefix) && text.len() >= *least);
        if let Some((prefix, _)) = named {
            let Some(end) = text.find('>') else {
                return Err(GoRegexError::new(ErrorKind::InvalidNamedCapture, text));
            };
            let name = &text[prefix.len()..end];
            if name.is_empty() || !name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()) {
                let written = &text[..=end];
                return Err(GoRegexError::new(ErrorKind::InvalidNamedCapture, written));
            }
            self.open(Some(Some(name)));
            return Ok(&text[end + 1..]);
        }
        let mut flags = self.flags;
        let (mut on, mut seen) = (true, false);
        let mut rest = &text[2..];
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            match letter {
                'i' => flags.fold = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_newline = on,
                'U' => flags.lazy = on,
                '-' if on => {
                    (on, seen) = (false, false);
                    continue;
                }
                ':' | ')' if on || seen => {
                    if letter == ':' {
                        self.open(None);
                    }
                    self.flags = flags;
                    return Ok(rest);
                }
                _ => break,
            }
            seen = true;
        }
        let written = &text[..text.len() - rest.len()];
        Err(GoRegexError::new(ErrorKind::InvalidPerlSyntax, written))
    }

    fn backslash(&mut self, text: &'p str) -> Result<&'p str, GoRegexError> {
        let letter = text[1..].chars().next();
        let look = match letter {
            Some('A') => Some(Look::Start),
            Some('z') => Some(Look::End),
            Some('b') => Some(Look::WordAscii),
            Some('B') => Some(Look::WordAsciiNegate),
            _ => None,
        };
        if let Some(look) = look {
            self.look(look)?;
            return Ok(&text[2..]);
        }
        match letter {
            Some('C') => return Err(GoRegexError::new(ErrorKind::InvalidEscape, &text[..2])),
            Some('Q') => {
                let (literal, rest) = text[2..].split_once(r"\E").unwrap_or((&text[2..], ""));
                for character in literal.chars() {
                    self.literal(character)?;
                }
                return Ok(rest);
            }
            _ => {}
        }
        if let Some((class, rest)) = self.class_escape(text)? {
            self.push_class(class)?;
            return Ok(rest);
        }
        let (code, rest) = escape(text)?;
        self.push(Node::literal(code, self.flags.fold))?;
        Ok(rest)
    }

    /// `\pL`, `\p{^Greek}`, `\d` and the like, where `text` begins with one.
    fn class_escape(&self, text: &'p str) -> Result<Option<(ClassUnicode, &'p str)>, GoRegexError> {
        let Some(letter) = text.strip_prefix('\\').and_then(|text| text.chars().next()) else {
            return Ok(None);
        };
        if letter == 'p' || letter == 'P' {
            return self.unicode_escape(text, letter == 'P').map(Some);
        }
        let Some(ranges) = class::perl(letter.to_ascii_lowercase()) else {
            return Ok(None);
        };
        let class = self.ready(class::of(ranges), letter.is_ascii_uppercase());
        Ok(Some((class, &text[2..])))
    }

    fn unicode_escape(
        &self,
        text: &'p str,
        mut negated: bool,
    ) -> Result<(ClassUnicode, &'p str), GoRegexError> {
        let end = match text[2..].chars().next() {
            Some('{') => match text.find('}') {
                Some(end) => end + 1,
                None => return Err(GoRegexError::new(ErrorKind::InvalidCharacterRange, text)),
            },
            Some(letter) => 2 + letter.len_utf8(),
            None => text.len(),
        };
        let written = &text[..end];
        let mut name = &written[2..];
        if let Some(braced) = name.strip_prefix('{') {
            name = braced.strip_suffix('}').unwrap_or(braced);
        }
        if let Some(rest) = name.strip_prefix('^') {
            (name, negated) = (rest, !negated);
        }
        let Some(class) = class::unicode(name) else {
            return Err(GoRegexError::new(ErrorKind::InvalidCharacterRange, written));
        };
        Ok((self.ready(class, negated), &text[end..]))
    }

    /// Folds and negates, in this order: `(?i)\W` must not match what `(?i)\w` matches.
    fn ready(&self, mut class: ClassUnicode, negated: bool) -> ClassUnicode {
        if self.flags.fold {
            class::fold(&mut class);
        }
        if negated {
            class.negate();
        }
        class
    }

    fn class(&mut self, text: &'p str) -> Result<&'p str, GoRegexError> {
        let negated = text[1..].starts_with('^');
        let mut rest = &text[if negated { 2 } else { 1 }..];
        let mut class = ClassUnicode::empty();
        let mut first = true;
        while first || !rest.starts_with(']') {
            first = false;
            let (part, after) = self.class_part(text, rest)?;
            class::add(&mut class, &part);
            rest = after;
        }
        if negated {
            class.negate();
        }
        self.push_class(class)?;
        Ok(&rest[1..])
    }

    /// One element of a bracketed class. `whole` begins at the bracket.
    fn class_part(
        &mut self,
        whole: &'p str,
        text: &'p str,
    ) -> Result<(ClassUnicode, &'p str), GoRegexError> {
        self.ranges += 1;
        if text.len() > 2
            && text.starts_with("[:")
            && let Some(end) = text[2..].find(":]")
        {
            let (written, rest) = text.split_at(end + 4);
            let name = &text[2..end + 2];
            let (name, negated) = match name.strip_prefix('^') {
                Some(name) => (name, true),
                None => (name, false),
            };
            let Some(ranges) = class::posix(name) else {
                return Err(GoRegexError::new(ErrorKind::InvalidCharacterRange, written));
            };
            return Ok((self.ready(class::of(ranges), negated), rest));
        }
        if let Some(found) = self.class_escape(text)? {
            return Ok(found);
        }
        let (low, mut rest) = class_character(whole, text)?;
        let mut high = low;
        if rest.len() >= 2 && rest.starts_with('-') && !rest[1..].starts_with(']') {
            (high, rest) = class_character(whole, &rest[1..])?;
            if high < low {
                let written = &text[..text.len() - rest.len()];
                return Err(GoRegexError::new(ErrorKind::InvalidCharacterRange, written));
            }
        }
        Ok((self.ready(class::code_points(low, high), false), rest))
    }
}

fn class_character<'p>(whole: &'p str, text: &'p str) -> Result<(u32, &'p str), GoRegexError> {
    match text.chars().next() {
        None => Err(GoRegexError::new(ErrorKind::MissingBracket, whole)),
        Some('\\') => escape(text),
        Some(character) => Ok((u32::from(character), &text[character.len_utf8()..])),
    }
}

/// A single-character escape, `text` beginning with the backslash.
fn escape(text: &str) -> Result<(u32, &str), GoRegexError> {
    let mut characters = text.chars();
    characters.next();
    let Some(letter) = characters.next() else {
        return Err(GoRegexError::new(ErrorKind::TrailingBackslash, ""));
    };
    let rest = characters.as_str();
    let octal = |text: &str| {
        text.bytes()
            .next()
            .is_some_and(|b| (b'0'..=b'7').contains(&b))
    };
    match letter {
        '0' => return Ok(octal_escape(letter, rest)),
        '1'..='7' if octal(rest) => return Ok(octal_escape(letter, rest)),
        'x' => return hexadecimal_escape(text, rest),
        'a' => return Ok((0x07, rest)),
        'f' => return Ok((0x0C, rest)),
        'n' => return Ok((0x0A, rest)),
        'r' => return Ok((0x0D, rest)),
        't' => return Ok((0x09, rest)),
        'v' => return Ok((0x0B, rest)),
        _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() => {
            return Ok((u32::from(letter), rest));
        }
        _ => {}
    }
    Err(GoRegexError::new(
        ErrorKind::InvalidEscape,
        &text[..text.len() - rest.len()],
    ))
}

/// Up to three octal digits, the first already read.
fn octal_escape(first: char, mut rest: &str) -> (u32, &str) {
    let mut code = first.to_digit(8).unwrap_or_default();
    for _ in 1..3 {
        let Some(digit) = rest.chars().next().and_then(|c| c.to_digit(8)) else {
            break;
        };
        code = code * 8 + digit;
        rest = &rest[1..];
    }
    (code, rest)
}

/// `\xFF` or `\x{10FFFF}`, `rest` beginning after the `x`.
fn hexadecimal_escape<'p>(text: &'p str, rest: &'p str) -> Result<(u32, &'p str), GoRegexError> {
    let mut characters = rest.chars();
    let invalid = |left: &str| {
        Err(GoRegexError::new(
            ErrorKind::InvalidEscape,
            &text[..text.len() - left.len()],
        ))
    };
    let first = match characters.next() {
        Some('{') => {
            let (mut code, mut digits) = (0_u32, 0);
            loop {
                let Some(character) = characters.next() else {
                    return invalid("");
                };
                if character == '}' && digits > 0 {
                    return Ok((code, characters.as_str()));
                }
                let Some(digit) = character.to_digit(16) else {
                    return invalid(characters.as_str());
                };
                code = code * 16 + digit;
                digits += 1;
                if code > u32::from(char::MAX) {
                    return invalid(characters.as_str());
                }
            }
        }
        first => first,
    };
    let second = characters.next();
    match (
        first.and_then(|c| c.to_digit(16)),
        second.and_then(|c| c.to_digit(16)),
    ) {
        (Some(high), Some(low)) => Ok((high * 16 + low, characters.as_str())),
        _ => invalid(characters.as_str()),
    }
}

/// `{n}`, `{n,}` or `{n,m}` at the start of `text` and what follows; the counts are `None` where
/// they are too large or run backwards. Anything else is no repetition but a literal brace.
#[expect(
    clippy::type_complexity,
    reason = "both levels mean something, as said above"
)]
fn braces(text: &str) -> Option<(Option<(u32, Option<u32>)>, &str)> {
    let (min, rest) = number(text.strip_prefix('{')?)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => number(rest).map(|(max, rest)| (Some(max), rest))?,
    };
    let rest = rest.strip_prefix('}')?;
    let ordered = min <= MAX_REPEAT && max.is_none_or(|max| min <= max && max <= MAX_REPEAT);
    Some((ordered.then_some((min, max)), rest))
}

/// A decimal number without leading zeros; a huge one saturates.
fn number(text: &str) -> Option<(u32, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    let value = digits.bytes().fold(0_u32, |value, digit| {
        value
            .saturating_mul(10)
            .saturating_add(u32::from(digit - b'0'))
    });
    Some((value, rest))
}

/// Go's limit on a repetition, and on the product of nested ones.
const MAX_REPEAT: u32 = 1000;

/// Go allows 1000; the engine walks the tree by recursion, and 250 is the `regex` crate's default.
const MAX_HEIGHT: u32 = 250;

/// All classes of a pattern together; `\pL` alone has about 660.
const MAX_RANGES: usize = 200_000;
