//! The whole result of one scan, as `--format json` writes it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Coverage, Finding, Notice, RuleInfo, VerificationSummary};

/// Which program made the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolInfo {
    /// `testudo`.
    pub name: String,
    /// Version of the program.
    pub version: String,
}

/// The figures at the end of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Findings that count, by severity word.
    pub by_severity: BTreeMap<String, u64>,
    /// Findings that count.
    pub findings: u64,
    /// Findings that were suppressed.
    pub suppressed: u64,
    /// Findings below the chosen severity, confidence or persona: not listed, but counted.
    pub hidden: u64,
    /// Distinct incidents among the findings that count (one secret in many places is one).
    pub incidents: u64,
    /// Whether everything in scope was looked at.
    pub complete: bool,
    /// What came of asking issuers; none where nobody was to be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<VerificationSummary>,
}

/// One document: findings, what was covered, what was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScanReport {
    /// Version of this shape; only ever added to.
    pub schema: String,
    /// Which program.
    pub tool: ToolInfo,
    /// When the scan started, RFC 3339 in UTC.
    pub started: String,
    /// What was scanned, as given.
    pub targets: Vec<String>,
    /// In the order of [`Finding::sort_key`].
    pub findings: Vec<Finding>,
    /// One entry a detector, and then one for each imported report and what it is about.
    pub coverage: Vec<Coverage>,
    /// In the order of their places.
    pub notices: Vec<Notice>,
    /// The figures.
    pub summary: Summary,
    /// Metadata of the rules that the findings name. Not part of the JSON document.
    #[serde(skip)]
    #[schemars(skip)]
    pub rules: Vec<RuleInfo>,
}

impl ScanReport {
    /// Value of the `schema` field.
    pub const SCHEMA: &'static str = "testudo/scan/1";
}
