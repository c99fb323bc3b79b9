//! Which added file of a commit is a removed one under another name, as git finds out with `diff.renames = true`.
//!
//! The order of decisions is git's (diffcore-rename.c, gitdiffcore(7)): equal contents first, then files that kept a
//! name which is unique on both sides, then the best pairs of all that is left. Similarity is the share of bytes in lines
//! (or pieces of 64 bytes) that both files have.

use std::collections::HashMap;

use super::{
    Oid, lines,
    objects::Reader,
    tree::EntryKind,
    tree_diff::{Difference, Side},
};

/// Scores are in sixty-thousandths (diffcore.h, `MAX_SCORE`).
const MAX_SCORE: u64 = 60_000;
/// Two files are one that was renamed from here on: half of the content is the same.
const MIN_SCORE: u64 = MAX_SCORE / 2;
/// The same for files that kept their name.
const MIN_NAME_SCORE: u64 = MIN_SCORE + (MAX_SCORE - MIN_SCORE) / 2;
/// Beyond the square of this many pairs git compares no contents (`diff.renameLimit`).
const LIMIT: usize = 1000;
/// Candidates kept for each added file.
const CANDIDATES: usize = 4;
/// Removed files with equal content that are looked at for one added file.
const MAX_EQUAL: usize = 102;

/// For every added file, the position of the removed file that it was, if any.
#[must_use]
pub fn sources(reader: &mut Reader<'_>, difference: &Difference) -> Vec<Option<usize>> {
    let mut search = Search {
        reader,
        difference,
        source: vec![None; difference.added.len()],
        used: vec![false; difference.removed.len()],
        contents: HashMap::new(),
    };
    if !difference.removed.is_empty() {
        search.equal();
        search.same_name();
        search.similar();
    }
    search.source
}

struct Search<'a, 'r> {
    reader: &'a mut Reader<'r>,
    difference: &'a Difference,
    source: Vec<Option<usize>>,
    used: Vec<bool>,
    contents: HashMap<Oid, Pieces>,
}

impl Search<'_, '_> {
    fn pair(&mut self, added: usize, removed: usize) {
        self.source[added] = Some(removed);
        self.used[removed] = true;
    }

    fn open(&self) -> (Vec<usize>, Vec<usize>) {
        let removed = (0..self.used.len()).filter(|r| !self.used[*r]).collect();
        let added = (0..self.source.len()).filter(|a| self.source[*a].is_none()).collect();
        (removed, added)
    }

    /// Files of equal content; of several, the first that has the same name, or else the first.
    fn equal(&mut self) {
        let mut by_content: HashMap<Oid, Vec<usize>> = HashMap::new();
        for (at, side) in self.difference.removed.iter().enumerate() {
            by_content.entry(side.oid).or_default().push(at);
        }
        for (at, side) in self.difference.added.iter().enumerate() {
            let candidates = by_content.get(&side.oid).map(Vec::as_slice).unwrap_or_default();
            let free = |r: &&usize| !self.used[**r] && self.difference.removed[**r].kind == side.kind;
            let mut free = candidates.iter().filter(free).take(MAX_EQUAL);
            let first = free.next();
            let named = |r: &&usize| name(&self.difference.removed[**r]) == name(side);
            let best = first.filter(named).or_else(|| free.find(named)).or(first).copied();
            if let Some(removed) = best {
                self.pair(at, removed);
            }
        }
    }

    /// Files whose name occurs once among the removed and once among the added.
    fn same_name(&mut self) {
        let (removed, added) = self.open();
        let by_name = unique(&self.difference.added, &added);
        for (key, r) in sorted(unique(&self.difference.removed, &removed)) {
            let (Some(r), Some(Some(a))) = (r, by_name.get(key)) else { continue };
            if self.similarity(r, *a, MIN_NAME_SCORE).is_some() {
                self.pair(*a, r);
            }
        }
    }

    /// The best pairs of what is left.
    fn similar(&mut self) {
        let (removed, added) = self.open();
        if removed.is_empty() || added.is_empty() || removed.len().saturating_mul(added.len()) > LIMIT * LIMIT {
            return;
        }
        let mut all = Vec::new();
        for a in added {
            let mut best: Vec<Candidate> = Vec::with_capacity(CANDIDATES + 1);
            for r in &removed {
                let Some(score) = self.similarity(*r, a, MIN_SCORE) else { continue };
                let same_name = name(&self.difference.removed[*r]) == name(&self.difference.added[a]);
                keep(&mut best, Candidate { score, same_name, removed: *r, added: a });
            }
            all.extend(best);
        }
        // A stable order, best first: what comes first in the order of paths wins where two are equal.
        all.sort_by_key(Candidate::rank);
        for candidate in all {
            if self.source[candidate.added].is_none() && !self.used[candidate.removed] {
                self.pair(candidate.added, candidate.removed);
            }
        }
    }

    /// The score of a pair, if it is at least `least`. Only regular files are compared.
    fn similarity(&mut self, removed: usize, added: usize, least: u64) -> Option<u64> {
        let (old, new) = (&self.difference.removed[removed], &self.difference.added[added]);
        if old.kind != EntryKind::File || new.kind != EntryKind::File {
            return None;
        }
        let (old, new) = (old.oid, new.oid);
        self.load(old);
        self.load(new);
        let (old, new) = (&self.contents[&old], &self.contents[&new]);
        let larger = old.size.max(new.size);
        let apart = larger - old.size.min(new.size);
        // Files of very different sizes cannot be similar enough, whatever is in them.
        if new.size == 0 || larger * (MAX_SCORE - least) < apart * MAX_SCORE {
            return None;
        }
        let score = old.shared(new) * MAX_SCORE / larger;
        (score >= least).then_some(score)
    }

    fn load(&mut self, oid: Oid) {
        if !self.contents.contains_key(&oid) {
            let pieces = self.reader.read(&oid).map(|object| Pieces::of(&object.bytes)).unwrap_or_default();
            self.contents.insert(oid, pieces);
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    score: u64,
    same_name: bool,
    removed: usize,
    added: usize,
}

impl Candidate {
    /// Smaller is better.
    fn rank(&self) -> (std::cmp::Reverse<u64>, bool) {
        (std::cmp::Reverse(self.score), !self.same_name)
    }
}

/// Keeps the best few in the order in which git's slots hold them: a better one takes the place of the first worst.
fn keep(best: &mut Vec<Candidate>, candidate: Candidate) {
    if best.len() < CANDIDATES {
        best.push(candidate);
        return;
    }
    let worst = (1..best.len()).fold(0, |worst, i| if best[i].rank() > best[worst].rank() { i } else { worst });
    if best[worst].rank() > candidate.rank() {
        best[worst] = candidate;
    }
}

fn name(side: &Side) -> &[u8] {
    side.path.rsplit(|b| *b == b'/').next().unwrap_or_default()
}

/// File names to the one file that has it, or none where several have.
fn unique<'a>(sides: &'a [Side], open: &[usize]) -> HashMap<&'a [u8], Option<usize>> {
    let mut found = HashMap::new();
    for at in open {
        found.entry(name(&sides[*at])).and_modify(|f| *f = None).or_insert(Some(*at));
    }
    found
}

fn sorted(names: HashMap<&[u8], Option<usize>>) -> Vec<(&[u8], Option<usize>)> {
    let mut list: Vec<_> = names.into_iter().collect();
    list.sort_unstable_by_key(|(_, at)| *at);
    list
}

/// A file as counts of bytes by the hash of its lines.
#[derive(Debug, Default)]
struct Pieces {
    size: u64,
    /// Hash and bytes, sorted by hash.
    counts: Vec<(u32, u64)>,
}

/// Longest piece in bytes; a line break ends a piece too (diffcore-delta.c).
const PIECE: u64 = 64;
/// Hashes are taken modulo this prime.
const HASH_BASE: u32 = 107_927;

impl Pieces {
    fn of(bytes: &[u8]) -> Self {
        let text = !lines::is_binary(bytes);
        let (mut counts, mut high, mut low, mut length) = (Vec::new(), 0u32, 0u32, 0u64);
        for (at, byte) in bytes.iter().enumerate() {
            if text && *byte == b'\r' && bytes.get(at + 1) == Some(&b'\n') {
                continue;
            }
            let before = high;
            high = (high << 7) ^ (low >> 25);
            low = (low << 7) ^ (before >> 25);
            high = high.wrapping_add(u32::from(*byte));
            length += 1;
            if length == PIECE || *byte == b'\n' {
                counts.push((hash(high, low), length));
                (high, low, length) = (0, 0, 0);
            }
        }
        if length > 0 {
            counts.push((hash(high, low), length));
        }
        counts.sort_unstable();
        counts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        Self { size: bytes.len() as u64, counts }
    }

    /// Bytes that both have.
    fn shared(&self, other: &Self) -> u64 {
        let (mut total, mut rest) = (0, other.counts.as_slice());
        for (hash, bytes) in &self.counts {
            let skip = rest.partition_point(|(h, _)| h < hash);
            rest = &rest[skip..];
            if let Some((found, theirs)) = rest.first()
                && found == hash
            {
                total += bytes.min(theirs);
            }
        }
        total
    }
}

fn hash(high: u32, low: u32) -> u32 {
    high.wrapping_add(low.wrapping_mul(0x61)) % HASH_BASE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(old: &[u8], new: &[u8]) -> u64 {
        Pieces::of(old).shared(&Pieces::of(new))
    }

    #[test]
    fn shared_bytes_by_lines() {
        assert_eq!(share(b"a\nbb\nccc\n", b"ccc\na\n"), 6);
        assert_eq!(share(b"a\r\nb\r\n", b"a\nb\n"), 4, "the line ends of Windows do not count");
        assert_eq!(share(b"", b"x"), 0);
        let long = vec![b'x'; 200];
        assert_eq!(share(&long, &long[..128]), 128, "pieces of 64 bytes where there are no lines");
    }

    #[test]
    fn the_best_four_are_kept() {
        let candidate = |score, removed| Candidate { score, same_name: false, removed, added: 0 };
        let mut best = Vec::new();
        for (at, score) in [3, 1, 2, 1, 9, 1].into_iter().enumerate() {
            keep(&mut best, candidate(score, at));
        }
        let kept: Vec<_> = best.iter().map(|c| (c.score, c.removed)).collect();
        assert_eq!(kept, [(3, 0), (9, 4), (2, 2), (1, 3)]);
    }
}
