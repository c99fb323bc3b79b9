//! Target: a report whose every text was chosen by somebody else.

use testudo_model::{
    Commit, Confidence, DetectorId, Finding, Fingerprint, Fix, Location, Notice, NoticeCode, Persona, Position,
    ScanReport, Severity, Snippet, Span, Summary, Suppression, SuppressionKind, ToolInfo,
};
use testudo_report::{Format, Options, Outcome, VerdictLine};

use crate::input::{Input, text};

/// What no output may hold as it is: it acts on a terminal, on a reader's eyes, or on a parser.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

fn finding(input: &mut Input<'_>) -> Finding {
    let fingerprint = Fingerprint::from_digest([input.byte(); 16]);
    let severity = Severity::ALL[usize::from(input.byte()) % Severity::ALL.len()];
    let (line, from, to) = (u32::from(input.byte()), usize::from(input.byte()), usize::from(input.byte()));
    let words = {
        let len = usize::from(input.byte());
        text(input.bytes(len)).into_owned()
    };
    let next = || words.clone();
    let at = |column| Position { line, column, offset: 0 };
    let mut location = Location::span(next(), Span { start: at(1), end: at(2) });
    location.members = vec![next()];
    location.commit =
        Some(Commit { id: next(), author: next(), email: next(), date: next(), subject: next(), in_head: false });
    let suppression =
        Suppression { kind: SuppressionKind::Inline, reason: next(), owner: Some(next()), until: Some(next()) };
    Finding {
        id: fingerprint.as_str()[2..10].to_owned(),
        rule: next(),
        title: next(),
        message: next(),
        severity,
        confidence: Confidence::High,
        persona: Persona::Regular,
        detector: DetectorId::Secrets,
        location,
        related: vec![Location::file(next())],
        fingerprint,
        cwe: vec![798],
        owasp: vec![next()],
        aliases: vec![next()],
        owner: vec![next()],
        snippet: Some(Snippet { line, text: next(), highlight: (from, to) }),
        fix: Some(Fix { description: next(), edits: Vec::new() }),
        verification: None,
        suppressed: input.byte().is_multiple_of(3).then_some(suppression),
        properties: std::collections::BTreeMap::new(),
    }
}

fn made(data: &[u8]) -> ScanReport {
    let mut input = Input::new(data);
    let count = usize::from(input.byte() % 4);
    let findings: Vec<Finding> = (0..count).map(|_| finding(&mut input)).collect();
    let rest = text(input.rest()).into_owned();
    ScanReport {
        schema: ScanReport::SCHEMA.to_owned(),
        tool: ToolInfo { name: "testudo".to_owned(), version: "0.1.0".to_owned() },
        started: "2026-01-31T12:00:00Z".to_owned(),
        targets: vec![rest.clone()],
        findings,
        coverage: Vec::new(),
        notices: vec![Notice::new(NoticeCode::ParseGap, Location::file(rest.clone()), rest)],
        summary: Summary::default(),
        rules: Vec::new(),
    }
}

/// Every format writes the report, twice the same, and no hidden character and no markup comes through.
pub fn formats(data: &[u8]) {
    let report = made(data);
    for format in Format::ALL {
        let verdict = Some(VerdictLine { outcome: Outcome::Failed, reasons: report.targets.clone() });
        let options = Options { verdict, ..Options::default() };
        let write = || {
            let mut out = Vec::new();
            testudo_report::write(&report, *format, &options, &mut out).expect("writing to memory does not fail");
            String::from_utf8(out).expect("reports are UTF-8")
        };
        let written = write();
        assert_eq!(written, write(), "{format}: two writings differ");
        let breaks = |c| c == '\n' || (c == '\r' && *format == Format::Csv) || (c == '\t' && keeps_tabs(*format));
        let hidden = written.chars().find(|c| is_hidden(*c) && !breaks(*c));
        assert_eq!(hidden, None, "{format}: {written}");
        check_form(*format, &written, &report);
    }
}

/// Formats that show source lines as they are indented.
fn keeps_tabs(format: Format) -> bool {
    matches!(format, Format::Terminal | Format::Markdown | Format::Html | Format::Junit | Format::Csv | Format::Github)
}

fn check_form(format: Format, written: &str, report: &ScanReport) {
    let counting = report.findings.iter().filter(|finding| finding.suppressed.is_none()).count();
    match format {
        Format::Json => {
            let read: ScanReport = serde_json::from_str(written).expect("a JSON report reads back");
            assert_eq!(&read, report);
        }
        Format::Sarif | Format::GitlabCodequality | Format::GitlabSecrets => {
            serde_json::from_str::<serde_json::Value>(written).expect("the report is JSON");
        }
        Format::Jsonl => {
            for line in written.lines() {
                serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON");
            }
        }
        Format::Junit => assert_eq!(written.matches("<failure").count(), counting, "{written}"),
        Format::Html => {
            assert_eq!(written.matches("<tr><td><span").count(), report.findings.len());
            assert_eq!(written.matches("<script").count(), written.matches("</script>").count());
        }
        Format::Markdown => assert_eq!(written.matches("<details>").count(), counting),
        Format::Github => {
            assert!(written.lines().filter(|line| line.starts_with("::")).count() <= counting + report.notices.len());
        }
        _ => {}
    }
}
