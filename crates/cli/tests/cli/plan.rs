//! The security plan, as its author meets it.

use crate::Project;

const SAMPLE: &str = include_str!("../../../plan/src/sample.toml");

#[test]
fn a_plan_is_found_upward_and_its_problems_are_shown_at_their_place() {
    let project = Project::new("plan-check");
    project.testudo(&["plan", "check"]).fails(3).says(&["there is no security/plan.toml"]);
    project.write("security/plan.toml", SAMPLE);
    project.write("apps/portal/main.py", "");
    project.testudo(&["plan", "check"]).ok().says(&["security/plan.toml: 2 components", "no problem"]);
    project.testudo(&["plan", "check", "apps/portal"]).ok();
    project.testudo(&["plan", "check", "security/plan.toml"]).ok();
    project.write("security/plan.toml", &SAMPLE.replace("role:web", "role:wbe").replace("trust = 1", "trsut = 1"));
    let ran = project.testudo(&["plan", "check"]).fails(2);
    let carets = ran.err.lines().filter(|line| line.contains("^^^^")).count();
    assert_eq!(carets, 8, "{}", ran.err);
    ran.says(&[
        "error[PLAN-OWNER]: owner `role:wbe` is no role of the plan",
        "--> security/plan.toml:46:9",
        "did you mean `role:web`?",
        "error[PLAN-KEY]: `trsut` is not a key of [[zone]]",
        "8 problems",
    ]);
    project.testudo(&["plan", "explain"]).fails(2);
}

#[test]
fn a_day_that_has_passed_is_no_error_of_the_text() {
    let project = Project::new("plan-days");
    project.write("security/plan.toml", &SAMPLE.replace("expires = 2099-11-30", "expires = 2020-11-30"));
    project.testudo(&["plan", "check"]).fails(2).says(&["PLAN-ORDER"]);
    let text =
        SAMPLE.replace("expires = 2099-11-30", "expires = 2020-11-30").replace("on = 2026-01-10", "on = 2020-01-10");
    project.write("security/plan.toml", &text);
    project.testudo(&["plan", "check"]).fails(1).says(&[
        "PLAN-EXPIRED-BACKDOOR",
        "PLAN-EXPIRED-ATTESTATION",
        "PLAN-EXPIRED-WAIVER",
        "3 problems",
    ]);
    project.testudo(&["plan", "explain"]).ok().says(&["db: risk 4 = impact 4 x exposure 1: medium"]);
    project.testudo(&["plan", "explain", "--component", "x"]).fails(2).says(&["there is no component `x`"]);
}

#[test]
fn included_files_stay_below_the_plan() {
    let project = Project::new("plan-include");
    let (main, rest) = SAMPLE.split_once("[[control]]").unwrap();
    let with = |glob: &str| format!("include = [\"{glob}\"]\n{main}");
    project.write("security/plan.toml", &with("plan.d/*.toml"));
    project.write("security/plan.d/controls.toml", &format!("[[control]]{rest}"));
    project.testudo(&["plan", "check"]).ok().says(&["4 controls"]);
    project.write("security/plan.d/more.toml", "[[zone]]\nid = \"dmz\"\ntrust = 1\n");
    project.testudo(&["plan", "check"]).fails(2).says(&[
        "PLAN-DUPLICATE",
        "security/plan.d/more.toml:2:6",
        "the first one is at security/plan.toml:35:6",
    ]);
    for (glob, why) in [("../*.toml", "leads out"), ("*/x.toml", "has a star"), ("none/*.toml", "matches no file")] {
        project.write("security/plan.toml", &with(glob));
        project.testudo(&["plan", "check"]).fails(2).says(&["PLAN-INCLUDE", "security/plan.toml:1:12", why]);
    }
}

/// Looks at everything: a ledger does not name what a view hides.
const ALL: [&str; 9] =
    ["scan", "--record", "dev", "-q", "--severity=info", "--confidence=low", "--persona=auditor", ".", "-j1"];

/// A repository with one control that a scan for secrets shows.
fn one_control(name: &str) -> Option<Project> {
    let project = Project::repository(name)?;
    let (head, _) = SAMPLE.split_once("[[use-case]]").unwrap();
    let control = "[[control]]\nid = \"no-keys\"\nrefs = [\"owasp:A02\"]\nowner = \"role:web\"\nmax-age = \"30d\"\n\
        evidence = [{ rule = \"secrets:*\", scope = \"apps/portal\" }]\n";
    // What an entry asks for reads like a password.
    let head =
        head.replace("auth = \"password+mfa\"", "auth = \"mtls\"").replace("auth = \"mtls\"\ncarries", "carries");
    project.write("security/plan.toml", &format!("{head}{control}"));
    project.write("apps/portal/main.py", "print(1)\n");
    project.git(&["add", "."]).ok();
    project.git(&["commit", "-q", "-m", "one"]).ok();
    Some(project)
}

#[test]
fn a_control_is_shown_by_a_recorded_scan_and_by_nothing_else() {
    let Some(project) = one_control("plan-evidence") else { return };
    let status = |arguments: &[&str]| {
        let ran = project.testudo(&[&["plan", "report", "--format", "json"], arguments].concat()).ok();
        let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let control = &report["controls"][0];
        let reasons = control["evidence"][0]["reasons"].to_string();
        (control["status"].as_str().unwrap().to_owned(), reasons)
    };
    assert_eq!(status(&[]).0, "missing");
    project
        .testudo(&["plan", "check", "--evidence"])
        .fails(1)
        .says(&["missing no-keys", "no recorded scan with secrets"]);
    // What looked at less is no evidence.
    project.testudo(&["scan", "--staged", "--record", "dev", "-q", "."]).ok();
    project.testudo(&["scan", "--history", "--record", "dev", "-q", "."]).ok();
    project.testudo(&["scan", "--exclude", "*.py", "--record", "dev", "-q", "."]).ok();
    project.testudo(&["scan", "security", "--record", "dev", "-q"]).ok();
    let (before, reasons) = status(&[]);
    assert!(before == "missing" && reasons.contains("4 recorded with it looked at other parts"), "{reasons}");
    project.testudo(&ALL).ok();
    assert_eq!(status(&[]).0, "satisfied");
    assert_eq!(status(&["--commit", "HEAD"]).0, "satisfied");
    project.testudo(&["plan", "check", "--evidence", "apps/portal"]).ok();
    project.testudo(&["plan", "report", "--fail-on", "stale"]).ok();
    project.git(&["commit", "-q", "--allow-empty", "-m", "two"]).ok();
    assert_eq!(status(&["--commit", "HEAD"]).0, "missing", "a scan of another commit");
    assert_eq!(status(&["--commit", "HEAD~1"]).0, "satisfied");
    // Without the entry of the scan nothing shows it, and a ledger that was cut is no evidence at all.
    let (ledger, head) = (".testudo/ledger/dev.jsonl", ".testudo/ledger/dev.head.json");
    let (entries, signed) = (project.read(ledger), project.read(head));
    let cut: Vec<&str> = entries.lines().take(4).collect();
    project.write(ledger, &(cut.join("\n") + "\n"));
    let (cut, reasons) = status(&[]);
    assert!(cut == "missing" && reasons.contains("ledger dev is not whole and is no evidence"), "{reasons}");
    std::fs::remove_file(project.path(ledger)).unwrap();
    std::fs::remove_file(project.path(head)).unwrap();
    assert_eq!(status(&[]).0, "missing");
    project.write(ledger, &entries);
    project.write(head, &signed);
    assert_eq!(status(&[]).0, "satisfied");
    // A finding in the scope breaks it.
    project.write("apps/portal/main.py", &crate::key_line('B'));
    project.testudo(&ALL).ok();
    let (broken, reasons) = status(&[]);
    assert!(broken == "failing" && reasons.contains("aws-access-key-id"), "{reasons}");
    project.testudo(&["plan", "report", "--fail-on", "failing", "-o", "plan.md"]).fails(1);
    assert!(
        project.read("plan.md").contains("aws-access-key-id") && !project.read("plan.md").contains(&crate::key_of('B'))
    );
}

#[test]
fn scans_that_were_started_below_count_for_what_they_looked_at() {
    let Some(project) = one_control("plan-below") else { return };
    let mut below = project.command(env!("CARGO_BIN_EXE_testudo"), &ALL);
    below.current_dir(project.path("apps"));
    crate::Ran::of(below.output().unwrap()).ok();
    project.testudo(&["plan", "check", "--evidence"]).ok();
    let mut below = project.command(env!("CARGO_BIN_EXE_testudo"), &ALL);
    below.current_dir(project.path("security"));
    crate::Ran::of(below.output().unwrap()).ok();
    project.testudo(&["plan", "check", "--evidence"]).ok();
    project.write("apps/portal/main.py", &crate::key_line('B'));
    let mut below = project.command(env!("CARGO_BIN_EXE_testudo"), &ALL);
    below.current_dir(project.path("apps"));
    crate::Ran::of(below.output().unwrap()).ok();
    project.testudo(&["plan", "check", "--evidence"]).fails(1).says(&["failing no-keys", "portal/main.py"]);
}

#[test]
fn a_scope_without_a_file_that_is_looked_at_is_not_shown() {
    let Some(project) = one_control("plan-scope") else { return };
    let plan = project.read("security/plan.toml");
    project.write(".gitignore", "built/\n");
    project.write("built/a.py", "print(1)\n");
    project.write("apps-old/a.py", "print(1)\n");
    std::fs::create_dir_all(project.path("empty")).unwrap();
    project.testudo(&ALL).ok();
    for (scope, code) in [("apps", 0), ("apps/portal/main.py", 0), ("built", 1), ("empty", 1), ("app", 1), (".git", 1)]
    {
        project.write("security/plan.toml", &plan.replace("apps/portal\" }]", &format!("{scope}\" }}]")));
        project.testudo(&["plan", "check", "--evidence"]).fails(code);
    }
}

#[test]
fn files_of_test_results_are_evidence() {
    let project = Project::new("plan-junit");
    let (head, _) = SAMPLE.split_once("[[use-case]]").unwrap();
    let control =
        "[[control]]\nid = \"expiry\"\nowner = \"role:web\"\nevidence = [{ test = \"junit:auth::expires\" }]\n";
    project.write("security/plan.toml", &format!("{head}{control}"));
    let suite = |inside: &str| {
        format!("<testsuite><testcase classname=\"auth\" name=\"expires\">{inside}</testcase></testsuite>")
    };
    project.write("good.xml", &suite(""));
    project.write("bad.xml", &suite("<failure/>"));
    project.write("none.xml", "<testsuite>");
    project.testudo(&["plan", "check", "--evidence"]).fails(1).says(&["no test `auth::expires` is known"]);
    project.testudo(&["plan", "check", "--evidence", "--junit", "good.xml"]).ok();
    project
        .testudo(&["plan", "check", "--evidence", "--junit", "bad.xml"])
        .fails(1)
        .says(&["bad.xml: the test failed"]);
    project.testudo(&["plan", "check", "--evidence", "--junit", "none.xml"]).fails(2).says(&["none.xml: ends before"]);
    project.testudo(&["plan", "report", "--env", "prod"]).fails(2).says(&["there is no such ledger"]);
}

#[test]
fn a_first_plan_is_written_from_what_the_project_says_and_is_right() {
    let project = Project::new("plan-init");
    project.write("Dockerfile", "FROM node AS build\nUSER root\nFROM node\nUSER 65532\nEXPOSE 3000\n");
    project.write("package.json", "{\"dependencies\": {\"pg\": \"8\"}}");
    project.write("broken.yml", "a: [");
    project.write("test/Dockerfile", "FROM a\nEXPOSE 1\n");
    let arguments =
        ["plan", "init", "--product", "Shop", "--data", "orders=restricted", "--person", "ana", "--channel", "#sec"];
    let ran = project.testudo(&arguments).ok().says(&[
        "2 components (1 web or API, 1 stores), 1 entries (1 on the internet), 1 flows",
        "broken.yml:",
        "was not read",
    ]);
    assert!(!ran.out.contains("assumed:") && !ran.out.contains("not found"), "{ran:?}");
    let plan = project.read("security/plan.toml");
    for line in ["runs-as = \"65532\"", "id = \"postgres\"", "people = [\"ana\"]", "class = \"restricted\""] {
        assert!(plan.contains(line), "{line} is missing in\n{plan}");
    }
    project.testudo(&["plan", "check"]).ok();
    project.testudo(&["plan", "explain"]).ok().says(&["shop: risk 16 = impact 4 x exposure 4: critical"]);
    // It is there now, and what is in it stays.
    project.testudo(&arguments).fails(2).says(&["is there already"]);
    assert_eq!(project.read("security/plan.toml"), plan);
    project.testudo(&["plan", "init", "--data", "orders=secret"]).fails(2).says(&["the class is one of"]);
    // A project that says nothing gets a plan too, and hears what is missing.
    std::fs::create_dir(project.path("empty")).unwrap();
    project.testudo(&["plan", "init", "empty"]).ok().says(&[
        "not found: no web component",
        "not found: no entry on the internet",
        "not found: no store of data",
        "assumed: ada has role `security`",
        "assumed: role `security` is reached at #security",
    ]);
    project.testudo(&["plan", "check", "empty"]).ok();
}

/// A plan of controls, each with one piece of evidence of a host.
fn plan_of_hosts(evidence: &[(&str, &str)]) -> String {
    let (head, _) = SAMPLE.split_once("[[use-case]]").unwrap();
    let head = head.replace("auth = \"mtls\"\ncarries", "carries");
    let control = |(id, config): &(&str, &str)| {
        format!("[[control]]\nid = \"{id}\"\nowner = \"role:web\"\nevidence = [{{ config = \"{config}\" }}]\n")
    };
    evidence.iter().fold(head, |plan, one| plan + &control(one))
}

#[cfg(unix)]
#[test]
fn checks_of_a_host_are_evidence_once_an_agent_recorded_them() {
    let project = Project::new("plan-hosts");
    let controls = [
        ("good", "sca:base:1"),
        ("bad", "sca:base:*is there*"),
        ("gone", "sca:base:3"),
        ("kernel", "proc:none:uid!=0"),
    ];
    project.write("security/plan.toml", &plan_of_hosts(&controls));
    project.write("there", "yes\n");
    let root = project.path(".").display().to_string();
    let check = |id: u32, title: &str, rule: &str| {
        format!("  - id: {id}\n    title: {title}\n    condition: all\n    rules: ['{rule}']\n")
    };
    let policy = format!(
        "policy: {{id: base}}\nchecks:\n{}{}{}",
        check(1, "It says yes", &format!("f:{root}/there -> yes")),
        check(2, "Another is there", &format!("f:{root}/other")),
        check(3, "Nobody can say", &format!("f:{root}/other -> yes")),
    );
    project.write("base.yml", &policy);
    project.write("testudo.toml", "[agent]\nname = \"web-1\"\nstate-dir = \"state\"\n");
    let run = ["agent", "sca", "run", "--record", "base.yml"];
    project.testudo(&run).fails(2).says(&["set [agent.ledger] with `environment`"]);
    project.write(
        "testudo.toml",
        "[agent]\nname = \"web-1\"\nstate-dir = \"state\"\n[agent.ledger]\nenvironment = \"prod\"\n",
    );
    project
        .testudo(&["plan", "check", "--evidence"])
        .fails(1)
        .says(&["missing good", "no recorded check of a policy `base`"]);
    project.testudo(&run).fails(1).says(&["1 passed, 1 failed, 1 not applicable"]);
    // The agent signs with a key of its own, which the project does not trust yet.
    project.testudo(&["plan", "check", "--evidence"]).fails(1).says(&["missing good"]);
    let trusted = project.read("testudo.toml") + "[ledger]\ntrusted = [\"state/agent.pub\"]\n";
    project.write("testudo.toml", &trusted);
    let ran = project.testudo(&["plan", "check", "--evidence"]).fails(1);
    let ran = ran.says(&[
        "failing bad",
        "missing gone",
        "nobody can say for sca:base:3",
        "missing kernel",
        "no program `none` ran",
    ]);
    assert!(!ran.out.contains("good") && ran.out.contains("policy base ("), "{ran:?}");
    // A later look with another policy hides nothing.
    project.write("later.yml", &policy.replace("{id: base}", "{id: later}"));
    project.testudo(&["agent", "sca", "run", "--record", "later.yml"]).fails(1);
    project.testudo(&["plan", "check", "--evidence"]).fails(1).says(&["failing bad", "missing gone"]);
    // The id of the built-in policy is its own.
    project.write("fake.yml", &policy.replace("{id: base}", "{id: testudo_linux}"));
    project
        .testudo(&["agent", "sca", "run", "--record", "fake.yml"])
        .fails(2)
        .says(&["has the id of the built-in one"]);
    project.testudo(&["ledger", "show"]).ok().says(&["checks of host web-1: 1 passed, 1 failed, 1 not applicable"]);
    project.write("other", "yes\n");
    project.testudo(&run).ok().says(&["3 passed, 0 failed, 0 not applicable"]);
    let ran = project.testudo(&["plan", "check", "--evidence"]).fails(1);
    assert!(!ran.out.contains("bad") && !ran.out.contains("gone"), "{ran:?}");
}
