//! Strings and bytes: plain, raw (`#"..."#`), over several lines, with interpolations.

use crate::error::{CompileError, Position, SyntaxFault};
use crate::scan::{Piece, Scanner, Token};

/// Scans the literal that starts at `scanner.at`.
pub(crate) fn scan(scanner: &mut Scanner<'_>, start: Position) -> Result<Token, CompileError> {
    let text = scanner.text;
    let rest = &text[scanner.at..];
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let quote = if rest[hashes..].starts_with('\'') {
        '\''
    } else {
        '"'
    };
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    let multi = rest[hashes..].starts_with(&triple);
    let mut literal = Literal {
        start,
        escape: format!("\\{}", "#".repeat(hashes)),
        end: format!(
            "{}{}",
            if multi { triple } else { quote.to_string() },
            "#".repeat(hashes)
        ),
        multi,
        bytes: quote == '\'',
        pieces: Vec::new(),
        raw: Vec::new(),
    };
    scanner.at += hashes + if multi { 3 } else { 1 };
    let mut indent = String::new();
    if multi {
        let body = &text[scanner.at..];
        let line = body
            .strip_prefix("\r\n")
            .or_else(|| body.strip_prefix('\n'));
        let Some(line) = line else {
            return Err(scanner.fault(
                start,
                SyntaxFault::Expected {
                    expected: "newline after multiline quote",
                    found: "text".to_owned(),
                },
            ));
        };
        scanner.at = text.len() - line.len();
        indent = closing_indent(line, &literal.end)
            .ok_or_else(|| scanner.fault(start, SyntaxFault::Unterminated))?;
    }
    literal.body(scanner, &indent)?;
    let bytes = literal.bytes;
    Ok(Token::Text(literal.finish(scanner)?, bytes))
}

struct Literal {
    start: Position,
    escape: String,
    end: String,
    multi: bool,
    bytes: bool,
    pieces: Vec<Piece>,
    raw: Vec<u8>,
}

impl Literal {
    fn body(&mut self, scanner: &mut Scanner<'_>, indent: &str) -> Result<(), CompileError> {
        let text = scanner.text;
        let mut line_start = self.multi;
        loop {
            let rest = &text[scanner.at..];
            if line_start {
                line_start = false;
                if let Some(inner) = rest.strip_prefix(indent) {
                    if inner.starts_with(&self.end) {
                        scanner.at += indent.len() + self.end.len();
                        // The line end before the closing quotes is not part of the text.
                        if self.raw.last() == Some(&b'\n') {
                            self.raw.pop();
                        }
                        return Ok(());
                    }
                    scanner.at += indent.len();
                } else if !(rest.starts_with('\n') || rest.starts_with("\r\n")) {
                    return Err(scanner.fault(self.start, SyntaxFault::Indentation));
                }
                continue;
            }
            let Some(c) = rest.chars().next() else {
                return Err(scanner.fault(self.start, SyntaxFault::Unterminated));
            };
            if !self.multi && rest.starts_with(&self.end) {
                scanner.at += self.end.len();
                return Ok(());
            }
            if rest.starts_with(&self.escape) {
                scanner.at += self.escape.len();
                self.escaped(scanner)?;
                continue;
            }
            match c {
                '\n' if !self.multi => {
                    return Err(scanner.fault(self.start, SyntaxFault::Unterminated));
                }
                '\n' => line_start = true,
                '\r' if self.multi && rest.starts_with("\r\n") => {
                    scanner.at += 1;
                    continue;
                }
                _ => {}
            }
            scanner.at += c.len_utf8();
            self.push(c);
        }
    }

    fn push(&mut self, c: char) {
        self.raw
            .extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn escaped(&mut self, scanner: &mut Scanner<'_>) -> Result<(), CompileError> {
        let rest = &scanner.text[scanner.at..];
        let Some(c) = rest.chars().next() else {
            return Err(scanner.fault(self.start, SyntaxFault::Unterminated));
        };
        scanner.at += c.len_utf8();
        let plain = match c {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '/' | '\\' => c,
            '"' if !self.bytes => c,
            '\'' if self.bytes => c,
            '\n' if self.multi => return Ok(()),
            'u' => self.unicode(scanner, 4)?,
            'U' => self.unicode(scanner, 8)?,
            '(' => {
                let position = scanner.position(scanner.at);
                let tokens = scanner.interpolation(position)?;
                self.flush(scanner)?;
                self.pieces.push(Piece::Tokens(tokens));
                return Ok(());
            }
            'x' if self.bytes => {
                let byte = self.digits(scanner, 2, 16)?;
                self.raw.push(byte as u8);
                return Ok(());
            }
            '0'..='7' if self.bytes => {
                scanner.at -= 1;
                let byte = self.digits(scanner, 3, 8)?;
                self.raw.push(
                    u8::try_from(byte)
                        .map_err(|_| scanner.fault(self.start, SyntaxFault::Escape))?,
                );
                return Ok(());
            }
            _ => return Err(scanner.fault(self.start, SyntaxFault::Escape)),
        };
        self.push(plain);
        Ok(())
    }

    fn digits(
        &self,
        scanner: &mut Scanner<'_>,
        count: usize,
        radix: u32,
    ) -> Result<u32, CompileError> {
        let digits = scanner
            .text
            .get(scanner.at..scanner.at + count)
            .unwrap_or_default();
        let valid = !digits.is_empty() && digits.bytes().all(|b| char::from(b).is_digit(radix));
        let value = valid
            .then(|| u32::from_str_radix(digits, radix).ok())
            .flatten();
        scanner.at += count;
        value.ok_or(CompileError::Syntax {
            position: self.start,
            fault: SyntaxFault::Escape,
        })
    }

    fn unicode(&self, scanner: &mut Scanner<'_>, count: usize) -> Result<char, CompileError> {
        let surrogate = || CompileError::Syntax {
            position: self.start,
            fault: SyntaxFault::Surrogate,
        };
        let first = self.digits(scanner, count, 16)?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or_else(surrogate);
        }
        if !scanner.text[scanner.at..].starts_with(&format!("{}u", self.escape)) {
            return Err(surrogate());
        }
        scanner.at += self.escape.len() + 1;
        let second = self.digits(scanner, 4, 16)?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(surrogate());
        }
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or_else(surrogate)
    }

    /// Ends the piece of text before an interpolation.
    fn flush(&mut self, scanner: &Scanner<'_>) -> Result<(), CompileError> {
        let raw = std::mem::take(&mut self.raw);
        let text =
            String::from_utf8(raw).map_err(|_| scanner.fault(self.start, SyntaxFault::Escape))?;
        self.pieces.push(Piece::Text(text));
        Ok(())
    }

    fn finish(mut self, scanner: &Scanner<'_>) -> Result<Vec<Piece>, CompileError> {
        if self.bytes && self.pieces.is_empty() {
            // Bytes need not be text: they travel as one character a byte.
            let text = self.raw.iter().map(|byte| char::from(*byte)).collect();
            return Ok(vec![Piece::Text(text)]);
        }
        self.flush(scanner)?;
        Ok(self.pieces)
    }
}

/// The white space before the quotes that end a multi-line literal.
fn closing_indent(body: &str, end: &str) -> Option<String> {
    body.split('\n').find_map(|line| {
        let inner = line.trim_start_matches([' ', '\t']);
        inner
            .starts_with(end)
            .then(|| line[..line.len() - inner.len()].to_owned())
    })
}
