//! The board as a user meets it: what it says of a project at each step, and of one whose records cannot be believed.

use std::fs;

use serde_json::Value;

use crate::{Project, key_line};

fn board(project: &Project) -> Value {
    serde_json::from_str(&project.testudo(&["status", "--format", "json"]).ok().out).unwrap()
}

fn phase<'b>(board: &'b Value, name: &str) -> &'b Value {
    board["phases"].as_array().unwrap().iter().find(|phase| phase["phase"] == name).unwrap()
}

/// The command that the board proposes for a phase, run as it is written.
fn run_next(project: &Project, name: &str) -> crate::Ran {
    let board = board(project);
    let line = phase(&board, name)["next"].as_str().unwrap().to_owned();
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words[0], "testudo", "{line}");
    project.testudo(&words[1..])
}

#[test]
fn the_board_leads_from_nothing_to_a_gate_that_holds() {
    let Some(project) = Project::repository("status-steps") else { return };
    project.write("a.txt", &key_line('B'));
    project.git(&["add", "a.txt"]).ok();
    project.git(&["commit", "-q", "-m", "one"]).ok();
    let fresh = board(&project);
    assert!(fresh["phases"].as_array().unwrap().iter().all(|phase| phase["state"] == "not-set-up"), "{fresh}");
    run_next(&project, "plan").ok();
    assert_ne!(phase(&board(&project), "plan")["state"], "not-set-up");
    // What the first gate finds is failing, and once it is gone the phase says so.
    run_next(&project, "code").fails(1);
    assert_eq!(phase(&board(&project), "code")["state"], "failing");
    project.testudo(&["status", "--fail-on", "failing"]).fails(1);
    project.write("a.txt", "clean\n");
    run_next(&project, "code").ok();
    let clean = board(&project);
    assert_eq!(phase(&clean, "code")["state"], "fine", "{clean}");
    // Every form says the same.
    let text = project.testudo(&["status"]).ok();
    assert!(text.out.contains("code    fine"), "{text:?}");
    let page = project.testudo(&["status", "--format", "html"]).ok();
    assert!(page.out.starts_with("<!doctype html>") && page.out.contains("gate passed"), "{page:?}");
}

#[test]
fn records_that_are_not_whole_come_first() {
    let Some(project) = Project::repository("status-broken") else { return };
    project.write("a.txt", "clean\n");
    project.git(&["add", "a.txt"]).ok();
    project.git(&["commit", "-q", "-m", "one"]).ok();
    project.testudo(&["gate", ".", "--record", "dev", "-q"]).ok();
    assert_eq!(phase(&board(&project), "code")["state"], "fine");
    let ledger = ".testudo/ledger/dev.jsonl";
    let first = project.read(ledger).lines().next().unwrap().to_owned() + "\n";
    project.write(ledger, &first);
    let broken = board(&project);
    assert_eq!(broken["next"]["command"], "testudo ledger verify .", "{broken}");
    assert_eq!(phase(&broken, "code")["state"], "not-set-up", "{broken}");
    assert!(broken["refused"][0].as_str().unwrap().contains("is no evidence"), "{broken}");
    project.testudo(&["status", "--fail-on", "failing"]).fails(1);
}

/// A file that cannot be read is told with its name, and is no reason to doubt a ledger.
#[test]
fn what_cannot_be_read_is_told() {
    let project = Project::new("status-unread");
    fs::create_dir_all(project.path("security")).unwrap();
    fs::write(project.path("security/plan.toml"), b"[plan]\nversion = \xff\n").unwrap();
    let board = board(&project);
    let unread = board["unread"][0].as_str().unwrap();
    assert!(unread.contains("plan.toml"), "{board}");
    assert_eq!(phase(&board, "plan")["state"], "failing", "{board}");
    assert_eq!(board["next"]["command"], "testudo plan check .", "{board}");
    project.testudo(&["status"]).ok().says(&["cannot be read: ", "plan.toml"]);
}

/// What a release says of itself out of a ledger that somebody changed is doubted, not repeated.
#[cfg(unix)]
#[test]
fn the_status_of_a_release_doubts_a_changed_ledger() {
    let project = Project::new("status-release");
    project.write(
        "testudo.toml",
        "[[release.prod.stage]]\nid = \"deploy\"\nrun = \"true\"\nrollback = \"true\"\nprobe = \"echo 1\"\n",
    );
    project.testudo(&["release", "run", "prod", "--version", "1"]).ok();
    let ledger = |project: &Project| -> Value {
        let ran = project.testudo(&["release", "status", "prod", "--format", "json"]).ok();
        serde_json::from_str::<Value>(&ran.out).unwrap()["ledger"].clone()
    };
    assert_eq!(ledger(&project), "whole");
    let path = ".testudo/ledger/prod.jsonl";
    let text = project.read(path);
    let cut = text.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    project.write(path, &cut);
    assert!(ledger(&project).as_str().unwrap().contains("is no evidence"), "{}", ledger(&project));
    project.testudo(&["release", "status", "prod"]).ok().says(&["is not shown to be true"]);
}
