//! Which findings on a line yield to one of more rank whose value holds theirs.

use std::collections::HashMap;

/// The most rank of the values on a line that hold a value: an automaton of Aho and Corasick, which reads every value once
/// however many there are. Asking each value about each other takes minutes on a line of a megabyte.
pub(super) struct Ranks {
    /// The state after a state and a byte.
    edges: HashMap<(usize, u8), usize>,
    states: Vec<State>,
}

/// A beginning of a value that is looked for.
#[derive(Clone, Copy)]
struct State {
    parent: usize,
    byte: u8,
    depth: usize,
    /// The state of the longest other end of it that also begins a value.
    shorter: usize,
    /// The most rank of the values that hold it.
    most: i32,
}

impl Ranks {
    /// Reads values with their ranks. None where all have the same, and no value has to yield.
    pub(super) fn of(values: &[(i32, &[u8])]) -> Option<Self> {
        let (least, most) =
            values.iter().fold((i32::MAX, i32::MIN), |(least, most), (rank, _)| (least.min(*rank), most.max(*rank)));
        if least >= most {
            return None;
        }
        let root = State { parent: 0, byte: 0, depth: 0, shorter: 0, most: i32::MIN };
        let mut ranks = Self { edges: HashMap::new(), states: vec![root] };
        values.iter().filter(|(rank, _)| *rank < most).for_each(|(_, value)| ranks.add(value));
        let mut order: Vec<usize> = (1..ranks.states.len()).collect();
        order.sort_by_key(|at| ranks.states[*at].depth);
        ranks.link(&order);
        values.iter().filter(|(rank, _)| *rank > least).for_each(|(rank, value)| ranks.read(*rank, value));
        ranks.spread(&order);
        Some(ranks)
    }

    /// Adds a value to look for.
    fn add(&mut self, value: &[u8]) {
        let mut at = 0;
        for byte in value {
            let new = self.states.len();
            let next = *self.edges.entry((at, *byte)).or_insert(new);
            if next == new {
                let depth = self.states[at].depth + 1;
                self.states.push(State { parent: at, byte: *byte, depth, shorter: 0, most: i32::MIN });
            }
            at = next;
        }
    }

    /// Finds for each state, shorter ones first, where to go on when no longer one fits.
    fn link(&mut self, order: &[usize]) {
        for at in order {
            let state = self.states[*at];
            if state.depth > 1 {
                self.states[*at].shorter = self.step(self.states[state.parent].shorter, state.byte);
            }
        }
    }

    fn step(&self, mut at: usize, byte: u8) -> usize {
        loop {
            match self.edges.get(&(at, byte)) {
                Some(next) => return *next,
                None if at == 0 => return 0,
                None => at = self.states[at].shorter,
            }
        }
    }

    /// Marks the longest beginnings that a value holds.
    fn read(&mut self, rank: i32, value: &[u8]) {
        let mut at = 0;
        // Every value holds the empty one.
        self.states[at].most = self.states[at].most.max(rank);
        for byte in value {
            at = self.step(at, *byte);
            self.states[at].most = self.states[at].most.max(rank);
        }
    }

    /// What holds a state holds its ends.
    fn spread(&mut self, order: &[usize]) {
        for at in order.iter().rev() {
            let State { shorter, most, .. } = self.states[*at];
            self.states[shorter].most = self.states[shorter].most.max(most);
        }
    }

    /// The most rank of the values that hold this one; none where it was not looked for.
    pub(super) fn of_value(&self, value: &[u8]) -> Option<i32> {
        let state = value.iter().try_fold(0, |at, byte| self.edges.get(&(at, *byte)).copied())?;
        Some(self.states[state].most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::numbers;

    #[test]
    fn ranks_are_those_of_the_values_that_hold_a_value() {
        let mut number = numbers();
        for _ in 0..200 {
            let mut word = || (0..number(7)).map(|_| ["a", "b", "ä"][number(3)]).collect::<String>();
            let words: Vec<String> = (0..12).map(|_| word()).collect();
            let values: Vec<(i32, &[u8])> = words.iter().map(|w| (number(3) as i32 - 1, w.as_bytes())).collect();
            let Some(ranks) = Ranks::of(&values) else { continue };
            for (own, (rank, value)) in words.iter().zip(&values) {
                let yields = words.iter().zip(&values).any(|(w, (other, _))| other > rank && w.contains(own.as_str()));
                assert_eq!(ranks.of_value(value).is_some_and(|most| most > *rank), yields, "{own} {values:?}");
            }
        }
    }
}
