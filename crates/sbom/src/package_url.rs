//! Package URLs: one name for a package everywhere (package-url specification, ECMA-427).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::package::PackageKind;

/// A package URL. Printing it gives the canonical form: qualifiers sorted, everything encoded that the
/// specification encodes and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageUrl {
    kind: PackageKind,
    namespace: Vec<String>,
    name: String,
    version: Option<String>,
    qualifiers: BTreeMap<Cow<'static, str>, String>,
    subpath: Vec<String>,
}

impl PackageUrl {
    /// Names a package; `None` if the name is empty, which no package URL may be.
    ///
    /// Names are brought into the form that their type prescribes: lower case for `deb`, `apk`, `alpm`,
    /// `pypi`, `composer`; hyphens for the separators of `pypi`.
    #[must_use]
    pub fn new(kind: PackageKind, name: &str) -> Option<Self> {
        let name = name.trim_matches('/');
        let name = match kind {
            PackageKind::Pypi => normalise_python_name(name),
            PackageKind::Deb | PackageKind::Apk | PackageKind::Alpm | PackageKind::Composer => {
                name.to_ascii_lowercase()
            }
            _ => name.to_owned(),
        };
        (!name.is_empty()).then(|| Self {
            kind,
            namespace: Vec::new(),
            name,
            version: None,
            qualifiers: BTreeMap::new(),
            subpath: Vec::new(),
        })
    }

    /// Reads a package URL of a known type, in canonical form or not; `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.trim().strip_prefix("pkg:")?.trim_start_matches('/');
        let (rest, subpath) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        let (kind, rest) = rest.split_once('/')?;
        let kind = PackageKind::parse(&kind.to_ascii_lowercase())?;
        // A scope's `@` is not encoded everywhere; the version's comes behind the last slash.
        let (path, version) = match rest.rsplit_once('@') {
            Some((path, version)) if !path.is_empty() && !version.contains('/') => {
                (path, Some(version))
            }
            _ => (rest, None),
        };
        let (namespace, name) = path
            .trim_matches('/')
            .rsplit_once('/')
            .unwrap_or(("", path));
        let version = match version {
            Some(version) => Some(decode(version)?),
            None => None,
        };
        let mut purl = Self::new(kind, &decode(name)?)?
            .with_namespace(&decode(namespace)?)
            .with_version(version.as_deref())
            .with_subpath(&decode(subpath)?);
        for pair in qualifiers.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=')?;
            if !value.is_empty() {
                purl.qualifiers
                    .insert(Cow::Owned(name.to_ascii_lowercase()), decode(value)?);
            }
        }
        Some(purl)
    }

    /// Names a package by a path whose last part is the name: `@scope/name`, `host/owner/module`.
    #[must_use]
    pub fn of_path(kind: PackageKind, path: &str) -> Option<Self> {
        let path = path.trim_matches('/');
        match path.rsplit_once('/') {
            Some((namespace, name)) => Some(Self::new(kind, name)?.with_namespace(namespace)),
            None => Self::new(kind, path),
        }
    }

    /// Sets the namespace; its parts are separated by `/`.
    #[must_use]
    pub fn with_namespace(mut self, namespace: &str) -> Self {
        self.namespace = segments(namespace);
        self
    }

    /// Sets the version; an empty one is none.
    #[must_use]
    pub fn with_version(mut self, version: Option<&str>) -> Self {
        self.version = version
            .filter(|version| !version.is_empty())
            .map(str::to_owned);
        self
    }

    /// Adds a qualifier, unless its value is empty.
    #[must_use]
    pub fn with_qualifier(mut self, name: &'static str, value: &str) -> Self {
        if !value.is_empty() {
            self.qualifiers
                .insert(Cow::Borrowed(name), value.to_owned());
        }
        self
    }

    /// Sets the path within the package.
    #[must_use]
    pub fn with_subpath(mut self, subpath: &str) -> Self {
        self.subpath = segments(subpath)
            .into_iter()
            .filter(|part| part != "." && part != "..")
            .collect();
        self
    }

    /// Drops the qualifiers that are not to be kept.
    #[must_use]
    pub fn retain_qualifiers(mut self, keep: impl Fn(&str, &str) -> bool) -> Self {
        self.qualifiers.retain(|name, value| keep(name, value));
        self
    }

    /// Whether it names a part of a package.
    #[must_use]
    pub fn has_subpath(&self) -> bool {
        !self.subpath.is_empty()
    }

    /// Whether it names the same version of the same package, whatever the qualifiers say.
    #[must_use]
    pub fn is_same_package(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.namespace == other.namespace
            && self.name == other.name
            && self.version == other.version
    }

    /// The type.
    #[must_use]
    pub fn kind(&self) -> PackageKind {
        self.kind
    }

    /// The namespace, its parts joined by `/`; empty if there is none.
    #[must_use]
    pub fn namespace(&self) -> String {
        self.namespace.join("/")
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// A qualifier.
    #[must_use]
    pub fn qualifier(&self, name: &str) -> Option<&str> {
        self.qualifiers.get(name).map(String::as_str)
    }
}

impl fmt::Display for PackageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/", self.kind)?;
        for part in &self.namespace {
            write!(f, "{}/", Encoded(part))?;
        }
        write!(f, "{}", Encoded(&self.name))?;
        if let Some(version) = &self.version {
            write!(f, "@{}", Encoded(version))?;
        }
        for (index, (name, value)) in self.qualifiers.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            write!(f, "{separator}{name}={}", Encoded(value))?;
        }
        for (index, part) in self.subpath.iter().enumerate() {
            let separator = if index == 0 { '#' } else { '/' };
            write!(f, "{separator}{}", Encoded(part))?;
        }
        Ok(())
    }
}

/// The name of a Python distribution as indexes compare it (PEP 503).
#[must_use]
pub fn normalise_python_name(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.trim().chars() {
        if !matches!(character, '-' | '_' | '.') {
            normal.push(character.to_ascii_lowercase());
        } else if !normal.ends_with('-') {
            normal.push('-');
        }
    }
    normal
}

fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Takes percent-encoding off; `None` if it is broken or hides bytes that are no text.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

/// Percent-encodes all but letters, digits and `.-_~:` (the specification's "character encoding").
struct Encoded<'a>(&'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => {
                    write!(f, "{}", char::from(byte))?;
                }
                other => write!(f, "%{other:02X}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms() {
        let deb = PackageUrl::new(PackageKind::Deb, "libgmp10")
            .unwrap()
            .with_namespace("debian")
            .with_version(Some("2:6.2.1+dfsg1-1.1~x"))
            .with_qualifier("distro", "debian-12")
            .with_qualifier("arch", "amd64");
        assert_eq!(
            deb.to_string(),
            "pkg:deb/debian/libgmp10@2:6.2.1%2Bdfsg1-1.1~x?arch=amd64&distro=debian-12"
        );
        let npm = PackageUrl::of_path(PackageKind::Npm, "@scope/Name").unwrap();
        assert_eq!(npm.to_string(), "pkg:npm/%40scope/Name");
        let python = PackageUrl::new(PackageKind::Pypi, "Demo__Lib.-Core").unwrap();
        assert_eq!(python.to_string(), "pkg:pypi/demo-lib-core");
        let go = PackageUrl::of_path(PackageKind::Golang, "github.com/a/b")
            .unwrap()
            .with_version(Some("v1.0.0"))
            .with_subpath("c/../d");
        assert_eq!(go.to_string(), "pkg:golang/github.com/a/b@v1.0.0#c/d");
        assert_eq!(PackageUrl::new(PackageKind::Npm, "/"), None);
    }

    #[test]
    fn read_and_written_again() {
        for (text, expected) in [
            (
                "pkg:cargo/wasip2@1.0.4+wasi-0.2.12",
                "pkg:cargo/wasip2@1.0.4%2Bwasi-0.2.12",
            ),
            ("pkg:npm/@scope/name@1.0.0", "pkg:npm/%40scope/name@1.0.0"),
            ("pkg:npm/%40scope/name", "pkg:npm/%40scope/name"),
            (
                "pkg:deb/debian/a@1:2~x?distro=d&arch=all#c/../d",
                "pkg:deb/debian/a@1:2~x?arch=all&distro=d#c/d",
            ),
            ("pkg://PyPI/A_b@1", "pkg:pypi/a-b@1"),
        ] {
            assert_eq!(PackageUrl::parse(text).unwrap().to_string(), expected);
        }
        for text in [
            "",
            "pkg:",
            "pkg:npm",
            "pkg:npm/",
            "pkg:unheard/of@1",
            "npm/a",
            "pkg:npm/a%",
            "pkg:npm/a%fé",
            "pkg:npm/%ff",
            "pkg:npm/a?b",
        ] {
            assert_eq!(PackageUrl::parse(text), None, "{text}");
        }
    }
}
