//! Places in files that are read line by line, for notices.

use testudo_model::{Position, Span};

/// Where a line starts in its file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineStart {
    number: u32,
    offset: u64,
}

impl LineStart {
    /// From a byte of the line (on a character boundary) to the end of the line.
    pub(crate) fn span(self, line: &str, from: usize) -> Span {
        let at = |byte: usize| Position {
            line: self.number,
            column: u32::try_from(line[..byte].chars().count() + 1).unwrap_or(u32::MAX),
            offset: self.offset + byte as u64,
        };
        Span { start: at(from), end: at(line.len()) }
    }
}

/// The lines of a text without their line breaks (`\n` or `\r\n`), each with its place.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (LineStart, &str)> {
    let mut next = LineStart { number: 0, offset: 0 };
    let mut length = 0;
    text.split_inclusive('\n').map(move |raw| {
        next = LineStart { number: next.number.saturating_add(1), offset: next.offset + length };
        length = raw.len() as u64;
        (next, raw.trim_end_matches(['\n', '\r']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_their_place() {
        let found: Vec<_> =
            lines("ä\r\n\nbc").map(|(start, line)| (start.span(line, line.len()).start, line)).collect();
        let at = |line, column, offset| Position { line, column, offset };
        assert_eq!(found, [(at(1, 2, 2), "ä"), (at(2, 1, 4), ""), (at(3, 3, 7), "bc")]);
    }
}
