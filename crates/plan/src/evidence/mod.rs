//! The join of a plan with what was recorded: for each control a status, with its reasons. Not run is never satisfied.

mod attacked;
mod attested;
mod configured;
mod recorded;
mod scanned;
mod tested;

use std::{collections::HashMap, fmt};

use testudo_ledger::Statement;
use testudo_model::DetectorId;
use testudo_policy::Date;

pub use recorded::Records;

use crate::{
    junit::TestReport,
    nouns::{Accepted, Day, Evidence, Kind, Plan, Proof, Require},
};

/// What came of a control. The worse, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It is shown to hold.
    Satisfied,
    /// It does not apply.
    NotApplicable,
    /// It is not shown, and that was accepted for a time.
    Waived,
    /// It was shown, too long ago.
    Stale,
    /// Nothing shows it.
    Missing,
    /// Something shows that it does not hold.
    Failing,
}

impl Status {
    /// Every status, the best first.
    pub const ALL: [Self; 6] =
        [Self::Satisfied, Self::NotApplicable, Self::Waived, Self::Stale, Self::Missing, Self::Failing];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Satisfied => "satisfied",
            Self::NotApplicable => "n/a",
            Self::Waived => "waived",
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::Failing => "failing",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Files of the project, as far as evidence needs them. Paths are `/`-separated and relative to its root.
pub trait Files {
    /// Whether a scan would find a file to look at there: the file itself, or one below the folder.
    fn any(&self, path: &str) -> bool;
    /// Hexadecimal SHA-256 of a file; none where it cannot be read.
    fn sha256(&self, path: &str) -> Option<String>;
    /// What became of the files at a path, or of all for none, since a commit. Paths count from where recorded scans count.
    fn since(&self, commit: &str, path: Option<&str>) -> Since;
}

/// What became of files since a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// They are as they were.
    Same,
    /// They were changed.
    Changed,
    /// The commit is not known here.
    Unknown,
}

/// The rules of a detector, by the digest that scans record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    /// The detector.
    pub detector: DetectorId,
    /// Hexadecimal SHA-256 over the rules.
    pub digest: String,
    /// Ids, and the weaknesses that they look for.
    pub rules: Vec<(String, Vec<u32>)>,
}

/// What is known about a project on a day.
pub struct World<'a> {
    /// The day.
    pub today: Date,
    /// The commit that is asked about; none for the latest of everything.
    pub commit: Option<&'a str>,
    /// The folder of the plan's project below the one that recorded scans count from; `.` where it is the same.
    pub folder: &'a str,
    /// Entries of ledgers that are whole and signed with trusted keys.
    pub records: &'a Records,
    /// Ledgers that are no evidence, each with why.
    pub refused: &'a [String],
    /// Files of test results.
    pub junit: &'a [TestReport],
    /// The rules that this program knows.
    pub rules: &'a [RuleSet],
    /// The files.
    pub files: &'a dyn Files,
}

/// Where evidence was seen last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What ran: a program, or who vouched.
    pub tool: String,
    /// When, as it was recorded.
    pub time: String,
    /// Of which commit, where that is known.
    pub commit: Option<String>,
    /// Entry of a ledger, `dev 12`, or a file.
    pub place: String,
    /// Units that were looked at, where something was scanned.
    pub units: Option<u64>,
}

/// What came of one piece of evidence, or of a whole control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What came of it.
    pub status: Status,
    /// Why, one sentence each.
    pub reasons: Vec<String>,
    /// Where it was seen last; none where it never was.
    pub run: Option<Run>,
    /// Open findings that speak against it, as `RULE FINGERPRINT PATH`.
    pub findings: Vec<String>,
}

impl Outcome {
    fn new(status: Status, reason: impl Into<String>) -> Self {
        Self { status, reasons: vec![reason.into()], run: None, findings: Vec::new() }
    }

    fn seen(self, run: Run) -> Self {
        Self { run: Some(run), ..self }
    }

    /// Stale, where it is satisfied by something older than it may be.
    fn aged(self, day: Option<Date>, max_age: Option<u32>, today: Date) -> Self {
        // Clocks of other zones can be a day ahead.
        if let (Status::Satisfied, Some(day)) = (self.status, day.filter(|day| day.days_until(today) < -1)) {
            let mut reasons = self.reasons.clone();
            reasons.push(format!("it is dated {day}, and today is {today}"));
            return Self { status: Status::Missing, reasons, ..self };
        }
        let (Status::Satisfied, Some(most)) = (self.status, max_age) else { return self };
        let old = match day.map(|day| day.days_until(today)) {
            Some(age) if age <= i64::from(most) => return self,
            Some(age) => format!("it is {age} days old, and may be {most}"),
            None => format!("nobody can say how old it is, and it may be {most} days"),
        };
        let mut reasons = self.reasons.clone();
        reasons.push(old);
        Self { status: Status::Stale, reasons, ..self }
    }
}

/// What came of a control or a check.
#[derive(Debug, Clone)]
pub struct Judged<'p> {
    /// Its id.
    pub id: &'p str,
    /// What came of it, and why where that is not what its evidence says.
    pub outcome: Outcome,
    /// What came of each piece of its evidence.
    pub evidence: Vec<(&'p Evidence, Outcome)>,
}

/// What came of the controls and the checks of a plan, each in the order of the plan.
pub struct Judgement<'p> {
    /// Controls.
    pub controls: Vec<Judged<'p>>,
    /// Checks.
    pub checks: Vec<Judged<'p>>,
}

/// Joins a plan with what is known.
#[must_use]
pub fn judge<'p>(plan: &'p Plan, world: &World<'_>) -> Judgement<'p> {
    let mut waivers: HashMap<&str, Option<Day>> = HashMap::new();
    for accept in &plan.accepts {
        if let Accepted::Control(control) = &accept.what {
            // Of several, the one that ends last counts.
            let ends = waivers.entry(control.text.as_str()).or_default();
            *ends = (*ends).max_by_day(accept.expires);
        }
    }
    let controls = plan.controls.iter().map(|control| {
        let judged = world.proof(plan, &control.id.text, &control.proof);
        match waivers.get(control.id.text.as_str()) {
            Some(ends) => waived(judged, *ends, world.today),
            None => judged,
        }
    });
    let checks = plan.checks.iter().map(|check| world.proof(plan, &check.id.text, &check.proof));
    Judgement { controls: controls.collect(), checks: checks.collect() }
}

trait MaxByDay {
    fn max_by_day(self, other: Self) -> Self;
}

impl MaxByDay for Option<Day> {
    fn max_by_day(self, other: Self) -> Self {
        match (self, other) {
            (Some(a), Some(b)) => Some(if b.0 > a.0 { b } else { a }),
            (a, b) => a.or(b),
        }
    }
}

/// A control that somebody accepted as it is. Past its end nothing is accepted any more.
fn waived(mut judged: Judged<'_>, ends: Option<Day>, today: Date) -> Judged<'_> {
    let own = judged.outcome.status;
    let Some((day, _)) = ends.filter(|_| own > Status::Waived) else { return judged };
    let reason = if day < today {
        judged.outcome.status = Status::Failing;
        format!("that it is {own} was accepted until {day}, which has passed")
    } else {
        judged.outcome.status = Status::Waived;
        format!("that it is {own} is accepted until {day}")
    };
    judged.outcome.reasons.push(reason);
    judged
}

impl World<'_> {
    fn proof<'p>(&self, plan: &Plan, id: &'p str, proof: &'p Proof) -> Judged<'p> {
        let evidence: Vec<(&Evidence, Outcome)> =
            proof.evidence.iter().map(|evidence| (evidence, self.evidence(plan, evidence, proof.max_age))).collect();
        if let Some(why) = &proof.not_applicable {
            let against = evidence.iter().any(|(_, outcome)| outcome.status == Status::Failing);
            let mut outcome = Outcome::new(Status::NotApplicable, why.text.clone());
            if against {
                outcome.status = Status::Failing;
                outcome.reasons.push("it is said not to apply, and its evidence speaks against it".to_owned());
            }
            return Judged { id, outcome, evidence };
        }
        let statuses = evidence.iter().map(|(_, outcome)| outcome.status);
        let status = match proof.require {
            Require::All => statuses.max(),
            Require::Any => statuses.min(),
        };
        let status = status.unwrap_or(Status::Missing);
        let outcome = Outcome { status, reasons: Vec::new(), run: None, findings: Vec::new() };
        Judged { id, outcome, evidence }
    }

    fn evidence(&self, plan: &Plan, evidence: &Evidence, max_age: Option<u32>) -> Outcome {
        match &evidence.kind {
            Kind::Rule { detector, pattern, scope } => {
                self.rule((*detector, pattern), scope.as_ref().map(|scope| scope.text.as_str()), max_age)
            }
            Kind::Cwe { numbers, scope } => self.cwe(numbers, scope.as_ref().map(|scope| scope.text.as_str()), max_age),
            Kind::Test { name } => self.test(name, max_age),
            Kind::Config { asked, hosts, .. } => {
                self.configured(asked, hosts.as_ref().map(|hosts| hosts.text.as_str()), max_age)
            }
            Kind::Dast { name, entry } => {
                let entry = entry.as_ref().map(|entry| (entry.text.as_str(), self.url_of(plan, &entry.text)));
                self.attacked(&attacked::Attack { name: &name.text, entry }, max_age)
            }
            Kind::Ledger { predicate, subject } => {
                self.recorded(&predicate.text, subject.as_ref().map(|subject| subject.text.as_str()), max_age)
            }
            Kind::Attest { file, by, on, expires, sha256 } => {
                self.attested(&attested::Attestation { file, by, on, expires, sha256 }, max_age)
            }
        }
    }

    /// Where an entry answers.
    fn url_of<'p>(&self, plan: &'p Plan, id: &str) -> Option<&'p str> {
        let entry = plan.entries.iter().find(|entry| entry.id.text == id)?;
        entry.url.as_ref().map(|url| url.text.as_str())
    }

    /// Nothing speaks for it; ledgers that could have are named.
    fn missing(&self, reason: String) -> Outcome {
        let mut outcome = Outcome::new(Status::Missing, reason);
        outcome.reasons.extend(self.refused.iter().cloned());
        outcome
    }

    /// Whether an entry is about what is asked.
    fn is_asked(&self, entry: &recorded::Entry<'_>) -> bool {
        self.commit.is_none_or(|wanted| entry.commit == Some(wanted))
    }

    /// ` at commit ...`, where one is asked about.
    fn at_commit(&self) -> String {
        self.commit.map_or_else(String::new, |commit| format!(" at commit {}", short(commit)))
    }
}

/// A commit as people write it.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

/// Entry of a ledger, `dev 12`.
fn place_of(statement: &Statement) -> String {
    format!("{} {}", statement.testudo.environment, statement.testudo.seq)
}

/// The day of a time as RFC 3339 writes it.
fn day_of(time: &str) -> Option<Date> {
    time.get(..10).and_then(|day| day.parse().ok())
}

#[cfg(test)]
mod tests;
