//! `markdown`: a comment on a change at GitHub or GitLab: the figures, a table of
//! what was found, the details folded away.

use std::cmp::Reverse;
use std::io::{self, Write};

use testudo_model::{Finding, ScanReport, Snippet};

use crate::escape::{self, markdown, markdown_code, markup_lines};
use crate::options::Options;
use crate::wording;

/// Findings that are listed at most.
const LISTED: usize = 50;
/// Characters for the rows of the table, and as many for the details: GitHub takes
/// 65,536 a comment, and the rest needs some too.
const BUDGET: usize = 28_000;
/// Longest text of one field, in characters.
const LONGEST_TEXT: usize = 300;
/// Longest snippet, in characters.
const LONGEST_SNIPPET: usize = 600;

pub(crate) fn write(report: &ScanReport, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## testudo\n")?;
    if let Some(verdict) = &options.verdict {
        writeln!(out, "**Gate {}.**", verdict.outcome)?;
        for reason in &verdict.reasons {
            writeln!(out, "- {}", prose(reason))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "**{}.**\n", wording::headline(report))?;
    let mut findings: Vec<_> = wording::counting(report).collect();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    if !findings.is_empty() {
        write_figures(report, out)?;
        write_table(&findings, out)?;
        write_details(&findings, out)?;
    }
    write_coverage(report, out)
}

fn write_figures(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "| severity | findings |\n| --- | ---: |")?;
    for (severity, number) in wording::by_severity(report).filter(|(_, number)| *number > 0) {
        writeln!(out, "| {severity} | {number} |")?;
    }
    writeln!(out)
}

fn write_table(findings: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "| severity | finding | place | owner |\n| --- | --- | --- | --- |")?;
    let listed = write_within_budget(findings.iter().map(|finding| row(finding)), out)?;
    if listed < findings.len() {
        let more = wording::count((findings.len() - listed) as u64, "finding");
        writeln!(out, "\nand {more} not listed here, none of them more severe.")?;
    }
    writeln!(out)
}

fn write_details(findings: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    write_within_budget(findings.iter().map(|finding| details(finding)), out).map(|_| ())
}

/// Writes texts until their number or size is used up; returns how many it wrote.
fn write_within_budget(texts: impl Iterator<Item = String>, out: &mut dyn Write) -> io::Result<usize> {
    let (mut left, mut written) = (BUDGET, 0);
    for text in texts.take(LISTED) {
        let Some(rest) = left.checked_sub(text.chars().count()) else { break };
        out.write_all(text.as_bytes())?;
        left = rest;
        written += 1;
    }
    Ok(written)
}

fn row(finding: &Finding) -> String {
    let place = code(&wording::place(&finding.location));
    let owner = if finding.owner.is_empty() { String::new() } else { code(&finding.owner.join(" ")) };
    let (severity, title, rule) = (finding.severity, prose(&finding.title), code(&finding.rule));
    format!("| {severity} | {title} {rule} | {place} | {owner} |\n")
}

fn details(finding: &Finding) -> String {
    let (title, place) = (code(&finding.title), code(&wording::place(&finding.location)));
    let mut out = format!("<details><summary>{} {title} in {place}</summary>\n\n", finding.severity);
    out.push_str(&format!("**why:** {}\n", prose(&finding.message)));
    if let Some(fix) = &finding.fix {
        out.push_str(&format!("\n**fix:** {}\n", prose(&fix.description)));
    }
    if let Some(verification) = &finding.verification {
        out.push_str(&format!("\n**check:** {}\n", prose(&wording::verification(verification))));
    }
    if let Some(commit) = &finding.location.commit {
        out.push_str(&format!("\n**commit:** {}\n", code(&wording::commit(commit))));
    }
    if !finding.related.is_empty() {
        out.push_str(&format!("\nalso in {}\n", wording::count(finding.related.len() as u64, "other place")));
    }
    if let Some(snippet) = &finding.snippet {
        out.push_str(&source(snippet));
    }
    out.push_str("\n</details>\n\n");
    out
}

/// As HTML, because no fence is safe against a text that may hold any fence.
fn source(snippet: &Snippet) -> String {
    let text = wording::cut(&escape::visible_lines(&snippet.text), LONGEST_SNIPPET);
    let lines = text.split('\n').enumerate().map(|(at, line)| {
        let number = u64::from(snippet.line) + at as u64;
        format!("{number} | {}", markup_lines(line))
    });
    format!("\n<pre>{}</pre>\n", lines.collect::<Vec<_>>().join("\n"))
}

fn write_coverage(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    if report.summary.suppressed > 0 || report.summary.hidden > 0 {
        let suppressed = wording::count(report.summary.suppressed, "finding");
        let hidden = wording::count(report.summary.hidden, "finding");
        writeln!(out, "Suppressed: {suppressed}. Below the view: {hidden}.\n")?;
    }
    if let Some(figures) = &report.summary.verification {
        writeln!(out, "- live check: {}", prose(&wording::verified(figures)))?;
    }
    for gap in wording::gaps(report) {
        writeln!(out, "- **not covered:** {}", prose(&gap))?;
    }
    for coverage in report.coverage.iter().filter(|coverage| coverage.units > 0) {
        writeln!(out, "- covered: {}", prose(&wording::covered(coverage)))?;
    }
    Ok(())
}

fn prose(text: &str) -> String {
    markdown(&wording::cut(text, LONGEST_TEXT))
}

fn code(text: &str) -> String {
    markdown_code(&wording::cut(text, LONGEST_TEXT))
}

#[cfg(test)]
mod tests {
    use crate::sample::{self, written};
    use crate::{Format, Options};

    #[test]
    fn a_small_report() {
        assert_eq!(
            written(&sample::report(), Format::Markdown, &Options::default()),
            r##"## testudo

**2 findings in 2 incidents: 1 critical, 1 high.**

| severity | findings |
| --- | ---: |
| critical | 1 |
| high | 1 |

| severity | finding | place | owner |
| --- | --- | --- | --- |
| critical | Acme API key <code>acme-api-key</code> | <code>src/config.py&#58;3&#58;8</code> | <code>&#64;acme/payments</code> |
| high | SQL built from input <code>sql-injection</code> | <code>src/app.py&#58;12&#58;5</code> |  |

<details><summary>critical <code>Acme API key</code> in <code>src/config.py&#58;3&#58;8</code></summary>

**why:** The key \`acme\_live\_...9f3a \(42\)\` gives access to the Acme account.

**fix:** Revoke the key, then read it from the environment.

**commit:** <code>1a2b3c4d5e, 2025-11-02, Ann Example&#58; Add deployment settings &#40;only in history&#41;</code>

also in 5 other places

<pre>2 | import os
3 | key = &quot;acme_live_*****9f3a&quot;
4 | client(key)</pre>

</details>

<details><summary>high <code>SQL built from input</code> in <code>src/app.py&#58;12&#58;5</code></summary>

**why:** The query holds a value that came in with the request.

</details>

Suppressed: 1 finding. Below the view: 4 findings.

- **not covered:** secrets is incomplete; skipped&#58; 1 too-large
- **not covered:** deps did not run
- covered: secrets&#58; 120 units, 240.0 KiB, 34 commits, 3 rules
- covered: code&#58; 40 units, 80.0 KiB, 3 rules
"##
        );
    }

    #[test]
    fn a_comment_fits() {
        let mut report = sample::hostile();
        let finding = report.findings[1].clone();
        report.findings = vec![finding; 200];
        let text = written(&report, Format::Markdown, &Options::default());
        assert!(text.chars().count() < 65_536, "{}", text.chars().count());
        assert!(text.contains(" findings not listed here, none of them more severe."), "{text}");
    }

    #[test]
    fn nothing_scanned_is_said() {
        let text = written(&sample::empty(), Format::Markdown, &Options::default());
        assert!(text.contains("**NOTHING WAS SCANNED") && text.contains("**not covered:** no detector ran"), "{text}");
    }
}
