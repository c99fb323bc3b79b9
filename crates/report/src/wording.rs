//! Words and figures that several formats share: counts, sizes, places, and what
//! was and was not looked at. Everything here is unescaped; the format escapes.

use testudo_model::{
    Commit, Coverage, CoverageState, Finding, LiveState, Location, ScanReport, Severity, Verification,
    VerificationSummary,
};

/// `1 finding`, `2 findings`; the plural is the word with an `s`.
pub(crate) fn count(number: u64, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

/// A number of bytes for people, one decimal, binary units.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if number < 1024 {
        return count(number, "byte");
    }
    let step = (number.ilog2() / 10) as usize;
    let tenths = (u128::from(number) * 10) >> (10 * step);
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[step - 1])
}

/// `path!member:line:column`, as far as each part applies.
pub(crate) fn place(location: &Location) -> String {
    let path = location.display_path();
    match location.span {
        Some(span) => format!("{path}:{}:{}", span.start.line, span.start.column),
        None if path.is_empty() => "(no place)".to_owned(),
        None => path,
    }
}

/// `1a2b3c4d5e, 2026-01-31, Ann Example: subject (only in history)`.
pub(crate) fn commit(commit: &Commit) -> String {
    let short: String = commit.id.chars().take(10).collect();
    let day: String = commit.date.chars().take(10).collect();
    let fate = if commit.in_head { "still in HEAD" } else { "only in history" };
    format!("{short}, {day}, {}: {} ({fate})", commit.author, commit.subject)
}

/// Fix, owner and commit, a line each as far as there are any.
pub(crate) fn remarks(finding: &Finding) -> Vec<String> {
    let fix = finding.fix.as_ref().map(|fix| format!("fix: {}", fix.description));
    let owner = (!finding.owner.is_empty()).then(|| format!("owner: {}", finding.owner.join(", ")));
    let commit = finding.location.commit.as_ref().map(|c| format!("commit: {}", commit(c)));
    [fix, owner, commit].into_iter().flatten().collect()
}

/// What the issuer said: `live: the issuer accepted it (api.acme.example, status 200)`.
pub(crate) fn verification(verification: &Verification) -> String {
    let status = verification.status.map(|status| format!(", status {status}")).unwrap_or_default();
    let who = format!("({}{status})", verification.host);
    match (verification.state, verification.reason) {
        (LiveState::Active, _) => format!("live: the issuer accepted it {who}"),
        (LiveState::Inactive, _) => format!("dead: the issuer refused it {who}"),
        (LiveState::Unknown, Some(reason)) => format!("could not be checked: {} {who}", reason.describe()),
        (LiveState::Unknown, None) => format!("could not be checked {who}"),
    }
}

/// `asked 3 issuers about 5 secrets: 1 live, 3 dead, 1 unknown (2 answers remembered)`.
pub(crate) fn verified(figures: &VerificationSummary) -> String {
    let (issuers, secrets) = (count(figures.issuers, "issuer"), count(figures.secrets, "secret"));
    let VerificationSummary { active, inactive, unknown, remembered, .. } = figures;
    let memory =
        if *remembered == 0 { String::new() } else { format!(" ({} remembered)", count(*remembered, "answer")) };
    format!("asked {issuers} about {secrets}: {active} live, {inactive} dead, {unknown} unknown{memory}")
}

/// The start of the scan as `YYYY-MM-DDThh:mm:ss`, where it is RFC 3339 in UTC.
pub(crate) fn start_second(report: &ScanReport) -> Option<&str> {
    let (second, rest) = report.started.split_at_checked(19)?;
    let shape = second.bytes().zip(b"dddd-dd-ddTdd:dd:dd").all(|(found, wanted)| match wanted {
        b'd' => found.is_ascii_digit(),
        _ => found == *wanted,
    });
    let fraction = rest.strip_suffix('Z').or_else(|| rest.strip_suffix("+00:00"))?;
    let digits = fraction.strip_prefix('.').unwrap_or("0");
    let whole = fraction.is_empty() || fraction.starts_with('.') && !digits.is_empty();
    (shape && whole && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(second)
}

/// Findings that count, in the order of the report.
pub(crate) fn counting(report: &ScanReport) -> impl Iterator<Item = &Finding> {
    report.findings.iter().filter(|finding| finding.suppressed.is_none())
}

/// Severities from the worst down, with the number of findings that count.
pub(crate) fn by_severity(report: &ScanReport) -> impl Iterator<Item = (Severity, u64)> + '_ {
    let number = |severity: &Severity| report.summary.by_severity.get(severity.as_str()).copied().unwrap_or(0);
    Severity::ALL.iter().rev().map(move |severity| (*severity, number(severity)))
}

/// The result in one line. Nothing scanned is never called clean.
pub(crate) fn headline(report: &ScanReport) -> String {
    let summary = &report.summary;
    if summary.findings > 0 {
        let levels: Vec<_> =
            by_severity(report).filter(|(_, n)| *n > 0).map(|(severity, n)| format!("{n} {severity}")).collect();
        return format!(
            "{} in {}: {}",
            count(summary.findings, "finding"),
            count(summary.incidents, "incident"),
            levels.join(", ")
        );
    }
    if units(report) == 0 {
        return "NOTHING WAS SCANNED: no unit was in scope, so this says nothing about the target".to_owned();
    }
    if !summary.complete || !gaps(report).is_empty() {
        return "no findings, but not everything was looked at".to_owned();
    }
    "no findings in what was covered".to_owned()
}

/// Units that any detector looked at, the same unit counted once a detector.
pub(crate) fn units(report: &ScanReport) -> u64 {
    report.coverage.iter().fold(0, |sum, coverage| sum.saturating_add(coverage.units))
}

/// Whose account it is: a detector of ours, or what a report of another tool is about: `secrets (gitleaks 8.30.1)`.
fn who(coverage: &Coverage) -> String {
    match &coverage.tool {
        None => coverage.detector.to_string(),
        Some(tool) => format!("{} ({})", coverage.detector, format!("{} {}", tool.name, tool.version).trim_end()),
    }
}

/// What one detector looked at: `secrets: 12 units, 3.4 KiB, 5 commits, 210 rules`.
pub(crate) fn covered(coverage: &Coverage) -> String {
    if coverage.units == 0 {
        return format!("{}: no unit", who(coverage));
    }
    let unit = if coverage.tool.is_some() { "report" } else { "unit" };
    let mut parts = vec![count(coverage.units, unit), bytes(coverage.bytes)];
    for (name, number) in &coverage.counts {
        parts.push(match name.strip_suffix("_bytes") {
            Some(what) => format!("{} {}", bytes(*number), what.replace('_', " ")),
            None => count(*number, name.strip_suffix('s').unwrap_or(name)).replace('_', " "),
        });
    }
    // Most reports of other tools do not list the rules that ran.
    if coverage.tool.is_none() || coverage.rules > 0 {
        parts.push(count(coverage.rules, "rule"));
    }
    format!("{}: {}", who(coverage), parts.join(", "))
}

/// What one detector did not look at; none where it looked at everything in scope.
pub(crate) fn gap(coverage: &Coverage) -> Option<String> {
    let skipped: Vec<_> = coverage.skipped.iter().map(|(reason, number)| format!("{number} {reason}")).collect();
    let detector = who(coverage);
    match coverage.state {
        CoverageState::NotRun => Some(format!("{detector} did not run")),
        CoverageState::Incomplete if skipped.is_empty() => Some(format!("{detector} is incomplete; see the notices")),
        CoverageState::Incomplete => Some(format!("{detector} is incomplete; skipped: {}", skipped.join(", "))),
        CoverageState::Complete if skipped.is_empty() => None,
        CoverageState::Complete => Some(format!("{detector} skipped: {}", skipped.join(", "))),
    }
}

/// What was not looked at, one line a detector; one line where none ran at all.
pub(crate) fn gaps(report: &ScanReport) -> Vec<String> {
    if report.coverage.is_empty() {
        return vec!["no detector ran".to_owned()];
    }
    report.coverage.iter().filter_map(gap).collect()
}

/// The first `limit` characters, with `...` where some were cut off.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(limit.saturating_sub(3)).collect();
    out.push_str("...");
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use testudo_model::{DetectorId, ToolInfo};

    use super::*;
    use crate::sample;

    #[test]
    fn sizes_have_one_decimal() {
        for (number, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1_600, "1.5 KiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "15.9 EiB"),
        ] {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn only_rfc_3339_in_utc_is_a_start() {
        for (started, second) in [
            ("2026-01-31T12:00:00Z", Some("2026-01-31T12:00:00")),
            ("2026-01-31T12:00:00.25Z", Some("2026-01-31T12:00:00")),
            ("2026-01-31T12:00:00+00:00", Some("2026-01-31T12:00:00")),
            ("2026-01-31T12:00:00+02:00", None),
            ("2026-01-31 12:00:00Z", None),
            ("2026-01-31T12:00:00", None),
            ("2026-01-31T12:00:00.Z", None),
            ("éééééééééééééééé", None),
            ("", None),
        ] {
            let report = ScanReport { started: started.to_owned(), ..sample::empty() };
            assert_eq!(start_second(&report), second, "{started}");
        }
    }

    #[test]
    fn the_headline_never_calls_nothing_clean() {
        let mut report = sample::empty();
        assert!(headline(&report).starts_with("NOTHING WAS SCANNED"));
        report.coverage = vec![sample::coverage(DetectorId::Secrets, CoverageState::NotRun, 0)];
        assert!(headline(&report).starts_with("NOTHING WAS SCANNED"));
        report.coverage = vec![sample::coverage(DetectorId::Secrets, CoverageState::Incomplete, 4)];
        report.summary.complete = true;
        assert_eq!(headline(&report), "no findings, but not everything was looked at");
        report.coverage[0].state = CoverageState::Complete;
        assert_eq!(headline(&report), "no findings in what was covered");
    }

    #[test]
    fn coverage_reads_as_a_sentence() {
        let mut coverage = sample::coverage(DetectorId::Secrets, CoverageState::Complete, 2);
        coverage.counts = BTreeMap::from([("commits".to_owned(), 1), ("decoded_bytes".to_owned(), 2048)]);
        assert_eq!(covered(&coverage), "secrets: 2 units, 4.0 KiB, 1 commit, 2.0 KiB decoded, 3 rules");
        assert_eq!(gap(&coverage), None);
        coverage.skipped = BTreeMap::from([("too-large".to_owned(), 2)]);
        assert_eq!(gap(&coverage).as_deref(), Some("secrets skipped: 2 too-large"));
        coverage.state = CoverageState::NotRun;
        assert_eq!(gap(&coverage).as_deref(), Some("secrets did not run"));
    }

    #[test]
    fn an_imported_report_names_its_tool() {
        let tool = |version: &str| Some(ToolInfo { name: "acme".to_owned(), version: version.to_owned() });
        let coverage = sample::coverage(DetectorId::Code, CoverageState::NotRun, 1);
        let counts = BTreeMap::from([("findings".to_owned(), 4)]);
        let named = Coverage { tool: tool("1.2"), counts, rules: 0, ..coverage.clone() };
        assert_eq!(covered(&named), "code (acme 1.2): 1 report, 2.0 KiB, 4 findings");
        let unknown = Coverage { tool: tool(""), ..coverage };
        assert_eq!(gap(&unknown).as_deref(), Some("code (acme) did not run"));
    }

    #[test]
    fn a_live_check_reads_as_a_sentence() {
        let figures = VerificationSummary { issuers: 3, secrets: 5, active: 1, inactive: 3, unknown: 1, remembered: 0 };
        assert_eq!(verified(&figures), "asked 3 issuers about 5 secrets: 1 live, 3 dead, 1 unknown");
        let figures = VerificationSummary { issuers: 0, secrets: 1, active: 0, inactive: 1, unknown: 0, remembered: 1 };
        assert_eq!(
            verified(&figures),
            "asked 0 issuers about 1 secret: 0 live, 1 dead, 0 unknown (1 answer remembered)"
        );
        let asked = |state, reason, status| {
            let status = std::num::NonZeroU16::new(status);
            verification(&Verification { state, host: "api.acme.example".to_owned(), reason, status })
        };
        for (found, text) in [
            (asked(LiveState::Active, None, 200), "live: the issuer accepted it (api.acme.example, status 200)"),
            (asked(LiveState::Inactive, None, 0), "dead: the issuer refused it (api.acme.example)"),
            (
                asked(LiveState::Unknown, Some(testudo_model::UnknownReason::Timeout), 0),
                "could not be checked: timeout (api.acme.example)",
            ),
        ] {
            assert_eq!(found, text);
        }
    }

    #[test]
    fn cutting_counts_characters() {
        assert_eq!(cut("日本語日本語", 5), "日本...");
        assert_eq!(cut("12345", 5), "12345");
    }
}
