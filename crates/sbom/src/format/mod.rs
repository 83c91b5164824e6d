//! Writers of SBOM formats.
//!
//! All write the same [`Document`], and the same document gives the same bytes: nothing is random, nothing
//! is asked of the machine. JSON is streamed; of a document only the identifiers are prepared beforehand.
//!
//! Identifiers: an SPDX document's namespace and a CycloneDX serial number are made of the hash of all
//! that the document says, so two documents have the same one only if they are the same.

pub mod cyclonedx;
mod graph;
mod license_terms;
mod root;
mod serial;
pub mod spdx;
mod table;

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::checksum::Checksum;
use crate::document::Document;
use crate::package::PackageKind;

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// SPDX 2.3 as JSON.
    SpdxJson,
    /// CycloneDX 1.6 as JSON.
    CycloneDxJson,
    /// Name, version and type in columns, for people.
    Table,
    /// One package URL a line, sorted, without repeats.
    PackageUrls,
}

/// How JSON is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Without a blank; a line feed at the end.
    Compact,
    /// A line for every value.
    Indented,
}

/// Writes `document`. `layout` matters to JSON only.
pub fn write(
    document: &Document,
    format: Format,
    layout: Layout,
    out: impl Write,
) -> io::Result<()> {
    match format {
        Format::SpdxJson => spdx::write_json(document, layout, out),
        Format::CycloneDxJson => cyclonedx::write_json(document, layout, out),
        Format::Table => table::write(&document.inventory, out),
        Format::PackageUrls => write_package_urls(document, out),
    }
}

/// The name syft gives to a kind of package, in tables and properties.
#[must_use]
pub fn kind_name(kind: PackageKind) -> &'static str {
    match kind {
        PackageKind::Cargo => "rust-crate",
        PackageKind::Composer => "php-composer",
        PackageKind::Generic => "binary",
        PackageKind::Golang => "go-module",
        PackageKind::Maven => "java-archive",
        PackageKind::Nuget => "dotnet",
        PackageKind::Pypi => "python",
        other => other.as_str(),
    }
}

/// The programming language, as syft writes it.
fn language(kind: PackageKind) -> Option<&'static str> {
    Some(match kind {
        PackageKind::Cargo => "rust",
        PackageKind::Composer => "php",
        PackageKind::Gem => "ruby",
        PackageKind::Golang => "go",
        PackageKind::Maven => "java",
        PackageKind::Npm => "javascript",
        PackageKind::Nuget => "dotnet",
        PackageKind::Pypi => "python",
        _ => return None,
    })
}

fn write_package_urls(document: &Document, out: impl Write) -> io::Result<()> {
    let packages = document.inventory.packages.iter();
    let lines: BTreeSet<String> = packages
        .filter_map(|package| Some(package.purl.as_ref()?.to_string()))
        .collect();
    let mut out = BufWriter::new(out);
    for line in lines {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

fn write_value(value: &impl Serialize, layout: Layout, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    match layout {
        Layout::Compact => serde_json::to_writer(&mut out, value)?,
        Layout::Indented => serde_json::to_writer_pretty(&mut out, value)?,
    }
    out.write_all(b"\n")?;
    out.flush()
}

/// A JSON array whose elements are made while it is written.
struct Streamed<F>(F);

impl<F, I> Serialize for Streamed<F>
where
    F: Fn() -> I,
    I: IntoIterator,
    I::Item: Serialize,
{
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// Checksums of which there is one: several of one algorithm are of several files, and none is the package's.
fn sole_checksums(all: &[Checksum]) -> impl Iterator<Item = &Checksum> {
    all.iter().filter(|one| {
        let same = all.iter().filter(|other| other.algorithm == one.algorithm);
        same.count() == 1
    })
}

/// Seconds of UTC, as both formats have them.
fn timestamp(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whether `text` may stand where a format wants an address of the web: RFC 3986, less what nobody needs
/// (hosts that are no names, such as `[::1]`).
fn is_url(text: &str) -> bool {
    let rest = URL_SCHEMES
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let Some(rest) = rest else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, place) = authority.split_once('@').unwrap_or(("", authority));
    let (host, port) = place.split_once(':').unwrap_or((place, ""));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let is_graphic = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{}|[]".contains(&byte);
    text.len() <= MAX_URL
        && text.bytes().all(is_graphic)
        && text.matches('#').count() <= 1
        && has_proper_escapes(text)
        && user.chars().all(|c| is_plain(c) || c == ':')
        && !host.is_empty()
        && host.chars().all(is_plain)
        && port.len() <= 5
        && port.chars().all(|c| c.is_ascii_digit())
}

/// Whether `text` is an address that a browser opens: what SPDX wants a homepage to be.
fn is_page(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && is_url(text)
}

fn has_proper_escapes(text: &str) -> bool {
    text.match_indices('%').all(|(at, _)| {
        text.as_bytes()
            .get(at + 1..at + 3)
            .is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Whether `text` may stand where a format wants an e-mail address.
fn is_email(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.+~".contains(c);
    let is_dotted = |part: &str| {
        !part.is_empty()
            && part.chars().all(is_plain)
            && part.split('.').all(|word| !word.is_empty())
    };
    match text.split_once('@') {
        Some((user, host)) => {
            let label = |label: &str| !label.starts_with('-') && !label.ends_with('-');
            user.len() <= 64
                && host.len() <= 253
                && is_dotted(user)
                && is_dotted(host)
                && host.split('.').all(label)
                && !host.contains(['_', '+', '~'])
        }
        None => false,
    }
}

const URL_SCHEMES: [&str; 6] = [
    "https://",
    "http://",
    "ftp://",
    "git://",
    "git+https://",
    "git+ssh://",
];

/// What browsers take.
const MAX_URL: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_formats_accept_is_an_address() {
        assert!(
            is_url("https://example.org/a?b=%20c#d") && is_url("git+https://example.org/a.git@1")
        );
        assert!(is_url("git+ssh://git@example.org:22/a"));
        for not in [
            "example.org",
            "https://",
            "https:///a",
            "https://a b",
            "https://ä",
            "https://a/%zz",
            "javascript:x",
            "https://:80",
            "https://a:b",
            "https://a@b@c",
            "https://a#b#c",
            "https://?a",
        ] {
            assert!(!is_url(not), "{not}");
        }
        assert!(is_page("https://example.org") && !is_page("git+https://example.org"));
        assert!(is_email("debian-glibc@lists.debian.org") && is_email("a+b@c.example"));
        for not in [
            "a",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            "a..b@c",
            "a@-b.example",
            "a at b.example",
        ] {
            assert!(!is_email(not), "{not}");
        }
    }
}
