//! The operating system, as `os-release` describes it.

use std::collections::BTreeMap;

/// What os-release(5) says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distro {
    /// `ID`, such as `debian`; the specification's default is `linux`.
    pub id: String,
    /// `ID_LIKE`, in order.
    pub id_like: Vec<String>,
    /// `VERSION_ID`, such as `12`; rolling releases have none.
    pub version_id: Option<String>,
    /// `VERSION_CODENAME`, such as `bookworm`.
    pub version_codename: Option<String>,
    /// `BUILD_ID`.
    pub build_id: Option<String>,
    /// `NAME`.
    pub name: Option<String>,
    /// `PRETTY_NAME`.
    pub pretty_name: Option<String>,
    /// `HOME_URL`.
    pub home_url: Option<String>,
    /// `CPE_NAME`.
    pub cpe_name: Option<String>,
}

impl Distro {
    /// Reads the text of an `os-release`; lines that are no assignments are passed over, as shells that
    /// only want the variables would.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut fields: BTreeMap<&str, String> = BTreeMap::new();
        for line in text.lines().take(MAX_LINES) {
            let line = line.trim();
            if line.starts_with('#') {
                continue;
            }
            if let Some((name, value)) = line.split_once('=') {
                fields.insert(name.trim_end(), unquote(value.trim()));
            }
        }
        let mut take = |name: &str| fields.remove(name).filter(|value| !value.is_empty());
        Self {
            id: take("ID")
                .unwrap_or_else(|| "linux".to_owned())
                .to_ascii_lowercase(),
            id_like: take("ID_LIKE")
                .map(|list| {
                    list.split_whitespace()
                        .map(str::to_ascii_lowercase)
                        .collect()
                })
                .unwrap_or_default(),
            version_id: take("VERSION_ID"),
            version_codename: take("VERSION_CODENAME"),
            build_id: take("BUILD_ID"),
            name: take("NAME"),
            pretty_name: take("PRETTY_NAME"),
            home_url: take("HOME_URL"),
            cpe_name: take("CPE_NAME"),
        }
    }

    /// The `distro` qualifier of purls: `debian-12`, `arch-20240101`, or the bare `ID`.
    #[must_use]
    pub fn qualifier(&self) -> String {
        match self.version_id.as_ref().or(self.build_id.as_ref()) {
            Some(version) => format!("{}-{version}", self.id),
            None => self.id.clone(),
        }
    }

    /// Whether it is `id` or says that it is like it.
    #[must_use]
    pub fn is_like(&self, id: &str) -> bool {
        self.id == id || self.id_like.iter().any(|like| like == id)
    }
}

/// Takes off the shell's quotes and backslashes.
fn unquote(value: &str) -> String {
    let quote = value
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''));
    let inner = match quote {
        Some(quote) => value[1..]
            .split_once(quote)
            .map_or(&value[1..], |(inner, _)| inner),
        None => value,
    };
    if quote == Some('\'') {
        return inner.to_owned();
    }
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            other => plain.push(other),
        }
    }
    plain
}

/// Real files have some twenty lines.
const MAX_LINES: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_unquoted() {
        let text = "# c\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID='12'\nID_LIKE=\"a b\"\nnonsense\n";
        let distro = Distro::parse(text);
        assert_eq!(distro.qualifier(), "debian-12");
        assert_eq!(
            distro.pretty_name.as_deref(),
            Some("Debian GNU/Linux 12 (bookworm)")
        );
        assert!(distro.is_like("b") && !distro.is_like("c"));
        assert_eq!(Distro::parse("").id, "linux");
    }
}
