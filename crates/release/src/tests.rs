//! Releases in a world of their own: every call of the world may be the last one of a process, commands do what they like, and
//! what comes out is held against rules that need no state machine.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, SystemTime},
};

use testudo_ledger::{Event, ReleaseEvent, ReleaseState, ReleaseStep, TestResultEvent};

use crate::{
    Checked, Command, Ended, History, Pipeline, ReleaseError, Request, Results, Said, Snapshot, Stage, Started, World,
    abort, begin, drive, read, resume,
};

const CONFIGURATION: &str = r#"
[[release.sea.stage]]
id = "build"
run = "build"
[[release.sea.stage]]
id = "test"
run = "test"
junit = ["*.xml"]
[[release.sea.stage]]
id = "gate"
kind = "gate"
[[release.sea.stage]]
id = "deploy"
run = "deploy"
probe = "probe"
rollback = "back"
settle = "1s"
IDEMPOTENT
[[release.sea.stage]]
id = "check"
kind = "verify"
run = "check"
[[release.sea.stage]]
id = "after"
run = "after"
"#;

fn pipeline(idempotent: &str) -> Pipeline {
    let text = CONFIGURATION.replace("IDEMPOTENT", idempotent);
    read(&text, Path::new("testudo.toml"), "sea").pipeline.unwrap()
}

/// A small generator of numbers (xorshift64*), so that a failure can be repeated by its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n
    }
}

/// What outlives a process.
#[derive(Default)]
struct Sea {
    entries: Vec<ReleaseEvent>,
    live: String,
    /// Commands that ran, with the release they ran for.
    ran: Vec<(String, String)>,
    /// Versions that the final check does not like.
    bad: Vec<String>,
}

struct Ship<'a> {
    sea: &'a mut Sea,
    dice: &'a mut Dice,
    /// One call in this many is the last one; 0 means none is.
    mortal: u64,
    clock: SystemTime,
    wish: bool,
}

/// The process is gone.
fn gone() -> ReleaseError {
    ReleaseError::Refused("gone".to_owned())
}

impl Ship<'_> {
    fn dies(&mut self) -> bool {
        self.mortal > 0 && self.dice.below(self.mortal) == 0
    }
}

impl World for Ship<'_> {
    fn append(&mut self, event: &Event) -> Result<(u64, String), ReleaseError> {
        if self.dies() {
            return Err(gone());
        }
        if let Ok(event) = serde_json::from_value::<ReleaseEvent>(event.predicate.clone()) {
            self.sea.entries.push(event);
        }
        if self.dies() { Err(gone()) } else { Ok((self.sea.entries.len() as u64, String::new())) }
    }

    fn fence(&mut self) -> Result<u64, ReleaseError> {
        Ok(self.sea.entries.iter().map(|entry| entry.fence).max().unwrap_or(0))
    }

    fn command(&mut self, stage: &str, command: Command) -> Result<Ended, ReleaseError> {
        let variable = |name: &str| command.variables.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone()).unwrap();
        if self.dies() {
            return Err(gone());
        }
        let mut ended = Ended { answer: b"?".to_vec(), ..Ended::default() };
        if command.run != "probe" {
            self.sea.ran.push((variable("TESTUDO_RELEASE"), stage.to_owned()));
        }
        match command.run.as_str() {
            "deploy" => {
                ended.exit = i32::from(self.dice.below(6) == 0);
                // A deployment may fail before or after it changed what runs.
                if ended.exit == 0 || self.dice.below(2) == 0 {
                    self.sea.live = variable("VERSION");
                }
            }
            "back" => {
                ended.exit = i32::from(self.dice.below(12) == 0);
                if ended.exit == 0 {
                    self.sea.live = variable("PREVIOUS");
                }
            }
            "probe" => ended.answer = self.sea.live.clone().into_bytes(),
            "check" => ended.exit = i32::from(self.sea.bad.contains(&self.sea.live)),
            _ => ended.exit = i32::from(self.dice.below(12) == 0),
        }
        if self.dies() { Err(gone()) } else { Ok(ended) }
    }

    fn check(&mut self, _: &Stage) -> Checked {
        Checked { passed: self.dice.below(12) != 0, reason: "said".to_owned(), entries: Vec::new() }
    }

    fn digest(&mut self, _: &str) -> Result<String, String> {
        Ok("d".to_owned())
    }

    fn snapshot(&mut self, _: &[String]) -> Result<Snapshot, String> {
        Ok(Snapshot::default())
    }

    fn results(&mut self, _: &[String], _: &Snapshot) -> Result<Results, String> {
        let ran = usize::from(self.dice.below(12) != 0);
        Ok(Results { event: TestResultEvent::default(), ran })
    }

    fn uptime(&mut self) -> Duration {
        self.now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
    }

    fn mask(&self, text: &str) -> String {
        text.to_owned()
    }

    fn request(&mut self, release: &str) -> Option<Request> {
        let wish = std::mem::take(&mut self.wish);
        wish.then(|| Request { release: release.to_owned(), actor: "ada".to_owned(), reason: String::new() })
    }

    fn now(&mut self) -> SystemTime {
        self.clock += Duration::from_millis(400);
        self.clock
    }

    fn pause(&mut self) {}

    fn say(&mut self, _: Said<'_>) {}
}

fn history(sea: &Sea) -> History {
    let mut history = History::default();
    for (seq, event) in sea.entries.iter().enumerate() {
        history.apply((seq as u64 + 1, ""), event);
    }
    history
}

/// One process: it begins a release or goes on with one, stops it now and then, and may die at any call.
fn process(sea: &mut Sea, dice: &mut Dice, pipeline: &Pipeline, mortal: u64) -> Option<ReleaseState> {
    let mut history = history(sea);
    let version = format!("v{}", history.releases + 1);
    if history.unfinished().is_none() && dice.below(4) == 0 {
        sea.bad.push(version.clone());
    }
    let (wish, stop) = (dice.below(20) == 0, dice.below(10) == 0);
    let mut ship = Ship { sea, dice, mortal, clock: SystemTime::UNIX_EPOCH, wish };
    let begun = match history.unfinished() {
        None => begin(&mut history, pipeline, &mut ship, &Started { version, commit: None }),
        Some(_) => resume(&mut history, pipeline, &mut ship),
    };
    begun.ok()?;
    let doubtful = history.last.as_ref().is_some_and(|last| last.state == ReleaseState::InDoubt);
    if doubtful && stop {
        let request = Request { release: String::new(), actor: "ada".to_owned(), reason: "doubt".to_owned() };
        abort(&mut history, pipeline, &mut ship, &request).ok()?;
    }
    let state = drive(&mut history, pipeline, &mut ship).ok()?;
    let replayed = self::history(sea);
    assert_eq!(replayed.last.map(|last| (last.state, last.ended)), history.last.map(|last| (last.state, last.ended)));
    Some(state)
}

/// What has to hold when a release is over, whatever happened on the way.
fn hold(sea: &Sea, state: ReleaseState, seed: u64) {
    let history = history(sea);
    let last = history.last.as_ref().unwrap();
    let mine: Vec<&ReleaseEvent> = sea.entries.iter().filter(|entry| entry.release == last.release).collect();
    let touched = sea.ran.iter().any(|(release, stage)| *release == last.release && stage == "deploy");
    match state {
        ReleaseState::Promoted => {
            assert_eq!(sea.live, last.version, "seed {seed}: what was promoted is in service");
            assert!(!sea.bad.contains(&last.version), "seed {seed}: what fails its check is never promoted");
            assert_eq!(last.done.len(), 6, "seed {seed}: every stage passed");
        }
        ReleaseState::Rejected => assert!(!touched, "seed {seed}: what was rejected was never deployed"),
        ReleaseState::RolledBack => {
            assert_eq!(Some(&sea.live), last.previous.as_ref(), "seed {seed}: what was good is in service");
            assert_eq!(history.known_good.as_ref().map(|known| &known.version), last.previous.as_ref(), "seed {seed}");
        }
        ReleaseState::RollbackFailed => {
            let meant = mine.iter().any(|entry| entry.state == ReleaseState::Deploying);
            assert!(meant, "seed {seed}: only what may have been deployed has to go back");
        }
        ReleaseState::InDoubt => assert!(last.open.as_ref().is_some_and(|open| open.stage == "deploy"), "seed {seed}"),
        other => panic!("seed {seed}: a release does not end as {other:?}"),
    }
    let mut passed = BTreeMap::new();
    for entry in mine {
        match &entry.step {
            ReleaseStep::Intent { stage, .. } => {
                assert!(!passed.contains_key(stage), "seed {seed}: {stage} ran after it had passed");
            }
            ReleaseStep::Outcome(outcome) => drop(passed.insert(outcome.stage.clone(), outcome.passed)),
            _ => {}
        }
    }
    let mut fences = sea.entries.iter().map(|entry| entry.fence);
    let mut before = fences.next().unwrap();
    assert!(fences.all(|fence| std::mem::replace(&mut before, fence) <= fence), "seed {seed}: numbers never fall");
}

#[test]
fn whatever_happens_ends_well() {
    let (mut seen, pipelines) = (BTreeMap::new(), [pipeline("idempotent = true"), pipeline("")]);
    for seed in 1..400_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut sea = Sea::default();
        for _ in 0..12 {
            let mortal = [0, 6, 20, 60][usize::try_from(dice.below(4)).unwrap()];
            let pipeline = &pipelines[usize::try_from(seed % 2).unwrap()];
            if let Some(state) = process(&mut sea, &mut dice, pipeline, mortal) {
                hold(&sea, state, seed);
                *seen.entry(state.as_str()).or_insert(0) += 1;
            }
        }
    }
    for state in ["promoted", "rejected", "rolled-back", "rollback-failed", "in-doubt"] {
        assert!(seen.get(state).copied().unwrap_or(0) > 20, "{seen:?}");
    }
}

#[test]
fn another_process_that_took_over_stops_this_one() {
    let (mut sea, mut dice, pipeline) = (Sea::default(), Dice(7), pipeline(""));
    let mut ship = Ship { sea: &mut sea, dice: &mut dice, mortal: 0, clock: SystemTime::UNIX_EPOCH, wish: false };
    let mut history = History::default();
    begin(&mut history, &pipeline, &mut ship, &Started { version: "1".to_owned(), commit: None }).unwrap();
    let mut other = history.clone();
    resume(&mut other, &pipeline, &mut ship).unwrap();
    let error = drive(&mut history, &pipeline, &mut ship).unwrap_err();
    assert!(matches!(error, ReleaseError::Fenced { fence: 2, own: 1 }), "{error}");
    assert!(sea.ran.is_empty());
}

#[test]
fn versions_mean_nothing_to_a_shell() {
    let (mut sea, mut dice, pipeline) = (Sea::default(), Dice(7), pipeline(""));
    let mut ship = Ship { sea: &mut sea, dice: &mut dice, mortal: 0, clock: SystemTime::UNIX_EPOCH, wish: false };
    for version in ["", "-x", "a b", "$(id)", "a;b", "a\nb", "`id`", "..", "a'b", &"1".repeat(129)] {
        let started = Started { version: version.to_owned(), commit: None };
        let error = begin(&mut History::default(), &pipeline, &mut ship, &started).unwrap_err().to_string();
        assert!(error.contains("is no version"), "{version}: {error}");
    }
    for version in ["1.4.0", "v1", "2026-01-31+b7", "sha256:abc", "release/1", "1.0~rc1"] {
        let started = Started { version: version.to_owned(), commit: None };
        begin(&mut History::default(), &pipeline, &mut ship, &started).unwrap();
    }
}
