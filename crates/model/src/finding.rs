//! A finding: one thing at one place that somebody should look at.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Confidence, DetectorId, Fingerprint, Location, Persona, Severity, Span, Verification};

/// One replacement of a span of a file by a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edit {
    /// Path of the file to change.
    pub path: String,
    /// What is replaced.
    pub span: Span,
    /// What stands there afterwards.
    pub replacement: String,
}

/// How to get rid of a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fix {
    /// What to do, one or a few sentences.
    pub description: String,
    /// Mechanical edits, empty where a person has to decide.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

/// Where a suppression was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SuppressionKind {
    /// A comment beside the finding.
    Inline,
    /// An entry of the ignore file.
    File,
    /// An entry of a baseline.
    Baseline,
    /// Older than the revision given with `--diff`.
    Diff,
    /// By the other tool whose report was imported.
    Import,
}

/// Why a finding does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suppression {
    /// Where it was written.
    pub kind: SuppressionKind,
    /// The reason given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Last day on which it holds, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// A few lines of the source around a finding, safe to show: secrets in it are masked already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Snippet {
    /// Line number of the first line of `text`, counted from 1.
    pub line: u32,
    /// At most a few lines, long lines cut around the highlight, without a final line break.
    pub text: String,
    /// Byte range of `text` to point at, `start <= end <= text.len()`, on character boundaries.
    pub highlight: (usize, usize),
}

/// One thing at one place that somebody should look at.
///
/// Secrets are redacted before a finding is made: no field ever holds a value
/// that opens something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Short handle of this finding in this report (the first characters of the fingerprint, made unique).
    pub id: String,
    /// Id of the rule.
    pub rule: String,
    /// One line about the rule.
    pub title: String,
    /// What is wrong here, with the values of this place.
    pub message: String,
    /// Harm if true.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// From which persona on it is shown.
    pub persona: Persona,
    /// Who found it.
    pub detector: DetectorId,
    /// Where.
    pub location: Location,
    /// Further places of the same incident (the same secret elsewhere, steps of a flow).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Location>,
    /// Identity over time.
    pub fingerprint: Fingerprint,
    /// Weakness numbers of the CWE list.
    #[serde(default)]
    pub cwe: Vec<u32>,
    /// OWASP Top Ten categories.
    #[serde(default)]
    pub owasp: Vec<String>,
    /// Ids of the same rule elsewhere.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Who owns the place, from CODEOWNERS or configuration.
    #[serde(default)]
    pub owner: Vec<String>,
    /// The source around it, masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snippet: Option<Snippet>,
    /// How to get rid of it.
    #[serde(default)]
    pub fix: Option<Fix>,
    /// What the issuer said, where it was asked about this secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
    /// Set where the finding does not count.
    #[serde(default)]
    pub suppressed: Option<Suppression>,
    /// What only this detector knows; keys are documented with the detector.
    #[serde(default)]
    pub properties: BTreeMap<String, serde_json::Value>,
}

impl Finding {
    /// The order of every report: path, archive members, position, commit, rule, fingerprint.
    #[must_use]
    pub fn sort_key(&self) -> impl Ord + '_ {
        (
            self.location.path.as_deref().unwrap_or_default(),
            &self.location.members,
            self.location.span,
            self.location.commit.as_ref().map(|c| c.id.as_str()),
            self.rule.as_str(),
            &self.fingerprint,
        )
    }
}
