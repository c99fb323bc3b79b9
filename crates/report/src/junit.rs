//! `junit`: JUnit XML as Jenkins, GitLab and others read it: a suite a detector, a
//! case a finding.
//!
//! Each suite also has a case `coverage`, which is an error where the detector did
//! not run or did not come to its end: a suite without findings is only green
//! when somebody looked.

use std::collections::BTreeSet;
use std::io::{self, Write};

use testudo_model::{CoverageState, DetectorId, Finding, ScanReport, Suppression};

use crate::escape::{markup, markup_lines};
use crate::wording;

/// One detector and what it found.
struct Suite<'a> {
    detector: DetectorId,
    gap: Option<String>,
    findings: Vec<&'a Finding>,
}

impl Suite<'_> {
    fn skipped(&self) -> usize {
        self.findings.iter().filter(|finding| finding.suppressed.is_some()).count()
    }

    fn figures(&self) -> [usize; 4] {
        let (tests, skipped) = (self.findings.len() + 1, self.skipped());
        [tests, self.findings.len() - skipped, usize::from(self.gap.is_some()), skipped]
    }
}

pub(crate) fn write(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    let suites = suites(report);
    let total = suites.iter().map(Suite::figures).fold([0; 4], |sum, add| std::array::from_fn(|at| sum[at] + add[at]));
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"{}\"{}>", markup(&report.tool.name), figures(total))?;
    for suite in &suites {
        write_suite(suite, report, out)?;
    }
    writeln!(out, "</testsuites>")
}

/// A suite for each detector that ran, should have run, or found something. Where
/// there is none at all nothing was looked at, and every detector's suite says so.
fn suites(report: &ScanReport) -> Vec<Suite<'_>> {
    let covered = report.coverage.iter().map(|coverage| coverage.detector);
    let mut detectors: BTreeSet<_> = covered.chain(report.findings.iter().map(|finding| finding.detector)).collect();
    if detectors.is_empty() {
        detectors.extend(DetectorId::ALL);
    }
    detectors.into_iter().map(|detector| suite(detector, report)).collect()
}

fn suite(detector: DetectorId, report: &ScanReport) -> Suite<'_> {
    // Reports of other tools give accounts beside the detector's own.
    let mut accounts = report.coverage.iter().filter(|coverage| coverage.detector == detector).peekable();
    let gap = if accounts.peek().is_none() {
        Some(format!("{detector} gave no account of what it looked at"))
    } else {
        let open = accounts.filter(|coverage| coverage.state != CoverageState::Complete);
        let gaps: Vec<String> = open.filter_map(wording::gap).collect();
        (!gaps.is_empty()).then(|| gaps.join("; "))
    };
    let findings = report.findings.iter().filter(|finding| finding.detector == detector).collect();
    Suite { detector, gap, findings }
}

fn figures([tests, failures, errors, skipped]: [usize; 4]) -> String {
    format!(" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"")
}

fn write_suite(suite: &Suite<'_>, report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    let started = wording::start_second(report).map(|at| format!(" timestamp=\"{at}\"")).unwrap_or_default();
    writeln!(out, "  <testsuite name=\"testudo.{}\"{}{started}>", suite.detector, figures(suite.figures()))?;
    let class = format!("testudo.{}", suite.detector);
    match &suite.gap {
        None => writeln!(out, "    <testcase classname=\"{class}\" name=\"coverage\"/>")?,
        Some(gap) => {
            writeln!(out, "    <testcase classname=\"{class}\" name=\"coverage\">")?;
            writeln!(out, "      <error type=\"coverage\" message=\"{}\"/>", markup(gap))?;
            writeln!(out, "    </testcase>")?;
        }
    }
    for finding in &suite.findings {
        write_case(finding, out)?;
    }
    writeln!(out, "  </testsuite>")
}

fn write_case(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let class = format!("testudo.{}.{}", finding.detector, finding.rule);
    let name = format!("{} at {}", finding.title, wording::place(&finding.location));
    write!(out, "    <testcase classname=\"{}\" name=\"{}\"", markup(&class), markup(&name))?;
    if let Some(path) = &finding.location.path {
        write!(out, " file=\"{}\"", markup(path))?;
    }
    if finding.location.span.is_some() {
        write!(out, " line=\"{}\"", finding.location.line())?;
    }
    writeln!(out, ">")?;
    match &finding.suppressed {
        Some(suppression) => writeln!(out, "      <skipped message=\"{}\"/>", markup(&reason(suppression)))?,
        None => writeln!(
            out,
            "      <failure type=\"{}\" message=\"{}\">{}</failure>",
            finding.severity,
            markup(&finding.title),
            markup_lines(&text(finding))
        )?,
    }
    writeln!(out, "    </testcase>")
}

fn reason(suppression: &Suppression) -> String {
    if suppression.reason.is_empty() { "suppressed".to_owned() } else { format!("suppressed: {}", suppression.reason) }
}

fn text(finding: &Finding) -> String {
    let mut lines = vec![finding.message.clone()];
    lines.extend(wording::remarks(finding));
    lines.push(format!("fingerprint: {}", finding.fingerprint));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use crate::sample::{self, written};
    use crate::{Format, Options};

    #[test]
    fn a_small_report() {
        assert_eq!(
            written(&sample::report(), Format::Junit, &Options::default()),
            r##"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="testudo" tests="6" failures="2" errors="2" skipped="1">
  <testsuite name="testudo.secrets" tests="2" failures="1" errors="1" skipped="0" timestamp="2026-01-31T12:00:00">
    <testcase classname="testudo.secrets" name="coverage">
      <error type="coverage" message="secrets is incomplete; skipped: 1 too-large"/>
    </testcase>
    <testcase classname="testudo.secrets.acme-api-key" name="Acme API key at src/config.py:3:8" file="src/config.py" line="3">
      <failure type="critical" message="Acme API key">The key `acme_live_...9f3a (42)` gives access to the Acme account.
fix: Revoke the key, then read it from the environment.
owner: @acme/payments
commit: 1a2b3c4d5e, 2025-11-02, Ann Example: Add deployment settings (only in history)
fingerprint: 1:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1</failure>
    </testcase>
  </testsuite>
  <testsuite name="testudo.deps" tests="1" failures="0" errors="1" skipped="0" timestamp="2026-01-31T12:00:00">
    <testcase classname="testudo.deps" name="coverage">
      <error type="coverage" message="deps did not run"/>
    </testcase>
  </testsuite>
  <testsuite name="testudo.code" tests="3" failures="1" errors="0" skipped="1" timestamp="2026-01-31T12:00:00">
    <testcase classname="testudo.code" name="coverage"/>
    <testcase classname="testudo.code.sql-injection" name="SQL built from input at src/app.py:12:5" file="src/app.py" line="12">
      <failure type="high" message="SQL built from input">The query holds a value that came in with the request.
fingerprint: 1:c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3</failure>
    </testcase>
    <testcase classname="testudo.code.sql-injection" name="SQL built from input at tests/data.py:12:5" file="tests/data.py" line="12">
      <skipped message="suppressed: fixture of a test"/>
    </testcase>
  </testsuite>
</testsuites>
"##
        );
    }

    #[test]
    fn nothing_scanned_is_an_error() {
        let text = written(&sample::empty(), Format::Junit, &Options::default());
        assert!(
            text.contains("<testsuites name=\"testudo\" tests=\"7\" failures=\"0\" errors=\"7\" skipped=\"0\">"),
            "{text}"
        );
    }
}
