//! One finding as a row: as data for the script, and as HTML for readers without one.

use std::io::{self, Write};

use serde::Serialize;
use testudo_model::Finding;

use crate::escape::{markup, markup_lines, visible, visible_lines, visible_snippet};
use crate::wording;

/// What the page shows of a finding. Hidden characters are escaped already; the
/// script sets every text as text.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    severity: &'static str,
    detector: &'static str,
    rule: String,
    title: String,
    message: String,
    place: String,
    owner: Vec<String>,
    fix: Option<String>,
    check: Option<String>,
    commit: Option<String>,
    suppressed: Option<String>,
    related: Vec<String>,
    /// The snippet in three parts; the middle one is marked.
    source: Option<[String; 3]>,
    confidence: &'static str,
    cwe: Vec<u32>,
    fingerprint: String,
}

impl Row {
    pub(super) fn of(finding: &Finding) -> Self {
        let line = |text: &str| visible(text).into_owned();
        let lines = |text: &str| visible_lines(text).into_owned();
        Self {
            severity: finding.severity.as_str(),
            detector: finding.detector.as_str(),
            rule: line(&finding.rule),
            title: line(&finding.title),
            message: lines(&finding.message),
            place: line(&wording::place(&finding.location)),
            owner: finding.owner.iter().map(|owner| line(owner)).collect(),
            fix: finding.fix.as_ref().map(|fix| lines(&fix.description)),
            check: finding.verification.as_ref().map(|said| line(&wording::verification(said))),
            commit: finding.location.commit.as_ref().map(|commit| line(&wording::commit(commit))),
            suppressed: finding.suppressed.as_ref().map(|given| line(&given.reason)),
            related: finding.related.iter().map(|place| line(&wording::place(place))).collect(),
            source: finding.snippet.as_ref().map(visible_snippet),
            confidence: finding.confidence.as_str(),
            cwe: finding.cwe.clone(),
            fingerprint: finding.fingerprint.to_string(),
        }
    }

    /// The row as HTML; `page.js` builds the same elements.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "<tr><td><span class=\"severity {0}\">{0}</span></td>", self.severity)?;
        writeln!(out, "<td><strong>{}</strong> <code>{}</code>", markup(&self.title), markup(&self.rule))?;
        writeln!(out, "<p>{}</p>", markup_lines(&self.message))?;
        for (label, text) in self.labelled() {
            writeln!(out, "<p><b>{label}:</b> {}</p>", markup_lines(&text))?;
        }
        if let Some(source) = &self.source {
            let [before, inside, after] = source.each_ref().map(|part| markup_lines(part));
            writeln!(out, "<pre tabindex=\"0\">{before}<mark>{inside}</mark>{after}</pre>")?;
        }
        let owners: Vec<_> = self.owner.iter().map(|owner| markup(owner)).collect();
        writeln!(out, "</td><td class=\"place\">{}</td><td>{}</td></tr>", markup(&self.place), owners.join("<br>"))
    }

    /// What is said below the message, in the order of the page.
    fn labelled(&self) -> Vec<(&'static str, String)> {
        let mut list = Vec::new();
        list.extend(self.fix.clone().map(|fix| ("fix", fix)));
        list.extend(self.check.clone().map(|check| ("check", check)));
        list.extend(self.commit.clone().map(|commit| ("commit", commit)));
        list.extend(self.suppressed.clone().map(|reason| ("suppressed", reason)));
        if !self.related.is_empty() {
            list.push(("also in", self.related.join(", ")));
        }
        let cwe = self.cwe.iter().map(|number| format!(", CWE-{number}"));
        let facts = format!("{}, confidence {}{}", self.detector, self.confidence, cwe.collect::<String>());
        list.push(("detector", facts));
        list.push(("fingerprint", self.fingerprint.clone()));
        list
    }
}
