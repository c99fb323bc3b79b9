//! gitleaks' arithmetic of lines and columns, with its quirk: on lines after the first a column is one too high.

use std::ops::Range;

/// Where a match is, in gitleaks' counting. Lines count from 0 here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) start_line: usize,
    pub(super) end_line: usize,
    pub(super) start_column: usize,
    pub(super) end_column: usize,
    /// Bytes of the lines touched; after the first line it begins with the line break.
    pub(super) line: Range<usize>,
}

/// Computes the place of a match. `breaks` are the offsets of all line breaks of `text`.
pub(super) fn place(breaks: &[usize], text: &[u8], found: &Range<usize>) -> Place {
    let artificial = [text.len()];
    let breaks = if breaks.is_empty() { &artificial[..] } else { breaks };
    let mut place = Place::default();
    let mut set = false;
    // Only the lines that hold the start and the end of the match matter; all others leave the result as it is.
    let line_of = |offset: usize| breaks.partition_point(|b| *b <= offset);
    let before = |line: usize| line.checked_sub(1).map_or(0, |l| breaks[l]);
    let first = line_of(found.start);
    if first < breaks.len() {
        set = true;
        place = Place {
            start_line: first,
            end_line: first,
            start_column: found.start - before(first) + 1,
            end_column: 0,
            line: before(first)..breaks[first],
        };
    }
    let last = breaks.partition_point(|b| *b < found.end);
    if last < breaks.len() && before(last) < found.end {
        place.end_line = last;
        place.end_column = found.end - before(last);
        place.line.end = breaks[last];
    }
    if !set {
        let previous = breaks.last().copied().unwrap_or(0);
        place.start_column = (found.start + 1).saturating_sub(previous);
        place.end_column = found.end.saturating_sub(previous);
        place.start_line = breaks.len();
        place.end_line = breaks.len();
        let stop = |b: &u8| *b == b'\n' || *b == b'\r';
        let rest = text.get(found.end..).unwrap_or_default();
        place.line.end = found.end + rest.iter().position(stop).unwrap_or(rest.len());
    }
    place.line.end = place.line.end.max(found.end);
    place
}
