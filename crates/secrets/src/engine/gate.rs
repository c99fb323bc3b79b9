//! A look ahead before an expression is run at a literal.
//!
//! `key` and `pass` stand in every other line of prose and code, and behind most of them nothing follows that a rule
//! could take. What can follow is read off the expression's automaton once: behind the literal and any run of letters,
//! digits, `_`, `.` and `-`, which bytes keep some path alive; and where that byte is a blank, which ones do so behind
//! the blanks. Where the text goes on with another byte there is no match, and no need to run.

use regex_automata::{
    nfa::thompson::{NFA, State, Transition},
    util::primitives::StateID,
};

use super::plan::ByteSet;

/// Longest run of name bytes or blanks that is passed; behind a longer one the expression itself decides.
const LONGEST: usize = 64;

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// What follows a literal in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ahead {
    /// Where the run of name bytes ends, and the byte there; none at the end of the text.
    name: (usize, Option<u8>),
    /// Likewise for the run of blanks behind it.
    blank: (usize, Option<u8>),
}

impl Ahead {
    /// Looks ahead from the end of a literal; none where a run is too long to tell.
    pub(super) fn of(text: &[u8], from: usize) -> Option<Self> {
        let end_of = |from: usize, inside: fn(u8) -> bool| {
            let rest = &text[from.min(text.len())..];
            let length = rest.iter().take(LONGEST).take_while(|b| inside(**b)).count();
            (length < LONGEST).then(|| (from + length, rest.get(length).copied()))
        };
        let name = end_of(from, is_name)?;
        Some(Self { name, blank: end_of(name.0, is_blank)? })
    }
}

/// Bytes that can go on a match, at two places.
#[derive(Debug)]
pub(super) struct Gate {
    behind_name: ByteSet,
    behind_blank: ByteSet,
}

impl Gate {
    /// Reads the gate off an automaton whose matches begin with one of `literals`, letters of either case. None where a
    /// match can end inside the runs, so that every byte may follow.
    pub(super) fn new(nfa: &NFA, literals: &[Vec<u8>]) -> Option<Self> {
        let mut names = States::new(nfa);
        for literal in literals {
            let mut states = States::new(nfa);
            states.add(nfa.start_anchored());
            for byte in literal {
                states = states.step(|b| b.eq_ignore_ascii_case(byte));
            }
            states.list.iter().for_each(|id| names.add(*id));
            names.ends |= states.ends;
        }
        names.saturate(is_name);
        let mut blanks = names.step(is_blank);
        blanks.saturate(is_blank);
        (!names.ends && !blanks.ends).then(|| Self { behind_name: names.next(), behind_blank: blanks.next() })
    }

    /// Whether nothing can match, and then the offset behind the last byte that says so; one more than the length where
    /// the end of the text does.
    pub(super) fn closed(&self, ahead: &Ahead) -> Option<usize> {
        let shut = |(at, byte): (usize, Option<u8>), set: &ByteSet| {
            byte.is_none_or(|byte| !set.contains(byte)).then_some(at + 1)
        };
        let blank = || shut(ahead.blank, &self.behind_blank);
        shut(ahead.name, &self.behind_name).or_else(|| ahead.name.1.filter(|b| is_blank(*b)).and_then(|_| blank()))
    }
}

/// A set of states of an automaton, closed under steps that take no byte. Assertions count as passed, so that the set
/// is never too small.
struct States<'a> {
    nfa: &'a NFA,
    seen: Vec<bool>,
    /// States that take a byte.
    list: Vec<StateID>,
    /// Whether a match can end here.
    ends: bool,
}

impl<'a> States<'a> {
    fn new(nfa: &'a NFA) -> Self {
        Self { nfa, seen: vec![false; nfa.states().len()], list: Vec::new(), ends: false }
    }

    fn add(&mut self, state: StateID) {
        let mut stack = vec![state];
        while let Some(id) = stack.pop() {
            if std::mem::replace(&mut self.seen[id.as_usize()], true) {
                continue;
            }
            match self.nfa.state(id) {
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => self.list.push(id),
                State::Look { next, .. } | State::Capture { next, .. } => stack.push(*next),
                State::Union { alternates } => stack.extend(alternates.iter().copied()),
                State::BinaryUnion { alt1, alt2 } => stack.extend([*alt1, *alt2]),
                State::Fail => {}
                State::Match { .. } => self.ends = true,
            }
        }
    }

    /// Calls `each` with the transitions of a state.
    fn transitions(&self, id: StateID, mut each: impl FnMut(Transition)) {
        match self.nfa.state(id) {
            State::ByteRange { trans } => each(*trans),
            State::Sparse(sparse) => sparse.transitions.iter().copied().for_each(each),
            State::Dense(dense) => {
                let taken = |b: u8| dense.matches_byte(b).map(|next| Transition { start: b, end: b, next });
                (0..=u8::MAX).filter_map(taken).for_each(each);
            }
            _ => {}
        }
    }

    /// The states behind one byte out of a set.
    fn step(&self, taken: impl Fn(u8) -> bool) -> Self {
        let mut next = Self::new(self.nfa);
        for id in &self.list {
            self.transitions(*id, |t| {
                if (t.start..=t.end).any(&taken) {
                    next.add(t.next);
                }
            });
        }
        next
    }

    /// Adds the states behind any number of bytes out of a set.
    fn saturate(&mut self, taken: impl Fn(u8) -> bool) {
        let mut done = 0;
        while let Some(id) = self.list.get(done).copied() {
            done += 1;
            let mut targets = Vec::new();
            self.transitions(id, |t| {
                if (t.start..=t.end).any(&taken) {
                    targets.push(t.next);
                }
            });
            targets.into_iter().for_each(|target| self.add(target));
        }
    }

    /// Every byte that one of the states takes.
    fn next(&self) -> ByteSet {
        let mut set = ByteSet::EMPTY;
        for id in &self.list {
            self.transitions(*id, |t| (t.start..=t.end).for_each(|b| set.insert(b)));
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use regex_automata::nfa::thompson::Compiler;

    use super::*;
    use crate::engine::pattern::{Alphabet, parse};

    fn gate(regex: &str, literals: &[&str]) -> Option<Gate> {
        let nfa = Compiler::new().build_from_hir(&parse(regex, Alphabet::Bytes).unwrap()).unwrap();
        Gate::new(&nfa, &literals.iter().map(|l| l.as_bytes().to_vec()).collect::<Vec<_>>())
    }

    #[test]
    fn tells_what_cannot_match() {
        let gate = gate(r#"(?i)(?:key|passwd)[\w.]{0,20}["']?[ \t]{0,4}[=:][ \t]*("[^"]+"|'[^']+')"#, &["key", "pass"]);
        let gate = gate.unwrap();
        for (text, literal, closed) in [
            ("key to the door", 3, Some(5)),
            ("keys; the", 3, Some(5)),
            ("key", 3, Some(4)),
            ("key  ", 3, Some(6)),
            ("key_1 = 'x'", 3, None),
            ("key_1\": x", 3, None),
            ("KEY= ", 3, None),
            ("passwd.a\t:", 4, None),
            ("key \" =", 3, Some(5)),
        ] {
            let ahead = Ahead::of(text.as_bytes(), literal).unwrap();
            assert_eq!(gate.closed(&ahead), closed, "{text}");
        }
        assert!(Ahead::of(&[b'a'; 90], 3).is_none(), "too long to tell");
    }

    #[test]
    fn what_can_end_early_has_no_gate() {
        assert!(gate(r"AKIA[A-Z0-9]{16}", &["akia"]).is_none());
        assert!(gate(r"key[ \t]+\b", &["key"]).is_none());
        assert!(gate(r"key$", &["key"]).is_none());
        assert!(gate(r"key[a-z]*:", &["key"]).is_some());
    }
}
