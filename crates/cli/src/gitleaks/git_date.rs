//! Dates as `git log --since` takes them, in the forms that pipelines use; others are refused.
//!
//! A date without a zone counts in UTC, where git takes the zone of the machine. A day without a time has the time of
//! day of now, as with git.

use anyhow::{Context as _, Result};
use testudo_source::git::calendar::{DAY, date_of, days, days_of};

/// Seconds of units that always have the same length.
const UNITS: [(&str, i64); 5] = [("second", 1), ("minute", 60), ("hour", 3600), ("day", DAY), ("week", 7 * DAY)];
/// Numbers that git reads as words; a word further on is one more.
const NUMBERS: [&str; 10] = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
/// Plain numbers are seconds of 1970 UTC from here on (date.c).
const FIRST_SECONDS: i64 = 100_000_000;

/// Seconds of 1970 UTC that a text means at the time `now`.
///
/// # Errors
/// The text has none of the forms that are read.
pub(super) fn read(text: &str, now: i64) -> Result<i64> {
    let bare = text.trim_matches(['"', '\'']);
    absolute(bare, now).or_else(|| relative(bare, now)).with_context(|| {
        format!(
            "the date `{text}` is not read; write 2024-05-31, 2024-05-31T12:00:00Z, @SECONDS, 2.weeks.ago, yesterday or now"
        )
    })
}

fn absolute(text: &str, now: i64) -> Option<i64> {
    if let Ok(seconds) = text.strip_prefix('@').unwrap_or(text).parse::<i64>() {
        return (seconds >= FIRST_SECONDS).then_some(seconds);
    }
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let separator = ['-', '/', '.'].into_iter().find(|c| date.contains(*c))?;
    let mut parts = date.split(separator).map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let known = parts.next().is_none()
        && (1970..2100).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day);
    let seconds = match time {
        Some(time) => seconds_of(time)?,
        None => now.rem_euclid(DAY),
    };
    known.then(|| days(year, month, day) * DAY + seconds)
}

fn number(digits: &str) -> Option<i64> {
    (!digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}

/// `12:30`, `12:30:45`, `12:30:45.123`, with `Z`, `+02:00` or `+0200` behind, as seconds from midnight UTC.
fn seconds_of(text: &str) -> Option<i64> {
    let zone_at = text.find(['Z', 'z', '+', '-']).unwrap_or(text.len());
    let (time, zone) = text.split_at(zone_at);
    let (time, _fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut parts = time.split(':').map(number);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    let known = parts.next().is_none() && hour < 24 && minute < 60 && second <= 60;
    known.then(|| Some(hour * 3600 + minute * 60 + second - offset(zone)?))?
}

fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.bytes().next() {
        None | Some(b'Z' | b'z') => return (zone.len() < 2).then_some(0),
        Some(b'-') => -1,
        Some(_) => 1,
    };
    let digits = zone[1..].replace(':', "");
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes = if minutes.is_empty() { 0 } else { number(minutes)? };
    let hours = number(hours)?;
    (hours < 24 && minutes < 60).then(|| sign * (hours * 3600 + minutes * 60))
}

fn relative(text: &str, now: i64) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(['.', '-', '_', ' ']).filter(|w| !w.is_empty()).collect();
    match words[..] {
        ["now" | "today"] => return Some(now),
        ["yesterday"] => return Some(now - DAY),
        ["midnight"] => return Some(now - now.rem_euclid(DAY)),
        ["never"] => return Some(0),
        _ => {}
    }
    let words = words.strip_suffix(&["ago"]).unwrap_or(&words);
    let pairs = words.chunks_exact(2);
    if words.is_empty() || !pairs.remainder().is_empty() {
        return None;
    }
    pairs.into_iter().try_fold(now, |at, pair| before(at, amount(pair[0])?, pair[1].trim_end_matches('s')))
}

fn amount(word: &str) -> Option<i64> {
    let named = NUMBERS.iter().position(|n| *n == word).map(|at| at as i64 + 1);
    named.or((word == "last").then_some(1)).or_else(|| number(word))
}

/// So many units before a time. Months and years keep the day, which may run over the end of a shorter month.
fn before(at: i64, amount: i64, unit: &str) -> Option<i64> {
    if let Some((_, seconds)) = UNITS.iter().find(|(name, _)| *name == unit) {
        return Some(at - amount * seconds);
    }
    let months = match unit {
        "month" => amount,
        "year" => amount * 12,
        _ => return None,
    };
    let (year, month, day) = date_of(at.div_euclid(DAY));
    let month = year * 12 + month - 1 - months;
    Some((days(month.div_euclid(12), month.rem_euclid(12) + 1, 1) + day - 1) * DAY + at.rem_euclid(DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-05-31T12:00:00Z
    const NOW: i64 = 1_717_156_800;

    #[test]
    fn dates_are_what_git_makes_of_them() {
        let cases = [
            ("2024-05-31", NOW),
            ("2024/05/31", NOW),
            ("2000-02-29T00:00:00Z", 951_782_400),
            ("2000-02-29T01:00+01:00", 951_782_400),
            ("2000-02-28T22:30:00.5-0130", 951_782_400),
            ("\"@951782400\"", 951_782_400),
            ("1112911993", 1_112_911_993),
            ("now", NOW),
            ("never", 0),
            ("yesterday", NOW - DAY),
            ("midnight", NOW - DAY / 2),
            ("2.weeks.ago", NOW - 14 * DAY),
            ("3.days", NOW - 3 * DAY),
            ("one-hour-ago", NOW - 3600),
            ("last.week", NOW - 7 * DAY),
            // 31 April is 1 May.
            ("1.month.ago", NOW - 30 * DAY),
            ("1.year.2.months.ago", days(2023, 3, 31) * DAY + DAY / 2),
        ];
        for (text, seconds) in cases {
            assert_eq!(read(text, NOW).ok(), Some(seconds), "{text}");
        }
        for text in [
            "",
            "ago",
            "2",
            "tomorrow",
            "weeks",
            "2.fortnights",
            "2024-13-01",
            "2023-02-29",
            "24-05-31",
            "2024-05-31T25:00",
            "@5",
        ] {
            assert!(read(text, NOW).is_err(), "{text}");
        }
    }
}
