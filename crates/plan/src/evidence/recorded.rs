//! What ledgers hold, read once: scans, results of tests, and the rest by its predicate type.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use testudo_ledger::{
    CheckResult, HostEvent, ReleaseEvent, ScanEvent, Statement, TestResultEvent, VerdictEvent, predicate,
};

use super::{Outcome, Run, Status, World, day_of, place_of, short};

/// Entries of ledgers: each ledger by itself, and in it the newest first. The place in the chain says which that is, not the
/// clock of the machine that wrote it.
#[derive(Debug, Default)]
pub struct Records {
    statements: Vec<Statement>,
    /// Ids of the ledgers, in the order of the entries.
    ledgers: Vec<String>,
    /// The commit that each statement is about, where it says one.
    commits: Vec<Option<String>>,
    /// Scans, by the numbers of their statements.
    scans: Vec<(usize, ScanEvent)>,
    /// Results of tests, by the numbers of their statements.
    tests: Vec<(usize, TestResultEvent)>,
    /// Looks at hosts, by the numbers of their statements.
    hosts: Vec<(usize, HostEvent)>,
}

impl Records {
    /// The first entry whose predicate does not have the form of its type, as one of a newer version may not. A ledger with
    /// such an entry is no evidence: an older scan would speak in the place of the newer one.
    #[must_use]
    pub fn unreadable(statements: &[Statement]) -> Option<&Statement> {
        statements.iter().find(|statement| match statement.predicate_type.as_str() {
            predicate::SCAN => ScanEvent::deserialize(&statement.predicate).is_err(),
            predicate::GATE => VerdictEvent::deserialize(&statement.predicate).is_err(),
            predicate::TEST_RESULT => TestResultEvent::deserialize(&statement.predicate).is_err(),
            predicate::HOST => HostEvent::deserialize(&statement.predicate).is_err(),
            _ => false,
        })
    }

    /// Takes entries in any order, of ledgers without one that is [unreadable](Self::unreadable).
    #[must_use]
    pub fn new(mut statements: Vec<Statement>) -> Self {
        statements.sort_by(|a, b| {
            let place = |s: &Statement| (s.testudo.environment.clone(), s.testudo.ledger.clone());
            place(a).cmp(&place(b)).then(b.testudo.seq.cmp(&a.testudo.seq))
        });
        let mut ledgers: Vec<String> = statements.iter().map(|s| s.testudo.ledger.clone()).collect();
        ledgers.dedup();
        let (mut scans, mut tests, mut hosts) = (Vec::new(), Vec::new(), Vec::new());
        for (at, statement) in statements.iter_mut().enumerate() {
            match statement.predicate_type.as_str() {
                // A scan can have many findings; they are held once.
                predicate::SCAN => {
                    let said = std::mem::take(&mut statement.predicate);
                    scans.extend(serde_json::from_value(said).ok().map(|scan| (at, scan)));
                }
                predicate::TEST_RESULT => {
                    let said = statement.predicate.clone();
                    tests.extend(serde_json::from_value(said).ok().map(|result| (at, result)));
                }
                predicate::HOST => {
                    let said = statement.predicate.clone();
                    hosts.extend(serde_json::from_value(said).ok().map(|event| (at, event)));
                }
                _ => {}
            }
        }
        let commits = commits(&statements, &scans);
        Self { statements, ledgers, commits, scans, tests, hosts }
    }

    /// What the ledgers say together, each asked by its id: what one of them says against it counts, else the best.
    pub(super) fn in_each(&self, say: impl Fn(&str) -> Option<Outcome>) -> Option<Outcome> {
        let said: Vec<Outcome> = self.ledgers.iter().filter_map(|ledger| say(ledger)).collect();
        let failing = said.iter().find(|outcome| outcome.status == Status::Failing).cloned();
        failing.or_else(|| said.into_iter().min_by_key(|outcome| outcome.status))
    }

    /// The scans of a ledger, the newest first.
    pub(super) fn scans(&self, ledger: &str) -> impl Iterator<Item = (Entry<'_>, &ScanEvent)> {
        self.scans.iter().map(|(at, scan)| (self.entry(*at), scan)).filter(move |(entry, _)| entry.is_of(ledger))
    }

    /// Every scan.
    pub(super) fn all_scans(&self) -> impl Iterator<Item = (Entry<'_>, &ScanEvent)> {
        self.scans.iter().map(|(at, scan)| (self.entry(*at), scan))
    }

    /// The results of tests in a ledger, the newest first.
    pub(super) fn tests(&self, ledger: &str) -> impl Iterator<Item = (Entry<'_>, &TestResultEvent)> {
        self.tests.iter().map(|(at, result)| (self.entry(*at), result)).filter(move |(entry, _)| entry.is_of(ledger))
    }

    /// The looks at hosts: ledger by ledger, and in each the newest first.
    pub(super) fn hosts(&self) -> impl Iterator<Item = (Entry<'_>, &HostEvent)> {
        self.hosts.iter().map(|(at, event)| (self.entry(*at), event))
    }

    /// The entries of a ledger, the newest first.
    fn entries(&self, ledger: &str) -> impl Iterator<Item = Entry<'_>> {
        (0..self.statements.len()).map(|at| self.entry(at)).filter(move |entry| entry.is_of(ledger))
    }

    fn scan(&self, statement: &Statement) -> Option<&ScanEvent> {
        self.scans.iter().find(|(at, _)| std::ptr::eq(&raw const self.statements[*at], statement)).map(|(_, scan)| scan)
    }

    fn entry(&self, at: usize) -> Entry<'_> {
        Entry { statement: &self.statements[at], commit: self.commits[at].as_deref() }
    }
}

/// An entry and the commit that it is about.
#[derive(Clone, Copy)]
pub(super) struct Entry<'r> {
    pub(super) statement: &'r Statement,
    pub(super) commit: Option<&'r str>,
}

impl Entry<'_> {
    fn is_of(&self, ledger: &str) -> bool {
        self.statement.testudo.ledger == ledger
    }
}

/// A scan says which commit was checked out, a gate names its scan, and everything else names a commit as its subject.
fn commits(statements: &[Statement], scans: &[(usize, ScanEvent)]) -> Vec<Option<String>> {
    let subject =
        |statement: &Statement| statement.subject.iter().find_map(|subject| subject.digest.get("gitCommit")).cloned();
    let mut commits: Vec<Option<String>> = statements.iter().map(subject).collect();
    let mut scanned: HashMap<(&str, u64), &str> = HashMap::new();
    for (at, scan) in scans {
        if let Some(commit) = &scan.commit {
            let place = &statements[*at].testudo;
            scanned.insert((place.ledger.as_str(), place.seq), commit);
            commits[*at] = Some(commit.clone());
        }
    }
    for (statement, commit) in statements.iter().zip(&mut commits) {
        if statement.predicate_type == predicate::GATE
            && let Some(scan) = statement.predicate.get("scan").and_then(Value::as_u64)
        {
            *commit = scanned.get(&(statement.testudo.ledger.as_str(), scan)).map(|commit| (*commit).to_owned());
        }
    }
    commits
}

impl World<'_> {
    /// An entry of a predicate type, about a subject where one is named.
    pub(super) fn recorded(&self, predicate_type: &str, subject: Option<&str>, max_age: Option<u32>) -> Outcome {
        let about = |statement: &Statement| {
            subject.is_none_or(|wanted| {
                statement.subject.iter().any(|one| one.name == wanted || one.digest.values().any(|d| d == wanted))
            })
        };
        let fits = |entry: &Entry<'_>| {
            entry.statement.predicate_type == predicate_type && self.is_asked(entry) && about(entry.statement)
        };
        let said = |ledger: &str| {
            let entry = self.records.entries(ledger).find(fits)?;
            let statement = entry.statement;
            let (status, said) = answer(statement, || self.records.scan(statement));
            let run = run_of(&entry, statement.testudo.actor.clone(), None);
            let reason = format!("entry {} of {}{said}", place_of(statement), statement.testudo.time);
            Some(Outcome::new(status, reason).seen(run).aged(day_of(&statement.testudo.time), max_age, self.today))
        };
        self.records.in_each(said).unwrap_or_else(|| {
            let about = subject.map_or_else(String::new, |subject| format!(" about `{subject}`"));
            self.missing(format!("no ledger has an entry of type {predicate_type}{about}{}", self.at_commit()))
        })
    }
}

/// What an entry says of itself. One of a type that is not known here was made, and that is all that can be said.
fn answer<'r>(statement: &Statement, scan: impl Fn() -> Option<&'r ScanEvent>) -> (Status, String) {
    let read = |word: Option<String>| {
        let status = match word.as_deref() {
            Some("passed" | "PASSED" | "promoted") => Status::Satisfied,
            Some("failed" | "FAILED" | "rejected" | "rolled-back" | "rollback-failed") => Status::Failing,
            _ => Status::Missing,
        };
        (status, format!(" says `{}`", word.unwrap_or_default().escape_debug()))
    };
    match statement.predicate_type.as_str() {
        predicate::GATE => gate(VerdictEvent::deserialize(&statement.predicate).ok(), read),
        predicate::TEST_RESULT => {
            read(TestResultEvent::deserialize(&statement.predicate).ok().map(|result| result.result))
        }
        predicate::RELEASE => {
            read(ReleaseEvent::deserialize(&statement.predicate).ok().map(|step| step.state.as_str().to_owned()))
        }
        predicate::SCAN => scanned(scan()),
        predicate::HOST => checked(HostEvent::deserialize(&statement.predicate).ok().as_ref()),
        predicate::ALERT => (Status::Failing, " is an alert".to_owned()),
        predicate::REPAIR => (Status::Missing, " says that the ledger was repaired".to_owned()),
        _ => (Status::Satisfied, String::new()),
    }
}

/// A gate that nothing can fail says nothing.
fn gate(verdict: Option<VerdictEvent>, read: impl Fn(Option<String>) -> (Status, String)) -> (Status, String) {
    let never =
        |verdict: &VerdictEvent| verdict.policy.settings.get("gate.fail-on").is_some_and(|v| v.contains("never"));
    match verdict {
        Some(verdict) if verdict.verdict == "passed" && never(&verdict) => {
            (Status::Missing, " passed with `gate.fail-on = never`, which nothing fails".to_owned())
        }
        verdict => read(verdict.map(|verdict| verdict.verdict)),
    }
}

/// Checks of a host speak for something where there were some and all passed that could be decided.
fn checked(event: Option<&HostEvent>) -> (Status, String) {
    let count = |wanted: CheckResult| event.map_or(0, |event| event.count(wanted));
    match (count(CheckResult::Failed), count(CheckResult::Passed)) {
        (0, 0) => (Status::Missing, " decided no check".to_owned()),
        (0, passed) => (Status::Satisfied, format!(" has {passed} checks that passed, and none that failed")),
        (failed, _) => (Status::Failing, format!(" has {failed} checks that failed")),
    }
}

/// A scan speaks for something where it looked at everything in scope and nothing is open.
fn scanned(event: Option<&ScanEvent>) -> (Status, String) {
    match event {
        Some(event) if !event.open.is_empty() => (Status::Failing, format!(" has {} open findings", event.open.len())),
        Some(event) if event.summary.complete && event.summary.hidden == 0 => (Status::Satisfied, String::new()),
        _ => (Status::Missing, " did not look at everything, or did not name all that it found".to_owned()),
    }
}

/// Where an entry was seen.
pub(super) fn run_of(entry: &Entry<'_>, tool: String, units: Option<u64>) -> Run {
    Run {
        tool,
        time: entry.statement.testudo.time.clone(),
        commit: entry.commit.map(|commit| short(commit).to_owned()),
        place: place_of(entry.statement),
        units,
    }
}
