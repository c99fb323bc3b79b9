//! A pack as a forest: every delta below its base, walked so that each object is built once from its neighbour.
//!
//! A [`Visitor`] is shown each object together with what it derived from the base and the segments in which the two
//! differ, so that it can carry results over instead of computing them again.

use libdeflater::Decompressor;

use super::{
    GitError, Objects, Oid,
    delta::{self, Segment},
    objects::inflate,
    pack::{Entries, Entry, EntryKind, Kind, Pack},
};

/// What a walk does with objects.
pub trait Visitor {
    /// What is kept of an object while objects that derive from it are visited.
    type State;

    /// An object that stands on its own.
    fn whole(&mut self, oid: Oid, bytes: &[u8]) -> Self::State;

    /// An object made from `base` by `segments`.
    fn derived(&mut self, oid: Oid, bytes: &[u8], base: &Self::State, segments: &[Segment]) -> Self::State;

    /// An entry that could not be read.
    fn failed(&mut self, oid: Option<Oid>, error: &GitError);
}

const NONE: u32 = u32::MAX;

/// The delta relations of a pack. Entries are numbered in the order of the file.
#[derive(Debug)]
pub struct Forest<'a> {
    pack: &'a Pack,
    entries: Entries<'a>,
    objects: &'a Objects,
    kind: Kind,
    /// Roots of the wanted kind with the stored bytes of everything below.
    roots: Vec<(u32, u64)>,
    /// Children of an entry are `children[heads[e]..heads[e + 1]]`.
    heads: Vec<u32>,
    children: Vec<u32>,
}

impl<'a> Forest<'a> {
    /// Reads the headers of a pack and links deltas to bases. Roots are the whole objects of kind `kind`, and deltas
    /// against objects of that kind outside the pack.
    ///
    /// # Errors
    /// The pack cannot be read.
    pub fn new(pack: &'a Pack, objects: &'a Objects, kind: Kind) -> Result<Self, GitError> {
        let mut parents = vec![NONE; pack.len()];
        let mut sizes = vec![0u64; pack.len()];
        let mut whole = Vec::new();
        let mut outside = Vec::new();
        let entries = pack.entries();
        entries.headers(|number, entry| {
            let Some(Entry { kind: entry_kind, data, end, .. }) = entry else { return };
            sizes[number] = end.saturating_sub(data);
            match entry_kind {
                EntryKind::Whole(k) if k == kind => whole.push(number as u32),
                EntryKind::Whole(_) => {}
                EntryKind::OffsetDelta(base) => parents[number] = entries.find(base).map_or(NONE, |e| e as u32),
                EntryKind::RefDelta(base) => {
                    match pack.find(&base).and_then(|p| pack.offset(p)).and_then(|o| entries.find(o)) {
                        Some(e) => parents[number] = e as u32,
                        None => outside.push(number as u32),
                    }
                }
            }
        })?;
        let (heads, children) = adjacency(&parents);
        whole.extend(outside);
        let mut forest = Self { pack, entries, objects, kind, roots: Vec::new(), heads, children };
        forest.roots = whole.into_iter().map(|root| (root, forest.weight(root, &sizes))).collect();
        Ok(forest)
    }

    /// Stored bytes of a tree of deltas. Each entry has one parent, so nothing is counted twice; a loop of deltas has no root.
    fn weight(&self, root: u32, sizes: &[u64]) -> u64 {
        let (mut sum, mut stack) = (0u64, vec![root]);
        while let Some(entry) = stack.pop() {
            sum += sizes[entry as usize];
            stack.extend_from_slice(self.below(entry));
        }
        sum
    }

    fn below(&self, entry: u32) -> &[u32] {
        &self.children[self.heads[entry as usize] as usize..self.heads[entry as usize + 1] as usize]
    }

    /// Roots in an order that is good for work sharing: heaviest first.
    #[must_use]
    pub fn roots(&self) -> Vec<u32> {
        let mut roots = self.roots.clone();
        roots.sort_unstable_by_key(|(root, weight)| (std::cmp::Reverse(*weight), *root));
        roots.into_iter().map(|(root, _)| root).collect()
    }
}

fn adjacency(parents: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let mut heads = vec![0u32; parents.len() + 1];
    for parent in parents.iter().filter(|p| **p != NONE) {
        heads[*parent as usize + 1] += 1;
    }
    for at in 0..parents.len() {
        heads[at + 1] += heads[at];
    }
    let mut next = heads.clone();
    let mut children = vec![0u32; heads[parents.len()] as usize];
    for (child, parent) in parents.iter().enumerate().filter(|(_, p)| **p != NONE) {
        let slot = &mut next[*parent as usize];
        children[*slot as usize] = child as u32;
        *slot += 1;
    }
    (heads, children)
}

struct Frame<S> {
    entry: u32,
    /// Content; given up when too much is held, and built again when needed.
    bytes: Option<Vec<u8>>,
    state: Option<S>,
    next_child: usize,
}

/// Bytes of ancestors held at once by one walker.
const HELD: usize = 8 << 20;

/// Walks trees of a forest. One a thread.
pub struct Walker<'a> {
    forest: &'a Forest<'a>,
    inflate: Decompressor,
    raw: Vec<u8>,
    data: Vec<u8>,
    segments: Vec<Segment>,
}

impl std::fmt::Debug for Walker<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walker").finish_non_exhaustive()
    }
}

impl<'a> Walker<'a> {
    /// A walker over `forest`.
    #[must_use]
    pub fn new(forest: &'a Forest<'a>) -> Self {
        Self { forest, inflate: Decompressor::new(), raw: Vec::new(), data: Vec::new(), segments: Vec::new() }
    }

    /// Visits a root and everything below it, bases first.
    pub fn walk<V: Visitor>(&mut self, root: u32, visitor: &mut V) {
        let mut stack: Vec<Frame<V::State>> = Vec::new();
        match self.root_bytes(root) {
            Ok((bytes, kind)) if kind == self.forest.kind => {
                let state = self.oid(root).map(|oid| visitor.whole(oid, &bytes));
                stack.push(Frame { entry: root, bytes: Some(bytes), state, next_child: 0 });
            }
            Ok(_) => {}
            Err(error) => return self.fail_below(root, &error, visitor),
        }
        while let Some(frame) = stack.last_mut() {
            let Some(&child) = self.forest.below(frame.entry).get(frame.next_child) else {
                stack.pop();
                continue;
            };
            frame.next_child += 1;
            match self.step(child, &mut stack, visitor) {
                Ok(frame) => stack.push(frame),
                Err(error) => self.fail_below(child, &error, visitor),
            }
            release(&mut stack);
        }
    }

    fn oid(&self, entry: u32) -> Option<Oid> {
        self.forest.entries.oid(entry as usize)
    }

    fn step<V: Visitor>(
        &mut self,
        child: u32,
        stack: &mut [Frame<V::State>],
        visitor: &mut V,
    ) -> Result<Frame<V::State>, GitError> {
        let parent = stack.len() - 1;
        if stack[parent].bytes.is_none() {
            stack[parent].bytes = Some(self.rebuild(stack)?);
        }
        self.read_data(child)?;
        let mut bytes = Vec::new();
        let base = stack[parent].bytes.as_deref().unwrap_or_default();
        self.apply(base, &mut bytes, child)?;
        let state = self.oid(child).map(|oid| match &stack[parent].state {
            Some(base) => visitor.derived(oid, &bytes, base, &self.segments),
            None => visitor.whole(oid, &bytes),
        });
        Ok(Frame { entry: child, bytes: Some(bytes), state, next_child: 0 })
    }

    fn apply(&mut self, base: &[u8], out: &mut Vec<u8>, entry: u32) -> Result<(), GitError> {
        let limit = self.forest.objects.limits().object;
        delta::apply(base, &self.data, limit, out, &mut self.segments)
            .ok_or_else(|| self.damaged(entry, "delta does not fit its base"))
    }

    /// Inflates an entry's data into `self.data`.
    fn read_data(&mut self, number: u32) -> Result<Entry, GitError> {
        let (offset, entry) = self.forest.entries.read(number as usize, &mut self.raw)?;
        let limit = self.forest.objects.limits().object;
        if entry.size > limit {
            let oid = self.oid(number);
            return Err(oid.map_or_else(
                || self.damaged(number, "too large"),
                |oid| GitError::TooLarge { oid, size: entry.size, limit },
            ));
        }
        let compressed = self.raw.get((entry.data - offset) as usize..).unwrap_or_default();
        match inflate(&mut self.inflate, compressed, entry.size, limit, &mut self.data) {
            Some(()) => Ok(entry),
            None => Err(self.damaged(number, "compressed data is damaged")),
        }
    }

    fn damaged(&self, entry: u32, what: &str) -> GitError {
        let name = self.oid(entry).map_or_else(|| format!("entry {entry}"), |o| o.to_string());
        GitError::damaged(self.forest.pack.path(), format!("{name}: {what}"))
    }

    fn root_bytes(&mut self, root: u32) -> Result<(Vec<u8>, Kind), GitError> {
        let entry = self.read_data(root)?;
        match entry.kind {
            EntryKind::Whole(kind) => Ok((std::mem::take(&mut self.data), kind)),
            EntryKind::RefDelta(base) => {
                let base = self.forest.objects.reader().read(&base)?;
                let mut bytes = Vec::new();
                self.apply(&base.bytes, &mut bytes, root)?;
                Ok((bytes, base.kind))
            }
            EntryKind::OffsetDelta(_) => Err(self.damaged(root, "delta without base")),
        }
    }

    /// Builds the bytes of the last frame again, from the deepest ancestor that still has its own.
    fn rebuild<S>(&mut self, stack: &[Frame<S>]) -> Result<Vec<u8>, GitError> {
        let from = stack.iter().rposition(|f| f.bytes.is_some());
        let mut bytes = match from {
            Some(at) => stack[at].bytes.clone().unwrap_or_default(),
            None => self.root_bytes(stack[0].entry)?.0,
        };
        for frame in &stack[from.map_or(1, |at| at + 1)..] {
            self.read_data(frame.entry)?;
            let mut next = Vec::new();
            self.apply(&bytes, &mut next, frame.entry)?;
            bytes = next;
        }
        Ok(bytes)
    }

    fn fail_below<V: Visitor>(&self, entry: u32, error: &GitError, visitor: &mut V) {
        let mut stack = vec![entry];
        while let Some(entry) = stack.pop() {
            visitor.failed(self.oid(entry), error);
            stack.extend_from_slice(self.forest.below(entry));
        }
    }
}

/// Gives up the oldest bytes while more than [`HELD`] are held.
fn release<S>(stack: &mut [Frame<S>]) {
    let mut held: usize = stack.iter().filter_map(|f| f.bytes.as_ref()).map(Vec::len).sum();
    let last = stack.len().saturating_sub(1);
    for frame in &mut stack[..last] {
        if held <= HELD {
            break;
        }
        held -= frame.bytes.take().map_or(0, |b| b.len());
    }
}
