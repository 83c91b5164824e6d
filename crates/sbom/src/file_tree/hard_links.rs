//! Files with several names, of which the first decides when the content goes by and another is the one
//! that a cataloger knows.

use std::collections::{BTreeMap, HashMap};

use super::layer::{Entry, EntryKind};
use crate::cataloger::{Cataloger, Want};

/// Further names of files by their first names; all absolute.
pub(super) type Aliases = BTreeMap<String, Vec<String>>;

/// The names under which content is wanted that was not kept under its first name.
///
/// Writers put the content before its links, and in the same layer: a link to a file of a lower layer has
/// the content copied up.
pub(super) fn unread(entries: &[Entry], catalogers: &[Box<dyn Cataloger>]) -> Aliases {
    let mut aliases = Aliases::new();
    if !entries
        .iter()
        .any(|entry| matches!(entry.kind, EntryKind::HardLink(_)))
    {
        return aliases;
    }
    // The first name of everything that has content which was not kept, by all its names.
    let mut first: HashMap<&str, (&str, u64)> = HashMap::new();
    for entry in entries {
        match &entry.kind {
            EntryKind::File(file) if file.kept.is_none() && file.size > 0 => {
                first.insert(&entry.path, (&entry.path, file.size));
            }
            EntryKind::HardLink(target) => {
                let Some((name, size)) = first.get(&**target).copied() else {
                    continue;
                };
                first.insert(&entry.path, (name, size));
                let alias = format!("/{}", entry.path);
                let is_wanted = catalogers.iter().any(|cataloger| {
                    matches!(cataloger.wants(&alias, &[]), Want::Content { limit } if size <= limit)
                });
                if is_wanted {
                    aliases.entry(format!("/{name}")).or_default().push(alias);
                }
            }
            _ => {
                first.remove(&*entry.path);
            }
        }
    }
    aliases
}
