//! Reports of other tools as findings of ours.
//!
//! [`read`] takes the bytes of one report and gives findings, coverage and notices for each tool that speaks in it. There is
//! no IO in here, no clock and no policy: files are opened by the caller, and owners, suppressions, baseline and gate apply
//! to imported findings as they do to our own.
//!
//! A format is one file with a function that recognises a document and one that reads it, and one line in [`FORMATS`].
//!
//! What holds for every format:
//! - An entry that cannot be read is a notice of level `error`; the others count.
//! - A fingerprint holds tool, rule, path and the tool's own stable identity, or else the text that was matched; never a
//!   line or column. Equal ones are numbered in the order of their places.
//! - A secret of a report leaves this crate only as a mask and as a keyed digest. No source line leaves it.
//! - Equal findings of two tools are two findings.

mod assemble;
mod checkov;
mod cyclonedx;
mod draft;
mod error;
mod gitleaks;
mod json;
mod junit;
mod path;
mod sarif;
mod scale;
mod secret;
mod semgrep;
#[cfg(test)]
mod test;
mod tools;
mod trivy;
mod xml;
mod zizmor;

use serde_json::Value;
use testudo_model::{Coverage, Finding, Notice, RuleInfo};

pub use error::ImportError;

use draft::Account;

/// Largest report that is read, in bytes. A parsed report takes some times as much memory.
pub const MAX_BYTES: usize = 128 << 20;

/// Keyed digests, so that a report of ours lets nobody test guesses of what a foreign one holds.
pub trait Digests {
    /// 128 bits over the parts.
    fn identity(&self, parts: &[&str]) -> [u8; 16];
    /// The digest of a secret, the same that our own detector gives it.
    fn secret(&self, value: &str) -> String;
}

/// What is to be known of the project that a report is about.
pub struct Project<'a> {
    /// Absolute paths of its root, `/`-separated: the one without links first, then others that lead there.
    pub roots: Vec<String>,
    /// Absolute path of the working directory, without links, which paths of findings are counted from.
    pub working: String,
    /// Digests under the key of the project.
    pub digests: &'a dyn Digests,
}

impl std::fmt::Debug for Project<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Project").field("roots", &self.roots).field("working", &self.working).finish_non_exhaustive()
    }
}

/// One report.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// Its file, for messages and for findings that have no place of their own.
    pub file: &'a str,
    /// Its content, UTF-8.
    pub bytes: &'a [u8],
    /// The format, where the user named one.
    pub said: Option<&'static Format>,
}

/// What one tool says in one report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// The tool, in lower case, as it begins the ids of its rules.
    pub tool: String,
    /// Its version; empty where the report does not say.
    pub version: String,
    /// In the order of [`Finding::sort_key`], with no owner.
    pub findings: Vec<Finding>,
    /// One record a detector that the report speaks for.
    pub coverage: Vec<Coverage>,
    /// What could not be read of the report, and what the tool says it left out.
    pub notices: Vec<Notice>,
    /// The rules that the findings name, one for each detector, sorted by id.
    pub rules: Vec<RuleInfo>,
}

/// A report, parsed as far as all formats of its kind share it.
#[derive(Debug)]
enum Document {
    Json(Value),
    Xml(String),
}

impl Document {
    fn json(&self) -> &Value {
        const NOTHING: &Value = &Value::Null;
        match self {
            Self::Json(value) => value,
            Self::Xml(_) => NOTHING,
        }
    }

    fn xml(&self) -> &str {
        match self {
            Self::Json(_) => "",
            Self::Xml(text) => text,
        }
    }
}

/// Whether the user named the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Yes,
    No,
}

/// What a reader is given.
struct Input<'a> {
    file: &'a str,
    document: &'a Document,
    named: Named,
}

impl Input<'_> {
    /// The error that something is missing which every report of the format has.
    fn lacks(&self, cause: impl Into<String>) -> ImportError {
        ImportError::Shape { file: self.file.to_owned(), cause: cause.into() }
    }
}

/// A format of reports.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its name, as in `NAME=FILE`.
    pub name: &'static str,
    detect: fn(&Document) -> bool,
    read: fn(&Input<'_>) -> Result<Vec<Account>, ImportError>,
}

/// Every format, by name. No two recognise the same document.
pub const FORMATS: &[Format] = &[
    Format { name: "checkov", detect: checkov::detect, read: checkov::read },
    Format { name: "cyclonedx", detect: cyclonedx::detect, read: cyclonedx::read },
    Format { name: "gitleaks", detect: gitleaks::detect, read: gitleaks::read },
    Format { name: "junit", detect: junit::detect, read: junit::read },
    Format { name: "sarif", detect: sarif::detect, read: sarif::read },
    Format { name: "semgrep", detect: semgrep::detect, read: semgrep::read },
    Format { name: "trivy", detect: trivy::detect, read: trivy::read },
    Format { name: "zizmor", detect: zizmor::detect, read: zizmor::read },
];

impl Format {
    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }
}

/// Reads a report: one [`Imported`] for each tool that speaks in it, in the order of the report.
///
/// # Errors
/// The report is too large, is no text, is damaged, is of no known format, or lacks what every report of its format has.
pub fn read(report: &Report<'_>, project: &Project<'_>) -> Result<Vec<Imported>, ImportError> {
    let document = parse(report)?;
    let (format, named) = match report.said {
        Some(format) => (format, Named::Yes),
        None => (detect(report.file, &document)?, Named::No),
    };
    let accounts = (format.read)(&Input { file: report.file, document: &document, named })?;
    Ok(accounts.into_iter().map(|account| assemble::assemble(account, report, project)).collect())
}

fn parse(report: &Report<'_>) -> Result<Document, ImportError> {
    let (file, bytes) = (report.file, report.bytes);
    if bytes.len() > MAX_BYTES {
        return Err(ImportError::TooLarge { file: file.to_owned(), bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| ImportError::NotText { file: file.to_owned(), at: error.valid_up_to() })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('<') {
        return Ok(Document::Xml(text.to_owned()));
    }
    json::parse(file, text).map(Document::Json)
}

fn detect(file: &str, document: &Document) -> Result<&'static Format, ImportError> {
    if document.json().as_array().is_some_and(Vec::is_empty) {
        return Err(ImportError::Ambiguous { file: file.to_owned() });
    }
    FORMATS.iter().find(|format| (format.detect)(document)).ok_or_else(|| ImportError::Unknown {
        file: file.to_owned(),
        known: FORMATS.iter().map(|format| format.name).collect::<Vec<_>>().join(", "),
    })
}
