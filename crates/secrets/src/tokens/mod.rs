//! Counting the tokens that the byte-pair vocabulary `cl100k_base` splits a text into. Filters of Betterleaks compare that
//! number with the length: language needs few tokens, what a generator made needs many.
//!
//! The vocabulary is unpacked when the first filter asks for it; a scan without such a filter pays nothing.
//! `cl100k.bin` is a raw deflate stream: for each of the [`SIZE`] tokens one byte that is its length, then the bytes of all
//! of them, both by rank. It holds the table that the crate tiktoken-rs (MIT) ships as `cl100k_base.tiktoken`.

mod split;

use std::{collections::HashMap, io::Read as _, sync::OnceLock};

use crate::expr::TokenCounter;

/// Tokens of the vocabulary.
const SIZE: usize = 100_256;
/// Bytes of all tokens together.
const LENGTH: usize = 643_830;
/// Longest piece that is merged as a whole, in bytes: merging takes time by the square of the length.
const LONGEST_PIECE: usize = 1024;
/// Longest word that is looked for, in bytes.
const LONGEST_WORD: usize = 24;

/// The counter; it unpacks its vocabulary at the first question.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counter;

impl TokenCounter for Counter {
    fn tokens(&self, text: &str) -> usize {
        let vocabulary = vocabulary();
        split::pieces(text).flat_map(|piece| piece.as_bytes().chunks(LONGEST_PIECE)).map(|p| vocabulary.count(p)).sum()
    }

    fn has_word(&self, text: &str, length: usize) -> bool {
        let vocabulary = vocabulary();
        let bytes = text.as_bytes();
        bytes.windows(length).enumerate().any(|(start, shortest)| {
            let letters = |part: &[u8]| part.iter().all(u8::is_ascii_lowercase);
            let longest = (bytes.len() - start).min(LONGEST_WORD);
            letters(shortest) && (length..=longest).any(|len| vocabulary.is_word(&bytes[start..start + len]))
        })
    }
}

/// Ranks by token; a lower rank is merged first.
struct Vocabulary {
    ranks: HashMap<Box<[u8]>, u32>,
}

fn vocabulary() -> &'static Vocabulary {
    static VOCABULARY: OnceLock<Vocabulary> = OnceLock::new();
    VOCABULARY.get_or_init(|| Vocabulary { ranks: unpack(include_bytes!("cl100k.bin")) })
}

/// The table; empty where the stream is not whole, which a test of this module excludes.
fn unpack(packed: &[u8]) -> HashMap<Box<[u8]>, u32> {
    let mut raw = Vec::with_capacity(SIZE + LENGTH);
    let whole = flate2::read::DeflateDecoder::new(packed).read_to_end(&mut raw).is_ok() && raw.len() == SIZE + LENGTH;
    let (lengths, mut rest) = if whole { raw.split_at(SIZE) } else { (&[][..], &[][..]) };
    let mut ranks = HashMap::with_capacity(lengths.len());
    for (rank, length) in (0..).zip(lengths) {
        let (token, after) = rest.split_at(usize::from(*length).min(rest.len()));
        ranks.insert(token.into(), rank);
        rest = after;
    }
    ranks
}

impl Vocabulary {
    /// Whether a text is so common that the vocabulary has it as a word of its own, behind a space.
    fn is_word(&self, text: &[u8]) -> bool {
        let mut spaced = [b' '; LONGEST_WORD + 1];
        let spaced = &mut spaced[..=text.len().min(LONGEST_WORD)];
        spaced[1..].copy_from_slice(&text[..text.len().min(LONGEST_WORD)]);
        self.ranks.contains_key(&*spaced)
    }

    /// Number of tokens of a piece: neighbours of the lowest rank are merged until none can be.
    fn count(&self, piece: &[u8]) -> usize {
        if self.ranks.contains_key(piece) {
            return 1;
        }
        let mut starts: Vec<usize> = (0..=piece.len()).collect();
        let rank = |starts: &[usize], at: usize| {
            let pair = piece.get(*starts.get(at)?..*starts.get(at + 2)?)?;
            self.ranks.get(pair).copied()
        };
        let mut ranks: Vec<Option<u32>> = (0..piece.len()).map(|at| rank(&starts, at)).collect();
        while let Some((_, at)) = ranks.iter().enumerate().filter_map(|(at, rank)| Some(((*rank)?, at))).min() {
            starts.remove(at + 1);
            ranks.remove(at + 1);
            ranks[at] = rank(&starts, at);
            if let Some(before) = at.checked_sub(1) {
                ranks[before] = rank(&starts, before);
            }
        }
        starts.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vocabulary_is_whole() {
        let ranks = &vocabulary().ranks;
        assert_eq!(ranks.len(), SIZE);
        assert_eq!(ranks.get(&b"!"[..]), Some(&0));
        assert_eq!(ranks.get(&b" password"[..]), Some(&3636));
    }

    #[test]
    fn texts_have_as_many_tokens_as_the_reference_counts() {
        for (text, expected) in [
            ("", 0),
            ("hello world", 2),
            ("password", 1),
            ("abcdefgh", 1),
            ("a8f7b3c9d2e1", 12),
            ("\u{e4}\u{f6}\u{fc}\u{df}\u{e9}\u{e8}", 6),
            ("ab", 1),
            ("hello\r\nworld hello world hello world", 7),
            ("antidisestablishmentarianism", 6),
            ("I'll say: it's 12345 o'clock!!\n\n  indeed   ", 15),
            ("Stra\u{df}e \u{4e2d}\u{6587} \u{430}\u{431}\u{432} \u{661}\u{662} x", 13),
            ("Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA==", 28),
        ] {
            assert_eq!(Counter.tokens(text), expected, "{text:?}");
        }
    }

    #[test]
    fn words_are_found_inside() {
        assert!(Counter.has_word("x9kitchen77", 5));
        assert!(!Counter.has_word("xq9zkv7w", 4));
        assert!(!Counter.has_word("abcd", 5));
        assert!(!Counter.has_word("", 4));
    }

    #[test]
    fn any_text_is_counted() {
        let mut state = 7_u64;
        let pieces =
            ["a", "B", "'s", "9", " ", "\n", "\r", "\u{a0}", "\u{e9}", "\u{4e2d}", "+", "\u{1f600}", "\u{660}"];
        for _ in 0..2000 {
            let mut text = String::new();
            for _ in 0..20 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            let joined: String = split::pieces(&text).collect();
            assert_eq!(joined, text);
            assert!((1..=text.len()).contains(&Counter.tokens(&text)));
        }
    }
}
