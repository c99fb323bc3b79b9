//! `html`: one self-contained page that loads nothing and sends nothing.
//!
//! The table is in the page as written here, so it can be read, printed and
//! searched without scripts. Where scripts run, `page.js` replaces the rows by
//! the same data with filters. The page's own policy (CSP) allows exactly this
//! style and this script, by their digests: text that broke out of its place
//! could still not run.

mod digest;
mod row;

use std::io::{self, Write};

use testudo_model::{Notice, ScanReport};

use crate::escape::{markup, markup_lines};
use crate::options::{Options, VerdictLine};
use crate::{json, wording};
use row::Row;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the policy of a page (CSP) says to allow exactly this inline style or script: `sha256-` and its digest.
#[must_use]
pub fn style_source(text: &str) -> String {
    digest::source(text)
}

pub(crate) fn write(report: &ScanReport, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<_> = report.findings.iter().map(Row::of).collect();
    write_head(report, out)?;
    writeln!(out, "<body>\n<a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n<main>")?;
    write_result(report, options, out)?;
    write_coverage(report, out)?;
    writeln!(out, "<form id=\"filters\" hidden aria-label=\"Filter the findings\"></form>")?;
    write_table(&rows, out)?;
    write_notices(&report.notices, out)?;
    writeln!(out, "</main>")?;
    write!(out, "<script id=\"data\" type=\"application/json\">")?;
    json::write_compact(&rows, out)?;
    writeln!(out, "</script>\n<script>{SCRIPT}</script>\n</body>\n</html>")
}

fn write_head(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    let targets = report.targets.join(", ");
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'\">",
        digest::source(STYLE),
        digest::source(SCRIPT)
    )?;
    writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<title>testudo: {}</title>\n<style>{STYLE}</style>\n</head>", markup(&targets))
}

fn write_result(report: &ScanReport, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<h1>testudo</h1>\n<p class=\"headline\">{}</p>", markup(&wording::headline(report)))?;
    if let Some(verdict) = &options.verdict {
        write_verdict(verdict, out)?;
    }
    let summary = &report.summary;
    let mut facts = vec![
        ("targets", report.targets.join(", ")),
        ("started", report.started.clone()),
        ("program", format!("{} {}", report.tool.name, report.tool.version)),
        ("suppressed", wording::count(summary.suppressed, "finding")),
        ("below the view", wording::count(summary.hidden, "finding")),
    ];
    facts.extend(wording::by_severity(report).map(|(severity, number)| (severity.as_str(), number.to_string())));
    writeln!(out, "<dl>")?;
    for (name, value) in facts {
        writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", markup(&value))?;
    }
    writeln!(out, "</dl>")
}

fn write_verdict(verdict: &VerdictLine, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<p class=\"verdict {0}\">Gate {0}</p>\n<ul>", verdict.outcome)?;
    for reason in &verdict.reasons {
        writeln!(out, "<li>{}</li>", markup(reason))?;
    }
    writeln!(out, "</ul>")
}

fn write_coverage(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<h2>What was looked at</h2>\n<ul>")?;
    for gap in wording::gaps(report) {
        writeln!(out, "<li class=\"gap\"><strong>Not covered:</strong> {}</li>", markup(&gap))?;
    }
    if let Some(figures) = &report.summary.verification {
        writeln!(out, "<li>Live check: {}</li>", markup(&wording::verified(figures)))?;
    }
    for coverage in report.coverage.iter().filter(|coverage| coverage.units > 0) {
        writeln!(out, "<li>{}</li>", markup(&wording::covered(coverage)))?;
    }
    writeln!(out, "</ul>")
}

fn write_table(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<h2 id=\"findings\" tabindex=\"-1\">Findings</h2>\n<p id=\"count\" aria-live=\"polite\"></p>")?;
    writeln!(out, "<table><caption>Findings by file and line</caption>")?;
    writeln!(
        out,
        "<thead><tr><th scope=\"col\">Severity</th><th scope=\"col\">Finding</th><th scope=\"col\">Place</th><th scope=\"col\">Owner</th></tr></thead>"
    )?;
    writeln!(out, "<tbody id=\"rows\">")?;
    for row in rows {
        row.write(out)?;
    }
    writeln!(out, "</tbody></table>\n<p><button id=\"more\" type=\"button\" hidden>Show more</button></p>")
}

fn write_notices(notices: &[Notice], out: &mut dyn Write) -> io::Result<()> {
    if notices.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>Notices</h2>\n<table><caption>What the reader must know about this result</caption>")?;
    writeln!(
        out,
        "<thead><tr><th scope=\"col\">Notice</th><th scope=\"col\">Place</th><th scope=\"col\">Message</th></tr></thead>\n<tbody>"
    )?;
    for notice in notices {
        let (place, message) = (wording::place(&notice.location), markup_lines(&notice.message));
        writeln!(
            out,
            "<tr><td>{}</td><td class=\"place\">{}</td><td>{message}</td></tr>",
            notice.code,
            markup(&place)
        )?;
    }
    writeln!(out, "</tbody></table>")
}

#[cfg(test)]
mod tests;
