//! What stands in front of a message in a system log: time, machine, program.
//!
//! Read are RFC 3164 (`Oct 11 22:14:15 host sshd[12]: text`), the same with a year, timestamps after ISO 8601 in their
//! place (rsyslog, `journalctl -o short-iso`), and RFC 5424; each with or without a priority. A line without such a
//! beginning is all message.

/// A line, cut into its parts. Texts are bytes of the line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Header<'l> {
    /// Seconds since 1970, where the line names its zone.
    pub(crate) time: Option<u64>,
    pub(crate) host: Option<&'l [u8]>,
    pub(crate) program: Option<&'l [u8]>,
    pub(crate) message: &'l [u8],
}

const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// Reads the beginning of a line.
pub(crate) fn read(line: &[u8]) -> Header<'_> {
    let whole = Header { message: line, ..Header::default() };
    let (had_priority, rest) = priority(line).map_or((false, line), |rest| (true, rest));
    if had_priority && rest.starts_with(b"1 ") {
        return structured(&rest[2..]).unwrap_or(whole);
    }
    let is_spaced = rest.get(10) == Some(&b' ');
    let Some((time, rest)) = iso(rest).or_else(|| classic(rest).map(|rest| (None, rest))) else {
        let message = bracketed(rest).unwrap_or(rest);
        return if had_priority || message.len() < rest.len() {
            Header { message, ..Header::default() }
        } else {
            whole
        };
    };
    let Some(rest) = rest.strip_prefix(b" ") else { return whole };
    // The unified log of macOS has two.
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    if let (Some(name), message) = program(rest) {
        // Agents of Windows name no machine.
        return Header { time, host: None, program: Some(name), message };
    }
    let (host, rest) = word(rest);
    if host.is_empty() || !host.iter().copied().all(is_name) {
        return whole;
    }
    let Some(rest) = rest.strip_prefix(b" ") else { return whole };
    let (program, message) = program(rest);
    // Many programs begin their own lines with a date and a time.
    if is_spaced && program.is_none() && line.starts_with(b"2") {
        return whole;
    }
    Header { time, host: Some(host), program, message }
}

/// `[Fri Dec 13 06:59:54 2013] text`, as Apache httpd 2.2 begins the lines of its error log; decoders know the form of 2.4.
fn bracketed(line: &[u8]) -> Option<&[u8]> {
    let (time, rest) = line.strip_prefix(b"[")?.split_at_checked(24)?;
    let year = classic(&time[4..])?.strip_prefix(b" ")?;
    let fits = year.len() == 4 && year.iter().all(u8::is_ascii_digit);
    rest.strip_prefix(b"] ").filter(|_| fits)
}

/// Passes over `[ID 800047 auth.notice] `, which Solaris puts in front of messages.
fn without_id(message: &[u8]) -> &[u8] {
    let Some(rest) = message.strip_prefix(b"[ID ") else { return message };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = rest
        .iter()
        .position(|byte| *byte == b']')
        .filter(|end| digits > 0 && rest.get(digits) == Some(&b' ') && *end < 48);
    end.map_or(message, |end| rest[end + 1..].trim_ascii_start())
}

/// What a system log makes of messages that come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat<'l> {
    /// This message came so many times (rsyslog: `message repeated 2 times: [ text]`).
    This(&'l [u8], u64),
    /// The line before this one came so many times more (`last message repeated 2 times`).
    Last(u64),
}

/// How often a message came; none where it is an ordinary one.
pub(crate) fn repeat(message: &[u8]) -> Option<Repeat<'_>> {
    let (is_last, rest) = match message.strip_prefix(b"last ") {
        Some(rest) => (true, rest),
        None => (false, message),
    };
    let rest = rest.strip_prefix(b"message repeated ")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let count = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    let rest = rest[digits..].strip_prefix(b" time")?;
    let rest = rest.strip_prefix(b"s").unwrap_or(rest);
    if is_last {
        return Some(Repeat::Last(count));
    }
    let rest = rest.strip_prefix(b": [")?;
    let text = rest.strip_prefix(b" ").unwrap_or(rest);
    Some(Repeat::This(text.strip_suffix(b"]").unwrap_or(text), count))
}

/// Seconds since 1970 of a time after RFC 3339.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    iso(text.as_bytes()).and_then(|(time, _)| time)
}

/// `<34>`.
fn priority(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"<")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if (1..=3).contains(&digits) { rest[digits..].strip_prefix(b">") } else { None }
}

/// RFC 5424 section 6, behind the version.
fn structured(rest: &[u8]) -> Option<Header<'_>> {
    let (time, rest) = word(rest);
    let time = iso(time).and_then(|(time, _)| time);
    let (host, rest) = word(rest.strip_prefix(b" ")?);
    let (program, rest) = word(rest.strip_prefix(b" ")?);
    let (_, rest) = word(rest.strip_prefix(b" ")?);
    let (_, rest) = word(rest.strip_prefix(b" ")?);
    let rest = data(rest.strip_prefix(b" ")?)?;
    let message = rest.strip_prefix(b" ").unwrap_or(rest);
    let message = message.strip_prefix(b"\xef\xbb\xbf").unwrap_or(message);
    let named = |word: &'static [u8], text| if text == word { None } else { Some(text) };
    Some(Header { time, host: named(b"-", host), program: named(b"-", program), message })
}

/// Passes over `-`, or elements in brackets.
fn data(rest: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = rest.strip_prefix(b"-") {
        return Some(rest);
    }
    let (mut rest, mut quoted) = (rest, false);
    while rest.first() == Some(&b'[') {
        let mut at = 1;
        loop {
            match rest.get(at)? {
                b'\\' => at += 1,
                b'"' => quoted = !quoted,
                b']' if !quoted => break,
                _ => {}
            }
            at += 1;
        }
        rest = &rest[at + 1..];
    }
    Some(rest)
}

/// `2026-01-31T12:00:00.123+01:00`, or with a space; the time is known where there is a zone.
fn iso(line: &[u8]) -> Option<(Option<u64>, &[u8])> {
    let (local, offset, rest) = iso_local(line)?;
    Some((offset.and_then(|offset| u64::try_from(local - offset).ok()), rest))
}

/// The same as seconds since 1970 by the clock on the wall, and how many of them that clock is ahead.
fn iso_local(line: &[u8]) -> Option<(i64, Option<i64>, &[u8])> {
    let shape = b"dddd-dd-dd dd:dd:dd";
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b' ' | b'T'),
        shape => byte == shape,
    };
    let head = line.get(..shape.len())?;
    if !head.iter().zip(shape).all(fits) {
        return None;
    }
    let mut rest = &line[shape.len()..];
    if let Some(fraction) = rest.strip_prefix(b".").or_else(|| rest.strip_prefix(b",")) {
        rest = &fraction[fraction.iter().take_while(|b| b.is_ascii_digit()).count()..];
    }
    let (offset, rest) = zone(rest);
    let field = |from: usize, to: usize| number(&head[from..to]);
    let days = days(i64::from(field(0, 4)), field(5, 7), field(8, 10));
    let seconds = days * 86_400 + i64::from(field(11, 13) * 3600 + field(14, 16) * 60 + field(17, 19));
    Some((seconds, offset, rest))
}

/// Whether the time that a line names is further back than some seconds. `ahead` is how far ahead of the clock on the wall
/// the time of the world may be where the line names no zone. A line without a time is of now.
pub(crate) fn is_past(line: &[u8], now: u64, within: u64, ahead: i64) -> bool {
    let rest = priority(line).map_or(line, |rest| rest.strip_prefix(b"1 ").unwrap_or(rest));
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let time = match iso_local(rest) {
        Some((local, offset, _)) => Some(local - offset.unwrap_or(-ahead)),
        None => classic_local(rest, now).map(|local| local + ahead),
    };
    time.is_some_and(|time| time.saturating_add(i64::try_from(within).unwrap_or(i64::MAX)) < now)
}

/// The time that a line names by the clock on the wall where it was written, in seconds since 1970; `now` says which year.
pub(crate) fn wall(line: &[u8], now: u64) -> Option<i64> {
    let rest = priority(line).map_or(line, |rest| rest.strip_prefix(b"1 ").unwrap_or(rest));
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    iso_local(rest).map(|(local, _, _)| local).or_else(|| classic_local(rest, now))
}

/// The time of [`classic`] by the clock on the wall; of a line without a year in the year that is nearest.
fn classic_local(line: &[u8], now: i64) -> Option<i64> {
    let rest = classic(line)?;
    let head = &line[..line.len() - rest.len()];
    let mut words = head.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let (mut year, mut month, mut day, mut clock) = (None, None, None, None);
    for word in &mut words {
        if let Some(found) = MONTHS.iter().position(|name| *name == word) {
            month = u32::try_from(found + 1).ok();
        } else if word.len() == 4 {
            year = Some(i64::from(number(word)));
        } else if word.len() <= 2 {
            day = Some(number(word));
        } else {
            clock = Some(i64::from(number(&word[..2]) * 3600 + number(&word[3..5]) * 60 + number(&word[6..8])));
        }
    }
    let (month, day, clock) = (month?, day?, clock?);
    let at = |year: i64| days(year, month, day) * 86_400 + clock;
    // A year has 365.2425 days.
    let this = 1970 + now / 31_556_952;
    year.map(at).or_else(|| [this - 1, this, this + 1].map(at).into_iter().min_by_key(|time| (time - now).abs()))
}

/// `Z`, `+0100` or `+01:00`, as seconds east of Greenwich.
fn zone(rest: &[u8]) -> (Option<i64>, &[u8]) {
    if let Some(rest) = rest.strip_prefix(b"Z") {
        return (Some(0), rest);
    }
    let sign = match rest.first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return (None, rest),
    };
    let digits = |at: usize| rest.get(at..at + 2).filter(|d| d.iter().all(u8::is_ascii_digit)).map(number);
    let colon = usize::from(rest.get(3) == Some(&b':'));
    match (digits(1), digits(3 + colon)) {
        (Some(hours), Some(minutes)) => (Some(sign * i64::from(hours * 3600 + minutes * 60)), &rest[5 + colon..]),
        _ => (None, rest),
    }
}

/// `Oct 11 22:14:15`, `2026 Oct 11 22:14:15` and `Oct 11 2026 22:14:15`; they name no zone.
fn classic(line: &[u8]) -> Option<&[u8]> {
    let year = |text: &[u8]| text.len() > 4 && text[..4].iter().all(u8::is_ascii_digit) && text[4] == b' ';
    let rest = if year(line) { &line[5..] } else { line };
    if !MONTHS.iter().any(|month| rest.starts_with(month)) || rest.get(3) != Some(&b' ') {
        return None;
    }
    let rest = rest[4..].trim_ascii_start();
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    if !(1..=2).contains(&digits) {
        return None;
    }
    let rest = rest[digits..].strip_prefix(b" ")?;
    let rest = if year(rest) { &rest[5..] } else { rest };
    let clock = b"dd:dd:dd";
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == shape };
    rest.get(..clock.len())?.iter().zip(clock).all(fits).then(|| &rest[clock.len()..])
}

/// `sshd[12]: text`, `kernel: text`; what names no program is all message.
fn program(rest: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let name = rest.iter().take_while(|b| is_name(**b)).count();
    let behind = &rest[name..];
    let behind = match behind.strip_prefix(b"[") {
        Some(number) => {
            let digits = number.iter().take_while(|b| b.is_ascii_digit()).count();
            match number[digits..].strip_prefix(b"]") {
                Some(behind) if digits > 0 => behind,
                _ => return (None, rest),
            }
        }
        None => behind,
    };
    match behind.strip_prefix(b":") {
        Some(message) if name > 0 => (Some(&rest[..name]), without_id(message.strip_prefix(b" ").unwrap_or(message))),
        _ => (None, rest),
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'(' | b')' | b'-' | b'.' | b'/' | b'_' | b'@')
}

fn word(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|b| *b == b' ').unwrap_or(text.len()))
}

fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
}

/// Days from 1970-01-01 in the Gregorian calendar; a month or day that there is none of counts on.
fn days(year: i64, month: u32, day: u32) -> i64 {
    let (year, month) = if month <= 2 { (year - 1, i64::from(month) + 9) } else { (year, i64::from(month) - 3) };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_of_lines() {
        type Row<'a> = (&'a str, Option<u64>, Option<&'a str>, Option<&'a str>, &'a str);
        let rows: &[Row<'_>] = &[
            ("Oct 11 22:14:15 web-1 sshd[12]: Failed", None, Some("web-1"), Some("sshd"), "Failed"),
            ("Oct  1 22:14:15 web-1 su: x", None, Some("web-1"), Some("su"), "x"),
            ("2026 Oct 11 22:14:15 h su: x", None, Some("h"), Some("su"), "x"),
            ("Oct 11 2026 22:14:15 h su: x", None, Some("h"), Some("su"), "x"),
            ("<34>Oct 11 22:14:15 h su: x", None, Some("h"), Some("su"), "x"),
            ("1970-01-02T00:00:10.123456+00:00 h su[1]: x", Some(86_410), Some("h"), Some("su"), "x"),
            ("1970-01-02T01:00:10+0100 h su: x", Some(86_410), Some("h"), Some("su"), "x"),
            ("1970-01-02 00:00:10 h su: x", None, Some("h"), Some("su"), "x"),
            ("<34>1 1970-01-02T00:00:10Z h su 1 ID1 [a b=\"]\\\"\"] x", Some(86_410), Some("h"), Some("su"), "x"),
            ("<34>1 - - - - - - x", None, None, None, "x"),
            ("Oct 11 22:14:15 h no program here", None, Some("h"), None, "no program here"),
            ("Oct 11 22:14:15 h systemd-logind[3]:x", None, Some("h"), Some("systemd-logind"), "x"),
            ("2020-03-23 06:47:42.801612-0700  h sshd[3186]: x", Some(1_584_971_262), Some("h"), Some("sshd"), "x"),
            ("2014 Dec 20 09:29:47 WinEvtLog: x", None, None, Some("WinEvtLog"), "x"),
            (
                "2017-01-23 03:44:14 login failed for (a) x",
                None,
                None,
                None,
                "2017-01-23 03:44:14 login failed for (a) x",
            ),
            ("[Fri Dec 13 06:59:54 2013] [error] x", None, None, None, "[error] x"),
            (
                "[Fri Dec 13 06:59:54.123 2013] [x:error] x",
                None,
                None,
                None,
                "[Fri Dec 13 06:59:54.123 2013] [x:error] x",
            ),
            ("Aug 18 07:30:25 h sshd[2]: [ID 800047 auth.notice] x", None, Some("h"), Some("sshd"), "x"),
            ("[error] x", None, None, None, "[error] x"),
            ("10.0.0.1 - - [x] \"GET /\"", None, None, None, "10.0.0.1 - - [x] \"GET /\""),
            ("<34>free", None, None, None, "free"),
            ("Oct", None, None, None, "Oct"),
            ("", None, None, None, ""),
        ];
        for (line, time, host, program, message) in rows {
            let found = read(line.as_bytes());
            assert_eq!(found.time, *time, "{line}");
            assert_eq!(found.host, host.map(str::as_bytes), "{line}");
            assert_eq!(found.program, program.map(str::as_bytes), "{line}");
            assert_eq!(found.message, message.as_bytes(), "{line}");
        }
    }

    #[test]
    fn messages_that_came_again() {
        for (message, expected) in [
            ("message repeated 2 times: [ a [x]]", Some(Repeat::This(b"a [x]", 2))),
            ("message repeated 1 time: [a]", Some(Repeat::This(b"a", 1))),
            ("last message repeated 7 times", Some(Repeat::Last(7))),
            ("last message", None),
            ("message repeated times", None),
            ("message repeated 99999999999999999999 times: [ a]", None),
        ] {
            assert_eq!(repeat(message.as_bytes()), expected, "{message}");
        }
    }

    #[test]
    fn lines_that_are_long_past() {
        // 2027-01-01T00:00:00Z
        let now = 1_798_761_600;
        for (line, ahead, expected) in [
            ("2026-12-31T23:55:00Z h su: x", 0, false),
            ("2026-12-31T23:45:00Z h su: x", 0, true),
            ("2026-12-31T23:45:00+00:00 h su: x", 43_200, true),
            ("2027-01-01T01:55:00+02:00 h su: x", 0, false),
            ("2026-12-31 23:45:00 h su: x", 0, true),
            ("2026-12-31 23:45:00 h su: x", 43_200, false),
            ("<34>1 2026-12-31T23:45:00Z h su 1 ID1 - x", 0, true),
            ("Dec 31 23:55:00 h su: x", 0, false),
            ("<34>Dec 31 23:45:00 h su: x", 0, true),
            ("Dec 31 23:45:00 h su: x", 43_200, false),
            ("Dec 30 10:45:00 h su: x", 43_200, true),
            ("Jan  1 00:10:00 h su: x", 0, false),
            ("2025 Dec 31 23:55:00 h su: x", 0, true),
            ("Dec 31 2025 23:55:00 h su: x", 0, true),
            ("no time", 0, false),
        ] {
            assert_eq!(is_past(line.as_bytes(), now, 600, ahead), expected, "{line}");
        }
    }
}
