//! The text of Go's build information: modules and build settings, a line each, fields separated by tabs
//! (Go's `runtime/debug`, `ParseBuildInfo`).

use std::iter::Peekable;
use std::str::{Chars, Lines};

use serde::{Deserialize, Serialize};

/// The modules that a program is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleList {
    /// The package path of its `main`; `command-line-arguments` if it was built from bare files.
    pub path: Option<String>,
    /// The module of `main`.
    pub main: Option<Module>,
    /// The other modules, replaced or not.
    pub dependencies: Vec<Module>,
    /// `-ldflags`, `CGO_ENABLED`, `vcs.revision` and so on, in their order.
    pub settings: Vec<(String, String)>,
}

/// A module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// Its path.
    pub path: String,
    /// Its version: `v1.2.3`, `(devel)` or nothing.
    pub version: String,
    /// The hash of its content as `go.sum` has it, `h1:…`; empty if there is none.
    pub sum: String,
    /// What was really built in its place.
    pub replacement: Option<Replacement>,
}

/// What a `replace` directive put in the place of a [`Module`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// The path of another module, or of a folder.
    pub path: String,
    /// Its version; `(devel)` or nothing for a folder.
    pub version: String,
    /// The hash of its content.
    pub sum: String,
}

/// Why a list of modules is not believed.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error,
)]
pub enum ModuleListError {
    /// Text is UTF-8.
    #[error("a list of Go modules that is no text")]
    Encoding,
    /// A line that is none of those known, or lacks a field.
    #[error("a list of Go modules that is malformed at line {line}")]
    Line {
        /// Counted from 1.
        line: usize,
    },
    /// A replacement of nothing.
    #[error("a replacement without a module, at line {line}")]
    Replacement {
        /// Counted from 1.
        line: usize,
    },
    /// A setting whose quotes are wrong.
    #[error("a build setting with wrong quotes, at line {line}")]
    Quotes {
        /// Counted from 1.
        line: usize,
    },
    /// More modules than a program has.
    #[error("more than {limit} Go modules")]
    TooManyModules {
        /// The cap.
        limit: usize,
    },
}

impl ModuleList {
    /// Reads the text; nothing is an empty list.
    pub fn parse(text: &[u8]) -> Result<Self, ModuleListError> {
        let text = std::str::from_utf8(text).map_err(|_| ModuleListError::Encoding)?;
        let mut list = Self::default();
        // Whose replacement the next line may be.
        let mut last = Last::Nothing;
        let mut lines: Lines<'_> = text.lines();
        for line in 1.. {
            let Some(content) = lines.next() else {
                break;
            };
            let Some((word, rest)) = content.split_once('\t') else {
                match content.is_empty() {
                    true => continue,
                    false => return Err(ModuleListError::Line { line }),
                }
            };
            match word {
                "path" => list.path = Some(rest.to_owned()),
                "mod" => {
                    list.main = Some(module(rest).ok_or(ModuleListError::Line { line })?);
                    last = Last::Main;
                }
                "dep" => {
                    if list.dependencies.len() == MAX_MODULES {
                        return Err(ModuleListError::TooManyModules { limit: MAX_MODULES });
                    }
                    list.dependencies
                        .push(module(rest).ok_or(ModuleListError::Line { line })?);
                    last = Last::Dependency;
                }
                "=>" => {
                    let Module {
                        path, version, sum, ..
                    } = module(rest).ok_or(ModuleListError::Line { line })?;
                    let replaced = match last {
                        Last::Main => list.main.as_mut(),
                        Last::Dependency => list.dependencies.last_mut(),
                        Last::Nothing => None,
                    };
                    let replaced = replaced.ok_or(ModuleListError::Replacement { line })?;
                    replaced.replacement = Some(Replacement { path, version, sum });
                    last = Last::Nothing;
                }
                "build" => list
                    .settings
                    .push(setting(rest).ok_or(ModuleListError::Quotes { line })?),
                // Go passes over what it does not know, for the sake of later versions.
                _ => {}
            }
        }
        Ok(list)
    }

    /// A build setting.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        let found = self.settings.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| &**value)
    }
}

enum Last {
    Nothing,
    Main,
    Dependency,
}

/// Path, version and perhaps sum; a path there must be.
fn module(fields: &str) -> Option<Module> {
    let mut fields = fields.split('\t');
    let path = fields
        .next()
        .filter(|path| !path.is_empty() && path.len() <= MAX_FIELD)?;
    let version = fields.next().unwrap_or_default();
    let sum = fields.next().unwrap_or_default();
    let fits = version.len() <= MAX_FIELD && sum.len() <= MAX_FIELD;
    (fits && fields.next().is_none()).then(|| Module {
        path: path.to_owned(),
        version: version.to_owned(),
        sum: sum.to_owned(),
        replacement: None,
    })
}

/// `NAME=VALUE`, either of them perhaps quoted.
fn setting(text: &str) -> Option<(String, String)> {
    let mut rest = text.chars().peekable();
    let name = word(&mut rest, true)?;
    if name.is_empty() || rest.next() != Some('=') {
        return None;
    }
    let value = word(&mut rest, false)?;
    rest.next().is_none().then_some((name, value))
}

/// Takes a quoted string, or everything up to the equals sign or the end.
fn word(rest: &mut Peekable<Chars<'_>>, ends_at_equals: bool) -> Option<String> {
    match rest.peek() {
        Some('"') => quoted(rest),
        Some('`') => {
            rest.next();
            let mut text = String::new();
            loop {
                match rest.next()? {
                    '`' => return Some(text),
                    other => text.push(other),
                }
            }
        }
        _ => {
            let mut text = String::new();
            while let Some(next) = rest.next_if(|next| !(ends_at_equals && *next == '=')) {
                text.push(next);
            }
            Some(text)
        }
    }
}

/// Takes a string in the double quotes of Go (language specification, "String literals").
fn quoted(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    rest.next();
    let mut bytes = Vec::new();
    loop {
        match rest.next()? {
            '"' => return Some(String::from_utf8_lossy(&bytes).into_owned()),
            '\\' => match rest.next()? {
                'a' => bytes.push(7),
                'b' => bytes.push(8),
                'f' => bytes.push(12),
                'n' => bytes.push(b'\n'),
                'r' => bytes.push(b'\r'),
                't' => bytes.push(b'\t'),
                'v' => bytes.push(11),
                same @ ('\\' | '"') => bytes.push(same as u8),
                'x' => bytes.push(u8::try_from(digits(rest, 2)?).ok()?),
                'u' => push(&mut bytes, char::from_u32(digits(rest, 4)?)?),
                'U' => push(&mut bytes, char::from_u32(digits(rest, 8)?)?),
                _ => return None,
            },
            other => push(&mut bytes, other),
        }
    }
}

fn digits(rest: &mut Peekable<Chars<'_>>, count: usize) -> Option<u32> {
    let mut number = 0_u32;
    for _ in 0..count {
        number = number.checked_mul(16)? + rest.next()?.to_digit(16)?;
    }
    Some(number)
}

fn push(bytes: &mut Vec<u8>, character: char) {
    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The largest programs have some 1,000.
const MAX_MODULES: usize = 65_536;

/// The module proxy refuses longer paths.
const MAX_FIELD: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "path\texample.org/cmd\nmod\texample.org\tv1.0.0\t\ndep\ta.example/b\tv1.0.0\th1:x=\n\
        dep\tc.example/d\tv2.0.0\n=>\t../d\t(devel)\t\nbuild\tCGO_ENABLED=0\nbuild\t-ldflags=\"-X 'main.v=1\\t2' \\u00e9\"\nnew\tline\n";

    #[test]
    fn lists_are_read() {
        let list = ModuleList::parse(TEXT.as_bytes()).unwrap();
        assert_eq!(list.path.as_deref(), Some("example.org/cmd"));
        assert_eq!(list.main.as_ref().unwrap().version, "v1.0.0");
        assert_eq!(list.dependencies[0].sum, "h1:x=");
        assert_eq!(
            list.dependencies[1].replacement.as_ref().unwrap().path,
            "../d"
        );
        assert_eq!(list.setting("CGO_ENABLED"), Some("0"));
        assert_eq!(list.setting("-ldflags"), Some("-X 'main.v=1\t2' é"));
        assert_eq!(ModuleList::parse(b""), Ok(ModuleList::default()));
    }

    #[test]
    fn wrong_lines_are_named() {
        use ModuleListError::{Encoding, Line, Quotes, Replacement};
        for (text, expected) in [
            (&b"path\tx\nnonsense\n"[..], Line { line: 2 }),
            (b"dep\t\tv1\n", Line { line: 1 }),
            (b"dep\ta\tv1\th1:\tmore\n", Line { line: 1 }),
            (b"=>\ta\tv1\n", Replacement { line: 1 }),
            (
                b"mod\ta\tv1\n=>\tb\tv1\n=>\tc\tv1\n",
                Replacement { line: 3 },
            ),
            (b"build\t\"a\n", Quotes { line: 1 }),
            (b"build\ta\n", Quotes { line: 1 }),
            (b"build\ta=\"\\q\"\n", Quotes { line: 1 }),
            (b"build\ta=`b`c\n", Quotes { line: 1 }),
            (b"path\t\xff\n", Encoding),
        ] {
            assert_eq!(ModuleList::parse(text), Err(expected), "{text:?}");
        }
    }
}
