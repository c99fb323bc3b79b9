//! One readable thing, as detectors see it.

use std::cell::Cell;

use testudo_model::{Layer, Location, Position, Span};

/// How the bytes of a unit are to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Text in UTF-8 or an ASCII-compatible encoding.
    Text,
    /// Text that was UTF-16 and is UTF-8 now; offsets refer to the UTF-8 form.
    Transcoded,
    /// Not text. Still given to detectors: secrets and packages hide in binaries.
    Binary,
}

/// Where a unit's bytes are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origin {
    /// A file of the work tree.
    #[default]
    File,
    /// A git blob, by hexadecimal id.
    Blob(String),
    /// The message of a commit or tag, by hexadecimal id.
    Message(String),
    /// A file in an image layer.
    Layer(Layer),
    /// Standard input.
    Stdin,
}

/// One readable thing: a file, an archive member, a blob, a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Path as shown to people, `/`-separated.
    pub path: String,
    /// Archive members below the path, outermost first.
    pub members: Vec<String>,
    /// The content.
    pub bytes: Vec<u8>,
    /// How to understand it.
    pub content: Content,
    /// Where it is kept.
    pub origin: Origin,
}

impl Unit {
    /// A unit over raw bytes: recognises UTF-16 and binaries.
    #[must_use]
    pub fn new(path: impl Into<String>, bytes: Vec<u8>, origin: Origin) -> Self {
        let (bytes, content) = crate::text::understand(bytes);
        Self { path: path.into(), members: Vec::new(), bytes, content, origin }
    }

    /// The innermost name: the last archive member, or the path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.members.last().unwrap_or(&self.path)
    }

    /// Path and members as one text, joined with `!`.
    #[must_use]
    pub fn display_path(&self) -> String {
        self.location().display_path()
    }

    /// The unit as a location without span.
    #[must_use]
    pub fn location(&self) -> Location {
        let layer = match &self.origin {
            Origin::Layer(layer) => Some(layer.clone()),
            _ => None,
        };
        Location { path: Some(self.path.clone()), members: self.members.clone(), layer, ..Location::default() }
    }
}

/// Turns byte offsets of one text into positions. Costs one pass, made when first asked.
#[derive(Debug)]
pub struct LineIndex<'a> {
    text: &'a [u8],
    starts: Vec<usize>,
    /// The offset asked last and its column from 0: the next one on the same line is counted from there.
    last: Cell<(usize, usize)>,
}

impl<'a> LineIndex<'a> {
    /// Finds the line starts of `text`.
    #[must_use]
    pub fn new(text: &'a [u8]) -> Self {
        let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', text).map(|at| at + 1)).collect();
        Self { text, starts, last: Cell::new((0, 0)) }
    }

    /// Line (from 0) of an offset.
    #[must_use]
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|s| *s <= offset).saturating_sub(1)
    }

    /// Byte range of a line without its line break; lines count from 0.
    #[must_use]
    pub fn line_range(&self, line: usize) -> std::ops::Range<usize> {
        let start = self.starts.get(line).copied().unwrap_or(self.text.len());
        let mut end = self.starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        if end > start && self.text[end - 1] == b'\r' {
            end -= 1;
        }
        start..end.max(start)
    }

    /// Number of lines.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.starts.len()
    }

    /// Position of an offset; columns count characters, and bytes that are not UTF-8 one each.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_of(offset);
        let (known, known_column) = self.last.get();
        let (from, counted) =
            if (self.starts[line]..=offset).contains(&known) { (known, known_column) } else { (self.starts[line], 0) };
        let mut before = &self.text[from..offset];
        if from == 0 {
            // A byte-order mark is no character of the first line.
            before = before.strip_prefix(b"\xef\xbb\xbf").unwrap_or(before);
        }
        let column =
            counted + if before.is_ascii() { before.len() } else { String::from_utf8_lossy(before).chars().count() };
        self.last.set((offset, column));
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Position { line: small(line + 1), column: small(column + 1), offset: offset as u64 }
    }

    /// Span of a byte range.
    #[must_use]
    pub fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span { start: self.position(range.start), end: self.position(range.end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let index = LineIndex::new("ab\r\näöx\n".as_bytes());
        let place = |offset| (index.position(offset).line, index.position(offset).column);
        assert_eq!(
            [place(0), place(1), place(4), place(6), place(8), place(9)],
            [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (2, 4)]
        );
        assert_eq!((index.line_range(0), index.line_range(1), index.lines()), (0..2, 4..9, 3));
    }
}
