//! Words that nobody else says: what a test puts in, and must find again where it proves something. Each is used once.

use std::cell::Cell;

/// A source of words and numbers (splitmix64). Its seed comes from the caller, so a run can be repeated.
#[derive(Debug)]
pub(crate) struct Canaries(Cell<u64>);

impl Canaries {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    fn next(&self) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut word = self.0.get();
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A word of twelve lower-case letters that is no word of a language.
    pub(crate) fn word(&self) -> String {
        const LETTERS: &[u8] = b"bcdfghjkmnpqrstvwxz";
        let mut number = self.next();
        let mut word = String::from("tq");
        for _ in 0..10 {
            word.push(char::from(LETTERS[(number % LETTERS.len() as u64) as usize]));
            number /= LETTERS.len() as u64;
        }
        word
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn number(&self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn words_are_fresh_and_a_seed_repeats_them() {
        let take = |seed| {
            let canaries = Canaries::new(seed);
            (0..1_000).map(|_| canaries.word()).collect::<BTreeSet<_>>()
        };
        assert_eq!((take(1).len(), take(1) == take(1), take(1).is_disjoint(&take(2))), (1_000, true, true));
        let canaries = Canaries::new(5);
        assert!((0..1_000).all(|_| (10..=12).contains(&canaries.number(10, 12))));
    }
}
