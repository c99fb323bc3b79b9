//! Which commit brought which blob, and under which path.
//!
//! Commits are visited parents first. Each is compared with its first parent and only directories that differ are
//! opened; a directory that was seen before is opened again only where something wanted is below it, because then the
//! path is news.

use super::{
    GitError, Oid, Repository,
    ancestry::CommitNode,
    marks::{Marks, Paths},
    objects::Reader,
    tree::{self, EntryKind, TreeEntry},
};

/// A change of a file in a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Position of the commit in [`super::ancestry::History::commits`].
    pub commit: u32,
    /// Path, `/`-separated; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// Content in the first parent at the same path.
    pub old: Option<Oid>,
    /// Content now.
    pub new: Oid,
}

/// Which changes are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The first commit of each blob and path.
    First,
    /// Every commit that is not a merge, as `git log -p` lists them.
    EveryCommit,
}

/// What is asked of a history.
pub struct Question<'a> {
    /// All commits, parents first.
    pub commits: &'a [CommitNode],
    /// Whether the changes of a commit are left out, because they are known.
    pub known: &'a dyn Fn(&Oid) -> bool,
    /// Whether a blob is wanted, by its id and its path.
    pub wanted: &'a dyn Fn(&Oid, &[u8]) -> bool,
    /// Which of its changes.
    pub detail: Detail,
}

/// Finds the changes that brought the wanted blobs. Trees that cannot be read, or are nested too deep or too often, are added
/// to `missing`.
pub fn changes(repository: &Repository, question: &Question<'_>, missing: &mut Vec<Oid>) -> Vec<Change> {
    let Question { commits, known, wanted, detail } = *question;
    let mut walk = Walk {
        reader: repository.objects().reader(),
        hash_len: repository.objects().hash_len(),
        wanted,
        detail,
        seen: Marks::default(),
        with_wanted: Marks::default(),
        at_path: Paths::default(),
        recorded: Paths::default(),
        missing,
        changes: Vec::new(),
        commit: 0,
        left: allowed(repository),
        most: allowed(repository),
    };
    for (position, commit) in commits.iter().enumerate() {
        if detail == Detail::EveryCommit && commit.merge || known(&commit.oid) {
            continue;
        }
        walk.commit = position as u32;
        walk.compare(commit.tree, commit.base, &mut Vec::new(), 0);
    }
    let found = walk.changes;
    once(missing);
    found
}

/// The blob at a path of a tree.
pub fn blob_at(reader: &mut Reader<'_>, root: Oid, path: &str) -> Option<Oid> {
    let hash_len = reader.hash_len();
    path.split('/').try_fold(root, |tree, name| {
        let object = reader.read(&tree).ok()?;
        tree::entries(&object.bytes, hash_len).find(|entry| entry.name == name.as_bytes()).map(|entry| entry.oid)
    })
}

/// Every path of a tree, with its blob, in order.
///
/// # Errors
/// The tree itself cannot be read. Subtrees that cannot, or are nested too deep or too often, are added to `missing`.
pub fn files(
    repository: &Repository,
    root: Oid,
    missing: &mut Vec<Oid>,
    each: &mut dyn FnMut(&str, &tree::TreeEntry<'_>),
) -> Result<(), GitError> {
    let mut reader = repository.objects().reader();
    let hash_len = repository.objects().hash_len();
    let first = reader.read(&root)?;
    let mut left = allowed(repository);
    let mut stack = vec![(String::new(), first)];
    while let Some((prefix, object)) = stack.pop() {
        let mut below = Vec::new();
        for entry in tree::entries(&object.bytes, hash_len) {
            let path = format!("{prefix}{}", String::from_utf8_lossy(entry.name));
            if entry.kind != EntryKind::Tree {
                each(&path, &entry);
                continue;
            }
            let object = reader.read(&entry.oid).ok().filter(|_| left > 0 && path.len() < MAX_PATH);
            left = left.saturating_sub(1);
            match object {
                Some(object) => below.push((path + "/", object)),
                None => missing.push(entry.oid),
            }
        }
        stack.extend(below.into_iter().rev());
    }
    once(missing);
    Ok(())
}

/// Names each object once.
fn once(objects: &mut Vec<Oid>) {
    objects.sort_unstable();
    objects.dedup();
}

/// Longest path that is followed; longer ones come from hostile trees.
const MAX_PATH: usize = 1 << 14;
/// Deepest directory that is followed.
const MAX_DEPTH: usize = 512;

/// How many trees are opened and how many changes are told: a few for each object and then some. A handful of trees that name
/// each other many times, level upon level, would otherwise be more directories than anybody can open.
fn allowed(repository: &Repository) -> usize {
    let objects = repository.objects();
    let count = objects.packs().iter().map(super::pack::Pack::len).sum::<usize>() + objects.loose().len();
    (1 << 12) + count.saturating_mul(16)
}

/// Adds a name to a path.
fn enter(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}

struct Walk<'a> {
    reader: Reader<'a>,
    hash_len: usize,
    wanted: &'a dyn Fn(&Oid, &[u8]) -> bool,
    detail: Detail,
    /// Trees that were opened.
    seen: Marks,
    /// Trees below which something wanted is, or was at the same path before.
    with_wanted: Marks,
    at_path: Paths,
    recorded: Paths,
    missing: &'a mut Vec<Oid>,
    changes: Vec<Change>,
    commit: u32,
    /// Trees that may still be opened.
    left: usize,
    /// Most changes that are told.
    most: usize,
}

impl Walk<'_> {
    /// Compares a tree with the one at the same path before. Returns whether something wanted is below it.
    fn compare(&mut self, new: Oid, old: Option<Oid>, path: &mut Vec<u8>, depth: usize) -> bool {
        let place = self.reader.locate(&new);
        if Some(new) == old {
            return self.with_wanted.contains(&new, place);
        }
        if self.detail == Detail::First && !self.seen.insert(&new, place) {
            let holds = self.with_wanted.contains(&new, place);
            if !(holds && depth > 0 && self.at_path.insert(&new, path)) {
                return holds;
            }
        }
        if depth > MAX_DEPTH || path.len() > MAX_PATH || self.left == 0 {
            self.missing.push(new);
            return false;
        }
        self.left -= 1;
        let Ok(object) = self.reader.read_at(&new, place) else {
            self.missing.push(new);
            return false;
        };
        let old_place = old.and_then(|oid| self.reader.locate(&oid));
        let old_object = old.and_then(|oid| self.reader.read_at(&oid, old_place).ok());
        let before = old_object.as_ref().map(|o| o.bytes.as_slice()).unwrap_or_default();
        // What did not change was below the old tree too, so it need not be asked for again if that was opened.
        let known = old.filter(|oid| self.seen.contains(oid, old_place));
        let mut holds = known.is_some_and(|oid| self.with_wanted.contains(&oid, old_place));
        for (entry, before) in tree::aligned(&object.bytes, before, self.hash_len) {
            if before == Some(entry.oid) {
                holds |= known.is_none() && self.holds_unchanged(&entry, path);
                continue;
            }
            let length = path.len();
            enter(path, entry.name);
            holds |= match entry.kind {
                EntryKind::Tree => self.compare(entry.oid, before, path, depth + 1),
                EntryKind::File | EntryKind::Link => {
                    (self.wanted)(&entry.oid, path) && self.record(entry.oid, before, path)
                }
                EntryKind::Submodule => false,
            };
            path.truncate(length);
        }
        if holds && self.detail == Detail::First {
            self.with_wanted.insert(&new, place);
            // The top is at one path only.
            if depth > 0 {
                self.at_path.insert(&new, path);
            }
        }
        holds
    }

    fn holds_unchanged(&self, entry: &TreeEntry<'_>, directory: &[u8]) -> bool {
        if entry.kind == EntryKind::Tree {
            return self.with_wanted.contains(&entry.oid, self.reader.locate(&entry.oid));
        }
        let mut path = directory.to_vec();
        enter(&mut path, entry.name);
        (self.wanted)(&entry.oid, &path)
    }

    fn record(&mut self, new: Oid, old: Option<Oid>, path: &[u8]) -> bool {
        if self.detail == Detail::EveryCommit || self.recorded.insert(&new, path) {
            if self.changes.len() >= self.most {
                self.missing.push(new);
                return true;
            }
            let path = String::from_utf8_lossy(path).into_owned();
            self.changes.push(Change { commit: self.commit, path, old, new });
        }
        true
    }
}
