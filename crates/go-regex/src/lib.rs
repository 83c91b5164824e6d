//! Regular expressions with the meaning that Go (RE2) gives them.
//!
//! Identity patterns, CUE policies and Rego rules are written for Go's `regexp` package. Rust's
//! `regex` reads the same text differently: `\d`, `\w`, `\s` and `\b` are Unicode there and ASCII
//! in Go, `\Q..\E` is an error, `a{1001}` is accepted. A pattern that matches more here than in
//! cosign is a hole, so this crate parses Go's syntax itself, down to the text of its errors, and
//! only hands the finished tree to the matching engine, which works in linear time.
//!
//! ```
//! use countersign_go_regex::GoRegex;
//!
//! let tag = GoRegex::new(r"^refs/tags/v\d+$").expect("a valid expression");
//! assert!(tag.is_match("refs/tags/v12"));
//! assert!(!tag.is_match("refs/tags/v١٢")); // Go's \d is ASCII
//!
//! let error = GoRegex::new("(").expect_err("an open group");
//! assert_eq!(error.to_string(), "error parsing regexp: missing closing ): `(`");
//! ```

mod class;
mod error;
mod node;
mod parser;
mod replace;

use std::fmt;

use regex_automata::meta::Regex;

pub use error::{ErrorKind, GoRegexError};

/// A compiled regular expression of Go's dialect. Matching is unanchored, as in Go.
#[derive(Clone)]
pub struct GoRegex {
    pattern: String,
    regex: Regex,
    names: Vec<Option<String>>,
}

/// The longest pattern taken, in bytes. Go has no such limit; no identity or policy comes near it.
pub const MAX_PATTERN: usize = 64 * 1024;

impl GoRegex {
    /// Compiles `pattern`, or says what Go's `regexp.Compile` would say against it.
    pub fn new(pattern: &str) -> Result<Self, GoRegexError> {
        if pattern.len() > MAX_PATTERN {
            return Err(GoRegexError::too_large(pattern));
        }
        let parsed = parser::parse(pattern)?;
        let regex = Regex::builder()
            .configure(Regex::config().nfa_size_limit(Some(MAX_COMPILED)))
            .build_from_hir(&parsed.hir)
            .map_err(|_| GoRegexError::too_large(pattern))?;
        Ok(Self {
            pattern: pattern.to_owned(),
            regex,
            names: parsed.names,
        })
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether some part of `text` matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The leftmost match in `text`.
    pub fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.regex.find(text).map(|found| &text[found.range()])
    }

    /// The successive, non-overlapping matches in `text`.
    pub fn find_iter<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        self.regex.find_iter(text).map(|found| &text[found.range()])
    }

    /// The leftmost match and its groups; a group that took no part is `None`.
    pub fn captures<'t>(&self, text: &'t str) -> Option<Vec<Option<&'t str>>> {
        self.captures_iter(text).next()
    }

    /// The groups of each successive, non-overlapping match.
    pub fn captures_iter<'t>(&self, text: &'t str) -> impl Iterator<Item = Vec<Option<&'t str>>> {
        self.regex.captures_iter(text).map(|captures| {
            captures
                .iter()
                .map(|group| group.map(|span| &text[span.range()]))
                .collect()
        })
    }

    /// The names of the groups, the whole match first and unnamed.
    pub fn capture_names(&self) -> &[Option<String>] {
        &self.names
    }

    /// Replaces every match by `template`, in which `$1`, `$name` and `${name}` stand for groups.
    pub fn replace_all(&self, text: &str, template: &str) -> String {
        replace::replace_all(self, text, |groups, out| {
            replace::expand(template, &self.names, groups, out);
        })
    }

    /// Replaces every match by `replacement` as it stands.
    pub fn replace_all_literal(&self, text: &str, replacement: &str) -> String {
        replace::replace_all(self, text, |_, out| out.push_str(replacement))
    }
}

impl fmt::Debug for GoRegex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("GoRegex")
            .field(&self.pattern)
            .finish()
    }
}

impl PartialEq for GoRegex {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Eq for GoRegex {}

/// The largest automaton built for one pattern, in bytes (the default of the `regex` crate).
const MAX_COMPILED: usize = 10 * (1 << 20);
