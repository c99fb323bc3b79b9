//! Does what [`decide`] says until a release is over, each step between its two entries.

use std::{collections::BTreeMap, time::SystemTime};

use serde_json::to_value;
use testudo_ledger::{Event, ReleaseEvent, ReleaseState, ReleaseStep, StageOutcome, Subject, predicate};

use crate::{
    Command, Deploy, Ended, History, Idempotent, Move, Pipeline, RECHECK, ROLLBACK, ReleaseError, Request, Results,
    Snapshot, Stage, Standing, Test, Work, decide,
};

/// Longest version, in characters.
const MAX_VERSION: usize = 128;
/// Characters of the end of a command's output that its outcome says.
const MAX_SAID: usize = 300;
/// How long one question to the probe may take.
const PROBE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);

/// What a check by our own detectors came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Whether what comes next may begin.
    pub passed: bool,
    /// Why.
    pub reason: String,
    /// Entries in which it recorded what it saw.
    pub entries: Vec<u64>,
}

/// What whoever waits is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said<'a> {
    /// A stage begins: its name, and which attempt.
    Begins(&'a str, u32),
    /// A stage has ended.
    Ended(&'a StageOutcome),
    /// The release is over, or waits for people: where it stands, and why.
    Over(ReleaseState, &'a str),
}

/// What a release needs of the world around it. Everything that it does goes through here.
pub trait World {
    /// Adds an entry to the ledger; it is on the disk afterwards.
    ///
    /// # Errors
    /// It could not be written.
    fn append(&mut self, event: &Event) -> Result<(u64, String), ReleaseError>;

    /// The highest number of a process that the ledger knows now.
    ///
    /// # Errors
    /// The ledger cannot be read.
    fn fence(&mut self) -> Result<u64, ReleaseError>;

    /// Runs a command of a stage to its end.
    ///
    /// # Errors
    /// It could not be started.
    fn command(&mut self, stage: &str, command: Command) -> Result<Ended, ReleaseError>;

    /// Lets our detectors look, and the gate judge where `stage` is one.
    fn check(&mut self, stage: &Stage) -> Checked;

    /// SHA-256 of an artifact.
    ///
    /// # Errors
    /// Why there is none.
    fn digest(&mut self, artifact: &str) -> Result<String, String>;

    /// The files of results that are there, before tests run.
    ///
    /// # Errors
    /// What cannot be looked at.
    fn snapshot(&mut self, patterns: &[String]) -> Result<Snapshot, String>;

    /// Results of tests that were written since `before`.
    ///
    /// # Errors
    /// What is wrong with them.
    fn results(&mut self, patterns: &[String], before: &Snapshot) -> Result<Results, String>;

    /// Whether somebody wants this release to stop.
    fn request(&mut self, release: &str) -> Option<Request>;

    /// The time.
    fn now(&mut self) -> SystemTime;

    /// How long this process is at work, by a clock that nobody sets.
    fn uptime(&mut self) -> std::time::Duration;

    /// A text without the values that are to be masked.
    fn mask(&self, text: &str) -> String;

    /// Waits a moment before something is asked again.
    fn pause(&mut self);

    /// Tells whoever waits.
    fn say(&mut self, said: Said<'_>);
}

/// What a release begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Started {
    /// What is released.
    pub version: String,
    /// The commit that is checked out, where there is one.
    pub commit: Option<String>,
}

/// Begins a release. Nothing runs yet.
///
/// # Errors
/// The last one has not ended, the version is none, or the ledger cannot be written.
pub fn begin(
    history: &mut History,
    pipeline: &Pipeline,
    world: &mut dyn World,
    started: &Started,
) -> Result<(), ReleaseError> {
    refuse_version(&started.version)?;
    refuse_unfinished(history, pipeline)?;
    let previous = history.known_good.as_ref().map(|known| known.version.clone());
    let step = ReleaseStep::Begun { pipeline: pipeline.digest(), commit: started.commit.clone(), rollback: false };
    add_release(history, pipeline, world, (&started.version, previous, step))
}

/// Begins the return to a version that was promoted before. Nothing runs yet.
///
/// # Errors
/// The last release has not ended, the version was never promoted, it is in service, or the ledger cannot be written.
pub fn go_back(
    history: &mut History,
    pipeline: &Pipeline,
    world: &mut dyn World,
    to: Option<&str>,
) -> Result<(), ReleaseError> {
    refuse_unfinished(history, pipeline)?;
    let Some(good) = &history.known_good else {
        return Err(ReleaseError::Refused("no version was promoted yet, so there is nothing to go back to".to_owned()));
    };
    let target = match to {
        Some(version) => version.to_owned(),
        // After a way back that failed, the known good version is what is not in service.
        None if history.is_astray => good.version.clone(),
        None if history.last.as_ref().is_some_and(|last| last.is_return) => {
            let why = format!("{} is what was gone back to; name a version with --to", good.version);
            return Err(ReleaseError::Refused(why));
        }
        None => good.before.clone().ok_or_else(|| {
            ReleaseError::Refused(format!("no other version than {} was ever promoted", good.version))
        })?,
    };
    if !history.promoted.iter().any(|known| known.version == target) {
        let names: Vec<&str> = history.promoted.iter().rev().take(5).map(|known| known.version.as_str()).collect();
        let why = format!("{target} was never promoted; the last versions that were: {}", names.join(", "));
        return Err(ReleaseError::Refused(why));
    }
    let astray = history.last.as_ref().filter(|_| history.is_astray).map(|last| last.version.clone());
    let previous = astray.or_else(|| Some(good.version.clone()));
    let step = ReleaseStep::Begun { pipeline: pipeline.digest(), commit: None, rollback: true };
    add_release(history, pipeline, world, (&target, previous, step))
}

/// Takes over the last release: what its earlier process writes from now on is refused. Nothing is done where it is over.
///
/// # Errors
/// The ledger cannot be written.
pub fn resume(history: &mut History, pipeline: &Pipeline, world: &mut dyn World) -> Result<(), ReleaseError> {
    let Some(state) = history.unfinished().map(|standing| standing.state) else { return Ok(()) };
    let fence = history.fence + 1;
    Run { history, pipeline, world, fence }.add(state, ReleaseStep::Resumed)
}

/// Writes down that somebody wants the last release to stop. Where nothing is under way nothing is done.
///
/// # Errors
/// The ledger cannot be written.
pub fn abort(
    history: &mut History,
    pipeline: &Pipeline,
    world: &mut dyn World,
    request: &Request,
) -> Result<(), ReleaseError> {
    if history.unfinished().is_none_or(|standing| standing.aborted.is_some()) {
        return Ok(());
    }
    let reason = match (request.actor.as_str(), request.reason.as_str()) {
        (actor, "") => format!("by {actor}"),
        (actor, reason) => format!("{reason} ({actor})"),
    };
    let fence = history.fence;
    let mut run = Run { history, pipeline, world, fence };
    let state = run.standing().state;
    run.add(state, ReleaseStep::Aborted { reason })
}

fn refuse_unfinished(history: &History, pipeline: &Pipeline) -> Result<(), ReleaseError> {
    match history.unfinished() {
        None => Ok(()),
        Some(standing) => Err(ReleaseError::Unfinished {
            environment: pipeline.environment.clone(),
            release: standing.release.clone(),
            version: standing.version.clone(),
            state: standing.state.as_str(),
        }),
    }
}

/// A version stands in commands: nothing in it may mean something to a shell, or look like a switch.
fn refuse_version(version: &str) -> Result<(), ReleaseError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | ':' | '/' | '@' | '~');
    let begins = version.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && version.len() <= MAX_VERSION && version.chars().all(fits) {
        return Ok(());
    }
    let why = format!(
        "`{}` is no version: begin with a letter or a digit, and go on with those and . _ + - : / @ ~ (at most {MAX_VERSION})",
        version.escape_debug()
    );
    Err(ReleaseError::Refused(why))
}

fn add_release(
    history: &mut History,
    pipeline: &Pipeline,
    world: &mut dyn World,
    (version, previous, step): (&str, Option<String>, ReleaseStep),
) -> Result<(), ReleaseError> {
    let event = ReleaseEvent {
        release: format!("{}-{}", pipeline.environment, history.releases + 1),
        version: version.to_owned(),
        previous,
        fence: history.fence + 1,
        state: ReleaseState::Planned,
        step,
    };
    record(history, pipeline, world, &event)
}

/// Adds an entry, and takes it into the history.
fn record(
    history: &mut History,
    pipeline: &Pipeline,
    world: &mut dyn World,
    event: &ReleaseEvent,
) -> Result<(), ReleaseError> {
    let fence = world.fence()?;
    if fence > event.fence {
        return Err(ReleaseError::Fenced { fence, own: event.fence });
    }
    let event = &masked(event, world);
    let artifacts = match &event.step {
        ReleaseStep::Outcome(outcome) if !outcome.artifacts.is_empty() => Some(outcome.artifacts.clone()),
        ReleaseStep::Begun { .. } => None,
        _ => history.last.as_ref().and_then(Standing::artifacts).cloned(),
    };
    let predicate = to_value(event).expect("the shape has nothing that JSON cannot hold");
    let subject = subjects(artifacts.as_ref(), pipeline);
    let place = world.append(&Event { subject, predicate_type: predicate::RELEASE.to_owned(), predicate })?;
    history.apply((place.0, &place.1), event);
    Ok(())
}

/// An entry without any value that is to be masked: commands, probes, tests and people say what they like.
fn masked(event: &ReleaseEvent, world: &dyn World) -> ReleaseEvent {
    let mut event = event.clone();
    match &mut event.step {
        ReleaseStep::Outcome(outcome) => {
            outcome.reason = world.mask(&outcome.reason);
            outcome.live = outcome.live.as_ref().map(|live| world.mask(live));
        }
        ReleaseStep::Aborted { reason } | ReleaseStep::Ended { reason } => *reason = world.mask(reason),
        _ => {}
    }
    event
}

/// What an entry is about: the artifacts, and before there are any the pipeline.
fn subjects(artifacts: Option<&BTreeMap<String, String>>, pipeline: &Pipeline) -> Vec<Subject> {
    match artifacts {
        Some(artifacts) => artifacts.iter().map(|(name, digest)| Subject::new(name, "sha256", digest)).collect(),
        None => vec![Subject::new(&format!("pipeline of {}", pipeline.environment), "sha256", &pipeline.digest())],
    }
}

/// Goes on with the last release until it is over, or only people can decide. Gives where it stands then.
///
/// # Errors
/// The ledger cannot be written, a command cannot be started, another process took over, or the configuration is not the one
/// that the release began with.
pub fn drive(history: &mut History, pipeline: &Pipeline, world: &mut dyn World) -> Result<ReleaseState, ReleaseError> {
    let Some(standing) = &history.last else {
        return Err(ReleaseError::Refused("no release was begun yet; begin with `testudo release run`".to_owned()));
    };
    if standing.ended.is_none() && standing.pipeline != pipeline.digest() && standing.aborted.is_none() {
        let why = format!(
            "the configuration of {} is not the one that {} began with; put it back to go on, or undo the release with `testudo release abort {}`",
            pipeline.environment, standing.release, pipeline.environment
        );
        return Err(ReleaseError::Refused(why));
    }
    let fence = history.fence;
    Run { history, pipeline, world, fence }.go_on()
}

/// One release being worked on.
struct Run<'a> {
    history: &'a mut History,
    pipeline: &'a Pipeline,
    world: &'a mut dyn World,
    /// The own number.
    fence: u64,
}

impl Run<'_> {
    fn standing(&self) -> &Standing {
        self.history.last.as_ref().expect("a run has a release")
    }

    fn go_on(mut self) -> Result<ReleaseState, ReleaseError> {
        loop {
            self.heed()?;
            let next = decide(self.standing(), self.pipeline).map_err(ReleaseError::Refused)?;
            match next {
                Move::Run(stage, attempt) => self.stage(stage, attempt)?,
                Move::Settle(stage, attempt) => {
                    if let Some(state) = self.settle(stage, attempt)? {
                        return Ok(state);
                    }
                }
                Move::Back(attempt) => self.back(attempt)?,
                Move::Recheck(attempt) => self.recheck(attempt)?,
                Move::End(state, reason) => self.end(state, reason)?,
                Move::Over => {
                    let standing = self.standing();
                    let (state, reason) = (standing.state, standing.ended.clone().unwrap_or_default());
                    self.world.say(Said::Over(state, &reason));
                    return Ok(state);
                }
            }
        }
    }

    /// Writes down that somebody wants the release to stop.
    fn heed(&mut self) -> Result<(), ReleaseError> {
        let standing = self.standing();
        // A way back that has begun is not stopped.
        if standing.ended.is_some() || standing.aborted.is_some() || standing.failed.is_some() || standing.is_return {
            return Ok(());
        }
        let release = standing.release.clone();
        match self.world.request(&release) {
            Some(request) => abort(self.history, self.pipeline, self.world, &request),
            None => Ok(()),
        }
    }

    fn add(&mut self, state: ReleaseState, step: ReleaseStep) -> Result<(), ReleaseError> {
        let standing = self.standing();
        let event = ReleaseEvent {
            release: standing.release.clone(),
            version: standing.version.clone(),
            previous: standing.previous.clone(),
            fence: self.fence,
            state,
            step,
        };
        record(self.history, self.pipeline, self.world, &event)
    }

    /// Writes down that a stage is about to run. Nobody may have taken over.
    fn intend(&mut self, stage: &str, attempt: u32, state: ReleaseState) -> Result<(), ReleaseError> {
        let key = self.key(stage);
        self.add(state, ReleaseStep::Intent { stage: stage.to_owned(), attempt, key })?;
        self.world.say(Said::Begins(stage, attempt));
        Ok(())
    }

    fn outcome(&mut self, state: ReleaseState, mut outcome: StageOutcome) -> Result<(), ReleaseError> {
        outcome.reason = self.world.mask(&outcome.reason);
        self.add(state, ReleaseStep::Outcome(outcome.clone()))?;
        self.world.say(Said::Ended(&outcome));
        Ok(())
    }

    fn end(&mut self, state: ReleaseState, reason: String) -> Result<(), ReleaseError> {
        self.add(state, ReleaseStep::Ended { reason })
    }

    fn key(&self, stage: &str) -> String {
        format!("{}/{stage}", self.standing().release)
    }

    /// Runs a stage between its two entries.
    fn stage(&mut self, stage: &Stage, attempt: u32) -> Result<(), ReleaseError> {
        let before = self.standing().state;
        let (during, after) = match stage.work {
            Work::Build(_) => (before, ReleaseState::Built),
            Work::Test(_) => (before, ReleaseState::Tested.max(before)),
            Work::Gate => (before, ReleaseState::Gated),
            Work::Deploy(_) => (ReleaseState::Deploying, ReleaseState::Deployed),
            Work::Verify(_) => (ReleaseState::Verifying, ReleaseState::Verifying),
            Work::Run(_) | Work::Scan => (before, before),
        };
        if let Work::Deploy(_) = stage.work {
            // What is deployed is what was built: nothing has begun yet where it is not.
            if let Err(reason) = self.same_artifacts() {
                let outcome = StageOutcome { stage: stage.id.clone(), attempt, reason, ..StageOutcome::default() };
                return self.outcome(before, outcome);
            }
        }
        self.intend(&stage.id, attempt, during)?;
        let outcome = self.work(stage, attempt)?;
        let state = if outcome.passed { after } else { during };
        self.outcome(state, outcome)
    }

    fn work(&mut self, stage: &Stage, attempt: u32) -> Result<StageOutcome, ReleaseError> {
        let mut outcome = StageOutcome { stage: stage.id.clone(), attempt, ..StageOutcome::default() };
        match &stage.work {
            Work::Scan | Work::Gate => {
                let begun = self.world.now();
                let checked = self.world.check(stage);
                outcome.millis = elapsed(begun, self.world.now());
                (outcome.passed, outcome.reason, outcome.entries) = (checked.passed, checked.reason, checked.entries);
                return Ok(outcome);
            }
            Work::Run(run) | Work::Build(run) | Work::Verify(run) => self.shell(stage, run, &mut outcome)?,
            Work::Test(test) => self.test(stage, test, &mut outcome)?,
            Work::Deploy(deploy) => {
                self.shell(stage, &deploy.run, &mut outcome)?;
                if outcome.passed {
                    let version = self.standing().version.clone();
                    self.arrive(deploy, &version, &mut outcome)?;
                }
            }
        }
        if outcome.passed && self.standing().artifacts().is_none() {
            self.built(stage, &mut outcome);
        }
        Ok(outcome)
    }

    /// Takes down what the artifacts hold: when the last build ended, or without one as soon as all of them are there.
    fn built(&mut self, stage: &Stage, outcome: &mut StageOutcome) {
        let builds = |stage: &&Stage| matches!(stage.work, Work::Build(_));
        let last = self.pipeline.stages.iter().rfind(builds).map(|stage| &stage.id);
        match (self.digests(), last) {
            (Ok(artifacts), None) => outcome.artifacts = artifacts,
            (Ok(artifacts), Some(last)) if *last == stage.id => outcome.artifacts = artifacts,
            (Err(reason), Some(last)) if *last == stage.id => (outcome.passed, outcome.reason) = (false, reason),
            _ => {}
        }
    }

    /// Runs the command of a stage.
    fn shell(&mut self, stage: &Stage, run: &str, outcome: &mut StageOutcome) -> Result<(), ReleaseError> {
        let ended = self.run(&stage.id, run, stage.timeout)?;
        if ended.stopped {
            // Who stopped it stands before what came of it.
            self.heed()?;
        }
        outcome.exit = Some(ended.exit);
        outcome.millis = u64::try_from(ended.took.as_millis()).unwrap_or(u64::MAX);
        outcome.passed = ended.exit == 0 && !ended.timed_out && !ended.stopped;
        outcome.reason = match (ended.timed_out, ended.stopped, ended.exit) {
            (true, _, _) => format!("took longer than {:?}, and was ended", stage.timeout),
            (_, true, _) => "was stopped".to_owned(),
            (_, _, 0) => "exit code 0".to_owned(),
            (_, _, code) => format!("exit code {code}{}", said(&ended.tail)),
        };
        Ok(())
    }

    fn run(&mut self, stage: &str, run: &str, timeout: std::time::Duration) -> Result<Ended, ReleaseError> {
        let standing = self.standing();
        let previous = standing.target().unwrap_or_default().to_owned();
        // While the known good version is checked again, it is the version that a check is about.
        let version = if stage == RECHECK { previous.clone() } else { standing.replaced().to_owned() };
        let variables = vec![
            ("VERSION", version),
            ("PREVIOUS", previous.clone()),
            ("TESTUDO_RELEASE", standing.release.clone()),
            ("TESTUDO_PREVIOUS", previous),
            ("TESTUDO_KEY", self.key(stage)),
            ("TESTUDO_FENCE", self.fence.to_string()),
            ("TESTUDO_STAGE", stage.to_owned()),
        ];
        self.world.command(stage, Command { run: run.to_owned(), variables, timeout, log: None })
    }

    fn test(&mut self, stage: &Stage, test: &Test, outcome: &mut StageOutcome) -> Result<(), ReleaseError> {
        let before = self.world.snapshot(&test.junit);
        self.shell(stage, &test.run, outcome)?;
        let results = match before.and_then(|before| self.world.results(&test.junit, &before)) {
            Ok(results) => results,
            Err(reason) => {
                (outcome.passed, outcome.reason) = (false, reason);
                return Ok(());
            }
        };
        let failed = results.event.failed_tests.len();
        let ran = format!("{} tests ran, {failed} failed", results.ran);
        let enough = results.ran >= usize::try_from(test.min_tests).unwrap_or(usize::MAX);
        if !results.event.configuration.is_empty() {
            let mut event = results.event.clone();
            for names in [&mut event.passed_tests, &mut event.warned_tests, &mut event.failed_tests] {
                names.iter_mut().for_each(|name| *name = self.world.mask(name));
            }
            let predicate = to_value(&event).expect("the shape has nothing that JSON cannot hold");
            let subject = subjects(self.standing().artifacts(), self.pipeline);
            let event = Event { subject, predicate_type: predicate::TEST_RESULT.to_owned(), predicate };
            outcome.entries.push(self.world.append(&event)?.0);
        }
        outcome.reason = match (outcome.passed, failed, enough) {
            (false, _, _) => format!("{} ({ran})", outcome.reason),
            (true, 0, true) => ran,
            (true, 0, false) => format!("{ran}, and {} have to run", test.min_tests),
            (true, _, _) => {
                let names: Vec<&str> = results.event.failed_tests.iter().take(3).map(String::as_str).collect();
                format!("{ran}: {}", names.join(", "))
            }
        };
        outcome.passed &= failed == 0 && enough;
        Ok(())
    }

    fn digests(&mut self) -> Result<BTreeMap<String, String>, String> {
        let digest = |name: &String| match self.world.digest(name) {
            Ok(digest) => Ok((name.clone(), digest)),
            Err(why) => Err(format!("artifact {name}: {why}")),
        };
        self.pipeline.artifacts.iter().map(digest).collect()
    }

    /// Whether the artifacts are what they were when the build ended.
    fn same_artifacts(&mut self) -> Result<(), String> {
        let now = self.digests()?;
        let Some(built) = self.standing().artifacts() else { return Ok(()) };
        match built.iter().find(|(name, digest)| now.get(*name) != Some(digest)) {
            Some((name, _)) => Err(format!("artifact {name} is not what was built: it changed since")),
            None => Ok(()),
        }
    }

    /// The version that is in service; none where the probe does not say one.
    fn live(&mut self, deploy: &Deploy) -> Result<Option<String>, ReleaseError> {
        let ended = self.run("probe", &deploy.probe, PROBE_TIMEOUT)?;
        let answer = String::from_utf8_lossy(&ended.answer);
        // A version is one short line; of anything else the beginning is enough to see that it is none.
        let shown: String =
            answer.trim().chars().take(MAX_VERSION + 1).map(|c| if c.is_control() { ' ' } else { c }).collect();
        Ok((ended.exit == 0 && !ended.timed_out).then_some(shown).filter(|answer| !answer.is_empty()))
    }

    /// Asks the probe until it reports a version, or its time is over.
    fn arrive(&mut self, deploy: &Deploy, version: &str, outcome: &mut StageOutcome) -> Result<(), ReleaseError> {
        let deadline = self.world.uptime() + deploy.settle;
        loop {
            self.heed()?;
            if self.standing().aborted.is_some() && self.standing().back.is_none() && outcome.stage != ROLLBACK {
                (outcome.passed, outcome.reason) = (false, "was stopped".to_owned());
                return Ok(());
            }
            outcome.live = self.live(deploy)?;
            outcome.passed = outcome.live.as_deref() == Some(version);
            if outcome.passed {
                outcome.reason = format!("the probe reports {version}");
                return Ok(());
            }
            if self.world.uptime() >= deadline {
                break;
            }
            self.world.pause();
        }
        outcome.reason = match &outcome.live {
            Some(other) => format!("the probe reports {}, and not {version}", other.escape_debug()),
            None => format!("the probe does not say that {version} is in service"),
        };
        Ok(())
    }

    /// Decides about a deployment that was cut off, by what is in service.
    fn settle(&mut self, stage: &Stage, attempt: u32) -> Result<Option<ReleaseState>, ReleaseError> {
        let deploy = self.pipeline.deploy();
        let live = self.live(deploy)?;
        let version = self.standing().version.clone();
        // Where the same version was in service before, its name says nothing about which one is now.
        let new = self.standing().previous.as_deref() != Some(version.as_str());
        if new && live.as_deref() == Some(version.as_str()) {
            let reason = format!("it was cut off; the probe reports {version}");
            let outcome = StageOutcome {
                stage: stage.id.clone(),
                attempt,
                passed: true,
                reason,
                live,
                ..StageOutcome::default()
            };
            self.outcome(ReleaseState::Deployed, outcome)?;
            return Ok(None);
        }
        if deploy.idempotent == Idempotent::Yes {
            self.stage(stage, attempt + 1)?;
            return Ok(None);
        }
        let seen = live.map_or_else(|| "nothing".to_owned(), |live| live.escape_debug().to_string());
        let environment = &self.pipeline.environment;
        let reason = format!(
            "the deployment of {version} was cut off, and the probe reports {seen}. See for yourself, then run `testudo release abort {environment}` to go back, or bring {version} into service by hand ({}) and run `testudo release resume {environment}`. Where the command may be repeated, say so with idempotent = true",
            deploy.run
        );
        if self.standing().state != ReleaseState::InDoubt {
            self.end(ReleaseState::InDoubt, reason.clone())?;
        }
        self.world.say(Said::Over(ReleaseState::InDoubt, &reason));
        Ok(Some(ReleaseState::InDoubt))
    }

    /// Goes back to the known good version.
    fn back(&mut self, attempt: u32) -> Result<(), ReleaseError> {
        let deploy = self.pipeline.deploy();
        let target = self.standing().target().unwrap_or_default().to_owned();
        let mut outcome = StageOutcome { stage: ROLLBACK.to_owned(), attempt, ..StageOutcome::default() };
        // One that was cut off is run again: that the version is in service does not say that the way back ended.
        self.intend(ROLLBACK, attempt, ReleaseState::RollingBack)?;
        let timeout = self.pipeline.stages.iter().find(|stage| matches!(stage.work, Work::Deploy(_)));
        let timeout = timeout.map_or(PROBE_TIMEOUT, |stage| stage.timeout);
        let way = Stage { id: ROLLBACK.to_owned(), timeout, work: Work::Run(deploy.rollback.clone()) };
        self.shell(&way, &deploy.rollback, &mut outcome)?;
        if outcome.passed {
            self.arrive(deploy, &target, &mut outcome)?;
        }
        self.outcome(ReleaseState::RollingBack, outcome)
    }

    /// Runs the final checks against the known good version.
    fn recheck(&mut self, attempt: u32) -> Result<(), ReleaseError> {
        self.intend(RECHECK, attempt, ReleaseState::RollingBack)?;
        let mut outcome = StageOutcome { stage: RECHECK.to_owned(), attempt, passed: true, ..StageOutcome::default() };
        for (stage, run) in self.pipeline.checks() {
            let check = Stage { id: RECHECK.to_owned(), timeout: stage.timeout, work: Work::Verify(run.to_owned()) };
            self.shell(&check, run, &mut outcome)?;
            if !outcome.passed {
                outcome.reason = format!("{}: {}", stage.id, outcome.reason);
                break;
            }
        }
        self.outcome(ReleaseState::RollingBack, outcome)
    }
}

fn elapsed(from: SystemTime, to: SystemTime) -> u64 {
    u64::try_from(to.duration_since(from).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// The last line that a command printed.
fn said(tail: &str) -> String {
    let line = tail.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let line: String = line.trim().chars().filter(|c| !c.is_control()).take(MAX_SAID).collect();
    if line.is_empty() { String::new() } else { format!(": {line}") }
}
