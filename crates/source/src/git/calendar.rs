//! Days and dates of the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms"). Years begin in March,
//! so that a leap day is the last.

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// Days from 1970-01-01 to a date of year, month from 1 and day from 1. A day beyond the end of its month is one of the next.
#[must_use]
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month from 1 and day from 1 of so many days from 1970-01-01.
#[must_use]
pub fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = (month + 2) % 12 + 1;
    (shifted.div_euclid(146_097) * 400 + year + i64::from(date <= 2), date, of_year - (153 * month + 2) / 5 + 1)
}

/// Days of a month.
#[must_use]
pub fn days_of(year: i64, month: i64) -> i64 {
    let next = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
    next - days(year, month, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_go_there_and_back() {
        for day in (-800_000..800_000).step_by(37) {
            let (year, month, of_month) = date_of(day);
            assert_eq!(days(year, month, of_month), day);
            assert!((1..=12).contains(&month) && (1..=days_of(year, month)).contains(&of_month));
        }
        assert_eq!(date_of(11_016), (2000, 2, 29));
    }
}
