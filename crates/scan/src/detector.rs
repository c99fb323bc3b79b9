//! What a detector is.

use std::collections::BTreeMap;

use testudo_model::{DetectorId, Finding, Notice};
use testudo_source::Unit;

use crate::Fuel;

/// Which rules a detector runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesIdentity {
    /// Hexadecimal SHA-256 over them.
    pub digest: String,
    /// How many there are.
    pub count: u64,
}

/// One kind of look at units. Shared by all threads; what changes lives in a [`Worker`].
pub trait Detector: Sync {
    /// Its name.
    fn id(&self) -> DetectorId;

    /// Its rules.
    fn rules(&self) -> RulesIdentity;

    /// The state of one thread.
    fn worker(&self) -> Box<dyn Worker + '_>;
}

/// A detector at work in one thread.
pub trait Worker {
    /// Looks at one unit.
    fn inspect(&mut self, unit: &Unit, fuel: &mut Fuel, output: &mut Output);
}

/// What came of a unit.
#[derive(Debug, Default)]
pub struct Output {
    /// Findings.
    pub findings: Vec<Finding>,
    /// What could not be looked at.
    pub notices: Vec<Notice>,
    /// Counts for the coverage record.
    pub counts: BTreeMap<&'static str, u64>,
}

impl Output {
    /// Adds to a count.
    pub fn count(&mut self, name: &'static str, amount: u64) {
        *self.counts.entry(name).or_default() += amount;
    }
}
