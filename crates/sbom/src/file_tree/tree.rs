//! The files of an image as a container would see them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use countersign_artifact::Digest;

use super::keeper::Kept;
use super::layer::FileEntry;
use crate::document::Fault;
use crate::package::LayerMark;

/// A file system without files' content but for what catalogers asked for.
///
/// Paths begin with a slash. Links are followed as in a container: absolute targets and `..` stay within
/// the tree, loops lead nowhere.
#[derive(Debug)]
pub struct FileTree {
    pub(super) nodes: Vec<Node>,
    pub(super) marks: Vec<LayerMark>,
    /// Files of which something was kept, by path.
    wanted: Vec<(String, NodeId)>,
    /// Trees of one file show no layers.
    shows_layers: bool,
}

/// A regular file of a [`FileTree`].
#[derive(Clone, Debug)]
pub struct TreeFile<'a> {
    tree: &'a FileTree,
    node: NodeId,
    path: String,
}

pub(super) type NodeId = u32;

#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: Box<str>,
    pub(super) parent: NodeId,
    pub(super) layer: u32,
    pub(super) kind: NodeKind,
}

#[derive(Clone, Debug)]
pub(super) enum NodeKind {
    Directory(BTreeMap<Box<str>, NodeId>),
    File(FileEntry),
    Symlink(Box<str>),
    Other,
}

/// What a walk along a path came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The node.
    Found(NodeId),
    /// Nothing of that name.
    Missing,
    /// More links than are followed.
    Loop,
}

impl FileTree {
    pub(super) fn empty() -> Self {
        let root = Node {
            name: "".into(),
            parent: ROOT,
            layer: 0,
            kind: NodeKind::Directory(BTreeMap::new()),
        };
        Self {
            nodes: vec![root],
            marks: Vec::new(),
            wanted: Vec::new(),
            shows_layers: true,
        }
    }

    /// Every file of which something was kept, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = TreeFile<'_>> {
        self.wanted.iter().map(|(path, node)| TreeFile {
            tree: self,
            node: *node,
            path: path.clone(),
        })
    }

    /// The file at `path`, links followed. Its own path is where it really is.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<TreeFile<'_>> {
        let node = self.walk(path, true)?;
        matches!(self.node(node).kind, NodeKind::File(_)).then(|| TreeFile {
            tree: self,
            node,
            path: self.path_of(node),
        })
    }

    /// Whether something is at `path`, links followed.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        self.walk(path, true).is_some()
    }

    /// Where `path` really is: links in its folders followed, a link at its end not.
    #[must_use]
    pub fn real_path(&self, path: &str) -> Option<String> {
        self.walk(path, false).map(|node| self.path_of(node))
    }

    /// The names in the folder at `path`, sorted; none if it is no folder.
    pub fn names(&self, path: &str) -> impl Iterator<Item = &str> {
        let children = self
            .walk(path, true)
            .and_then(|node| match &self.node(node).kind {
                NodeKind::Directory(children) => Some(children),
                _ => None,
            });
        children.into_iter().flatten().map(|(name, _)| &**name)
    }

    /// How many entries it has, removed ones not counted.
    #[must_use]
    pub fn entry_count(&self) -> usize {
        let mut count = 0;
        self.visit(|_, _| count += 1);
        count
    }

    /// Faults that were noted while layers went by, with the file they are about.
    pub(crate) fn faults(&self) -> impl Iterator<Item = (TreeFile<'_>, &'static str, Fault)> {
        self.files().flat_map(|file| {
            let faults = file
                .kept()
                .map(|kept| kept.faults.clone())
                .unwrap_or_default();
            faults
                .into_iter()
                .map(move |(cataloger, fault)| (file.clone(), cataloger, fault))
        })
    }

    pub(crate) fn hide_layers(&mut self) {
        self.shows_layers = false;
    }

    /// Lists what was kept, once the tree will not change any more.
    pub(super) fn settle(&mut self) {
        let mut wanted = Vec::new();
        self.visit(|node, path| {
            if let NodeKind::File(FileEntry { kept: Some(_), .. }) = &self.node(node).kind {
                wanted.push((path.to_owned(), node));
            }
        });
        wanted.sort();
        self.wanted = wanted;
    }

    /// Calls `see` for everything below the root. No recursion: layers choose the depth.
    fn visit(&self, mut see: impl FnMut(NodeId, &str)) {
        let mut path = String::new();
        let mut pending: Vec<(NodeId, usize)> = vec![(ROOT, 0)];
        while let Some((node, length)) = pending.pop() {
            path.truncate(length);
            if node != ROOT {
                path.push('/');
                path.push_str(&self.node(node).name);
                see(node, &path);
            }
            if let NodeKind::Directory(children) = &self.node(node).kind {
                pending.extend(children.values().rev().map(|child| (*child, path.len())));
            }
        }
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub(super) fn path_of(&self, mut id: NodeId) -> String {
        let mut parts: Vec<&str> = Vec::new();
        while id != ROOT {
            parts.push(&self.node(id).name);
            id = self.node(id).parent;
        }
        parts.push("");
        parts.reverse();
        match parts.len() {
            1 => "/".to_owned(),
            _ => parts.join("/"),
        }
    }

    fn walk(&self, path: &str, follows_last: bool) -> Option<NodeId> {
        match self.step(ROOT, path, follows_last) {
            Step::Found(node) => Some(node),
            Step::Missing | Step::Loop => None,
        }
    }

    /// Walks from `start` along `path`.
    pub(super) fn step(&self, start: NodeId, path: &str, follows_last: bool) -> Step {
        let mut here = if path.starts_with('/') { ROOT } else { start };
        let mut pending: VecDeque<&str> = path.split('/').collect();
        let mut hops = 0;
        while let Some(part) = pending.pop_front() {
            let next = match part {
                "" | "." => continue,
                ".." => {
                    here = self.node(here).parent;
                    continue;
                }
                part => match &self.node(here).kind {
                    NodeKind::Directory(children) => children.get(part).copied(),
                    _ => None,
                },
            };
            let Some(next) = next else {
                return Step::Missing;
            };
            let is_last = pending.iter().all(|part| part.is_empty());
            match &self.node(next).kind {
                NodeKind::Symlink(target) if follows_last || !is_last => {
                    hops += 1;
                    if hops > MAX_LINKS {
                        return Step::Loop;
                    }
                    if target.starts_with('/') {
                        here = ROOT;
                    }
                    for part in target.rsplit('/') {
                        pending.push_front(part);
                    }
                }
                _ => here = next,
            }
        }
        Step::Found(here)
    }
}

impl<'a> TreeFile<'a> {
    /// Where it is: absolute, links resolved.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The name, the last part of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The folder it is in, without a slash at the end; empty for the root.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The layer that brought it.
    #[must_use]
    pub fn layer(&self) -> Option<LayerMark> {
        let layer = self.tree.node(self.node).layer;
        self.tree
            .marks
            .get(layer as usize)
            .copied()
            .filter(|_| self.tree.shows_layers)
    }

    /// Its size.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.entry().map_or(0, |entry| entry.size)
    }

    /// Its permissions.
    #[must_use]
    pub fn mode(&self) -> u32 {
        self.entry().map_or(0, |entry| entry.mode)
    }

    /// Its content, if a cataloger asked for that.
    #[must_use]
    pub fn content(&self) -> Option<&'a [u8]> {
        self.kept()?.content.as_deref()
    }

    /// What `cataloger` extracted from it.
    #[must_use]
    pub fn extract(&self, cataloger: &str) -> Option<&'a [u8]> {
        let extracts = &self.kept()?.extracts;
        extracts
            .iter()
            .find(|(name, _)| *name == cataloger)
            .map(|(_, extract)| &**extract)
    }

    /// Its SHA-256, if anything was extracted from it.
    #[must_use]
    pub fn sha256(&self) -> Option<Digest> {
        self.kept()?.sha256
    }

    /// Where it is, for a package.
    #[must_use]
    pub fn location(&self) -> crate::package::Location {
        crate::package::Location {
            path: self.path.clone(),
            layer: self.layer(),
        }
    }

    fn entry(&self) -> Option<&'a FileEntry> {
        match &self.tree.node(self.node).kind {
            NodeKind::File(entry) => Some(entry),
            _ => None,
        }
    }

    fn kept(&self) -> Option<&'a Kept> {
        self.entry()?.kept.as_ref().map(Arc::as_ref)
    }
}

pub(super) const ROOT: NodeId = 0;

/// Linux follows as many (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;
