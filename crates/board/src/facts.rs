//! What a board is made of.

use std::fmt;

use testudo_ledger::Statement;
use testudo_policy::Date;

/// What is known of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanFacts {
    /// Its file.
    pub path: String,
    /// The role that answers for it.
    pub owner: String,
    /// Components that it names; a plan of nothing shows nothing.
    pub components: usize,
    /// What is wrong with its text.
    pub problems: usize,
    /// Days in it that have passed.
    pub due: usize,
    /// Controls by status, the best first; statuses that no control has are left out.
    pub controls: Vec<(&'static str, usize)>,
    /// Controls that are stale, missing or failing.
    pub open: usize,
    /// Controls that are failing.
    pub failing: usize,
}

/// Files that say what is set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Whether a hook of ours looks at commits; there is nothing to look at where there is no repository.
    pub hook: bool,
    /// Pipelines of CI systems.
    pub pipelines: Vec<String>,
    /// Files that pin dependencies.
    pub lockfiles: Vec<String>,
    /// Environments with stages in the configuration.
    pub releases: Vec<String>,
}

/// Everything that a board is made of.
pub struct Facts<'a> {
    /// Name of the product.
    pub product: String,
    /// The day.
    pub today: Date,
    /// From which age on evidence is stale, in days.
    pub max_age: u32,
    /// Entries of ledgers that are whole, each ledger in its order.
    pub statements: &'a [Statement],
    /// Ledgers that are no evidence, each with why.
    pub refused: &'a [String],
    /// Other files that cannot be read, each with why.
    pub unread: &'a [String],
    /// The project as a command names it from where it is typed: `.`, or a path.
    pub here: String,
    /// Whether files of the project were changed since a commit; none where nobody can say.
    pub changed: &'a dyn Fn(&str) -> Option<bool>,
    /// The plan, where there is one.
    pub plan: Option<PlanFacts>,
    /// What is there.
    pub found: Found,
    /// The owners of a path; of all files for `.`.
    pub owners: &'a dyn Fn(&str) -> Vec<String>,
}

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").field("product", &self.product).field("today", &self.today).finish_non_exhaustive()
    }
}
