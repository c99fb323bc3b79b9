//! What a push says of a product beside findings and ledgers: its plan in figures, who has which part, what is set up, and
//! who owns the paths that the board asks about.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Facts of a product, as its project has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProductFacts {
    /// Who has which part, by the plan.
    pub roles: Vec<RoleFacts>,
    /// The plan in figures; none where there is no plan.
    pub plan: Option<PlanFigures>,
    /// Controls that do not hold.
    pub controls: Vec<ControlFacts>,
    /// Whether a hook of ours looks at commits.
    pub hook: bool,
    /// Pipelines of CI systems.
    pub pipelines: Vec<String>,
    /// Files that pin dependencies.
    pub lockfiles: Vec<String>,
    /// Environments with stages.
    pub releases: Vec<String>,
    /// Owners by path, as CODEOWNERS says; `.` is the project as a whole.
    pub owners: BTreeMap<String, Vec<String>>,
}

/// A role of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RoleFacts {
    /// Its name; owners name it as `role:ID`.
    pub id: String,
    /// Who has it.
    #[serde(default)]
    pub people: Vec<String>,
    /// Where they are reached.
    #[serde(default)]
    pub channel: String,
}

/// A plan in figures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlanFigures {
    /// Its file.
    pub path: String,
    /// The role that answers for it.
    pub owner: String,
    /// Components that it names.
    pub components: usize,
    /// What is wrong with its text.
    pub problems: usize,
    /// Days in it that have passed.
    pub due: usize,
    /// Controls by status.
    pub controls: BTreeMap<String, usize>,
}

/// A control that does not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ControlFacts {
    /// Its id.
    pub id: String,
    /// `failing`, `missing` or `stale`.
    pub status: String,
    /// Who owns it.
    #[serde(default)]
    pub owner: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// Lists and texts that one push may bring.
const MOST: usize = 10_000;

impl ProductFacts {
    /// What is too much about these facts; none where nothing is.
    pub(crate) fn excess(&self) -> Option<&'static str> {
        let lists =
            [self.roles.len(), self.controls.len(), self.pipelines.len(), self.lockfiles.len(), self.owners.len()];
        if lists.iter().any(|len| *len > MOST) || self.releases.len() > MOST {
            return Some("a list has more than 10,000 entries");
        }
        let names: BTreeSet<&str> = self.roles.iter().map(|role| role.id.as_str()).collect();
        (names.len() < self.roles.len()).then_some("a role is there twice")
    }
}
