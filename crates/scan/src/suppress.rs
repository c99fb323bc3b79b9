//! Inline suppressions: `testudo:ignore ID[,ID] [until=YYYY-MM-DD] [owner=X] -- reason`, in any comment syntax.
//!
//! A marker holds for findings that begin on its own line or on the line below it, for the rules it names (`*` for
//! all). Whether it may count (reason, date) is judged by policy.

use testudo_model::{Finding, Suppression, SuppressionKind};
use testudo_source::LineIndex;

/// One marker of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Line it stands on, counted from 1.
    pub line: u32,
    /// Rule ids it names.
    pub rules: Vec<String>,
    /// What it says.
    pub suppression: Suppression,
    /// Whether the comment is all there is on its line, so that it speaks of the next one.
    pub alone: bool,
}

const WORD: &[u8] = b"testudo:ignore";

/// Every marker in a text, in order.
#[must_use]
pub fn markers(text: &[u8]) -> Vec<Marker> {
    let mut found = memchr::memmem::find_iter(text, WORD).peekable();
    if found.peek().is_none() {
        return Vec::new();
    }
    let lines = LineIndex::new(text);
    found
        .filter_map(|at| {
            let line = lines.line_of(at);
            let range = lines.line_range(line);
            let before = &text[range.start..at];
            let alone = !before.iter().any(u8::is_ascii_alphanumeric);
            let rest = String::from_utf8_lossy(text.get(at + WORD.len()..range.end)?);
            let line = u32::try_from(line + 1).unwrap_or(u32::MAX);
            parse(&rest).map(|(rules, suppression)| Marker { line, rules, suppression, alone })
        })
        .collect()
}

fn parse(rest: &str) -> Option<(Vec<String>, Suppression)> {
    if !rest.starts_with([' ', '\t']) {
        return None;
    }
    let (head, reason) = rest.split_once(" -- ").unwrap_or((rest, ""));
    let mut words = head.split_whitespace();
    let rules: Vec<String> = words.next()?.split(',').filter(|r| !r.is_empty()).map(str::to_owned).collect();
    let mut suppression = Suppression {
        kind: SuppressionKind::Inline,
        reason: strip_comment_end(reason).to_owned(),
        owner: None,
        until: None,
    };
    for word in words {
        match word.split_once('=') {
            Some(("until", date)) => suppression.until = Some(date.to_owned()),
            Some(("owner", owner)) => suppression.owner = Some(owner.to_owned()),
            _ => {}
        }
    }
    Some((rules, suppression))
}

/// The reason without the end of the comment around it.
fn strip_comment_end(reason: &str) -> &str {
    let reason = reason.trim();
    ["*/", "-->", "--%>", "#}", "%>", "*)", "-}"]
        .iter()
        .find_map(|end| reason.strip_suffix(end))
        .unwrap_or(reason)
        .trim()
}

impl Marker {
    /// Whether it speaks of a finding of `rule` that begins on `line`.
    #[must_use]
    pub fn covers(&self, rule: &str, line: u32) -> bool {
        let here = line == self.line || self.alone && line == self.line.saturating_add(1);
        here && self.rules.iter().any(|r| r == "*" || r == rule)
    }
}

/// Suppresses a finding by the first marker of its text that covers it. What is suppressed already keeps its reason.
pub fn suppress(finding: &mut Finding, inline: &[Marker]) {
    let line = finding.location.line();
    if finding.suppressed.is_none() {
        finding.suppressed = inline.iter().find(|m| m.covers(&finding.rule, line)).map(|m| m.suppression.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_comment_syntax() {
        let text = "key = 1 # testudo:ignore a,b until=2030-01-31 owner=@team -- test key\n<!-- testudo:ignore * -- sample -->\nx\n/* testudo:ignored no */\n";
        let found = markers(text.as_bytes());
        assert_eq!(found.len(), 2);
        let first = &found[0];
        assert_eq!((first.line, first.alone, first.suppression.reason.as_str()), (1, false, "test key"));
        assert_eq!(
            (first.suppression.until.as_deref(), first.suppression.owner.as_deref()),
            (Some("2030-01-31"), Some("@team"))
        );
        assert!(first.covers("b", 1) && !first.covers("c", 1) && !first.covers("b", 2));
        assert!(found[1].covers("anything", 3) && found[1].suppression.reason == "sample");
    }
}
