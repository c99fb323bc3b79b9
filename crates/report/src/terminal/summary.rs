//! The figures at the end: found, suppressed, hidden, covered, and loudly what was not covered.

use std::io::{self, Write};

use testudo_model::ScanReport;

use super::layout::Page;
use crate::options::{Options, Outcome, Verbosity, VerdictLine};
use crate::{escape, wording};

pub(super) fn write(report: &ScanReport, options: &Options, page: &Page, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", page.strong("== summary"))?;
    let nothing = wording::units(report) == 0 && report.summary.findings == 0;
    let headline = wording::headline(report);
    writeln!(out, "  {}", if nothing { page.alarm(&headline) } else { page.strong(&headline) })?;
    let mut field = |label: &str, text: &str| out.write_all(page.field(label, text).as_bytes());
    if report.summary.suppressed > 0 {
        let how = if options.verbosity == Verbosity::Verbose { "" } else { " (--verbose shows them)" };
        field("suppressed", &format!("{}{how}", wording::count(report.summary.suppressed, "finding")))?;
    }
    if report.summary.hidden > 0 {
        let hidden = wording::count(report.summary.hidden, "finding");
        field(
            "hidden",
            &format!("{hidden} below the view; --severity info --confidence low --persona auditor shows all"),
        )?;
    }
    if let Some(figures) = &report.summary.verification {
        field("live check", &wording::verified(figures))?;
    }
    for coverage in &report.coverage {
        if coverage.units > 0 {
            field("covered", &wording::covered(coverage))?;
        }
    }
    for gap in wording::gaps(report) {
        writeln!(out, "  {} {gap}", page.alarm("NOT COVERED:"))?;
    }
    match &options.verdict {
        Some(verdict) => write_verdict(verdict, page, out),
        None => Ok(()),
    }
}

fn write_verdict(verdict: &VerdictLine, page: &Page, out: &mut dyn Write) -> io::Result<()> {
    let word = verdict.outcome.as_str().to_uppercase();
    let painted = if verdict.outcome == Outcome::Passed { page.calm(&word) } else { page.alarm(&word) };
    writeln!(out, "  gate: {painted}")?;
    for reason in &verdict.reasons {
        writeln!(out, "    {}", escape::visible(reason))?;
    }
    Ok(())
}
