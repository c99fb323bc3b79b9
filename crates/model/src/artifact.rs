//! What is built, where it runs and who owns it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A package of an ecosystem at one version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Package {
    /// Package URL (purl specification), the identity.
    pub purl: String,
    /// Ecosystem as the OSV schema names it.
    pub ecosystem: String,
    /// Name as its ecosystem writes it.
    pub name: String,
    /// Version as found.
    pub version: String,
}

/// Something that was built and can be deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    /// Name for people.
    pub name: String,
    /// Digests by algorithm (`sha256` -> hexadecimal), the identity.
    pub digest: BTreeMap<String, String>,
    /// Where it came from, such as an image reference or a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

/// How far a release came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseState {
    /// Stages are running.
    Running,
    /// Live and good.
    Promoted,
    /// Stopped before anything was deployed.
    Rejected,
    /// Deployed, found bad, and replaced by the version before.
    RolledBack,
    /// The way back failed too; a person is needed.
    RollbackFailed,
    /// What is live is not known.
    InDoubt,
    /// Ended by a person.
    Aborted,
}

/// One version on its way into one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Release {
    /// The environment.
    pub environment: String,
    /// The version.
    pub version: String,
    /// What is released.
    pub artifacts: Vec<Artifact>,
    /// How far it came.
    pub state: ReleaseState,
}

/// What kind of thing an asset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AssetKind {
    /// A machine.
    Host,
    /// A source repository.
    Repository,
    /// A running application.
    Application,
    /// A container image.
    Image,
}

/// Something that has to be protected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Asset {
    /// Stable identifier.
    pub id: String,
    /// Kind.
    pub kind: AssetKind,
    /// Name for people.
    pub name: String,
    /// Who answers for it.
    #[serde(default)]
    pub owners: Vec<Owner>,
}

/// A person, team or role that answers for something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    /// Handle as CODEOWNERS writes it (`@team/name`, an e-mail address), or a role of the plan.
    pub handle: String,
    /// Where to reach them, such as a chat channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}
