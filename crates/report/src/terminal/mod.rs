//! `terminal`: text for a person. Findings by file, then what could not be read,
//! then what was found, covered and not covered.
//!
//! Colour only repeats what the words say. Every text of the report is made
//! visible first, so a file name cannot send the terminal a command.

mod finding;
mod layout;
mod notices;
mod summary;

use std::io::{self, Write};

use testudo_model::{Finding, ScanReport};

use crate::options::{Options, Verbosity};
use crate::{escape, wording};
use layout::Page;

/// A narrower terminal is written to as if it had this many columns.
const NARROWEST: usize = 40;

pub(crate) fn write(report: &ScanReport, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let page = Page { color: options.color, width: options.width.max(NARROWEST) };
    if options.verbosity == Verbosity::Quiet {
        return write_quiet(report, &page, out);
    }
    let shown = |finding: &&Finding| finding.suppressed.is_none() || options.verbosity == Verbosity::Verbose;
    let findings: Vec<_> = report.findings.iter().filter(shown).collect();
    for file in findings.chunk_by(|a, b| a.location.display_path() == b.location.display_path()) {
        write_file(file, &page, options.verbosity, out)?;
    }
    notices::write(&report.notices, &page, options.verbosity, out)?;
    summary::write(report, options, &page, out)
}

fn write_file(findings: &[&Finding], page: &Page, verbosity: Verbosity, out: &mut dyn Write) -> io::Result<()> {
    if let Some(first) = findings.first() {
        let path = first.location.display_path();
        let path = if path.is_empty() { "(no file)" } else { &path };
        let heading = format!("== {} ({})", escape::visible(path), wording::count(findings.len() as u64, "finding"));
        writeln!(out, "{}\n", page.strong(&heading))?;
    }
    for found in findings {
        finding::write(found, page, verbosity, out)?;
        writeln!(out)?;
    }
    Ok(())
}

fn write_quiet(report: &ScanReport, page: &Page, out: &mut dyn Write) -> io::Result<()> {
    for found in wording::counting(report) {
        let place = wording::place(&found.location);
        let severity = page.severity(found.severity, found.severity.as_str());
        let (title, rule) = (escape::visible(&found.title), escape::visible(&found.rule));
        writeln!(out, "{}: {severity}: {title} [{rule}]", escape::visible(&place))?;
    }
    if report.findings.is_empty() && wording::units(report) == 0 {
        writeln!(out, "{}", page.alarm(&wording::headline(report)))?;
    }
    for gap in wording::gaps(report) {
        writeln!(out, "{} {gap}", page.alarm("NOT COVERED:"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
