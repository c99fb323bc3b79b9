//! Each phase: which evidence counts for it, and what it says.

use serde_json::Value;
use testudo_ledger::{ReleaseEvent, ReleaseState, ScanEvent, Statement, TestResultEvent, VerdictEvent, predicate};
use testudo_model::{CoverageState, DetectorId};
use testudo_policy::Date;
use testudo_release::History;

use crate::{Evidence, Facts, Phase, State};

/// The phases, in the order of a product's life.
pub(crate) fn all(facts: &Facts<'_>) -> Vec<Phase> {
    vec![plan(facts), code(facts), build(facts), test(facts), deploy(facts), run(facts), update(facts)]
}

/// A phase before anything is known of it.
fn phase(facts: &Facts<'_>, name: &'static str, owned_by: &str) -> Phase {
    Phase {
        phase: name,
        state: State::NotSetUp,
        owners: (facts.owners)(owned_by),
        owned_by: owned_by.to_owned(),
        evidence: None,
        verdict: String::new(),
        next: None,
    }
}

fn plan(facts: &Facts<'_>) -> Phase {
    let Some(plan) = &facts.plan else {
        let mut phase = phase(facts, "plan", "security/plan.toml");
        "nobody wrote down what is protected, from whom, and what shows it".clone_into(&mut phase.verdict);
        phase.next = Some("testudo plan init".to_owned());
        return phase;
    };
    let mut phase = phase(facts, "plan", &plan.path);
    if !plan.owner.is_empty() {
        phase.owners.insert(0, plan.owner.clone());
    }
    phase.evidence = Some(Evidence { what: plan.path.clone(), entry: None, time: None, age_days: None });
    let counts: Vec<String> = plan.controls.iter().map(|(status, count)| format!("{count} {status}")).collect();
    let controls =
        if counts.is_empty() { "no control yet".to_owned() } else { format!("controls: {}", counts.join(", ")) };
    (phase.state, phase.verdict, phase.next) = if plan.problems > 0 {
        let why = format!("{} in its text", problems(plan.problems));
        (State::Failing, why, Some("testudo plan check".to_owned()))
    } else if plan.failing > 0 {
        (State::Failing, controls, Some("testudo plan report".to_owned()))
    } else if plan.due > 0 {
        let why = format!("{controls}; days that have passed: {}", plan.due);
        (State::Attention, why, Some("testudo plan check".to_owned()))
    } else if plan.open > 0 || counts.is_empty() {
        (State::Attention, controls, Some("testudo plan report".to_owned()))
    } else {
        (State::Fine, controls, None)
    };
    phase
}

fn problems(count: usize) -> String {
    if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") }
}

fn code(facts: &Facts<'_>) -> Phase {
    let mut phase = phase(facts, "code", ".");
    let found = scanned(facts, &mut phase, &[DetectorId::Secrets, DetectorId::Code]);
    if !found {
        "no scan of the code was recorded".clone_into(&mut phase.verdict);
        phase.next = Some("testudo gate --record dev .".to_owned());
    } else if phase.state == State::Fine && !facts.found.hook {
        phase.verdict.push_str("; no hook looks at commits before they are made");
        phase.next = Some("testudo hook install".to_owned());
    }
    phase
}

fn build(facts: &Facts<'_>) -> Phase {
    let path = facts.found.pipelines.first().map_or("testudo.toml", String::as_str).to_owned();
    let mut phase = phase(facts, "build", &path);
    if scanned(facts, &mut phase, &[DetectorId::Ci, DetectorId::Iac]) {
        return phase;
    }
    phase.verdict = match facts.found.pipelines.as_slice() {
        [] => "no look at what builds and at infrastructure was recorded".to_owned(),
        [one] => format!("{one} builds, and no look at it was recorded"),
        [one, rest @ ..] => format!("{one} and {} more build, and no look at them was recorded", rest.len()),
    };
    phase.next = Some("testudo gate --with REPORT --record dev .   (a report of zizmor or Checkov)".to_owned());
    phase
}

fn test(facts: &Facts<'_>) -> Phase {
    let mut phase = phase(facts, "test", "testudo.toml");
    let Some((statement, result)) = last::<TestResultEvent>(facts, predicate::TEST_RESULT, &|_| true) else {
        "no result of tests was recorded".clone_into(&mut phase.verdict);
        phase.next = Some(match facts.found.releases.first() {
            Some(environment) => {
                format!("testudo release run {environment} --version VERSION   (with a stage that has junit)")
            }
            None => "testudo plan report --junit results.xml".to_owned(),
        });
        return phase;
    };
    phase.evidence = Some(evidence(facts, statement, "results of tests"));
    let [passed, skipped, failed] = [&result.passed_tests, &result.warned_tests, &result.failed_tests].map(Vec::len);
    phase.verdict = format!("{passed} passed, {skipped} skipped, {failed} failed");
    phase.state = match (failed, passed) {
        (0, 0) => State::Attention,
        (0, _) => State::Fine,
        _ => State::Failing,
    };
    aged(facts, &mut phase);
    phase
}

fn deploy(facts: &Facts<'_>) -> Phase {
    let mut phase = phase(facts, "deploy", "testudo.toml");
    let newest = last::<ReleaseEvent>(facts, predicate::RELEASE, &|_| true);
    let Some((statement, event)) = newest else {
        "no release was recorded".clone_into(&mut phase.verdict);
        phase.next = Some(match facts.found.releases.first() {
            Some(environment) => format!("testudo release run {environment} --version VERSION"),
            None => "testudo release --help   (stages go into [release.ENV] of testudo.toml)".to_owned(),
        });
        return phase;
    };
    let environment = &statement.testudo.environment;
    let mut history = History::default();
    for statement in facts.statements.iter().filter(|statement| statement.testudo.environment == *environment) {
        if let Some(event) = read::<ReleaseEvent>(statement, predicate::RELEASE) {
            history.apply((statement.testudo.seq, &statement.testudo.time), &event);
        }
    }
    phase.evidence = Some(evidence(facts, statement, &format!("{} {}", event.release, event.version)));
    let good = history
        .known_good
        .as_ref()
        .map_or("no version was promoted yet".to_owned(), |known| format!("known good: {}", known.version));
    phase.verdict = format!("{} in {environment}; {good}", event.state.as_str());
    let verb = |verb: &str| Some(format!("testudo release {verb} {environment}"));
    (phase.state, phase.next) = match event.state {
        ReleaseState::Promoted => (State::Fine, None),
        ReleaseState::RollbackFailed => (State::Failing, verb("status")),
        ReleaseState::RolledBack | ReleaseState::Rejected => (State::Attention, verb("status")),
        _ => (State::Attention, verb("resume")),
    };
    phase
}

fn run(facts: &Facts<'_>) -> Phase {
    let mut phase = phase(facts, "run", "testudo.toml");
    if !scanned(facts, &mut phase, &[DetectorId::Probe, DetectorId::Agent]) {
        "no look at what runs was recorded".clone_into(&mut phase.verdict);
        phase.next = Some("testudo probe URL --record dev".to_owned());
    }
    phase
}

fn update(facts: &Facts<'_>) -> Phase {
    let path = facts.found.lockfiles.first().map_or("testudo.toml", String::as_str).to_owned();
    let mut phase = phase(facts, "update", &path);
    if !scanned(facts, &mut phase, &[DetectorId::Deps]) {
        phase.verdict = match facts.found.lockfiles.len() {
            0 => "no look at dependencies was recorded".to_owned(),
            n => format!("{n} files name dependencies, and no look at them was recorded"),
        };
        phase.next = Some("testudo gate --with REPORT --record dev .   (a report of Trivy, or CycloneDX)".to_owned());
    }
    phase
}

/// Fills a phase from the last scan of any of these detectors, and the verdict over it. Says whether there is one.
fn scanned(facts: &Facts<'_>, phase: &mut Phase, detectors: &[DetectorId]) -> bool {
    let of = |event: &ScanEvent| event.coverage.iter().any(|coverage| detectors.contains(&coverage.detector));
    let Some((statement, event)) = last::<ScanEvent>(facts, predicate::SCAN, &of) else { return false };
    let mine: Vec<_> = event.coverage.iter().filter(|coverage| detectors.contains(&coverage.detector)).collect();
    let names: Vec<String> = mine
        .iter()
        .map(|coverage| match &coverage.tool {
            Some(tool) => format!("{} ({})", coverage.detector, tool.name),
            None => coverage.detector.to_string(),
        })
        .collect();
    phase.evidence = Some(evidence(facts, statement, &format!("scan: {}", names.join(", "))));
    let place = &statement.testudo;
    let about = |verdict: &VerdictEvent| verdict.scan == place.seq;
    let same = |statement: &&Statement| statement.testudo.ledger == place.ledger;
    let verdicts = facts.statements.iter().filter(same);
    let verdict = verdicts.filter_map(|s| read::<VerdictEvent>(s, predicate::GATE)).find(about);
    let whole = mine.iter().all(|coverage| coverage.state == CoverageState::Complete);
    let open = event.open.len();
    let found = if open == 1 { "1 open finding".to_owned() } else { format!("{open} open findings") };
    let environment = &place.environment;
    let again = Some(format!("testudo gate --record {environment} ."));
    (phase.state, phase.verdict, phase.next) = match verdict.as_ref().map(|verdict| verdict.verdict.as_str()) {
        Some("passed") => (State::Fine, format!("gate passed, {found}"), None),
        Some("failed") => (State::Failing, format!("gate failed, {found}"), Some("testudo scan .".to_owned())),
        Some(_) => (State::Attention, format!("gate without a verdict: not everything was looked at; {found}"), again),
        None if !whole => (State::Attention, format!("not everything was looked at; {found}"), again),
        None => (State::Attention, format!("{found}, and no gate over them"), again),
    };
    aged(facts, phase);
    true
}

/// What is too old says nothing about today.
fn aged(facts: &Facts<'_>, phase: &mut Phase) {
    let age = phase.evidence.as_ref().and_then(|evidence| evidence.age_days);
    if phase.state == State::Fine && age.is_some_and(|age| age > i64::from(facts.max_age)) {
        phase.state = State::Stale;
        phase.next = phase.evidence.as_ref().and_then(|evidence| {
            let (environment, _) = evidence.entry.as_deref()?.split_once(':')?;
            Some(format!("testudo gate --record {environment} ."))
        });
    }
}

/// The newest entry of a predicate type that says what is wanted.
fn last<'f, E: serde::de::DeserializeOwned>(
    facts: &'f Facts<'_>,
    kind: &str,
    wanted: &dyn Fn(&E) -> bool,
) -> Option<(&'f Statement, E)> {
    let found = facts.statements.iter().filter_map(|statement| Some((statement, read::<E>(statement, kind)?)));
    found.filter(|(_, event)| wanted(event)).max_by(|(a, _), (b, _)| {
        let key = |statement: &Statement| (statement.testudo.time.clone(), statement.testudo.seq);
        key(a).cmp(&key(b))
    })
}

fn read<E: serde::de::DeserializeOwned>(statement: &Statement, kind: &str) -> Option<E> {
    let value: &Value = &statement.predicate;
    if statement.predicate_type == kind { serde_json::from_value(value.clone()).ok() } else { None }
}

fn evidence(facts: &Facts<'_>, statement: &Statement, what: &str) -> Evidence {
    let place = &statement.testudo;
    let day: Option<Date> = place.time.get(..10).and_then(|day| day.parse().ok());
    Evidence {
        what: what.to_owned(),
        entry: Some(format!("{}:{}", place.environment, place.seq)),
        time: Some(place.time.clone()),
        age_days: day.map(|day| day.days_until(facts.today)),
    }
}
