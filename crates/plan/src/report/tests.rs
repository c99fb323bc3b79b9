//! The report: what it says in each format, and that nothing of a plan gets out of its place.

use serde_json::{Value, json};
use testudo_ledger::Statement;
use testudo_model::DetectorId;

use super::*;
use crate::{
    Source,
    evidence::{Files, Records, RuleSet, Since, World, judge},
    file,
};

struct Tree;

impl Files for Tree {
    fn any(&self, _: &str) -> bool {
        true
    }

    fn sha256(&self, _: &str) -> Option<String> {
        Some("0".repeat(64))
    }

    fn since(&self, _: &str, _: Option<&str>) -> Since {
        Since::Same
    }
}

/// A scan of everything, with an open finding or without.
fn scan(open: Value) -> Statement {
    serde_json::from_value(json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "report.json", "digest": { "sha256": "ab" } }],
        "predicateType": "testudo:scan/v1",
        "predicate": {
            "tool": { "name": "testudo", "version": "0.1.0" },
            "started": "", "targets": ["."], "extent": { "whole": ["."], "base": "." },
            "coverage": [{
                "detector": "secrets", "state": "complete", "rules_digest": "d", "rules": 1, "scope": ["."], "units": 7, "bytes": 9,
            }],
            "summary": {
                "by_severity": {}, "findings": 0, "suppressed": 0, "hidden": 0, "incidents": 0, "complete": true,
            },
            "commit": "1".repeat(40), "open": open, "notices": {},
        },
        "testudo": { "ledger": "l1", "environment": "dev", "seq": 3, "prev": "0", "time": "2026-01-20T10:00:00Z", "actor": "ada" },
    }))
    .unwrap()
}

fn written(text: &str, statements: Vec<Statement>, format: Format) -> String {
    let reading = file::read(&[Source { name: "plan.toml", text }]);
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    let today = "2026-01-20".parse().unwrap();
    let rules =
        [RuleSet { detector: DetectorId::Secrets, digest: "d".to_owned(), rules: vec![("key".to_owned(), vec![798])] }];
    let world = World {
        today,
        commit: None,
        folder: ".",
        records: &Records::new(statements),
        refused: &["ledger <old> is not whole".to_owned()],
        junit: &[],
        rules: &rules,
        files: &Tree,
    };
    let judgement = judge(&reading.plan, &world);
    Document::new(&reading.plan, &judgement, About { today, commit: None, refused: world.refused }).write(format)
}

const SAMPLE: &str = include_str!("../sample.toml");

fn document(text: &str, statements: Vec<Statement>) -> Value {
    serde_json::from_str(&written(text, statements, Format::Json)).unwrap()
}

#[test]
fn every_line_leads_from_requirement_to_owner_and_back() {
    let fingerprint = format!("1:{}", "a1".repeat(16));
    let open = json!([
        { "fingerprint": fingerprint, "rule": "key", "severity": "high", "cwe": [798], "path": "apps/portal/a.py" },
    ]);
    let document = document(SAMPLE, vec![scan(open)]);
    assert_eq!(
        document["requirements"][0],
        json!({
            "id": "asvs:V13.3.1", "status": "failing", "use_cases": ["uc.login"], "controls": ["no-keys-in-code"],
        })
    );
    let control = &document["controls"][1];
    assert_eq!(control["owner"], json!({ "role": "web", "people": ["bo", "cy"], "channel": "#web" }));
    assert_eq!(control["needed_by"], json!(["uc.login"]));
    let run = json!({
        "tool": "testudo 0.1.0 (secrets)", "time": "2026-01-20T10:00:00Z", "commit": "1111111111", "place": "dev 3", "units": 7,
    });
    assert_eq!(control["evidence"][0]["last_run"], run);
    let finding = format!("key {fingerprint} apps/portal/a.py");
    assert_eq!(document["broken_by"], json!({ finding: ["no-keys-in-code"] }));
    assert_eq!(document["seen_in"], json!({ "dev 3": ["no-keys-in-code"], "doc/door.md": ["door-audit"] }));
    assert_eq!(document["use_cases"][0]["status"], "failing");
    assert_eq!(document["checks"][0]["status"], "missing");
    assert_eq!(document["risks"][0]["level"], "critical");
    assert_eq!(
        document["summary"],
        json!({
            "failing": 1, "missing": 2, "n/a": 1, "satisfied": 1, "stale": 0, "waived": 0,
        })
    );
}

#[test]
fn a_row_of_the_top_ten_without_an_executed_test_is_missing() {
    let row = |document: &Value, edition: usize, at: usize| {
        let row = &document["matrices"][edition]["rows"][at - 1];
        [row["status"].as_str().unwrap().to_owned(), row["reason"].as_str().unwrap().to_owned()]
    };
    let clean = document(SAMPLE, vec![scan(json!([]))]);
    for matrix in clean["matrices"].as_array().unwrap() {
        assert_eq!(matrix["rows"].as_array().unwrap().len(), 10);
    }
    assert_eq!(row(&clean, 0, 2), ["satisfied", "the worst of its controls"]);
    assert_eq!(row(&clean, 1, 4), ["satisfied", "the worst of its controls"], "the same subject in 2025");
    assert_eq!(row(&clean, 0, 4), ["n/a", "its controls do not apply"]);
    assert_eq!(row(&clean, 0, 7), ["missing", "nothing was executed that shows it"]);
    assert_eq!(row(&clean, 1, 10), ["missing", "no control answers to it"]);
    assert_eq!(row(&document(SAMPLE, vec![]), 0, 2), ["missing", "nothing was executed that shows it"]);
    // Somebody's word is no test.
    let attested = SAMPLE.replacen("id = \"door-audit\"\n", "id = \"door-audit\"\nrefs = [\"owasp:A09:2021\"]\n", 1);
    let attested = document(&attested, vec![]);
    assert_eq!(attested["controls"][2]["status"], "satisfied");
    assert_eq!(row(&attested, 0, 9), ["missing", "nothing was executed that shows it"]);
}

#[test]
fn texts_of_a_plan_stay_texts() {
    let hostile = "</td><script>alert(1)</script> | @team [x](http://e.example) `\\\"\\u001b";
    let text = ["clinic-portal", "credential stuffing", "comes with the next release", "the portal runs unprivileged"]
        .iter()
        .fold(SAMPLE.to_owned(), |text, from| text.replace(from, hostile));
    let page = written(&text, vec![], Format::Html);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; | @team") && !page.contains("<script"));
    assert!(page.contains("ledger &lt;old&gt; is not whole"));
    let page = written(&text, vec![], Format::Markdown);
    assert!(!page.contains("<script") && !page.contains("[x](") && !page.contains("@team"), "{page}");
    for format in [Format::Html, Format::Markdown] {
        assert!(!written(&text, vec![], format).contains('\u{1b}'));
    }
    // A cell never ends early.
    let rows = page.lines().filter(|line| line.starts_with("| ")).map(|line| line.matches(" | ").count());
    assert!(rows.max() == Some(5), "{page}");
}

#[test]
fn the_page_loads_nothing_and_allows_its_own_style_only() {
    let page = written(SAMPLE, vec![scan(json!([]))], Format::Html);
    for word in ["src=", "url(", "@import", "<link", "<iframe", "<script", "<form", "onclick"] {
        assert!(!page.contains(word), "{word}");
    }
    let (_, style) = page.split_once("<style>").unwrap();
    let (style, _) = style.split_once("</style>").unwrap();
    assert!(page.contains(&format!("style-src '{}'", testudo_report::style_source(style))));
    assert!(style.contains("prefers-color-scheme: dark") && !style.contains('\r'));
    for id in
        ["top-ten-2021", "top-ten-2025", "requirements", "use-cases", "controls", "checks", "risk", "doors", "seen"]
    {
        assert!(page.contains(&format!("<a href=\"#{id}\">")) && page.contains(&format!("<h2 id=\"{id}\">")), "{id}");
    }
}
