//! What is recorded, and that whoever changes it is found out.

use std::fs;

use crate::{Project, key_line};

const LEDGER: &str = ".testudo/ledger/dev.jsonl";

fn recorded(name: &str) -> Option<Project> {
    let project = Project::repository(name)?;
    project.write("a.txt", &key_line('B'));
    project.git(&["add", "a.txt"]).ok();
    project.git(&["commit", "-q", "-m", "one"]).ok();
    project.testudo(&["scan", ".", "--record", "dev", "-q"]).ok();
    project.testudo(&["gate", ".", "--record", "dev", "-q"]).fails(1);
    Some(project)
}

#[test]
fn scans_and_verdicts_are_recorded_without_what_they_found() {
    let Some(project) = recorded("ledger-entries") else { return };
    let shown = project.testudo(&["ledger", "show"]).ok();
    let lines: Vec<&str> = shown.out.lines().collect();
    assert_eq!(lines.len(), 3, "{shown:?}");
    assert!(lines[0].contains("  ada  ") && lines[0].ends_with("scan secrets of .: 1 open"), "{shown:?}");
    assert!(lines[2].contains("gate failed over entry 1: "), "{shown:?}");
    let all = project.testudo(&["ledger", "export", "--format", "statements"]).ok();
    assert!(all.out.contains("aws-access-key-id") && !all.out.contains(&crate::key_of('B')), "{all:?}");
    let gates = project.testudo(&["ledger", "show", "--predicate", "testudo:gate/v1", "--format", "json"]).ok();
    let gates: serde_json::Value = serde_json::from_str(&gates.out).unwrap();
    assert_eq!((gates.as_array().unwrap().len(), &gates[0]["predicate"]["verdict"]), (1, &"failed".into()));
    // What made it pass stands in the entry.
    project.testudo(&["baseline", "create"]).ok();
    project.testudo(&["gate", ".", "--baseline", "testudo.baseline", "--record", "dev", "-q"]).ok();
    let gates = project.testudo(&["ledger", "export", "--predicate", "testudo:gate/v1", "--format", "statements"]).ok();
    let last: serde_json::Value = serde_json::from_str(gates.out.lines().last().unwrap()).unwrap();
    let policy = &last["predicate"]["policy"];
    assert_eq!(policy["files"]["testudo.baseline"].as_str().map(str::len), Some(64), "{policy}");
    assert_eq!(policy["settings"]["ledger.record"], "\"dev\"");
    let before = project.read(LEDGER).lines().count();
    // A plain scan leaves no trace.
    project.testudo(&["scan", ".", "-q"]).ok();
    assert_eq!(project.read(LEDGER).lines().count(), before);
    project.write("testudo.toml", "[ledger]\nrecord = \"dev\"\n");
    project.testudo(&["scan", "."]).ok().says(&["recorded as entry ", "dev.jsonl"]);
    assert_eq!(project.read(LEDGER).lines().count(), before + 1);
}

#[test]
fn what_somebody_accepts_is_recorded() {
    let Some(project) = recorded("ledger-triage") else { return };
    project.write("testudo.toml", "[ledger]\nrecord = \"dev\"\n");
    project.testudo(&["baseline", "create"]).ok();
    project.testudo(&["ledger", "show", "-n", "1"]).ok().says(&["baseline create: 1 accepted, 0 withdrawn in "]);
    project.testudo(&["baseline", "create"]).ok();
    assert_eq!(project.read(LEDGER).lines().count(), 4, "nothing was decided");
    project.write("a.txt", "clean\n");
    project.testudo(&["baseline", "create"]).ok();
    project.testudo(&["ledger", "show", "-n", "1"]).ok().says(&["baseline create: 0 accepted, 1 withdrawn in "]);
    project.testudo(&["ledger", "verify"]).ok().says(&[" 5 entries, "]);
}

#[test]
fn a_changed_ledger_is_not_whole_and_is_not_continued() {
    let Some(project) = recorded("ledger-changed") else { return };
    project.testudo(&["ledger", "verify"]).ok().says(&[
        "whole: ledger ",
        "3 entries, 4 signatures checked",
        "(your own): 3 signatures",
    ]);
    let public = project.testudo(&["ledger", "key"]).ok().out;
    project.write("own.pub", &public);
    project.testudo(&["ledger", "verify", "--key", "own.pub", "--links-only"]).ok().says(&["(own.pub)"]);
    let before = project.read(LEDGER);
    fs::copy(project.path(".testudo/ledger/dev.head.json"), project.path("kept.json")).unwrap();
    let lines: Vec<&str> = before.lines().collect();
    project.write(LEDGER, &format!("{}\n{}\n", lines[0], lines[2]));
    project.testudo(&["ledger", "verify"]).fails(1).says(&["dev.jsonl:2: this line follows a gap: 1 entry"]);
    project.write(LEDGER, &format!("{}\n{}\n", lines[0], lines[1]));
    project
        .testudo(&["ledger", "verify", "--env", "dev", "--head", "kept.json"])
        .fails(1)
        .says(&["the end was cut off"]);
    project.testudo(&["scan", ".", "--record", "dev", "-q"]).fails(2).says(&["cut off"]);
    project.write(LEDGER, &before);
    project.testudo(&["ledger", "verify"]).ok();
    // Both files put back: whoever has seen the newer state knows, until told to forget.
    let head = project.read(".testudo/ledger/dev.head.json");
    project.testudo(&["scan", ".", "--record", "dev", "-q"]).ok();
    project.write(LEDGER, &before);
    project.write(".testudo/ledger/dev.head.json", &head);
    project.testudo(&["ledger", "verify"]).fails(1).says(&["the end was cut off"]);
    project.testudo(&["ledger", "forget"]).ok();
    project.testudo(&["ledger", "verify"]).ok();
    // All of it is gone.
    fs::remove_file(project.path(LEDGER)).unwrap();
    project
        .testudo(&["ledger", "verify"])
        .fails(1)
        .says(&["the ledger is the last one, and a head knows of 3 entries"]);
    // What a stranger writes acts on no terminal.
    let line = "{\"payloadType\":\"\\u001b[2J\",\"payload\":\"\",\"signatures\":[]}\n";
    project.write(LEDGER, line);
    let told = project.testudo(&["ledger", "verify"]).fails(1);
    assert!(!told.out.contains('\u{1b}'), "{told:?}");
}

#[test]
fn a_project_does_not_choose_which_files_of_the_user_are_keys() {
    let Some(project) = recorded("ledger-keys") else { return };
    let outside = project.path("").with_extension("config").join("testudo/ledger.pem");
    project.write("testudo.toml", &format!("[ledger]\nrecord = \"dev\"\nkey = {:?}\n", outside));
    project.testudo(&["scan", ".", "-q"]).fails(2).says(&["leads out of the project"]);
    let mut command = project.command(env!("CARGO_BIN_EXE_testudo"), &["scan", ".", "-q"]);
    command.env("TESTUDO_LEDGER_KEY", &outside);
    crate::Ran::of(command.output().unwrap()).ok();
    let text = fs::read_to_string(&outside).unwrap();
    let secret = text.lines().nth(1).unwrap().to_owned();
    project.write("testudo.toml", "[ledger]\nrecord = \"dev\"\n");
    for (variable, code) in [("TESTUDO_SIGNING_KEY", 0), ("TESTUDO_LEDGER_KEY", 2)] {
        let mut command = project.command(env!("CARGO_BIN_EXE_testudo"), &["scan", ".", "-q"]);
        command.env(variable, format!(" {text}"));
        let ran = crate::Ran::of(command.output().unwrap()).fails(code);
        assert!(!ran.out.contains(&secret) && !ran.err.contains(&secret), "{ran:?}");
    }
    project.testudo(&["ledger", "show", "--env", "../x"]).fails(2).says(&["is no name of an environment"]);
    project.testudo(&["ledger", "verify", "--env", "prod"]).fails(3).says(&["no such ledger"]);
}
