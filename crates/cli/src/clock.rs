//! The one place that asks what time it is: for the date of a report and of suppressions, and for the age of remembered answers, never for a finding.
//! A probe waits by it.

use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use testudo_policy::Date;
use testudo_source::git::Signature;

/// Seconds since 1970; 0 where the clock stands before that.
pub(crate) fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

/// Now, RFC 3339 in UTC.
pub(crate) fn now() -> String {
    Signature { seconds: i64::try_from(seconds()).unwrap_or(0), ..Signature::default() }.date()
}

/// Today in UTC; none where the clock stands outside the calendar.
pub(crate) fn today() -> Option<Date> {
    now().get(..10).and_then(|day| day.parse().ok())
}

/// The clock of this machine, for the pace of a probe.
#[derive(Debug)]
pub(crate) struct Machine(Instant);

impl Machine {
    /// A clock that begins now.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl testudo_probe::Clock for Machine {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn unix(&self) -> u64 {
        seconds()
    }

    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }
}
