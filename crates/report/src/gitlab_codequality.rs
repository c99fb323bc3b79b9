//! `gitlab-codequality`: GitLab's Code Quality report, an array of issues with the
//! fields that GitLab reads. Suppressed findings are no issues.

use std::io::{self, Write};

use serde::Serialize;
use testudo_model::{Finding, ScanReport, Severity};

use crate::unique::Identifiers;
use crate::{json, wording};

#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: &'a str,
    fingerprint: String,
    severity: &'static str,
    location: Place,
}

#[derive(Serialize)]
struct Place {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

pub(crate) fn write(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    let mut identifiers = Identifiers::default();
    let issues: Vec<_> = wording::counting(report).map(|finding| issue(finding, &mut identifiers)).collect();
    json::write_pretty(&issues, out)
}

fn issue<'a>(finding: &'a Finding, identifiers: &mut Identifiers<'a>) -> Issue<'a> {
    Issue {
        description: format!("{}: {}", finding.title, finding.message),
        check_name: &finding.rule,
        fingerprint: identifiers.of(finding),
        severity: match finding.severity {
            Severity::Critical => "blocker",
            Severity::High => "critical",
            Severity::Medium => "major",
            Severity::Low => "minor",
            Severity::Info => "info",
        },
        location: Place {
            path: finding.location.display_path(),
            lines: Lines { begin: finding.location.line().max(1) },
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::sample::{self, written};
    use crate::{Format, Options};

    #[test]
    fn a_small_report() {
        assert_eq!(
            written(&sample::report(), Format::GitlabCodequality, &Options::default()),
            r##"[
  {
    "description": "SQL built from input: The query holds a value that came in with the request.",
    "check_name": "sql-injection",
    "fingerprint": "1:c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3",
    "severity": "critical",
    "location": {
      "path": "src/app.py",
      "lines": {
        "begin": 12
      }
    }
  },
  {
    "description": "Acme API key: The key `acme_live_...9f3a (42)` gives access to the Acme account.",
    "check_name": "acme-api-key",
    "fingerprint": "1:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
    "severity": "blocker",
    "location": {
      "path": "src/config.py",
      "lines": {
        "begin": 3
      }
    }
  }
]
"##
        );
    }

    #[test]
    fn fingerprints_are_unique() {
        let mut report = sample::report();
        report.findings[1].fingerprint = report.findings[0].fingerprint.clone();
        let text = written(&report, Format::GitlabCodequality, &Options::default());
        assert!(text.contains("c3c3\"") && text.contains("c3c3/2\""), "{text}");
    }
}
