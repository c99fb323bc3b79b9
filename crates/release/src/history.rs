//! What the entries of a ledger say about the releases of its environment.

use std::collections::BTreeMap;

use testudo_ledger::{ReleaseEvent, ReleaseState, ReleaseStep, StageOutcome};

/// The stage that is the way back. No stage of a pipeline has this name.
pub const ROLLBACK: &str = "rollback";
/// The stage that checks the known good version after the way back. No stage of a pipeline has this name.
pub const RECHECK: &str = "recheck";

/// The end of a release that passed. No stage of a pipeline has this name.
pub(crate) const PROMOTE: &str = "promote";

/// A version that was promoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The version.
    pub version: String,
    /// Number of the entry that says so.
    pub seq: u64,
    /// When, RFC 3339.
    pub time: String,
    /// The known good version before it.
    pub before: Option<String>,
}

/// A stage whose intent is recorded and whose outcome is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The stage.
    pub stage: String,
    /// Which attempt.
    pub attempt: u32,
}

/// One release, as far as its entries tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub release: String,
    /// What is released; of a return to an earlier version, that version.
    pub version: String,
    /// The known good version when it began.
    pub previous: Option<String>,
    /// Whether it is a return to an earlier version.
    pub is_return: bool,
    /// Digest of the pipeline that it began with.
    pub pipeline: String,
    /// Where it stands.
    pub state: ReleaseState,
    /// Stages that passed.
    pub done: BTreeMap<String, StageOutcome>,
    /// How often each stage was begun.
    pub attempts: BTreeMap<String, u32>,
    /// What was begun and has not ended.
    pub open: Option<Open>,
    /// The stage that failed, and why.
    pub failed: Option<(String, String)>,
    /// Why it is to stop, where somebody asked for that.
    pub aborted: Option<String>,
    /// Whether the deployment was begun, whatever came of it.
    pub touched: bool,
    /// Whether the way back ended at the known good version; none before it ended.
    pub back: Option<bool>,
    /// Whether it ended, and why.
    pub ended: Option<String>,
    /// When it began and when its last entry was written, RFC 3339.
    pub times: (String, String),
}

impl Standing {
    /// The version that the way back leads to.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        if self.is_return { Some(&self.version) } else { self.previous.as_deref() }
    }

    /// The version that the way back leads away from; empty where that is not known.
    #[must_use]
    pub fn replaced(&self) -> &str {
        if self.is_return { self.previous.as_deref().unwrap_or_default() } else { &self.version }
    }

    /// What the artifacts held when they were looked at first.
    #[must_use]
    pub fn artifacts(&self) -> Option<&BTreeMap<String, String>> {
        self.done.values().map(|outcome| &outcome.artifacts).find(|artifacts| !artifacts.is_empty())
    }

    /// How often a stage was begun.
    #[must_use]
    pub fn attempts(&self, stage: &str) -> u32 {
        self.attempts.get(stage).copied().unwrap_or(0)
    }
}

/// Every release of an environment, the last one in full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The versions that were promoted, oldest first.
    pub promoted: Vec<Known>,
    /// The known good version: the last one that was promoted or returned to.
    pub known_good: Option<Known>,
    /// The last release.
    pub last: Option<Standing>,
    /// Whether a way back failed since, so that nobody knows what is in service.
    pub is_astray: bool,
    /// How many releases began.
    pub releases: u64,
    /// The highest number of a process.
    pub fence: u64,
}

impl History {
    /// Takes the next entry: its number and time, and what it says.
    pub fn apply(&mut self, (seq, time): (u64, &str), event: &ReleaseEvent) {
        // What a process writes after another one took over was never decided by anybody who had the right to.
        if event.fence < self.fence {
            return;
        }
        self.fence = event.fence;
        if let ReleaseStep::Begun { pipeline, rollback, .. } = &event.step {
            self.releases += 1;
            self.last = Some(Standing {
                release: event.release.clone(),
                version: event.version.clone(),
                previous: event.previous.clone(),
                is_return: *rollback,
                pipeline: pipeline.clone(),
                state: event.state,
                done: BTreeMap::new(),
                attempts: BTreeMap::new(),
                open: None,
                failed: None,
                aborted: None,
                touched: false,
                back: None,
                ended: None,
                times: (time.to_owned(), time.to_owned()),
            });
            return;
        }
        // What belongs to no release that began says nothing.
        let Some(standing) = self.last.as_mut().filter(|standing| standing.release == event.release) else { return };
        time.clone_into(&mut standing.times.1);
        standing.state = event.state;
        standing.take(event);
        let good = match event.state {
            ReleaseState::Promoted => true,
            ReleaseState::RolledBack => standing.is_return,
            _ => false,
        };
        match event.state {
            ReleaseState::RollbackFailed => self.is_astray = true,
            ReleaseState::RolledBack => self.is_astray = false,
            _ => {}
        }
        if good && standing.ended.is_some() {
            let (version, before) = (standing.version.clone(), standing.previous.clone());
            let known = Known { version, seq, time: time.to_owned(), before };
            self.is_astray = false;
            if event.state == ReleaseState::Promoted {
                self.promoted.push(known.clone());
            }
            self.known_good = Some(known);
        }
    }

    /// The last release, where it has not ended.
    #[must_use]
    pub fn unfinished(&self) -> Option<&Standing> {
        self.last.as_ref().filter(|standing| standing.ended.is_none())
    }
}

impl Standing {
    fn take(&mut self, event: &ReleaseEvent) {
        match &event.step {
            ReleaseStep::Intent { stage, attempt, .. } => {
                self.attempts.insert(stage.clone(), *attempt);
                self.open = Some(Open { stage: stage.clone(), attempt: *attempt });
                self.touched |= event.state == ReleaseState::Deploying;
            }
            ReleaseStep::Outcome(outcome) => {
                self.open = None;
                match outcome.stage.as_str() {
                    ROLLBACK => self.back = Some(outcome.passed),
                    RECHECK => {
                        self.done.insert(RECHECK.to_owned(), outcome.clone());
                    }
                    _ if outcome.passed => {
                        self.done.insert(outcome.stage.clone(), outcome.clone());
                    }
                    stage => self.failed = Some((stage.to_owned(), outcome.reason.clone())),
                }
            }
            ReleaseStep::Aborted { reason } => self.aborted = Some(reason.clone()),
            // What is in doubt waits for people, and can go on.
            ReleaseStep::Ended { reason } if event.state != ReleaseState::InDoubt => self.ended = Some(reason.clone()),
            _ => {}
        }
    }
}
