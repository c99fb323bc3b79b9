//! What ledgers hold, read once: scans, results of tests, and the rest by its predicate type.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use testudo_ledger::{ScanEvent, Statement, TestResultEvent, VerdictEvent, predicate};

use super::{Outcome, Run, Status, World, day_of, place_of, short};

/// Entries of ledgers, the newest first.
#[derive(Debug, Default)]
pub struct Records {
    statements: Vec<Statement>,
    /// The commit that each statement is about, where it says one.
    commits: Vec<Option<String>>,
    /// Scans, by the numbers of their statements.
    scans: Vec<(usize, ScanEvent)>,
    /// Results of tests, by the numbers of their statements.
    tests: Vec<(usize, TestResultEvent)>,
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
            _ => false,
        })
    }

    /// Takes entries in any order, of ledgers without one that is [unreadable](Self::unreadable).
    #[must_use]
    pub fn new(mut statements: Vec<Statement>) -> Self {
        statements.sort_by(|a, b| {
            let key = |s: &Statement| (s.testudo.time.clone(), s.testudo.seq, s.testudo.environment.clone());
            key(b).cmp(&key(a))
        });
        let (mut scans, mut tests) = (Vec::new(), Vec::new());
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
                _ => {}
            }
        }
        let commits = commits(&statements, &scans);
        Self { statements, commits, scans, tests }
    }

    pub(super) fn scans(&self) -> impl Iterator<Item = (Entry<'_>, &ScanEvent)> {
        self.scans.iter().map(|(at, scan)| (self.entry(*at), scan))
    }

    pub(super) fn tests(&self) -> impl Iterator<Item = (Entry<'_>, &TestResultEvent)> {
        self.tests.iter().map(|(at, result)| (self.entry(*at), result))
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
        let mut all = (0..self.records.statements.len()).map(|at| self.records.entry(at));
        let fits = |entry: &Entry<'_>| {
            entry.statement.predicate_type == predicate_type && self.is_asked(entry) && about(entry.statement)
        };
        let Some(entry) = all.find(fits) else {
            let about = subject.map_or_else(String::new, |subject| format!(" about `{subject}`"));
            return self.missing(format!("no ledger has an entry of type {predicate_type}{about}{}", self.at_commit()));
        };
        let statement = entry.statement;
        let (status, said) = answer(statement);
        let run = run_of(&entry, statement.testudo.actor.clone(), None);
        let reason = format!("entry {} of {}{said}", place_of(statement), statement.testudo.time);
        Outcome::new(status, reason).seen(run).aged(day_of(&statement.testudo.time), max_age, self.today)
    }
}

/// What an entry says of itself, where its type is known to say yes or no.
fn answer(statement: &Statement) -> (Status, String) {
    let value = || statement.predicate.clone();
    let word = match statement.predicate_type.as_str() {
        predicate::GATE => serde_json::from_value::<VerdictEvent>(value()).ok().map(|verdict| verdict.verdict),
        predicate::TEST_RESULT => serde_json::from_value::<TestResultEvent>(value()).ok().map(|result| result.result),
        _ => return (Status::Satisfied, String::new()),
    };
    let status = match word.as_deref() {
        Some("passed" | "PASSED") => Status::Satisfied,
        Some("failed" | "FAILED") => Status::Failing,
        _ => Status::Missing,
    };
    (status, format!(" says `{}`", word.unwrap_or_default().escape_debug()))
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
