//! Who asks, and what they may do.
//!
//! A person has a session, a machine has a token. Each route names one [`Permission`]; whether a principal has it is decided
//! here and nowhere else. What depends on the thing itself (a finding that somebody owns, the product of a token) is
//! decided beside it.

mod secret;
mod throttle;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use secret::Secret;
pub(crate) use secret::{Digest, HANDLE};
pub(crate) use throttle::Throttle;

/// How long a link lives, in seconds.
pub(crate) const LINK_LIFE: i64 = 15 * 60;
/// How long a session lives without a request, in seconds.
pub(crate) const SESSION_IDLE: i64 = 12 * 3600;
/// How long a session lives at most, in seconds.
pub(crate) const SESSION_LIFE: i64 = 7 * 86_400;
/// What tokens of machines begin with.
pub const TOKEN_PREFIX: &str = "testudo_hub_";

/// What a person may do. Each may do what those before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads, asks questions and raises concerns.
    Viewer,
    /// Decides about findings of their own.
    Developer,
    /// Decides about all findings, and answers concerns.
    Security,
    /// Manages people and tokens.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Developer, Self::Security, Self::Admin];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Security => "security",
            Self::Admin => "admin",
        }
    }

    /// The role of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Sends scans, ledgers and facts of one product.
    Push,
    /// Sends events of one agent.
    Agent,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 2] = [Self::Push, Self::Agent];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Agent => "agent",
        }
    }

    /// The scope of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Nothing: everybody may.
    Open,
    /// To read what the hub shows.
    Read,
    /// To ask a question or raise a concern.
    Raise,
    /// To decide about findings, one's own at least.
    Triage,
    /// To answer concerns, one's own at least.
    Answer,
    /// To see who did what.
    Audit,
    /// To manage people and tokens.
    Administer,
    /// To send what was seen of a product.
    Push,
    /// To send what an agent saw.
    Agent,
}

impl Permission {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Raise => "raise",
            Self::Triage => "triage",
            Self::Answer => "answer",
            Self::Audit => "audit",
            Self::Administer => "administer",
            Self::Push => "push",
            Self::Agent => "agent",
        }
    }

    /// The least role of a person that has it; none for what only machines do.
    const fn least(self) -> Option<Role> {
        match self {
            Self::Open | Self::Read | Self::Raise => Some(Role::Viewer),
            Self::Triage | Self::Answer => Some(Role::Developer),
            Self::Audit => Some(Role::Security),
            Self::Administer => Some(Role::Admin),
            Self::Push | Self::Agent => None,
        }
    }
}

/// A person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    /// Number of the person.
    pub(crate) id: i64,
    /// Their name.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
    /// Names under which they own things: handles of CODEOWNERS, `role:ID` of plans.
    pub(crate) handles: Vec<String>,
    /// The secret of the session, which its forms are bound to.
    pub(crate) session: Secret,
}

/// A machine with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Machine {
    /// Number of the token.
    pub(crate) id: i64,
    /// What it is for.
    pub(crate) scope: Scope,
    /// The one product or agent that it speaks for.
    pub(crate) subject: String,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Principal {
    /// Nobody who is known.
    Anonymous,
    /// A person.
    Person(Person),
    /// A machine.
    Machine(Machine),
}

impl Person {
    /// Every name under which this person owns things.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = vec![self.name.clone(), format!("@{}", self.name)];
        names.extend(self.handles.iter().cloned());
        names
    }
}

impl Principal {
    /// Whether this one may do what needs the permission.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        match self {
            _ if permission == Permission::Open => true,
            Self::Anonymous => false,
            Self::Person(person) => permission.least().is_some_and(|least| person.role >= least),
            Self::Machine(machine) => match machine.scope {
                Scope::Push => permission == Permission::Push,
                Scope::Agent => permission == Permission::Agent,
            },
        }
    }

    /// How the audit names this one.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Anonymous => "nobody".to_owned(),
            Self::Person(person) => person.name.clone(),
            Self::Machine(machine) => format!("token {} ({} {})", machine.id, machine.scope.as_str(), machine.subject),
        }
    }
}
