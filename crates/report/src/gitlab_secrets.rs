//! `gitlab-secrets`: GitLab's secret-detection report, security report schema 15.0.4.
//!
//! Holds the findings of the `secrets` detector that are not suppressed. A scan
//! report has no time of its end, and no clock is read here: both times are the
//! start. GitLab renders descriptions as Markdown, so they are escaped as such.

use std::io::{self, Write};

use serde::Serialize;
use testudo_model::{Coverage, CoverageState, DetectorId, Finding, NoticeLevel, ScanReport, Severity};

use crate::unique::Identifiers;
use crate::{escape, json, wording};

/// The version of the schema that the shape follows.
const SCHEMA_VERSION: &str = "15.0.4";
/// GitLab's own analyser names this commit for what lies in the work tree.
const NO_COMMIT: &str = "0000000";
/// Longest name that the schema allows, in characters.
const MAX_NAME: usize = 255;
/// Longest solution that the schema allows, in characters.
const MAX_SOLUTION: usize = 7_000;

#[derive(Serialize)]
struct SecretReport<'a> {
    version: &'static str,
    scan: Scan<'a>,
    vulnerabilities: Vec<Vulnerability<'a>>,
}

#[derive(Serialize)]
struct Scan<'a> {
    r#type: &'static str,
    status: &'static str,
    start_time: &'a str,
    end_time: &'a str,
    analyzer: Program<'a>,
    scanner: Program<'a>,
    messages: Vec<ScanMessage>,
}

#[derive(Serialize)]
struct Program<'a> {
    id: &'a str,
    name: &'a str,
    version: &'a str,
    vendor: Vendor<'a>,
}

#[derive(Serialize)]
struct Vendor<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct ScanMessage {
    level: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Vulnerability<'a> {
    id: String,
    category: &'static str,
    name: String,
    description: String,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    solution: Option<String>,
    identifiers: Vec<Identifier>,
    location: Place<'a>,
}

#[derive(Serialize)]
struct Identifier {
    r#type: &'static str,
    name: String,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
struct Place<'a> {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    commit: Commit<'a>,
}

#[derive(Serialize)]
struct Commit<'a> {
    sha: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// Writes the report; `start` is `YYYY-MM-DDThh:mm:ss` in UTC, as the schema wants it.
pub(crate) fn write(report: &ScanReport, start: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut identifiers = Identifiers::default();
    let vulnerabilities = wording::counting(report)
        .filter(|finding| finding.detector == DetectorId::Secrets)
        .map(|finding| vulnerability(finding, &mut identifiers))
        .collect();
    json::write_pretty(&SecretReport { version: SCHEMA_VERSION, scan: scan(report, start), vulnerabilities }, out)
}

fn scan<'a>(report: &'a ScanReport, start: &'a str) -> Scan<'a> {
    let program = || {
        let (name, version) = (report.tool.name.as_str(), report.tool.version.as_str());
        Program { id: name, name, version, vendor: Vendor { name } }
    };
    let ran = secrets(report).next().is_some() && secrets(report).all(|one| one.state != CoverageState::NotRun);
    Scan {
        r#type: "secret_detection",
        status: if ran { "success" } else { "failure" },
        start_time: start,
        end_time: start,
        analyzer: program(),
        scanner: program(),
        messages: messages(report),
    }
}

/// The accounts of our detector and of the tools whose reports were imported.
fn secrets(report: &ScanReport) -> impl Iterator<Item = &Coverage> {
    report.coverage.iter().filter(|coverage| coverage.detector == DetectorId::Secrets)
}

fn messages(report: &ScanReport) -> Vec<ScanMessage> {
    let silent = secrets(report).next().is_none().then(|| ("fatal", "secrets did not run".to_owned()));
    let gaps = secrets(report).filter_map(|coverage| {
        let level = if coverage.state == CoverageState::NotRun { "fatal" } else { "warn" };
        wording::gap(coverage).map(|gap| (level, gap))
    });
    let about_secrets = |by: Option<DetectorId>| by.is_none_or(|detector| detector == DetectorId::Secrets);
    let notices = report.notices.iter().filter(|notice| about_secrets(notice.detector)).map(|notice| {
        let level = if notice.level == NoticeLevel::Info { "info" } else { "warn" };
        (level, format!("{}: {}: {}", notice.code, notice.location.display_path(), notice.message))
    });
    silent.into_iter().chain(gaps).chain(notices).map(|(level, value)| ScanMessage { level, value }).collect()
}

fn vulnerability<'a>(finding: &'a Finding, identifiers: &mut Identifiers<'a>) -> Vulnerability<'a> {
    Vulnerability {
        id: identifiers.of(finding),
        category: "secret_detection",
        name: wording::cut(&finding.title, MAX_NAME),
        description: escape::markdown(&finding.message),
        severity: match finding.severity {
            Severity::Critical => "Critical",
            Severity::High => "High",
            Severity::Medium => "Medium",
            Severity::Low => "Low",
            Severity::Info => "Info",
        },
        solution: finding.fix.as_ref().map(|fix| wording::cut(&escape::markdown(&fix.description), MAX_SOLUTION)),
        identifiers: names(finding),
        location: place(finding),
    }
}

/// The rule first: GitLab tracks a vulnerability by its first identifier.
fn names(finding: &Finding) -> Vec<Identifier> {
    let rule = Identifier {
        r#type: "testudo_rule_id",
        name: format!("testudo rule {}", finding.rule),
        value: finding.rule.clone(),
        url: None,
    };
    let weaknesses = finding.cwe.iter().map(|number| Identifier {
        r#type: "cwe",
        name: format!("CWE-{number}"),
        value: number.to_string(),
        url: Some(format!("https://cwe.mitre.org/data/definitions/{number}.html")),
    });
    std::iter::once(rule).chain(weaknesses).collect()
}

fn place(finding: &Finding) -> Place<'_> {
    let (location, span) = (&finding.location, finding.location.span);
    let none = Commit { sha: NO_COMMIT, author: None, date: None, message: None };
    Place {
        file: location.display_path(),
        start_line: span.map(|span| span.start.line),
        end_line: span.map(|span| span.end.line),
        commit: location.commit.as_ref().filter(|commit| !commit.id.is_empty()).map_or(none, |commit| Commit {
            sha: &commit.id,
            author: Some(&commit.author),
            date: Some(&commit.date),
            message: Some(&commit.subject),
        }),
    }
}

#[cfg(test)]
mod tests {
    use crate::sample::{self, written};
    use crate::{Format, Options};

    #[test]
    fn a_small_report() {
        assert_eq!(
            written(&sample::report(), Format::GitlabSecrets, &Options::default()),
            r##"{
  "version": "15.0.4",
  "scan": {
    "type": "secret_detection",
    "status": "success",
    "start_time": "2026-01-31T12:00:00",
    "end_time": "2026-01-31T12:00:00",
    "analyzer": {
      "id": "testudo",
      "name": "testudo",
      "version": "0.1.0",
      "vendor": {
        "name": "testudo"
      }
    },
    "scanner": {
      "id": "testudo",
      "name": "testudo",
      "version": "0.1.0",
      "vendor": {
        "name": "testudo"
      }
    },
    "messages": [
      {
        "level": "warn",
        "value": "secrets is incomplete; skipped: 1 too-large"
      },
      {
        "level": "warn",
        "value": "too-large: data/dump.sql: is 900 MB, the limit is 256 MB; raise `max-file-size` to read it"
      }
    ]
  },
  "vulnerabilities": [
    {
      "id": "1:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
      "category": "secret_detection",
      "name": "Acme API key",
      "description": "The key \\`acme\\_live\\_...9f3a \\(42\\)\\` gives access to the Acme account.",
      "severity": "Critical",
      "solution": "Revoke the key, then read it from the environment.",
      "identifiers": [
        {
          "type": "testudo_rule_id",
          "name": "testudo rule acme-api-key",
          "value": "acme-api-key"
        },
        {
          "type": "cwe",
          "name": "CWE-798",
          "value": "798",
          "url": "https://cwe.mitre.org/data/definitions/798.html"
        }
      ],
      "location": {
        "file": "src/config.py",
        "start_line": 3,
        "end_line": 3,
        "commit": {
          "sha": "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
          "author": "Ann Example",
          "date": "2025-11-02T08:15:00Z",
          "message": "Add deployment settings"
        }
      }
    }
  ]
}
"##
        );
    }

    #[test]
    fn secrets_that_were_not_looked_for_are_a_failure() {
        let text = written(&sample::empty(), Format::GitlabSecrets, &Options::default());
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["scan"]["status"], "failure");
        assert_eq!(read["scan"]["messages"][0]["level"], "fatal");
    }

    #[test]
    fn the_work_tree_has_a_commit_of_its_own() {
        let mut report = sample::report();
        report.findings[1].location.commit = None;
        let text = written(&report, Format::GitlabSecrets, &Options::default());
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["vulnerabilities"][0]["location"]["commit"], serde_json::json!({"sha": "0000000"}));
    }

    #[test]
    fn texts_stay_within_the_schema() {
        let mut report = sample::report();
        report.findings[1].title = "é".repeat(300);
        let text = written(&report, Format::GitlabSecrets, &Options::default());
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["vulnerabilities"][0]["name"].as_str().unwrap().chars().count(), 255);
    }
}
