//! `package.json`, with all the forms that its fields have had.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::fault_of;
use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::document::Fault;
use crate::license::License;
use crate::package::Package;
use crate::party::Party;

/// The fields that matter here; those whose type nobody kept to are kept as they came.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wire {
    name: Option<Value>,
    version: Option<Value>,
    description: Option<Value>,
    license: Option<Value>,
    licenses: Option<Value>,
    author: Option<Value>,
    homepage: Option<Value>,
    repository: Option<Value>,
    dependencies: Option<Value>,
    #[serde(rename = "optionalDependencies")]
    optional_dependencies: Option<Value>,
    #[serde(rename = "peerDependencies")]
    peer_dependencies: Option<Value>,
    #[serde(rename = "devDependencies")]
    dev_dependencies: Option<Value>,
    /// npm 6 and older wrote where a package came from.
    #[serde(rename = "_resolved")]
    resolved: Option<Value>,
    #[serde(rename = "_integrity")]
    integrity: Option<Value>,
}

/// What a manifest says.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    description: Option<String>,
    licenses: Vec<License>,
    author: Option<Party>,
    homepage: Option<String>,
    repository: Option<String>,
    resolved: Option<String>,
    integrity: Option<Checksum>,
    needs: Vec<String>,
    needs_for_development: Vec<String>,
}

impl Manifest {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = String::from_utf8_lossy(bytes);
        // Some files hold several documents; npm reads the first.
        let mut documents = serde_json::Deserializer::from_str(&text).into_iter::<Wire>();
        let wire = match documents.next() {
            Some(first) => first.map_err(|error| fault_of(&error))?,
            None => return Err(Fault::Json { line: 1, column: 0 }),
        };
        let needs = [
            &wire.dependencies,
            &wire.optional_dependencies,
            &wire.peer_dependencies,
        ];
        Ok(Self {
            needs: needs.into_iter().flat_map(keys).collect(),
            needs_for_development: keys(&wire.dev_dependencies),
            licenses: licenses(wire.license.as_ref(), wire.licenses.as_ref()),
            author: wire.author.as_ref().and_then(party),
            homepage: text_of(wire.homepage),
            repository: wire.repository.and_then(|value| text_or(value, "url")),
            resolved: text_of(wire.resolved).filter(|url| url.starts_with("http")),
            integrity: text_of(wire.integrity).as_deref().and_then(integrity),
            name: text_of(wire.name),
            version: text_of(wire.version),
            description: text_of(wire.description),
        })
    }

    /// Takes over what it says about the package.
    pub(super) fn describe(&self, package: &mut Package) {
        package.description.clone_from(&self.description);
        package.licenses.clone_from(&self.licenses);
        package.supplier.clone_from(&self.author);
        package.homepage = self.homepage.clone().or_else(|| self.repository.clone());
        package.download_location.clone_from(&self.resolved);
        package.checksums.extend(self.integrity.clone());
        if let Some(repository) = &self.repository {
            package
                .properties
                .insert("npm:repository".to_owned(), repository.clone());
        }
    }

    /// The names it needs; an application needs what it is developed with, too, where that is installed.
    pub(super) fn needs(&self, is_application: bool) -> impl Iterator<Item = &str> {
        let development = self
            .needs_for_development
            .iter()
            .filter(move |_| is_application);
        self.needs.iter().chain(development).map(String::as_str)
    }
}

/// Reads Subresource Integrity, the strongest of several hashes first.
pub(super) fn integrity(text: &str) -> Option<Checksum> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    let mut hashes = text.split_whitespace().filter_map(|hash| {
        let (name, value) = hash.split_once('-')?;
        let algorithm = match name {
            "sha512" => ChecksumAlgorithm::Sha512,
            "sha384" => ChecksumAlgorithm::Sha384,
            "sha256" => ChecksumAlgorithm::Sha256,
            "sha1" => ChecksumAlgorithm::Sha1,
            _ => return None,
        };
        Checksum::from_bytes(algorithm, &STANDARD.decode(value.split('?').next()?).ok()?)
    });
    let first = hashes.next()?;
    Some(hashes.fold(first, |best, hash| {
        if hash.algorithm > best.algorithm {
            hash
        } else {
            best
        }
    }))
}

/// `"MIT"`, `{"type": "MIT"}`, or a list of either; `licenses` was the older field.
fn licenses(license: Option<&Value>, licenses: Option<&Value>) -> Vec<License> {
    let mut found = Vec::new();
    for value in license.into_iter().chain(licenses) {
        let each = match value {
            Value::Array(list) => list.as_slice(),
            single => std::slice::from_ref(single),
        };
        for value in each {
            let text = text_or(value.clone(), "type");
            found.extend(
                text.as_deref()
                    .filter(|text| !is_pointer(text))
                    .and_then(License::declared),
            );
        }
    }
    found
}

/// `SEE LICENSE IN file` says where and not what; `UNLICENSED` is npm's word for "none is given".
fn is_pointer(text: &str) -> bool {
    text.to_ascii_uppercase().starts_with("SEE LICEN") || text == "UNLICENSED"
}

/// `Name <email> (url)` or an object of the three.
fn party(value: &Value) -> Option<Party> {
    if let Value::String(text) = value {
        let (text, url) = match text.split_once('(') {
            Some((text, url)) => (text, url.split(')').next()),
            None => (&**text, None),
        };
        let mut party = Party::parse(text)?;
        party.url = url
            .map(str::trim)
            .filter(|url| !url.is_empty())
            .map(str::to_owned);
        return Some(party);
    }
    let field = |name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let mut party = Party::parse(field("name")?)?;
    party.email = party.email.or_else(|| field("email").map(str::to_owned));
    party.url = field("url").map(str::to_owned);
    Some(party)
}

fn keys(value: &Option<Value>) -> Vec<String> {
    let names = value
        .as_ref()
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    names.map(|(name, _)| name.clone()).collect()
}

fn text_of(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        _ => None,
    }
}

fn text_or(value: Value, field: &str) -> Option<String> {
    match value {
        Value::Object(mut fields) => text_of(fields.remove(field)),
        other => text_of(Some(other)),
    }
}

/// The fields of an object by name; used by [`super::lock`].
pub(super) type Fields<T> = BTreeMap<String, T>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_in_every_form() {
        let old = Manifest::parse(
            b"\xef\xbb\xbf{\"name\":\"a\",\"version\":1,\"licenses\":[{\"type\":\"MIT\"},\"ISC\"],\"author\":\"A B <a@b.example> (https://x)\",\"repository\":{\"url\":\"git://r\"},\"dependencies\":[\"odd\"]} {}",
        )
        .unwrap();
        assert_eq!(
            (old.name.as_deref(), old.version.as_deref()),
            (Some("a"), None)
        );
        assert_eq!(old.licenses.len(), 2);
        let author = old.author.unwrap();
        assert_eq!(
            (author.email.as_deref(), author.url.as_deref()),
            (Some("a@b.example"), Some("https://x"))
        );
        assert_eq!(old.repository.as_deref(), Some("git://r"));
        let new = Manifest::parse(br#"{"license":"SEE LICENSE IN x","dependencies":{"b":"1"},"devDependencies":{"c":"1"}}"#).unwrap();
        assert_eq!(new.licenses, []);
        assert_eq!(new.needs(false).collect::<Vec<_>>(), ["b"]);
        assert_eq!(new.needs(true).collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn broken_json_has_a_place() {
        assert_eq!(
            Manifest::parse(b"{\n\"a\":}").unwrap_err(),
            Fault::Json { line: 2, column: 5 }
        );
        assert_eq!(
            Manifest::parse(b"").unwrap_err(),
            Fault::Json { line: 1, column: 0 }
        );
        let deep = "[".repeat(100_000);
        assert!(Manifest::parse(format!("{{\"author\":{deep}").as_bytes()).is_err());
    }

    #[test]
    fn the_strongest_hash_counts() {
        let sha1 = "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
        assert_eq!(integrity(sha1).unwrap().algorithm, ChecksumAlgorithm::Sha1);
        let both = format!("{sha1} sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert_eq!(
            integrity(&both).unwrap().algorithm,
            ChecksumAlgorithm::Sha256
        );
        assert_eq!(integrity("sha512-AAAA"), None);
    }
}
