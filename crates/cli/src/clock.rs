//! The one place that asks what time it is: for the date of a report and of suppressions, never for a finding.

use std::time::{SystemTime, UNIX_EPOCH};

use testudo_policy::Date;
use testudo_source::git::Signature;

fn seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(0))
}

/// Now, RFC 3339 in UTC.
pub(crate) fn now() -> String {
    Signature { seconds: seconds(), ..Signature::default() }.date()
}

/// Today in UTC; none where the clock stands outside the calendar.
pub(crate) fn today() -> Option<Date> {
    now().get(..10).and_then(|day| day.parse().ok())
}
