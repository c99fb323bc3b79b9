//! What holds for every format: hostile texts stay texts, failures are told.

use std::io::{self, Write};

use testudo_model::{
    Finding, LiveState, Notice, NoticeCode, ScanReport, Severity, UnknownReason, Verification, VerificationSummary,
};

use crate::sample::{self, HOSTILE, written};
use crate::{Format, Options, Outcome, ReportError, Verbosity, VerdictLine, escape};

fn verdict() -> Options {
    let reasons = vec![HOSTILE.to_owned()];
    Options { verdict: Some(VerdictLine { outcome: Outcome::Failed, reasons }), ..Options::default() }
}

#[test]
fn no_format_passes_on_a_hidden_character() {
    for format in Format::ALL {
        for verbosity in [Verbosity::Quiet, Verbosity::Normal, Verbosity::Verbose] {
            let text = written(&sample::hostile(), *format, &Options { verbosity, ..verdict() });
            let line_break = |c| c == '\n' || c == '\r' && *format == Format::Csv;
            let hidden = text.chars().find(|c| escape::is_hidden(*c) && !line_break(*c));
            assert_eq!(hidden, None, "{format}");
        }
    }
}

#[test]
fn no_markup_format_passes_on_markup() {
    for format in [Format::Junit, Format::Markdown, Format::Html, Format::Json, Format::Jsonl, Format::Sarif] {
        let text = written(&sample::hostile(), format, &verdict());
        assert!(!text.contains("<script>alert"), "{format}");
        assert!(!text.contains("alert(1)</script>"), "{format}");
    }
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    for format in Format::ALL {
        let options = Options::default();
        assert_eq!(written(&sample::report(), *format, &options), written(&sample::report(), *format, &options));
    }
}

/// What the issuer said stands beside the finding, and its host is a text like any other.
#[test]
fn formats_for_people_and_programs_carry_the_live_check() {
    let mut report = sample::report();
    let said = |state, reason, host: &str| Verification {
        state,
        host: host.to_owned(),
        reason,
        status: std::num::NonZeroU16::new(if reason.is_none() { 200 } else { 0 }),
    };
    report.findings[0].verification = Some(said(LiveState::Active, None, "api.acme.example"));
    report.findings[1].verification = Some(said(LiveState::Unknown, Some(UnknownReason::Timeout), HOSTILE));
    report.summary.verification =
        Some(VerificationSummary { issuers: 2, secrets: 2, active: 1, unknown: 1, ..VerificationSummary::default() });
    let figures = "asked 2 issuers about 2 secrets: 1 live, 0 dead, 1 unknown";
    let live = "live: the issuer accepted it (api.acme.example, status 200)";
    for (format, parts) in [
        (Format::Terminal, &[live, "could not be checked: timeout", figures][..]),
        (Format::Html, &[live, "could not be checked: timeout", figures]),
        (Format::Markdown, &["**check:** live&#58; the issuer", "live check: asked 2 issuers"]),
        (Format::Csv, &[",active,", ",unknown,timeout"]),
        (Format::Json, &["\"state\": \"active\"", "\"status\": 200", "\"reason\": \"timeout\"", "\"issuers\": 2"]),
        (Format::Jsonl, &["\"state\":\"active\"", "\"reason\":\"timeout\""]),
        (Format::Sarif, &["\"verification\"", "\"active\"", "\"timeout\""]),
    ] {
        let text = written(&report, format, &Options::default());
        for part in parts {
            assert!(text.contains(part), "{format}: {part}: {text}");
        }
        let plain = matches!(format, Format::Terminal | Format::Csv);
        assert!(plain || !text.contains("<script>alert"), "{format}");
        let hidden = text.chars().find(|c| escape::is_hidden(*c) && !"\n\r".contains(*c));
        assert_eq!(hidden, None, "{format}");
    }
}

/// Small random texts made of what formats treat specially, from a fixed seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    fn text(&mut self) -> String {
        const PIECES: [&str; 22] = [
            "a",
            " ",
            "\n",
            "\r\n",
            "\t",
            "\"",
            "'",
            "`",
            "<",
            ">",
            "&",
            "|",
            ",",
            "::",
            "%",
            "]]>",
            "\u{1b}[0m",
            "\u{202e}",
            "日本",
            "\u{0}",
            "{0}",
            "[x](y)",
        ];
        (0..self.below(12)).map(|_| PIECES[self.below(PIECES.len())]).collect()
    }

    fn finding(&mut self) -> Finding {
        let mut found = sample::report().findings[1].clone();
        found.severity = Severity::ALL[self.below(Severity::ALL.len())];
        (found.rule, found.title, found.message) = (self.text(), self.text(), self.text());
        found.location.path = Some(self.text());
        if let Some(snippet) = &mut found.snippet {
            snippet.text = self.text();
            snippet.line = u32::try_from(self.below(3)).unwrap();
            snippet.highlight = (self.below(20), self.below(20));
        }
        if self.below(3) == 0 {
            found.location.span = None;
        }
        found
    }
}

#[test]
fn random_reports_are_written_in_every_format() {
    let mut random = Random(42);
    for _ in 0..300 {
        let mut report = sample::report();
        report.findings = (0..random.below(4)).map(|_| random.finding()).collect();
        report.notices =
            vec![Notice::new(NoticeCode::ParseGap, sample::finding(&random.text(), 1).location, random.text())];
        for format in Format::ALL {
            let text = written(&report, *format, &Options { width: random.below(90), ..Options::default() });
            well_formed(*format, &text, &report);
        }
    }
}

/// Reads a text back as its format, by a reader of its own where there is one.
fn well_formed(format: Format, text: &str, report: &ScanReport) {
    let counting = report.findings.iter().filter(|finding| finding.suppressed.is_none()).count();
    match format {
        Format::Json => {
            let read: ScanReport = serde_json::from_str(text).unwrap();
            assert_eq!(read, ScanReport { rules: Vec::new(), ..report.clone() });
        }
        Format::Sarif | Format::GitlabCodequality | Format::GitlabSecrets => {
            serde_json::from_str::<serde_json::Value>(text).unwrap();
        }
        Format::Jsonl => {
            for line in text.lines() {
                assert!(serde_json::from_str::<serde_json::Value>(line).unwrap()["type"].is_string());
            }
        }
        Format::Junit => assert_eq!(xml_elements(text, "failure"), counting),
        Format::Github => {
            let commands = text.lines().filter(|line| line.starts_with("::")).count();
            assert_eq!((commands, text.lines().count()), (counting + 1, counting + 2));
        }
        Format::Csv => {
            let rows = csv_rows(text);
            assert_eq!(rows.len(), report.findings.len() + 1);
            assert!(rows.iter().all(|row| row.len() == rows[0].len()));
        }
        Format::Html => assert_eq!(text.matches("<tr><td><span").count(), report.findings.len()),
        Format::Markdown => assert_eq!(text.matches("<details>").count(), counting),
        Format::Terminal => assert_eq!(text.matches("\n --> ").count(), counting),
    }
}

fn xml_elements(text: &str, name: &str) -> usize {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut number = 0;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => return number,
            quick_xml::events::Event::Start(tag) if tag.name().as_ref() == name => number += 1,
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                assert!(tag.attributes().all(|attribute| attribute.is_ok()));
            }
            _ => {}
        }
    }
}

/// A strict reader of RFC 4180.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if cell.is_empty() => loop {
                match characters.next().expect("a quoted cell ends") {
                    '"' if characters.peek() == Some(&'"') => {
                        characters.next();
                        cell.push('"');
                    }
                    '"' => break,
                    other => cell.push(other),
                }
            },
            ',' => row.push(std::mem::take(&mut cell)),
            '\r' => {
                assert_eq!(characters.next(), Some('\n'));
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '"' | '\n' => panic!("a bare {c:?} outside quotes"),
            other => cell.push(other),
        }
    }
    assert!(row.is_empty() && cell.is_empty(), "the last row ends with a line break");
    rows
}

struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::new(io::ErrorKind::StorageFull, "no space left"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_output_is_an_error_in_every_format() {
    for format in Format::ALL {
        let error = crate::write(&sample::report(), *format, &Options::default(), &mut Full).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "the {format} report could not be written: no space left; check that its target still exists and has room"
            )
        );
    }
}

#[test]
fn gitlab_secrets_needs_a_start() {
    let report = ScanReport { started: "yesterday".to_owned(), ..sample::empty() };
    let error = crate::write(&report, Format::GitlabSecrets, &Options::default(), &mut Vec::new()).unwrap_err();
    assert!(matches!(error, ReportError::StartTime { found, .. } if found == "yesterday"));
}
