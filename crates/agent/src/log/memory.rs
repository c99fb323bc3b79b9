//! What rules over several events remember: for each rule, and for each set of values that have to be equal, when it saw
//! events. Bounded: of each rule at most [`MAX_SETS`] sets are kept, those that were looked at last.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Sets of values that are remembered of one rule.
pub(crate) const MAX_SETS: usize = 4096;
/// Events that are remembered of one set, at most.
const MAX_EVENTS: usize = 1024;
/// Longest value that is remembered, in characters.
const MAX_VALUE: usize = 256;

/// One event that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Seconds since 1970.
    pub(crate) time: u64,
    /// Values that have to differ from those of the event that is judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) different: Vec<String>,
}

/// What one rule remembers, in two halves: when the new one is full it becomes the old one, and the old one is forgotten.
#[derive(Debug, Clone, Default)]
struct Sets {
    new: BTreeMap<Vec<String>, Vec<Seen>>,
    old: BTreeMap<Vec<String>, Vec<Seen>>,
    /// Time of the last event, also where it is forgotten.
    last: Option<u64>,
}

/// What all rules remember.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    rules: BTreeMap<u32, Sets>,
    /// What changed since it was asked for.
    changed: BTreeSet<(u32, Vec<String>)>,
    /// When rules with `ignore` fired.
    fired: BTreeMap<u32, u64>,
}

/// One set, for whoever keeps it over a restart. No events mean that it is forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) rule: u32,
    pub(crate) values: Vec<String>,
    pub(crate) seen: Vec<Seen>,
}

/// A value as it is remembered.
pub(crate) fn short(value: &str) -> String {
    value.chars().take(MAX_VALUE).collect()
}

impl Memory {
    /// Remembers an event for a rule. `most` are enough for it.
    pub(crate) fn see(&mut self, rule: u32, values: Vec<String>, seen: Seen, most: usize) {
        let sets = self.rules.entry(rule).or_default();
        sets.last = sets.last.max(Some(seen.time));
        let mut dropped = Vec::new();
        let events = sets.touch(&values, &mut dropped);
        events.push(seen);
        let most = most.clamp(1, MAX_EVENTS);
        if events.len() > most {
            events.drain(..events.len() - most);
        }
        self.changed.insert((rule, values));
        self.changed.extend(dropped.into_iter().map(|values| (rule, values)));
    }

    /// Whether a rule may remember anything that is not older than `since`.
    pub(crate) fn has_since(&self, rule: u32, since: u64) -> bool {
        self.rules.get(&rule).and_then(|sets| sets.last).is_some_and(|last| last >= since)
    }

    /// How many events of a set are not older than `since`, and differ from these values.
    pub(crate) fn count(&self, rule: u32, values: &[String], since: u64, different: &[String]) -> usize {
        let Some(sets) = self.rules.get(&rule) else { return 0 };
        let events = sets.new.get(values).or_else(|| sets.old.get(values));
        let differs = |seen: &&Seen| seen.different.iter().zip(different).all(|(a, b)| a != b);
        events.map_or(0, |events| events.iter().filter(|seen| seen.time >= since).filter(differs).count())
    }

    /// Forgets a set, as what it stood for was told.
    pub(crate) fn clear(&mut self, rule: u32, values: &[String]) {
        if let Some(sets) = self.rules.get_mut(&rule)
            && sets.new.remove(values).or(sets.old.remove(values)).is_some()
        {
            self.changed.insert((rule, values.to_vec()));
        }
    }

    /// Whether a rule fired within so many seconds before `now`; if not, that it fires now.
    pub(crate) fn is_ignored(&mut self, rule: u32, seconds: u64, now: u64) -> bool {
        if self.fired.get(&rule).is_some_and(|time| now < time.saturating_add(seconds)) {
            return true;
        }
        self.fired.insert(rule, now);
        false
    }

    /// What changed since this was asked last.
    pub(crate) fn changes(&mut self) -> Vec<Kept> {
        let changed = std::mem::take(&mut self.changed);
        let seen = |rule: u32, values: &Vec<String>| {
            let sets = self.rules.get(&rule)?;
            sets.new.get(values).or_else(|| sets.old.get(values)).cloned()
        };
        let kept = |(rule, values): (u32, Vec<String>)| {
            let seen = seen(rule, &values).unwrap_or_default();
            Kept { rule, values, seen }
        };
        changed.into_iter().map(kept).collect()
    }

    /// Puts back what was kept.
    pub(crate) fn restore(&mut self, kept: Kept) {
        let sets = self.rules.entry(kept.rule).or_default();
        if sets.new.len() < MAX_SETS / 2 {
            sets.last = sets.last.max(kept.seen.iter().map(|seen| seen.time).max());
            sets.new.insert(kept.values, kept.seen);
        }
    }
}

impl Sets {
    fn touch(&mut self, values: &[String], dropped: &mut Vec<Vec<String>>) -> &mut Vec<Seen> {
        let kept = self.old.remove(values);
        if self.new.len() >= MAX_SETS / 2 && !self.new.contains_key(values) {
            let forgotten = std::mem::replace(&mut self.old, std::mem::take(&mut self.new));
            dropped.extend(forgotten.into_keys());
        }
        self.new.entry(values.to_vec()).or_insert_with(|| kept.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: u64) -> Seen {
        Seen { time, different: Vec::new() }
    }

    #[test]
    fn windows_and_sets() {
        let mut memory = Memory::default();
        let (a, b) = (vec!["a".to_owned()], vec!["b".to_owned()]);
        for time in [10, 20, 30] {
            memory.see(1, a.clone(), at(time), 8);
        }
        memory.see(1, b.clone(), at(30), 8);
        assert_eq!([memory.count(1, &a, 0, &[]), memory.count(1, &a, 20, &[]), memory.count(1, &b, 0, &[])], [3, 2, 1]);
        assert_eq!(memory.changes().len(), 2);
        memory.clear(1, &a);
        assert_eq!(memory.count(1, &a, 0, &[]), 0);
        let changes = memory.changes();
        assert_eq!((changes.len(), changes[0].seen.len()), (1, 0));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut memory = Memory::default();
        for number in 0..3 * MAX_SETS {
            memory.see(7, vec![number.to_string()], at(1), 4);
            memory.see(7, vec!["always".to_owned()], at(1), 4);
        }
        let sets = &memory.rules[&7];
        assert!(sets.new.len() + sets.old.len() <= MAX_SETS);
        assert_eq!(memory.count(7, &["always".to_owned()], 0, &[]), 4);
        assert_eq!(memory.count(7, &["0".to_owned()], 0, &[]), 0);
        // What was forgotten is told as such, and what came back in between is not.
        let gone = memory.changes();
        assert!(gone.iter().any(|kept| kept.values == ["0"] && kept.seen.is_empty()));
    }

    #[test]
    fn values_that_have_to_differ() {
        let mut memory = Memory::default();
        for url in ["/a", "/a", "/b"] {
            memory.see(1, Vec::new(), Seen { time: 1, different: vec![url.to_owned()] }, 8);
        }
        assert_eq!(memory.count(1, &[], 0, &["/a".to_owned()]), 1);
        assert_eq!(memory.count(1, &[], 0, &["/c".to_owned()]), 3);
    }
}
