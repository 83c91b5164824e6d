//! Splits the text of a policy into tokens, with the commas that line ends stand for.

use crate::error::{CompileError, Position, SyntaxFault};
use crate::number::Number;
use crate::string_literal;

#[derive(Debug, Clone)]
pub(crate) enum Token {
    Identifier(String),
    Number(Number),
    Text(Vec<Piece>, bool),
    /// Punctuation and operators.
    Mark(&'static str),
    Attribute,
    End,
}

#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Text(String),
    Tokens(Vec<Lexeme>),
}

/// A token, where it stands, and whether it is a comma that a line end stands for.
#[derive(Debug, Clone)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    pub(crate) position: Position,
    pub(crate) automatic: bool,
}

impl Token {
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Identifier(name) => format!("'IDENT' {name}"),
            Self::Number(number) if number.is_float() => format!("'FLOAT' {number}"),
            Self::Number(number) => format!("'INT' {number}"),
            Self::Text(..) => "'STRING'".to_owned(),
            Self::Mark(mark) => format!("'{mark}'"),
            Self::Attribute => "attribute".to_owned(),
            Self::End => "'EOF'".to_owned(),
        }
    }
}

const MARKS: [&str; 34] = [
    "_|_", "...", "&&", "||", "==", "!=", "<=", ">=", "=~", "!~", "+", "-", "*", "/", "&", "|",
    "<", ">", "=", "!", "(", ")", "[", "]", "{", "}", ",", ":", ".", "?", ";", "~", "$(", "`",
];
/// Interpolations in interpolations.
const MAX_NESTING: usize = 16;

pub(crate) struct Scanner<'t> {
    pub(crate) text: &'t str,
    pub(crate) at: usize,
    line: u32,
    line_start: usize,
    counted: usize,
    nesting: usize,
}

pub(crate) fn tokens(text: &str) -> Result<Vec<Lexeme>, CompileError> {
    let mut scanner = Scanner {
        text,
        at: 0,
        line: 1,
        line_start: 0,
        counted: 0,
        nesting: 0,
    };
    if text.starts_with('\u{feff}') {
        scanner.at = 3;
    }
    scanner.run(false)
}

impl Scanner<'_> {
    /// Scans to the end of the text or, in an interpolation, to the parenthesis that ends it.
    fn run(&mut self, interpolation: bool) -> Result<Vec<Lexeme>, CompileError> {
        let mut out: Vec<Lexeme> = Vec::new();
        let mut depth = 0usize;
        loop {
            let line_end = self.skip_space();
            let position = self.position(self.at);
            let ends_value = out.last().is_some_and(|last| ends_value(&last.token));
            let rest = &self.text[self.at..];
            if ends_value && (line_end || rest.is_empty()) {
                out.push(Lexeme {
                    token: Token::Mark(","),
                    position,
                    automatic: true,
                });
            }
            if rest.is_empty() {
                if interpolation {
                    return Err(self.fault(position, SyntaxFault::Unterminated));
                }
                out.push(Lexeme {
                    token: Token::End,
                    position,
                    automatic: false,
                });
                return Ok(out);
            }
            let token = self.next(position)?;
            match token {
                Token::Mark("(") => depth += 1,
                Token::Mark(")") if depth == 0 && interpolation => {
                    out.push(Lexeme {
                        token: Token::End,
                        position,
                        automatic: false,
                    });
                    return Ok(out);
                }
                Token::Mark(")") => depth = depth.saturating_sub(1),
                _ => {}
            }
            out.push(Lexeme {
                token,
                position,
                automatic: false,
            });
        }
    }

    /// Scans what an interpolation holds, up to and with its closing parenthesis.
    pub(crate) fn interpolation(&mut self, start: Position) -> Result<Vec<Lexeme>, CompileError> {
        if self.nesting == MAX_NESTING {
            return Err(self.fault(start, SyntaxFault::TooDeep));
        }
        self.nesting += 1;
        let result = self.run(true);
        self.nesting -= 1;
        result
    }

    fn next(&mut self, position: Position) -> Result<Token, CompileError> {
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else {
            return Ok(Token::End);
        };
        if first.is_ascii_digit()
            || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()))
        {
            return self.number(position);
        }
        if first == '"' || first == '\'' || (first == '#' && is_raw_string(rest)) {
            return string_literal::scan(self, position);
        }
        if rest.starts_with("_|_") {
            self.at += 3;
            return Ok(Token::Mark("_|_"));
        }
        if first.is_alphabetic() || first == '_' || first == '$' || first == '#' {
            let length = identifier_length(rest);
            self.at += length;
            return Ok(Token::Identifier(rest[..length].to_owned()));
        }
        if first == '@' {
            return self.attribute(position);
        }
        for mark in MARKS {
            if rest.starts_with(mark) && !matches!(mark, ";" | "~" | "$(" | "`") {
                self.at += mark.len();
                return Ok(Token::Mark(mark));
            }
        }
        Err(self.fault(position, SyntaxFault::IllegalCharacter(first)))
    }

    fn attribute(&mut self, position: Position) -> Result<Token, CompileError> {
        self.at += 1;
        let name = identifier_length(&self.text[self.at..]);
        self.at += name;
        let mut depth = 0usize;
        let mut quote: Option<char> = None;
        while let Some(c) = self.text[self.at..].chars().next() {
            self.at += c.len_utf8();
            match (quote, c) {
                (Some(open), _) if c == open => quote = None,
                (Some(_), '\\') => {
                    self.at += self.text[self.at..]
                        .chars()
                        .next()
                        .map_or(0, char::len_utf8)
                }
                (Some(_), _) => {}
                (None, '"' | '\'') => quote = Some(c),
                (None, '(') => depth += 1,
                (None, ')') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Ok(Token::Attribute);
                    }
                }
                (None, _) if depth == 0 => {
                    return Err(self.fault(position, SyntaxFault::IllegalCharacter('@')));
                }
                (None, _) => {}
            }
        }
        Err(self.fault(position, SyntaxFault::Unterminated))
    }

    fn number(&mut self, position: Position) -> Result<Token, CompileError> {
        let rest = &self.text[self.at..];
        let bytes = rest.as_bytes();
        let radix = match bytes.get(..2) {
            Some(b"0x" | b"0X") => 16,
            Some(b"0o") => 8,
            Some(b"0b") => 2,
            _ => 10,
        };
        let bad = || CompileError::Syntax {
            position,
            fault: SyntaxFault::Number,
        };
        if radix != 10 {
            let length = rest[2..]
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len() - 2);
            let digits: String = rest[2..2 + length].chars().filter(|c| *c != '_').collect();
            self.at += 2 + length;
            let value = i128::from_str_radix(&digits, radix).map_err(|_| bad())?;
            return Ok(Token::Number(Number::int(value)));
        }
        let mut length = 0;
        while let Some(byte) = bytes.get(length) {
            let part = match byte {
                b'0'..=b'9' | b'_' => true,
                b'.' => bytes.get(length + 1) != Some(&b'.') && !rest[..length].contains('.'),
                b'e' | b'E' => !rest[..length].contains(['e', 'E']),
                b'+' | b'-' => matches!(bytes.get(length.wrapping_sub(1)), Some(b'e' | b'E')),
                _ => false,
            };
            if !part {
                break;
            }
            length += 1;
        }
        let digits = &rest[..length];
        self.at += length;
        if digits.len() > 1
            && digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        {
            return Err(bad());
        }
        let number = Number::parse_decimal(digits).ok_or_else(bad)?;
        let Some((multiplier, suffix)) = multiplier(&rest[length..]) else {
            return Ok(Token::Number(number));
        };
        self.at += suffix;
        let whole = number
            .multiply(Number::int(multiplier))
            .and_then(Number::to_i128)
            .ok_or_else(bad)?;
        Ok(Token::Number(Number::int(whole)))
    }

    /// Skips spaces and comments; says whether a line ended.
    fn skip_space(&mut self) -> bool {
        let mut line_end = false;
        loop {
            let rest = &self.text[self.at..];
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            match rest.bytes().next() {
                Some(b'\n') => {
                    line_end = true;
                    self.at += 1;
                }
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                _ => return line_end,
            }
        }
    }

    /// The line and column of a byte that is at or behind the last one asked for.
    pub(crate) fn position(&mut self, at: usize) -> Position {
        for (offset, byte) in self
            .text
            .as_bytes()
            .iter()
            .enumerate()
            .take(at)
            .skip(self.counted)
        {
            if *byte == b'\n' {
                self.line += 1;
                self.line_start = offset + 1;
            }
        }
        self.counted = self.counted.max(at);
        let column = self
            .text
            .get(self.line_start..at)
            .map_or(0, |line| line.chars().count());
        Position {
            line: self.line,
            column: u32::try_from(column).unwrap_or(u32::MAX - 1) + 1,
        }
    }

    pub(crate) fn fault(&self, position: Position, fault: SyntaxFault) -> CompileError {
        CompileError::Syntax { position, fault }
    }
}

fn ends_value(token: &Token) -> bool {
    match token {
        Token::Identifier(_) | Token::Number(_) | Token::Text(..) | Token::Attribute => true,
        Token::Mark(mark) => matches!(*mark, ")" | "]" | "}" | "?" | "_|_" | "..."),
        Token::End => false,
    }
}

fn is_raw_string(rest: &str) -> bool {
    rest.trim_start_matches('#').starts_with(['"', '\''])
}

fn identifier_length(rest: &str) -> usize {
    let prefix = if rest.starts_with("_#") {
        2
    } else {
        usize::from(rest.starts_with('#'))
    };
    rest[prefix..]
        .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')
        .map_or(rest.len(), |length| prefix + length)
}

fn multiplier(rest: &str) -> Option<(i128, usize)> {
    let power = "KMGTP".find(rest.chars().next()?)? as u32 + 1;
    let (base, length): (i128, usize) = if rest[1..].starts_with('i') {
        (1024, 2)
    } else {
        (1000, 1)
    };
    let ends = !rest[length..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    ends.then(|| (base.pow(power), length))
}
