//! The names of the formats, as the command line and configuration write them.

use std::{fmt, path::Path, str::FromStr};

/// One way to write a scan report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Text for a person at a terminal.
    Terminal,
    /// The whole [`ScanReport`](testudo_model::ScanReport) as one JSON document.
    Json,
    /// The same objects, one a line.
    Jsonl,
    /// SARIF 2.1.0 (OASIS).
    Sarif,
    /// JUnit XML: a suite a detector, a case a finding.
    Junit,
    /// GitLab's Code Quality report (a subset of Code Climate's).
    GitlabCodequality,
    /// GitLab's secret-detection report, schema 15.
    GitlabSecrets,
    /// Workflow commands of GitHub Actions, which become annotations.
    Github,
    /// GitHub and GitLab Markdown for a comment on a change.
    Markdown,
    /// Comma-separated values (RFC 4180).
    Csv,
    /// One self-contained HTML file.
    Html,
}

impl Format {
    /// Every format, in the order of the documentation.
    pub const ALL: &'static [Self] = &[
        Self::Terminal,
        Self::Json,
        Self::Jsonl,
        Self::Sarif,
        Self::Junit,
        Self::GitlabCodequality,
        Self::GitlabSecrets,
        Self::Github,
        Self::Markdown,
        Self::Csv,
        Self::Html,
    ];

    /// The name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
            Self::GitlabCodequality => "gitlab-codequality",
            Self::GitlabSecrets => "gitlab-secrets",
            Self::Github => "github",
            Self::Markdown => "markdown",
            Self::Csv => "csv",
            Self::Html => "html",
        }
    }

    /// The format that a file name suggests, for `--output FILE` without a format.
    ///
    /// GitLab's own names for its two reports are known; apart from them the
    /// extension decides. None where it suggests nothing.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        match name.as_str() {
            "gl-code-quality-report.json" => return Some(Self::GitlabCodequality),
            "gl-secret-detection-report.json" => return Some(Self::GitlabSecrets),
            _ if name.ends_with(".sarif.json") => return Some(Self::Sarif),
            _ => {}
        }
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension {
            "txt" => Self::Terminal,
            "json" => Self::Json,
            "jsonl" | "ndjson" => Self::Jsonl,
            "sarif" => Self::Sarif,
            "xml" => Self::Junit,
            "md" | "markdown" => Self::Markdown,
            "csv" => Self::Csv,
            "html" | "htm" => Self::Html,
            _ => return None,
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not an output format; choose one of {}", names())]
pub struct UnknownFormat {
    /// What was written.
    pub found: String,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().find(|format| format.as_str().eq_ignore_ascii_case(word));
        known.copied().ok_or_else(|| UnknownFormat { found: word.to_owned() })
    }
}

fn names() -> String {
    Format::ALL.iter().map(|format| format.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse(), Ok(*format));
            assert_eq!(format.as_str().to_uppercase().parse(), Ok(*format));
        }
        assert_eq!(
            "sarfi".parse::<Format>().unwrap_err().to_string(),
            "`sarfi` is not an output format; choose one of terminal, json, jsonl, sarif, junit, \
             gitlab-codequality, gitlab-secrets, github, markdown, csv, html"
        );
    }

    #[test]
    fn file_names_suggest_a_format() {
        for (name, format) in [
            ("out/report.json", Some(Format::Json)),
            ("report.JSONL", Some(Format::Jsonl)),
            ("x.ndjson", Some(Format::Jsonl)),
            ("x.sarif", Some(Format::Sarif)),
            ("x.sarif.json", Some(Format::Sarif)),
            ("junit.xml", Some(Format::Junit)),
            ("gl-code-quality-report.json", Some(Format::GitlabCodequality)),
            ("a/gl-secret-detection-report.json", Some(Format::GitlabSecrets)),
            ("comment.md", Some(Format::Markdown)),
            ("x.csv", Some(Format::Csv)),
            ("x.htm", Some(Format::Html)),
            ("x.txt", Some(Format::Terminal)),
            ("x.pdf", None),
            ("json", None),
            ("..", None),
        ] {
            assert_eq!(Format::from_path(Path::new(name)), format, "{name}");
        }
    }
}
