//! Requests to one host do not come faster than the policy says, whichever thread makes them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// When each host may be asked next.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<HashMap<String, Instant>>);

impl Pace {
    /// Waits until it is this request's turn.
    pub(crate) fn wait(&self, origin: &str, pause: Duration) {
        if !pause.is_zero() {
            thread::sleep(self.delay(origin, pause, Instant::now()));
        }
    }

    /// How long a request that comes now has to wait; the next one waits for it.
    fn delay(&self, origin: &str, pause: Duration, now: Instant) -> Duration {
        // Every entry is whole at any time, so a thread that panicked leaves nothing half done.
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = turns.get(origin).map_or(now, |next| (*next).max(now));
        turns.insert(origin.to_owned(), turn + pause);
        turn - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_has_its_own_turns() {
        let (pace, start, second) = (Pace::default(), Instant::now(), Duration::from_secs(1));
        let mut delays = Vec::new();
        for (host, after) in [("a", 0), ("a", 0), ("b", 0), ("a", 1), ("a", 10), ("a", 10)] {
            delays.push(pace.delay(host, second, start + second * after).as_secs());
        }
        assert_eq!(delays, [0, 1, 0, 1, 0, 1]);
    }
}
