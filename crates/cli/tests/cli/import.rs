//! `testudo import` and `scan --with`: reports of other tools under the same owners, suppressions, baseline and gate.

use crate::{Project, key_line};

/// A report of Semgrep with a finding on each line.
fn semgrep(path: &str, lines: &[u32]) -> String {
    let result = |line: &u32| {
        format!(
            r#"{{"check_id":"rules.py-exec","path":"{path}","start":{{"line":{line},"col":1}},"end":{{"line":{line},"col":5}},
            "extra":{{"message":"exec on line","severity":"ERROR","lines":"exec({line})","metadata":{{}}}}}}"#
        )
    };
    let results: Vec<String> = lines.iter().map(result).collect();
    format!(r#"{{"version":"1.99.0","results":[{}],"errors":[],"paths":{{"scanned":[]}}}}"#, results.join(","))
}

const SOURCE: &str = "exec(1)\nexec(2)  # testudo:ignore semgrep/rules.py-exec -- generated\nexec(3)\n";

fn sample(name: &str) -> Project {
    let project = Project::new(name);
    project.write("testudo.toml", "");
    project.write("CODEOWNERS", "/src/ @acme/web\n");
    project.write("src/a.py", SOURCE);
    project.write("semgrep.json", &semgrep("src/a.py", &[1, 2, 3]));
    project
}

#[test]
fn owners_comments_and_the_gate_apply_to_imported_findings() {
    let project = sample("import-gate");
    let shown = project.testudo(&["import", "semgrep.json"]).ok();
    shown.says(&["2 findings in 2 incidents", "@acme/web", "code (semgrep 1.99.0): 1 report"]);
    project
        .testudo(&["import", "semgrep.json", "--fail-on", "high"])
        .fails(1)
        .says(&["semgrep/rules.py-exec", "FAILED"]);
    project.testudo(&["import", "semgrep.json", "--fail-on", "critical"]).ok();
    let json = project.testudo(&["import", "semgrep.json", "--format", "json"]).ok();
    let report: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(report["findings"][1]["suppressed"]["reason"], "generated");
    assert_eq!(report["coverage"][0]["tool"]["name"], "semgrep");
    assert_eq!(report["summary"]["suppressed"], 1);
}

#[test]
fn accepting_one_report_does_not_accept_the_same_in_another() {
    let project = sample("import-twice");
    project.write("src/a.py", "x\n");
    project.write("one.json", &semgrep("src/a.py", &[1]));
    project.write("two.json", &semgrep("src/a.py", &[1]));
    project.testudo(&["baseline", "create", "--with", "one.json"]).ok().says(&["1 accepted"]);
    let gate = ["--baseline", "testudo.baseline", "--fail-on", "high"];
    project.testudo(&[&["import", "one.json"], &gate[..]].concat()).ok();
    project.testudo(&[&["import", "one.json", "two.json"], &gate[..]].concat()).fails(1);
}

#[test]
fn a_baseline_accepts_what_is_there_and_not_what_is_new() {
    let project = sample("import-baseline");
    project.testudo(&["baseline", "create", "--with", "semgrep.json"]).ok().says(&["2 accepted"]);
    let gate = ["import", "semgrep.json", "--baseline", "testudo.baseline", "--fail-on", "high"];
    project.testudo(&gate).ok();
    // Lines move, and one finding is new.
    project.write("src/a.py", &format!("import os\n\n{SOURCE}exec(4)\n"));
    let moved = semgrep("src/a.py", &[3, 4, 5, 6]).replace("exec(3)", "exec(1)").replace("exec(5)", "exec(3)");
    project.write("semgrep.json", &moved.replace("exec(6)", "exec(9)"));
    project.testudo(&gate).fails(1).says(&["1 finding in 1 incident", "src/a.py:6"]);
}

#[test]
fn reports_join_a_scan_and_neither_hides_the_other() {
    let project = sample("import-with");
    let both = ["scan", ".", "--with", "semgrep.json", "--with", "semgrep.json"];
    project.testudo(&both).ok().says(&["2 findings", "covered: secrets: 3 units", "code (semgrep 1.99.0)"]);
    project.testudo(&["gate", ".", "--with", "semgrep.json"]).fails(1);
    project.write("settings.py", &key_line('Q'));
    project.testudo(&both).ok().says(&["3 findings"]);
    let empty = Project::new("import-with-empty");
    empty.write("report/semgrep.json", &semgrep("a", &[1]));
    std::fs::create_dir_all(empty.path("nothing")).unwrap();
    // Our own scan looked at nothing, whatever the report says.
    empty.testudo(&["scan", "nothing", "--with", "report/semgrep.json"]).fails(3);
}

#[test]
fn what_cannot_be_read_is_never_clean() {
    let project = sample("import-broken");
    project.write("empty.json", "[]");
    project.write("cut.json", "{\"results\": [\n");
    project.write("none.xml", "<testsuites tests=\"0\"/>");
    project.write("passed.xml", "<testsuite><testcase name=\"a\"/></testsuite>");
    project.write("entry.json", &semgrep("src/a.py", &[1]).replace("rules.py-exec", ""));
    for (report, code, said) in [
        ("absent.json", 3, "absent.json: cannot be read"),
        ("src", 3, "is a directory"),
        ("empty.json", 3, "gitleaks=empty.json"),
        ("cut.json", 3, "cut.json:2:1: the JSON ends too early"),
        ("none.xml", 3, "no test case"),
        ("src/a.py", 3, "not valid JSON"),
        ("zizmor=empty.json", 0, "covered: ci (zizmor): 1 report"),
        ("passed.xml", 4, "junit=FILE"),
        ("junit=passed.xml", 0, "1 test"),
        ("entry.json", 4, "it names no check_id"),
    ] {
        project.testudo(&["import", report, "--fail-on", "high"]).fails(code).says(&[said]);
    }
    project.testudo(&["import"]).fails(2);
    project.testudo(&["import", "semgrep.json", "--diff", "HEAD"]).fails(2).says(&["--baseline"]);
    project.testudo(&["import", "semgrep.json", "--show-secrets", "--yes"]).fails(2);
}

#[test]
fn paths_are_those_of_our_own_findings_and_foreign_files_are_not_opened() {
    let project = sample("import-paths");
    let outside = Project::new("import-paths-outside");
    outside.write("a.py", SOURCE);
    let absolute = project.path("src/a.py");
    project.write("absolute.json", &semgrep(absolute.to_str().unwrap(), &[2]));
    project.testudo(&["import", "absolute.json", "-v"]).ok().says(&[
        "src/a.py:2",
        "generated",
        "no findings in what was covered",
    ]);
    let foreign = outside.path("a.py");
    project.write("foreign.json", &semgrep(foreign.to_str().unwrap(), &[2]));
    project.testudo(&["import", "foreign.json"]).ok().says(&["a.py:2", "1 finding in"]);
}

#[test]
fn no_format_shows_a_secret_of_a_report() {
    let project = sample("import-secret");
    let secret = ["q9Zt", "Lm4x", "Vb7k", "Rw2s"].concat();
    let leak = format!(
        r#"[{{"RuleID":"acme-key","Description":"Acme key","StartLine":1,"EndLine":1,"StartColumn":1,"EndColumn":9,
        "Match":"k={secret}","Secret":"{secret}","File":"src/a.py","Commit":"","Message":"add {secret}"}}]"#
    );
    project.write("leaks.json", &leak);
    for format in [
        "terminal",
        "json",
        "jsonl",
        "sarif",
        "junit",
        "gitlab-codequality",
        "gitlab-secrets",
        "github",
        "markdown",
        "csv",
        "html",
    ] {
        let ran = project.testudo(&["import", "leaks.json", "-v", "--format", format]).ok();
        assert!(!ran.out.contains(&secret) && !ran.err.contains(&secret), "{format}: {ran:?}");
        assert!(ran.out.contains("acme-key"), "{format}: {ran:?}");
    }
    project.testudo(&["import", "leaks.json"]).ok().says(&["q9…2s(16)"]);
    // Any rule may quote a line; our own detector knows what is secret in it.
    let key = format!("{}QW3RTYU2IOPAS5DQ", "AKIA");
    project.write("semgrep.json", &semgrep("src/a.py", &[1]).replace("exec on line", &format!("exec of {key}")));
    let ran = project.testudo(&["import", "semgrep.json", "--format", "json"]).ok();
    assert!(!ran.out.contains(&key) && ran.out.contains("exec of AK"), "{ran:?}");
}

#[test]
fn standard_input_is_a_report_too() {
    let project = sample("import-stdin");
    let command = format!("cat semgrep.json | {} import - --format csv", env!("CARGO_BIN_EXE_testudo"));
    let ran = crate::Ran::of(project.command("sh", &["-c", &command]).output().unwrap()).ok();
    assert_eq!(ran.out.lines().count(), 4, "{ran:?}");
}
