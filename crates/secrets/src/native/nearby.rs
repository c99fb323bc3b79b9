//! Which other matches are as near as a composite rule wants its parts: a k-d tree over lines, columns and offsets, so that
//! many matches on a line cost little more than few (J. L. Bentley, "Multidimensional binary search trees", 1975).

use std::ops::Range;

use testudo_source::LineIndex;

use super::Candidate;
use crate::rule::{Required, Window};

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
pub(super) fn spots(lines: &LineIndex<'_>, found: &[Candidate]) -> Vec<Spot> {
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
pub(super) fn axes(required: &Required) -> Vec<usize> {
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
pub(super) struct Reach([Range<usize>; 7]);

impl Reach {
    /// What a requirement allows around a match.
    pub(super) fn of(here: &Spot, required: &Required) -> Self {
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
pub(super) struct Nearby<'a> {
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
    pub(super) const ROOT: usize = 0;
    /// So many findings are looked at one by one.
    const FEW: usize = 8;

    pub(super) fn new(spots: &'a [Spot], order: Vec<usize>, axes: &[usize]) -> Self {
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
    pub(super) fn any(&self, at: usize, reach: &Reach) -> bool {
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
    pub(super) fn take(&mut self, at: usize, reach: &Reach, taken: &mut [bool]) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::numbers;
    use crate::rule::Part;

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
}
