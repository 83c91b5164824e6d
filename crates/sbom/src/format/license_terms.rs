//! Licences in the words of SPDX: expressions, and references for what has no identifier.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use spdx::{AdditionItem, Expression, LicenseItem, ParseMode};

use crate::license::{License, LicenseBasis, LicenseTerm};

/// A licence as a term of an SPDX expression.
pub(super) struct Term {
    /// The expression.
    pub(super) expression: String,
    /// The references in it, with what they stand for.
    pub(super) references: BTreeMap<String, String>,
    /// Whether it must be in parentheses beside others.
    is_compound: bool,
}

/// Joins the licences of one basis to a single expression; `None` if there are none.
pub(super) fn expression(licenses: &[License], basis: LicenseBasis) -> Option<String> {
    let of_basis = licenses.iter().filter(|license| license.basis == basis);
    let mut terms: Vec<Term> = of_basis.map(term).collect();
    match &mut terms[..] {
        [] => None,
        [only] => Some(std::mem::take(&mut only.expression)),
        several => {
            let wrap = |term: &Term| match term.is_compound {
                true => format!("({})", term.expression),
                false => term.expression.clone(),
            };
            Some(several.iter().map(wrap).collect::<Vec<_>>().join(" AND "))
        }
    }
}

/// Puts one licence into SPDX's words.
pub(super) fn term(license: &License) -> Term {
    match &license.term {
        LicenseTerm::Expression(text) => from_expression(text).unwrap_or_else(|| from_name(text)),
        LicenseTerm::Name(text) => from_name(text),
    }
}

/// The identifier, if the licence is exactly one of SPDX's list.
pub(super) fn single_id(license: &License) -> Option<&'static str> {
    match &license.term {
        LicenseTerm::Expression(text) => spdx::license_id(text)
            .map(|id| id.name)
            .filter(|name| name == text),
        LicenseTerm::Name(_) => None,
    }
}

/// `None` for what SPDX 2.3 cannot express: references to other documents, additions of one's own.
fn from_expression(text: &str) -> Option<Term> {
    let parsed = Expression::parse_mode(text, WRITTEN).ok()?;
    let mut references = BTreeMap::new();
    for requirement in parsed.requirements() {
        if let LicenseItem::Other(reference) = &requirement.req.license {
            if reference.doc_ref.is_some() || !reference.lic_ref.chars().all(is_of_reference) {
                return None;
            }
            references.insert(
                format!("LicenseRef-{}", reference.lic_ref),
                reference.lic_ref.clone(),
            );
        }
        if let Some(AdditionItem::Other(_)) = requirement.req.addition {
            return None;
        }
    }
    let is_compound = parsed.requirements().nth(1).is_some();
    Some(Term {
        expression: text.to_owned(),
        references,
        is_compound,
    })
}

fn from_name(text: &str) -> Term {
    let mut plain: String = text
        .chars()
        .take(MAX_REFERENCE)
        .map(|c| if is_of_reference(c) { c } else { '-' })
        .collect();
    // Names that differ only in what cannot be written must not become one.
    if plain != text {
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        plain = format!("{}-{}", plain.trim_matches('-'), hex::encode(&hash[..4]));
        plain = plain.trim_start_matches('-').to_owned();
    }
    let expression = format!("LicenseRef-{plain}");
    let references = BTreeMap::from([(expression.clone(), text.to_owned())]);
    Term {
        expression,
        references,
        is_compound: false,
    }
}

/// SPDX 2.3, Annex D: `idstring = 1*(ALPHA / DIGIT / "-" / "." )`.
fn is_of_reference(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '.'
}

const WRITTEN: ParseMode = ParseMode {
    allow_deprecated: true,
    ..ParseMode::STRICT
};

const MAX_REFERENCE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(texts: &[&str]) -> String {
        let licenses: Vec<License> = texts
            .iter()
            .filter_map(|text| License::declared(text))
            .collect();
        expression(&licenses, LicenseBasis::Declared).unwrap()
    }

    #[test]
    fn licences_become_one_valid_expression() {
        assert_eq!(joined(&["MIT"]), "MIT");
        assert_eq!(joined(&["MIT OR Apache-2.0"]), "MIT OR Apache-2.0");
        assert_eq!(
            joined(&["MIT OR Apache-2.0", "ISC"]),
            "(MIT OR Apache-2.0) AND ISC"
        );
        assert_eq!(joined(&["public-domain"]), "LicenseRef-public-domain");
        assert_eq!(joined(&["LicenseRef-scancode-x"]), "LicenseRef-scancode-x");
        let odd = joined(&["See the file, please"]);
        assert_eq!(odd, "LicenseRef-See-the-file--please-d502c06f");
        assert_ne!(odd, joined(&["See the file. please"]));
        assert!(joined(&["DocumentRef-a:LicenseRef-b"]).starts_with("LicenseRef-DocumentRef-a-"));
        for text in [odd, joined(&["***", "(", "MIT AND", "ä"])] {
            assert!(Expression::parse_mode(&text, WRITTEN).is_ok(), "{text}");
        }
    }
}
