//! Lines that a change adds, as `git diff -U0` shows them.

use imara_diff::{Algorithm, Diff, InternedInput};

/// A run of added lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedLines {
    /// Number of the first line in the new text, counted from 1.
    pub line: usize,
    /// Bytes of the lines in the new text, line breaks included.
    pub range: std::ops::Range<usize>,
}

/// The lines of `new` that are not in `old`, hunk by hunk.
#[must_use]
pub fn added(old: &[u8], new: &[u8]) -> Vec<AddedLines> {
    let starts: Vec<usize> = std::iter::once(0).chain(memchr::memchr_iter(b'\n', new).map(|p| p + 1)).collect();
    let offset = |line: usize| starts.get(line).copied().unwrap_or(new.len()).min(new.len());
    let input = InternedInput::new(old, new);
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_lines(&input);
    diff.hunks()
        .filter(|hunk| !hunk.after.is_empty())
        .map(|hunk| AddedLines {
            line: hunk.after.start as usize + 1,
            range: offset(hunk.after.start as usize)..offset(hunk.after.end as usize),
        })
        .collect()
}

/// Whether git would call a text binary: a NUL in its first 8000 bytes.
#[must_use]
pub fn is_binary(text: &[u8]) -> bool {
    memchr::memchr(0, &text[..text.len().min(8000)]).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_runs_with_their_lines() {
        let old = b"a\nb\nc\n";
        let new = b"a\nX\nb\nc\nY\nZ";
        let found = added(old, new);
        let texts: Vec<_> = found.iter().map(|a| (a.line, &new[a.range.clone()])).collect();
        assert_eq!(texts, [(2, &b"X\n"[..]), (5, &b"Y\nZ"[..])]);
        assert_eq!(added(b"", b"x\n"), [AddedLines { line: 1, range: 0..2 }]);
        assert!(added(old, old).is_empty());
    }
}
