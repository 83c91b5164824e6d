//! Findings about fields, rendered as knative's `FieldError` does: equal messages are merged, their
//! paths collected, everything sorted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Findings about an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors {
    entries: Vec<FieldError>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Whether it refuses the object.
    pub level: Level,
    /// What is wrong.
    pub message: String,
    /// Where; an empty path is the object itself.
    pub paths: Vec<String>,
    /// More about it, on a line of its own.
    pub details: String,
}

/// Whether a finding refuses the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It does.
    Error,
    /// The user is told, no more.
    Warning,
}

impl FieldErrors {
    /// No findings.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One finding at `path`.
    #[must_use]
    pub fn generic(message: impl Into<String>, path: &str) -> Self {
        Self::at(message.into(), &[path], String::new())
    }

    /// `missing field(s): ...`
    #[must_use]
    pub fn missing(paths: &[&str]) -> Self {
        Self::at("missing field(s)".to_owned(), paths, String::new())
    }

    /// `expected exactly one, got neither: ...`
    #[must_use]
    pub fn missing_one_of(paths: &[&str]) -> Self {
        Self::at(
            "expected exactly one, got neither".to_owned(),
            paths,
            String::new(),
        )
    }

    /// `expected exactly one, got both: ...`
    #[must_use]
    pub fn multiple_one_of(paths: &[&str]) -> Self {
        Self::at(
            "expected exactly one, got both".to_owned(),
            paths,
            String::new(),
        )
    }

    /// `must not set the field(s): ...`
    #[must_use]
    pub fn disallowed(paths: &[&str]) -> Self {
        Self::at("must not set the field(s)".to_owned(), paths, String::new())
    }

    /// `invalid value: <value>: <path>` and the details below.
    #[must_use]
    pub fn invalid(value: &str, path: &str, details: impl Into<String>) -> Self {
        Self::at(format!("invalid value: {value}"), &[path], details.into())
    }

    /// `<message>: <path>` and the details below.
    #[must_use]
    pub fn detailed(level: Level, message: &str, path: &str, details: &str) -> Self {
        let errors = Self::at(message.to_owned(), &[path], details.to_owned());
        match level {
            Level::Error => errors,
            Level::Warning => errors.as_warnings(),
        }
    }

    fn at(message: String, paths: &[&str], details: String) -> Self {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        Self {
            entries: vec![FieldError {
                level: Level::Error,
                message,
                paths,
                details,
            }],
        }
    }

    /// The same findings, with these details.
    #[must_use]
    pub fn with_details(mut self, details: &str) -> Self {
        for entry in &mut self.entries {
            details.clone_into(&mut entry.details);
        }
        self
    }

    /// The same findings, as warnings.
    #[must_use]
    pub fn as_warnings(mut self) -> Self {
        for entry in &mut self.entries {
            entry.level = Level::Warning;
        }
        self
    }

    /// These findings and those.
    #[must_use]
    pub fn also(mut self, more: Self) -> Self {
        self.entries.extend(more.entries);
        self
    }

    /// The same findings seen from the object that holds this one as `field`.
    #[must_use]
    pub fn via_field(self, field: &str) -> Self {
        self.via(field)
    }

    /// The same findings seen from the object that holds this one as element `index` of `field`.
    #[must_use]
    pub fn via_field_index(self, field: &str, index: usize) -> Self {
        self.via(&format!("{field}[{index}]"))
    }

    fn via(mut self, prefix: &str) -> Self {
        for path in self.entries.iter_mut().flat_map(|entry| &mut entry.paths) {
            *path = match path.as_str() {
                "" => prefix.to_owned(),
                rest if rest.starts_with('[') => format!("{prefix}{rest}"),
                rest => format!("{prefix}.{rest}"),
            };
        }
        self
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The findings of `level` alone.
    #[must_use]
    pub fn of(&self, level: Level) -> Self {
        let entries = self
            .entries
            .iter()
            .filter(|entry| entry.level == level)
            .cloned();
        Self {
            entries: entries.collect(),
        }
    }

    /// The findings, merged and sorted as they are printed.
    #[must_use]
    pub fn merged(&self) -> Vec<FieldError> {
        let mut merged: BTreeMap<(String, String, Level), BTreeSet<String>> = BTreeMap::new();
        for entry in &self.entries {
            let key = (entry.message.clone(), entry.details.clone(), entry.level);
            merged
                .entry(key)
                .or_default()
                .extend(entry.paths.iter().cloned());
        }
        let finding = |((message, details, level), paths): (_, BTreeSet<String>)| FieldError {
            level,
            message,
            paths: paths.into_iter().collect(),
            details,
        };
        merged.into_iter().map(finding).collect()
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.merged().iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{entry}")?;
        }
        Ok(())
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.paths.join(", "))?;
        if !self.details.is_empty() {
            write!(f, "\n{}", self.details)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_findings_are_merged_and_sorted() {
        let errors = FieldErrors::missing(&["b"])
            .also(FieldErrors::missing(&["a", "b"]))
            .also(FieldErrors::invalid("x", "", "why"))
            .via_field_index("list", 0)
            .via_field("spec");
        assert_eq!(
            errors.to_string(),
            "invalid value: x: spec.list[0]\nwhy\nmissing field(s): spec.list[0].a, spec.list[0].b"
        );
    }
}
