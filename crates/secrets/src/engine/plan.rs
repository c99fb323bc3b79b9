//! How a pattern is searched for, decided from its syntax tree alone.
//!
//! Running every expression over every byte is what makes secret scanners slow. From the tree of an
//! expression we prove one of two facts that let it run at a few places only and still find exactly
//! what a run over the whole text finds:
//!
//! * **Anchored**: every match begins, behind an optional lazy class prefix such as `[\w.-]{0,50}?`, with one
//!   of a few literals. The core (the expression without that prefix) is run anchored at each literal. For
//!   literals k1 < k2 at which the core matches, the leftmost start reachable from k1 is not right of the one
//!   reachable from k2, and at that start the lazy prefix prefers k1; so taking the literals from left to right,
//!   and extending each match to the left by prefix bytes down to the end of the match before, yields the
//!   leftmost-first, non-overlapping matches.
//! * **Windowed**: every match contains one of a few literals, and has at most `bounded` bytes outside a
//!   set of `free` bytes. A match then lies inside the stretch around a literal that holds at most
//!   `bounded` bytes outside `free` on each side; merged stretches are searched one by one.
//!
//! Otherwise the pattern runs over the whole text, once its keyword was seen.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// A set of bytes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ByteSet(pub(crate) [u64; 4]);

impl std::fmt::Debug for ByteSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ByteSet({} bytes)", self.len())
    }
}

impl ByteSet {
    /// No byte.
    pub(crate) const EMPTY: Self = Self([0; 4]);

    /// Adds a byte.
    pub(super) fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Adds every member of `other`.
    pub(crate) fn union_with(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a |= b);
    }

    /// Whether `byte` is a member.
    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
    }

    /// Number of members.
    pub(crate) fn len(&self) -> u32 {
        self.0.iter().map(|w| w.count_ones()).sum()
    }
}

/// How far a match can reach: at most `bounded` bytes outside `free`, any number inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Bytes outside `free`.
    pub(crate) bounded: usize,
    /// Bytes that unbounded repetitions can take.
    pub(crate) free: ByteSet,
}

impl Reach {
    /// First offset that no match containing a byte right before `end` can include, looking right from `end`.
    pub(crate) fn right(&self, text: &[u8], end: usize) -> usize {
        let mut left = self.bounded;
        for (at, byte) in text[end..].iter().enumerate() {
            if !self.free.contains(*byte) {
                if left == 0 {
                    return end + at;
                }
                left -= 1;
            }
        }
        text.len()
    }

    /// Smallest offset that a match containing the byte at `start` can include, looking left from `start`.
    pub(crate) fn left(&self, text: &[u8], start: usize) -> usize {
        let mut left = self.bounded;
        for at in (0..start).rev() {
            if !self.free.contains(text[at]) {
                if left == 0 {
                    return at + 1;
                }
                left -= 1;
            }
        }
        0
    }
}

/// A lazy class repetition in front of the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prefix {
    /// Bytes it takes.
    pub(crate) class: ByteSet,
    /// Most bytes it takes.
    pub(crate) max: usize,
}

/// See the module text.
#[derive(Debug, Clone)]
pub(crate) enum Plan {
    /// Run the core at each literal.
    Anchored { literals: Vec<Vec<u8>>, prefix: Option<Prefix> },
    /// Run the expression in stretches around each literal.
    Windowed { literals: Vec<Vec<u8>>, reach: Reach },
    /// Run the expression over the whole text.
    Whole,
}

/// Most literals that one pattern may bring to the scanner.
const MAX_LITERALS: usize = 200;
/// Longest literal that is worth having.
const MAX_LENGTH: usize = 16;
/// Shortest literal that is selective enough.
const MIN_LENGTH: usize = 3;
/// A window wider than this on one side is no better than the whole text.
const MAX_BOUNDED: usize = 1 << 16;

/// Decides how to search for a parsed pattern. `keywords` are preferred as window literals.
pub(crate) fn plan(hir: &Hir, keywords: &[String]) -> Plan {
    let (prefix, core) = split_prefix(hir);
    if let Some(literals) = leading(core.as_ref().unwrap_or(hir)) {
        return Plan::Anchored { literals, prefix };
    }
    let whole = reach(hir);
    if whole.bounded <= MAX_BOUNDED && whole.free.len() < 160 {
        let folded: Vec<Vec<u8>> = keywords.iter().map(|k| k.to_ascii_lowercase().into_bytes()).collect();
        if !folded.is_empty() && covers(hir, &folded) {
            return Plan::Windowed { literals: folded, reach: whole };
        }
        if let Some(literals) = inner(hir) {
            return Plan::Windowed { literals, reach: whole };
        }
    }
    Plan::Whole
}

/// Splits a leading `[class]{0,n}?` off a concatenation: the prefix, and the core behind it.
fn split_prefix(hir: &Hir) -> (Option<Prefix>, Option<Hir>) {
    let split = || {
        let (repetition, core) = lazy_head(hir)?;
        let class = single_byte(&repetition.sub)?;
        Some((Prefix { class, max: repetition.max.map_or(usize::MAX, |m| m as usize) }, core))
    };
    split().map_or((None, None), |(prefix, core)| (Some(prefix), Some(core)))
}

/// The core of a pattern that was split, read in the character alphabet. Its prefix class may then hold the two
/// characters outside ASCII that fold to `k` and `s`; prefixes are extended by ASCII bytes only.
pub(crate) fn core_of(hir: &Hir) -> Option<Hir> {
    lazy_head(hir).map(|(_, core)| core)
}

fn lazy_head(hir: &Hir) -> Option<(&Repetition, Hir)> {
    let HirKind::Concat(subs) = hir.kind() else { return None };
    match subs.first()?.kind() {
        HirKind::Repetition(repetition @ Repetition { min: 0, greedy: false, .. }) => {
            Some((repetition, Hir::concat(subs[1..].to_vec())))
        }
        _ => None,
    }
}

/// The set of bytes of an expression that matches exactly one byte.
fn single_byte(hir: &Hir) -> Option<ByteSet> {
    let properties = hir.properties();
    (properties.minimum_len() == Some(1) && properties.maximum_len() == Some(1)).then(|| bytes_of(hir))
}

/// Every byte that can occur in a match.
fn bytes_of(hir: &Hir) -> ByteSet {
    let mut set = ByteSet::EMPTY;
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.iter().for_each(|b| set.insert(*b)),
        HirKind::Class(Class::Bytes(class)) => {
            class.ranges().iter().flat_map(|r| r.start()..=r.end()).for_each(|b| set.insert(b));
        }
        HirKind::Class(Class::Unicode(class)) => {
            for range in class.ranges() {
                (0..=255u8)
                    .filter(|b| *b >= 0x80 || range.start() <= char::from(*b) && char::from(*b) <= range.end())
                    .filter(|b| *b < 0x80 || range.end() as u32 >= 0x80)
                    .for_each(|b| set.insert(b));
            }
        }
        HirKind::Repetition(rep) => set = bytes_of(&rep.sub),
        HirKind::Capture(cap) => set = bytes_of(&cap.sub),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => subs.iter().for_each(|s| set.union_with(&bytes_of(s))),
        HirKind::Empty | HirKind::Look(_) => {}
    }
    set
}

/// How far a match of `hir` can reach. Unbounded repetitions make their bytes free.
pub(crate) fn reach(hir: &Hir) -> Reach {
    let mut free = ByteSet::EMPTY;
    let bounded = bounded_len(hir, &mut free);
    Reach { bounded, free }
}

fn bounded_len(hir: &Hir, free: &mut ByteSet) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(_) | HirKind::Class(_) => hir.properties().maximum_len().unwrap_or(4),
        HirKind::Repetition(rep) => match rep.max {
            None => {
                free.union_with(&bytes_of(&rep.sub));
                0
            }
            Some(max) => bounded_len(&rep.sub, free).saturating_mul(max as usize),
        },
        HirKind::Capture(cap) => bounded_len(&cap.sub, free),
        HirKind::Concat(subs) => subs.iter().fold(0usize, |sum, s| sum.saturating_add(bounded_len(s, free))),
        HirKind::Alternation(subs) => subs.iter().map(|s| bounded_len(s, free)).max().unwrap_or(0),
    }
}

/// A finite set of folded strings, each the beginning of what an expression matches.
#[derive(Clone)]
struct Strings {
    members: Vec<Vec<u8>>,
    /// Whether the members are the whole of what is matched.
    exact: bool,
}

impl Strings {
    fn empty_string() -> Self {
        Self { members: vec![Vec::new()], exact: true }
    }

    fn unknown() -> Self {
        Self { members: vec![Vec::new()], exact: false }
    }

    fn append(mut self, next: &Self) -> Self {
        // Long enough already: telling more strings apart would only make more literals.
        let selective = next.members.len() > 1 && self.members.iter().all(|m| m.len() >= MIN_LENGTH);
        if !self.exact || selective || self.members.len() * next.members.len() > MAX_LITERALS {
            self.exact = false;
            return self;
        }
        let mut members = Vec::with_capacity(self.members.len() * next.members.len());
        for head in &self.members {
            members.extend(next.members.iter().map(|tail| [head.as_slice(), tail].concat()));
        }
        let mut joined = Self { members, exact: next.exact };
        joined.normalise();
        joined
    }

    fn join(mut self, other: Self) -> Self {
        self.members.extend(other.members);
        self.exact &= other.exact;
        self.normalise();
        self
    }

    fn normalise(&mut self) {
        for member in &mut self.members {
            if member.len() > MAX_LENGTH {
                member.truncate(MAX_LENGTH);
                self.exact = false;
            }
        }
        self.members.sort();
        self.members.dedup();
    }
}

/// The strings with which a match can begin, folded to lower case.
fn strings(hir: &Hir) -> Strings {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Strings::empty_string(),
        HirKind::Literal(literal) => Strings { members: vec![literal.0.to_ascii_lowercase()], exact: true },
        HirKind::Class(_) => {
            let set = bytes_of(hir);
            let single = hir.properties().maximum_len() == Some(1);
            let mut members: Vec<Vec<u8>> =
                (0..=255u8).filter(|b| set.contains(*b)).map(|b| vec![b.to_ascii_lowercase()]).collect();
            members.sort();
            members.dedup();
            if single && members.len() <= 40 { Strings { members, exact: true } } else { Strings::unknown() }
        }
        HirKind::Capture(cap) => strings(&cap.sub),
        HirKind::Concat(subs) => subs
            .iter()
            .fold(Strings::empty_string(), |head, sub| if head.exact { head.append(&strings(sub)) } else { head }),
        HirKind::Alternation(subs) => {
            let mut all = subs.iter().map(strings);
            let first = all.next().unwrap_or_else(Strings::unknown);
            let joined = all.fold(first, Strings::join);
            if joined.members.len() > MAX_LITERALS { Strings::unknown() } else { joined }
        }
        HirKind::Repetition(rep) => repeated(rep),
    }
}

fn repeated(rep: &Repetition) -> Strings {
    let once = strings(&rep.sub);
    let mut head = Strings::empty_string();
    for _ in 0..rep.min.min(MAX_LENGTH as u32) {
        head = head.append(&once);
        if !head.exact {
            return head;
        }
    }
    match rep.max {
        Some(max) if max == rep.min => head,
        Some(1) if rep.min == 0 => once.join(Strings::empty_string()),
        _ => Strings { exact: false, ..head },
    }
}

/// Literals with one of which every match begins, if they are selective enough.
fn leading(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let found = strings(hir);
    selective(found.members)
}

fn selective(mut members: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    // A literal that another one begins adds nothing.
    members.sort();
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for member in members {
        if !kept.last().is_some_and(|k| member.starts_with(k)) {
            kept.push(member);
        }
    }
    let good = !kept.is_empty() && kept.len() <= MAX_LITERALS && kept.iter().all(|m| m.len() >= MIN_LENGTH);
    good.then_some(kept)
}

/// Whether every match contains one of the folded `literals`.
fn covers(hir: &Hir, literals: &[Vec<u8>]) -> bool {
    let hit = |member: &Vec<u8>| literals.iter().any(|l| member.windows(l.len().max(1)).any(|w| w == l.as_slice()));
    if strings(hir).members.iter().all(hit) {
        return true;
    }
    match hir.kind() {
        HirKind::Capture(cap) => covers(&cap.sub, literals),
        HirKind::Repetition(rep) => rep.min > 0 && covers(&rep.sub, literals),
        HirKind::Alternation(subs) => subs.iter().all(|s| covers(s, literals)),
        HirKind::Concat(subs) => {
            subs.iter().any(|s| covers(s, literals))
                || (1..subs.len()).any(|at| strings(&Hir::concat(subs[at..].to_vec())).members.iter().all(hit))
        }
        _ => false,
    }
}

/// The most selective literals that every match contains, from inside the expression.
fn inner(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let own = selective(strings(hir).members);
    let below = match hir.kind() {
        HirKind::Capture(cap) => inner(&cap.sub),
        HirKind::Repetition(rep) if rep.min > 0 => inner(&rep.sub),
        HirKind::Concat(subs) => {
            let tails = (1..subs.len()).filter_map(|at| selective(strings(&Hir::concat(subs[at..].to_vec())).members));
            subs.iter().filter_map(inner).chain(tails).max_by_key(|l| shortest(l))
        }
        HirKind::Alternation(subs) => {
            let all: Option<Vec<_>> = subs.iter().map(inner).collect();
            all.and_then(|lists| selective(lists.concat()))
        }
        _ => None,
    };
    own.into_iter().chain(below).max_by_key(|l| shortest(l))
}

/// Length of the shortest literal, then fewness: how selective a list is.
fn shortest(literals: &[Vec<u8>]) -> (usize, std::cmp::Reverse<usize>) {
    (literals.iter().map(Vec::len).min().unwrap_or(0), std::cmp::Reverse(literals.len()))
}

#[cfg(test)]
mod tests {
    use super::super::pattern::{Alphabet, parse};
    use super::*;

    fn of(pattern: &str, keywords: &[&str]) -> Plan {
        let keywords: Vec<String> = keywords.iter().map(|k| (*k).to_owned()).collect();
        plan(&parse(pattern, Alphabet::Bytes).unwrap(), &keywords)
    }

    fn literals(plan: &Plan) -> Vec<String> {
        match plan {
            Plan::Anchored { literals, .. } | Plan::Windowed { literals, .. } => {
                literals.iter().map(|l| String::from_utf8_lossy(l).into_owned()).collect()
            }
            Plan::Whole => Vec::new(),
        }
    }

    #[test]
    fn a_literal_at_the_start_anchors() {
        let plan = of(r"\b(gh[pousr]_[0-9A-Za-z]{36})\b", &["ghp_"]);
        assert!(matches!(plan, Plan::Anchored { prefix: None, .. }));
        assert_eq!(literals(&plan), ["gho_", "ghp_", "ghr_", "ghs_", "ghu_"]);
    }

    #[test]
    fn a_lazy_prefix_is_split_off() {
        let plan = of(r#"(?i)[\w.-]{0,50}?(?:adafruit)(?:[ \t\w.-]{0,20})=([a-z0-9]{32})"#, &["adafruit"]);
        let Plan::Anchored { prefix: Some(prefix), .. } = &plan else { panic!("{plan:?}") };
        assert_eq!((prefix.max, prefix.class.len()), (50, 65));
        assert!(literals(&plan).iter().all(|l| l.starts_with("adafruit")));
    }

    #[test]
    fn a_literal_inside_makes_windows() {
        let plan = of(r"[0-9a-f]{32}-us[0-9]{1,2}", &["-us"]);
        let Plan::Windowed { reach, .. } = &plan else { panic!("{plan:?}") };
        assert_eq!((literals(&plan), reach.bounded), (vec!["-us".to_owned()], 37));
    }

    #[test]
    fn nothing_to_hold_on_to_is_whole() {
        assert!(matches!(of(r"[0-9a-f]{32}", &["x"]), Plan::Whole));
    }
}
