//! Decisions about findings.

use serde_json::json;

use super::{Site, a_finding, a_report, json_of, text};
use crate::{Role, Scope};

#[test]
fn a_decision_has_a_reason_an_end_and_an_entry() {
    let site = Site::new("decide");
    let machine = site.machine(Scope::Push, "shop");
    let report = a_report(&[a_finding(1, "a.py"), a_finding(2, "b.py")], "complete");
    machine.json("/api/v1/products/shop/scans?whole=.", &report);
    let ana = site.person("ana", Role::Security);
    let decide = |state: &str, reason: &str, until: &str| {
        let body = json!({ "findings": [1], "state": state, "reason": reason, "until": until });
        ana.json("/api/v1/findings/triage", &body)
    };
    for (state, reason, until) in [
        ("accepted", "", "2026-04-01"),
        ("accepted", "  ", "2026-04-01"),
        ("accepted", "known", ""),
        ("accepted", "known", "2026-02-28"),
        ("accepted", "known", "soon"),
        ("accepted", "known", "9999-01-01"),
        ("closed", "known", "2026-04-01"),
        ("suppressed", "known", "2026-04-01"),
        ("accepted", "two\nlines", "2026-04-01"),
    ] {
        assert_eq!(decide(state, reason, until).status, 400, "{state} {reason} {until}");
    }
    let none = json!({ "findings": [], "state": "accepted", "reason": "x", "until": "2026-04-01" });
    assert_eq!(ana.json("/api/v1/findings/triage", &none).status, 400);
    let missing = json!({ "findings": [1, 99], "state": "accepted", "reason": "x", "until": "2026-04-01" });
    assert_eq!(ana.json("/api/v1/findings/triage", &missing).status, 404);
    let done = json_of(&decide("false-positive", "an example \"text\"", "2026-03-03"));
    assert_eq!(done, json!({ "findings": 1, "decision": 2 }));
    let finding = json_of(&ana.get("/api/v1/findings/1"))["finding"].clone();
    assert_eq!(
        (&finding["state"], &finding["decided_by"], &finding["decision"]),
        (&json!("false-positive"), &json!("ana"), &json!(2))
    );
    let entry = text(&ana.get("/decisions/2"));
    assert!(entry.contains("testudo:triage/v1") && entry.contains("false-positive: an example"), "{entry}");
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
    // It stays through scans that find it again, and through its absence.
    machine.json("/api/v1/products/shop/scans?whole=.", &a_report(&[], "complete"));
    machine.json("/api/v1/products/shop/scans?whole=.", &report);
    assert_eq!(json_of(&ana.get("/api/v1/findings/1"))["finding"]["state"], "false-positive");
    // Its last day is over.
    site.pass(2 * 86_400);
    assert_eq!(
        json_of(&site.person("bo", Role::Viewer).get("/api/v1/findings/1"))["finding"]["state"],
        "false-positive"
    );
    site.pass(86_400);
    assert_eq!(json_of(&site.person("bo", Role::Viewer).get("/api/v1/findings/1"))["finding"]["state"], "open");
}

#[test]
fn developers_decide_about_their_own() {
    let site = Site::new("own");
    let machine = site.machine(Scope::Push, "shop");
    let mut other = a_finding(2, "b.py");
    other["owner"] = json!(["@org/db"]);
    machine.json("/api/v1/products/shop/scans", &a_report(&[a_finding(1, "a.py"), other], "complete"));
    let bo = site.person("bo", Role::Developer);
    let decide = |ids: &[i64]| {
        let body = json!({ "findings": ids, "state": "accepted", "reason": "known", "until": "2026-03-31" });
        bo.json("/api/v1/findings/triage", &body).status
    };
    assert_eq!(decide(&[1]), 403);
    site.names("bo", &["@org/web"]);
    assert_eq!(decide(&[1, 2]), 403, "all or nothing");
    assert_eq!(json_of(&bo.get("/api/v1/findings/1"))["finding"]["state"], "open");
    assert_eq!(decide(&[1]), 200);
    // A plan says whose work it is; who decides, an administrator says.
    site.names("bo", &[]);
    let mut of_role = a_finding(3, "c.py");
    of_role["owner"] = json!(["role:web"]);
    machine.json("/api/v1/products/shop/scans", &a_report(&[of_role], "complete"));
    assert_eq!(decide(&[3]), 403);
    let facts = json!({ "roles": [{ "id": "web", "people": ["bo"], "channel": "#web" }] });
    assert_eq!(machine.json("/api/v1/products/shop/facts", &facts).status, 200);
    assert_eq!(decide(&[3]), 403, "who may push gives nobody a right");
    site.names("bo", &["role:web"]);
    assert_eq!(decide(&[3]), 200);
}

#[test]
fn my_work_is_what_is_owned_and_open_the_most_urgent_first() {
    let site = Site::new("work");
    let machine = site.machine(Scope::Push, "shop");
    let findings: Vec<_> = (0..10).map(|at| a_finding(at, "a.py")).collect();
    machine.json("/api/v1/products/shop/scans", &a_report(&findings, "complete"));
    let facts = json!({
        "roles": [{ "id": "web", "people": ["bo"], "channel": "#web" }],
        "controls": [{ "id": "login", "status": "failing", "owner": "role:web", "reason": "an open finding" },
                     { "id": "other", "status": "failing", "owner": "role:ops", "reason": "x" }]
    });
    machine.json("/api/v1/products/shop/facts", &facts);
    let bo = site.person("bo", Role::Developer);
    let work = |bo: &super::Asker<'_>| json_of(&bo.get("/api/v1/work"))["items"].as_array().unwrap().clone();
    assert_eq!(work(&bo).len(), 1);
    site.names("bo", &["@org/web"]);
    let concern = json!({ "product": "shop", "title": "Is it safe?", "owner": "bo", "due": "2026-03-02" });
    assert_eq!(bo.json("/api/v1/concerns", &concern).status, 200);
    let items = work(&bo);
    assert_eq!(items.len(), 12);
    let order: Vec<&str> = items.iter().map(|item| item["urgency"].as_str().unwrap()).collect();
    let rank = |word: &str| ["now", "soon", "normal"].iter().position(|own| *own == word).unwrap();
    assert!(order.windows(2).all(|pair| rank(pair[0]) <= rank(pair[1])), "{order:?}");
    assert_eq!(items[0]["title"], "control login is failing");
    assert!(items.iter().all(|item| item["owner"] != "role:ops"));
    site.pass(2 * 86_400);
    let bo = site.person("bo", Role::Developer);
    assert!(work(&bo).iter().any(|item| item["kind"] == "concern" && item["urgency"] == "now"));
    assert!(text(&bo.get("/work")).contains("was due by 2026-03-02"));
}

#[test]
fn what_a_scan_did_not_look_at_stays_open() {
    let site = Site::new("stays");
    let machine = site.machine(Scope::Push, "shop");
    machine.json("/api/v1/products/shop/scans", &a_report(&[a_finding(1, "app!old/a.py")], "complete"));
    let state = || json_of(&site.person("vi", Role::Viewer).get("/api/v1/findings/1"))["finding"]["state"].clone();
    // A folder whose name begins as that of another.
    machine.json("/api/v1/products/shop/scans?whole=app", &a_report(&[], "complete"));
    assert_eq!(state(), "open");
    // A scan that began before the one that is known.
    let mut late = a_report(&[], "complete");
    late["started"] = json!("2001-01-01T00:00:00Z");
    machine.json("/api/v1/products/shop/scans?whole=.", &late);
    assert_eq!(state(), "open");
}
