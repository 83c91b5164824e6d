//! Environment markers (PEP 508), judged as far as an image tells: it runs Linux, and somebody did or did not
//! ask for an extra. What only the interpreter knows may hold.

use crate::package_url::normalise_python_name;

/// A marker. One that cannot be read may hold: an edge too many is better than one too few.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// Either.
    Or(Vec<Marker>),
    /// All.
    And(Vec<Marker>),
    /// `extra == "name"`, normalised.
    Extra(String),
    /// Known to be true or false on Linux.
    Known(bool),
    /// Only the interpreter knows.
    Open,
}

impl Marker {
    pub(super) fn parse(text: &str) -> Self {
        let mut parser = Parser {
            tokens: tokens(text),
            next: 0,
            depth: 0,
        };
        let marker = parser.any();
        match marker {
            Some(marker) if parser.next == parser.tokens.len() => marker,
            _ => Self::Open,
        }
    }

    pub(super) fn may_hold(&self, has_extra: &impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Or(parts) => parts.iter().any(|part| part.may_hold(has_extra)),
            Self::And(parts) => parts.iter().all(|part| part.may_hold(has_extra)),
            Self::Extra(name) => has_extra(name),
            Self::Known(known) => *known,
            Self::Open => true,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Word(String),
    Text(String),
    Operator(String),
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = |keep: &dyn Fn(char) -> bool| rest.find(|c| !keep(c)).unwrap_or(rest.len());
        let length = match first {
            '(' | ')' => {
                tokens.push(if first == '(' {
                    Token::Open
                } else {
                    Token::Close
                });
                1
            }
            '\'' | '"' => {
                let inner = &rest[1..];
                let end = inner.find(first).unwrap_or(inner.len());
                tokens.push(Token::Text(inner[..end].to_owned()));
                (end + 2).min(rest.len())
            }
            '<' | '>' | '=' | '!' | '~' => {
                let end = run(&|c| "<>=!~".contains(c));
                tokens.push(Token::Operator(rest[..end].to_owned()));
                end
            }
            first if first.is_ascii_alphanumeric() || first == '_' || first == '.' => {
                let end = run(&|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
                tokens.push(Token::Word(rest[..end].to_owned()));
                end
            }
            first => first.len_utf8(),
        };
        rest = &rest[length..];
    }
    tokens
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn any(&mut self) -> Option<Marker> {
        let mut parts = vec![self.all()?];
        while self.take_word("or") {
            parts.push(self.all()?);
        }
        Some(Marker::Or(parts))
    }

    fn all(&mut self) -> Option<Marker> {
        let mut parts = vec![self.one()?];
        while self.take_word("and") {
            parts.push(self.one()?);
        }
        Some(Marker::And(parts))
    }

    fn one(&mut self) -> Option<Marker> {
        if self.peek() == Some(&Token::Open) {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return None;
            }
            self.next += 1;
            let inner = self.any()?;
            self.depth -= 1;
            let closed = self.peek() == Some(&Token::Close);
            self.next += 1;
            return closed.then_some(inner);
        }
        let (left, operator, right) = (self.take()?, self.take()?, self.take()?);
        if let Token::Word(word) = &operator {
            // `in`, or the first half of `not in`: `right` was then `in`.
            if word == "not" {
                self.take()?;
            }
            return Some(Marker::Open);
        }
        let Token::Operator(operator) = operator else {
            return None;
        };
        // The variable may stand on either side.
        let (variable, value) = match (left, right) {
            (Token::Word(variable), Token::Text(value))
            | (Token::Text(value), Token::Word(variable)) => (variable, value),
            _ => return Some(Marker::Open),
        };
        Some(judge(&variable, &operator, &value))
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.next += usize::from(is_next);
        is_next
    }
}

fn judge(variable: &str, operator: &str, value: &str) -> Marker {
    if variable == "extra" && operator == "==" {
        return Marker::Extra(normalise_python_name(value));
    }
    let here = match variable {
        "sys_platform" => "linux",
        "os_name" | "os.name" => "posix",
        "platform_system" => "Linux",
        _ => return Marker::Open,
    };
    match operator {
        "==" => Marker::Known(value == here),
        "!=" => Marker::Known(value != here),
        _ => Marker::Open,
    }
}

/// Real ones nest twice.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: bool) {
        let marker = Marker::parse(text);
        assert_eq!(
            marker.may_hold(&|extra: &str| extra == "socks"),
            expected,
            "{text}: {marker:?}"
        );
    }

    #[test]
    fn markers() {
        check("extra == 'socks'", true);
        check("extra == \"test\"", false);
        check("(python_version < '3.14') and extra == 'zstd'", false);
        check("sys_platform == 'win32'", false);
        check("'win32' != sys_platform and python_version >= '3'", true);
        check("platform_system == 'Windows' or extra == 'socks'", true);
        check("sys_platform not in 'a b' and extra == 'test'", false);
        check("nonsense ((", true);
        check(&"(".repeat(100_000), true);
    }
}
