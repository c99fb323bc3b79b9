//! What a detector really looked at. Not run is never clean.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DetectorId, ToolInfo};

/// How far a detector came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CoverageState {
    /// Everything in scope was looked at.
    Complete,
    /// Something in scope was not looked at; the notices say what.
    Incomplete,
    /// The detector did not run.
    NotRun,
}

/// One detector's account of one scan, or what an imported report says of another tool's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Which detector.
    pub detector: DetectorId,
    /// How far it came.
    pub state: CoverageState,
    /// Hexadecimal SHA-256 over the rules that were used.
    pub rules_digest: String,
    /// Number of rules that were used.
    pub rules: u64,
    /// What was asked for: targets and sources, in the order given.
    pub scope: Vec<String>,
    /// Units (files, blobs, members) that were looked at.
    pub units: u64,
    /// Bytes that were looked at, after unpacking.
    pub bytes: u64,
    /// Units that were in scope and not looked at, by reason (a notice code).
    #[serde(default)]
    pub skipped: BTreeMap<String, u64>,
    /// Further counts of this detector, such as `commits` or `decoded_bytes`.
    #[serde(default)]
    pub counts: BTreeMap<String, u64>,
    /// The other tool, where this is about an imported report: then `units` counts reports, and nothing of ours looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolInfo>,
}
