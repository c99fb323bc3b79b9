//! Cutting a file into fragments exactly as gitleaks' buffered reader does.
//!
//! It reads 100,000 bytes, then single bytes up to 25,000 more until two line breaks follow each other. Single bytes come
//! through a buffer of 4,096, and what is left of that buffer is the whole of the next read.

use std::ops::Range;

const CHUNK: usize = 100_000;
const PEEK: usize = 25_000;
const BUFFER: usize = 4096;

/// Where fragments end, one after the other.
#[derive(Debug, Default)]
pub struct Fragments {
    /// What is left of the small buffer.
    ahead: usize,
}

impl Fragments {
    /// More bytes than a fragment and what is read ahead of it can have.
    pub const MOST: usize = CHUNK + PEEK + BUFFER;

    /// Bytes of the next fragment of a text that begins where the last one ended. The text has [`Self::MOST`] bytes, unless
    /// it ends before.
    pub fn next_len(&mut self, text: &[u8]) -> usize {
        let read = if self.ahead > 0 { self.ahead } else { CHUNK }.min(text.len());
        let (end, buffered) = to_boundary(text, read, self.ahead.max(read));
        self.ahead = buffered - end;
        end
    }
}

/// The fragments of a whole text as byte ranges.
pub fn fragments(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let (mut at, mut fragments) = (0, Fragments::default());
    std::iter::from_fn(move || {
        let start = at;
        at += fragments.next_len(&text[start..]);
        (at > start).then_some(start..at)
    })
}

/// Where the fragment ends that begins with `read` bytes, and how far the small buffer was filled.
fn to_boundary(text: &[u8], read: usize, mut buffered: usize) -> (usize, usize) {
    let mut at = read;
    if text.is_empty() || ends_in_blank_line(&text[..at]) {
        return (at, buffered);
    }
    let mut breaks = 0;
    loop {
        match text[at - 1] {
            b'\n' => {
                breaks += 1;
                if breaks >= 2 {
                    break;
                }
            }
            b' ' | b'\t' | b'\r' => {}
            _ => breaks = 0,
        }
        if at - read >= PEEK || at >= text.len() {
            break;
        }
        if at >= buffered {
            buffered = text.len().min(at + BUFFER);
        }
        at += 1;
    }
    (at, buffered.max(at))
}

/// Whether only white space with two line breaks or more ends the text.
fn ends_in_blank_line(text: &[u8]) -> bool {
    let space = text.iter().rev().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'));
    space.filter(|b| **b == b'\n').count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_texts_are_one_fragment_and_large_ones_join_up() {
        let pieces = |text: &[u8]| fragments(text).collect::<Vec<_>>();
        assert!(pieces(b"").is_empty());
        assert!(pieces(b"abc\n").into_iter().eq(std::iter::once(0..4)));
        let text: Vec<u8> = (0..400_000).map(|i| if i % 50 == 0 || i % 7777 == 1 { b'\n' } else { b'x' }).collect();
        let pieces = pieces(&text);
        assert!(pieces.len() >= 3);
        assert_eq!(pieces[0].start, 0);
        assert!(pieces.windows(2).all(|w| w[0].end == w[1].start));
        assert_eq!(pieces.last().map(|p| p.end), Some(text.len()));
    }

    #[test]
    fn a_fragment_needs_no_more_than_the_most_that_it_can_have() {
        let mut number = crate::numbers::numbers();
        let text: Vec<u8> = (0..900_000).map(|_| b"xxxxxxxxx \n"[number(11)]).collect();
        let (mut at, mut one_by_one, mut whole) = (0, Fragments::default(), fragments(&text));
        while at < text.len() {
            let seen = &text[at..text.len().min(at + Fragments::MOST)];
            let range = at..at + one_by_one.next_len(seen);
            at = range.end;
            assert_eq!(whole.next(), Some(range));
        }
        assert_eq!(whole.next(), None);
    }
}
