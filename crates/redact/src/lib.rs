//! Masking of secrets, so that nothing that prints or stores ever holds a value that opens something.
//!
//! A masked value shows a few characters at its ends only where enough stay hidden: at most a quarter of the value, and
//! never more than four characters a side.

pub mod stream;

/// Shows enough of a secret to recognise it and not enough to use it: `ghp_…3f9a(40)`.
///
/// The figure is the length in characters. Values under 16 characters show nothing of themselves.
#[must_use]
pub fn mask(secret: &str) -> String {
    let count = secret.chars().count();
    let shown = (count / 8).min(4);
    if shown < 2 {
        return format!("…({count})");
    }
    let head: String = secret.chars().take(shown).collect();
    let tail: String = secret.chars().skip(count - shown).collect();
    format!("{}…{}({count})", printable(&head), printable(&tail))
}

/// Control characters made visible, so that a value cannot steer a terminal or break a line.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Replaces byte ranges of a text by masks. Ranges may overlap; they are merged first. Returns the masked text and,
/// for each given range, where its mask lies in it (both in bytes). Bytes that are not UTF-8 become U+FFFD.
#[must_use]
pub fn mask_ranges(text: &[u8], ranges: &[std::ops::Range<usize>]) -> (String, Vec<std::ops::Range<usize>>) {
    let mut merged: Vec<std::ops::Range<usize>> = Vec::new();
    let mut sorted: Vec<_> = ranges.iter().filter(|r| r.start < r.end && r.end <= text.len()).cloned().collect();
    sorted.sort_by_key(|r| r.start);
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    let (mut out, mut placed, mut at) = (String::new(), Vec::new(), 0);
    for range in &merged {
        out.push_str(&String::from_utf8_lossy(&text[at..range.start]));
        let from = out.len();
        out.push_str(&mask(&String::from_utf8_lossy(&text[range.clone()])));
        placed.push(from..out.len());
        at = range.end;
    }
    out.push_str(&String::from_utf8_lossy(&text[at..]));
    let find = |r: &std::ops::Range<usize>| merged.iter().position(|m| m.start <= r.start && r.end <= m.end);
    let places = ranges.iter().map(|r| find(r).map_or(0..0, |at| placed[at].clone())).collect();
    (out, places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_values_show_nothing() {
        for (secret, expected) in [
            ("", "…(0)"),
            ("hunter2", "…(7)"),
            ("abcdefghijklmno", "…(15)"),
            ("0123456789abcdef", "01…ef(16)"),
            ("a\u{1b}[31m-abcdefghijkl", "a\u{fffd}…kl(19)"),
        ] {
            assert_eq!(mask(secret), expected);
        }
        assert_eq!(mask(&"x".repeat(40)), "xxxx…xxxx(40)");
    }

    #[test]
    fn ranges_are_merged_and_found_again() {
        let (text, places) = mask_ranges(b"a=secret1 b=secret2", &[2..9, 5..9, 12..19]);
        assert_eq!(text, "a=…(7) b=…(7)");
        assert_eq!(&text[places[1].clone()], "…(7)");
        assert_eq!(&text[places[2].clone()], "…(7)");
        assert!(!text.contains("secret"));
    }
}
