//! Which commits `git log` lists: order, dates, counts, merges and paths (git-log(1), "Commit Limiting" and "History
//! Simplification").
//!
//! The walk goes from the tips backwards, newest commit first, as git does without an option that sorts. What a tip
//! reaches and what is left out is decided before, by [`super::ancestry::history`]; here commits are only taken away.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{
    CommitObject, Oid, Repository,
    ancestry::History,
    marks::{FastMap, FastSet},
    objects::{Object, Reader},
    pack::Kind,
    revision::tag_target,
    tree::{self, EntryKind},
};

/// Which parents are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Follow {
    /// All.
    #[default]
    AllParents,
    /// `--first-parent`.
    FirstParent,
}

/// Which commits are listed by their number of parents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Merges {
    /// All.
    #[default]
    Any,
    /// `--no-merges`.
    LeftOut,
    /// `--merges`.
    Only,
}

/// How histories of paths are walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Simplify {
    /// Side branches that changed nothing in the end are not followed.
    #[default]
    Default,
    /// `--full-history`: they are.
    FullHistory,
}

/// Whether a commit's own words are wanted: the parsed commit, and its whole object.
pub type Wanted<'a> = &'a dyn Fn(&CommitObject, &[u8]) -> bool;
/// Whether a path, `/`-separated from the top of the work tree, is one of those that were asked for.
pub type Paths<'a> = &'a dyn Fn(&[u8]) -> bool;

/// What limits a list of commits.
#[derive(Default)]
pub struct Limits<'a> {
    /// Committed at this second of 1970 UTC or later. An older commit also ends the walk to its parents.
    pub since: Option<i64>,
    /// Committed at this second of 1970 UTC or earlier.
    pub until: Option<i64>,
    /// Parents.
    pub follow: Follow,
    /// Merges.
    pub merges: Merges,
    /// Simplification; counts only where there are paths.
    pub simplify: Simplify,
    /// Leaves out this many of the listed commits.
    pub skip: usize,
    /// Lists no more than this many.
    pub max_count: Option<usize>,
    /// Author and message.
    pub wanted: Option<Wanted<'a>>,
    /// Only commits that change one of these paths.
    pub paths: Option<Paths<'a>>,
}

/// The commits of `history` that git lists within `limits`, newest first. `tips` are where `history` was collected from, and
/// `excluded` what was left out of it.
#[must_use]
pub fn select(
    repository: &Repository,
    history: &History,
    tips: &[Oid],
    excluded: &[Oid],
    limits: &Limits<'_>,
) -> Vec<Oid> {
    let inside = history.commits.iter().map(|commit| commit.oid).collect();
    let mut walk = Walk {
        reader: repository.objects().reader(),
        shallow: repository.shallow().iter().copied().collect(),
        inside,
        bottoms: excluded.iter().copied().collect(),
        limits,
        trees: FastMap::default(),
        queue: BinaryHeap::new(),
        seen: FastSet::default(),
        pushed: 0,
    };
    for tip in tips {
        if let Some(commit) = tag_target(&mut walk.reader, *tip) {
            walk.push(commit);
        }
    }
    walk.list()
}

/// A commit that waits: the newest comes first, then the one that was met first.
type Waiting = (i64, Reverse<u64>, Oid);

struct Walk<'a> {
    reader: Reader<'a>,
    shallow: FastSet<Oid>,
    inside: FastSet<Oid>,
    /// Commits that were named to be left out: git still compares with them.
    bottoms: FastSet<Oid>,
    limits: &'a Limits<'a>,
    /// Root trees of parents.
    trees: FastMap<Oid, Option<Oid>>,
    queue: BinaryHeap<Waiting>,
    seen: FastSet<Oid>,
    pushed: u64,
}

impl Walk<'_> {
    fn push(&mut self, oid: Oid) {
        if !self.inside.contains(&oid) || !self.seen.insert(oid) {
            return;
        }
        let Some((commit, _)) = self.read(oid) else { return };
        self.pushed += 1;
        self.queue.push((commit.committer.seconds, Reverse(self.pushed), oid));
    }

    fn read(&mut self, oid: Oid) -> Option<(CommitObject, Object)> {
        let object = self.reader.read(&oid).ok().filter(|object| object.kind == Kind::Commit)?;
        let mut commit = CommitObject::parse(&object.bytes)?;
        if self.shallow.contains(&oid) {
            commit.parents.clear();
        }
        Some((commit, object))
    }

    fn list(mut self) -> Vec<Oid> {
        let (mut listed, mut left) = (Vec::new(), self.limits.skip);
        while let Some((seconds, _, oid)) = self.queue.pop() {
            if self.limits.max_count.is_some_and(|most| listed.len() >= most) {
                break;
            }
            if self.limits.since.is_some_and(|since| seconds < since) {
                continue;
            }
            let Some((commit, object)) = self.read(oid) else { continue };
            let (next, changes) = self.simplified(&commit);
            next.into_iter().for_each(|parent| self.push(parent));
            if !(changes && self.is_listed(&commit, &object.bytes)) {
                continue;
            }
            if left > 0 {
                left -= 1;
            } else {
                listed.push(oid);
            }
        }
        listed
    }

    fn is_listed(&self, commit: &CommitObject, bytes: &[u8]) -> bool {
        let merges = match self.limits.merges {
            Merges::Any => true,
            Merges::LeftOut => commit.parents.len() < 2,
            Merges::Only => commit.parents.len() > 1,
        };
        merges
            && self.limits.until.is_none_or(|until| commit.committer.seconds <= until)
            && self.limits.wanted.is_none_or(|wanted| wanted(commit, bytes))
    }

    /// Which parents are followed, and whether the commit changes one of the paths.
    fn simplified(&mut self, commit: &CommitObject) -> (Vec<Oid>, bool) {
        let count = match self.limits.follow {
            Follow::AllParents => commit.parents.len(),
            Follow::FirstParent => commit.parents.len().min(1),
        };
        let parents = &commit.parents[..count];
        let Some(paths) = self.limits.paths else { return (parents.to_vec(), true) };
        if parents.is_empty() {
            return (Vec::new(), self.differs(None, Some(commit.tree), paths));
        }
        // What was left out of the history does not speak for the commit, unless nothing else is there.
        let (mut relevant, mut changed, mut changed_otherwise) = (0, false, false);
        for parent in parents {
            let tree = self.tree_of(*parent);
            let differs = self.differs(tree, Some(commit.tree), paths);
            if self.inside.contains(parent) || self.bottoms.contains(parent) {
                if !differs && self.limits.simplify == Simplify::Default {
                    return (vec![*parent], false);
                }
                (relevant, changed) = (relevant + 1, changed || differs);
            } else {
                changed_otherwise |= differs;
            }
        }
        (parents.to_vec(), if relevant > 0 { changed } else { changed_otherwise })
    }

    fn tree_of(&mut self, commit: Oid) -> Option<Oid> {
        if let Some(tree) = self.trees.get(&commit) {
            return *tree;
        }
        let tree = self.read(commit).map(|(commit, _)| commit.tree);
        self.trees.insert(commit, tree);
        tree
    }

    fn differs(&mut self, old: Option<Oid>, new: Option<Oid>, paths: Paths<'_>) -> bool {
        let mut differ = Differ { reader: &mut self.reader, paths, path: Vec::new() };
        differ.trees(old, new, 0) || differ.trees(new, old, 0)
    }
}

/// Deepest directory that is compared; beyond are hostile trees.
const MAX_DEPTH: usize = 512;

struct Differ<'a, 'r> {
    reader: &'a mut Reader<'r>,
    paths: Paths<'a>,
    path: Vec<u8>,
}

impl Differ<'_, '_> {
    /// Whether `new` has a wanted file that is not the same in `old`.
    fn trees(&mut self, old: Option<Oid>, new: Option<Oid>, depth: usize) -> bool {
        if old == new || depth > MAX_DEPTH {
            // What is not looked at may well differ: a commit too many is listed rather than one too few.
            return old != new;
        }
        let hash_len = self.reader.hash_len();
        let mut read = |oid: Option<Oid>| oid.and_then(|oid| self.reader.read(&oid).ok()).map(|object| object.bytes);
        let Some(new) = read(new) else { return false };
        let old = read(old);
        let before = old.as_ref().map(|bytes| bytes.as_slice()).unwrap_or_default();
        for (entry, before) in tree::aligned(&new, before, hash_len) {
            if before == Some(entry.oid) {
                continue;
            }
            let length = self.path.len();
            if length > 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(entry.name);
            let found = match entry.kind {
                EntryKind::Tree => self.trees(before, Some(entry.oid), depth + 1),
                _ => (self.paths)(&self.path),
            };
            self.path.truncate(length);
            if found {
                return true;
            }
        }
        false
    }
}
