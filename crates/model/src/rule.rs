//! What is known about a rule before it runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Confidence, DetectorId, Persona, Severity};

/// A page where a reader learns more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Reference(pub String);

/// Metadata of one rule, ours or loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleInfo {
    /// Identifier, unique in its detector; kebab-case for ours.
    pub id: String,
    /// The detector that the rule belongs to.
    pub domain: DetectorId,
    /// One line, no full stop.
    pub title: String,
    /// Harm if a finding is true.
    pub severity: Severity,
    /// How sure a finding is, before its own evidence is weighed.
    pub confidence: Confidence,
    /// From which persona on it is shown.
    pub persona: Persona,
    /// Weakness numbers of the CWE list.
    #[serde(default)]
    pub cwe: Vec<u32>,
    /// OWASP Top Ten categories, `A07:2021` or `A07:2025`.
    #[serde(default)]
    pub owasp: Vec<String>,
    /// Ids of the same rule elsewhere.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Documentation of the issuer or of the weakness.
    #[serde(default)]
    pub references: Vec<Reference>,
    /// Why it matters and how to fix it, in Markdown; empty for loaded rules without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
}
