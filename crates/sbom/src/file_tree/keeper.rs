//! What is kept of a file: asked of the catalogers while it goes by.

use std::collections::HashSet;
use std::sync::Arc;

use countersign_artifact::Digest;
use sha2::{Digest as _, Sha256};

use super::hard_links::Aliases;
use super::layer::FileEntry;
use super::limits::LayerLimits;
use super::tar::Header;
use crate::cataloger::{Cataloger, Want};
use crate::document::Fault;

/// Asks the catalogers and remembers how much may still be kept.
pub(super) struct Keeper<'a> {
    catalogers: &'a [Box<dyn Cataloger>],
    limits: &'a LayerLimits,
    /// Further names of files, by the names under which they come first.
    aliases: &'a Aliases,
    left: u64,
    /// Those who were told already that nothing more is kept.
    told: HashSet<&'static str>,
}

/// What is to be done with one file.
pub(super) struct Plan {
    pub(super) read: bool,
    pub(super) keep: bool,
    pub(super) extractors: Vec<usize>,
    pub(super) faults: Vec<(&'static str, Fault)>,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(
        catalogers: &'a [Box<dyn Cataloger>],
        limits: &'a LayerLimits,
        aliases: &'a Aliases,
    ) -> Self {
        Self {
            catalogers,
            limits,
            aliases,
            left: limits.kept_bytes,
            told: HashSet::new(),
        }
    }

    pub(super) fn plan(&mut self, path: &str, head: &[u8], size: u64) -> Plan {
        let mut plan = Plan {
            read: false,
            keep: false,
            extractors: Vec::new(),
            faults: Vec::new(),
        };
        for (index, cataloger) in self.catalogers.iter().enumerate() {
            let name = cataloger.name();
            match self.wanted(&**cataloger, path, head) {
                Want::Nothing => {}
                Want::Content { limit } if size > limit => {
                    plan.faults.push((name, Fault::TooLarge { size, limit }));
                }
                Want::Content { .. } if size > self.left => {
                    let limit = self.limits.kept_bytes;
                    if self.told.insert(name) {
                        plan.faults.push((name, Fault::BudgetUsedUp { limit }));
                    }
                }
                Want::Content { .. } => plan.keep = true,
                Want::Extract if size > self.limits.extracted_bytes => {
                    let limit = self.limits.extracted_bytes;
                    plan.faults.push((name, Fault::TooLarge { size, limit }));
                }
                Want::Extract => plan.extractors.push(index),
            }
        }
        plan.read = plan.keep || !plan.extractors.is_empty();
        plan
    }

    /// What a cataloger needs of a file, under its own name or another.
    fn wanted(&self, cataloger: &dyn Cataloger, path: &str, head: &[u8]) -> Want {
        let own = cataloger.wants(path, head);
        if own != Want::Nothing || self.aliases.is_empty() {
            return own;
        }
        let others = self.aliases.get(path).into_iter().flatten();
        others
            .map(|alias| cataloger.wants(alias, head))
            .find(|want| *want != Want::Nothing)
            .unwrap_or(own)
    }

    pub(super) fn keep(
        &mut self,
        path: &str,
        content: Vec<u8>,
        extractors: &[usize],
        keep: bool,
        kept: &mut Kept,
    ) {
        for index in extractors {
            let cataloger = &self.catalogers[*index];
            if let Some(extract) = cataloger.extract(path, &content) {
                let name = cataloger.name();
                let limit = self.limits.kept_bytes;
                match self.left.checked_sub(extract.len() as u64) {
                    Some(left) => {
                        self.left = left;
                        kept.extracts.push((name, extract.into_boxed_slice()));
                    }
                    None => kept.faults.push((name, Fault::BudgetUsedUp { limit })),
                }
            }
        }
        if !kept.extracts.is_empty() {
            kept.sha256 = Some(Digest::Sha256(Sha256::digest(&content).into()));
        }
        if keep {
            self.left = self.left.saturating_sub(content.len() as u64);
            kept.content = Some(content.into_boxed_slice());
        }
    }

    /// A sparse file's content is not what the archive holds; whoever wants it learns that.
    pub(super) fn sparse(&self, header: &Header, path: &str) -> FileEntry {
        let path = format!("/{path}");
        let wanting = self
            .catalogers
            .iter()
            .filter(|cataloger| cataloger.wants(&path, &[]) != Want::Nothing);
        let faults: Vec<_> = wanting
            .map(|cataloger| (cataloger.name(), Fault::SparseFile))
            .collect();
        let kept = Kept {
            faults,
            ..Kept::default()
        };
        FileEntry {
            size: header.size,
            mode: header.mode,
            kept: (!kept.faults.is_empty()).then(|| Arc::new(kept)),
        }
    }
}

/// What was kept of a file.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(super) content: Option<Box<[u8]>>,
    pub(super) sha256: Option<Digest>,
    pub(super) extracts: Vec<(&'static str, Box<[u8]>)>,
    pub(super) faults: Vec<(&'static str, Fault)>,
}
