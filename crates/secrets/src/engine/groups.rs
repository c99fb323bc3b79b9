//! The groups of a match whose start is known.
//!
//! A general search looks for the match with a lazy DFA before it asks for groups, and keeps that DFA's states for each
//! expression and thread. Where a match starts is known here, and matches are short: backtracking from there, with every
//! state visited once at most, is faster and keeps nothing.

use std::{cell::RefCell, ops::Range};

use regex_automata::{
    Anchored, Input,
    nfa::thompson::{self, WhichCaptures, backtrack},
    util::primitives::NonMaxUsize,
};
use regex_syntax::hir::Hir;

/// Bytes of memory for the states that one search has visited; longer matches are left to a general search.
const VISITED: usize = 1 << 16;

thread_local! {
    /// Scratch memory, the same for every expression.
    static CACHE: RefCell<Option<backtrack::Cache>> = const { RefCell::new(None) };
}

/// Byte ranges of the groups of a match, group 0 first.
pub(crate) type Ranges = Vec<Option<Range<usize>>>;

/// The match may be too long for the memory that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// An expression prepared for reading groups.
#[derive(Debug)]
pub(crate) struct Groups {
    searcher: backtrack::BoundedBacktracker,
}

impl Groups {
    /// Prepares an expression; none where it is too large.
    pub(crate) fn new(hir: &Hir) -> Option<Self> {
        let config = thompson::Config::new()
            .utf8(false)
            .nfa_size_limit(Some(super::pattern::SIZE_LIMIT))
            .which_captures(WhichCaptures::All);
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(hir).ok()?;
        let config = backtrack::Config::new().visited_capacity(VISITED);
        let searcher = backtrack::Builder::new().configure(config).build_from_nfa(nfa).ok()?;
        Some(Self { searcher })
    }

    /// Groups of the match that starts at `at`, leftmost-first; none where no match starts there.
    ///
    /// # Errors
    /// This is not the way for a text of this length.
    pub(crate) fn at(&self, text: &[u8], at: usize) -> Result<Option<Ranges>, TooLong> {
        let input = Input::new(text).range(at..).anchored(Anchored::Yes);
        let mut slots = vec![None; self.searcher.get_nfa().group_info().slot_len()];
        let found = CACHE.with_borrow_mut(|cache| {
            let cache = cache.get_or_insert_with(|| self.searcher.create_cache());
            cache.reset(&self.searcher);
            self.searcher.try_search_slots(cache, &input, &mut slots)
        });
        let range = |pair: &[Option<NonMaxUsize>]| Some(pair[0]?.get()..pair[1]?.get());
        Ok(found.map_err(|_| TooLong)?.map(|_| slots.chunks_exact(2).map(range).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pattern::{Alphabet, parse};

    #[test]
    fn groups_of_a_known_place() {
        let hir = parse(r"(?i)\b(k[a-z]*)=(?:'([^']*)'|(\w+))", Alphabet::Bytes).unwrap();
        let groups = Groups::new(&hir).unwrap();
        let found = |ranges: Ranges| Ok(Some(ranges));
        let text = b"x key='v w' KEY=abc xkey=1";
        assert_eq!(groups.at(text, 2), found(vec![Some(2..11), Some(2..5), Some(7..10), None]));
        assert_eq!(groups.at(text, 12), found(vec![Some(12..19), Some(12..15), None, Some(16..19)]));
        assert_eq!(groups.at(text, 21), Ok(None), "what stands before is seen");
        assert_eq!(groups.at(text, 3), Ok(None));
        let long = [b"key='".as_slice(), &[b'a'; VISITED * 8], b"'"].concat();
        assert_eq!(groups.at(&long, 0), Err(TooLong));
    }
}
