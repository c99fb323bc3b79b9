//! Releases: what is promoted, what goes back, and that a process may be killed at any moment of it.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use testudo_ledger::SigningKey;

use crate::{Project, Ran};

const TOKEN: &str = "opal-Tide-4417/kelp";

/// A pipeline of every kind of stage. Each command notes that it ran; version `bad` fails its final check.
const PIPELINE: &str = r#"
[release.prod]
artifact = ["dist/app"]
lock = "file"
key = "ledger.pem"
secret-env = ["DEPLOY_TOKEN"]

[[release.prod.stage]]
id = "build"
run = "echo build >> runs.log; mkdir -p dist && echo app > dist/app"

[[release.prod.stage]]
id = "test"
needs = ["build"]
run = "echo test >> runs.log; cp results.txt results.xml"
junit = ["results.xml"]
min-tests = 2

[[release.prod.stage]]
id = "scan"
kind = "scan"

[[release.prod.stage]]
id = "gate"
kind = "gate"

[[release.prod.stage]]
id = "deploy"
kind = "deploy"
run = "echo deploy >> runs.log; echo $DEPLOY_TOKEN; echo $VERSION > live"
probe = "cat live"
rollback = "date +%s%N > rollback.time; echo rollback >> runs.log; echo $DEPLOY_TOKEN; echo $PREVIOUS > live"
idempotent = true
settle = "1s"

[[release.prod.stage]]
id = "verify"
kind = "verify"
run = "echo verify >> runs.log; date +%s%N > verify.time; test \"$(cat live)\" != bad"
"#;
const RESULTS: &str =
    r#"<testsuite><testcase classname="s" name="one"/><testcase classname="s" name="two"/></testsuite>"#;

fn project(name: &str) -> Project {
    let project = Project::new(&format!("release-{name}"));
    fill(&project);
    project
}

fn fill(project: &Project) {
    project.write("testudo.toml", PIPELINE);
    project.write("results.txt", RESULTS);
    let pem = SigningKey::generate_pem().unwrap();
    project.write("ledger.pub", &SigningKey::from_pem(&pem, "ledger.pem").unwrap().public().to_pem());
    project.write("ledger.pem", &pem);
    project.write(".testudoignore", "ledger.pem\n");
}

impl Project {
    fn release(&self, arguments: &[&str]) -> Ran {
        self.release_with(arguments, "")
    }

    /// The same, and the process is killed at a point. The exit code of one that a signal ended is -1.
    fn release_with(&self, arguments: &[&str], fault: &str) -> Ran {
        let words: Vec<&str> = ["release"].iter().chain(arguments).copied().collect();
        let mut command = self.command(env!("CARGO_BIN_EXE_testudo"), &words);
        let output = command.env("DEPLOY_TOKEN", TOKEN).env("TESTUDO_FAULT", fault).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.release(&["status", "prod", "--format", "json"]).ok().out).unwrap()
    }

    fn live(&self) -> String {
        self.read("live").trim().to_owned()
    }

    /// Every step of every release, in order.
    fn steps(&self) -> Vec<Value> {
        let all = self.release(&["ledger", "export", "prod", "--format", "statements"]).ok();
        let statements = all.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let release = |statement: &Value| statement["predicateType"] == "testudo:release/v1";
        statements.filter(release).map(|statement| statement["predicate"].clone()).collect()
    }
}

#[test]
fn what_passes_is_promoted_and_what_fails_goes_back() {
    let project = project("whole");
    project.release(&["run", "prod", "--version", "1.0"]).ok().says(&["prod-1: 1.0 promoted", "2 tests ran, 0 failed"]);
    let ran = project.release(&["run", "prod", "--version", "bad"]).fails(3);
    ran.says(&[
        "verify FAILED",
        "rollback passed",
        "the probe reports 1.0",
        "prod-2: bad rolled-back (verify: exit code 1)",
    ]);
    assert_eq!(project.live(), "1.0");
    let time = |name: &str| project.read(name).trim().parse::<i64>().unwrap();
    // The recheck wrote the later time.
    assert!(time("verify.time") > time("rollback.time"));
    let status = project.status();
    assert_eq!((&status["state"], &status["known_good"]), (&"rolled-back".into(), &"1.0".into()), "{status}");
    project.release(&["ledger", "verify", "prod", "--key", "ledger.pub"]).ok();
    // What ended moves nothing any more.
    let before = project.read(".testudo/ledger/prod.jsonl");
    project.release(&["resume", "prod"]).fails(3);
    project.release(&["abort", "prod"]).ok().says(&["nothing is under way"]);
    assert_eq!(project.read(".testudo/ledger/prod.jsonl"), before);
    for entry in walk(&project.path(".testudo")) {
        assert!(!entry.contains(TOKEN), "{entry}");
    }
    project.release(&["run", "prod", "--version", "2.0"]).ok();
    project.release(&["rollback", "prod", "--to", "3.0"]).fails(2).says(&["3.0 was never promoted", "2.0, 1.0"]);
    project.release(&["rollback", "prod"]).ok().says(&["1.0 rolled-back"]);
    assert_eq!((project.live().as_str(), &project.status()["known_good"]), ("1.0", &"1.0".into()));
    project.release(&["rollback", "prod"]).fails(2).says(&["is what was gone back to"]);
    // A key that others hold says nothing about this ledger.
    let other = SigningKey::generate().unwrap();
    project.write("other.pub", &other.public().to_pem());
    project.release(&["ledger", "verify", "prod", "--key", "other.pub"]).fails(1);
}

/// The text of every file below a folder.
fn walk(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(walk(&path));
        } else {
            all.push(String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned());
        }
    }
    all
}

#[test]
fn what_does_not_pass_is_not_deployed() {
    for (name, file, text, why) in [
        ("no-tests", "results.txt", "<testsuite/>", "0 tests ran, 0 failed, and 2 have to run"),
        ("few-tests", "results.txt", "<testsuite><testcase name='a'/></testsuite>", "1 tests ran"),
        (
            "skipped",
            "results.txt",
            "<testsuite><testcase name='a'><skipped/></testcase><testcase name='b'/></testsuite>",
            "1 tests ran",
        ),
        (
            "failing",
            "results.txt",
            "<testsuite><testcase name='a'><failure/></testcase><testcase name='b'/></testsuite>",
            "2 tests ran, 1 failed: a",
        ),
        ("broken", "results.txt", "<testsuite><testcase", "results.xml"),
    ] {
        let project = project(name);
        project.write(file, text);
        project.release(&["run", "prod", "--version", "1.0"]).fails(1).says(&[why, "prod-1: 1.0 rejected"]);
        assert!(!project.path("live").exists(), "{name}");
    }
    let small = project("small");
    small.write("testudo.toml", &PIPELINE.replace("junit = [\"results.xml\"]\nmin-tests = 2\n", ""));
    small.release(&["run", "prod", "--version", "1.0"]).ok().says(&["stage `test` has no `junit`"]);
    let leaking = project("leak");
    leaking.write("a.txt", &crate::key_line('B'));
    leaking.release(&["run", "prod", "--version", "1.0"]).fails(1).says(&["gate FAILED", "rejected"]);
    let changed = project("changed");
    changed.write("testudo.toml", &PIPELINE.replace("cp results.txt", "echo other > dist/app; cp results.txt"));
    changed.release(&["run", "prod", "--version", "1.0"]).fails(1).says(&["artifact dist/app is not what was built"]);
    // Results of an earlier run say nothing about this one, and every pattern has to have some.
    for (name, run, junit, why) in [
        ("stale", "true", "[\"results.xml\"]", "older than this run is results.xml"),
        ("touched", "touch -d 2001-01-01 results.xml", "[\"results.xml\"]", "older than this run is results.xml"),
        ("missing", "cp results.txt results.xml", "[\"results.xml\", \"e2e/*.xml\"]", "no file matches `e2e/*.xml`"),
    ] {
        let project = self::project(name);
        let text = PIPELINE
            .replace("cp results.txt results.xml", run)
            .replace("junit = [\"results.xml\"]", &format!("junit = {junit}"));
        project.write("testudo.toml", &text);
        project.write("results.xml", RESULTS);
        project.release(&["run", "prod", "--version", "1.0"]).fails(1).says(&[why]);
    }
    let suite = project("suite");
    suite.write("results.txt", "<testsuite><error/><testcase name='a'/><testcase name='b'/></testsuite>");
    suite.release(&["run", "prod", "--version", "1.0"]).fails(1).says(&["1 failed: the suite as a whole"]);
}

#[test]
fn the_way_back_leads_to_what_was_good() {
    let project = project("back");
    for version in ["1.0", "2.0", "3.0"] {
        project.release(&["run", "prod", "--version", version]).ok();
    }
    project.release(&["rollback", "prod"]).ok().says(&["2.0 rolled-back"]);
    project.release(&["run", "prod", "--version", "5.0"]).ok();
    project.release(&["rollback", "prod"]).ok().says(&["2.0 rolled-back"]);
    // A way back that failed is not forgotten by what was rejected since.
    project.write("testudo.toml", &PIPELINE.replace("echo $PREVIOUS > live", "exit 9"));
    project.release(&["run", "prod", "--version", "bad"]).fails(4);
    project.write("testudo.toml", PIPELINE);
    project.write("results.txt", "<testsuite/>");
    project.release(&["run", "prod", "--version", "6.0"]).fails(1);
    project.release(&["status", "prod"]).ok().says(&["next: testudo release rollback prod"]);
    assert_eq!(project.status()["ledger"], "whole");
    project.release(&["rollback", "prod"]).ok();
    assert_eq!(project.live(), "2.0");
    // A return whose checks fail is none.
    project.write("testudo.toml", &PIPELINE.replace("!= bad", "!= 1.0"));
    project.release(&["rollback", "prod", "--to", "1.0"]).fails(4).says(&["fails its own checks"]);
    assert_eq!(project.status()["known_good"], "2.0");
}

#[test]
fn no_command_outlives_its_release() {
    for who in ["release", "guard"] {
        let project = project(&format!("orphan-{who}"));
        project.release(&["run", "prod", "--version", "1.0"]).ok();
        let slow = "echo $PPID > guard.pid; echo $$ > shell.pid; sleep 4; echo $VERSION > live";
        project.write("testudo.toml", &PIPELINE.replace("echo $VERSION > live", slow));
        let mut running =
            project.command(env!("CARGO_BIN_EXE_testudo"), &["release", "run", "prod", "--version", "1.1"]);
        let mut running = running.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for(|| fs::read_to_string(project.path("shell.pid")).is_ok_and(|text| text.ends_with('\n')));
        if who == "release" {
            running.kill().unwrap();
            running.wait().unwrap();
            project.release(&["abort", "prod"]).ok().says(&["1.1 rolled-back"]);
        } else {
            assert!(project.command("kill", &["-9", project.read("guard.pid").trim()]).status().unwrap().success());
            assert_eq!(running.wait().unwrap().code(), Some(3));
        }
        gone(&project.read("shell.pid"));
        assert_eq!((project.live().as_str(), &project.status()["state"]), ("1.0", &"rolled-back".into()));
    }
}

#[test]
fn nothing_that_is_kept_holds_a_secret() {
    let project = project("masked");
    project.write("testudo.toml", &PIPELINE.replace("probe = \"cat live\"", "probe = \"echo $DEPLOY_TOKEN\""));
    project.write("results.txt", &RESULTS.replace("one", TOKEN));
    let ran = project.release(&["run", "prod", "--version", "1.0"]).fails(4);
    assert!(!ran.out.contains(TOKEN) && !ran.err.contains(TOKEN), "{ran:?}");
    let all = project.release(&["ledger", "export", "prod", "--format", "statements"]).ok();
    assert!(!all.out.contains(TOKEN) && all.out.contains("***"), "{all:?}");
}

#[test]
fn a_ledger_that_was_cut_or_taken_away_decides_nothing() {
    let project = project("cut");
    project.release(&["run", "prod", "--version", "1.0"]).ok();
    let path = ".testudo/ledger/prod.jsonl";
    // Only the break of the last line is missing: that is all there, and counts.
    let whole = project.read(path);
    project.write(path, whole.trim_end());
    project.release(&["resume", "prod"]).ok();
    assert_eq!(project.read(path), whole);
    let moved: Vec<&str> = whole.lines().skip(1).chain(whole.lines().take(1)).collect();
    project.write(path, &(moved.join("\n") + "\n"));
    project.release(&["run", "prod", "--version", "2.0"]).fails(2).says(&["prod.jsonl:"]);
    fs::remove_dir_all(project.path(".testudo/ledger")).unwrap();
    project.release(&["run", "prod", "--version", "2.0"]).fails(2);
    assert_eq!(project.live(), "1.0");
}

#[test]
fn a_deployment_that_does_not_arrive_goes_back() {
    let project = project("arrive");
    project.release(&["run", "prod", "--version", "1.0"]).ok();
    project.write("testudo.toml", &PIPELINE.replace("echo $VERSION > live", "true"));
    project.release(&["run", "prod", "--version", "1.1"]).fails(3).says(&["the probe reports 1.0, and not 1.1"]);
    project.write("testudo.toml", &PIPELINE.replace("echo $VERSION > live", "echo $VERSION > live; exit 7"));
    project.release(&["run", "prod", "--version", "1.2"]).fails(3).says(&["exit code 7"]);
    assert_eq!(project.live(), "1.0");
    // Nobody knows what runs where the way back fails.
    project.write("testudo.toml", &PIPELINE.replace("echo $PREVIOUS > live", "exit 9"));
    project.release(&["run", "prod", "--version", "bad"]).fails(4).says(&["prod-4: bad rollback-failed"]);
    project.write("testudo.toml", PIPELINE);
    project.release(&["status", "prod"]).ok().says(&["next: testudo release rollback prod"]);
    project.release(&["rollback", "prod"]).ok();
    assert_eq!(project.live(), "1.0");
    let first = self::project("first");
    first.release(&["run", "prod", "--version", "bad"]).fails(4).says(&["no version was ever promoted"]);
}

#[test]
fn one_process_works_at_a_time_and_stops_when_it_is_asked_to() {
    let project = project("abort");
    project.release(&["run", "prod", "--version", "1.0"]).ok();
    let slow = |kind: &str| PIPELINE.replace(kind, &format!("{kind} sleep 60 & echo $! > sleep.pid; wait; "));
    for (at, state, live) in
        [("echo test >> runs.log;", "rejected", "1.0"), ("echo $VERSION > live", "rolled-back", "1.0")]
    {
        let text = if at.starts_with("echo test") {
            slow(at)
        } else {
            PIPELINE.replace(at, &format!("{at}; sleep 60 & echo $! > sleep.pid; wait"))
        };
        project.write("testudo.toml", &text);
        fs::remove_file(project.path("sleep.pid")).ok();
        let mut running =
            project.command(env!("CARGO_BIN_EXE_testudo"), &["release", "run", "prod", "--version", "1.1"]);
        let mut running = running.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for(|| fs::read_to_string(project.path("sleep.pid")).is_ok_and(|text| text.ends_with('\n')));
        project
            .release(&["run", "prod", "--version", "1.2"])
            .fails(6)
            .says(&["another process works on the releases of `prod`"]);
        assert_eq!(project.status()["running"], true);
        project.release(&["abort", "prod", "--reason", "wrong day"]).ok().says(&["asked the process"]);
        running.wait().unwrap();
        let status = project.status();
        assert_eq!((&status["state"], &status["known_good"]), (&state.into(), &"1.0".into()), "{status}");
        assert!(status["reason"].as_str().unwrap().contains("wrong day (ada)"), "{status}");
        assert_eq!(project.live(), live);
        gone(&project.read("sleep.pid"));
    }
}

#[track_caller]
fn wait_for(mut until: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !until() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it did not happen");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A process is gone, or only its parent has not heard of it yet.
#[track_caller]
fn gone(pid: &str) {
    let path = Path::new("/proc").join(pid.trim()).join("stat");
    wait_for(|| fs::read_to_string(&path).map_or(true, |stat| stat.contains(") Z ")));
}

#[test]
fn a_deployment_in_doubt_waits_for_people() {
    let project = project("doubt");
    project.write("testudo.toml", &PIPELINE.replace("idempotent = true", ""));
    project.release(&["run", "prod", "--version", "1.0"]).ok();
    // Killed before the command changed anything: the seventh command is the probe.
    project.write(
        "testudo.toml",
        &PIPELINE.replace("idempotent = true", "").replace("echo $VERSION > live", "sleep 5; echo $VERSION > live"),
    );
    assert_eq!(project.release_with(&["run", "prod", "--version", "1.1"], "kill@command.during:3").code, -1);
    let ran = project.release(&["resume", "prod"]).fails(5);
    ran.says(&["the probe reports 1.0", "testudo release abort prod", "sleep 5; echo $VERSION > live"]);
    project.release(&["run", "prod", "--version", "1.2"]).fails(6).says(&["has not ended: it is in-doubt"]);
    project.write("live", "1.1\n");
    project.release(&["resume", "prod"]).ok().says(&["prod-2: 1.1 promoted"]);
    assert_eq!(project.release_with(&["run", "prod", "--version", "1.2"], "kill@command.during:3").code, -1);
    project.release(&["resume", "prod"]).fails(5);
    project.release(&["abort", "prod"]).ok().says(&["1.2 rolled-back"]);
    assert_eq!(project.live(), "1.1");
}

#[test]
fn the_configuration_is_refused_with_its_places() {
    let project = project("config");
    for (from, to, said) in [
        ("min-tests = 2", "min-tests = 0", "`min-tests` is 0"),
        ("settle = \"1s\"", "settle = \"soon\"", "`settle` is no time"),
        ("lock = \"file\"", "lock = \"hub\"", "`hub`"),
        ("needs = [\"build\"]", "needs = [\"gate\"]", "no earlier stage is named `gate`"),
        ("probe = \"cat live\"", "", "needs `probe`"),
        ("id = \"scan\"\nkind = \"scan\"", "id = \"scan\"\nkind = \"scam\"", "did you mean `scan`?"),
        ("id = \"scan\"", "id = \"build\"", "two stages have the id `build`"),
        ("id = \"verify\"", "id = \"rollback\"", "`rollback` is the name of a step that every release has"),
        ("secret-env", "secret-envs", "did you mean `secret-env`?"),
        ("kind = \"verify\"", "kind = \"run\"\njunit = [\"x\"]", "`junit` has no meaning for this stage"),
    ] {
        assert!(PIPELINE.contains(from), "{from}");
        project.write("testudo.toml", &PIPELINE.replacen(from, to, 1));
        project.release(&["run", "prod", "--version", "1"]).fails(2).says(&[said, "testudo.toml:"]);
    }
    project.write("testudo.toml", PIPELINE);
    project
        .release(&["run", "staging", "--version", "1"])
        .fails(2)
        .says(&["there is no [release.staging]: it has prod"]);
    project.release(&["run", "prod", "--version", "$(id)"]).fails(2).says(&["is no version"]);
    // Other commands read the same file.
    project.testudo(&["scan", "."]).ok();
}

/// One way that a process was killed.
struct Case {
    version: &'static str,
    point: &'static str,
}

/// A process is killed at every entry that it adds, in each of three ways, and at every command that it runs, in each of two.
/// Whatever it was doing then, going on ends where it would have ended.
#[test]
fn a_release_survives_being_killed_at_any_moment() {
    let base = project("matrix");
    base.release(&["run", "prod", "--version", "1.0"]).ok();
    fs::write(base.path("runs.log"), "").unwrap();
    let points = ["append.torn", "append.unsynced", "append.done", "command.during", "command.done"];
    let cases: Vec<Case> =
        ["1.1", "bad"].iter().flat_map(|version| points.iter().map(|point| Case { version, point })).collect();
    let (next, killed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    killed.fetch_add(all_times(&base, case), Ordering::Relaxed);
                }
            });
        }
    });
    // 18 or 22 entries in three ways, 5 or 9 commands in two: fewer would mean that a point was not reached.
    assert!(killed.load(Ordering::Relaxed) >= 140, "{killed:?}");
}

/// Kills at the first, second, third time that the point is reached, until it is not reached any more.
fn all_times(base: &Project, case: &Case) -> usize {
    for time in 1.. {
        let name = format!("release-{}-{}-{time}", case.version, case.point);
        let project = Project::new(&name);
        copy(&base.0, &project.0);
        let fault = format!("kill@{}:{time}", case.point);
        let ran = project.release_with(&["run", "prod", "--version", case.version], &fault);
        let expected = if case.version == "bad" { 3 } else { 0 };
        if ran.code != -1 {
            assert_eq!(ran.code, expected, "{fault}: {ran:?}");
            return time - 1;
        }
        let begun = project.status()["version"] == case.version;
        let again = if begun {
            project.release(&["resume", "prod"])
        } else {
            project.release(&["run", "prod", "--version", case.version])
        };
        assert_eq!(again.code, expected, "{fault}: {again:?}");
        invariants(&project, case, &fault);
    }
    unreachable!("a release has an end")
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

fn invariants(project: &Project, case: &Case, fault: &str) {
    let good = if case.version == "bad" { "1.0" } else { case.version };
    let status = project.status();
    // One version is the known good one, and it is the one in service.
    assert_eq!(status["known_good"], good, "{fault}: {status}");
    assert_eq!(project.live(), good, "{fault}");
    project.release(&["ledger", "verify", "prod", "--key", "ledger.pub"]).ok();
    let steps = project.steps();
    let mut promoted: Vec<&Value> =
        steps.iter().filter(|step| step["state"] == "promoted").map(|step| &step["version"]).collect();
    promoted.dedup();
    let expected: Vec<Value> = if good == "1.0" { vec!["1.0".into()] } else { vec!["1.0".into(), good.into()] };
    assert_eq!(promoted, expected.iter().collect::<Vec<_>>(), "{fault}");
    // What has an outcome does not run again, and nothing runs that was not announced.
    let (mut ended, mut announced) = (BTreeMap::<String, bool>::new(), BTreeMap::<String, usize>::new());
    for step in steps.iter().filter(|step| step["release"] != "prod-1") {
        let stage = step["step"]["stage"].as_str().unwrap_or_default().to_owned();
        match step["step"]["kind"].as_str().unwrap() {
            "intent" => {
                assert!(!ended.contains_key(&stage), "{fault}: {stage} ran again");
                *announced.entry(if stage == "recheck" { "verify".to_owned() } else { stage }).or_default() += 1;
            }
            "outcome" => drop(ended.insert(stage, true)),
            _ => {}
        }
    }
    let ran = project.read("runs.log");
    for stage in ["build", "test", "deploy", "verify", "rollback"] {
        let times = ran.lines().filter(|line| *line == stage).count();
        assert!(
            times <= announced.get(stage).copied().unwrap_or(0),
            "{fault}: {stage} ran {times} times, {announced:?}"
        );
    }
    for text in walk(&project.path(".testudo")) {
        assert!(!text.contains(TOKEN), "{fault}");
    }
    // It is over: nothing more happens.
    let before = steps.len();
    project.release(&["resume", "prod"]);
    assert_eq!(project.steps().len(), before, "{fault}");
}
