//! One layer: read once, hashed on the way, and of its content only what somebody wants kept.

use std::io::{self, Read};
use std::sync::Arc;

use countersign_artifact::Digest;

use super::HEAD;
use super::hard_links::{Aliases, unread};
use super::inflate::{Compression, Inflated};
use super::keeper::{Keeper, Kept};
use super::limits::LayerLimits;
use super::path::{PathFault, clean, readable};
use super::tar::{Header, HeaderFault, HeaderKind, next, padding, read_content};
use crate::cataloger::Cataloger;
use crate::package::LayerMark;

/// A layer that has been read to its end and is the one that was expected.
#[derive(Debug)]
pub struct Layer {
    pub(super) mark: LayerMark,
    pub(super) entries: Vec<Entry>,
    pub(super) inflated: u64,
    /// Content that went by under a name nobody wanted, and has another name that somebody wants.
    pub(super) unread: Aliases,
}

/// Why a layer is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// The source of the blob failed.
    #[error("reading the layer failed: {kind}")]
    Source {
        /// How.
        kind: io::ErrorKind,
    },
    /// It ends too early.
    #[error("the layer ends after {at} inflated bytes, in the middle of an entry")]
    Truncated {
        /// How much there was, inflated.
        at: u64,
    },
    /// The compression is damaged.
    #[error("the layer's {compression} stream is damaged")]
    Corrupt {
        /// Which compression.
        compression: Compression,
    },
    /// A header is damaged, or this is no tar.
    #[error("the tar header at byte {at}: {fault}")]
    Header {
        /// Where in the inflated layer.
        at: u64,
        /// What is wrong.
        fault: HeaderFault,
    },
    /// The name of an entry, or the target of a hard link, is not acceptable.
    #[error("the entry `{entry}` at byte {at}: {fault}")]
    Path {
        /// The name, its beginning if it is long.
        entry: String,
        /// Where in the inflated layer.
        at: u64,
        /// What is wrong.
        fault: PathFault,
    },
    /// It has more entries than allowed.
    #[error("more than {limit} entries")]
    TooManyEntries {
        /// The cap.
        limit: u64,
    },
    /// Its names are longer, taken together, than allowed.
    #[error("more than {limit} bytes of names")]
    TooManyNames {
        /// The cap.
        limit: u64,
    },
    /// It is larger than allowed when inflated.
    #[error("more than {limit} inflated bytes")]
    TooLarge {
        /// The cap.
        limit: u64,
    },
    /// It grows faster than allowed: a decompression bomb.
    #[error("inflates to more than {limit} times its size")]
    Expansion {
        /// The cap.
        limit: u64,
    },
    /// The blob is not the one that the manifest names.
    #[error("the layer's blob has the digest {}, the manifest says {}", .0.found, .0.expected)]
    BlobDigest(Box<DigestMismatch>),
    /// The blob has another size than the manifest says.
    #[error("the layer's blob has {found} bytes, the manifest says {expected}")]
    BlobSize {
        /// What the manifest says.
        expected: u64,
        /// What it is.
        found: u64,
    },
    /// The inflated layer is not the one that the image's configuration names.
    #[error("the layer's DiffID is {}, the configuration says {}", .0.found, .0.expected)]
    DiffId(Box<DigestMismatch>),
}

/// Content that is not what its digest names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestMismatch {
    /// What it should be.
    pub expected: Digest,
    /// What it is.
    pub found: Digest,
}

/// What the manifest and the configuration say about a layer, and so what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its position, 0 is the lowest.
    pub index: usize,
    /// The digest of its blob; `None` if the stream checks that itself.
    pub digest: Option<Digest>,
    /// The size of its blob.
    pub size: Option<u64>,
    /// The digest of the inflated tar.
    pub diff_id: Digest,
}

/// An entry of a layer, its path clean: no slash in front, no `.`, no `..`.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: Box<str>,
    pub(super) kind: EntryKind,
}

#[derive(Debug)]
pub(super) enum EntryKind {
    Directory,
    File(FileEntry),
    Symlink(Box<str>),
    HardLink(Box<str>),
    /// Removes `path` of the layers below.
    Whiteout,
    /// Removes all that the layers below have in the folder `path`.
    Opaque,
    Other,
}

/// A regular file.
#[derive(Clone, Debug)]
pub(super) struct FileEntry {
    pub(super) size: u64,
    pub(super) mode: u32,
    /// What was kept of it, if anybody wanted it.
    pub(super) kept: Option<Arc<Kept>>,
}

impl Layer {
    /// Which layer it is.
    #[must_use]
    pub fn mark(&self) -> LayerMark {
        self.mark
    }

    /// Whether content that somebody wants went by under a hard link's other name. Then
    /// [`read_layer_again`] gets it; without that the inventory has a warning.
    ///
    /// pnpm and uv fill images with hard links to their caches.
    #[must_use]
    pub fn wants_second_reading(&self) -> bool {
        !self.unread.is_empty()
    }

    /// How many bytes it has when inflated.
    #[must_use]
    pub fn inflated(&self) -> u64 {
        self.inflated
    }
}

/// Reads a layer to its end and checks that it is the one wanted. `catalogers` say what to keep.
pub fn read_layer(
    wanted: &Wanted,
    stream: impl Read,
    catalogers: &[Box<dyn Cataloger>],
    limits: &LayerLimits,
) -> Result<Layer, LayerError> {
    let mut layer = read(wanted, stream, catalogers, limits, &Aliases::new())?;
    layer.unread = unread(&layer.entries, catalogers);
    Ok(layer)
}

/// Reads a layer from its beginning once more, knowing what its first reading had to let go.
pub fn read_layer_again(
    first: &Layer,
    wanted: &Wanted,
    stream: impl Read,
    catalogers: &[Box<dyn Cataloger>],
    limits: &LayerLimits,
) -> Result<Layer, LayerError> {
    read(wanted, stream, catalogers, limits, &first.unread)
}

fn read(
    wanted: &Wanted,
    stream: impl Read,
    catalogers: &[Box<dyn Cataloger>],
    limits: &LayerLimits,
    aliases: &Aliases,
) -> Result<Layer, LayerError> {
    let blob_hash = wanted.digest.map(|digest| digest.algorithm());
    let mut reader = Reader {
        stream: Inflated::new(stream, blob_hash, limits)?,
        keeper: Keeper::new(catalogers, limits, aliases),
        limits,
        entries: Vec::new(),
        name_bytes: 0,
        seen: 0,
    };
    reader.read_entries()?;
    let totals = reader.stream.finish()?;
    if let Some(expected) = wanted.size.filter(|size| *size != totals.blob_size) {
        let found = totals.blob_size;
        return Err(LayerError::BlobSize { expected, found });
    }
    if let (Some(expected), Some(found)) = (wanted.digest, totals.blob)
        && expected != found
    {
        return Err(LayerError::BlobDigest(Box::new(DigestMismatch {
            expected,
            found,
        })));
    }
    let (expected, found) = (wanted.diff_id, totals.diff_id);
    if expected != found {
        return Err(LayerError::DiffId(Box::new(DigestMismatch {
            expected,
            found,
        })));
    }
    let diff_id = wanted.diff_id;
    Ok(Layer {
        mark: LayerMark {
            index: wanted.index,
            diff_id,
        },
        entries: reader.entries,
        inflated: totals.inflated,
        unread: Aliases::new(),
    })
}

struct Reader<'a, R: Read> {
    stream: Inflated<R>,
    keeper: Keeper<'a>,
    limits: &'a LayerLimits,
    entries: Vec<Entry>,
    name_bytes: u64,
    seen: u64,
}

impl<R: Read> Reader<'_, R> {
    fn read_entries(&mut self) -> Result<(), LayerError> {
        while let Some(header) = next(&mut self.stream, self.limits)? {
            self.count(&header)?;
            let path = self.clean(&header, &header.name)?;
            if let Some(entry) = self.read_entry(&header, path)? {
                self.entries.push(entry);
            }
        }
        Ok(())
    }

    fn read_entry(&mut self, header: &Header, path: String) -> Result<Option<Entry>, LayerError> {
        let mut path = path;
        let split = path.rfind('/').map_or(0, |slash| slash + 1);
        if let Some(hidden) = path[split..].strip_prefix(WHITEOUT) {
            let hidden = hidden.to_owned();
            self.skip(header.size)?;
            path.truncate(split);
            return self.whiteout(header, path, &hidden);
        }
        let kind = match header.kind {
            HeaderKind::File => EntryKind::File(self.read_file(header, &path)?),
            HeaderKind::SparseFile => {
                self.skip(header.size)?;
                EntryKind::File(self.keeper.sparse(header, &path))
            }
            kind => {
                self.skip(header.size)?;
                match kind {
                    HeaderKind::Directory => EntryKind::Directory,
                    HeaderKind::Symlink => EntryKind::Symlink(self.target(header)?.into()),
                    HeaderKind::HardLink => {
                        EntryKind::HardLink(self.clean(header, &header.link)?.into())
                    }
                    _ => EntryKind::Other,
                }
            }
        };
        let path = path.into_boxed_str();
        Ok(Some(Entry { path, kind }))
    }

    /// OCI image specification, layer.md, "Whiteouts". `folder` ends with a slash or is empty.
    fn whiteout(
        &self,
        header: &Header,
        folder: String,
        hidden: &str,
    ) -> Result<Option<Entry>, LayerError> {
        if hidden == OPAQUE {
            let path = folder.trim_end_matches('/').into();
            return Ok(Some(Entry {
                path,
                kind: EntryKind::Opaque,
            }));
        }
        // aufs keeps its own records under such names; they are no files of the image.
        if hidden.starts_with(WHITEOUT) {
            return Ok(None);
        }
        if matches!(hidden, "" | "." | "..") {
            return Err(path_error(header, &header.name, PathFault::Whiteout));
        }
        let path = (folder + hidden).into_boxed_str();
        Ok(Some(Entry {
            path,
            kind: EntryKind::Whiteout,
        }))
    }

    fn read_file(&mut self, header: &Header, path: &str) -> Result<FileEntry, LayerError> {
        let wanted_head = HEAD.min(usize::try_from(header.size).unwrap_or(HEAD));
        let head = self.stream.fill_to(wanted_head)?;
        let head = &head[..wanted_head.min(head.len())];
        let absolute = format!("/{path}");
        let plan = self.keeper.plan(&absolute, head, header.size);
        let mut kept = Kept {
            faults: plan.faults,
            ..Kept::default()
        };
        if plan.read {
            // The size is a claim: memory is taken as the bytes come.
            let mut content = Vec::with_capacity(header.size.min(1 << 20) as usize);
            read_content(&mut self.stream, header.size, |bytes| {
                content.extend_from_slice(bytes)
            })?;
            self.keeper
                .keep(&absolute, content, &plan.extractors, plan.keep, &mut kept);
        } else {
            read_content(&mut self.stream, header.size, |_| ())?;
        }
        read_content(&mut self.stream, padding(header.size), |_| ())?;
        let is_empty = kept.content.is_none() && kept.extracts.is_empty() && kept.faults.is_empty();
        Ok(FileEntry {
            size: header.size,
            mode: header.mode,
            kept: (!is_empty).then(|| Arc::new(kept)),
        })
    }

    fn skip(&mut self, size: u64) -> Result<(), LayerError> {
        read_content(&mut self.stream, size, |_| ())?;
        read_content(&mut self.stream, padding(size), |_| ())
    }

    fn clean(&self, header: &Header, path: &[u8]) -> Result<String, LayerError> {
        clean(path, self.limits.path_bytes, self.limits.depth)
            .map_err(|fault| path_error(header, path, fault))
    }

    /// The target of a symlink stays as it is: it means something only where the tree is known.
    fn target(&self, header: &Header) -> Result<String, LayerError> {
        let limit = self.limits.path_bytes;
        if header.link.len() > limit {
            return Err(path_error(
                header,
                &header.link,
                PathFault::TooLong { limit },
            ));
        }
        Ok(readable(&header.link))
    }

    fn count(&mut self, header: &Header) -> Result<(), LayerError> {
        self.seen += 1;
        if self.seen > self.limits.entries {
            let limit = self.limits.entries;
            return Err(LayerError::TooManyEntries { limit });
        }
        self.name_bytes += (header.name.len() + header.link.len()) as u64;
        if self.name_bytes > self.limits.name_bytes {
            let limit = self.limits.name_bytes;
            return Err(LayerError::TooManyNames { limit });
        }
        Ok(())
    }
}

fn path_error(header: &Header, path: &[u8], fault: PathFault) -> LayerError {
    LayerError::Path {
        entry: readable(&path[..path.len().min(SHOWN)]),
        at: header.offset,
        fault,
    }
}

const WHITEOUT: &str = ".wh.";

/// What follows `.wh.` in the marker that hides a whole folder.
const OPAQUE: &str = ".wh..opq";

/// How much of a hostile name an error repeats.
pub(super) const SHOWN: usize = 200;
