//! The whole text, by verbosity.

use testudo_model::{CoverageState, DetectorId, Location, Notice, NoticeCode, Snippet};

use crate::sample::{self, written};
use crate::{Color, Format, Options, Outcome, Verbosity, VerdictLine};

fn options(verbosity: Verbosity) -> Options {
    let reasons = vec!["2 findings at or above high".to_owned()];
    let verdict = Some(VerdictLine { outcome: Outcome::Failed, reasons });
    Options { width: 80, verbosity, verdict, ..Options::default() }
}

#[test]
fn normal() {
    assert_eq!(
        written(&sample::report(), Format::Terminal, &options(Verbosity::Normal)),
        r##"== src/app.py (1 finding)

high: SQL built from input [sql-injection]
 --> src/app.py:12:5
  why: The query holds a value that came in with the request.
  confidence: medium

== src/config.py (1 finding)

critical: Acme API key [acme-api-key]
 --> src/config.py:3:8
  |
2 | import os
3 | key = "acme_live_*****9f3a"
  |        ^^^^^^^^^^^^^^^^^^^
4 | client(key)
  |
  why: The key `acme_live_...9f3a (42)` gives access to the Acme account.
  fix: Revoke the key, then read it from the environment.
  owner: @acme/payments
  commit: 1a2b3c4d5e, 2025-11-02, Ann Example: Add deployment settings (only in
          history)
  also in 5 other places:
    deploy/1.env:1:5
    deploy/2.env:2:5
    deploy/3.env:3:5
    and 2 more (--verbose lists all)

== notices
gap too-large (1)
  data/dump.sql: is 900 MB, the limit is 256 MB; raise `max-file-size` to read
    it

== summary
  2 findings in 2 incidents: 1 critical, 1 high
  suppressed: 1 finding (--verbose shows them)
  hidden: 4 findings below the view; --severity info --confidence low --persona
          auditor shows all
  covered: secrets: 120 units, 240.0 KiB, 34 commits, 3 rules
  covered: code: 40 units, 80.0 KiB, 3 rules
  NOT COVERED: secrets is incomplete; skipped: 1 too-large
  NOT COVERED: deps did not run
  gate: FAILED
    2 findings at or above high
"##
    );
}

#[test]
fn quiet_is_a_line_a_finding_and_a_line_a_gap() {
    assert_eq!(
        written(&sample::report(), Format::Terminal, &options(Verbosity::Quiet)),
        r##"src/app.py:12:5: high: SQL built from input [sql-injection]
src/config.py:3:8: critical: Acme API key [acme-api-key]
NOT COVERED: secrets is incomplete; skipped: 1 too-large
NOT COVERED: deps did not run
"##
    );
}

#[test]
fn verbose_adds_suppressed_findings_and_every_place() {
    let text = written(&sample::report(), Format::Terminal, &options(Verbosity::Verbose));
    assert!(text.contains("  suppressed: fixture of a test, owner @acme/qa, until 2026-12-31\n"), "{text}");
    assert!(text.contains("    deploy/5.env:5:5\n") && !text.contains("more (--verbose"), "{text}");
}

#[test]
fn nothing_scanned_is_not_clean() {
    for verbosity in [Verbosity::Quiet, Verbosity::Normal, Verbosity::Verbose] {
        let text = written(&sample::empty(), Format::Terminal, &options(verbosity));
        assert!(text.contains("NOTHING WAS SCANNED") && text.contains("NOT COVERED: no detector ran"), "{text}");
    }
}

#[test]
fn a_covered_clean_scan_says_so() {
    let mut report = sample::empty();
    report.coverage = vec![sample::coverage(DetectorId::Secrets, CoverageState::Complete, 2)];
    report.summary.complete = true;
    assert_eq!(
        written(&report, Format::Terminal, &Options::default()),
        "== summary\n  no findings in what was covered\n  covered: secrets: 2 units, 4.0 KiB, 3 rules\n"
    );
}

#[test]
fn colour_only_adds_to_the_words() {
    let colored =
        written(&sample::report(), Format::Terminal, &Options { color: Color::Always, ..options(Verbosity::Normal) });
    let plain = written(&sample::report(), Format::Terminal, &options(Verbosity::Normal));
    assert!(colored.contains("\u{1b}[1m\u{1b}[35mcritical\u{1b}[0m: "), "{colored:?}");
    let mut parts = colored.split('\u{1b}');
    let mut stripped = parts.next().unwrap().to_owned();
    for part in parts {
        stripped.push_str(part.split_once('m').unwrap().1);
    }
    let trimmed: Vec<_> = stripped.lines().map(str::trim_end).collect();
    assert_eq!(trimmed.join("\n") + "\n", plain);
}

#[test]
fn long_source_lines_are_cut_to_the_width() {
    let mut report = sample::report();
    let text = format!("{}KEY{}", "日x ".repeat(200), "y ".repeat(400));
    let start = text.find("KEY").unwrap();
    report.findings[1].snippet = Some(Snippet { line: 7, text, highlight: (start, start + 3) });
    let written = written(&report, Format::Terminal, &Options { width: 60, ..Options::default() });
    let source = written.lines().find(|line| line.starts_with("7 | ")).unwrap();
    assert!(source.contains("KEY"), "{source}");
    assert!(unicode_width::UnicodeWidthStr::width(source) <= 60, "{source}");
}

#[test]
fn notices_are_grouped_the_worst_first_and_counted() {
    let mut report = sample::report();
    let unreadable = |n| Notice::new(NoticeCode::Unreadable, Location::file(format!("f{n}")), "permission denied");
    report.notices.extend((0..5).map(unreadable));
    report.notices.push(Notice::new(NoticeCode::ForeignConfig, Location::default(), "not used"));
    let text = written(&report, Format::Terminal, &Options { width: 80, ..Options::default() });
    let notices = &text[text.find("== notices").unwrap()..text.find("== summary").unwrap()];
    assert_eq!(
        notices,
        r##"== notices
error unreadable (5)
  f0: permission denied
  f1: permission denied
  f2: permission denied
  and 2 more (--verbose lists all)
gap too-large (1)
  data/dump.sql: is 900 MB, the limit is 256 MB; raise `max-file-size` to read
    it
info foreign-config (1)
  scan: not used

"##
    );
    let all = written(&report, Format::Terminal, &Options { verbosity: Verbosity::Verbose, ..Options::default() });
    assert!(all.contains("f4: permission denied") && !all.contains("more (--verbose"));
}
