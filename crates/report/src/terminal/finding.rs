//! One finding in full.

use std::io::{self, Write};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet as Source};
use testudo_model::{Confidence, Finding, Severity, Snippet, Suppression};

use super::layout::Page;
use crate::options::{Color, Verbosity};
use crate::{escape, wording};

/// Further places of an incident that are listed unless all are asked for.
const FIRST_PLACES: usize = 3;

pub(super) fn write(finding: &Finding, page: &Page, verbosity: Verbosity, out: &mut dyn Write) -> io::Result<()> {
    let severity = page.severity(finding.severity, finding.severity.as_str());
    let (title, rule) = (escape::visible(&finding.title), escape::visible(&finding.rule));
    writeln!(out, "{severity}: {} [{rule}]", page.strong(&title))?;
    writeln!(out, " --> {}", escape::visible(&wording::place(&finding.location)))?;
    if let Some(snippet) = &finding.snippet {
        write_snippet(finding.severity, snippet, page, out)?;
    }
    for (label, text) in fields(finding) {
        out.write_all(page.field(label, &text).as_bytes())?;
    }
    write_places(finding, page, verbosity, out)
}

/// What is said below the source, already safe to show.
fn fields(finding: &Finding) -> Vec<(&'static str, String)> {
    let lines = |text: &str| escape::visible_lines(text).into_owned();
    let line = |text: &str| escape::visible(text).into_owned();
    let mut fields = vec![("why", lines(&finding.message))];
    if let Some(fix) = &finding.fix {
        fields.push(("fix", lines(&fix.description)));
    }
    if let Some(verification) = &finding.verification {
        fields.push(("check", line(&wording::verification(verification))));
    }
    if let Some(command) = finding.properties.get("reproduce").and_then(|command| command.as_str()) {
        fields.push(("see", line(command)));
    }
    if finding.confidence < Confidence::High {
        fields.push(("confidence", finding.confidence.to_string()));
    }
    if !finding.owner.is_empty() {
        fields.push(("owner", line(&finding.owner.join(", "))));
    }
    if let Some(commit) = &finding.location.commit {
        fields.push(("commit", line(&wording::commit(commit))));
    }
    if let Some(layer) = &finding.location.layer {
        let fate = if layer.deleted_later { ", removed by a later layer" } else { "" };
        fields.push(("layer", line(&format!("{} {}{fate}", layer.index, layer.digest))));
    }
    if let Some(suppression) = &finding.suppressed {
        fields.push(("suppressed", line(&suppression_text(suppression))));
    }
    fields
}

fn suppression_text(suppression: &Suppression) -> String {
    let mut text =
        if suppression.reason.is_empty() { "no reason given".to_owned() } else { suppression.reason.clone() };
    if let Some(owner) = &suppression.owner {
        text.push_str(&format!(", owner {owner}"));
    }
    if let Some(until) = &suppression.until {
        text.push_str(&format!(", until {until}"));
    }
    text
}

fn write_places(finding: &Finding, page: &Page, verbosity: Verbosity, out: &mut dyn Write) -> io::Result<()> {
    let total = finding.related.len();
    if total == 0 {
        return Ok(());
    }
    let shown = if verbosity == Verbosity::Verbose { total } else { total.min(FIRST_PLACES) };
    let label = format!("also in {}:", wording::count(total as u64, "other place"));
    writeln!(out, "  {}", page.quiet(&label))?;
    for place in finding.related.iter().take(shown) {
        writeln!(out, "    {}", escape::visible(&wording::place(place)))?;
    }
    if shown < total {
        writeln!(out, "    and {} more (--verbose lists all)", total - shown)?;
    }
    Ok(())
}

fn write_snippet(severity: Severity, snippet: &Snippet, page: &Page, out: &mut dyn Write) -> io::Result<()> {
    let [before, inside, after] = escape::visible_snippet(snippet);
    let highlight = before.len()..before.len() + inside.len();
    let level = match severity {
        Severity::Critical | Severity::High => Level::ERROR,
        Severity::Medium => Level::WARNING,
        Severity::Low | Severity::Info => Level::NOTE,
    };
    let source = Source::source([before, inside, after].concat())
        .line_start(snippet.line as usize)
        .fold(false)
        .annotation(AnnotationKind::Primary.span(highlight));
    let renderer = match page.color {
        Color::Never => Renderer::plain(),
        Color::Always => Renderer::styled(),
    };
    let rendered = renderer.term_width(page.width).render(&[Group::with_level(level).element(source)]);
    for line in rendered.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
