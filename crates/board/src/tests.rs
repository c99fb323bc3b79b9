//! What a board says, from entries and files.

use serde_json::json;
use testudo_ledger::{Place, Statement, Subject, predicate};
use testudo_policy::Date;

use crate::{Board, Facts, Found, Look, PlanFacts, State, page, text};

fn statement(seq: u64, day: &str, kind: &str, predicate: serde_json::Value) -> Statement {
    Statement {
        kind: "https://in-toto.io/Statement/v1".to_owned(),
        subject: vec![Subject::new("x", "sha256", "00")],
        predicate_type: kind.to_owned(),
        predicate,
        testudo: Place {
            ledger: "l".to_owned(),
            environment: "dev".to_owned(),
            seq,
            prev: String::new(),
            time: format!("{day}T10:00:00Z"),
            actor: "ada".to_owned(),
        },
    }
}

fn scan(seq: u64, day: &str, detector: &str, state: &str) -> Statement {
    let coverage = json!([{ "detector": detector, "state": state, "rules_digest": "", "rules": 1, "scope": [], "units": 3, "bytes": 9 }]);
    let summary = serde_json::to_value(testudo_model::Summary::default()).unwrap();
    let mut event = json!({
        "tool": { "name": "testudo", "version": "1" }, "started": "", "targets": ["."], "coverage": coverage,
        "open": [], "notices": {},
    });
    event["summary"] = summary;
    statement(seq, day, predicate::SCAN, event)
}

fn gate(seq: u64, of: u64, verdict: &str) -> Statement {
    let predicate = json!({ "verdict": verdict, "reasons": [], "scan": of, "policy": { "settings": {}, "files": {} } });
    statement(seq, "2026-01-10", predicate::GATE, predicate)
}

fn release(seq: u64, version: &str, state: &str, step: serde_json::Value) -> Statement {
    let predicate = json!({ "release": "dev-1", "version": version, "fence": 1, "state": state, "step": step });
    statement(seq, "2026-01-10", predicate::RELEASE, predicate)
}

fn board(statements: &[Statement], found: Found, plan: Option<PlanFacts>) -> Board {
    Board::of(&Facts {
        product: "tide <table>".to_owned(),
        today: Date::new(2026, 1, 12).unwrap(),
        max_age: 30,
        statements,
        refused: &[],
        unread: &[],
        here: ".".to_owned(),
        changed: &|commit| (commit == "old").then_some(true),
        plan,
        found,
        owners: &|path| if path == "." { vec!["@acme/sea".to_owned()] } else { Vec::new() },
    })
}

fn state(board: &Board, name: &str) -> (State, String) {
    let phase = board.phases.iter().find(|phase| phase.phase == name).unwrap();
    (phase.state, phase.next.clone().unwrap_or_default())
}

#[test]
fn what_nobody_looked_at_is_not_fine() {
    let board = board(&[], Found::default(), None);
    let names: Vec<&str> = board.phases.iter().map(|phase| phase.phase).collect();
    assert_eq!(names, ["plan", "code", "build", "test", "deploy", "run", "update"]);
    assert!(board.phases.iter().all(|phase| phase.state == State::NotSetUp && phase.next.is_some()), "{board:?}");
    assert_eq!(board.next.unwrap().command, "testudo gate --record dev .", "what is useful at once comes first");
}

#[test]
fn evidence_decides_and_grows_old() {
    let hook = || Found { hook: true, ..Found::default() };
    for (statements, expected, next) in [
        (vec![scan(0, "2026-01-10", "secrets", "complete"), gate(1, 0, "passed")], State::Fine, ""),
        (
            vec![scan(0, "2026-01-10", "secrets", "complete"), gate(1, 0, "failed")],
            State::Failing,
            "testudo gate --record dev .",
        ),
        (
            vec![scan(0, "2026-01-10", "secrets", "complete"), gate(1, 0, "incomplete")],
            State::Attention,
            "testudo gate --record dev .",
        ),
        (vec![scan(0, "2026-01-10", "secrets", "complete")], State::Attention, "testudo gate --record dev ."),
        (vec![scan(0, "2026-01-10", "secrets", "incomplete")], State::Attention, "testudo gate --record dev ."),
        (
            vec![scan(0, "2025-11-10", "secrets", "complete"), gate(1, 0, "passed")],
            State::Stale,
            "testudo gate --record dev .",
        ),
        // A later scan without a verdict counts, and not an earlier one with one.
        (
            vec![
                scan(0, "2026-01-09", "secrets", "complete"),
                gate(1, 0, "passed"),
                scan(2, "2026-01-11", "secrets", "complete"),
            ],
            State::Attention,
            "testudo gate --record dev .",
        ),
        // What another detector looked at says nothing about the code.
        (
            vec![scan(0, "2026-01-10", "deps", "complete"), gate(1, 0, "passed")],
            State::NotSetUp,
            "testudo gate --record dev .",
        ),
    ] {
        let board = board(&statements, hook(), None);
        assert_eq!(state(&board, "code"), (expected, next.to_owned()), "{board:?}");
    }
    let board = board(&[scan(0, "2026-01-10", "deps", "complete"), gate(1, 0, "passed")], hook(), None);
    assert_eq!(state(&board, "update").0, State::Fine);
}

#[test]
fn a_release_that_waits_for_people_is_the_next_step() {
    let begun = json!({ "kind": "begun", "pipeline": "p" });
    let promoted = [
        release(0, "1", "planned", begun.clone()),
        release(1, "1", "promoted", json!({ "kind": "ended", "reason": "r" })),
    ];
    let fine = board(&promoted, Found::default(), None);
    assert_eq!(state(&fine, "deploy").0, State::Fine);
    assert!(fine.phases[4].verdict.contains("known good: 1"), "{fine:?}");
    let doubt =
        [release(0, "2", "planned", begun), release(1, "2", "in-doubt", json!({ "kind": "ended", "reason": "r" }))];
    let doubt = board(&doubt, Found::default(), None);
    assert_eq!(doubt.next.unwrap().command, "testudo release resume dev");
}

#[test]
fn a_plan_is_as_good_as_its_controls() {
    let of = |plan: PlanFacts| state(&board(&[], Found::default(), Some(plan)), "plan").0;
    let plan = |open, failing| PlanFacts {
        controls: vec![("satisfied", 2)],
        components: 1,
        open,
        failing,
        ..PlanFacts::default()
    };
    assert_eq!(of(plan(0, 0)), State::Fine);
    assert_eq!(of(plan(1, 0)), State::Attention);
    assert_eq!(of(plan(1, 1)), State::Failing);
    assert_eq!(of(PlanFacts { problems: 1, ..plan(0, 0) }), State::Failing);
    assert_eq!(of(PlanFacts::default()), State::Attention, "a plan without a control shows nothing");
    assert_eq!(of(PlanFacts { components: 0, ..plan(0, 0) }), State::Attention, "a plan of nothing shows nothing");
}

/// The same entry in another environment.
fn elsewhere(mut statement: Statement) -> Statement {
    statement.testudo.environment = "prod".to_owned();
    statement.testudo.ledger = "l2".to_owned();
    statement
}

#[test]
fn no_environment_speaks_for_another() {
    let bad = json!({ "kind": "ended", "reason": "r" });
    let statements = [elsewhere(release(0, "1", "rollback-failed", bad.clone())), release(5, "1", "promoted", bad)];
    let board = board(&statements, Found::default(), None);
    let deploy = &board.phases[4];
    assert_eq!((deploy.state, deploy.environments.len()), (State::Failing, 2), "{deploy:?}");
    assert_eq!(board.next.unwrap().command, "testudo release rollback prod");
}

#[test]
fn the_chain_says_what_is_newer_and_a_part_is_not_the_whole() {
    let hook = || Found { hook: true, ..Found::default() };
    let mut part = scan(2, "2026-01-11", "secrets", "complete");
    part.predicate["extent"] = json!({ "whole": ["sub"], "base": "." });
    let failed =
        [scan(0, "2026-01-10", "secrets", "complete"), gate(1, 0, "failed"), part.clone(), gate(3, 2, "passed")];
    // The gate failed for what it found; nothing here says that this was found by secrets alone.
    let mut open = failed.clone();
    open[0].predicate["open"] =
        json!([{ "fingerprint": format!("1:{}", "a1".repeat(16)), "rule": "r", "severity": "high" }]);
    assert_eq!(
        state(&board(&open, hook(), None), "code").0,
        State::Failing,
        "a look at a part says nothing of the whole"
    );
    let ahead = [scan(0, "2029-01-10", "secrets", "complete"), gate(1, 0, "passed")];
    assert_eq!(state(&board(&ahead, hook(), None), "code").0, State::Attention);
    let mut newer = vec![scan(0, "2029-01-10", "secrets", "complete"), gate(1, 0, "passed")];
    newer.extend([scan(2, "2026-01-10", "secrets", "incomplete"), gate(3, 2, "failed")]);
    assert_eq!(state(&board(&newer, hook(), None), "code").0, State::Failing);
    let mut old = scan(0, "2026-01-10", "secrets", "complete");
    old.predicate["commit"] = json!("old");
    assert_eq!(state(&board(&[old, gate(1, 0, "passed")], hook(), None), "code").0, State::Stale);
}

#[test]
fn each_detector_answers_for_its_own() {
    let mut both = scan(0, "2026-01-10", "secrets", "complete");
    let ci = json!({ "detector": "ci", "state": "complete", "rules_digest": "", "rules": 1, "scope": [], "units": 3, "bytes": 9 });
    both.predicate["coverage"].as_array_mut().unwrap().push(ci);
    both.predicate["open"] = json!([{ "fingerprint": format!("1:{}", "a1".repeat(16)), "rule": "r", "severity": "high", "detector": "secrets" }]);
    let board = board(&[both, gate(1, 0, "failed")], Found { hook: true, ..Found::default() }, None);
    assert_eq!((state(&board, "code").0, state(&board, "build").0), (State::Failing, State::Fine));
}

/// A look at a host of which so many checks failed.
fn host(seq: u64, day: &str, name: &str, failed: usize) -> Statement {
    let check = |at: usize| {
        let result = if at < failed { "failed" } else { "passed" };
        json!({ "id": at.to_string(), "title": "t", "result": result })
    };
    let policy = json!({ "id": "p", "name": "P", "sha256": "00", "checks": (0..3).map(check).collect::<Vec<_>>() });
    let tool = json!({ "name": "testudo-agent", "version": "0.1.0" });
    let event = json!({ "tool": tool, "host": name, "started": "2026-01-10T10:00:00Z", "policies": [policy] });
    statement(seq, day, predicate::HOST, event)
}

#[test]
fn every_host_counts_by_its_newest_look() {
    let run = |statements: &[Statement]| {
        let board = board(statements, Found::default(), None);
        let phase = board.phases.into_iter().find(|phase| phase.phase == "run").unwrap();
        (phase.state, phase.verdict)
    };
    let (web, db) = (host(0, "2026-01-10", "web-1", 2), host(1, "2026-01-10", "db-1", 0));
    let said = run(&[web.clone(), db.clone()]);
    assert_eq!(said, (State::Attention, "2 checks failed on 1 of 2 hosts".to_owned()));
    let mended = host(2, "2026-01-11", "web-1", 0);
    assert_eq!(run(&[web, db.clone(), mended.clone()]).0, State::Fine);
    let with = |seq, policy: &str, results: [&str; 2]| {
        let mut look = host(seq, "2026-01-11", "web-1", 0);
        let checks = results.map(|result| json!({ "id": "1", "title": "t", "result": result }));
        look.predicate["policies"] = json!([{ "id": policy, "name": "P", "sha256": "00", "checks": checks }]);
        look
    };
    // A look at one policy does not end what another says.
    let both = [host(0, "2026-01-10", "web-1", 2), with(1, "q", ["passed", "passed"])];
    assert_eq!(run(&both), (State::Attention, "2 checks failed on 1 of 1 hosts".to_owned()));
    let undecided = "no check could be decided on 1 hosts; 2 checks were not applicable".to_owned();
    assert_eq!(run(&[with(0, "q", ["not-applicable"; 2]), db.clone()]), (State::Attention, undecided));
    let partly = run(&[with(0, "q", ["passed", "not-applicable"])]);
    assert_eq!(partly, (State::Fine, "no check of a host failed; 1 checks were not applicable".to_owned()));
    let mut not_for = with(0, "q", ["passed"; 2]);
    not_for.predicate["policies"][0]["checks"] = json!([]);
    assert_eq!(run(&[not_for]), (State::Attention, "no check could be decided on 1 hosts".to_owned()));
    // One host that nobody looked at for long is enough.
    assert_eq!(run(&[host(0, "2025-11-01", "web-1", 0), db, host(2, "2026-01-11", "mail", 0)]).0, State::Stale);
}

#[test]
fn names_of_others_never_become_commands() {
    assert_eq!(crate::phases::typed("prod; rm -rf x"), "'prod; rm -rf x'");
    assert_eq!(crate::phases::typed("it's"), "'it'\\''s'");
    let found = Found { releases: vec!["prod; x #".to_owned()], ..Found::default() };
    assert_eq!(state(&board(&[], found, None), "deploy").1, "testudo release run 'prod; x #' --version VERSION");
}

#[test]
fn texts_of_others_act_on_nothing() {
    let mut hostile = scan(0, "2026-01-10", "secrets", "complete");
    hostile.predicate["coverage"][0]["tool"] = json!({ "name": "\u{1b}[2J<script>", "version": "1" });
    let board = board(&[hostile], Found::default(), None);
    let shown = text(&board, Look::Plain);
    assert!(!shown.contains('\u{1b}') && shown.contains("tide <table>"), "{shown}");
    let page = page(&board);
    assert!(!page.contains("<script") && !page.contains("<table>") && page.contains("&lt;table&gt;"), "{page}");
}
