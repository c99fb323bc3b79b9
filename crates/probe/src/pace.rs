//! How fast and how often: every connection takes a turn here first, whatever it is for. Nothing here knows why a request is
//! made, so a repetition or a redirect costs what any other request costs.

use std::time::Duration;

/// The agreed amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests a second, at least 1.
    pub rate: u32,
    /// Requests in all.
    pub requests: u32,
    /// How long the whole run may take.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rate: 20, requests: 2_000, time: Duration::from_secs(15 * 60) }
    }
}

/// What tells the time and waits. Below the command line nothing else does.
pub trait Clock {
    /// Time since some start; it never goes back.
    fn now(&self) -> Duration;
    /// Seconds since 1970.
    fn unix(&self) -> u64;
    /// Waits.
    fn sleep(&self, time: Duration);
}

/// Which amount is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// The number of requests.
    Requests,
    /// The time.
    Time,
    /// The server asked for more patience than there is time left.
    Patience,
}

impl Spent {
    /// In words, with what to do.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "the number of requests that was agreed is used up; raise --max-requests",
            Self::Time => "the time that was agreed is used up; raise --max-time or --rate",
            Self::Patience => {
                "the server asked to wait for longer than the time that is left; raise --max-time or lower --rate"
            }
        }
    }
}

/// Longest wait without a word of the server.
const DEFAULT_WAIT: Duration = Duration::from_secs(5);

/// The turns of one run.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    next: Duration,
    left: u32,
    until: Duration,
}

impl Pace {
    pub(crate) fn new(limits: Limits, clock: &dyn Clock) -> Self {
        let now = clock.now();
        // Rounded up: a whole second never holds one more than agreed.
        let nanos = 1_000_000_000_u64.div_ceil(u64::from(limits.rate.max(1)));
        Self {
            interval: Duration::from_nanos(nanos),
            next: now,
            left: limits.requests,
            until: now.saturating_add(limits.time),
        }
    }

    /// Waits for the turn of one connection.
    pub(crate) fn turn(&mut self, clock: &dyn Clock) -> Result<(), Spent> {
        if self.left == 0 {
            return Err(Spent::Requests);
        }
        let now = clock.now();
        if self.next.max(now) >= self.until {
            return Err(Spent::Time);
        }
        if self.next > now {
            clock.sleep(self.next - now);
        }
        self.left -= 1;
        self.next = self.next.max(clock.now()) + self.interval;
        Ok(())
    }

    /// Time that is left.
    pub(crate) fn left(&self, clock: &dyn Clock) -> Duration {
        self.until.saturating_sub(clock.now())
    }

    /// The server asked for patience: no turn before that, and half the speed from then on.
    pub(crate) fn back_off(&mut self, wait: Option<Duration>, clock: &dyn Clock) -> Result<(), Spent> {
        let from = clock.now().saturating_add(wait.unwrap_or(DEFAULT_WAIT));
        if from >= self.until {
            return Err(Spent::Patience);
        }
        self.next = self.next.max(from);
        self.interval = (self.interval * 2).min(DEFAULT_WAIT);
        Ok(())
    }
}

/// The value of `Retry-After` (RFC 9110 section 10.2.3) as time from now.
pub(crate) fn retry_after(value: &str, unix: u64) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX))));
    }
    http_date(value).map(|at| Duration::from_secs(at.saturating_sub(unix)))
}

/// A date such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7) as seconds since 1970.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = words.as_slice() else { return None };
    let month = MONTHS.iter().position(|name| name == month)? as u64 + 1;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let clock: Vec<u64> = time.split(':').map_while(|part| part.parse().ok()).collect();
    let [hour, minute, second] = clock.as_slice() else { return None };
    if !(1..=31).contains(&day) || !(1970..=9999).contains(&year) || *hour > 23 || *minute > 59 || *second > 60 {
        return None;
    }
    // Days since 1970 of a date in the Gregorian calendar, counted in years that begin in March.
    let (shifted, march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + (153 * march + 2) / 5 + day - 1;
    (days.checked_sub(719_468)?).checked_mul(86_400)?.checked_add(hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use super::*;

    /// A clock that goes only when somebody waits.
    #[derive(Debug, Default)]
    pub(crate) struct Still(pub(crate) Cell<Duration>);

    impl Clock for Still {
        fn now(&self) -> Duration {
            self.0.get()
        }

        fn unix(&self) -> u64 {
            784_111_777 + self.0.get().as_secs()
        }

        fn sleep(&self, time: Duration) {
            self.0.set(self.0.get() + time);
        }
    }

    #[test]
    fn patience_without_end_is_none() {
        let clock = Still(Cell::new(Duration::from_secs(3)));
        let asked = pace(&clock, 1, 9, 60).back_off(Some(Duration::MAX), &clock);
        assert!(matches!(asked, Err(Spent::Patience)), "{asked:?}");
        pace(&clock, 1, 9, u64::MAX).turn(&clock).unwrap();
    }

    fn pace(clock: &Still, rate: u32, requests: u32, seconds: u64) -> Pace {
        Pace::new(Limits { rate, requests, time: Duration::from_secs(seconds) }, clock)
    }

    #[test]
    fn no_second_holds_more_turns_than_agreed() {
        for rate in [1, 3, 7, 20, 999] {
            let clock = Still::default();
            let mut pace = pace(&clock, rate, 500, 100_000);
            let mut times = Vec::new();
            for at in 0_u32..400 {
                // Answers that take their time do not earn a burst afterwards.
                clock.sleep(Duration::from_millis(if at % 50 == 0 { 2_500 } else { 0 }));
                pace.turn(&clock).unwrap();
                times.push(clock.now());
            }
            let rate = rate as usize;
            let second = Duration::from_secs(1);
            assert!(times.windows(rate + 1).all(|turns| turns[rate] - turns[0] >= second), "{rate}");
        }
    }

    #[test]
    fn amounts_are_exact() {
        let clock = Still::default();
        let mut few = pace(&clock, 10, 3, 100);
        assert_eq!((0..5).map(|_| few.turn(&clock).is_ok()).filter(|ok| *ok).count(), 3);
        assert_eq!(few.turn(&clock), Err(Spent::Requests));
        let mut brief = pace(&clock, 1, 100, 3);
        assert_eq!((0..9).filter(|_| brief.turn(&clock).is_ok()).count(), 3);
        assert_eq!(brief.turn(&clock), Err(Spent::Time));
    }

    #[test]
    fn patience_is_obeyed_or_the_run_ends() {
        let clock = Still::default();
        let mut pace = pace(&clock, 10, 100, 60);
        pace.turn(&clock).unwrap();
        pace.back_off(Some(Duration::from_secs(30)), &clock).unwrap();
        pace.turn(&clock).unwrap();
        assert_eq!(clock.now(), Duration::from_secs(30));
        assert_eq!(pace.back_off(Some(Duration::from_secs(31)), &clock), Err(Spent::Patience));
    }

    #[test]
    fn retry_after_is_a_number_or_a_date() {
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(u64::from(u32::MAX))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400 - 784_111_777)),
            ("Sat, 01 Jan 1994 00:00:00 GMT", Some(0)),
            ("soon", None),
            ("", None),
            ("-1", None),
            ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ] {
            assert_eq!(retry_after(value, 784_111_777), expected.map(Duration::from_secs), "{value}");
        }
    }
}
