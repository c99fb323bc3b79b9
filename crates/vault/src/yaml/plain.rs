//! What plain text means: the readings of go-yaml 3, which sops sums and encrypts. They are those of YAML 1.2 (section
//! 10.3) with octal numbers, underscores and timestamps of YAML 1.1.

use crate::Scalar;

/// What a plain text is.
#[derive(Debug, PartialEq)]
pub(super) enum Meaning {
    /// Nothing.
    Null,
    /// A number, truth or time.
    Value(Scalar),
    /// A whole number that SOPS files cannot hold.
    TooLarge,
    /// The key that takes over another map.
    Merge,
    /// Text.
    Text,
}

/// Reads a plain text.
pub(super) fn meaning(text: &str) -> Meaning {
    let value = |scalar| Meaning::Value(scalar);
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Meaning::Null,
        "true" | "True" | "TRUE" => return value(Scalar::Bool(true)),
        "false" | "False" | "FALSE" => return value(Scalar::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return value(Scalar::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return value(Scalar::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => return value(Scalar::Float(f64::NEG_INFINITY)),
        "<<" => return Meaning::Merge,
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Meaning::Text;
    }
    if let Some(time) = time(text) {
        return value(Scalar::Time(time));
    }
    // Underscores are left out of numbers, but not of those that begin with the point.
    let digits = if text.starts_with('.') { text.to_owned() } else { text.replace('_', "") };
    match integer(&digits) {
        Some(Some(number)) => return value(Scalar::Int(number)),
        Some(None) => return Meaning::TooLarge,
        None => {}
    }
    match is_float(&digits).then(|| digits.parse().ok()).flatten().filter(|number: &f64| number.is_finite()) {
        Some(number) => value(Scalar::Float(number)),
        None => Meaning::Text,
    }
}

/// A whole number: none where the text is none, and none within where it is larger than a file can hold.
fn integer(text: &str) -> Option<Option<i64>> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("+", &text[1..]),
        _ => ("", text),
    };
    let (radix, digits) = match digits.get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some(two) if two.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let size = i128::from(u64::from_str_radix(digits, radix).ok()?);
    match i64::try_from(if sign == "-" { -size } else { size }) {
        Ok(number) => Some(Some(number)),
        // With a sign it is read as a number with a fraction.
        Err(_) => sign.is_empty().then_some(None),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (number, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(n, e)| (n, Some(e)));
    let all = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    let some = |digits: &str| !digits.is_empty() && all(digits);
    let whole = match number.split_once('.') {
        Some(("", fraction)) => some(fraction),
        Some((whole, fraction)) => some(whole) && all(fraction),
        None => some(number),
    };
    whole && exponent.is_none_or(|exponent| some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)))
}

/// A time in RFC 3339, from the forms that are read as one.
pub(crate) fn time(text: &str) -> Option<String> {
    let year = text.get(..4).filter(|year| year.bytes().all(|b| b.is_ascii_digit()))?;
    let mut rest = text[4..].strip_prefix('-')?;
    let mut number = |end: &str, most: u32| -> Option<u32> {
        let length = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
        let value = rest[..length].parse().ok().filter(|value| *value <= most)?;
        rest = rest[length..].strip_prefix(end)?;
        Some(value)
    };
    let (month, day) = (number("-", 12)?, number("", 31)?);
    if month == 0 || day == 0 || day > days(year.parse().ok()?, month) {
        return None;
    }
    let date = format!("{year}-{month:02}-{day:02}");
    if rest.is_empty() {
        return Some(date + "T00:00:00Z");
    }
    let zoned = rest.starts_with(['T', 't']);
    rest = rest.strip_prefix(['T', 't', ' '])?;
    let mut number = |end: &str, most: u32| -> Option<u32> {
        let length = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
        let value = rest[..length].parse().ok().filter(|value| *value <= most)?;
        rest = rest[length..].strip_prefix(end)?;
        Some(value)
    };
    let (hour, minute, second) = (number(":", 23)?, number(":", 59)?, number("", 59)?);
    let (fraction, rest) = fraction(rest);
    let zone = if zoned { zone(rest)? } else { rest.is_empty().then(|| "Z".to_owned())? };
    Some(format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"))
}

/// Parts of a second with their point, without the zeros at their end, and what follows.
fn fraction(text: &str) -> (String, &str) {
    let digits = text.strip_prefix(['.', ',']).unwrap_or_default();
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 {
        return (String::new(), text);
    }
    let kept = digits[..length.min(9)].trim_end_matches('0');
    (if kept.is_empty() { String::new() } else { format!(".{kept}") }, &digits[length..])
}

/// The distance from UTC.
fn zone(text: &str) -> Option<String> {
    if text == "Z" {
        return Some("Z".to_owned());
    }
    let (hours, minutes) = text.strip_prefix(['+', '-'])?.split_once(':')?;
    let number = |text: &str, most: u32| -> Option<u32> {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?.filter(|n| *n <= most)
    };
    let (hours, minutes) = (number(hours, 24)?, number(minutes, 60)?);
    Some(if hours == 0 && minutes == 0 { "Z".to_owned() } else { text.to_owned() })
}

/// Days of a month in the Gregorian calendar.
fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether a text would be read as something else than text, by this reader or by one of YAML 1.1.
pub(super) fn needs_quotes(text: &str) -> bool {
    const OLD: [&str; 16] =
        ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF"];
    meaning(text) != Meaning::Text || OLD.contains(&text) || is_base_60(text)
}

/// `[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?`: numbers to the base 60 of YAML 1.1.
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let mut groups = whole.split(':');
    let first = groups.next().is_some_and(|g| g.starts_with(|c: char| c.is_ascii_digit()) && digits(g));
    let mut count = 0;
    let sixties = groups.all(|group| {
        count += 1;
        match group.as_bytes() {
            [one] => one.is_ascii_digit(),
            [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
            _ => false,
        }
    });
    first && sixties && count > 0 && digits(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_texts_mean_what_they_mean_to_sops() {
        let int = |n| Meaning::Value(Scalar::Int(n));
        let float = |n| Meaning::Value(Scalar::Float(n));
        let time = |t: &str| Meaning::Value(Scalar::Time(t.to_owned()));
        for (text, expected) in [
            ("0", int(0)),
            ("-7", int(-7)),
            ("+5", int(5)),
            ("0x1F", int(31)),
            ("0o17", int(15)),
            ("017", int(15)),
            ("0b101", int(5)),
            ("1_000", int(1000)),
            ("08", float(8.0)),
            ("-9223372036854775808", int(i64::MIN)),
            ("18446744073709551615", Meaning::TooLarge),
            ("+18446744073709551615", float(18_446_744_073_709_551_615.0)),
            ("1e3", float(1000.0)),
            (".5", float(0.5)),
            ("1.", float(1.0)),
            ("1e999", Meaning::Text),
            ("1.2.3", Meaning::Text),
            ("._5", Meaning::Text),
            (".", Meaning::Text),
            ("-", Meaning::Text),
            ("+", Meaning::Text),
            ("0x", Meaning::Text),
            ("yes", Meaning::Text),
            ("True", Meaning::Value(Scalar::Bool(true))),
            ("~", Meaning::Null),
            ("<<", Meaning::Merge),
            ("2001-12-14", time("2001-12-14T00:00:00Z")),
            ("2001-1-4", time("2001-01-04T00:00:00Z")),
            ("2001-12-14t21:59:43.10-05:00", time("2001-12-14T21:59:43.1-05:00")),
            ("2001-12-14 21:59:43.000", time("2001-12-14T21:59:43Z")),
            ("2001-12-14T21:59:43+00:00", time("2001-12-14T21:59:43Z")),
            ("2001-02-29", Meaning::Text),
            ("2001-12-14T21:59:43", Meaning::Text),
            ("2001-12-14é", Meaning::Text),
        ] {
            assert_eq!(meaning(text), expected, "{text}");
        }
        for (text, quotes) in [("1:30", true), ("1:75", false), ("190:20:30.15", true), ("no", true), ("nope", false)] {
            assert_eq!(needs_quotes(text), quotes, "{text}");
        }
    }
}
