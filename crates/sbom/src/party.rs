//! People and organisations.

/// Someone with a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Party {
    /// The name, perhaps empty where only an address is known.
    pub name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The page.
    pub url: Option<String>,
    /// Person or organisation.
    pub kind: PartyKind,
}

/// What SPDX wants to know about a [`Party`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartyKind {
    /// A human.
    Person,
    /// A company, project or team.
    Organization,
}

impl Party {
    /// Reads `Name <address>`, or a name, or an address; `None` for nothing.
    ///
    /// Teams are recognised by the words they use, since no format says which it is.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (name, email) = match text.split_once('<') {
            Some((name, rest)) => (name, rest.split('>').next()),
            None if text.contains('@') && !text.contains(' ') => ("", Some(text)),
            None => (text, None),
        };
        let name = name.trim().trim_matches('"').trim().to_owned();
        let email = email
            .map(str::trim)
            .filter(|email| !email.is_empty())
            .map(str::to_owned);
        if name.is_empty() && email.is_none() {
            return None;
        }
        let lower = name.to_ascii_lowercase();
        let is_team = TEAM_WORDS
            .iter()
            .any(|word| lower.split([' ', ',', '.']).any(|part| part == *word));
        Some(Self {
            name,
            email,
            url: None,
            kind: if is_team {
                PartyKind::Organization
            } else {
                PartyKind::Person
            },
        })
    }
}

/// Words that people's names do not have.
const TEAM_WORDS: [&str; 19] = [
    "team",
    "maintainers",
    "developers",
    "maintainer",
    "group",
    "project",
    "contributors",
    "authority",
    "foundation",
    "inc",
    "gmbh",
    "ltd",
    "llc",
    "corporation",
    "corp",
    "community",
    "authors",
    "packagers",
    "packaging",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parties_are_read() {
        let team = Party::parse("GNU Libc Maintainers <debian-glibc@lists.debian.org>").unwrap();
        assert_eq!(team.name, "GNU Libc Maintainers");
        assert_eq!(team.email.as_deref(), Some("debian-glibc@lists.debian.org"));
        assert_eq!(team.kind, PartyKind::Organization);
        let person = Party::parse("Armin Ronacher").unwrap();
        assert_eq!((person.email, person.kind), (None, PartyKind::Person));
        assert_eq!(
            Party::parse("a@b.example").unwrap().email.as_deref(),
            Some("a@b.example")
        );
        assert_eq!(Party::parse(" <> "), None);
    }
}
