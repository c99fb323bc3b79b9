//! Each kind of evidence: what satisfies it, what does not, and why.

use serde_json::{Value, json};

use super::*;
use crate::{Source, file, junit::TestReport};

const DIGEST: &str = "d1";
const COMMIT: &str = "1111111111111111111111111111111111111111";

/// One control `c` with this evidence, and further keys.
fn plan_of(evidence: &str, more: &str) -> Plan {
    let text = format!(
        "[plan]\nversion = 1\nproduct = \"p\"\nowner = \"role:a\"\nreview-by = 2030-01-01\n\
         [[role]]\nid = \"a\"\npeople = [\"ana\"]\nchannel = \"#a\"\n\
         [[control]]\nid = \"c\"\nowner = \"role:a\"\nevidence = [{evidence}]\n{more}\n"
    );
    let reading = file::read(&[Source { name: "plan.toml", text: &text }]);
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    reading.plan
}

/// An entry of the ledger `dev`.
fn entry(seq: u64, day: &str, kind: &str, predicate: Value) -> Statement {
    serde_json::from_value(json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "HEAD", "digest": { "sha256": "ab" } }],
        "predicateType": kind,
        "predicate": predicate,
        "testudo": {
            "ledger": "l1", "environment": "dev", "seq": seq, "prev": "0", "time": format!("{day}T10:00:00Z"), "actor": "ada",
        },
    }))
    .unwrap()
}

/// A scan of the whole project by `secrets` in which nothing is open, with some of its fields replaced.
fn scan(seq: u64, day: &str, changes: &[(&str, Value)]) -> Statement {
    let mut predicate = json!({
        "tool": { "name": "testudo", "version": "0.1.0" },
        "started": "2026-01-10T10:00:00Z",
        "targets": ["."],
        "extent": { "whole": ["."], "base": "." },
        "coverage": [{
            "detector": "secrets", "state": "complete", "rules_digest": DIGEST, "rules": 2, "scope": ["."], "units": 7, "bytes": 70,
        }],
        "commit": COMMIT,
        "summary": {
            "by_severity": {}, "findings": 0, "suppressed": 0, "hidden": 0, "incidents": 0, "complete": true,
        },
        "open": [],
        "notices": {},
    });
    for (pointer, value) in changes {
        *predicate.pointer_mut(pointer).unwrap() = value.clone();
    }
    entry(seq, day, "testudo:scan/v1", predicate)
}

fn open(rule: &str, cwe: u32, path: &str) -> Value {
    let fingerprint = format!("1:{}", "a1".repeat(16));
    json!([{ "fingerprint": fingerprint, "rule": rule, "severity": "high", "cwe": [cwe], "path": path }])
}

struct Tree;

impl Files for Tree {
    fn any(&self, path: &str) -> bool {
        matches!(path, "apps" | "apps/portal" | "doc/door.md")
    }

    fn sha256(&self, path: &str) -> Option<String> {
        (path == "doc/door.md").then(|| "ab".repeat(32))
    }

    fn since(&self, commit: &str, path: Option<&str>) -> Since {
        match (commit, path) {
            (COMMIT, _) => Since::Same,
            ("2222222222222222222222222222222222222222", Some("apps/portal")) => Since::Changed,
            _ => Since::Unknown,
        }
    }
}

/// What is known, on 2026-01-20.
struct Facts {
    statements: Vec<Statement>,
    junit: Vec<TestReport>,
    commit: Option<&'static str>,
    refused: Vec<String>,
    folder: &'static str,
}

fn facts(statements: Vec<Statement>) -> Facts {
    Facts { statements, junit: Vec::new(), commit: None, refused: Vec::new(), folder: "." }
}

impl Facts {
    fn status(self, plan: &Plan) -> (Status, String) {
        let rules = vec![("aws-key".to_owned(), vec![798]), ("off-key".to_owned(), vec![321])];
        let probe = ["probe-csp-missing", "probe-sql-injection-error", "probe-xss-reflected"];
        let attacks = probe.iter().map(|id| ((*id).to_owned(), Vec::new())).collect();
        let rules = [
            RuleSet { detector: DetectorId::Secrets, digest: DIGEST.to_owned(), rules },
            RuleSet { detector: DetectorId::Probe, digest: "p1".to_owned(), rules: attacks },
        ];
        let world = World {
            today: "2026-01-20".parse().unwrap(),
            commit: self.commit,
            folder: self.folder,
            records: &Records::new(self.statements),
            refused: &self.refused,
            junit: &self.junit,
            rules: &rules,
            files: &Tree,
        };
        let judged = judge(plan, &world).controls.remove(0);
        let reasons = judged.evidence.iter().flat_map(|(_, outcome)| outcome.reasons.clone());
        let reasons: Vec<String> = reasons.chain(judged.outcome.reasons).collect();
        (judged.outcome.status, reasons.join("; "))
    }
}

/// The status and a part of the reasons that one piece of evidence has to give.
#[track_caller]
fn check(evidence: &str, statements: Vec<Statement>, status: Status, reason: &str) {
    let (found, reasons) = facts(statements).status(&plan_of(evidence, ""));
    assert_eq!(found, status, "{evidence}: {reasons}");
    assert!(reasons.contains(reason), "{evidence}: {reasons}");
}

const RULE: &str = "{ rule = \"secrets:aws-*\", scope = \"apps/portal\" }";

#[test]
fn a_scan_that_is_not_there_satisfies_nothing() {
    let clean = || scan(3, "2026-01-10", &[]);
    check(RULE, vec![clean()], Status::Satisfied, "entry dev 3 of 2026-01-10T10:00:00Z: no open finding");
    // The same ledger without the entry of the scan.
    check(RULE, vec![], Status::Missing, "no recorded scan with secrets looked at `apps/portal` as a whole");
}

#[test]
fn what_a_scan_did_not_look_at_is_not_satisfied() {
    for (changes, reason) in [
        (("/extent/whole", json!(["apps/shop"])), "1 recorded with it looked at other parts"),
        (("/extent/whole", json!(["apps/por"])), "1 recorded with it looked at other parts"),
        (("/extent/whole", json!([])), "1 recorded with it looked at other parts"),
        (("/extent", Value::Null), "1 recorded with it looked at other parts"),
        (("/coverage/0/state", json!("incomplete")), "secrets did not look at everything"),
        (("/coverage/0/state", json!("not-run")), "no recorded scan with secrets"),
        (("/coverage/0/detector", json!("code")), "no recorded scan with secrets"),
        (("/coverage/0/units", json!(0)), "secrets looked at nothing"),
        (("/coverage/0/rules_digest", json!("d2")), "the rules of that scan are not those of today"),
        (("/summary/complete", json!(false)), "secrets did not look at everything"),
        (("/summary/hidden", json!(2)), "2 findings were below the view"),
        (
            ("/extent", json!({ "whole": ["."], "base": ".", "off": ["aws-key"] })),
            "did not run: there is none, or it is switched off",
        ),
        (("/open", open("aws-key", 798, "apps/portal/a.py")), "open: aws-key (1:a1a1"),
    ] {
        let status = if changes.0 == "/open" { Status::Failing } else { Status::Missing };
        check(RULE, vec![scan(3, "2026-01-10", &[changes])], status, reason);
    }
    for (evidence, reason) in [
        ("{ rule = \"secrets:gcp-*\" }", "a rule `gcp-*` of secrets did not run"),
        ("{ rule = \"code:*\" }", "no recorded scan with code looked at the whole project"),
        ("{ rule = \"secrets:*\", scope = \"apps/prtal\" }", "the project has no file in `apps/prtal`"),
        ("{ cwe = [79] }", "no detector of this version of testudo has a rule for CWE-79"),
        ("{ cwe = [798, 79] }", "no detector of this version of testudo has a rule for CWE-79"),
    ] {
        check(evidence, vec![scan(3, "2026-01-10", &[])], Status::Missing, reason);
    }
}

#[test]
fn findings_count_where_they_match_and_stand_in_the_scope() {
    for (evidence, finding, status) in [
        (RULE, open("aws-key", 798, "apps/portals/a.py"), Status::Satisfied),
        (RULE, open("off-key", 321, "apps/portal/a.py"), Status::Satisfied),
        ("{ cwe = [798] }", open("aws-key", 798, "b.py"), Status::Failing),
        ("{ cwe = [798] }", open("off-key", 321, "b.py"), Status::Satisfied),
        ("{ cwe = [798], scope = \"apps\" }", open("aws-key", 798, "b.py"), Status::Satisfied),
        ("{ cwe = [798], scope = \"apps\" }", open("aws-key", 798, "../b.py"), Status::Failing),
    ] {
        check(evidence, vec![scan(3, "2026-01-10", &[("/open", finding)])], status, "entry dev 3");
    }
    // Paths of findings count from where the scan was started.
    let below = json!({ "whole": ["apps"], "base": "apps" });
    let changes = [("/extent", below), ("/open", open("aws-key", 798, "portal/a.py"))];
    check(RULE, vec![scan(3, "2026-01-10", &changes)], Status::Failing, "portal/a.py");
    let off = json!({ "whole": ["."], "base": ".", "off": ["off-key"] });
    let satisfied = scan(3, "2026-01-10", &[("/extent", off)]);
    check("{ rule = \"secrets:*\" }", vec![satisfied], Status::Satisfied, "switched off: off-key");
}

#[test]
fn a_project_can_be_a_folder_of_the_one_that_was_scanned() {
    let found = |path: &str| vec![scan(3, "2026-01-10", &[("/open", open("aws-key", 798, path))])];
    for (path, evidence, status) in [
        ("apps/portal/a.py", RULE, Status::Satisfied),
        ("shop/apps/portal/a.py", RULE, Status::Failing),
        ("shop/b.py", RULE, Status::Satisfied),
        ("shop/b.py", "{ rule = \"secrets:aws-*\" }", Status::Failing),
        ("b.py", "{ rule = \"secrets:aws-*\" }", Status::Satisfied),
    ] {
        let facts = Facts { folder: "shop", ..facts(found(path)) };
        assert_eq!(facts.status(&plan_of(evidence, "")).0, status, "{path} {evidence}");
    }
}

#[test]
fn the_newest_scan_of_the_commit_counts() {
    let found = || scan(3, "2026-01-10", &[("/open", open("aws-key", 798, "apps/portal/a.py"))]);
    check(RULE, vec![found(), scan(4, "2026-01-11", &[])], Status::Satisfied, "entry dev 4");
    check(RULE, vec![scan(2, "2026-01-09", &[]), found()], Status::Failing, "entry dev 3");
    let other = Some("2222222222222222222222222222222222222222");
    let (status, reasons) = Facts { commit: other, ..facts(vec![found()]) }.status(&plan_of(RULE, ""));
    assert_eq!(status, Status::Missing);
    assert!(reasons.contains("at commit 2222222222"), "{reasons}");
    let (status, _) = Facts { commit: Some(COMMIT), ..facts(vec![found()]) }.status(&plan_of(RULE, ""));
    assert_eq!(status, Status::Failing);
    let refused = vec!["ledger dev is not whole".to_owned()];
    let (_, reasons) = Facts { refused, ..facts(vec![]) }.status(&plan_of(RULE, ""));
    assert!(reasons.contains("ledger dev is not whole"), "{reasons}");
}

#[test]
fn tests_pass_fail_or_are_not_known() {
    let tests = |seq, day, passed: &[&str], failed: &[&str]| {
        let predicate =
            json!({ "result": "FAILED", "passedTests": passed, "failedTests": failed, "warnedTests": ["w"] });
        entry(seq, day, testudo_ledger::predicate::TEST_RESULT, predicate)
    };
    for (name, status, reason) in [
        ("a::b", Status::Satisfied, "entry dev 1 of 2026-01-10T10:00:00Z: the test passed"),
        ("junit:a::b", Status::Satisfied, "the test passed"),
        ("a::c", Status::Failing, "the test failed"),
        ("a", Status::Missing, "no test `a` is known to have run"),
        ("w", Status::Missing, "a warning, which is no pass"),
    ] {
        let evidence = format!("{{ test = \"{name}\" }}");
        check(&evidence, vec![tests(1, "2026-01-10", &["a::b"], &["a::c"])], status, reason);
    }
    let both = vec![tests(1, "2026-01-10", &["x"], &[]), tests(2, "2026-01-11", &[], &["x"])];
    check("{ test = \"x\" }", both, Status::Failing, "entry dev 2");
    let suite = "<testsuite timestamp=\"2026-01-19T00:00:00\"><testcase name=\"x\"/><testcase name=\"y\"><failure/></testcase>\
         <testcase name=\"z\"><skipped/></testcase></testsuite>";
    for (name, more, status) in [
        ("x", "", Status::Satisfied),
        ("x", "max-age = \"1d\"", Status::Satisfied),
        ("y", "", Status::Failing),
        ("z", "", Status::Missing),
    ] {
        let junit = vec![TestReport::parse("results.xml", suite).unwrap()];
        let plan = plan_of(&format!("{{ test = \"{name}\" }}"), more);
        let (found, reasons) = Facts { junit, ..facts(vec![]) }.status(&plan);
        assert_eq!(found, status, "{reasons}");
    }
}

#[test]
fn entries_of_a_ledger() {
    let gate = |verdict: &str| {
        entry(
            5,
            "2026-01-10",
            "testudo:gate/v1",
            json!({ "verdict": verdict, "reasons": [], "scan": 4, "policy": { "settings": {}, "files": {} } }),
        )
    };
    let ask = "{ ledger = \"testudo:gate/v1\" }";
    check(ask, vec![gate("passed")], Status::Satisfied, "entry dev 5 of 2026-01-10T10:00:00Z says `passed`");
    check(ask, vec![gate("failed")], Status::Failing, "says `failed`");
    check(ask, vec![gate("incomplete")], Status::Missing, "says `incomplete`");
    check(ask, vec![], Status::Missing, "no ledger has an entry of type testudo:gate/v1");
    // A gate is about the commit of its scan, whose number it names.
    let asked = |seq, commit| {
        let two = vec![scan(seq, "2026-01-10", &[]), gate("passed")];
        Facts { commit: Some(commit), ..facts(two) }.status(&plan_of(ask, "")).0
    };
    assert_eq!(asked(4, COMMIT), Status::Satisfied);
    assert_eq!(asked(3, COMMIT), Status::Missing);
    assert_eq!(asked(4, "2222222222222222222222222222222222222222"), Status::Missing);
    let other = || entry(6, "2026-01-10", "https://example.org/review", json!({}));
    check("{ ledger = \"https://example.org/review\", for = \"HEAD\" }", vec![other()], Status::Satisfied, "dev 6");
    check("{ ledger = \"https://example.org/review\", for = \"app\" }", vec![other()], Status::Missing, "about `app`");
}

/// A probe of an address, with some of its fields replaced.
fn probe(seq: u64, changes: &[(&str, Value)]) -> Statement {
    let coverage = json!([{
        "detector": "probe", "state": "complete", "rules_digest": "p1", "rules": 3, "units": 90, "bytes": 70,
        "scope": ["https://shop.example/app/ (profile safe)"], "counts": { "inputs": 4 },
    }]);
    let whole = json!({ "whole": [], "base": "." });
    scan(seq, "2026-01-10", &[&[("/coverage", coverage), ("/extent", whole)], changes].concat())
}

#[test]
fn attacks_that_were_tried_and_did_not_work() {
    use Status::{Failing, Missing, Satisfied};
    let xss = "{ dast = \"xss\" }";
    check(xss, vec![], Missing, "no recorded probe: testudo probe URL --record ENV");
    check(xss, vec![scan(1, "2026-01-10", &[])], Missing, "no recorded probe");
    check(xss, vec![probe(1, &[])], Satisfied, "tried on 4 inputs of https://shop.example/app/");
    check("{ dast = \"sql-*\" }", vec![probe(1, &[])], Satisfied, "");
    check("{ dast = \"xs\" }", vec![probe(1, &[])], Missing, "there is no attack `xs`");
    let found = || ("/open", open("probe-xss-reflected", 79, ""));
    check(xss, vec![probe(1, &[found()])], Failing, "1 of its attacks worked");
    // The newest run counts.
    check(xss, vec![probe(1, &[found()]), probe(2, &[])], Satisfied, "");
    check(xss, vec![probe(1, &[("/open", open("probe-sql-injection-error", 89, ""))])], Satisfied, "");
    for (pointer, value, why) in [
        ("/coverage/0/state", json!("incomplete"), "did not come to its end"),
        ("/coverage/0/rules_digest", json!("p0"), "are not those of today"),
        ("/coverage/0/counts", json!({}), "no input was found"),
        ("/summary/hidden", json!(2), "below the view"),
    ] {
        check(xss, vec![probe(1, &[(pointer, value)])], Missing, why);
    }
}

#[test]
fn an_attack_on_an_entry_is_one_on_its_address() {
    let entry = |url: &str| {
        format!(
            "[[zone]]\nid = \"z\"\ntrust = 0\n[[component]]\nid = \"s\"\nkind = \"service\"\nzone = \"z\"\nowner = \"role:a\"\nprocesses = []\n\
             [[entry]]\nid = \"e\"\ncomponent = \"s\"\nwho = [\"anonymous\"]\nauth = \"none\"\n{url}"
        )
    };
    let ask = "{ dast = \"xss\", entry = \"e\" }";
    for (url, status, why) in [
        ("url = \"https://shop.example/app/\"", Status::Satisfied, "tried on 4 inputs"),
        ("url = \"https://shop.example/app/v2\"", Status::Satisfied, ""),
        ("url = \"https://shop.example/app\"", Status::Satisfied, ""),
        ("url = \"https://shop.example/\"", Status::Missing, "no recorded probe of https://shop.example/"),
        ("url = \"https://pay.example/app/\"", Status::Missing, "no recorded probe"),
        ("", Status::Missing, "the entry `e` has no `url`"),
    ] {
        let (found, reasons) = facts(vec![probe(1, &[])]).status(&plan_of(ask, &entry(url)));
        assert_eq!(found, status, "{url}: {reasons}");
        assert!(reasons.contains(why), "{url}: {reasons}");
    }
}

#[test]
fn attestations_hold_for_one_content_and_one_time() {
    let attest = |file: &str, on: &str, expires: &str, digit: &str| {
        let sha256 = digit.repeat(32);
        format!("{{ attest = \"{file}\", by = \"ana\", on = {on}, expires = {expires}, sha256 = \"{sha256}\" }}")
    };
    let door = "doc/door.md";
    for (evidence, status, reason) in [
        (attest(door, "2026-01-01", "2026-01-20", "ab"), Status::Satisfied, "ana vouches for it from 2026-01-01"),
        (attest(door, "2026-01-01", "2026-01-20", "AB"), Status::Satisfied, ""),
        (attest(door, "2026-01-01", "2026-01-19", "ab"), Status::Failing, "ended on 2026-01-19"),
        (attest(door, "2026-01-01", "2026-02-01", "cd"), Status::Failing, "was changed since ana vouched for it"),
        (attest(door, "2026-01-21", "2026-02-01", "ab"), Status::Missing, "from 2026-01-21 on"),
        (attest("doc/none.md", "2026-01-01", "2026-02-01", "ab"), Status::Missing, "there is no such file"),
    ] {
        check(&evidence, vec![], status, reason);
    }
}

#[test]
fn old_evidence_is_stale_and_waivers_end() {
    let clean = || facts(vec![scan(3, "2026-01-10", &[])]);
    assert_eq!(clean().status(&plan_of(RULE, "max-age = \"10d\"")).0, Status::Satisfied);
    let (status, reasons) = clean().status(&plan_of(RULE, "max-age = \"9d\""));
    assert_eq!((status, reasons.contains("it is 10 days old, and may be 9")), (Status::Stale, true), "{reasons}");
    let accept =
        |expires: &str| format!("[[accept]]\ncontrol = \"c\"\nwhy = \"w\"\nowner = \"role:a\"\nexpires = {expires}");
    let (status, reasons) = facts(vec![]).status(&plan_of(RULE, &accept("2026-01-20")));
    assert!(
        status == Status::Waived && reasons.contains("that it is missing is accepted until 2026-01-20"),
        "{reasons}"
    );
    let (status, reasons) = facts(vec![]).status(&plan_of(RULE, &accept("2026-01-19")));
    assert!(status == Status::Failing && reasons.contains("which has passed"), "{reasons}");
    // What is shown needs no waiver.
    assert_eq!(clean().status(&plan_of(RULE, &accept("2026-01-19"))).0, Status::Satisfied);
}

#[test]
fn all_or_any_of_the_evidence_has_to_speak() {
    let both = format!("{RULE}, {{ test = \"x\" }}");
    let clean = || facts(vec![scan(3, "2026-01-10", &[])]);
    assert_eq!(clean().status(&plan_of(&both, "")).0, Status::Missing);
    assert_eq!(clean().status(&plan_of(&both, "require = \"any\"")).0, Status::Satisfied);
    assert_eq!(
        clean().status(&plan_of("", "not-applicable = \"no users\"")),
        (Status::NotApplicable, "no users".to_owned())
    );
    assert!(Status::ALL.is_sorted());
}

#[test]
fn what_a_later_look_at_a_part_found_counts() {
    let part = [("/extent/whole", json!([])), ("/open", open("aws-key", 798, "apps/portal/b.py"))];
    check(RULE, vec![scan(0, "2026-01-18", &[]), scan(1, "2026-01-19", &part)], Status::Failing, "dev 1");
    check(RULE, vec![scan(0, "2026-01-18", &part), scan(1, "2026-01-19", &[])], Status::Satisfied, "dev 1");
    check(RULE, vec![scan(0, "2026-01-18", &part)], Status::Failing, "aws-key");
}

#[test]
fn the_chain_says_which_entry_is_newer_and_nothing_is_of_tomorrow() {
    let found = [("/open", open("aws-key", 798, "apps/portal/b.py"))];
    check(RULE, vec![scan(0, "2029-01-18", &[]), scan(1, "2026-01-19", &found)], Status::Failing, "dev 1");
    check(RULE, vec![scan(0, "2029-01-18", &[])], Status::Missing, "it is dated 2029-01-18, and today is 2026-01-20");
}

#[test]
fn each_environment_is_asked() {
    let mut other = scan(7, "2026-01-10", &[("/open", open("aws-key", 798, "apps/portal/b.py"))]);
    other.testudo.environment = "prod".to_owned();
    other.testudo.ledger = "l2".to_owned();
    check(RULE, vec![scan(0, "2026-01-19", &[]), other], Status::Failing, "prod 7");
}

#[test]
fn what_was_accepted_or_left_out_is_not_clean() {
    let mut accepted = scan(0, "2026-01-19", &[]);
    accepted.predicate["accepted"] = open("aws-key", 798, "apps/portal/b.py");
    check(RULE, vec![accepted], Status::Waived, "1 findings were accepted by files of the project: aws-key");
    let mut narrow = scan(0, "2026-01-19", &[]);
    narrow.predicate["extent"]["narrowed"] = json!(["scan.decode-depth = 0"]);
    check(RULE, vec![narrow], Status::Missing, "scan.decode-depth = 0");
}

#[test]
fn files_that_changed_since_make_a_scan_stale() {
    let old = [("/commit", json!("2222222222222222222222222222222222222222"))];
    check(RULE, vec![scan(0, "2026-01-19", &old)], Status::Stale, "were changed since");
    let gone = [("/commit", json!("3333333333333333333333333333333333333333"))];
    check(RULE, vec![scan(0, "2026-01-19", &gone)], Status::Stale, "does not have that commit");
}

#[test]
fn a_finding_speaks_against_the_control_of_its_own_detector() {
    let mut found = open("semgrep/rules.hardcoded", 798, "apps/portal/b.py");
    found[0]["detector"] = json!("code");
    let event = [("/open", found), ("/extent/whole", json!([]))];
    check(
        "{ rule = \"code:rules.*\" }",
        vec![scan(0, "2026-01-19", &event)],
        Status::Failing,
        "semgrep/rules.hardcoded",
    );
    check("{ rule = \"secrets:*\" }", vec![scan(0, "2026-01-19", &event)], Status::Missing, "no recorded scan");
    check("{ cwe = [798] }", vec![scan(0, "2026-01-19", &event)], Status::Failing, "semgrep/rules.hardcoded");
}

#[test]
fn entries_say_yes_or_no() {
    let gate = |fail_on: &str| {
        let settings = json!({ "gate.fail-on": fail_on });
        json!({ "verdict": "passed", "reasons": [], "scan": 0, "policy": { "settings": settings, "files": {} } })
    };
    let kind = "testudo:gate/v1";
    let evidence = "{ ledger = \"testudo:gate/v1\" }";
    check(evidence, vec![entry(0, "2026-01-19", kind, gate("high"))], Status::Satisfied, "passed");
    check(evidence, vec![entry(0, "2026-01-19", kind, gate("never"))], Status::Missing, "never");
    let found = [("/open", open("aws-key", 798, "x"))];
    let evidence = "{ ledger = \"testudo:scan/v1\" }";
    check(evidence, vec![scan(0, "2026-01-19", &found)], Status::Failing, "1 open");
    check(evidence, vec![scan(0, "2026-01-19", &[])], Status::Satisfied, "dev 0");
    let alert = entry(0, "2026-01-19", "testudo:alert/v1", json!({}));
    check("{ ledger = \"testudo:alert/v1\" }", vec![alert], Status::Failing, "is an alert");
}

#[test]
fn an_entry_that_cannot_be_read_is_named() {
    let whole = [scan(0, "2026-01-10", &[]), entry(1, "2026-01-11", "acme:other/v9", json!(7))];
    assert_eq!(Records::unreadable(&whole), None);
    let newer = entry(2, "2026-01-12", "testudo:scan/v1", json!({ "findings": "in another form" }));
    let all = [&whole[..], &[newer]].concat();
    assert_eq!(Records::unreadable(&all).map(|statement| statement.testudo.seq), Some(2));
}

/// A look at a host, with the results of the checks 1 and 2 of the policy `base`.
fn look(seq: u64, day: &str, (host, tag): (&str, &str), results: [&str; 2]) -> Statement {
    let check = |id: usize, title: &str| json!({ "id": id.to_string(), "title": title, "result": results[id - 1] });
    let predicate = json!({
        "tool": { "name": "testudo-agent", "version": "0.1.0" },
        "host": host,
        "tags": [tag],
        "started": format!("{day}T09:59:00Z"),
        "policies": [
            { "id": "base", "name": "Base", "sha256": "0123456789abcdef", "checks": [check(1, "Root stays out"), check(2, "Logs are kept")] },
            { "id": "other", "name": "Other", "sha256": "00", "not_applicable": "it is for Windows", "checks": [] },
        ],
        "running": [
            { "names": ["node", "portal"], "uids": [1001, 1001, 1001, 1001], "count": 2 },
            { "names": ["cron"], "uids": [0, 0, 0, 0], "count": 1 },
            { "names": ["mail"], "uids": [1003, 1003, 0, 1003], "count": 1 },
        ],
    });
    entry(seq, day, "testudo:host-checks/v1", predicate)
}

#[test]
fn hosts_are_as_they_should_be() {
    let (passed, failed, unknown) = ("passed", "failed", "not-applicable");
    let (web, db) = (("web-1", "portal"), ("db-1", "store"));
    let looks = vec![
        look(0, "2026-01-08", web, [failed, passed]),
        look(1, "2026-01-09", web, [passed, passed]),
        look(2, "2026-01-10", db, [failed, unknown]),
    ];
    for (evidence, status, why) in [
        ("config = \"sca:base:1\", hosts = \"web-*\"", Status::Satisfied, "1 checks passed"),
        ("config = \"sca:base:*root*\", hosts = \"tag:portal\"", Status::Satisfied, "1 checks passed"),
        (
            "config = \"sca:base:1\", hosts = \"web-1\"",
            Status::Satisfied,
            "policy base (0123456789ab): 1 checks passed",
        ),
        ("config = \"sca:*:1\", hosts = \"web-1\"", Status::Missing, "policy other (00): it is for Windows"),
        // Every host counts where none is named.
        (
            "config = \"sca:base:1\"",
            Status::Failing,
            "db-1, entry dev 2 of 2026-01-10T10:00:00Z, policy base (0123456789ab): 1 checks failed",
        ),
        ("config = \"sca:base:2\"", Status::Missing, "nobody can say for sca:base:2 Logs are kept"),
        ("config = \"sca:base:3\", hosts = \"web-1\"", Status::Missing, "has no check `3`"),
        ("config = \"sca:other:*\", hosts = \"web-1\"", Status::Missing, "it is for Windows"),
        ("config = \"sca:base:1\", hosts = \"mail\"", Status::Missing, "no recorded check of a policy `base` on mail"),
        ("config = \"sca:none:1\"", Status::Missing, "testudo agent sca run --record"),
        ("config = \"proc:portal:uid!=0\"", Status::Satisfied, "`portal` runs with the account 1001"),
        ("config = \"proc:portal:uid=1002\"", Status::Failing, "`portal` runs with the account 1001"),
        ("config = \"proc:node:uid!=0\"", Status::Satisfied, "the account 1001"),
        ("config = \"proc:cron:uid!=0\"", Status::Failing, "the account 0"),
        // A process can take back the account that it saved.
        ("config = \"proc:mail:uid!=0\"", Status::Failing, "the account 0"),
        ("config = \"proc:sshd:uid!=0\"", Status::Missing, "no program `sshd` ran"),
    ] {
        check(&format!("{{ {evidence} }}"), looks.clone(), status, why);
    }
    let aged = plan_of("{ config = \"sca:base:1\", hosts = \"web-1\" }", "max-age = \"5d\"");
    assert_eq!(facts(vec![looks[1].clone()]).status(&aged).0, Status::Stale);
    // The same entries as evidence of another kind are no pass where a check failed.
    check("{ ledger = \"testudo:host-checks/v1\" }", looks, Status::Failing, "has 1 checks that failed");
}

#[test]
fn the_newest_look_of_a_host_counts_for_each_policy() {
    let (passed, failed) = ("passed", "failed");
    let base = |seq, day, tag| look(seq, day, ("web-1", tag), [failed, passed]);
    // A later look under another tag, and with another policy only.
    let mut other = base(1, "2026-01-09", "store");
    other.predicate["policies"] = json!([{ "id": "base-2", "name": "B", "sha256": "00", "checks": [{ "id": "1", "title": "t", "result": passed }] }]);
    other.predicate["running"] = Value::Null;
    let looks = || vec![base(0, "2026-01-08", "portal"), other.clone()];
    for (evidence, status, why) in [
        ("config = \"sca:base:1\", hosts = \"tag:portal\"", Status::Missing, "on tag:portal"),
        ("config = \"sca:base:1\", hosts = \"tag:store\"", Status::Failing, "entry dev 0"),
        ("config = \"sca:base-2:1\"", Status::Satisfied, "entry dev 1"),
        ("config = \"sca:base*:1\"", Status::Failing, "policy base (0123456789ab): 1 checks failed"),
        ("config = \"sca:none:1\", hosts = \"web-1\"", Status::Missing, "web-1: no recorded check of a policy `none`"),
        (
            "config = \"proc:portal:uid!=0\"",
            Status::Missing,
            "entry dev 1 of 2026-01-09T10:00:00Z: it could not be told",
        ),
    ] {
        check(&format!("{{ {evidence} }}"), looks(), status, why);
    }
    // A host that is chosen and was never looked at with the policy is no pass either.
    let mut two = look(2, "2026-01-10", ("web-2", "store"), [passed, passed]);
    two.predicate["policies"].as_array_mut().unwrap().remove(1);
    let hosts = "{ config = \"sca:base:2\", hosts = \"web-*\" }";
    check(hosts, vec![two.clone()], Status::Satisfied, "web-2");
    check(hosts, vec![two, other.clone()], Status::Missing, "web-1: no recorded check");
}

#[test]
fn no_ledger_outweighs_another_where_hosts_are_asked() {
    let (web, db) = (("web-1", "portal"), ("db-1", "store"));
    let elsewhere = |mut look: Statement| {
        (look.testudo.environment, look.testudo.ledger) = ("prod".to_owned(), "l2".to_owned());
        look
    };
    let ask = "{ config = \"sca:base:1\" }";
    let fine = || look(0, "2026-01-10", web, ["passed", "passed"]);
    check(ask, vec![fine(), elsewhere(fine())], Status::Satisfied, "entry prod 0");
    for host in [db, web] {
        let unknown = elsewhere(look(0, "2026-01-10", host, ["not-applicable", "passed"]));
        check(ask, vec![fine(), unknown], Status::Missing, "nobody can say for sca:base:1");
    }
}
