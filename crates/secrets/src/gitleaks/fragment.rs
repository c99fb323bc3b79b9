//! Cutting a file into fragments exactly as gitleaks' buffered reader does.
//!
//! It reads 100,000 bytes, then single bytes up to 25,000 more until two line breaks follow each other. Single bytes come
//! through a buffer of 4,096, and what is left of that buffer is the whole of the next read.

use std::ops::Range;

const CHUNK: usize = 100_000;
const PEEK: usize = 25_000;
const BUFFER: usize = 4096;

/// The fragments of a text as byte ranges.
#[must_use]
pub fn fragments(text: &[u8]) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    // `at` is what was consumed, `buffered` how far the small buffer was filled.
    let (mut at, mut buffered) = (0, 0);
    while at < text.len() {
        let start = at;
        at = if buffered > at { buffered } else { text.len().min(at + CHUNK) };
        let read = at - start;
        (at, buffered) = to_boundary(text, start, at, read, buffered);
        pieces.push(start..at);
    }
    pieces
}

fn to_boundary(text: &[u8], start: usize, mut at: usize, read: usize, mut buffered: usize) -> (usize, usize) {
    if ends_in_blank_line(&text[start..at]) {
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
        if at - start - read >= PEEK || at >= text.len() {
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
        assert!(fragments(b"").is_empty());
        let pieces = fragments(b"abc\n");
        assert_eq!((pieces.len(), pieces.first().cloned()), (1, Some(0..4)));
        let text: Vec<u8> = (0..400_000).map(|i| if i % 50 == 0 || i % 7777 == 1 { b'\n' } else { b'x' }).collect();
        let pieces = fragments(&text);
        assert!(pieces.len() >= 3);
        assert_eq!(pieces[0].start, 0);
        assert!(pieces.windows(2).all(|w| w[0].end == w[1].start));
        assert_eq!(pieces.last().map(|p| p.end), Some(text.len()));
    }
}
