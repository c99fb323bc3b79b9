//! Evidence of tests: a named test passed. Files that were given come first, then what ledgers hold.

use testudo_ledger::TestResultEvent;

use super::{Outcome, Run, Status, World, day_of, place_of, recorded::run_of};
use crate::junit::{Ended, TestReport};

impl World<'_> {
    pub(super) fn test(&self, name: &str, max_age: Option<u32>) -> Outcome {
        let in_files =
            self.junit.iter().filter(|report| report.knows(name)).map(|report| self.in_file(name, report, max_age));
        if let Some(worst) = in_files.max_by_key(|outcome| outcome.status) {
            return worst;
        }
        let said = |ledger: &str| self.in_ledger(name, ledger, max_age);
        self.records
            .in_each(said)
            .unwrap_or_else(|| self.missing(format!("no test `{name}` is known to have run{}", self.at_commit())))
    }

    fn in_ledger(&self, name: &str, ledger: &str, max_age: Option<u32>) -> Option<Outcome> {
        let mentions = |result: &TestResultEvent| {
            [&result.failed_tests, &result.warned_tests, &result.passed_tests].iter().any(|list| has(list, name))
        };
        let mut asked = self.records.tests(ledger).filter(|(entry, _)| self.is_asked(entry));
        let (entry, result) = asked.find(|(_, result)| mentions(result))?;
        let statement = entry.statement;
        let place = format!("entry {} of {}", place_of(statement), statement.testudo.time);
        let outcome = if has(&result.failed_tests, name) {
            Outcome::new(Status::Failing, format!("{place}: the test failed"))
        } else if has(&result.warned_tests, name) {
            self.missing(format!("{place}: the test ended with a warning, which is no pass"))
        } else {
            Outcome::new(Status::Satisfied, format!("{place}: the test passed"))
        };
        let run = run_of(&entry, statement.testudo.actor.clone(), None);
        Some(outcome.seen(run).aged(day_of(&statement.testudo.time), max_age, self.today))
    }

    /// A file has no commit: whoever gives it says that it is of what is asked about. How old it is, only its suites say.
    fn in_file(&self, name: &str, report: &TestReport, max_age: Option<u32>) -> Outcome {
        let file = &report.name;
        let outcome = match report.tests.get(name) {
            None => Outcome::new(
                Status::Missing,
                format!("{file}: several classes have a test of this name; write CLASS::{name}"),
            ),
            Some(test) => match test.ended {
                Ended::Failed => Outcome::new(Status::Failing, format!("{file}: the test failed")),
                Ended::Skipped => Outcome::new(Status::Missing, format!("{file}: the test did not run")),
                Ended::Passed if report.broken => {
                    Outcome::new(Status::Missing, format!("{file}: the test passed in a suite that failed as a whole"))
                }
                Ended::Passed => Outcome::new(Status::Satisfied, format!("{file}: the test passed")),
            },
        };
        let time = report.tests.get(name).and_then(|test| test.time.clone());
        let run = Run {
            tool: "junit".to_owned(),
            time: time.unwrap_or_else(|| "at a time that the file does not say".to_owned()),
            commit: self.commit.map(|commit| super::short(commit).to_owned()),
            place: file.clone(),
            units: None,
        };
        let day = day_of(&run.time);
        outcome.seen(run).aged(day, max_age, self.today)
    }
}

fn has(list: &[String], name: &str) -> bool {
    list.iter().any(|one| one == name)
}
