//! Where a distribution came from, if not from an index: `direct_url.json` (PEP 610).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::document::Fault;
use crate::package::Package;
use crate::package_url::PackageUrl;

/// The file as it is.
#[derive(Debug, Deserialize)]
pub(super) struct DirectUrl {
    url: String,
    vcs_info: Option<VcsInfo>,
    archive_info: Option<ArchiveInfo>,
}

#[derive(Debug, Deserialize)]
struct VcsInfo {
    vcs: String,
    commit_id: String,
}

#[derive(Debug, Deserialize)]
struct ArchiveInfo {
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    /// `sha256=<hex>`, before `hashes` existed.
    hash: Option<String>,
}

pub(super) fn parse(json: &[u8]) -> Result<DirectUrl, Fault> {
    serde_json::from_slice(json).map_err(|error| Fault::Json {
        line: error.line(),
        column: error.column(),
    })
}

impl DirectUrl {
    /// Takes over what it says. Folders of the machine that built the image are of no use to anybody else.
    pub(super) fn apply(&self, package: &mut Package, purl: PackageUrl) -> PackageUrl {
        let is_local = self.url.starts_with("file:");
        if let Some(vcs) = &self.vcs_info {
            let location = format!("{}+{}@{}", vcs.vcs, self.url, vcs.commit_id);
            package
                .properties
                .insert("pypi:commit".to_owned(), vcs.commit_id.clone());
            if !is_local {
                package.download_location = Some(location.clone());
                return purl.with_qualifier("vcs_url", &location);
            }
        }
        if let Some(archive) = &self.archive_info {
            let old = archive
                .hash
                .as_deref()
                .and_then(|hash| hash.split_once('='));
            let hashes = archive
                .hashes
                .iter()
                .map(|(name, hex)| (&**name, &**hex))
                .chain(old);
            package.checksums.extend(hashes.filter_map(|(name, hex)| {
                let algorithm = match name {
                    "md5" => ChecksumAlgorithm::Md5,
                    "sha1" => ChecksumAlgorithm::Sha1,
                    "sha256" => ChecksumAlgorithm::Sha256,
                    "sha384" => ChecksumAlgorithm::Sha384,
                    "sha512" => ChecksumAlgorithm::Sha512,
                    _ => return None,
                };
                Checksum::from_hex(algorithm, hex)
            }));
            if !is_local {
                package.download_location = Some(self.url.clone());
                return purl.with_qualifier("download_url", &self.url);
            }
        }
        purl
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::PackageKind;

    fn check(json: &str, expected: &str) -> Package {
        let mut package = Package::new(PackageKind::Pypi, "p", None, "t");
        let purl = PackageUrl::new(PackageKind::Pypi, "p").unwrap();
        let purl = parse(json.as_bytes()).unwrap().apply(&mut package, purl);
        assert_eq!(purl.to_string(), expected);
        package
    }

    #[test]
    fn origins() {
        check(
            r#"{"url":"https://h/r.git","vcs_info":{"vcs":"git","commit_id":"ab"}}"#,
            "pkg:pypi/p?vcs_url=git%2Bhttps:%2F%2Fh%2Fr.git%40ab",
        );
        check(
            r#"{"url":"file:///srv/x","vcs_info":{"vcs":"git","commit_id":"ab"}}"#,
            "pkg:pypi/p",
        );
        let archive = check(
            r#"{"url":"file:///x.whl","archive_info":{"hash":"md5=d41d8cd98f00b204e9800998ecf8427e"}}"#,
            "pkg:pypi/p",
        );
        assert_eq!(archive.checksums.len(), 1);
        assert_eq!(parse(b"{").unwrap_err(), Fault::Json { line: 1, column: 1 });
    }
}
