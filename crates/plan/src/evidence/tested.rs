//! Evidence of tests: a named test passed. Files that were given come first, then what ledgers hold.

use testudo_ledger::TestResultEvent;

use super::{Outcome, Run, Status, World, day_of, place_of, recorded::run_of};
use crate::junit::{Ended, TestReport};

impl World<'_> {
    pub(super) fn test(&self, name: &str, max_age: Option<u32>) -> Outcome {
        let ended = |report: &&TestReport| report.tests.contains_key(name);
        if let Some(report) = self.junit.iter().find(ended) {
            return self.in_file(name, report, max_age);
        }
        let mentions = |result: &TestResultEvent| {
            [&result.failed_tests, &result.warned_tests, &result.passed_tests].iter().any(|list| has(list, name))
        };
        let mut asked = self.records.tests().filter(|(entry, _)| self.is_asked(entry));
        let Some((entry, result)) = asked.find(|(_, result)| mentions(result)) else {
            return self.missing(format!("no test `{name}` is known to have run{}", self.at_commit()));
        };
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
        outcome.seen(run).aged(day_of(&statement.testudo.time), max_age, self.today)
    }

    /// A file has no commit: whoever gives it says that it is of what is asked about. Without a time it is of today.
    fn in_file(&self, name: &str, report: &TestReport, max_age: Option<u32>) -> Outcome {
        let outcome = match report.tests.get(name) {
            Some(Ended::Passed) => Outcome::new(Status::Satisfied, format!("{}: the test passed", report.name)),
            Some(Ended::Failed) => Outcome::new(Status::Failing, format!("{}: the test failed", report.name)),
            _ => Outcome::new(Status::Missing, format!("{}: the test was skipped", report.name)),
        };
        let run = Run {
            tool: "junit".to_owned(),
            time: report.time.clone().unwrap_or_else(|| self.today.to_string()),
            commit: self.commit.map(|commit| super::short(commit).to_owned()),
            place: report.name.clone(),
            units: None,
        };
        let day = day_of(&run.time);
        outcome.seen(run).aged(day, max_age, self.today)
    }
}

fn has(list: &[String], name: &str) -> bool {
    list.iter().any(|one| one == name)
}
