//! Each phase: which evidence counts for it, and what it says.
//!
//! Every ledger is asked by itself, in the order of its chain, and a phase is as the worst of them says: one environment
//! never speaks for another, and no clock decides what is newer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use testudo_ledger::{
    CheckResult, HostEvent, HostPolicy, ReleaseEvent, ReleaseState, ScanEvent, Statement, TestResultEvent,
    VerdictEvent, predicate,
};
use testudo_model::{Coverage, CoverageState, DetectorId};
use testudo_policy::Date;
use testudo_release::History;

use crate::{Evidence, Facts, InEnvironment, Phase, State};

/// The phases, in the order of a product's life.
pub(crate) fn all(facts: &Facts<'_>) -> Vec<Phase> {
    vec![plan(facts), code(facts), build(facts), test(facts), deploy(facts), run(facts), update(facts)]
}

/// A word as it is typed in a shell: texts of a project never become a part of a command.
pub(crate) fn typed(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/+@%,".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// A phase before anything is known of it.
fn phase(facts: &Facts<'_>, name: &'static str, owned_by: &[String]) -> Phase {
    let owned_by = if owned_by.is_empty() { &["testudo.toml".to_owned()][..] } else { owned_by };
    let mut owners: Vec<String> = Vec::new();
    for path in owned_by {
        for owner in (facts.owners)(path) {
            if !owners.contains(&owner) {
                owners.push(owner);
            }
        }
    }
    Phase {
        phase: name,
        state: State::NotSetUp,
        owners,
        owned_by: owned_by[0].clone(),
        evidence: None,
        verdict: String::new(),
        next: None,
        environments: Vec::new(),
    }
}

fn plan(facts: &Facts<'_>) -> Phase {
    let here = typed(&facts.here);
    let Some(plan) = &facts.plan else {
        let mut phase = phase(facts, "plan", &["security/plan.toml".to_owned()]);
        "nobody wrote down what is protected, from whom, and what shows it".clone_into(&mut phase.verdict);
        phase.next = Some(format!("testudo plan init {here}"));
        return phase;
    };
    let mut phase = phase(facts, "plan", std::slice::from_ref(&plan.path));
    if !plan.owner.is_empty() {
        phase.owners.insert(0, plan.owner.clone());
    }
    phase.evidence = Some(Evidence { what: plan.path.clone(), entry: None, time: None, age_days: None });
    let counts: Vec<String> = plan.controls.iter().map(|(status, count)| format!("{count} {status}")).collect();
    let controls =
        if counts.is_empty() { "no control yet".to_owned() } else { format!("controls: {}", counts.join(", ")) };
    let look = Some(format!("testudo plan check --evidence {here}"));
    (phase.state, phase.verdict, phase.next) = if plan.problems > 0 {
        let why = format!("{} in its text", problems(plan.problems));
        (State::Failing, why, Some(format!("testudo plan check {here}")))
    } else if plan.failing > 0 {
        (State::Failing, controls, look)
    } else if plan.due > 0 {
        let why = format!("{controls}; days that have passed: {}", plan.due);
        (State::Attention, why, Some(format!("testudo plan check {here}")))
    } else if plan.components == 0 {
        (
            State::Attention,
            format!("{controls}; no component is written down: add [[component]] to {}", plan.path),
            None,
        )
    } else if plan.open > 0 || counts.is_empty() {
        (State::Attention, controls, look)
    } else {
        (State::Fine, controls, None)
    };
    phase
}

fn problems(count: usize) -> String {
    if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") }
}

fn code(facts: &Facts<'_>) -> Phase {
    let mut phase = phase(facts, "code", &[".".to_owned()]);
    let here = typed(&facts.here);
    if !judged(facts, &mut phase, |chain| scanned(facts, chain, &[DetectorId::Secrets, DetectorId::Code])) {
        "no scan of the code was recorded".clone_into(&mut phase.verdict);
        phase.next = Some(format!("testudo gate --record dev {here}"));
    } else if phase.state == State::Fine && !facts.found.hook {
        phase.verdict.push_str("; no hook looks at commits before they are made");
        phase.next = Some(format!("testudo hook install {here}"));
    }
    phase
}

fn build(facts: &Facts<'_>) -> Phase {
    let mut phase = phase(facts, "build", &facts.found.pipelines);
    if judged(facts, &mut phase, |chain| scanned(facts, chain, &[DetectorId::Ci, DetectorId::Iac])) {
        return phase;
    }
    let what = match facts.found.pipelines.as_slice() {
        [] => "no look at what builds and at infrastructure was recorded".to_owned(),
        [one] => format!("{one} builds, and no look at it was recorded"),
        [one, rest @ ..] => format!("{one} and {} more build, and no look at them was recorded", rest.len()),
    };
    phase.verdict = format!("{what}; a report of zizmor or Checkov is one");
    phase.next = Some(format!("testudo gate --with REPORT --record dev {}", typed(&facts.here)));
    phase
}

fn test(facts: &Facts<'_>) -> Phase {
    let mut phase = phase(facts, "test", &[]);
    if !judged(facts, &mut phase, |chain| tested(facts, chain)) {
        "no result of tests was recorded".clone_into(&mut phase.verdict);
        phase.next = Some(match facts.found.releases.first() {
            Some(environment) => {
                phase.verdict.push_str("; a release stage with `junit` records them");
                format!("testudo release run {} --version VERSION", typed(environment))
            }
            None => {
                phase.verdict.push_str("; a report in JUnit XML is read and recorded");
                "testudo import results.xml --record dev".to_owned()
            }
        });
    }
    phase
}

fn deploy(facts: &Facts<'_>) -> Phase {
    let mut phase = phase(facts, "deploy", &[]);
    if !judged(facts, &mut phase, |chain| released(facts, chain)) {
        "no release was recorded".clone_into(&mut phase.verdict);
        phase.next = Some(match facts.found.releases.first() {
            Some(environment) => format!("testudo release run {} --version VERSION", typed(environment)),
            None => {
                phase.verdict.push_str("; its stages go into [release.ENV] of testudo.toml");
                "testudo release --help".to_owned()
            }
        });
    }
    phase
}

fn run(facts: &Facts<'_>) -> Phase {
    let mut phase = phase(facts, "run", &[]);
    let seen = |chain: &Chain<'_>| {
        let looks = [
            scanned(facts, chain, &[DetectorId::Probe, DetectorId::Agent]),
            alerted(facts, chain),
            configured(facts, chain),
        ];
        looks.into_iter().flatten().reduce(worse)
    };
    if !judged(facts, &mut phase, seen) {
        "no look at what runs was recorded".clone_into(&mut phase.verdict);
        phase.next = Some("testudo probe URL --record dev --fail-on high".to_owned());
    }
    phase
}

fn update(facts: &Facts<'_>) -> Phase {
    let mut phase = phase(facts, "update", &facts.found.lockfiles);
    if !judged(facts, &mut phase, |chain| scanned(facts, chain, &[DetectorId::Deps])) {
        let what = match facts.found.lockfiles.as_slice() {
            [] => "no look at dependencies was recorded".to_owned(),
            [one] => format!("{one} names dependencies, and no look at them was recorded"),
            files => format!("{} files name dependencies, and no look at them was recorded", files.len()),
        };
        phase.verdict = format!("{what}; a report of Trivy or CycloneDX is one");
        phase.next = Some(format!("testudo gate --with REPORT --record dev {}", typed(&facts.here)));
    }
    phase
}

/// The entries of one ledger in the order of its chain.
struct Chain<'f> {
    environment: &'f str,
    entries: Vec<&'f Statement>,
}

impl<'f> Chain<'f> {
    /// Entries of a type, the newest first.
    fn read<E: serde::de::DeserializeOwned>(&self, kind: &str) -> impl Iterator<Item = (&'f Statement, E)> {
        self.entries.iter().rev().filter_map(move |statement| Some((*statement, read::<E>(statement, kind)?)))
    }
}

fn chains<'f>(facts: &'f Facts<'_>) -> Vec<Chain<'f>> {
    let mut chains: BTreeMap<(&str, &str), Vec<&Statement>> = BTreeMap::new();
    for statement in facts.statements {
        let place = &statement.testudo;
        chains.entry((place.environment.as_str(), place.ledger.as_str())).or_default().push(statement);
    }
    let chain = |((environment, _), mut entries): ((&'f str, _), Vec<&'f Statement>)| {
        entries.sort_by_key(|statement| statement.testudo.seq);
        Chain { environment, entries }
    };
    chains.into_iter().map(chain).collect()
}

/// What one ledger says of a phase.
struct Reading {
    state: State,
    verdict: String,
    next: Option<String>,
    evidence: Evidence,
}

/// The worse of two; both have their say.
fn worse(a: Reading, b: Reading) -> Reading {
    let (worst, other) = if b.state > a.state { (b, a) } else { (a, b) };
    Reading { verdict: format!("{}; {}", worst.verdict, other.verdict), ..worst }
}

/// Fills a phase from what each ledger says of it. Says whether one does.
fn judged<'f>(facts: &'f Facts<'_>, phase: &mut Phase, say: impl Fn(&Chain<'f>) -> Option<Reading>) -> bool {
    let said: Vec<(String, Reading)> =
        chains(facts).iter().filter_map(|chain| Some((chain.environment.to_owned(), say(chain)?))).collect();
    if said.len() > 1 {
        let line = |(environment, reading): &(String, Reading)| InEnvironment {
            environment: environment.clone(),
            state: reading.state,
            verdict: reading.verdict.clone(),
            evidence: reading.evidence.clone(),
        };
        phase.environments = said.iter().map(line).collect();
    }
    let Some((_, worst)) = said.into_iter().reduce(|a, b| if b.1.state > a.1.state { b } else { a }) else {
        return false;
    };
    (phase.state, phase.verdict, phase.next) = (worst.state, worst.verdict, worst.next);
    phase.evidence = Some(worst.evidence);
    true
}

fn tested(facts: &Facts<'_>, chain: &Chain<'_>) -> Option<Reading> {
    let (statement, result) = chain.read::<TestResultEvent>(predicate::TEST_RESULT).next()?;
    let [passed, skipped, failed] = [&result.passed_tests, &result.warned_tests, &result.failed_tests].map(Vec::len);
    let state = match (failed, passed) {
        (0, 0) => State::Attention,
        (0, _) => State::Fine,
        _ => State::Failing,
    };
    let again = match facts.found.releases.iter().any(|name| name == chain.environment) {
        true => format!("testudo release run {} --version VERSION", typed(chain.environment)),
        false => {
            format!("testudo gate --with results.xml --record {} {}", typed(chain.environment), typed(&facts.here))
        }
    };
    let reading = Reading {
        state,
        verdict: format!("{passed} passed, {skipped} skipped, {failed} failed"),
        next: (state != State::Fine).then(|| again.clone()),
        evidence: evidence(facts, statement, "results of tests"),
    };
    Some(aged(facts, reading, &again))
}

fn released(facts: &Facts<'_>, chain: &Chain<'_>) -> Option<Reading> {
    let (statement, event) = chain.read::<ReleaseEvent>(predicate::RELEASE).next()?;
    let mut history = History::default();
    for statement in &chain.entries {
        if let Some(event) = read::<ReleaseEvent>(statement, predicate::RELEASE) {
            history.apply((statement.testudo.seq, &statement.testudo.time), &event);
        }
    }
    let good = history
        .known_good
        .as_ref()
        .map_or("no version was promoted yet".to_owned(), |known| format!("known good: {}", known.version));
    let environment = typed(chain.environment);
    let verb = |verb: &str| Some(format!("testudo release {verb} {environment}"));
    let (state, next) = match event.state {
        ReleaseState::Promoted => (State::Fine, None),
        ReleaseState::RollbackFailed => (State::Failing, verb("rollback")),
        // The known good version is live; what comes next is a version that is better.
        ReleaseState::RolledBack | ReleaseState::Rejected => {
            (State::Attention, Some(format!("testudo release run {environment} --version VERSION")))
        }
        ReleaseState::InDoubt => (State::Attention, verb("resume")),
        _ => (State::Attention, verb("status")),
    };
    Some(Reading {
        state,
        verdict: format!("{} in {}; {good}", event.state.as_str(), chain.environment),
        next,
        evidence: evidence(facts, statement, &format!("{} {}", event.release, event.version)),
    })
}

/// What an agent saw on hosts, since the last release: alerts that no release explains.
fn alerted(facts: &Facts<'_>, chain: &Chain<'_>) -> Option<Reading> {
    let mut alerts = chain.read::<testudo_model::Alert>(predicate::ALERT);
    let (statement, newest) = alerts.next()?;
    let severe = |alert: &testudo_model::Alert| {
        alert.release.is_none()
            && matches!(alert.severity, testudo_model::Severity::Critical | testudo_model::Severity::High)
    };
    let count = usize::from(severe(&newest)) + alerts.filter(|(_, alert)| severe(alert)).count();
    let evidence = evidence(facts, statement, &format!("alert: {}", newest.message));
    let recent = evidence.age_days.is_none_or(|age| age <= i64::from(facts.max_age));
    let (state, verdict) = match count {
        0 => (State::Fine, "no severe alert that no release explains".to_owned()),
        _ if !recent => (State::Stale, format!("{count} severe alerts, none of late")),
        1 => (State::Attention, "1 severe alert that no release explains".to_owned()),
        n => (State::Attention, format!("{n} severe alerts that no release explains")),
    };
    let next = (state == State::Attention)
        .then(|| format!("testudo ledger show --env {} {}", typed(chain.environment), typed(&facts.here)));
    Some(Reading { state, verdict, next, evidence })
}

/// Results of the checks of a host.
#[derive(Default)]
struct Results {
    passed: usize,
    failed: usize,
    open: usize,
}

impl Results {
    fn take(&mut self, policy: &HostPolicy) {
        for check in &policy.checks {
            *match check.result {
                CheckResult::Passed => &mut self.passed,
                CheckResult::Failed => &mut self.failed,
                CheckResult::NotApplicable => &mut self.open,
            } += 1;
        }
    }
}

/// How hosts are configured: the newest look at each policy on each.
fn configured(facts: &Facts<'_>, chain: &Chain<'_>) -> Option<Reading> {
    let looks: Vec<(&Statement, HostEvent)> = chain.read::<HostEvent>(predicate::HOST).collect();
    let &(mut oldest, _) = looks.first()?;
    let mut hosts: BTreeMap<&str, Results> = BTreeMap::new();
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (statement, event) in &looks {
        let host = hosts.entry(&event.host).or_default();
        for policy in event.policies.iter().filter(|policy| seen.insert((&event.host, &policy.id))) {
            host.take(policy);
            oldest = if statement.testudo.time < oldest.testudo.time { statement } else { oldest };
        }
    }
    let evidence = evidence(facts, oldest, &format!("checks of {} hosts", hosts.len()));
    let recent = evidence.age_days.is_none_or(|age| age <= i64::from(facts.max_age));
    let (state, verdict) = hosts_say(&hosts, recent);
    let next = (state != State::Fine).then(|| "testudo agent sca run --record".to_owned());
    Some(Reading { state, verdict, next, evidence })
}

fn hosts_say(hosts: &BTreeMap<&str, Results>, recent: bool) -> (State, String) {
    let sum = |of: fn(&Results) -> usize| hosts.values().map(of).sum::<usize>();
    let on = |of: fn(&Results) -> bool| hosts.values().filter(|own| of(own)).count();
    let (failed, open) = (sum(|own| own.failed), sum(|own| own.open));
    let undecided = on(|own| own.passed + own.failed == 0);
    let mut said = Vec::new();
    if failed > 0 {
        said.push(format!("{failed} checks failed on {} of {} hosts", on(|own| own.failed > 0), hosts.len()));
    }
    if undecided > 0 {
        said.push(format!("no check could be decided on {undecided} hosts"));
    }
    let state = match (said.is_empty(), recent) {
        (false, _) => State::Attention,
        (true, true) => State::Fine,
        (true, false) => State::Stale,
    };
    if state == State::Fine {
        said.push("no check of a host failed".to_owned());
    } else if state == State::Stale {
        said.push("no check of a host failed, and not every look is of late".to_owned());
    }
    if open > 0 {
        said.push(format!("{open} checks were not applicable"));
    }
    (state, said.join("; "))
}

/// What the last scans by these detectors say, each detector by itself.
fn scanned(facts: &Facts<'_>, chain: &Chain<'_>, detectors: &[DetectorId]) -> Option<Reading> {
    detectors.iter().filter_map(|detector| looked(facts, chain, *detector)).reduce(worse)
}

/// What the last scan of the whole by a detector says, and later looks at parts that found something.
fn looked(facts: &Facts<'_>, chain: &Chain<'_>, detector: DetectorId) -> Option<Reading> {
    let mut later: Option<(&Statement, usize)> = None;
    for (statement, event) in chain.read::<ScanEvent>(predicate::SCAN) {
        // Results of tests are looked at in their own phase.
        let of_tests = |coverage: &&Coverage| coverage.tool.as_ref().is_some_and(|tool| tool.name == "junit");
        let mut looks = event.coverage.iter().filter(|coverage| coverage.detector == detector && !of_tests(coverage));
        let Some(coverage) = looks.next() else { continue };
        let open = open(&event, detector);
        if is_whole(&event, coverage) {
            let reading = judge(facts, chain, (statement, &event), coverage);
            return Some(match later {
                Some((statement, open)) => in_part(facts, chain, statement, open),
                None => reading,
            });
        }
        if open > 0 && later.is_none() {
            later = Some((statement, open));
        }
    }
    later.map(|(statement, open)| in_part(facts, chain, statement, open))
}

/// Open findings of a detector. Entries of programs that did not say who found what count for everybody.
fn open(event: &ScanEvent, detector: DetectorId) -> usize {
    event.open.iter().filter(|finding| finding.detector.is_none_or(|found| found == detector)).count()
}

/// Whether a scan looked at the whole project. A report of another tool is whatever that tool looked at.
fn is_whole(event: &ScanEvent, coverage: &Coverage) -> bool {
    let of_project = matches!(coverage.detector, DetectorId::Probe | DetectorId::Agent) || coverage.tool.is_some();
    of_project || event.extent.as_ref().is_none_or(|extent| extent.whole.iter().any(|path| path == "."))
}

fn findings(open: usize) -> String {
    if open == 1 { "1 open finding".to_owned() } else { format!("{open} open findings") }
}

/// A look at a part, at changes or at history that found something.
fn in_part(facts: &Facts<'_>, chain: &Chain<'_>, statement: &Statement, open: usize) -> Reading {
    Reading {
        state: State::Attention,
        verdict: format!("a look at a part has {}", findings(open)),
        next: Some(format!("testudo gate --record {} {}", typed(chain.environment), typed(&facts.here))),
        evidence: evidence(facts, statement, "scan of a part"),
    }
}

fn judge(facts: &Facts<'_>, chain: &Chain<'_>, scan: (&Statement, &ScanEvent), coverage: &Coverage) -> Reading {
    let (statement, event) = scan;
    let detector = coverage.detector;
    let name = match &coverage.tool {
        Some(tool) => format!("{detector} ({})", tool.name),
        None => detector.to_string(),
    };
    let with = if coverage.tool.is_some() { "--with REPORT " } else { "" };
    let again = match detector {
        DetectorId::Probe => format!("testudo probe URL --record {} --fail-on high", typed(chain.environment)),
        _ => format!("testudo gate {with}--record {} {}", typed(chain.environment), typed(&facts.here)),
    };
    let mut verdicts = chain.read::<VerdictEvent>(predicate::GATE);
    let verdict =
        verdicts.find(|(_, verdict)| verdict.scan == statement.testudo.seq).map(|(_, verdict)| verdict.verdict);
    let open = open(event, detector);
    let found = findings(open);
    let whole = coverage.state == CoverageState::Complete;
    let (state, verdict) = match verdict.as_deref() {
        Some("passed") => (State::Fine, format!("gate passed, {found}")),
        // One gate over several detectors fails for the findings of one.
        Some("failed") if open == 0 && whole && !event.open.is_empty() => (State::Fine, format!("{found} of {name}")),
        Some("failed") => (State::Failing, format!("gate failed, {found}")),
        Some(_) => (State::Attention, format!("gate without a verdict: not everything was looked at; {found}")),
        None if !whole => (State::Attention, format!("not everything was looked at; {found}")),
        None => (State::Attention, format!("{found}, and no gate over them")),
    };
    let reading = Reading {
        state,
        verdict,
        next: (state != State::Fine).then(|| again.clone()),
        evidence: evidence(facts, statement, &format!("scan: {name}")),
    };
    let of_files = !matches!(detector, DetectorId::Probe | DetectorId::Agent);
    let commit = event.commit.as_deref().filter(|_| of_files);
    let reading = aged(facts, reading, &again);
    match commit.filter(|commit| reading.state == State::Fine && (facts.changed)(commit) == Some(true)) {
        None => reading,
        Some(commit) => Reading {
            state: State::Stale,
            verdict: format!(
                "{}; files were changed since commit {}",
                reading.verdict,
                commit.get(..10).unwrap_or(commit)
            ),
            next: Some(again),
            ..reading
        },
    }
}

/// What is too old says nothing about today, and what is of tomorrow says nothing at all.
fn aged(facts: &Facts<'_>, reading: Reading, again: &str) -> Reading {
    let next = Some(again.to_owned());
    match reading.evidence.age_days.filter(|_| reading.state == State::Fine) {
        Some(age) if age > i64::from(facts.max_age) => Reading { state: State::Stale, next, ..reading },
        Some(age) if age < -1 => Reading {
            state: State::Attention,
            verdict: format!("{}; it is dated after today, so a clock was wrong", reading.verdict),
            next,
            ..reading
        },
        _ => reading,
    }
}

fn read<E: serde::de::DeserializeOwned>(statement: &Statement, kind: &str) -> Option<E> {
    let value: &Value = &statement.predicate;
    if statement.predicate_type == kind { E::deserialize(value).ok() } else { None }
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
