//! What loaded rules say beyond an expression, judged as the tools judge it that they were written for: filters of
//! Betterleaks, composite rules, rules about paths, and rules that yield to others.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
};

use testudo_source::LineIndex;

use super::{Candidate, Place, SecretsDetector, line_around};
use crate::{
    entropy::shannon,
    expr::{Env, EvalError, Expr, Map, Value},
    rule::{Conventions, Part, Required, Rule, Ruleset, Subject, Window},
    tokens::Counter,
};

/// Bytes on each side of a match that filters see. Those of Betterleaks look at 8,192.
const FRAGMENT: usize = 1 << 14;

/// What on the line of a match says that it is known.
const ALLOWED: [&[u8]; 2] = [b"gitleaks:allow", b"betterleaks:allow"];

fn attributes(path: &str) -> Map {
    Map::of_fields([("path", Value::text(path)), ("resource", Value::text("fs.content"))])
}

/// Whether a prefilter leaves out a file.
pub(super) fn skips(prefilters: &[Expr], path: &str) -> bool {
    !prefilters.is_empty() && {
        let env = Env { attributes: attributes(path), ..Env::default() };
        prefilters.iter().any(|f| f.matches(&env).unwrap_or(false))
    }
}

/// Judges a match by what its rule says and nothing else.
pub(super) fn judge(
    detector: &SecretsDetector,
    place: &Place<'_>,
    text: &[u8],
    found: Range<usize>,
    index: usize,
) -> Option<Candidate> {
    let rule = &detector.rules[index];
    let trimmed = without_breaks(text, found.clone());
    let range = secret_of(rule, text, &found, &trimmed)?;
    let (matched, secret) = (&text[trimmed.clone()], &text[range.clone()]);
    let bits = shannon(secret);
    if rule.entropy > 0.0 && bits <= rule.entropy {
        return None;
    }
    let line = line_around(text, &trimmed);
    if ALLOWED.iter().any(|mark| memchr::memmem::find(line, mark).is_some()) {
        return None;
    }
    let subject = Subject { secret, matched, line, path: &place.display, commit: "" };
    let mut lists = detector.allowlists.iter().chain(&rule.allowlists);
    if lists.any(|a| a.allows(&subject)) || rule.allowlists.iter().any(|a| a.allows_place(&place.display, "")) {
        return None;
    }
    let confidence = Cell::new(None);
    let mut filters = detector.filters.iter().chain(&rule.filter).peekable();
    if filters.peek().is_some() {
        let finding = finding(rule, text, &found, &subject, bits);
        let env = Env {
            finding,
            attributes: attributes(&place.display),
            tokens: Some(&Counter),
            confidence: Some(&confidence),
            ..Env::default()
        };
        // One that cannot be evaluated keeps the finding.
        if filters.any(|f| f.matches(&env).unwrap_or(false)) {
            return None;
        }
    }
    if skips(rule.prefilter.as_slice(), &place.display) {
        return None;
    }
    Some(Candidate {
        info: index,
        rule: Some(index),
        range,
        matched: trimmed,
        value: String::from_utf8_lossy(secret).into_owned(),
        confidence: confidence.get().unwrap_or(rule.info.confidence),
        proven: false,
        generic: false,
        decoded: Vec::new(),
    })
}

/// Computes every filter and prefilter that a match of `secret` by a rule would be asked about, as a scan does.
///
/// # Errors
/// A filter cannot be computed. A scan keeps the finding then.
pub fn compute_filters(set: &Ruleset, rule: &Rule, secret: &str) -> Result<(), EvalError> {
    let (bytes, path) = (secret.as_bytes(), "src/app.conf");
    let subject = Subject { secret: bytes, matched: bytes, line: bytes, path, commit: "" };
    let confidence = Cell::new(None);
    let env = Env {
        finding: finding(rule, bytes, &(0..bytes.len()), &subject, shannon(bytes)),
        attributes: attributes(path),
        tokens: Some(&Counter),
        confidence: Some(&confidence),
        ..Env::default()
    };
    set.filters.iter().chain(&rule.filter).try_for_each(|filter| filter.matches(&env).map(drop))?;
    let before = Env { attributes: attributes(path), ..Env::default() };
    set.prefilters.iter().chain(&rule.prefilter).try_for_each(|filter| filter.matches(&before).map(drop))
}

/// What filters know as `finding`.
fn finding(rule: &Rule, text: &[u8], found: &Range<usize>, subject: &Subject<'_>, bits: f64) -> Map {
    let (from, to) = (found.start.saturating_sub(FRAGMENT), text.len().min(found.end + FRAGMENT));
    // Offsets count in the text as filters see it, in which bytes that are no UTF-8 are replaced.
    let mut fragment = String::from_utf8_lossy(&text[from..found.start]).into_owned();
    let start = fragment.len();
    let line_start = fragment.rfind(['\r', '\n']).map_or(0, |at| at + 1);
    fragment.push_str(&String::from_utf8_lossy(&text[found.clone()]));
    let end = fragment.len();
    fragment.push_str(&String::from_utf8_lossy(&text[found.end..to]));
    let line_end = fragment[end..].find(['\r', '\n']).map_or(fragment.len(), |at| end + at);
    let text = |bytes: &[u8]| Value::text(&String::from_utf8_lossy(bytes));
    let offset = |at: usize| Value::Int(at as i64);
    Map::of_fields([
        ("secret", text(subject.secret)),
        ("match", text(subject.matched)),
        ("line", text(subject.line)),
        ("rule_id", Value::text(&rule.info.id)),
        ("description", Value::text(&rule.info.title)),
        ("entropy", Value::text(&bits.to_string())),
        ("context", Value::text(&fragment)),
        ("fragment_raw", Value::text(&fragment)),
        ("match_start_idx", offset(start)),
        ("match_end_idx", offset(end)),
        ("match_line_start_idx", offset(line_start)),
        ("match_line_end_idx", offset(line_end)),
    ])
}

/// A match without the line breaks around it.
fn without_breaks(text: &[u8], found: Range<usize>) -> Range<usize> {
    let matched = &text[found.clone()];
    let start = matched.iter().take_while(|b| **b == b'\n').count();
    let end = matched.iter().rev().take_while(|b| **b == b'\n').count();
    if start == matched.len() { found.start..found.start } else { found.start + start..found.end - end }
}

/// The secret in a match: the rule's group, or the first group that is not empty. Without groups, the match.
fn secret_of(rule: &Rule, text: &[u8], found: &Range<usize>, trimmed: &Range<usize>) -> Option<Range<usize>> {
    let pattern = rule.pattern()?;
    let alone = || {
        let groups = pattern.captures(&text[trimmed.clone()])?;
        let lifted = |group: Option<Range<usize>>| group.map(|g| g.start + trimmed.start..g.end + trimmed.start);
        Some(groups.into_iter().map(lifted).collect::<Vec<_>>())
    };
    let groups = pattern.captures_at(text, found).or_else(alone).unwrap_or_default();
    match rule.secret_group {
        _ if groups.len() < 2 => Some(trimmed.clone()),
        0 => Some(groups[1..].iter().flatten().find(|group| !group.is_empty()).unwrap_or(trimmed).clone()),
        group => groups.get(group).map(|range| range.clone().unwrap_or(trimmed.start..trimmed.start)),
    }
}

/// Findings of rules that look at the path alone.
pub(super) fn path_rules(detector: &SecretsDetector, place: &Place<'_>) -> Vec<Candidate> {
    let by_path = |rule: &crate::rule::Rule| {
        rule.regex.is_none() && rule.path.as_ref().is_some_and(|p| p.is_match(place.display.as_bytes()))
    };
    let matching = detector.rules.iter().enumerate().filter(|(_, rule)| by_path(rule));
    let allowed = |rule: &crate::rule::Rule| rule.allowlists.iter().any(|a| a.allows_place(&place.display, ""));
    matching
        .filter(|(_, rule)| !allowed(rule))
        .map(|(index, rule)| Candidate {
            info: index,
            rule: Some(index),
            range: 0..0,
            matched: 0..0,
            value: place.display.clone(),
            confidence: rule.info.confidence,
            proven: false,
            generic: false,
            decoded: Vec::new(),
        })
        .collect()
}

/// Splits what was found into candidates that are judged by our conventions and the findings of loaded rules: without those
/// whose other parts are not near, those that only serve as parts, and those that another rule tells better.
///
/// Where our rules run too, everything is judged by our conventions: two rules may know the same token.
pub(super) fn settle(
    detector: &SecretsDetector,
    text: &[u8],
    found: Vec<Candidate>,
) -> (Vec<Candidate>, Vec<Candidate>) {
    let rule = |c: &Candidate| c.rule.map(|r| &detector.rules[r]);
    if found
        .iter()
        .all(|c| rule(c).is_none_or(|r| r.conventions == Conventions::Own && r.required.is_empty() && !r.skip_report))
    {
        return (found, Vec::new());
    }
    let lines = LineIndex::new(text);
    let (reported, parts) = complete(detector, &lines, found);
    if detector.own > 0 {
        return (reported, Vec::new());
    }
    let foreign = |c: &Candidate| rule(c).is_some_and(|r| r.conventions != Conventions::Own);
    let (foreign, own): (Vec<_>, Vec<_>) = reported.into_iter().partition(foreign);
    (own, without_lesser(detector, &lines, foreign, &parts))
}

/// Drops findings of composite rules whose other parts are not near, those parts where they were near, and findings of rules
/// that only serve as parts. The parts that others took come second, each once.
fn complete(
    detector: &SecretsDetector,
    lines: &LineIndex<'_>,
    found: Vec<Candidate>,
) -> (Vec<Candidate>, Vec<Candidate>) {
    let reported = |c: &Candidate| c.rule.is_none_or(|r| !detector.rules[r].skip_report);
    let mut kept: Vec<bool> = found.iter().map(reported).collect();
    let taken = take_parts(detector, lines, &found, &mut kept);
    let parts = found.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(part, _)| part.clone()).collect();
    let flags = kept.into_iter().zip(taken).map(|(kept, taken)| kept && !taken);
    (found.into_iter().zip(flags).filter_map(|(candidate, kept)| kept.then_some(candidate)).collect(), parts)
}

/// Which findings others took as their parts. Findings that miss a part are no longer kept.
fn take_parts(detector: &SecretsDetector, lines: &LineIndex<'_>, found: &[Candidate], kept: &mut [bool]) -> Vec<bool> {
    let mut taken = vec![false; found.len()];
    let mut composite: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut by_id: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, candidate) in found.iter().enumerate() {
        by_id.entry(&detector.infos[candidate.info].id).or_default().push(at);
        if let Some(rule) = candidate.rule.filter(|r| !detector.rules[*r].required.is_empty()) {
            composite.entry(rule).or_default().push(at);
        }
    }
    if composite.is_empty() {
        return taken;
    }
    let spots = spots(lines, found);
    for (rule, findings) in composite {
        let others = |r: &Required| by_id.get(r.id.as_str()).cloned().unwrap_or_default();
        let required = &detector.rules[rule].required;
        let mut all: Vec<_> = required.iter().map(|r| (r, Nearby::new(&spots, others(r), &axes(r)))).collect();
        for at in findings {
            let here = &spots[at];
            kept[at] &= all.iter().all(|(r, nearby)| r.optional || nearby.any(Nearby::ROOT, &Reach::of(here, r)));
            for (r, nearby) in all.iter_mut().filter(|(r, _)| kept[at] && r.part == Part::Absorbed) {
                nearby.take(Nearby::ROOT, &Reach::of(here, r), &mut taken);
            }
        }
    }
    taken
}

/// Where a match is, in every measure in which rules may limit how far away another is.
type Spot = [usize; 7];

/// Offset of the first byte.
const START: usize = 0;
/// Offset after the last byte.
const END: usize = 1;
/// Line of the first byte.
const FIRST: usize = 2;
/// Line of the offset after the last byte.
const LAST: usize = 3;
/// Column of the first byte, in characters.
const COLUMN: usize = 4;
/// Column of the first byte, in bytes.
const FROM: usize = 5;
/// Column after the last byte, in bytes.
const TO: usize = 6;

/// Where each finding is.
fn spots(lines: &LineIndex<'_>, found: &[Candidate]) -> Vec<Spot> {
    let mut order: Vec<usize> = (0..found.len()).collect();
    // Characters are counted on from the place that was asked last, so that a long line is read once.
    order.sort_by_key(|at| found[*at].matched.start);
    let mut spots = vec![Spot::default(); found.len()];
    for at in order {
        spots[at] = spot(lines, &found[at].matched);
    }
    spots
}

fn spot(lines: &LineIndex<'_>, matched: &Range<usize>) -> Spot {
    let (first, last) = (lines.line_of(matched.start), lines.line_of(matched.end));
    let column = |at: usize, line: usize| at - lines.line_range(line).start;
    let characters = lines.position(matched.start).column as usize;
    let (from, to) = (column(matched.start, first), column(matched.end, last));
    [matched.start, matched.end, first, last, characters, from, to]
}

/// The measures that a requirement limits; one at least, since others are told apart by them.
fn axes(required: &Required) -> Vec<usize> {
    let window: &[usize] = match required.window {
        Some(Window { lines: Some(_), columns: Some(_) }) => &[FIRST, FROM, LAST, TO],
        Some(Window { lines: Some(_), columns: None }) => &[FIRST, LAST],
        Some(Window { lines: None, .. }) => &[START, END],
        None => &[],
    };
    let mut axes = window.to_vec();
    axes.extend(required.within_lines.map(|_| FIRST));
    axes.extend(required.within_columns.map(|_| COLUMN));
    if axes.is_empty() {
        axes.push(START);
    }
    axes
}

/// From where to where another match may be, in each measure; the ends are outside.
struct Reach([Range<usize>; 7]);

impl Reach {
    /// What a requirement allows around a match.
    fn of(here: &Spot, required: &Required) -> Self {
        let mut reach = Self(std::array::from_fn(|_| 0..usize::MAX));
        let around = |at: usize, n: u32| at.saturating_sub(n as usize)..at.saturating_add(n as usize).saturating_add(1);
        if let Some(n) = required.within_lines {
            reach.narrow(FIRST, around(here[FIRST], n));
        }
        if let Some(n) = required.within_columns {
            reach.narrow(COLUMN, around(here[COLUMN], n));
        }
        if let Some(window) = required.window {
            reach.narrow_to(here, window);
        }
        reach
    }

    fn narrow(&mut self, axis: usize, to: Range<usize>) {
        let range = &mut self.0[axis];
        *range = range.start.max(to.start)..range.end.min(to.end);
    }

    fn narrow_to(&mut self, here: &Spot, window: Window) {
        let Some((above, below)) = window.lines else {
            let (before, after) = window.columns.unwrap_or((u32::MAX, u32::MAX));
            self.narrow(START, 0..here[END].saturating_add(after as usize));
            return self.narrow(END, here[START].saturating_sub(before as usize) + 1..usize::MAX);
        };
        self.narrow(LAST, here[FIRST].saturating_sub(above as usize)..usize::MAX);
        self.narrow(FIRST, 0..here[LAST].saturating_add(below as usize).saturating_add(1));
        // Columns of a match of several lines mean nothing for the others.
        if let Some((before, after)) = window.columns.filter(|_| here[FIRST] == here[LAST]) {
            self.narrow(FROM, 0..here[TO].saturating_add(after as usize));
            self.narrow(TO, (here[FROM] + 1).saturating_sub(before as usize)..usize::MAX);
        }
    }

    fn holds(&self, spot: &Spot) -> bool {
        self.0.iter().zip(spot).all(|(range, at)| range.contains(at))
    }

    /// Whether nothing between two corners can be within reach.
    fn misses(&self, low: &Spot, high: &Spot) -> bool {
        self.0.iter().zip(low.iter().zip(high)).any(|(range, (low, high))| *high < range.start || *low >= range.end)
    }
}

/// Findings of one rule, halved again and again by where they are. What is near a match is found without a look at all of
/// them: a line of many thousand pairs must not cost its square.
struct Nearby<'a> {
    spots: &'a [Spot],
    /// Indexes of the findings; those of a node stand together.
    order: Vec<usize>,
    nodes: Vec<Node>,
}

struct Node {
    /// Its findings, in `order`.
    range: Range<usize>,
    /// The least of every measure in it.
    low: Spot,
    /// The most of every measure in it.
    high: Spot,
    /// Its halves, where it has enough to be halved.
    halves: Option<[usize; 2]>,
    /// Whether all in it were taken, and there is nothing left to do.
    taken: bool,
}

impl<'a> Nearby<'a> {
    /// The node of all findings.
    const ROOT: usize = 0;
    /// So many findings are looked at one by one.
    const FEW: usize = 8;

    fn new(spots: &'a [Spot], order: Vec<usize>, axes: &[usize]) -> Self {
        let all = 0..order.len();
        let mut nearby = Self { spots, order, nodes: Vec::new() };
        nearby.grow(all, axes, 0);
        nearby
    }

    /// Adds the node of a range and those below it. Each level is halved by another measure.
    fn grow(&mut self, range: Range<usize>, axes: &[usize], depth: usize) -> usize {
        let at = self.nodes.len();
        self.nodes.push(self.node(range.clone()));
        if range.len() > Self::FEW {
            let (spots, axis, half) = (self.spots, axes[depth % axes.len()], range.len() / 2);
            let middle = range.start + half;
            self.order[range.clone()].select_nth_unstable_by_key(half, |o| (spots[*o][axis], *o));
            let left = self.grow(range.start..middle, axes, depth + 1);
            let right = self.grow(middle..range.end, axes, depth + 1);
            self.nodes[at].halves = Some([left, right]);
        }
        at
    }

    fn node(&self, range: Range<usize>) -> Node {
        let (mut low, mut high) = ([usize::MAX; 7], [0; 7]);
        for spot in self.order[range.clone()].iter().map(|o| &self.spots[*o]) {
            low = std::array::from_fn(|axis| low[axis].min(spot[axis]));
            high = std::array::from_fn(|axis| high[axis].max(spot[axis]));
        }
        Node { range, low, high, halves: None, taken: false }
    }

    /// Whether a finding below a node is within reach.
    fn any(&self, at: usize, reach: &Reach) -> bool {
        let node = &self.nodes[at];
        if node.range.is_empty() || reach.misses(&node.low, &node.high) {
            return false;
        }
        if reach.holds(&node.low) && reach.holds(&node.high) {
            return true;
        }
        match node.halves {
            Some(halves) => halves.into_iter().any(|half| self.any(half, reach)),
            None => self.order[node.range.clone()].iter().any(|o| reach.holds(&self.spots[*o])),
        }
    }

    /// Takes all findings below a node that are within reach. Nodes that were taken whole are passed by, so that many
    /// matches that share their parts cost little more than the parts.
    fn take(&mut self, at: usize, reach: &Reach, taken: &mut [bool]) {
        let node = &self.nodes[at];
        if node.taken || node.range.is_empty() || reach.misses(&node.low, &node.high) {
            return;
        }
        let whole = reach.holds(&node.low) && reach.holds(&node.high);
        if let Some(halves) = node.halves.filter(|_| !whole) {
            halves.into_iter().for_each(|half| self.take(half, reach, taken));
            self.nodes[at].taken = halves.into_iter().all(|half| self.nodes[half].taken);
            return;
        }
        let findings = &self.order[node.range.clone()];
        findings.iter().for_each(|o| taken[*o] |= whole || reach.holds(&self.spots[*o]));
        // What another rule took is taken, too.
        let all = findings.iter().all(|o| taken[*o]);
        self.nodes[at].taken = all;
    }
}

/// Without findings whose value is a part of another finding on the same line, or was found there by another rule of more
/// rank, reported or as a part.
fn without_lesser(
    detector: &SecretsDetector,
    lines: &LineIndex<'_>,
    found: Vec<Candidate>,
    parts: &[Candidate],
) -> Vec<Candidate> {
    let line = |c: &Candidate| lines.line_of(c.matched.start);
    let rank = |c: &Candidate| c.rule.map_or(0, |r| detector.rules[r].rank);
    let told: HashSet<(usize, &str)> = parts.iter().map(|part| (line(part), part.value.as_str())).collect();
    let mut by_line: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let all: Vec<&Candidate> = found.iter().chain(parts).collect();
    all.iter().enumerate().for_each(|(at, candidate)| by_line.entry(line(candidate)).or_default().push(at));
    let mut kept: Vec<bool> = found.iter().map(|c| !told.contains(&(line(c), c.value.as_str()))).collect();
    for on_line in by_line.values() {
        let values: Vec<_> = on_line.iter().map(|at| (rank(all[*at]), all[*at].value.as_bytes())).collect();
        let Some(known) = Ranks::of(&values) else { continue };
        for (at, (rank, value)) in on_line.iter().zip(&values).filter(|(at, _)| **at < found.len()) {
            // One of more rank is of another rule: a rule has one rank.
            kept[*at] &= known.of_value(value).is_none_or(|most| most <= *rank);
        }
    }
    let mut kept: Vec<Candidate> = found.into_iter().zip(kept).filter_map(|(c, kept)| kept.then_some(c)).collect();
    kept.dedup_by(|a, b| a.info == b.info && a.range == b.range && a.value == b.value);
    kept
}

/// The most rank of the values on a line that hold a value: an automaton of Aho and Corasick, which reads every value once
/// however many there are. Asking each value about each other takes minutes on a line of a megabyte.
struct Ranks {
    /// The state after a state and a byte.
    edges: HashMap<(usize, u8), usize>,
    states: Vec<State>,
}

/// A beginning of a value that is looked for.
#[derive(Clone, Copy)]
struct State {
    parent: usize,
    byte: u8,
    depth: usize,
    /// The state of the longest other end of it that also begins a value.
    shorter: usize,
    /// The most rank of the values that hold it.
    most: i32,
}

impl Ranks {
    /// Reads values with their ranks. None where all have the same, and no value has to yield.
    fn of(values: &[(i32, &[u8])]) -> Option<Self> {
        let (least, most) =
            values.iter().fold((i32::MAX, i32::MIN), |(least, most), (rank, _)| (least.min(*rank), most.max(*rank)));
        if least >= most {
            return None;
        }
        let root = State { parent: 0, byte: 0, depth: 0, shorter: 0, most: i32::MIN };
        let mut ranks = Self { edges: HashMap::new(), states: vec![root] };
        values.iter().filter(|(rank, _)| *rank < most).for_each(|(_, value)| ranks.add(value));
        let mut order: Vec<usize> = (1..ranks.states.len()).collect();
        order.sort_by_key(|at| ranks.states[*at].depth);
        ranks.link(&order);
        values.iter().filter(|(rank, _)| *rank > least).for_each(|(rank, value)| ranks.read(*rank, value));
        ranks.spread(&order);
        Some(ranks)
    }

    /// Adds a value to look for.
    fn add(&mut self, value: &[u8]) {
        let mut at = 0;
        for byte in value {
            let new = self.states.len();
            let next = *self.edges.entry((at, *byte)).or_insert(new);
            if next == new {
                let depth = self.states[at].depth + 1;
                self.states.push(State { parent: at, byte: *byte, depth, shorter: 0, most: i32::MIN });
            }
            at = next;
        }
    }

    /// Finds for each state, shorter ones first, where to go on when no longer one fits.
    fn link(&mut self, order: &[usize]) {
        for at in order {
            let state = self.states[*at];
            if state.depth > 1 {
                self.states[*at].shorter = self.step(self.states[state.parent].shorter, state.byte);
            }
        }
    }

    fn step(&self, mut at: usize, byte: u8) -> usize {
        loop {
            match self.edges.get(&(at, byte)) {
                Some(next) => return *next,
                None if at == 0 => return 0,
                None => at = self.states[at].shorter,
            }
        }
    }

    /// Marks the longest beginnings that a value holds.
    fn read(&mut self, rank: i32, value: &[u8]) {
        let mut at = 0;
        // Every value holds the empty one.
        self.states[at].most = self.states[at].most.max(rank);
        for byte in value {
            at = self.step(at, *byte);
            self.states[at].most = self.states[at].most.max(rank);
        }
    }

    /// What holds a state holds its ends.
    fn spread(&mut self, order: &[usize]) {
        for at in order.iter().rev() {
            let State { shorter, most, .. } = self.states[*at];
            self.states[shorter].most = self.states[shorter].most.max(most);
        }
    }

    /// The most rank of the values that hold this one; none where it was not looked for.
    fn of_value(&self, value: &[u8]) -> Option<i32> {
        let state = value.iter().try_fold(0, |at, byte| self.edges.get(&(at, *byte)).copied())?;
        Some(self.states[state].most)
    }
}

#[cfg(test)]
mod tests {
    use testudo_model::{Confidence, Finding};

    use super::super::{Display, FingerprintKey, Options, Own};
    use super::*;
    use crate::load::gitleaks::{NoExtend, load};

    /// Rule, value, line and confidence of each finding.
    fn found(rules: &str, text: &str) -> Vec<(String, String, u32, Confidence)> {
        let set = load("rules.toml", rules, &NoExtend).unwrap();
        let options = Options {
            key: FingerprintKey([7; 32]),
            decode_depth: 0,
            display: Display::Clear,
            disabled: Vec::new(),
            least: Confidence::Low,
        };
        let detector = SecretsDetector::with_rules(vec![set], Own::Replace, options).unwrap();
        let value = |f: &Finding| f.properties["secret"].as_str().unwrap_or_default().to_owned();
        let findings = detector.findings_of("a.txt", text);
        findings.iter().map(|f| (f.rule.clone(), value(f), f.location.line(), f.confidence)).collect()
    }

    fn values(rules: &str, text: &str) -> Vec<String> {
        found(rules, text).into_iter().map(|(rule, value, ..)| format!("{rule} {value}")).collect()
    }

    /// Two rules, the first with more keys.
    fn pair(keys: &str) -> String {
        format!("[[rules]]\nid='a'\nregex='AAA(\\w+)'\n{keys}\n[[rules]]\nid='b'\nregex='BBB(\\w+)'\n")
    }

    #[test]
    fn a_match_is_judged_by_its_rule_alone() {
        let rule = "[[rules]]\nid='a'\nregex='key=(\\w+)'\n";
        assert_eq!(values(rule, "key=changeme"), ["a changeme"]);
        assert!(values(rule, "key=changeme # gitleaks:allow").is_empty());
    }

    #[test]
    fn components_have_to_be_in_the_window() {
        let cases = [
            ("2L", "AAAx\nBBBy", true),
            ("2L", "AAAx\n\nBBBy", false),
            ("+2L", "AAAx\nBBBy", true),
            ("-2L", "AAAx\nBBBy", false),
            ("20C", "AAAfoo.................. BBBy", true),
            ("20C", "AAAfoo.................... BBBy", false),
            ("2L,20C", "AAAfoo\n.................... BBBy", true),
            ("2L,20C", "AAAfoo\n............................. BBBy", false),
        ];
        for (within, text, near) in cases {
            let rules = pair(&format!("components=[{{id='b',within='{within}'}}]"));
            let first = values(&rules, text).iter().any(|v| v.starts_with("a "));
            assert_eq!(first, near, "{within} {text}");
            // A part that was taken is not reported by itself.
            assert_eq!(values(&rules, text).iter().any(|v| v.starts_with("b ")), !near, "{within} {text}");
        }
        assert_eq!(values(&pair("components=[{id='b',optional=true}]"), "AAAx"), ["a x"]);
    }

    #[test]
    fn filters_count_tokens_and_set_the_confidence() {
        let rule = |filter: &str| format!("[[rules]]\nid='a'\nregex='key=(\\w+)'\nfilter='''{filter}'''\n");
        let language = rule(r#"tokenRatio(finding["secret"]) >= 2.5"#);
        assert_eq!(values(&language, "key=password key=a8f7b3c9d2e1"), ["a a8f7b3c9d2e1"]);
        let plain = rule(r#"failsTokenEfficiency(finding["secret"])"#);
        assert_eq!(values(&plain, "key=kitchen9x key=a8f7b3c9d2e1"), ["a a8f7b3c9d2e1"]);
        let level = rule(
            r#"let before = finding["fragment_raw"][:finding["match_start_idx"]];
            let _ = setConfidence((before contains "login") ? "medium" : "low"); false"#,
        );
        assert_eq!(found(&level, "login: key=abc")[0].3, Confidence::Medium);
        assert_eq!(found(&level, "other: key=abc")[0].3, Confidence::Low);
    }

    #[test]
    fn a_rule_of_less_rank_yields() {
        let rules = "[[rules]]\nid='generic'\nregex='key=(\\w+)'\n[[rules]]\nid='special'\nregex='key=sp_\\w+'\n";
        assert_eq!(values(rules, "key=sp_1 key=other"), ["special key=sp_1", "generic other"]);
    }

    #[test]
    fn what_a_part_tells_is_not_told_again() {
        let more = "[[rules]]\nid='generic'\nregex='key=(\\w+)'\n[[rules]]\nid='peer'\nregex='=(\\w+)'\n";
        let rules = |part: &str| {
            format!(
                "[[rules]]\nid='a'\nregex='AAA(\\w+)'\n{part}\n[[rules]]\nid='b'\nregex='key=(BBB\\w+)'\nskipReport=true\n{more}"
            )
        };
        let text = "AAAx key=BBBy";
        assert_eq!(values(&rules("components=[{id='b'}]"), text), ["a x"]);
        assert_eq!(values(&rules(""), text), ["a x", "peer BBBy"]);
    }

    #[test]
    fn groups_are_those_of_the_match_in_its_place() {
        let rules = "[[rules]]\nid='a'\nregex='key=(\\S+)(?:\\)|$)'\n";
        assert_eq!(values(rules, "(key=abc) x"), ["a abc"]);
    }

    #[test]
    fn many_matches_on_a_line_yield_as_few_do() {
        let rules = "[[rules]]\nid='generic'\nregex='k=(\\w+)'\n[[rules]]\nid='special'\nregex='k=sp_\\w+'\n";
        let special = |n: usize| n.is_multiple_of(2);
        let word = |n: usize| if special(n) { format!("k=sp_{n} ") } else { format!("k=v{n} ") };
        let told = |n: usize| if special(n) { format!("special k=sp_{n}") } else { format!("generic v{n}") };
        let text: String = (0..20_000).map(word).collect();
        assert!(values(rules, &text).into_iter().eq((0..20_000).map(told)));
    }

    #[test]
    fn many_pairs_on_a_line_are_told_as_few_are() {
        let text: String = (0..4_000).map(|n| format!("AAA{n} BBBy{n} ")).collect();
        let told = |limits: &str| values(&pair(&format!("[[rules.required]]\nid='b'\n{limits}\n")), &text);
        let whole: Vec<String> = (0..4_000).map(|n| format!("a {n}")).collect();
        let parts: Vec<String> = (0..4_000).map(|n| format!("b y{n}")).collect();
        for near in ["", "withinLines=0", "withinLines=3\nwithinColumns=8", "withinColumns=100000"] {
            assert!(told(near) == whole, "{near}");
        }
        assert!(told("withinLines=0\nwithinColumns=4") == parts);
    }

    /// Numbers that look like any.
    fn numbers() -> impl FnMut(usize) -> usize {
        let mut state = 7_u64;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        }
    }

    /// What is near, asked of one pair.
    fn is_near(lines: &LineIndex<'_>, matched: &Range<usize>, part: &Range<usize>, required: &Required) -> bool {
        let (here, there) = (lines.position(matched.start), lines.position(part.start));
        required.within_lines.is_none_or(|n| here.line.abs_diff(there.line) <= n)
            && required.within_columns.is_none_or(|n| here.column.abs_diff(there.column) <= n)
            && required.window.is_none_or(|window| is_in_window(lines, matched, part, window))
    }

    fn is_in_window(lines: &LineIndex<'_>, matched: &Range<usize>, part: &Range<usize>, window: Window) -> bool {
        let Some((above, below)) = window.lines else {
            let (before, after) = window.columns.unwrap_or((u32::MAX, u32::MAX));
            return part.start < matched.end.saturating_add(after as usize)
                && part.end > matched.start.saturating_sub(before as usize);
        };
        let (first, last) = (lines.line_of(matched.start), lines.line_of(matched.end));
        let (part_first, part_last) = (lines.line_of(part.start), lines.line_of(part.end));
        let in_lines = part_last + above as usize >= first && part_first <= last + below as usize;
        let Some((before, after)) = window.columns.filter(|_| first == last) else { return in_lines };
        let column = |at: usize| at - lines.line_range(lines.line_of(at)).start;
        in_lines
            && column(part.start) < column(matched.end).saturating_add(after as usize)
            && column(part.end) + before as usize > column(matched.start)
    }

    #[test]
    fn what_is_near_is_what_each_pair_says() {
        let mut number = numbers();
        let text: String = (0..2_000).map(|_| ["a", "ä", "b", "c", "\n"][number(5)]).collect();
        let lines = LineIndex::new(text.as_bytes());
        let mut ranges: Vec<Range<usize>> = Vec::from([Range::default()]);
        for _ in 0..200 {
            let start = number(text.len() - 20);
            ranges.push(text.floor_char_boundary(start)..text.floor_char_boundary(start + number(20)));
        }
        let spots: Vec<Spot> = ranges.iter().map(|range| spot(&lines, range)).collect();
        for _ in 0..60 {
            let mut limit = |below: usize| (number(2) == 0).then(|| number(below) as u32);
            let (within_lines, within_columns) = (limit(9), limit(9));
            let (above, below, before, after) = (limit(9), limit(9), limit(40), limit(40));
            let window = Window { lines: above.zip(below), columns: before.zip(after) };
            let window = limit(2).map(|_| window);
            let id = "b".to_owned();
            let required = Required { id, within_lines, within_columns, window, optional: false, part: Part::Absorbed };
            let mut nearby = Nearby::new(&spots, (0..ranges.len()).collect(), &axes(&required));
            let mut expected = vec![false; ranges.len()];
            let mut taken = expected.clone();
            for (at, matched) in ranges.iter().enumerate().step_by(23) {
                let reach = Reach::of(&spots[at], &required);
                let near: Vec<bool> = ranges.iter().map(|part| is_near(&lines, matched, part, &required)).collect();
                assert_eq!(nearby.any(Nearby::ROOT, &reach), near.contains(&true), "{required:?}");
                nearby.take(Nearby::ROOT, &reach, &mut taken);
                expected.iter_mut().zip(near).for_each(|(expected, near)| *expected |= near);
                assert_eq!(taken, expected, "{required:?} {matched:?}");
            }
        }
    }

    #[test]
    fn ranks_are_those_of_the_values_that_hold_a_value() {
        let mut number = numbers();
        for _ in 0..200 {
            let mut word = || (0..number(7)).map(|_| ["a", "b", "ä"][number(3)]).collect::<String>();
            let words: Vec<String> = (0..12).map(|_| word()).collect();
            let values: Vec<(i32, &[u8])> = words.iter().map(|w| (number(3) as i32 - 1, w.as_bytes())).collect();
            let Some(ranks) = Ranks::of(&values) else { continue };
            for (own, (rank, value)) in words.iter().zip(&values) {
                let yields = words.iter().zip(&values).any(|(w, (other, _))| other > rank && w.contains(own.as_str()));
                assert_eq!(ranks.of_value(value).is_some_and(|most| most > *rank), yields, "{own} {values:?}");
            }
        }
    }
}
