//! Running an expression at one place, and knowing how far the answer looked.
//!
//! A lazy DFA is stepped by hand until it is dead. The offset at which it dies bounds what the result depends on, which
//! is what lets a result be carried over to another text that has the same bytes there, and what fuel is taken for.

use regex_automata::{
    Anchored, Input,
    hybrid::dfa::{Cache, DFA},
    nfa::thompson::{self, WhichCaptures},
};
use regex_syntax::hir::Hir;

use super::gate::{Ahead, Gate};

/// Bytes of memory for the states of one expression in one thread.
const CACHE: usize = 1 << 19;

/// An expression prepared for runs at one place.
#[derive(Debug)]
pub(crate) struct Runner {
    dfa: DFA,
    gate: Option<Gate>,
    longest: usize,
}

/// What a run saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// End of the match, where there is one.
    pub(crate) end: Option<usize>,
    /// Offset behind the last byte that was looked at; one more than the length where the end of the text was seen.
    pub(crate) extent: usize,
}

impl Runner {
    /// Prepares an expression whose matches begin with one of `literals`; none where it is too large.
    pub(crate) fn new(hir: &Hir, literals: &[Vec<u8>]) -> Option<Self> {
        let config = thompson::Config::new()
            .utf8(false)
            .nfa_size_limit(Some(super::pattern::SIZE_LIMIT))
            .which_captures(WhichCaptures::None);
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(hir).ok()?;
        let config = DFA::config().cache_capacity(CACHE).skip_cache_capacity_check(true);
        let gate = Gate::new(&nfa, literals);
        DFA::builder().configure(config).build_from_nfa(nfa).ok().map(|dfa| Self { dfa, gate, longest: usize::MAX })
    }

    /// The same for matches that end within so many bytes.
    pub(crate) fn within(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// What a run at a literal would see, where what is ahead of it lets nothing match.
    pub(super) fn closed(&self, ahead: Option<&Ahead>) -> Option<Run> {
        let extent = self.gate.as_ref()?.closed(ahead?)?;
        Some(Run { end: None, extent })
    }

    /// Scratch memory for one thread.
    pub(crate) fn cache(&self) -> Cache {
        self.dfa.create_cache()
    }

    /// Runs at `at`, leftmost-first, with everything before visible to `\b` and `^`.
    pub(crate) fn run(&self, cache: &mut Cache, text: &[u8], at: usize) -> Run {
        let input = Input::new(text).span(at..text.len()).anchored(Anchored::Yes);
        let dead = Run { end: None, extent: at };
        let Ok(mut state) = self.dfa.start_state_forward(cache, &input) else { return dead };
        let mut end = None;
        for (offset, &byte) in text[at..].iter().enumerate() {
            if offset == self.longest {
                return Run { end, extent: at + offset };
            }
            let Ok(next) = self.dfa.next_state(cache, state, byte) else { return dead };
            state = next;
            if state.is_tagged() {
                // A match state is entered one byte late.
                if state.is_match() {
                    end = Some(at + offset);
                } else if state.is_dead() || state.is_quit() {
                    return Run { end, extent: at + offset + 1 };
                }
            }
        }
        let Ok(last) = self.dfa.next_eoi_state(cache, state) else { return dead };
        if last.is_match() {
            end = Some(text.len());
        }
        Run { end, extent: text.len() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pattern::{Alphabet, parse};

    #[test]
    fn a_match_ends_within_its_bound() {
        let hir = parse(r#"key=("[^"]+"|\w+)"#, Alphabet::Bytes).unwrap();
        let runner = Runner::new(&hir, &[b"key".to_vec()]).unwrap().within(10);
        let mut cache = runner.cache();
        for (text, end, extent) in [
            ("key=\"abc\" xyz", Some(9), 10),
            ("key=\"abcdefgh\"", None, 10),
            ("key=abcdefghij", Some(9), 10),
            ("key=abc", Some(7), 8),
        ] {
            assert_eq!(runner.run(&mut cache, text.as_bytes(), 0), Run { end, extent }, "{text}");
        }
    }
}
