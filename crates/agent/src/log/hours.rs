//! Rules that hold at some hours of the day (`<time>`) and on some days of the week (`<weekday>`).

/// Seconds of a day.
const DAY: i64 = 86_400;
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// When a rule holds, by the clock on the wall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hours {
    /// From a second of the day on, up to another one, which may be one of the next day; or outside of that.
    Between { from: i64, to: i64, negated: bool },
    /// On days from Monday on.
    On([bool; 7]),
}

impl Hours {
    /// `6 pm - 8:30 am`, `08:00-18:00`, with `!` in front for all other hours.
    pub(crate) fn of_day(text: &str) -> Option<Self> {
        let (negated, text) = text.trim().strip_prefix('!').map_or((false, text.trim()), |rest| (true, rest));
        let (from, to) = text.split_once('-')?;
        Some(Self::Between { from: clock(from)?, to: clock(to)?, negated })
    }

    /// `weekends`, `weekdays`, `monday, tue`, with `!` in front for all other days.
    pub(crate) fn of_week(text: &str) -> Option<Self> {
        let (negated, text) = text.trim().strip_prefix('!').map_or((false, text.trim()), |rest| (true, rest));
        let mut days = [false; 7];
        for word in text.to_ascii_lowercase().split([',', ' ']).filter(|word| !word.is_empty()) {
            match word {
                "weekdays" => days[..5].fill(true),
                "weekends" => days[5..].fill(true),
                word => days[DAYS.iter().position(|day| word.len() >= 2 && day.starts_with(word))?] = true,
            }
        }
        days.contains(&true).then(|| Self::On(days.map(|day| day != negated)))
    }

    /// Whether a time is one of them: seconds since 1970 by the clock on the wall.
    pub(crate) fn holds(&self, time: i64) -> bool {
        match self {
            Self::Between { from, to, negated } => {
                let second = time.rem_euclid(DAY);
                let within = if from <= to { (*from..*to).contains(&second) } else { second >= *from || second < *to };
                within != *negated
            }
            // 1970-01-01 was a Thursday.
            Self::On(days) => usize::try_from((time.div_euclid(DAY) + 3).rem_euclid(7)).is_ok_and(|day| days[day]),
        }
    }
}

/// `8`, `8:30`, `6 pm`, `18:00`.
fn clock(text: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let half = ["am", "pm"].iter().find(|half| text.ends_with(**half));
    let digits = half.map_or(text.as_str(), |half| text.trim_end_matches(half)).trim();
    let (hour, minute) = digits.split_once(':').unwrap_or((digits, "0"));
    let (hour, minute): (i64, i64) = (hour.parse().ok()?, minute.parse().ok()?);
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + if *half == "pm" { 12 } else { 0 },
        Some(_) => return None,
        None => hour,
    };
    ((0..=24).contains(&hour) && (0..60).contains(&minute)).then_some(hour * 3600 + minute * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_days() {
        let at = |hour: i64, minute: i64| hour * 3600 + minute * 60;
        for (text, time, expected) in [
            ("6 pm - 8:30 am", at(18, 0), true),
            ("6 pm - 8:30 am", at(8, 29), true),
            ("6 pm - 8:30 am", at(8, 30), false),
            ("8:00-18:00", at(12, 0), true),
            ("!8:00-18:00", at(12, 0), false),
            ("12 am - 12 pm", at(11, 0), true),
        ] {
            assert_eq!(Hours::of_day(text).unwrap().holds(time), expected, "{text} {time}");
        }
        for (text, day, expected) in [
            ("weekends", 2, true),
            ("weekends", 0, false),
            ("!weekends", 0, true),
            ("thu", 0, true),
            ("monday,friday", 1, true),
            ("weekdays", 3, false),
        ] {
            assert_eq!(Hours::of_week(text).unwrap().holds(day * DAY), expected, "{text} {day}");
        }
        for text in ["", "8", "25:00-26:00", "13 pm - 1 am"] {
            assert_eq!(Hours::of_day(text), None, "{text}");
        }
        assert_eq!((Hours::of_week("someday"), Hours::of_week("")), (None, None));
    }
}
