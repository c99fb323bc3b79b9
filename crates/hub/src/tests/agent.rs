//! Events of agents: once each, in order, without gaps.

use serde_json::{Value, json};

use super::{Asker, Site, json_of, text};
use crate::{Role, Scope};

fn alert(seq: u64, severity: &str, release: Option<&str>) -> Value {
    let time = format!("2026-03-01T00:00:{seq:02}Z");
    let mut body = json!({
        "id": format!("web-1/b/{seq}"), "rule": "fim", "title": "A file changed", "severity": severity,
        "message": "/etc/passwd <changed>", "location": { "path": "/etc/passwd" }, "time": time, "detector": "agent"
    });
    if let Some(release) = release {
        body["release"] = json!(release);
    }
    json!({ "seq": seq, "time": time, "class": "alert", "body": body })
}

fn response(seq: u64, alert: u64, state: &str) -> Value {
    let time = format!("2026-03-01T00:00:{seq:02}Z");
    json!({ "seq": seq, "time": time, "class": "response", "body": {
        "id": "r1", "alert": format!("web-1/b/{alert}"), "action": "block", "target": "192.0.2.1", "host": "web-1",
        "state": state, "time": time, "until": "2026-03-01T01:00:00Z", "reason": "5 failures" } })
}

fn batch(previous: &str, events: &[Value]) -> Value {
    json!({ "agent": "web-1", "host": "web-1.example", "boot": "b", "previous": previous, "events": events })
}

fn send(agent: &Asker<'_>, batch: &Value) -> (u16, Value) {
    let answer = agent.json("/api/v1/agents/web-1/events", batch);
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

#[test]
fn what_is_sent_twice_is_known_once_and_a_gap_is_told() {
    let site = Site::new("agent");
    let token = site.hub.create_token(Scope::Agent, "web-1", Some("shop")).unwrap();
    let agent = Asker { bearer: Some(token), ..site.anybody() };
    let ana = site.person("ana", Role::Viewer);
    let start = json!({ "seq": 1, "time": "2026-03-01T00:00:01Z", "class": "start",
        "body": { "version": "0.1.0", "watches": ["files"], "reduced": ["ports: no permission"] } });
    let first = batch("", &[start, alert(2, "high", None), response(3, 2, "active")]);
    for _ in 0..3 {
        assert_eq!(send(&agent, &first), (200, json!({ "acknowledged": 3 })));
    }
    let (status, said) = send(&agent, &batch("", &[alert(5, "low", None)]));
    assert_eq!((status, &said["next"]), (409, &json!(4)));
    let hash = super::Body::of(serde_json::to_vec(&first).unwrap()).digest().to_owned();
    let overlapping = batch("", &[response(3, 2, "active"), alert(4, "low", Some("prod-7"))]);
    assert_eq!(send(&agent, &overlapping).1["acknowledged"], 4);
    let heartbeat = json!({ "seq": 5, "time": "2026-03-01T00:00:05Z", "class": "heartbeat" });
    let loss = json!({ "seq": 6, "time": "2026-03-01T00:00:06Z", "class": "loss", "body": { "lost": { "info": 4, "low": 3 } } });
    let unlinked = batch(&hash, &[heartbeat, loss, response(7, 2, "expired")]);
    assert_eq!(send(&agent, &unlinked).1["acknowledged"], 7);
    let alerts = json_of(&ana.get("/api/v1/alerts"));
    assert_eq!(alerts.as_array().unwrap().len(), 2);
    assert_eq!(alerts[1]["responses"].as_array().unwrap().len(), 2);
    let agents = json_of(&ana.get("/api/v1/agents"));
    assert_eq!((&agents[0]["lost"], &agents[0]["product"]), (&json!(7), &json!("shop")));
    let line = json_of(&ana.get("/api/v1/products/shop/timeline"));
    let kinds: Vec<&str> = line["moments"].as_array().unwrap().iter().map(|m| m["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["response", "alert", "response", "alert"]);
    let causes: Vec<&Value> = line["moments"].as_array().unwrap().iter().map(|m| &m["cause"]).collect();
    assert_eq!((causes[2], causes[0]), (&json!(1), &json!(1)), "both responses come from the alert");
    let audit = json_of(&site.person("sec", Role::Security).get("/api/v1/audit")).to_string();
    assert!(audit.contains("agent.unlinked"), "a batch that does not follow on the one before is told");
    assert!(text(&ana.get("/alerts")).contains("&lt;changed&gt;"));
}

#[test]
fn events_that_are_none_are_refused() {
    let site = Site::new("agent-odd");
    let agent = site.machine(Scope::Agent, "web-1");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut batch = batch("", &[alert(1, "low", None)]);
        change(&mut batch);
        batch
    };
    for (name, odd) in [
        ("another agent", with(&|b| b["agent"] = json!("web-2"))),
        ("no events", with(&|b| b["events"] = json!([]))),
        ("from 0", with(&|b| b["events"][0]["seq"] = json!(0))),
        ("not in order", with(&|b| b["events"] = json!([alert(2, "low", None), alert(1, "low", None)]))),
        ("a gap within", with(&|b| b["events"] = json!([alert(1, "low", None), alert(3, "low", None)]))),
        ("the alert of another", with(&|b| b["events"][0]["body"]["id"] = json!("web-2/b/1"))),
        ("the alert of one whose name begins alike", with(&|b| b["events"][0]["body"]["id"] = json!("web-1/x/b/1"))),
        ("a time that is none", with(&|b| b["events"][0]["body"]["time"] = json!("~~~~"))),
        ("no host", with(&|b| b["host"] = json!(""))),
        ("a huge number", with(&|b| b["events"][0]["seq"] = json!(u64::MAX))),
    ] {
        let status = send(&agent, &odd).0;
        assert!(matches!(status, 400 | 409), "{name}: {status}");
    }
    assert_eq!(send(&agent, &batch("", &[alert(1, "low", None)])).0, 200);
}

#[test]
fn agents_whose_names_have_slashes_keep_their_alerts_apart() {
    let site = Site::new("agent-slash");
    let of = |name: &str| {
        let token = site.hub.create_token(Scope::Agent, name, Some("shop")).unwrap();
        Asker { bearer: Some(token), ..site.anybody() }
    };
    let (short, long) = (of("web"), of("web/1"));
    let batch = |agent: &str, id: &str| {
        let mut batch = batch("", &[alert(1, "high", None), response(2, 1, "active")]);
        batch["agent"] = json!(agent);
        batch["events"][0]["body"]["id"] = json!(id);
        batch["events"][1]["body"]["alert"] = json!(id);
        batch
    };
    // What would be the alert of the other one.
    assert_eq!(short.json("/api/v1/agents/web/events", &batch("web", "web/1/b/1")).status, 400);
    assert_eq!(long.json("/api/v1/agents/web%2F1/events", &batch("web/1", "web/1/b/1")).status, 200);
    assert_eq!(short.json("/api/v1/agents/web/events", &batch("web", "web/b/1")).status, 200);
    let alerts = json_of(&site.person("ana", Role::Viewer).get("/api/v1/alerts"));
    let done: Vec<_> = alerts
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["agent"].as_str().unwrap(), row["responses"].as_array().unwrap().len()))
        .collect();
    assert_eq!(done, [("web", 1), ("web/1", 1)]);
}
