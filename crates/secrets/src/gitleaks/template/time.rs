//! Times written after a layout of Go: a text that shows how the second of January 2006, 15:04:05, is to look. UTC only.

use testudo_source::git::calendar::{DAY, date_of, days};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// What layouts are made of; where one begins another, the longer one stands before it.
const PARTS: [&str; 31] = [
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "2006",
    "Z07:00:00",
    "Z07:00",
    "Z0700",
    "-07:00:00",
    "-07:00",
    "-0700",
    "-07",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "002",
    "__2",
    "_2",
    "15",
    "PM",
    "pm",
    "1",
    "2",
    "3",
    "4",
    "5",
    "Z07",
];

/// A time after a layout.
pub(super) fn formatted(layout: &str, seconds: i64) -> String {
    // The years 0001 to 9999, which have four digits.
    let seconds = seconds.clamp(-62_135_596_800, 253_402_300_799);
    let number = seconds.div_euclid(DAY);
    let (year, month, day) = date_of(number);
    let of_year = number - days(year, 1, 1) + 1;
    let second = seconds.rem_euclid(DAY);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    let month_name = MONTHS[(month - 1) as usize];
    // The first of January 1970 was a Thursday.
    let day_name = DAYS[(number + 4).rem_euclid(7) as usize];
    let twelve = (hour + 11) % 12 + 1;
    let (mut out, mut rest) = (String::new(), layout);
    while let Some(c) = rest.chars().next() {
        // "January" begins with "Jan", and "Month" does not hold "Mon".
        let part = PARTS.iter().find(|part| rest.starts_with(**part) && !part_of_word(part, rest));
        let Some(part) = part else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        rest = &rest[part.len()..];
        out.push_str(&match *part {
            "January" => month_name.to_owned(),
            "Jan" => month_name.chars().take(3).collect(),
            "Monday" => day_name.to_owned(),
            "Mon" => day_name[..3].to_owned(),
            "MST" => "UTC".to_owned(),
            "2006" => format!("{year:04}"),
            "06" => format!("{:02}", year % 100),
            "01" => format!("{month:02}"),
            "1" => month.to_string(),
            "02" => format!("{day:02}"),
            "2" => day.to_string(),
            "_2" => format!("{day:>2}"),
            "002" => format!("{of_year:03}"),
            "__2" => format!("{of_year:>3}"),
            "15" => format!("{hour:02}"),
            "03" => format!("{twelve:02}"),
            "3" => twelve.to_string(),
            "04" => format!("{minute:02}"),
            "4" => minute.to_string(),
            "05" => format!("{:02}", second % 60),
            "5" => (second % 60).to_string(),
            "PM" => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            "pm" => if hour < 12 { "am" } else { "pm" }.to_owned(),
            zone if zone.starts_with('Z') => "Z".to_owned(),
            zone => zone.replace('-', "+").replace('7', "0"),
        });
    }
    out
}

/// Whether a short name only begins a longer word.
fn part_of_word(part: &str, rest: &str) -> bool {
    matches!(part, "Jan" | "Mon") && rest[part.len()..].starts_with(|c: char| c.is_ascii_lowercase())
}

/// RFC 3339.
pub(super) fn rfc3339(seconds: i64) -> String {
    formatted("2006-01-02T15:04:05Z07:00", seconds)
}
