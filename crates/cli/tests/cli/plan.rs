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
