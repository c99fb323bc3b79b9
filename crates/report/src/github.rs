//! `github`: workflow commands of GitHub Actions, which become annotations on the change.
//!
//! GitHub shows the first ten errors, ten warnings and ten notices of a step, so
//! the most severe findings come first and what was not covered before them all.

use std::cmp::Reverse;
use std::io::{self, Write};

use testudo_model::{Finding, ScanReport, Severity};

use crate::escape::{workflow_message, workflow_property};
use crate::wording;

pub(crate) fn write(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    let gaps = wording::gaps(report);
    if !gaps.is_empty() {
        let text = workflow_message(&gaps.join("\n"));
        writeln!(out, "::warning title=testudo did not look at everything::{text}")?;
    }
    let mut findings: Vec<_> = wording::counting(report).collect();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    for finding in findings {
        write_finding(finding, out)?;
    }
    // A plain line of the log, not a command: it takes no annotation's place.
    writeln!(out, "testudo: {}", wording::headline(report))
}

fn write_finding(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let command = match finding.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "notice",
    };
    let mut properties = Vec::new();
    if let Some(path) = &finding.location.path {
        properties.push(format!("file={}", workflow_property(path)));
    }
    if let Some(span) = finding.location.span.filter(|_| finding.location.members.is_empty()) {
        properties.push(format!("line={},endLine={}", span.start.line, span.end.line));
        // GitHub takes columns on a single line only, and its last column is inside.
        if span.start.line == span.end.line {
            let last = span.end.column.saturating_sub(1).max(span.start.column);
            properties.push(format!("col={},endColumn={last}", span.start.column));
        }
    }
    let title = format!("{}: {} [{}]", finding.severity, finding.title, finding.rule);
    properties.push(format!("title={}", workflow_property(&title)));
    writeln!(out, "::{command} {}::{}", properties.join(","), workflow_message(&text(finding)))
}

fn text(finding: &Finding) -> String {
    let mut lines = vec![finding.message.clone()];
    if !finding.location.members.is_empty() {
        lines.push(format!("in {}", wording::place(&finding.location)));
    }
    lines.extend(wording::remarks(finding));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use crate::sample::{self, written};
    use crate::{Format, Options};

    #[test]
    fn a_small_report() {
        assert_eq!(
            written(&sample::report(), Format::Github, &Options::default()),
            r##"::warning title=testudo did not look at everything::secrets is incomplete; skipped: 1 too-large%0Adeps did not run
::error file=src/config.py,line=3,endLine=3,col=8,endColumn=27,title=critical%3A Acme API key [acme-api-key]::The key `acme_live_...9f3a (42)` gives access to the Acme account.%0Afix: Revoke the key, then read it from the environment.%0Aowner: @acme/payments%0Acommit: 1a2b3c4d5e, 2025-11-02, Ann Example: Add deployment settings (only in history)
::error file=src/app.py,line=12,endLine=12,col=5,endColumn=8,title=high%3A SQL built from input [sql-injection]::The query holds a value that came in with the request.
testudo: 2 findings in 2 incidents: 1 critical, 1 high
"##
        );
    }

    #[test]
    fn hostile_texts_start_no_command() {
        let text = written(&sample::hostile(), Format::Github, &Options::default());
        for line in text.lines() {
            assert!(
                ["::warning title=", "::error file=", "testudo: "].iter().any(|start| line.starts_with(start)),
                "{line}"
            );
        }
        assert_eq!(text.lines().count(), 4);
    }

    #[test]
    fn nothing_scanned_is_a_warning() {
        let text = written(&sample::empty(), Format::Github, &Options::default());
        assert!(text.starts_with("::warning title=testudo did not look at everything::no detector ran\n"), "{text}");
        assert!(text.contains("\ntestudo: NOTHING WAS SCANNED"), "{text}");
    }
}
