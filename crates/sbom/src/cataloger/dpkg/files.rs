//! Which files belong to a package: `info/NAME.md5sums`, `info/NAME.list` and the `Conffiles` field.

use std::collections::BTreeMap;

use crate::checksum::{Checksum, ChecksumAlgorithm};
use crate::file_tree::FileTree;
use crate::package::OwnedFile;

/// Gathers the files. `list` names folders too, so of it only what the tree has as a file counts.
pub(super) fn owned(tree: &FileTree, md5sums: &str, list: &str, conffiles: &str) -> Vec<OwnedFile> {
    let mut files: BTreeMap<String, (Option<Checksum>, bool)> = BTreeMap::new();
    for line in md5sums.lines() {
        if let Some((hash, path)) = line.split_once(char::is_whitespace) {
            let checksum = Checksum::from_hex(ChecksumAlgorithm::Md5, hash);
            if checksum.is_some() {
                files.insert(absolute(path), (checksum, false));
            }
        }
    }
    for line in conffiles.lines() {
        // `path hash`, with `obsolete` or `remove-on-upgrade` behind it where that applies.
        let mut words = line.split_whitespace();
        if let (Some(path), Some(hash)) = (words.next(), words.next()) {
            let checksum = Checksum::from_hex(ChecksumAlgorithm::Md5, hash);
            files.insert(absolute(path), (checksum, true));
        }
    }
    for line in list.lines() {
        let path = absolute(line);
        if !files.contains_key(&path) && tree.file(&path).is_some() {
            files.insert(path, (None, false));
        }
    }
    files
        .into_iter()
        .map(|(path, (checksum, is_configuration))| OwnedFile {
            present: tree.exists(&path),
            path,
            checksum,
            is_configuration,
        })
        .collect()
}

fn absolute(path: &str) -> String {
    let path = path.trim().trim_start_matches("./").trim_start_matches('/');
    format!("/{path}")
}
