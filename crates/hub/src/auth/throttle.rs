//! Slows down whoever guesses: an address that failed too often has to wait.

use std::{collections::BTreeMap, net::IpAddr, sync::Mutex};

/// Failures of one address that are let pass within a window.
const MOST: u32 = 20;
/// The window, in seconds.
const WINDOW: i64 = 60;
/// Addresses that are remembered at once. A full memory forgets the oldest, so that nobody can fill it for good.
const ADDRESSES: usize = 4096;

/// Failures by address: how many, and since when.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<BTreeMap<IpAddr, (u32, i64)>>);

impl Throttle {
    /// Seconds that an address has to wait; none where it may try.
    pub(crate) fn wait(&self, address: IpAddr, now: i64) -> Option<i64> {
        let failures = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (count, since) = *failures.get(&address)?;
        (count >= MOST && now < since + WINDOW).then(|| since + WINDOW - now)
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, address: IpAddr, now: i64) {
        let mut failures = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if failures.len() >= ADDRESSES {
            failures.retain(|_, (_, since)| now < *since + WINDOW);
        }
        if failures.len() >= ADDRESSES {
            let oldest = failures.iter().min_by_key(|(_, (_, since))| *since).map(|(address, _)| *address);
            oldest.map(|oldest| failures.remove(&oldest));
        }
        let entry = failures.entry(address).or_insert((0, now));
        if now >= entry.1 + WINDOW {
            *entry = (0, now);
        }
        entry.0 += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_and_others_do_not() {
        let throttle = Throttle::default();
        let [one, two] = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2])];
        for _ in 0..MOST {
            assert_eq!(throttle.wait(one, 100), None);
            throttle.failed(one, 100);
        }
        assert_eq!((throttle.wait(one, 110), throttle.wait(two, 110)), (Some(50), None));
        assert_eq!(throttle.wait(one, 160), None);
        throttle.failed(one, 161);
        assert_eq!(throttle.wait(one, 161), None);
    }

    #[test]
    fn the_memory_has_an_end() {
        let throttle = Throttle::default();
        for at in 0..10_000_u32 {
            throttle.failed(IpAddr::from(at.to_be_bytes()), i64::from(at % 7));
        }
        assert!(throttle.0.lock().unwrap().len() <= ADDRESSES);
    }
}
