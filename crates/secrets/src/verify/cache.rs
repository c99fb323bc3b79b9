//! Answers of earlier scans, as a text with one line an answer: digest, state, and the second at which it is forgotten.
//!
//! The digest is keyed and covers rule, request and value, so a changed rule asks again, and the file tells nothing
//! about a value to somebody who does not have it. What is unknown is never remembered.

use std::collections::BTreeMap;

use testudo_model::LiveState;

/// First line of the file.
const HEADER: &str = "testudo live checks 1";
/// Answers that are remembered at most.
const MOST: usize = 10_000;
/// Seconds for which "live" is remembered: short, because somebody is about to revoke it.
const ACTIVE_SECONDS: u64 = 15 * 60;
/// Seconds for which "dead" is remembered.
const INACTIVE_SECONDS: u64 = 24 * 60 * 60;

/// Answers by digest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cache {
    answers: BTreeMap<String, (LiveState, u64)>,
}

impl Cache {
    /// Largest file that is worth reading, in bytes.
    pub const MAX_BYTES: u64 = 2 << 20;

    /// Reads a file; `now` is in seconds since 1970. A file that is damaged remembers nothing, because a wrong answer is
    /// worse than a second question.
    #[must_use]
    pub fn read(text: &str, now: u64) -> Self {
        let mut lines = text.lines();
        if text.len() as u64 > Self::MAX_BYTES || lines.next() != Some(HEADER) {
            return Self::default();
        }
        let answers: Option<BTreeMap<_, _>> = lines.take(MOST).map(entry).collect();
        let mut answers = answers.unwrap_or_default();
        answers.retain(|_, (state, until)| holds(*state, *until, now));
        Self { answers }
    }

    /// The text of the file.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for (digest, (state, until)) in self.answers.iter().take(MOST) {
            text.push_str(&format!("{digest} {} {until}\n", state.as_str()));
        }
        text
    }

    /// What was answered.
    pub(super) fn get(&self, digest: &str) -> Option<LiveState> {
        self.answers.get(digest).map(|(state, _)| *state)
    }

    /// Remembers an answer.
    pub(super) fn put(&mut self, digest: String, state: LiveState, now: u64) {
        if let Some(seconds) = lifetime(state).filter(|_| self.answers.len() < MOST) {
            self.answers.insert(digest, (state, now + seconds));
        }
    }
}

const fn lifetime(state: LiveState) -> Option<u64> {
    match state {
        LiveState::Active => Some(ACTIVE_SECONDS),
        LiveState::Inactive => Some(INACTIVE_SECONDS),
        LiveState::Unknown => None,
    }
}

/// Whether an answer still counts. One that would count longer than any answer does was not written by this clock.
fn holds(state: LiveState, until: u64, now: u64) -> bool {
    lifetime(state).is_some_and(|seconds| until > now && until <= now.saturating_add(seconds))
}

fn entry(line: &str) -> Option<(String, (LiveState, u64))> {
    let mut words = line.split(' ');
    let (digest, state, until) = (words.next()?, words.next()?, words.next()?);
    let state = [LiveState::Active, LiveState::Inactive].into_iter().find(|s| s.as_str() == state)?;
    let hexadecimal = digest.len() == 32 && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (hexadecimal && words.next().is_none()).then_some((digest.to_owned(), (state, until.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(n: usize) -> String {
        format!("{n:032x}")
    }

    #[test]
    fn answers_are_forgotten_in_time() {
        let mut cache = Cache::default();
        for (n, state) in [LiveState::Active, LiveState::Inactive, LiveState::Unknown].into_iter().enumerate() {
            cache.put(digest(n), state, 1000);
        }
        let text = cache.write();
        for (now, live, dead) in [
            (1000, true, true),
            (1000 + ACTIVE_SECONDS - 1, true, true),
            (1000 + ACTIVE_SECONDS, false, true),
            (1000 + INACTIVE_SECONDS - 1, false, true),
            (1000 + INACTIVE_SECONDS, false, false),
            // The clock was set back: nothing that claims to live longer than it may is believed.
            (0, false, false),
        ] {
            let read = Cache::read(&text, now);
            assert_eq!(read.get(&digest(0)).is_some(), live, "{now}");
            assert_eq!(read.get(&digest(1)), dead.then_some(LiveState::Inactive), "{now}");
            assert_eq!(read.get(&digest(2)), None);
        }
        assert_eq!(Cache::read(&text, 1000), Cache { answers: cache.answers });
    }

    #[test]
    fn a_damaged_file_remembers_nothing() {
        let line = format!("{} inactive 2000", digest(1));
        for text in [
            String::new(),
            "another header\n".to_owned(),
            line.clone(),
            format!("{HEADER}\n{line}\nx"),
            format!("{HEADER}\n{line} more"),
            format!("{HEADER}\n{} dead 2000", digest(1)),
            format!("{HEADER}\n{} unknown 2000", digest(1)),
            format!("{HEADER}\n{} inactive -1", digest(1)),
            format!("{HEADER}\n{} inactive 2000", "G".repeat(32)),
            format!("{HEADER}\n{} inactive 2000", "a".repeat(31)),
        ] {
            assert_eq!(Cache::read(&text, 1500), Cache::default(), "{text}");
        }
        assert_ne!(Cache::read(&format!("{HEADER}\n{line}\n"), 1500), Cache::default());
    }
}
