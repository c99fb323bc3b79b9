//! One board: plan, code, build, test, deploy, run, update. For each phase who owns it, what was seen last and when, what came
//! of it, and the next command to type.
//!
//! A phase is what its evidence says. What nobody looked at is *not set up yet*, and never fine. No file is opened here and no
//! clock is asked: entries of ledgers, files that are there and the day come as [`Facts`].

mod facts;
mod page;
mod phases;
mod text;

use serde::Serialize;

pub use facts::{Facts, Found, PlanFacts};
pub use page::{STYLE, content, page};
pub use text::{Look, text};

/// Where a phase stands. The worse, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// What was seen is as it should be.
    Fine,
    /// Nothing was ever seen.
    NotSetUp,
    /// What was seen is too old to say anything about today.
    Stale,
    /// Somebody has to look: there is something open, and no verdict over it, or it is not whole.
    Attention,
    /// What was seen is not as it should be.
    Failing,
}

impl State {
    /// As it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::NotSetUp => "not set up yet",
            Self::Stale => "stale",
            Self::Attention => "needs a look",
            Self::Failing => "failing",
        }
    }

    /// The class of its elements in [`STYLE`].
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::NotSetUp => "open",
            Self::Stale | Self::Attention => "look",
            Self::Failing => "failing",
        }
    }
}

/// What was seen last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// What it is, in a few words.
    pub what: String,
    /// The ledger and the number of the entry; none for a file.
    pub entry: Option<String>,
    /// When, RFC 3339; none where that is not known.
    pub time: Option<String>,
    /// Whole days since then.
    pub age_days: Option<i64>,
}

/// A phase of a product's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Phase {
    /// Its name.
    pub phase: &'static str,
    /// Where it stands.
    pub state: State,
    /// Who owns it; nobody where that is not written down.
    pub owners: Vec<String>,
    /// The path whose owners these are.
    pub owned_by: String,
    /// What was seen last.
    pub evidence: Option<Evidence>,
    /// What came of it, or what is missing.
    pub verdict: String,
    /// The next command to type; none where nothing is to be done.
    pub next: Option<String>,
    /// What each environment says, where several have something to say; the phase is as the worst of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environments: Vec<InEnvironment>,
}

/// Where a phase stands in one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InEnvironment {
    /// Its name.
    pub environment: String,
    /// Where the phase stands there.
    pub state: State,
    /// What came of it.
    pub verdict: String,
    /// What was seen last.
    pub evidence: Evidence,
}

/// One step that is worth taking now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The phase that it is about.
    pub phase: &'static str,
    /// What to type.
    pub command: String,
    /// Why this one.
    pub why: String,
}

/// The board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Board {
    /// Version of this form.
    pub schema: &'static str,
    /// The product.
    pub product: String,
    /// The day, `2026-01-31`.
    pub day: String,
    /// Ledgers that are no evidence, each with why.
    pub refused: Vec<String>,
    /// Other files that could not be read, each with why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// The phases, in the order of a product's life.
    pub phases: Vec<Phase>,
    /// One step at a time; none where nothing is to be done.
    pub next: Option<Step>,
}

/// In which order phases are set up: what is useful at once comes first.
const START: [&str; 7] = ["code", "plan", "test", "update", "build", "deploy", "run"];

impl Board {
    /// The board of a product.
    #[must_use]
    pub fn of(facts: &Facts<'_>) -> Self {
        let phases = phases::all(facts);
        let next = distrusted(facts).or_else(|| next(&phases));
        Self {
            schema: "testudo:board/v1",
            product: facts.product.clone(),
            day: facts.today.to_string(),
            refused: facts.refused.to_vec(),
            unread: facts.unread.to_vec(),
            phases,
            next,
        }
    }
}

/// A ledger that is no evidence comes before everything: whatever it said counts for nothing until it is whole again.
fn distrusted(facts: &Facts<'_>) -> Option<Step> {
    let why = facts.refused.first()?.clone();
    Some(Step { phase: "ledger", command: format!("testudo ledger verify {}", phases::typed(&facts.here)), why })
}

/// What is broken comes before what is missing; of what is missing, what is useful at once.
fn next(phases: &[Phase]) -> Option<Step> {
    let urgent = [State::Failing, State::Attention];
    let broken =
        urgent.iter().find_map(|state| phases.iter().find(|phase| phase.state == *state && phase.next.is_some()));
    let quiet = || {
        let of = |name: &'static str| phases.iter().find(|phase| phase.phase == name);
        let open = |phase: &&Phase| matches!(phase.state, State::NotSetUp | State::Stale) && phase.next.is_some();
        START.iter().filter_map(|name| of(name)).find(open)
    };
    let phase = broken.or_else(quiet)?;
    Some(Step { phase: phase.phase, command: phase.next.clone()?, why: phase.verdict.clone() })
}

#[cfg(test)]
mod tests;
