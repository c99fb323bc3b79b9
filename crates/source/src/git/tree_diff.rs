//! Files that a commit removes and adds: two trees compared by path.

use std::collections::BTreeMap;

use super::{
    Oid,
    objects::Reader,
    tree::{self, EntryKind},
};

/// A file on one side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Path as bytes, `/`-separated.
    pub path: Vec<u8>,
    /// Its content.
    pub oid: Oid,
    /// What the entry is; never a directory.
    pub kind: EntryKind,
}

/// What one tree has and the other has not, each in order of paths.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Only in the old tree.
    pub removed: Vec<Side>,
    /// Only in the new tree.
    pub added: Vec<Side>,
}

/// Deepest directory and longest path that are followed; beyond are hostile trees.
const MAX_DEPTH: usize = 512;
const MAX_PATH: usize = 1 << 14;
/// Most files that are told apart; trees that list each other many times over have more.
const MAX_FILES: usize = 1 << 20;

/// Compares two trees. Directories that cannot be read count as empty.
#[must_use]
pub fn difference(reader: &mut Reader<'_>, old: Option<Oid>, new: Oid) -> Difference {
    let mut walk = Walk { reader, path: Vec::new(), found: Difference::default() };
    walk.compare(old, Some(new), 0);
    let mut found = walk.found;
    // A directory sorts as if its name ended in a slash, so the order of the walk is not yet the order of paths.
    found.removed.sort_by(|a, b| a.path.cmp(&b.path));
    found.added.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

type Entries = BTreeMap<Vec<u8>, (EntryKind, Oid)>;

struct Walk<'a, 'r> {
    reader: &'a mut Reader<'r>,
    path: Vec<u8>,
    found: Difference,
}

impl Walk<'_, '_> {
    fn compare(&mut self, old: Option<Oid>, new: Option<Oid>, depth: usize) {
        let full = self.found.removed.len() + self.found.added.len() >= MAX_FILES;
        if old == new || full || depth > MAX_DEPTH || self.path.len() > MAX_PATH {
            return;
        }
        let (before, after) = (self.entries(old), self.entries(new));
        for (name, entry) in &before {
            self.within(name, |walk| walk.pair(Some(*entry), after.get(name).copied(), depth));
        }
        for (name, entry) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
            self.within(name, |walk| walk.pair(None, Some(*entry), depth));
        }
    }

    fn within(&mut self, name: &[u8], work: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name);
        work(self);
        self.path.truncate(length);
    }

    /// One name on both sides: files on both are a change and no concern of this comparison.
    fn pair(&mut self, old: Option<(EntryKind, Oid)>, new: Option<(EntryKind, Oid)>, depth: usize) {
        let tree = |entry: Option<(EntryKind, Oid)>| entry.filter(|e| e.0 == EntryKind::Tree).map(|e| e.1);
        let file = |entry: Option<(EntryKind, Oid)>| entry.filter(|e| e.0 != EntryKind::Tree);
        if tree(old).is_some() || tree(new).is_some() {
            self.compare(tree(old), tree(new), depth + 1);
        }
        match (file(old), file(new)) {
            (Some((kind, oid)), None) => self.found.removed.push(Side { path: self.path.clone(), oid, kind }),
            (None, Some((kind, oid))) => self.found.added.push(Side { path: self.path.clone(), oid, kind }),
            _ => {}
        }
    }

    fn entries(&mut self, oid: Option<Oid>) -> Entries {
        let Some(object) = oid.and_then(|oid| self.reader.read(&oid).ok()) else { return Entries::new() };
        let hash_len = self.reader.hash_len();
        tree::entries(&object.bytes, hash_len).map(|e| (e.name.to_vec(), (e.kind, e.oid))).collect()
    }
}
