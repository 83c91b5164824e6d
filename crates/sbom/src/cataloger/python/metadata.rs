//! Core metadata (packaging.python.org, "Core metadata specifications", up to 2.4).

use crate::cataloger::header_fields::Stanza;
use crate::license::License;
use crate::package::Package;
use crate::package_url::normalise_python_name;
use crate::party::Party;

use super::marker::Marker;

/// Takes over what the metadata says about a distribution.
pub(super) fn describe(package: &mut Package, fields: &Stanza<'_>) {
    package.description = fields.field("Summary").map(str::to_owned);
    package.supplier = party(fields, "Author", "Author-email")
        .or_else(|| party(fields, "Maintainer", "Maintainer-email"));
    package.homepage = homepage(fields);
    package.licenses = licenses(fields);
    if let Some(python) = fields.field("Requires-Python") {
        package
            .properties
            .insert("pypi:requires-python".to_owned(), python.to_owned());
    }
}

/// The name from one field and the address from the other, which may hold both, or a list of them.
fn party(fields: &Stanza<'_>, name: &str, email: &str) -> Option<Party> {
    let is_known = |text: &&str| !text.eq_ignore_ascii_case("unknown");
    let name = fields.field(name).filter(is_known);
    let addresses = fields.field(email).filter(is_known);
    let addressed = addresses.and_then(|list| Party::parse(first_of_list(list)));
    match (name.and_then(Party::parse), addressed) {
        (Some(named), Some(addressed)) => Some(Party {
            email: addressed.email,
            ..named
        }),
        (named, addressed) => named.or(addressed),
    }
}

/// Up to the comma behind the first address; names may have commas of their own within quotes.
fn first_of_list(list: &str) -> &str {
    let end = match list.find('>') {
        Some(end) => list[..=end].len(),
        None => list.find(',').unwrap_or(list.len()),
    };
    &list[..end]
}

fn homepage(fields: &Stanza<'_>) -> Option<String> {
    if let Some(page) = fields
        .field("Home-page")
        .filter(|page| !page.eq_ignore_ascii_case("unknown"))
    {
        return Some(page.to_owned());
    }
    let labelled = |wanted: &str| {
        fields.all("Project-URL").find_map(|entry| {
            let (label, url) = entry.split_once(',')?;
            label
                .trim()
                .eq_ignore_ascii_case(wanted)
                .then(|| url.trim().to_owned())
        })
    };
    // The well-known labels, the most telling first.
    HOME_LABELS.iter().find_map(|label| labelled(label))
}

/// PEP 639: `License-Expression` beats `License`, which beats the classifiers.
fn licenses(fields: &Stanza<'_>) -> Vec<License> {
    if let Some(license) = fields
        .field("License-Expression")
        .and_then(License::declared)
    {
        return vec![license];
    }
    // Whole texts were put into this field; they name nothing.
    let stated = fields.field("License").filter(|text| !text.contains('\n'));
    if let Some(license) = stated.and_then(License::declared) {
        return vec![license];
    }
    fields.all("Classifier").filter_map(classified).collect()
}

fn classified(classifier: &str) -> Option<License> {
    let path = classifier.strip_prefix("License ::")?;
    let name = path.rsplit("::").next()?.trim();
    if name == "OSI Approved" {
        return None;
    }
    let known = CLASSIFIERS.iter().find(|(known, _)| *known == name);
    License::declared(known.map_or(name, |(_, id)| id))
}

/// One `Requires-Dist` (PEP 508), as far as it names something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Requirement {
    /// Normalised.
    pub(super) name: String,
    /// Normalised.
    pub(super) extras: Vec<String>,
    marker: Option<Marker>,
}

impl Requirement {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (requirement, marker) = match text.split_once(';') {
            Some((requirement, marker)) => (requirement, Some(marker)),
            None => (text, None),
        };
        let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || "-_. ".contains(c)));
        let (name, rest) = requirement.split_at(end.unwrap_or(requirement.len()));
        let name = normalise_python_name(name.split_whitespace().next()?);
        let extras = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let extras = extras.map(|(list, _)| list.split(',').map(normalise_python_name).collect());
        (!name.is_empty()).then(|| Self {
            name,
            extras: extras.unwrap_or_default(),
            marker: marker.map(Marker::parse),
        })
    }

    /// Whether it holds on Linux; `has_extra` tells whether somebody asked for an extra.
    pub(super) fn applies(&self, has_extra: impl Fn(&str) -> bool) -> bool {
        self.marker
            .as_ref()
            .is_none_or(|marker| marker.may_hold(&has_extra))
    }
}

const HOME_LABELS: [&str; 7] = [
    "homepage",
    "home",
    "home-page",
    "source",
    "source code",
    "repository",
    "documentation",
];

/// Classifiers that name one licence. `BSD License` and its like name a family and stay names.
const CLASSIFIERS: [(&str, &str); 17] = [
    ("MIT License", "MIT"),
    ("MIT No Attribution License (MIT-0)", "MIT-0"),
    ("Apache Software License", "Apache-2.0"),
    ("ISC License (ISCL)", "ISC"),
    ("Mozilla Public License 1.1 (MPL 1.1)", "MPL-1.1"),
    ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
    ("Python Software Foundation License", "PSF-2.0"),
    ("The Unlicense (Unlicense)", "Unlicense"),
    ("zlib/libpng License", "Zlib"),
    ("Zope Public License", "ZPL-2.1"),
    ("GNU General Public License v2 (GPLv2)", "GPL-2.0-only"),
    (
        "GNU General Public License v2 or later (GPLv2+)",
        "GPL-2.0-or-later",
    ),
    ("GNU General Public License v3 (GPLv3)", "GPL-3.0-only"),
    (
        "GNU General Public License v3 or later (GPLv3+)",
        "GPL-3.0-or-later",
    ),
    (
        "GNU Lesser General Public License v3 (LGPLv3)",
        "LGPL-3.0-only",
    ),
    (
        "GNU Lesser General Public License v3 or later (LGPLv3+)",
        "LGPL-3.0-or-later",
    ),
    ("GNU Affero General Public License v3", "AGPL-3.0-only"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cataloger::header_fields::Stanzas;

    #[test]
    fn requirements() {
        let found = Requirement::parse("Coverage[toml,X_y] >=1; extra == 'test'").unwrap();
        assert_eq!(
            (&*found.name, &found.extras[..]),
            ("coverage", &["toml".to_owned(), "x-y".to_owned()][..])
        );
        assert!(!found.applies(|_| false) && found.applies(|extra| extra == "test"));
        assert_eq!(
            Requirement::parse("zope.interface (>=1)").unwrap().name,
            "zope-interface"
        );
        assert_eq!(Requirement::parse("a@ https://x").unwrap().name, "a");
        assert_eq!(Requirement::parse(" ;"), None);
    }

    #[test]
    fn people_and_pages() {
        let text = "Author: Ann\nAuthor-email: \"B, C\" <b@x.example>, d@x\nProject-URL: Homepage, https://h\nLicense: MIT\nLicense-Expression: ISC\n";
        let mut package = Package::new(crate::package::PackageKind::Pypi, "p", None, "t");
        describe(&mut package, &Stanzas::of(text).next().unwrap());
        let supplier = package.supplier.unwrap();
        assert_eq!(
            (&*supplier.name, supplier.email.as_deref()),
            ("Ann", Some("b@x.example"))
        );
        assert_eq!(package.homepage.as_deref(), Some("https://h"));
        assert_eq!(package.licenses[0].text(), "ISC");
    }
}
