//! The comments of a text. The parser passes over them, so they are looked for between the scalars that it found.

use zeroize::{Zeroize as _, Zeroizing};

/// A comment with its place.
#[derive(Debug)]
pub(super) struct Comment {
    /// Character of its `#`.
    pub(super) at: usize,
    /// Line, from 1.
    pub(super) line: usize,
    /// Column in characters, from 0.
    pub(super) column: usize,
    /// What follows the `#` on the line.
    pub(super) text: String,
}

/// The characters of a text, with what was looked at so far.
pub(super) struct Scan {
    characters: Zeroizing<Vec<char>>,
    at: usize,
    line: usize,
    column: usize,
}

impl Scan {
    pub(super) fn new(text: &str) -> Self {
        Self { characters: Zeroizing::new(text.chars().collect()), at: 0, line: 1, column: 0 }
    }

    /// The comments from where the last call ended to an offset in characters.
    pub(super) fn until(&mut self, end: usize, found: &mut Vec<Comment>) {
        while self.at < end.min(self.characters.len()) {
            let before = self.at.checked_sub(1).and_then(|at| self.characters.get(at));
            if self.characters[self.at] == '#' && before.is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r')) {
                found.push(self.comment());
            } else {
                self.step();
            }
        }
    }

    /// Passes over text in which there is no comment.
    pub(super) fn pass(&mut self, end: usize) {
        while self.at < end.min(self.characters.len()) {
            self.step();
        }
    }

    /// Where the mark of a list item stands between two offsets, outside of comments.
    pub(super) fn dash(&self, start: usize, end: usize) -> Option<usize> {
        let part = self.characters.get(start..end)?;
        let mut in_comment = false;
        for (offset, character) in part.iter().enumerate() {
            match character {
                '\n' | '\r' => in_comment = false,
                '#' => in_comment = true,
                '-' if !in_comment => return Some(start + offset),
                _ => {}
            }
        }
        None
    }

    /// Whether the character at an offset is one of some.
    pub(super) fn is_any(&self, at: usize, of: &str) -> bool {
        self.characters.get(at).is_some_and(|character| of.contains(*character))
    }

    fn comment(&mut self) -> Comment {
        let mut comment = Comment { at: self.at, line: self.line, column: self.column, text: String::new() };
        self.step();
        while let Some(character) = self.characters.get(self.at).filter(|c| !matches!(c, '\n' | '\r')) {
            comment.text.push(*character);
            self.step();
        }
        comment
    }

    fn step(&mut self) {
        let character = self.characters[self.at];
        let next = self.characters.get(self.at + 1);
        if character == '\n' || character == '\r' && next != Some(&'\n') {
            (self.line, self.column) = (self.line + 1, 0);
        } else {
            self.column += 1;
        }
        self.at += 1;
    }
}

impl Drop for Comment {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}
