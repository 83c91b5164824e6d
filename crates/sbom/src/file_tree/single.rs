//! One file that is a source of its own, made to look like a layer.

use std::io::{self, Read};
use std::sync::Arc;

use countersign_artifact::Digest;
use sha2::{Digest as _, Sha256, Sha512};

use super::HEAD;
use super::hard_links::Aliases;
use super::keeper::{Keeper, Kept};
use super::layer::{Entry, EntryKind, FileEntry, Layer, LayerError, SHOWN};
use super::limits::LayerLimits;
use super::path::clean;
use crate::cataloger::Cataloger;
use crate::package::LayerMark;

/// What is known of a file that is a source of its own.
pub(crate) struct SingleFile {
    pub(crate) layer: Layer,
    pub(crate) sha256: Digest,
    pub(crate) sha512: Digest,
    pub(crate) size: u64,
}

/// Reads one file as if it were the only one of a layer.
pub(crate) fn single_file(
    name: &str,
    mut stream: impl Read,
    catalogers: &[Box<dyn Cataloger>],
    limits: &LayerLimits,
) -> Result<SingleFile, LayerError> {
    let mut content = Vec::new();
    let (mut sha256, mut sha512) = (Sha256::new(), Sha512::new());
    let mut size = 0_u64;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                let piece = &buffer[..count];
                sha256.update(piece);
                sha512.update(piece);
                size += count as u64;
                // Beyond the cap only the hashes go on.
                if size <= limits.extracted_bytes {
                    content.extend_from_slice(piece);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(LayerError::Source { kind: error.kind() }),
        }
    }
    let name = clean(name.as_bytes(), limits.path_bytes, limits.depth).map_err(|fault| {
        LayerError::Path {
            entry: name.chars().take(SHOWN).collect(),
            at: 0,
            fault,
        }
    })?;
    let path = format!("/{name}");
    let no_aliases = Aliases::new();
    let mut keeper = Keeper::new(catalogers, limits, &no_aliases);
    let plan = keeper.plan(&path, &content[..content.len().min(HEAD)], size);
    let mut kept = Kept {
        faults: plan.faults,
        ..Kept::default()
    };
    if plan.read && size == content.len() as u64 {
        keeper.keep(&path, content, &plan.extractors, plan.keep, &mut kept);
    }
    let sha256 = Digest::Sha256(sha256.finalize().into());
    let file = FileEntry {
        size,
        mode: 0o755,
        kept: Some(Arc::new(kept)),
    };
    let entry = Entry {
        path: name.into(),
        kind: EntryKind::File(file),
    };
    Ok(SingleFile {
        layer: Layer {
            mark: LayerMark {
                index: 0,
                diff_id: sha256,
            },
            entries: vec![entry],
            inflated: size,
            unread: Aliases::new(),
        },
        sha256,
        sha512: Digest::Sha512(sha512.finalize().into()),
        size,
    })
}
