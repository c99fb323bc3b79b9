//! `csv`: a row a finding (RFC 4180), for a spreadsheet.
//!
//! Suppressed findings are rows too, told apart by their column. What was not
//! looked at has no row; whoever needs that reads another format.

use std::io::{self, Write};

use testudo_model::{Finding, ScanReport};

use crate::escape;

/// The header; columns are only ever added at the end.
const COLUMNS: [&str; 21] = [
    "severity",
    "confidence",
    "detector",
    "rule",
    "title",
    "message",
    "path",
    "line",
    "column",
    "end_line",
    "end_column",
    "commit",
    "owner",
    "cwe",
    "fix",
    "suppressed",
    "suppression_reason",
    "other_places",
    "fingerprint",
    "verification",
    "verification_reason",
];

pub(crate) fn write(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{}\r\n", COLUMNS.join(","))?;
    for finding in &report.findings {
        let cells = row(finding).map(|cell| escape::csv_cell(&cell));
        write!(out, "{}\r\n", cells.join(","))?;
    }
    Ok(())
}

fn row(finding: &Finding) -> [String; COLUMNS.len()] {
    let location = &finding.location;
    let [line, column, end_line, end_column] = match location.span {
        Some(span) => [span.start.line, span.start.column, span.end.line, span.end.column].map(|n| n.to_string()),
        None => Default::default(),
    };
    let cwe: Vec<_> = finding.cwe.iter().map(|number| format!("CWE-{number}")).collect();
    let (suppression, verification) = (finding.suppressed.as_ref(), finding.verification.as_ref());
    [
        finding.severity.to_string(),
        finding.confidence.to_string(),
        finding.detector.to_string(),
        finding.rule.clone(),
        finding.title.clone(),
        finding.message.clone(),
        location.display_path(),
        line,
        column,
        end_line,
        end_column,
        location.commit.as_ref().map(|commit| commit.id.clone()).unwrap_or_default(),
        finding.owner.join(" "),
        cwe.join(" "),
        finding.fix.as_ref().map(|fix| fix.description.clone()).unwrap_or_default(),
        if suppression.is_some() { "yes" } else { "no" }.to_owned(),
        suppression.map(|given| given.reason.clone()).unwrap_or_default(),
        finding.related.len().to_string(),
        finding.fingerprint.to_string(),
        verification.map(|said| said.state.as_str().to_owned()).unwrap_or_default(),
        verification.and_then(|said| said.reason).map(|reason| reason.to_string()).unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use crate::sample::{self, written};
    use crate::{Format, Options};

    #[test]
    fn a_small_report() {
        assert_eq!(
            written(&sample::report(), Format::Csv, &Options::default()),
            concat!(
                r##"severity,confidence,detector,rule,title,message,path,line,column,end_line,end_column,commit,owner,cwe,fix,suppressed,suppression_reason,other_places,fingerprint,verification,verification_reason"##,
                "\r\n",
                r##"high,medium,code,sql-injection,SQL built from input,The query holds a value that came in with the request.,src/app.py,12,5,12,9,,,CWE-89,,no,,0,1:c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3,,"##,
                "\r\n",
                r##"critical,high,secrets,acme-api-key,Acme API key,The key `acme_live_...9f3a (42)` gives access to the Acme account.,src/config.py,3,8,3,28,1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d,"'@acme/payments",CWE-798,"Revoke the key, then read it from the environment.",no,,5,1:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1,,"##,
                "\r\n",
                r##"low,medium,code,sql-injection,SQL built from input,The query holds a value that came in with the request.,tests/data.py,12,5,12,9,,,CWE-89,,yes,fixture of a test,0,1:d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4,,"##,
                "\r\n",
            )
        );
    }

    #[test]
    fn hostile_cells_are_no_formulas() {
        let text = written(&sample::hostile(), Format::Csv, &Options::default());
        assert!(text.contains(",\"'=x\\u{1b}[2J\"\"'`<script>"), "{text}");
        assert!(!text.contains(",=") && !text.contains(",\"="), "{text}");
    }
}
