//! Reports for the tests of every format: one small, one hostile, one empty.

use std::collections::BTreeMap;

use serde_json::json;
use testudo_model::{
    Commit, Confidence, Coverage, CoverageState, DetectorId, Edit, Finding, Fingerprint, Fix, Location, Notice,
    NoticeCode, Persona, Position, Reference, RuleInfo, ScanReport, Severity, Snippet, Span, Summary, Suppression,
    SuppressionKind, ToolInfo,
};

use crate::{Format, Options};

/// What `format` makes of `report`, as text.
pub(crate) fn written(report: &ScanReport, format: Format, options: &Options) -> String {
    let mut out = Vec::new();
    crate::write(report, format, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A report of a scan that looked at nothing.
pub(crate) fn empty() -> ScanReport {
    ScanReport {
        schema: ScanReport::SCHEMA.to_owned(),
        tool: ToolInfo { name: "testudo".to_owned(), version: "0.1.0".to_owned() },
        started: "2026-01-31T12:00:00Z".to_owned(),
        targets: vec![".".to_owned()],
        findings: Vec::new(),
        coverage: Vec::new(),
        notices: Vec::new(),
        summary: Summary::default(),
        rules: Vec::new(),
    }
}

/// A coverage record with three rules and 2 KiB a unit.
pub(crate) fn coverage(detector: DetectorId, state: CoverageState, units: u64) -> Coverage {
    Coverage {
        detector,
        state,
        rules_digest: "00".repeat(32),
        rules: 3,
        scope: vec![".".to_owned()],
        units,
        bytes: units * 2048,
        skipped: BTreeMap::new(),
        counts: BTreeMap::new(),
        tool: None,
    }
}

/// A span on one line.
pub(crate) fn span(line: u32, from: u32, to: u32) -> Span {
    let at = |column| Position { line, column, offset: u64::from(line) * 100 + u64::from(column) };
    Span { start: at(from), end: at(to) }
}

/// A plain high-severity finding of the `code` detector.
pub(crate) fn finding(path: &str, digest: u8) -> Finding {
    let fingerprint = Fingerprint::from_digest([digest; 16]);
    Finding {
        id: fingerprint.as_str()[2..10].to_owned(),
        rule: "sql-injection".to_owned(),
        title: "SQL built from input".to_owned(),
        message: "The query holds a value that came in with the request.".to_owned(),
        severity: Severity::High,
        confidence: Confidence::Medium,
        persona: Persona::Regular,
        detector: DetectorId::Code,
        location: Location::span(path, span(12, 5, 9)),
        related: Vec::new(),
        fingerprint,
        cwe: vec![89],
        owasp: vec!["A05:2025".to_owned()],
        aliases: Vec::new(),
        owner: Vec::new(),
        snippet: None,
        fix: None,
        verification: None,
        suppressed: None,
        properties: BTreeMap::new(),
    }
}

/// A secret with a snippet, an owner, a fix, a commit and further places.
fn secret() -> Finding {
    let mut location = Location::span("src/config.py", span(3, 8, 28));
    location.commit = Some(Commit {
        id: "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d".to_owned(),
        author: "Ann Example".to_owned(),
        email: "ann@corp.example".to_owned(),
        date: "2025-11-02T08:15:00Z".to_owned(),
        subject: "Add deployment settings".to_owned(),
        in_head: false,
    });
    Finding {
        rule: "acme-api-key".to_owned(),
        title: "Acme API key".to_owned(),
        message: "The key `acme_live_...9f3a (42)` gives access to the Acme account.".to_owned(),
        severity: Severity::Critical,
        confidence: Confidence::High,
        detector: DetectorId::Secrets,
        location,
        related: (1..=5).map(|n| Location::span(format!("deploy/{n}.env"), span(n, 5, 9))).collect(),
        cwe: vec![798],
        owasp: Vec::new(),
        aliases: vec!["gitleaks:acme-key".to_owned()],
        owner: vec!["@acme/payments".to_owned()],
        snippet: Some(Snippet {
            line: 2,
            text: "import os\nkey = \"acme_live_*****9f3a\"\nclient(key)".to_owned(),
            highlight: (17, 36),
        }),
        fix: Some(Fix {
            description: "Revoke the key, then read it from the environment.".to_owned(),
            edits: vec![Edit {
                path: "src/config.py".to_owned(),
                span: span(3, 7, 29),
                replacement: "os.environ[\"ACME_KEY\"]".to_owned(),
            }],
        }),
        properties: BTreeMap::from([
            ("incident".to_owned(), json!("ab")),
            ("secret_hmac".to_owned(), json!("0123456789abcdef0123456789abcdef")),
        ]),
        ..finding("src/config.py", 0xa1)
    }
}

fn flow() -> Finding {
    let mut found = finding("src/app.py", 0xc3);
    found.properties.insert(
        "flow".to_owned(),
        json!([
            {"location": Location::span("src/app.py", span(4, 1, 8)), "message": "comes in here"},
            {"location": Location::span("src/app.py", span(12, 5, 9)), "message": "reaches the query"},
        ]),
    );
    found
}

fn suppressed() -> Finding {
    Finding {
        severity: Severity::Low,
        suppressed: Some(Suppression {
            kind: SuppressionKind::Inline,
            reason: "fixture of a test".to_owned(),
            owner: Some("@acme/qa".to_owned()),
            until: Some("2026-12-31".to_owned()),
        }),
        ..finding("tests/data.py", 0xd4)
    }
}

fn rule() -> RuleInfo {
    RuleInfo {
        id: "acme-api-key".to_owned(),
        domain: DetectorId::Secrets,
        title: "Acme API key".to_owned(),
        severity: Severity::Critical,
        confidence: Confidence::High,
        persona: Persona::Regular,
        cwe: vec![798],
        owasp: Vec::new(),
        aliases: vec!["gitleaks:acme-key".to_owned()],
        references: vec![Reference("https://docs.acme.example/keys".to_owned())],
        help: "# Acme API key\n\nWhoever holds it pays with **your** account.\n".to_owned(),
    }
}

/// One small report: a secret in history, a flow, a suppressed finding, a gap.
pub(crate) fn report() -> ScanReport {
    let mut secrets = coverage(DetectorId::Secrets, CoverageState::Incomplete, 120);
    secrets.counts.insert("commits".to_owned(), 34);
    secrets.skipped.insert("too-large".to_owned(), 1);
    ScanReport {
        findings: vec![flow(), secret(), suppressed()],
        coverage: vec![
            secrets,
            coverage(DetectorId::Code, CoverageState::Complete, 40),
            coverage(DetectorId::Deps, CoverageState::NotRun, 0),
        ],
        notices: vec![
            Notice::new(
                NoticeCode::TooLarge,
                Location::file("data/dump.sql"),
                "is 900 MB, the limit is 256 MB; raise `max-file-size` to read it",
            )
            .by(DetectorId::Secrets),
        ],
        summary: Summary {
            by_severity: BTreeMap::from([("critical".to_owned(), 1), ("high".to_owned(), 1)]),
            findings: 2,
            suppressed: 1,
            hidden: 4,
            incidents: 2,
            complete: false,
            verification: None,
        },
        rules: vec![rule()],
        ..empty()
    }
}

/// A text that tries to break out of every format at once.
pub(crate) const HOSTILE: &str =
    "=x\u{1b}[2J\"'`<script>alert(1)</script>\r\n::error::y|]]>\u{202e}\u{0}\u{9b}\u{2028}--> @all %0A";

/// A report in which every text that a repository can choose is [`HOSTILE`].
pub(crate) fn hostile() -> ScanReport {
    let text = || HOSTILE.to_owned();
    let mut report = report();
    report.targets = vec![text()];
    for found in &mut report.findings {
        found.title = text();
        found.message = text();
        found.rule = text();
        found.owner = vec![text()];
        found.aliases = vec![text()];
        found.location.path = Some(text());
        found.location.members = vec![text()];
        found.related = vec![Location::file(text())];
        found.snippet = Some(Snippet { line: 3, text: format!("{HOSTILE}\n{HOSTILE}"), highlight: (1, HOSTILE.len()) });
        found.fix = Some(Fix { description: text(), edits: Vec::new() });
        found.properties.insert("resource".to_owned(), json!(HOSTILE));
        if let Some(commit) = &mut found.location.commit {
            commit.author = text();
            commit.subject = text();
            commit.date = text();
            commit.id = text();
        }
        if let Some(suppression) = &mut found.suppressed {
            suppression.reason = text();
            suppression.owner = Some(text());
        }
    }
    for notice in &mut report.notices {
        notice.message = text();
        notice.location = Location::file(text());
    }
    report.rules[0].title = text();
    report.rules[0].help = text();
    report
}
