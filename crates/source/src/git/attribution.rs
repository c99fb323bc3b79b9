//! Which commit brought which blob, and under which path.
//!
//! Commits are visited parents first. Each is compared with its first parent and only directories that differ are
//! opened; a directory that was seen before is opened again only where something wanted is below it, because then the
//! path is news.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap, HashSet},
};

use super::{
    CommitObject, GitError, Oid, Repository, TagObject,
    objects::Reader,
    pack::Kind,
    tree::{self, EntryKind},
};

/// A commit, as far as walking needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitNode {
    /// Its id.
    pub oid: Oid,
    /// Its root tree.
    pub tree: Oid,
    /// Positions of its parents in the list; parents that are missing are left out.
    pub parents: Vec<u32>,
    /// Tree of its first parent, also where that parent is not in the list; none where it has no parent or it is missing.
    pub base: Option<Oid>,
    /// Committer time in seconds since 1970.
    pub seconds: i64,
}

/// Commits in an order in which every commit comes after its parents.
#[derive(Debug, Default)]
pub struct History {
    /// The commits.
    pub commits: Vec<CommitNode>,
    /// Objects that should be there and are not.
    pub missing: Vec<Oid>,
    /// Annotated tags that were passed on the way.
    pub tags: Vec<Oid>,
}

/// A change of a file in a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Position of the commit in [`History::commits`].
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

/// Collects the commits reachable from `tips` and not from `excluded`.
///
/// # Errors
/// Only where a tip itself cannot be read; missing parents are listed in [`History::missing`].
pub fn history(repository: &Repository, tips: &[Oid], excluded: &[Oid]) -> Result<History, GitError> {
    let mut reader = repository.objects().reader();
    let shallow: HashSet<Oid> = repository.shallow().iter().copied().collect();
    let mut history = History::default();
    let excluded = reach(&mut reader, excluded, &HashSet::new(), &shallow, &mut History::default());
    let stop: HashSet<Oid> = excluded.keys().copied().collect();
    let found = reach(&mut reader, tips, &stop, &shallow, &mut history);
    history.commits = sorted(found, &excluded);
    history.missing.sort_unstable();
    history.missing.dedup();
    Ok(history)
}

struct Found {
    tree: Oid,
    parents: Vec<Oid>,
    seconds: i64,
}

fn reach(
    reader: &mut Reader<'_>,
    tips: &[Oid],
    stop: &HashSet<Oid>,
    shallow: &HashSet<Oid>,
    history: &mut History,
) -> HashMap<Oid, Found> {
    let mut found = HashMap::new();
    let mut seen_tags = HashSet::new();
    let mut stack: Vec<Oid> = tips.to_vec();
    while let Some(oid) = stack.pop() {
        if stop.contains(&oid) || found.contains_key(&oid) {
            continue;
        }
        let Ok(object) = reader.read(&oid) else {
            history.missing.push(oid);
            continue;
        };
        match object.kind {
            Kind::Commit => {
                let Some(commit) = CommitObject::parse(&object.bytes) else { continue };
                let parents = if shallow.contains(&oid) { Vec::new() } else { commit.parents };
                stack.extend(parents.iter().filter(|p| !found.contains_key(*p)));
                found.insert(oid, Found { tree: commit.tree, parents, seconds: commit.committer.seconds });
            }
            Kind::Tag if seen_tags.insert(oid) => {
                history.tags.push(oid);
                stack.extend(TagObject::parse(&object.bytes).map(|t| t.target));
            }
            Kind::Tag | Kind::Tree | Kind::Blob => {}
        }
    }
    found
}

/// Parents first; among commits that are ready, the oldest.
fn sorted(mut found: HashMap<Oid, Found>, excluded: &HashMap<Oid, Found>) -> Vec<CommitNode> {
    let mut waiting: HashMap<Oid, usize> = HashMap::with_capacity(found.len());
    let mut children: BTreeMap<Oid, Vec<Oid>> = BTreeMap::new();
    let mut ready = BinaryHeap::new();
    let mut oids: Vec<Oid> = found.keys().copied().collect();
    oids.sort_unstable();
    for oid in oids {
        let commit = &found[&oid];
        let mut parents: Vec<Oid> = commit.parents.iter().filter(|p| found.contains_key(*p)).copied().collect();
        parents.sort_unstable();
        parents.dedup();
        parents.iter().for_each(|p| children.entry(*p).or_default().push(oid));
        if parents.is_empty() {
            ready.push(Reverse((commit.seconds, oid)));
        }
        waiting.insert(oid, parents.len());
    }
    let mut order: Vec<CommitNode> = Vec::with_capacity(found.len());
    let mut positions: HashMap<Oid, u32> = HashMap::with_capacity(found.len());
    while let Some(Reverse((seconds, oid))) = ready.pop() {
        let Some(commit) = found.remove(&oid) else { continue };
        positions.insert(oid, order.len() as u32);
        let parents = commit.parents.iter().filter_map(|p| positions.get(p).copied()).collect();
        let tree_of =
            |p: &Oid| positions.get(p).map(|at| order[*at as usize].tree).or_else(|| excluded.get(p).map(|c| c.tree));
        let base = commit.parents.first().and_then(tree_of);
        order.push(CommitNode { oid, tree: commit.tree, parents, base, seconds });
        for child in children.remove(&oid).unwrap_or_default() {
            let left = waiting.entry(child).or_insert(1);
            *left -= 1;
            if *left == 0
                && let Some(commit) = found.get(&child)
            {
                ready.push(Reverse((commit.seconds, child)));
            }
        }
    }
    order
}

/// Finds the changes that brought the `wanted` blobs, asked by id and file name. Trees that cannot be read are added to `missing`.
pub fn changes(
    repository: &Repository,
    commits: &[CommitNode],
    wanted: &dyn Fn(&Oid, &[u8]) -> bool,
    detail: Detail,
    missing: &mut Vec<Oid>,
) -> Vec<Change> {
    let mut walk = Walk {
        reader: repository.objects().reader(),
        hash_len: repository.objects().hash_len(),
        wanted,
        detail,
        seen: HashMap::new(),
        with_wanted: HashSet::new(),
        at_path: HashSet::new(),
        recorded: HashSet::new(),
        missing,
        changes: Vec::new(),
        commit: 0,
    };
    for (position, commit) in commits.iter().enumerate() {
        if detail == Detail::EveryCommit && commit.parents.len() > 1 {
            continue;
        }
        walk.commit = position as u32;
        walk.compare(commit.tree, commit.base, &mut Vec::new(), 0);
    }
    walk.changes
}

/// Every path of a tree, with its blob, in order.
///
/// # Errors
/// The tree itself cannot be read. Missing subtrees are added to `missing`.
pub fn files(
    repository: &Repository,
    root: Oid,
    missing: &mut Vec<Oid>,
    each: &mut dyn FnMut(&str, &tree::TreeEntry<'_>),
) -> Result<(), GitError> {
    let mut reader = repository.objects().reader();
    let hash_len = repository.objects().hash_len();
    let first = reader.read(&root)?;
    let mut stack = vec![(String::new(), first)];
    while let Some((prefix, object)) = stack.pop() {
        let mut below = Vec::new();
        for entry in tree::entries(&object.bytes, hash_len) {
            let path = format!("{prefix}{}", String::from_utf8_lossy(entry.name));
            if entry.kind != EntryKind::Tree {
                each(&path, &entry);
                continue;
            }
            match reader.read(&entry.oid) {
                Ok(object) if path.len() < MAX_PATH => below.push((path + "/", object)),
                _ => missing.push(entry.oid),
            }
        }
        stack.extend(below.into_iter().rev());
    }
    Ok(())
}

/// Longest path that is followed; longer ones come from hostile trees.
const MAX_PATH: usize = 1 << 14;
/// Deepest directory that is followed.
const MAX_DEPTH: usize = 512;

struct Walk<'a> {
    reader: Reader<'a>,
    hash_len: usize,
    wanted: &'a dyn Fn(&Oid, &[u8]) -> bool,
    detail: Detail,
    /// Trees that were opened, as bits over the index positions of each pack; loose ones by name.
    seen: HashMap<usize, Vec<u64>>,
    with_wanted: HashSet<Oid>,
    at_path: HashSet<(Oid, Vec<u8>)>,
    recorded: HashSet<(Oid, Vec<u8>)>,
    missing: &'a mut Vec<Oid>,
    changes: Vec<Change>,
    commit: u32,
}

impl Walk<'_> {
    /// Whether a tree was opened before; it counts as opened from now on.
    fn was_seen(&mut self, oid: &Oid) -> bool {
        let Some((pack, position)) = self.reader.locate(oid) else {
            return !self.at_path.insert((*oid, b"/loose".to_vec()));
        };
        let words = self.seen.entry(pack).or_default();
        let (word, bit) = (position / 64, 1u64 << (position % 64));
        if words.len() <= word {
            words.resize(word + 1, 0);
        }
        let seen = words[word] & bit != 0;
        words[word] |= bit;
        seen
    }

    /// Compares a tree with the one at the same path before. Returns whether something wanted is below it.
    fn compare(&mut self, new: Oid, old: Option<Oid>, path: &mut Vec<u8>, depth: usize) -> bool {
        if Some(new) == old {
            return self.with_wanted.contains(&new);
        }
        if self.detail == Detail::First && self.was_seen(&new) {
            let news = self.with_wanted.contains(&new) && self.at_path.insert((new, path.clone()));
            if !news {
                return self.with_wanted.contains(&new);
            }
        }
        if depth > MAX_DEPTH || path.len() > MAX_PATH {
            return false;
        }
        let Ok(object) = self.reader.read(&new) else {
            self.missing.push(new);
            return false;
        };
        let old_object = old.and_then(|oid| self.reader.read(&oid).ok());
        let old_entries: HashMap<&[u8], (EntryKind, Oid)> = match &old_object {
            Some(object) => tree::entries(&object.bytes, self.hash_len).map(|e| (e.name, (e.kind, e.oid))).collect(),
            None => HashMap::new(),
        };
        let mut holds = false;
        for entry in tree::entries(&object.bytes, self.hash_len) {
            let before = old_entries.get(entry.name).copied();
            if before.is_some_and(|(_, oid)| oid == entry.oid) {
                holds |= entry.kind == EntryKind::Tree && self.with_wanted.contains(&entry.oid)
                    || entry.kind != EntryKind::Tree && (self.wanted)(&entry.oid, entry.name);
                continue;
            }
            let length = path.len();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(entry.name);
            holds |= match entry.kind {
                EntryKind::Tree => {
                    let old = before.filter(|(kind, _)| *kind == EntryKind::Tree).map(|(_, oid)| oid);
                    self.compare(entry.oid, old, path, depth + 1)
                }
                EntryKind::File | EntryKind::Link => {
                    (self.wanted)(&entry.oid, entry.name) && self.record(entry.oid, before, path)
                }
                EntryKind::Submodule => false,
            };
            path.truncate(length);
        }
        if holds {
            self.with_wanted.insert(new);
            self.at_path.insert((new, path.clone()));
        }
        holds
    }

    fn record(&mut self, new: Oid, before: Option<(EntryKind, Oid)>, path: &[u8]) -> bool {
        if self.detail == Detail::EveryCommit || self.recorded.insert((new, path.to_vec())) {
            let old = before.filter(|(kind, _)| matches!(kind, EntryKind::File | EntryKind::Link)).map(|(_, oid)| oid);
            let path = String::from_utf8_lossy(path).into_owned();
            self.changes.push(Change { commit: self.commit, path, old, new });
        }
        true
    }
}
