//! The commits that references lead to, parents first.
//!
//! A large project has hundreds of thousands of commits, so each gets a number, and relations are kept as numbers.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
};

use super::{
    Oid, Repository, TagObject,
    commit::CommitLinks,
    marks::{FastMap, FastSet, Marks},
    objects::Reader,
    pack::Kind,
};

/// A commit, as far as walking needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitNode {
    /// Its id.
    pub oid: Oid,
    /// Its root tree.
    pub tree: Oid,
    /// Tree of its first parent, also where that parent is not in the list; none where it has no parent or it is missing.
    pub base: Option<Oid>,
    /// Whether it has several parents, also where they are not in the list.
    pub merge: bool,
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

/// Collects the commits reachable from `tips` and not from `excluded`. What cannot be read is listed in
/// [`History::missing`].
#[must_use]
pub fn history(repository: &Repository, tips: &[Oid], excluded: &[Oid]) -> History {
    let mut walk = Walk {
        reader: repository.objects().reader(),
        shallow: repository.shallow().iter().copied().collect(),
        numbers: FastMap::default(),
        commits: Vec::new(),
        parents: Vec::new(),
        tags: FastSet::default(),
        missing: Vec::new(),
    };
    walk.reach(excluded);
    let first = walk.commits.len();
    (walk.missing, walk.tags) = (Vec::new(), FastSet::default());
    walk.reach(tips);
    let Walk { commits, parents, tags, mut missing, numbers, reader, .. } = walk;
    drop(reader);
    let parents: Vec<u32> = parents.iter().map(|p| numbers.get(p).copied().unwrap_or(UNKNOWN)).collect();
    drop(numbers);
    missing.sort_unstable();
    missing.dedup();
    let mut tags: Vec<Oid> = tags.into_iter().collect();
    tags.sort_unstable();
    History { commits: sorted(&commits, &parents, first), missing, tags }
}

/// Which of the `wanted` commits and tags are reachable from `tip`. Takes less memory than the whole history.
#[must_use]
pub fn reached(repository: &Repository, tip: Oid, wanted: &HashSet<Oid>) -> HashSet<Oid> {
    let shallow: FastSet<Oid> = repository.shallow().iter().copied().collect();
    let (mut reader, mut seen, mut stack) = (repository.objects().reader(), Marks::default(), vec![tip]);
    let mut found = HashSet::new();
    while let Some(oid) = stack.pop() {
        let place = reader.locate(&oid);
        if !seen.insert(&oid, place) {
            continue;
        }
        let Ok(object) = reader.read_at(&oid, place) else { continue };
        if wanted.contains(&oid) {
            found.insert(oid);
            if found.len() == wanted.len() {
                break;
            }
        }
        match object.kind {
            Kind::Commit if !shallow.contains(&oid) => {
                stack.extend(CommitLinks::parse(&object.bytes).into_iter().flat_map(|links| links.parents));
            }
            Kind::Tag => stack.extend(TagObject::parse(&object.bytes).map(|tag| tag.target)),
            Kind::Commit | Kind::Tree | Kind::Blob => {}
        }
    }
    found
}

/// A commit while it waits for its place.
struct Found {
    oid: Oid,
    tree: Oid,
    seconds: i64,
    /// Where its parents stand in the list of parents.
    parents: std::ops::Range<u32>,
}

/// A parent that is missing.
const UNKNOWN: u32 = u32::MAX;

struct Walk<'a> {
    reader: Reader<'a>,
    shallow: FastSet<Oid>,
    /// Number of each commit that was read.
    numbers: FastMap<Oid, u32>,
    commits: Vec<Found>,
    parents: Vec<Oid>,
    tags: FastSet<Oid>,
    missing: Vec<Oid>,
}

impl Walk<'_> {
    fn reach(&mut self, tips: &[Oid]) {
        let mut stack: Vec<Oid> = tips.to_vec();
        while let Some(oid) = stack.pop() {
            if self.numbers.contains_key(&oid) {
                continue;
            }
            let Ok(object) = self.reader.read(&oid) else {
                self.missing.push(oid);
                continue;
            };
            match object.kind {
                Kind::Commit => self.commit(oid, &object.bytes, &mut stack),
                Kind::Tag if self.tags.insert(oid) => {
                    stack.extend(TagObject::parse(&object.bytes).map(|t| t.target));
                }
                Kind::Tag | Kind::Tree | Kind::Blob => {}
            }
        }
    }

    fn commit(&mut self, oid: Oid, bytes: &[u8], stack: &mut Vec<Oid>) {
        let Some(links) = CommitLinks::parse(bytes) else { return };
        let first = self.parents.len() as u32;
        if !self.shallow.contains(&oid) {
            stack.extend(links.parents.iter().filter(|p| !self.numbers.contains_key(*p)));
            self.parents.extend(&links.parents);
        }
        let parents = first..self.parents.len() as u32;
        self.numbers.insert(oid, self.commits.len() as u32);
        self.commits.push(Found { oid, tree: links.tree, seconds: links.seconds, parents });
    }
}

/// Parents first; among commits that are ready, the oldest. Commits before `first` are known and left out.
fn sorted(commits: &[Found], parents: &[u32], first: usize) -> Vec<CommitNode> {
    let inside = |commit: usize| {
        let range = commits[commit].parents.start as usize..commits[commit].parents.end as usize;
        let mut list: Vec<u32> =
            parents[range].iter().copied().filter(|p| *p != UNKNOWN && *p as usize >= first).collect();
        list.sort_unstable();
        list.dedup();
        list
    };
    let mut waiting = vec![0u32; commits.len()];
    let children = Children::new(commits.len(), |each| {
        for commit in first..commits.len() {
            inside(commit).into_iter().for_each(|parent| each(parent, commit as u32));
        }
    });
    let mut ready = BinaryHeap::new();
    for commit in first..commits.len() {
        waiting[commit] = inside(commit).len() as u32;
        if waiting[commit] == 0 {
            ready.push(Reverse((commits[commit].seconds, commits[commit].oid, commit)));
        }
    }
    let mut order = Vec::with_capacity(commits.len() - first);
    while let Some(Reverse((_, oid, commit))) = ready.pop() {
        let found = &commits[commit];
        let base = parents[found.parents.start as usize..found.parents.end as usize].first();
        let base = base.and_then(|p| commits.get(*p as usize)).map(|parent| parent.tree);
        order.push(CommitNode { oid, tree: found.tree, base, merge: found.parents.len() > 1 });
        for child in children.of(commit) {
            let child = *child as usize;
            waiting[child] -= 1;
            if waiting[child] == 0 {
                ready.push(Reverse((commits[child].seconds, commits[child].oid, child)));
            }
        }
    }
    order
}

/// Children of every commit, in one list.
struct Children {
    heads: Vec<u32>,
    list: Vec<u32>,
}

impl Children {
    /// `edges` names every pair of parent and child, the same ones each time it is called.
    fn new(commits: usize, edges: impl Fn(&mut dyn FnMut(u32, u32))) -> Self {
        let mut heads = vec![0u32; commits + 1];
        edges(&mut |parent, _| heads[parent as usize + 1] += 1);
        for at in 0..commits {
            heads[at + 1] += heads[at];
        }
        let mut next = heads.clone();
        let mut list = vec![0; heads[commits] as usize];
        edges(&mut |parent, child| {
            list[next[parent as usize] as usize] = child;
            next[parent as usize] += 1;
        });
        Self { heads, list }
    }

    fn of(&self, commit: usize) -> &[u32] {
        &self.list[self.heads[commit] as usize..self.heads[commit + 1] as usize]
    }
}
