//! Layers applied to each other, as a container runtime unpacks them.
//!
//! The rules, each kept exactly because a difference would hide a file or show one that is not there:
//!
//! 1. Entries apply in the order of the archive; a later one of the same path wins.
//! 2. Folders in an entry's path are entered through links that exist by then, and made where missing.
//! 3. A folder over a folder keeps what is in it; anything else replaces what was there.
//! 4. A whiteout and an opaque marker hide what lower layers brought, wherever they stand in the archive,
//!    and nothing of their own layer.
//! 5. A hard link is another name for what its target is at that moment.

use std::collections::BTreeMap;

use super::layer::{Entry, EntryKind, FileEntry, Layer};
use super::tree::{FileTree, Node, NodeId, NodeKind, ROOT, Step};
use crate::cataloger::{Cataloger, Want};
use crate::document::{Fault, Warning};

/// Why layers do not add up to a tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SquashError {
    /// The tree would have more entries than allowed.
    #[error("the layers have more than {limit} entries together")]
    TooManyEntries {
        /// The cap.
        limit: usize,
    },
}

/// Applies `layers`, in any order given, from the lowest up. Gives the tree and what had to be left out.
pub fn squash(
    mut layers: Vec<Layer>,
    catalogers: &[Box<dyn Cataloger>],
) -> Result<(FileTree, Vec<Warning>), SquashError> {
    layers.sort_by_key(|layer| layer.mark.index);
    let mut squash = Squash {
        tree: FileTree::empty(),
        catalogers,
        layer: 0,
        last_folder: None,
        warnings: Vec::new(),
    };
    for (position, layer) in layers.into_iter().enumerate() {
        squash.layer = position as u32;
        squash.last_folder = None;
        squash.tree.marks.push(layer.mark);
        for entry in layer.entries {
            squash.apply(entry)?;
        }
    }
    squash.tree.settle();
    Ok((squash.tree, squash.warnings))
}

struct Squash<'a> {
    tree: FileTree,
    catalogers: &'a [Box<dyn Cataloger>],
    layer: u32,
    /// The folder of the entry before: archives list folder by folder.
    last_folder: Option<(String, NodeId)>,
    warnings: Vec<Warning>,
}

impl Squash<'_> {
    fn apply(&mut self, entry: Entry) -> Result<(), SquashError> {
        let Entry { path, kind } = entry;
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        match kind {
            EntryKind::Whiteout => self.whiteout(folder, name),
            EntryKind::Opaque => self.opaque(&path),
            // The root is a folder whatever a layer says.
            _ if path.is_empty() => {}
            kind => {
                let Some(folder) = self.enter(folder)? else {
                    self.warn_all(&path, Fault::LinkLoop);
                    return Ok(());
                };
                let Some(kind) = self.node_kind(&path, kind) else {
                    return Ok(());
                };
                self.place(folder, name, kind)?;
            }
        }
        Ok(())
    }

    /// The node for an entry; `None` for a hard link to nothing.
    fn node_kind(&mut self, path: &str, kind: EntryKind) -> Option<NodeKind> {
        Some(match kind {
            EntryKind::Directory => NodeKind::Directory(BTreeMap::new()),
            EntryKind::File(file) => NodeKind::File(file),
            EntryKind::Symlink(target) => NodeKind::Symlink(target),
            EntryKind::HardLink(target) => return self.hard_link(path, &target),
            _ => NodeKind::Other,
        })
    }

    fn hard_link(&mut self, path: &str, target: &str) -> Option<NodeKind> {
        let shown = format!("/{target}");
        let Step::Found(node) = self.tree.step(ROOT, target, false) else {
            self.warn_all(path, Fault::DanglingLink { target: shown });
            return None;
        };
        match &self.tree.node(node).kind {
            NodeKind::Directory(_) => {
                self.warn_all(path, Fault::DanglingLink { target: shown });
                None
            }
            NodeKind::File(file) => {
                let file = file.clone();
                if file.kept.is_none() && file.size > 0 {
                    self.warn_wanting(path, &file, &shown);
                }
                Some(NodeKind::File(file))
            }
            kind => Some(kind.clone()),
        }
    }

    /// Puts a node into a folder, over what may be there.
    fn place(&mut self, folder: NodeId, name: &str, kind: NodeKind) -> Result<(), SquashError> {
        let existing = self.child(folder, name);
        if let Some(existing) = existing {
            let layer = self.layer;
            let node = &mut self.tree.nodes[existing as usize];
            node.layer = layer;
            if matches!(
                (&node.kind, &kind),
                (NodeKind::Directory(_), NodeKind::Directory(_))
            ) {
                return Ok(());
            }
            // Folders change only here and in whiteouts: what was remembered may be gone.
            if !matches!((&node.kind, &kind), (NodeKind::File(_), NodeKind::File(_))) {
                self.last_folder = None;
            }
            node.kind = kind;
            return Ok(());
        }
        self.add(folder, name, kind)?;
        Ok(())
    }

    fn add(&mut self, folder: NodeId, name: &str, kind: NodeKind) -> Result<NodeId, SquashError> {
        if self.tree.nodes.len() >= MAX_NODES {
            return Err(SquashError::TooManyEntries { limit: MAX_NODES });
        }
        let id = self.tree.nodes.len() as NodeId;
        self.tree.nodes.push(Node {
            name: name.into(),
            parent: folder,
            layer: self.layer,
            kind,
        });
        if let NodeKind::Directory(children) = &mut self.tree.nodes[folder as usize].kind {
            children.insert(name.into(), id);
        }
        Ok(id)
    }

    /// The folder at `path`, made where missing; `None` if links go round in circles.
    fn enter(&mut self, path: &str) -> Result<Option<NodeId>, SquashError> {
        if let Some((known, node)) = &self.last_folder
            && known == path
        {
            return Ok(Some(*node));
        }
        let mut here = ROOT;
        let mut pending: Vec<String> = path.rsplit('/').map(str::to_owned).collect();
        let mut hops = 0;
        while let Some(part) = pending.pop() {
            match &*part {
                "" | "." => continue,
                ".." => {
                    here = self.tree.node(here).parent;
                    continue;
                }
                _ => {}
            }
            let Some(child) = self.child(here, &part) else {
                here = self.add(here, &part, NodeKind::Directory(BTreeMap::new()))?;
                continue;
            };
            match &self.tree.node(child).kind {
                NodeKind::Directory(_) => here = child,
                NodeKind::Symlink(target) => {
                    hops += 1;
                    if hops > MAX_LINKS {
                        return Ok(None);
                    }
                    if target.starts_with('/') {
                        here = ROOT;
                    }
                    pending.extend(target.rsplit('/').map(str::to_owned));
                }
                // A runtime fails here; a folder is what the later entry needs, so it wins.
                NodeKind::File(_) | NodeKind::Other => {
                    self.place(here, &part, NodeKind::Directory(BTreeMap::new()))?;
                    here = child;
                }
            }
        }
        self.last_folder = Some((path.to_owned(), here));
        Ok(Some(here))
    }

    fn whiteout(&mut self, folder: &str, name: &str) {
        let Step::Found(folder) = self.tree.step(ROOT, folder, true) else {
            return;
        };
        if let Some(child) = self.child(folder, name)
            && !self.remove_lower(child)
            && let NodeKind::Directory(children) = &mut self.tree.nodes[folder as usize].kind
        {
            children.remove(name);
        }
        self.last_folder = None;
    }

    fn opaque(&mut self, path: &str) {
        let Step::Found(folder) = self.tree.step(ROOT, path, true) else {
            return;
        };
        self.remove_lower_children(folder);
        self.last_folder = None;
    }

    /// Removes what lower layers brought at and below `top`; tells whether anything is left of it.
    fn remove_lower(&mut self, top: NodeId) -> bool {
        self.remove_lower_children(top);
        let layer = self.layer;
        let node = &mut self.tree.nodes[top as usize];
        match &node.kind {
            NodeKind::Directory(children) if !children.is_empty() => {
                // It holds something of this layer, so this layer made it.
                node.layer = layer;
                true
            }
            _ => node.layer == layer,
        }
    }

    /// Without recursion: children are judged before the folders that hold them.
    fn remove_lower_children(&mut self, top: NodeId) {
        let mut folders = vec![top];
        let mut next = 0;
        while let Some(folder) = folders.get(next).copied() {
            next += 1;
            if let NodeKind::Directory(children) = &self.tree.node(folder).kind {
                let is_folder =
                    |child: &NodeId| matches!(self.tree.node(*child).kind, NodeKind::Directory(_));
                let below: Vec<NodeId> = children.values().copied().filter(is_folder).collect();
                folders.extend(below);
            }
        }
        for folder in folders.into_iter().rev() {
            let NodeKind::Directory(children) = &mut self.tree.nodes[folder as usize].kind else {
                continue;
            };
            let mut children = std::mem::take(children);
            children.retain(|_, child| {
                let node = &mut self.tree.nodes[*child as usize];
                match &node.kind {
                    NodeKind::Directory(inner) if !inner.is_empty() => {
                        node.layer = self.layer;
                        true
                    }
                    _ => node.layer == self.layer,
                }
            });
            self.tree.nodes[folder as usize].kind = NodeKind::Directory(children);
        }
    }

    fn child(&self, folder: NodeId, name: &str) -> Option<NodeId> {
        match &self.tree.node(folder).kind {
            NodeKind::Directory(children) => children.get(name).copied(),
            _ => None,
        }
    }

    /// Content that nobody wanted under the first name may be wanted under this one, and is gone by.
    fn warn_wanting(&mut self, path: &str, file: &FileEntry, target: &str) {
        let absolute = format!("/{path}");
        for cataloger in self.catalogers {
            if matches!(cataloger.wants(&absolute, &[]), Want::Content { limit } if file.size <= limit)
            {
                let target = target.to_owned();
                self.warn(
                    cataloger.name(),
                    absolute.clone(),
                    Fault::LinkedContentNotRead { target },
                );
            }
        }
    }

    /// An entry that cannot be placed matters to whoever wants a file of its path.
    fn warn_all(&mut self, path: &str, fault: Fault) {
        let absolute = format!("/{path}");
        for cataloger in self.catalogers {
            if cataloger.wants(&absolute, &[]) != Want::Nothing {
                self.warn(cataloger.name(), absolute.clone(), fault.clone());
            }
        }
    }

    fn warn(&mut self, cataloger: &'static str, path: String, fault: Fault) {
        let layer = self.tree.marks.last().copied();
        self.warnings.push(Warning {
            path,
            layer,
            cataloger,
            fault,
        });
    }
}

/// Linux follows as many (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// Some 150 bytes each.
const MAX_NODES: usize = 8_000_000;
