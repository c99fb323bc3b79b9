//! Every blob of a repository, at the cost of what its packs store.
//!
//! A pack keeps most blobs as deltas. Only bytes that a delta inserts, and the seams around them, are searched; places
//! found in the base are carried over where the stretch of text that their result depends on was copied whole. What
//! comes out is, for each blob, exactly the set of matches that a search of the whole blob gives (a test holds the two
//! against each other), named by small numbers so that one secret in a thousand versions is judged once.

pub mod memory;

use std::{
    collections::{BTreeSet, HashMap},
    panic::resume_unwind,
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread::ScopedJoinHandle,
};

use testudo_source::git::{
    GitError, Kind, Objects, Oid,
    delta::Segment,
    forest::{Forest, Visitor, Walker},
};

use crate::engine::{Candidate, Engine, Evaluated, RawMatch, Workspace, pattern::Alphabet};

/// Number of a distinct match: one rule and one matched text.
pub type MatchId = u32;

/// Decides once for each distinct match whether it is worth attributing. Called from several threads.
pub trait Judge: Sync {
    /// Whether `matched`, found by the engine's rule `rule`, can be a finding at some path.
    fn worth(&self, rule: u32, matched: &[u8]) -> bool;

    /// Whether a blob is to be looked at in full, whatever is found in its bytes: because its text is not what its bytes are.
    fn opaque(&self, bytes: &[u8]) -> bool;

    /// Whether lines of a blob are looked at apart from the others afterwards, so that a match which another one hides in the
    /// whole counts too.
    fn sees_lines_apart(&self) -> bool {
        false
    }

    /// Further texts hidden in `text`, with the range they come from: decoded forms. Called with stretches of whole lines.
    fn hidden(&self, text: &[u8], found: &mut dyn FnMut(std::ops::Range<usize>, &[u8]));
}

/// What a scan of all blobs gave.
#[derive(Debug, Default)]
pub struct BlobMatches {
    /// Distinct matches that each blob holds, sorted by blob.
    pub blobs: Vec<(Oid, Vec<MatchId>)>,
    /// Rule and text of each distinct match.
    pub matches: Vec<(u32, Vec<u8>)>,
    /// Blobs looked at.
    pub visited: u64,
    /// Bytes that these blobs have.
    pub raw_bytes: u64,
    /// Bytes that had to be searched.
    pub searched_bytes: u64,
    /// Blobs that could not be read, with the reason.
    pub failed: Vec<(Option<Oid>, String)>,
    /// Packs that were searched and had nothing that could not be read.
    pub packs: Vec<PackIdentity>,
    /// Loose objects that were looked at.
    pub loose: Vec<Oid>,
}

/// Checksum of a pack and its size in bytes.
pub type PackIdentity = (Oid, u64);

/// Number of the pseudo-rule under which opaque blobs are matches: each is a match of its own.
pub const OPAQUE: u32 = u32::MAX;

/// Packs and loose objects that an earlier scan has been through.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Known {
    /// Packs.
    pub packs: BTreeSet<PackIdentity>,
    /// Loose objects of any kind.
    pub loose: BTreeSet<Oid>,
}

/// How blobs are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Along the deltas.
    Deltas,
    /// Each blob whole: slower, and the definition of what the other must find.
    Whole,
}

/// Finds the matches of every blob that is not in a known place.
///
/// # Errors
/// A pack cannot be read at all. Damaged objects are listed in the result.
pub fn scan(
    objects: &Objects,
    engine: &Engine,
    judge: &dyn Judge,
    method: Method,
    threads: usize,
    known: &Known,
    progress: &AtomicU64,
) -> Result<BlobMatches, GitError> {
    let shared = Shared { engine, judge, method, interned: Mutex::default(), progress };
    let mut result = BlobMatches::default();
    for pack in objects.packs() {
        let identity = pack.identity();
        if identity.is_some_and(|identity| known.packs.contains(&identity)) {
            continue;
        }
        let forest = Forest::new(pack, objects, Kind::Blob)?;
        let (roots, next) = (forest.roots(), AtomicUsize::new(0));
        let work = || {
            let (mut walker, mut visitor) = (Walker::new(&forest), BlobVisitor::new(&shared));
            while let Some(root) = roots.get(next.fetch_add(1, Ordering::Relaxed)) {
                walker.walk(*root, &mut visitor);
            }
            visitor.part
        };
        let parts: Vec<BlobMatches> = std::thread::scope(|scope| {
            let handles: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            // This thread works too: what follows then uses the memory again that its share took.
            let own = work();
            let join =
                |handle: ScopedJoinHandle<'_, BlobMatches>| handle.join().unwrap_or_else(|panic| resume_unwind(panic));
            handles.into_iter().map(join).chain([own]).collect()
        });
        let failed = result.failed.len();
        parts.into_iter().for_each(|part| result.absorb(part));
        result.packs.extend(identity.filter(|_| result.failed.len() == failed));
    }
    scan_loose(objects, &shared, known, &mut result);
    result.blobs.sort_unstable();
    result.blobs.dedup_by(|a, b| a.0 == b.0);
    result.failed.sort_unstable();
    result.matches = shared.interned.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).list;
    Ok(result)
}

fn scan_loose(objects: &Objects, shared: &Shared<'_>, known: &Known, result: &mut BlobMatches) {
    let (mut reader, mut visitor) = (objects.reader(), BlobVisitor::new(shared));
    for oid in objects.loose() {
        if known.loose.contains(&oid) || objects.locate(&oid).is_some() {
            continue;
        }
        match reader.read(&oid) {
            Ok(object) if object.kind == Kind::Blob => drop(visitor.whole(oid, &object.bytes)),
            Ok(_) => {}
            Err(error) => {
                visitor.failed(Some(oid), &error);
                continue;
            }
        }
        result.loose.push(oid);
    }
    result.absorb(visitor.part);
}

impl BlobMatches {
    fn absorb(&mut self, other: Self) {
        self.blobs.extend(other.blobs);
        self.visited += other.visited;
        self.raw_bytes += other.raw_bytes;
        self.searched_bytes += other.searched_bytes;
        self.failed.extend(other.failed);
    }
}

struct Shared<'a> {
    engine: &'a Engine,
    judge: &'a dyn Judge,
    method: Method,
    interned: Mutex<Interned>,
    progress: &'a AtomicU64,
}

/// Matches that one thread remembers having judged.
const KNOWN: usize = 1 << 16;

impl Shared<'_> {
    fn intern(&self, rule: u32, matched: &[u8]) -> MatchId {
        let mut interned = self.interned.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Interned { ids, list } = &mut *interned;
        *ids.entry((rule, matched.to_vec())).or_insert_with(|| {
            list.push((rule, matched.to_vec()));
            MatchId::try_from(list.len() - 1).unwrap_or(MatchId::MAX)
        })
    }
}

#[derive(Default)]
struct Interned {
    /// Only matches that are worth attributing.
    ids: HashMap<(u32, Vec<u8>), MatchId>,
    list: Vec<(u32, Vec<u8>)>,
}

/// A hidden match, with the stretch of text it depends on.
#[derive(Debug, Clone, Copy)]
struct Hidden {
    start: usize,
    end: usize,
    id: MatchId,
}

/// What is kept of a blob while blobs that derive from it are visited.
struct State {
    candidates: Vec<Candidate>,
    evaluated: Vec<Evaluated>,
    hidden: Vec<Hidden>,
    alphabet: Alphabet,
    len: usize,
}

struct BlobVisitor<'a> {
    shared: &'a Shared<'a>,
    workspace: Workspace,
    part: BlobMatches,
    /// This thread's memory of numbers, so that the shared table is asked once a match.
    known: HashMap<(u32, u64), Option<MatchId>>,
    seen: Vec<bool>,
    raw: Vec<RawMatch>,
    places: Vec<(usize, u32)>,
}

impl<'a> BlobVisitor<'a> {
    fn new(shared: &'a Shared<'a>) -> Self {
        let (workspace, part) = (Workspace::default(), BlobMatches::default());
        Self { shared, workspace, part, known: HashMap::new(), seen: Vec::new(), raw: Vec::new(), places: Vec::new() }
    }

    fn number(&mut self, rule: u32, matched: &[u8]) -> Option<MatchId> {
        use std::hash::{BuildHasher as _, Hasher as _};
        let mut hasher = self.known.hasher().build_hasher();
        hasher.write(matched);
        let key = (rule, hasher.finish());
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let id = self.shared.judge.worth(rule, matched).then(|| self.shared.intern(rule, matched));
        if self.known.len() >= KNOWN {
            self.known.clear();
        }
        self.known.insert(key, id);
        id
    }

    /// Searches `range` for places and evaluates them.
    fn search(&mut self, text: &[u8], range: std::ops::Range<usize>, state: &mut State) {
        self.part.searched_bytes += range.len() as u64;
        let mut places = std::mem::take(&mut self.places);
        places.clear();
        self.shared.engine.places(text, range, &mut places);
        for place in &places {
            let candidate =
                self.shared.engine.evaluate(text, state.alphabet, *place, &mut self.workspace, &mut state.evaluated);
            state.candidates.push(candidate);
        }
        self.places = places;
    }

    /// Looks for hidden texts in a stretch of whole lines.
    fn search_hidden(&mut self, text: &[u8], range: std::ops::Range<usize>, state: &mut State) {
        let shared = self.shared;
        let mut found = Vec::new();
        shared.judge.hidden(&text[range.clone()], &mut |place, decoded| found.push((place, decoded.to_vec())));
        for (place, decoded) in found {
            let mut raw = Vec::new();
            shared.engine.find(&decoded, &mut self.workspace, &mut raw);
            for m in raw {
                if let Some(id) = self.number(m.rule, &decoded[m.start..m.end]) {
                    state.hidden.push(Hidden { start: range.start + place.start, end: range.start + place.end, id });
                }
            }
        }
    }

    /// Puts the places of a blob together and remembers its matches.
    fn finish(&mut self, oid: Oid, text: &[u8], state: &mut State) {
        // Both lists are a few sorted runs: the stable sort merges those in one pass.
        state.candidates.sort();
        state.candidates.dedup();
        state.evaluated.sort_by_key(|e| (e.anchor, e.rule));
        state.evaluated.dedup_by_key(|e| (e.anchor, e.rule));
        self.seen.clear();
        self.seen.resize(self.shared.engine.literals(), false);
        for candidate in &state.candidates {
            self.seen[candidate.literal as usize] = true;
        }
        let mut raw = std::mem::take(&mut self.raw);
        raw.clear();
        let mut anchored = Vec::new();
        let places = (state.candidates.as_slice(), state.evaluated.as_slice(), self.seen.as_slice());
        self.shared.engine.assemble(text, state.alphabet, places, &mut self.workspace, &mut anchored, &mut raw);
        let mut ids: Vec<MatchId> = state.hidden.iter().map(|h| h.id).collect();
        ids.extend(raw.iter().filter_map(|m| self.number(m.rule, &text[m.start..m.end])));
        for (at, start) in anchored {
            let Evaluated { rule, anchor, end, memo } = state.evaluated[at];
            let lead = u32::try_from(anchor - start).unwrap_or(u32::MAX);
            // A match that was carried over with the same lead is the same text.
            let id = match memo {
                Some((known, id)) if known == lead => id,
                _ => self.number(rule, &text[start..end]),
            };
            state.evaluated[at].memo = Some((lead, id));
            ids.extend(id);
        }
        if self.shared.judge.sees_lines_apart() {
            for (at, start) in self.shared.engine.hidden_behind_lines(text, &state.evaluated, &self.workspace) {
                let Evaluated { rule, end, .. } = state.evaluated[at];
                ids.extend(self.number(rule, &text[start..end]));
            }
        }
        self.raw = raw;
        if self.shared.judge.opaque(text) {
            ids.push(self.shared.intern(OPAQUE, oid.as_bytes()));
        }
        ids.sort_unstable();
        ids.dedup();
        if !ids.is_empty() {
            self.part.blobs.push((oid, ids));
        }
        self.part.visited += 1;
        self.part.raw_bytes += text.len() as u64;
        self.shared.progress.fetch_add(1, Ordering::Relaxed);
    }

    fn whole_blob(&mut self, oid: Oid, bytes: &[u8]) -> State {
        let (candidates, evaluated, hidden) = (Vec::new(), Vec::new(), Vec::new());
        let mut state = State { candidates, evaluated, hidden, alphabet: Alphabet::of(bytes), len: bytes.len() };
        self.search(bytes, 0..bytes.len(), &mut state);
        self.search_hidden(bytes, 0..bytes.len(), &mut state);
        self.finish(oid, bytes, &mut state);
        state
    }
}

impl Visitor for BlobVisitor<'_> {
    type State = State;

    fn whole(&mut self, oid: Oid, bytes: &[u8]) -> Self::State {
        self.whole_blob(oid, bytes)
    }

    fn derived(&mut self, oid: Oid, bytes: &[u8], base: &Self::State, segments: &[Segment]) -> Self::State {
        let alphabet = Alphabet::of(bytes);
        // A change of alphabet changes what `.` takes everywhere: nothing can be carried over.
        if self.shared.method == Method::Whole || alphabet != base.alphabet {
            return self.whole(oid, bytes);
        }
        let mut state =
            State { candidates: Vec::new(), evaluated: Vec::new(), hidden: Vec::new(), alphabet, len: bytes.len() };
        let mut stale = Vec::new();
        for segment in segments {
            if let Segment::Copy { from, to, len } = *segment {
                carry(base, &mut state, (from, to, len), &mut stale);
            }
        }
        for candidate in stale {
            self.evaluate_again(bytes, candidate, &mut state);
        }
        for range in fresh_ranges(segments, bytes.len(), self.shared.engine.longest_literal()) {
            self.search(bytes, range, &mut state);
        }
        for range in dirty_lines(segments, bytes) {
            self.search_hidden(bytes, range, &mut state);
        }
        self.finish(oid, bytes, &mut state);
        state
    }

    fn failed(&mut self, oid: Option<Oid>, error: &GitError) {
        self.part.failed.push((oid, error.to_string()));
    }
}

impl BlobVisitor<'_> {
    /// A place that is still there, but whose surroundings changed.
    fn evaluate_again(&mut self, text: &[u8], start: usize, state: &mut State) {
        let end = (start + self.shared.engine.longest_literal()).min(text.len());
        let mut found = Vec::new();
        self.shared.engine.places(text, start..end, &mut found);
        for place in found.into_iter().filter(|(at, _)| *at == start) {
            let candidate =
                self.shared.engine.evaluate(text, state.alphabet, place, &mut self.workspace, &mut state.evaluated);
            state.candidates.push(candidate);
        }
    }
}

/// Carries places over a copied stretch. Those whose result may depend on text outside it go to `stale`.
fn carry(base: &State, state: &mut State, (from, to, len): (usize, usize, usize), stale: &mut Vec<usize>) {
    let end = from + len;
    // A result depends on the byte before its place (word boundaries), and at the ends of the text on its being the end.
    let whole_start = from == 0 && to == 0;
    let whole_end = end == base.len && to + len == state.len;
    let first = base.candidates.partition_point(|c| c.start < from);
    let last = first + base.candidates[first..].partition_point(|c| c.start < end);
    // Several literals can start at one place; what was found there is kept or found again as a whole.
    for group in base.candidates[first..last].chunk_by(|a, b| a.start == b.start) {
        let start = group[0].start;
        let place = start - from + to;
        let left = start > from || whole_start;
        let right = whole_end || group.iter().all(|c| c.extent <= end);
        if !(left && right) {
            stale.push(place);
            continue;
        }
        state.candidates.extend(group.iter().map(|c| Candidate { start: place, extent: c.extent - from + to, ..*c }));
        let evaluated = base.evaluated.partition_point(|e| e.anchor < start);
        let same = base.evaluated[evaluated..].iter().take_while(|e| e.anchor == start);
        state.evaluated.extend(same.map(|e| Evaluated { anchor: place, end: e.end - from + to, ..*e }));
    }
    let inside =
        |h: &&Hidden| (h.start > from || whole_start) && (h.end < end || whole_end) && h.start >= from && h.end <= end;
    let moved =
        base.hidden.iter().filter(inside).map(|h| Hidden { start: h.start - from + to, end: h.end - from + to, ..*h });
    state.hidden.extend(moved);
}

/// Inserted bytes, widened so that a literal across a seam is seen.
fn fresh_ranges(segments: &[Segment], len: usize, longest: usize) -> Vec<std::ops::Range<usize>> {
    let margin = longest.saturating_sub(1);
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
    let mut push = |start: usize, end: usize| {
        let (start, end) = (start.saturating_sub(margin), (end + margin).min(len));
        match ranges.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => ranges.push(start..end),
        }
    };
    for segment in segments {
        match *segment {
            Segment::Insert { to, len } => push(to, to + len),
            // Two copies that meet make new neighbours too.
            Segment::Copy { to, .. } if to > 0 => push(to, to),
            Segment::Copy { .. } => {}
        }
    }
    ranges
}

/// Whole lines that an insert or a seam touches.
fn dirty_lines(segments: &[Segment], text: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
    for segment in segments {
        let (start, end) = match *segment {
            Segment::Insert { to, len } => (to, to + len),
            Segment::Copy { to, .. } => (to, to),
        };
        if ranges.last().is_some_and(|r| r.end >= end && r.start <= start && end < r.end) {
            continue;
        }
        // The line before counts too: it is carried over only where it does not touch the edge.
        let from = memchr::memrchr(b'\n', &text[..start.saturating_sub(1)]).map_or(0, |p| p + 1);
        let to = memchr::memchr(b'\n', &text[end..]).map_or(text.len(), |p| end + p + 1);
        match ranges.last_mut() {
            Some(last) if from < last.end => last.end = last.end.max(to),
            _ => ranges.push(from..to),
        }
    }
    ranges
}
