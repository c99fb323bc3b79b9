//! What is staged: the index compared with the tree of `HEAD`.
//!
//! The index remembers the ids of directories that did not change since the last commit, so only directories with a
//! staged change are opened. That keeps a commit hook fast in a repository of any size.

use std::collections::BTreeMap;

use super::{
    Oid,
    index::{CachedTree, Index, StagedFile},
    objects::Reader,
    tree::{self, EntryKind},
    tree_diff::{Difference, Side},
};

/// A file that is in `HEAD` and in the index, with different content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedChange {
    /// Path as bytes, `/`-separated.
    pub path: Vec<u8>,
    /// Content in `HEAD`.
    pub old: Oid,
    /// Content in the index.
    pub new: Oid,
    /// What it is now.
    pub kind: EntryKind,
}

/// The staged changes, in order of paths.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Staged {
    /// Files with new content.
    pub changed: Vec<StagedChange>,
    /// Files that one side has and the other has not.
    pub difference: Difference,
    /// Directories of `HEAD` that could not be read; files below them count as added.
    pub missing: Vec<Oid>,
}

/// Deepest directory that is followed; deeper ones come from hostile trees.
const MAX_DEPTH: usize = 512;
/// Most removed files that are told apart; trees that list each other many times over have more.
const MAX_REMOVED: usize = 1 << 20;

/// Compares the index with a tree; none where there is no commit yet.
#[must_use]
pub fn changes(reader: &mut Reader<'_>, head: Option<Oid>, index: &Index) -> Staged {
    let mut walk = Walk { reader, staged: Staged::default() };
    walk.directory(head, &index.files, Some(&index.tree), &mut Vec::new());
    let mut staged = walk.staged;
    staged.changed.sort_by(|a, b| a.path.cmp(&b.path));
    staged.difference.removed.sort_by(|a, b| a.path.cmp(&b.path));
    staged.difference.added.sort_by(|a, b| a.path.cmp(&b.path));
    staged
}

struct Walk<'a, 'r> {
    reader: &'a mut Reader<'r>,
    staged: Staged,
}

type Before = BTreeMap<Vec<u8>, (EntryKind, Oid)>;

impl Walk<'_, '_> {
    /// One directory: its tree in `HEAD`, and the files of the index below it.
    fn directory(
        &mut self,
        tree: Option<Oid>,
        files: &[StagedFile],
        cached: Option<&CachedTree>,
        prefix: &mut Vec<u8>,
    ) {
        let unchanged =
            cached.and_then(|c| c.known).is_some_and(|(count, id)| count == files.len() && Some(id) == tree);
        if unchanged || prefix.iter().filter(|b| **b == b'/').count() > MAX_DEPTH {
            return;
        }
        let mut before = self.entries(tree);
        let mut rest = files;
        while let Some(first) = rest.first() {
            let below = &first.path[prefix.len().min(first.path.len())..];
            match below.iter().position(|b| *b == b'/') {
                Some(slash) if first.kind != EntryKind::Tree => {
                    let name = below[..slash].to_vec();
                    let inside = [prefix.as_slice(), &name, b"/"].concat();
                    let count = rest.partition_point(|f| f.path.starts_with(&inside));
                    // A damaged index may not be in order; one step on is always taken.
                    let (group, others) = rest.split_at(count.max(1));
                    rest = others;
                    self.subdirectory(&name, group, cached, &mut before, inside);
                }
                _ => {
                    rest = &rest[1..];
                    self.file(first, before.remove(below.strip_suffix(b"/").unwrap_or(below)));
                }
            }
        }
        for (name, (kind, oid)) in before {
            self.removed([prefix.as_slice(), &name].concat(), kind, oid);
        }
    }

    fn subdirectory(
        &mut self,
        name: &[u8],
        files: &[StagedFile],
        cached: Option<&CachedTree>,
        before: &mut Before,
        mut prefix: Vec<u8>,
    ) {
        let entry = before.get(name).copied();
        let tree = entry.filter(|(kind, _)| *kind == EntryKind::Tree).map(|(_, oid)| oid);
        if tree.is_some() {
            before.remove(name);
        }
        let children = cached.map(|c| c.children.as_slice()).unwrap_or_default();
        let cached = children.iter().find(|(child, _)| child == name).map(|(_, tree)| tree);
        self.directory(tree, files, cached, &mut prefix);
    }

    fn file(&mut self, file: &StagedFile, before: Option<(EntryKind, Oid)>) {
        let (path, new, kind) = (file.path.clone(), file.oid, file.kind);
        match before {
            // A directory of a sparse index is outside of the work tree: nothing in it can have been staged.
            _ if kind == EntryKind::Tree => {}
            Some((old_kind, old)) if old_kind != EntryKind::Tree => {
                if old != new {
                    self.staged.changed.push(StagedChange { path, old, new, kind });
                }
            }
            Some((old_kind, old)) => {
                self.removed(path.clone(), old_kind, old);
                self.staged.difference.added.push(Side { path, oid: new, kind });
            }
            None => self.staged.difference.added.push(Side { path, oid: new, kind }),
        }
    }

    /// Notes a file, or every file of a directory, that the index has no more.
    fn removed(&mut self, path: Vec<u8>, kind: EntryKind, oid: Oid) {
        if kind != EntryKind::Tree {
            self.staged.difference.removed.push(Side { path, oid, kind });
            return;
        }
        if self.staged.difference.removed.len() >= MAX_REMOVED {
            return;
        }
        let mut prefix = path;
        prefix.push(b'/');
        self.directory(Some(oid), &[], None, &mut prefix);
    }

    fn entries(&mut self, tree: Option<Oid>) -> Before {
        let Some(oid) = tree else { return Before::new() };
        let hash_len = self.reader.hash_len();
        match self.reader.read(&oid) {
            Ok(object) => tree::entries(&object.bytes, hash_len).map(|e| (e.name.to_vec(), (e.kind, e.oid))).collect(),
            Err(_) => {
                self.staged.missing.push(oid);
                Before::new()
            }
        }
    }
}
