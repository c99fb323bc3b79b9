//! Nouns of planning and of operation: controls, alerts, concerns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DetectorId, Location, Severity};

/// Whether a control holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ControlState {
    /// Evidence shows that it holds.
    Satisfied,
    /// Evidence shows that it does not.
    Failing,
    /// There is no evidence.
    Missing,
    /// The evidence is too old.
    Stale,
    /// Somebody accepted that it does not hold.
    Waived,
}

/// A measure against a threat, bound to evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    /// Identifier in the plan.
    pub id: String,
    /// One line.
    pub title: String,
    /// Requirement ids of frameworks that it answers.
    #[serde(default)]
    pub frameworks: Vec<String>,
    /// Whether it holds.
    pub state: ControlState,
}

/// Something a running system reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// Rule that fired.
    pub rule: String,
    /// Harm if true.
    pub severity: Severity,
    /// What happened.
    pub message: String,
    /// Where.
    pub location: Location,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// Who saw it.
    pub detector: DetectorId,
}

/// How far a concern is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConcernState {
    /// Nobody has looked yet.
    Open,
    /// Somebody works on it.
    InProgress,
    /// Done, with evidence.
    Closed,
    /// Accepted as it is.
    Accepted,
}

/// Something a person raised, to be answered by somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Concern {
    /// Identifier.
    pub id: String,
    /// One line.
    pub title: String,
    /// Who raised it.
    pub raised_by: String,
    /// Who answers.
    #[serde(default)]
    pub owner: Option<String>,
    /// How far it is.
    pub state: ConcernState,
}
