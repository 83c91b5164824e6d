//! Licences in `/usr/share/doc/NAME/copyright`.
//!
//! The machine-readable form (DEP-5) states them in `License` fields, in Debian's own short names. Older files
//! are prose that points at `/usr/share/common-licenses`; what is read from that is a conclusion.

use std::collections::BTreeSet;

use crate::cataloger::header_fields::Stanzas;
use crate::license::{License, LicenseBasis, LicenseTerm};

/// The licences of a copyright file.
pub(super) fn licenses(text: &str) -> Vec<License> {
    let is_machine_readable = Stanzas::of(text).next().is_some_and(|header| {
        header
            .field("Format")
            .or(header.field("Format-Specification"))
            .is_some()
    });
    let found: BTreeSet<License> = if is_machine_readable {
        // The name stands in the first line of the field, the text of the licence in those below.
        Stanzas::of(text)
            .flat_map(|stanza| {
                let fields = stanza
                    .all("License")
                    .filter_map(|field| declared(field.lines().next()?));
                fields.collect::<Vec<_>>()
            })
            .collect()
    } else {
        concluded(text).collect()
    };
    found.into_iter().collect()
}

fn declared(short_name: &str) -> Option<License> {
    let short_name = short_name.trim().trim_end_matches([',', '.']);
    let mapped = spdx_expression(short_name);
    let mut license = License::declared(mapped.as_deref().unwrap_or(short_name))?;
    // What the mapping made is checked by the parser of expressions; if that fails, the name itself stays.
    if mapped.is_some() && !matches!(license.term, LicenseTerm::Expression(_)) {
        license.term = LicenseTerm::Name(short_name.to_owned());
    }
    Some(license)
}

/// Licences that a text points at. Whether later versions are allowed is told by the usual words.
fn concluded(text: &str) -> impl Iterator<Item = License> {
    // Lines are folded anywhere, so a run of blanks is one.
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let later = text.contains("any later version") || text.contains("any newer version");
    let names: BTreeSet<String> = text
        .match_indices(COMMON)
        .map(|(at, _)| {
            let name = &text[at + COMMON.len()..];
            let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || "-.+".contains(c)));
            name[..end.unwrap_or(name.len())]
                .trim_end_matches('.')
                .to_owned()
        })
        .collect();
    names.into_iter().filter_map(move |name| {
        let is_gnu = GNU.iter().any(|(prefix, _)| name.starts_with(prefix));
        let asked = if is_gnu && later {
            format!("{name}+")
        } else {
            name
        };
        let text = spdx_word(&asked)?;
        let mut license = License::declared(&text)?;
        license.basis = LicenseBasis::Concluded;
        Some(license)
    })
}

/// An expression in Debian's words as one in SPDX's; `None` if a part of it has no SPDX name.
fn spdx_expression(text: &str) -> Option<String> {
    // A comma ends what binds more tightly: `GPL-1+ or Artistic, and Expat`.
    let clauses: Vec<&str> = text.split(',').map(str::trim).collect();
    if clauses.len() == 1 {
        return spdx_clause(text);
    }
    let mut expression = String::new();
    for (index, clause) in clauses.iter().enumerate() {
        let (operator, rest) = match clause.split_once(' ') {
            Some((word, rest)) if word.eq_ignore_ascii_case("and") => ("AND", rest),
            Some((word, rest)) if word.eq_ignore_ascii_case("or") => ("OR", rest),
            _ if index == 0 => ("", *clause),
            _ => return None,
        };
        if index > 0 {
            expression.push_str(&format!(" {operator} "));
        }
        expression.push_str(&format!("({})", spdx_clause(rest)?));
    }
    Some(expression)
}

fn spdx_clause(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut parts: Vec<String> = Vec::new();
    let mut index = 0;
    while let Some(word) = words.get(index) {
        index += 1;
        match &*word.to_ascii_lowercase() {
            "and" => parts.push("AND".into()),
            "or" => parts.push("OR".into()),
            "with" => {
                // `with Bison exception`: the words up to `exception` name it.
                let end = words[index..]
                    .iter()
                    .position(|word| word.eq_ignore_ascii_case("exception"))?;
                let name = words[index..index + end].join("-").to_ascii_lowercase();
                let base = parts.last()?.clone();
                parts.push(format!("WITH {}", exception(&name, &base)?));
                index += end + 1;
            }
            _ => parts.push(spdx_word(word)?),
        }
    }
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// One short name of Debian.
fn spdx_word(word: &str) -> Option<String> {
    if let Some((_, id)) = WORDS
        .iter()
        .find(|(known, _)| word.eq_ignore_ascii_case(known))
    {
        return Some((*id).to_owned());
    }
    for (prefix, id) in GNU {
        if let Some(version) = word.strip_prefix(prefix) {
            return gnu(id, version);
        }
    }
    spdx::license_id(word).map(|id| id.name.to_owned())
}

/// `-2+`, `v2.1+`, `-3.0`.
fn gnu(id: &str, version: &str) -> Option<String> {
    let (version, ending) = match version.strip_suffix('+') {
        Some(version) => (version, "or-later"),
        None => (version, "only"),
    };
    // "No invariant sections": Debian keeps no other GFDL in main.
    let (version, ending) = match version.strip_prefix("-NIV") {
        Some(version) => (version, format!("no-invariants-{ending}")),
        None => (version, ending.to_owned()),
    };
    let version = version.trim_start_matches(['-', 'v', 'V']);
    let version = if version.contains('.') {
        version.to_owned()
    } else {
        format!("{version}.0")
    };
    let text = format!("{id}-{version}-{ending}");
    spdx::license_id(&text).map(|id| id.name.to_owned())
}

fn exception(name: &str, base: &str) -> Option<&'static str> {
    Some(match name {
        "bison" => "Bison-exception-2.2",
        "autoconf" if base.contains("-3.") => "Autoconf-exception-3.0",
        "autoconf" => "Autoconf-exception-2.0",
        "classpath" => "Classpath-exception-2.0",
        "font" => "Font-exception-2.0",
        "libtool" => "Libtool-exception",
        "linux-syscall-note" => "Linux-syscall-note",
        "gcc-runtime-library" | "gcc-runtime" => "GCC-exception-3.1",
        _ => return None,
    })
}

const COMMON: &str = "/usr/share/common-licenses/";

/// Longer prefixes before those they begin with.
const GNU: [(&str, &str); 4] = [
    ("LGPL", "LGPL"),
    ("AGPL", "AGPL"),
    ("GPL", "GPL"),
    ("GFDL", "GFDL"),
];

/// DEP-5's short names, and spellings found in Debian, that are not SPDX's.
const WORDS: [(&str, &str); 29] = [
    ("Expat", "MIT"),
    ("MIT/X11", "MIT"),
    ("X11", "X11"),
    ("Apache", "Apache-2.0"),
    ("Apache-2", "Apache-2.0"),
    ("Artistic", "Artistic-1.0"),
    ("Artistic-2", "Artistic-2.0"),
    ("BSD", "BSD-3-Clause"),
    ("BSD-2-clause", "BSD-2-Clause"),
    ("BSD-3-clause", "BSD-3-Clause"),
    ("BSD-3", "BSD-3-Clause"),
    ("BSD-4-clause", "BSD-4-Clause"),
    ("BSD-4-clause-UC", "BSD-4-Clause-UC"),
    ("CC0", "CC0-1.0"),
    ("ISC", "ISC"),
    ("Zlib", "Zlib"),
    ("MPL-1", "MPL-1.0"),
    ("MPL-2", "MPL-2.0"),
    ("Perl", "(Artistic-1.0-Perl OR GPL-1.0-or-later)"),
    ("PSF-2", "PSF-2.0"),
    ("Python", "PSF-2.0"),
    ("OFL-1.1", "OFL-1.1"),
    ("SIL-1.1", "OFL-1.1"),
    ("Beerware", "Beerware"),
    ("Latex2e", "Latex2e"),
    ("WTFPL-2", "WTFPL"),
    ("BSL-1", "BSL-1.0"),
    ("BSL", "BSL-1.0"),
    ("Sleepycat", "Sleepycat"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(short_name: &str, expected: &str) {
        assert_eq!(
            declared(short_name).unwrap().term,
            LicenseTerm::Expression(expected.into()),
            "{short_name}"
        );
    }

    #[test]
    fn short_names_become_expressions() {
        check("GPL-2+", "GPL-2.0-or-later");
        check("LGPL-2.1", "LGPL-2.1-only");
        check("LGPLv2.1+", "LGPL-2.1-or-later");
        check(
            "GPL-3+ with Bison exception",
            "GPL-3.0-or-later WITH Bison-exception-2.2",
        );
        check(
            "GPL-1+ or Artistic, and Expat",
            "(GPL-1.0-or-later OR Artistic-1.0) AND (MIT)",
        );
        check("BSD-3-clause", "BSD-3-Clause");
        check("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later");
        check("GFDL-1.3+", "GFDL-1.3-or-later");
    }

    #[test]
    fn what_has_no_name_there_stays_as_it_is() {
        for name in [
            "public-domain",
            "REGCOMP, and GPL-1+ or Artistic",
            "GPL-2+ with odd exception",
        ] {
            assert_eq!(declared(name).unwrap().term, LicenseTerm::Name(name.into()));
        }
    }

    #[test]
    fn prose_is_concluded() {
        let text = "GNU General Public License, either version 2, or (at your option) any\nlater version.\nSee /usr/share/common-licenses/GPL-2.";
        let found = licenses(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text(), "GPL-2.0-or-later");
        assert_eq!(found[0].basis, LicenseBasis::Concluded);
        assert_eq!(licenses("nothing of note"), []);
    }
}
