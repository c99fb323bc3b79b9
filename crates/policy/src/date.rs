//! A calendar date, for suppressions that end. Proleptic Gregorian calendar (ISO 8601), no time zone.

use std::{fmt, str::FromStr};

/// One day, `YYYY-MM-DD`, years 0001 to 9999. Always a day that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The day, or none where the calendar has no such day.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let valid = (1..=9999).contains(&year) && day >= 1 && day <= days_in_month(year, month);
        valid.then_some(Self { year, month, day })
    }

    /// Days from `self` to `other`; negative where `other` is earlier.
    #[must_use]
    pub fn days_until(self, other: Self) -> i64 {
        other.day_number() - self.day_number()
    }

    /// Days since the last day before year 1.
    fn day_number(self) -> i64 {
        let years = i64::from(self.year) - 1;
        let months: i64 = (1..self.month).map(|m| i64::from(days_in_month(self.year, m))).sum();
        years * 365 + years / 4 - years / 100 + years / 400 + months + i64::from(self.day)
    }
}

const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Length of a month, 0 for a month that does not exist.
const fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 0,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = String;

    /// Reads exactly `YYYY-MM-DD`; the error is one sentence for people.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        parse(s).ok_or_else(|| format!("`{}` is not a date (expected YYYY-MM-DD, a day that exists)", s.escape_debug()))
    }
}

fn parse(s: &str) -> Option<Date> {
    let shaped = s.len() == 10
        && s.bytes().enumerate().all(|(i, b)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    if !shaped {
        return None;
    }
    Date::new(s[..4].parse().ok()?, s[5..7].parse().ok()?, s[8..].parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(s: &str) -> Date {
        s.parse().unwrap()
    }

    #[test]
    fn only_days_that_exist_are_dates() {
        for good in ["2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31", "2026-11-30"] {
            assert_eq!(date(good).to_string(), good);
        }
        for bad in [
            "",
            "2023-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-01-00",
            "2026-04-31",
            "0000-01-01",
            "2026-1-1",
            "+026-01-01",
            "2026-01-01 ",
            "2026/01/01",
            "２026-01-0",
        ] {
            assert!(bad.parse::<Date>().is_err(), "{bad}");
        }
    }

    #[test]
    fn day_arithmetic_crosses_months_and_leap_years() {
        for (from, to, days) in [
            ("2024-02-28", "2024-03-01", 2),
            ("2023-02-28", "2023-03-01", 1),
            ("2026-01-01", "2026-12-31", 364),
            ("2000-01-01", "2100-01-01", 36525),
            ("2026-03-02", "2026-03-01", -1),
            ("1970-01-01", "2026-11-22", 20779),
        ] {
            assert_eq!(date(from).days_until(date(to)), days, "{from} {to}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut last = date("1999-12-31").day_number();
        for year in 2000..2400 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(date) = Date::new(year, month, day) {
                        assert_eq!(date.day_number(), last + 1, "{date}");
                        last += 1;
                    }
                }
            }
        }
    }
}
