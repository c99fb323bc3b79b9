//! Ledgers: pinned at the first push, and from then on only continued.

use std::{env, fs, path::PathBuf, process};

use serde_json::{Value, json};
use testudo_ledger::{Appender, Event, Journal, SigningKey, Subject, predicate};

use super::{Asker, Site, a_finding, a_report, json_of, text};
use crate::{Role, Scope};

const PATH: &str = "/api/v1/products/shop/ledgers/prod";

/// A ledger of a project.
struct Project {
    folder: PathBuf,
    journal: Journal,
    key: SigningKey,
}

impl Drop for Project {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

impl Project {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("testudo-hub-ledger-{}-{name}", process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        let journal = Journal::new(&folder.join("l"), "prod").unwrap();
        Self { folder, journal, key: SigningKey::generate().unwrap() }
    }

    fn add(&self, kind: &str, predicate: Value) {
        let subject = vec![Subject::new("s", "sha256", "00")];
        let event = Event { subject, predicate_type: kind.to_owned(), predicate };
        let by = Appender { key: &self.key, trusted: &[], time: "2026-03-01T10:00:00Z", actor: "ana" };
        self.journal.append(&event, by).unwrap();
    }

    fn lines(&self) -> Vec<Vec<u8>> {
        let text = fs::read(self.journal.path()).unwrap();
        text.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
    }

    fn head(&self) -> Vec<u8> {
        let head: Value = serde_json::from_slice(&self.journal.head_bytes().unwrap().unwrap()).unwrap();
        serde_json::to_vec(&head).unwrap()
    }
}

fn body(key: Option<&SigningKey>, lines: &[Vec<u8>], head: &[u8]) -> Vec<u8> {
    let key = key.map(|key| serde_json::to_vec(&json!({ "publicKey": key.public().to_pem() })).unwrap());
    let parts = key.into_iter().chain(lines.iter().cloned()).chain([head.to_vec()]);
    parts.flat_map(|line| [line, b"\n".to_vec()].concat()).collect()
}

fn release(step: &Value, state: &str) -> Value {
    json!({ "release": "prod-1", "version": "1.2.0", "fence": 1, "state": state, "step": step })
}

fn filled(project: &Project) {
    project.add(
        predicate::GATE,
        json!({ "verdict": "failed", "reasons": ["1 high <b>"], "scan": 0, "policy": { "settings": {}, "files": {} } }),
    );
    project.add(predicate::RELEASE, release(&json!({ "kind": "begun", "pipeline": "00" }), "planned"));
    project.add(predicate::RELEASE, release(&json!({ "kind": "ended", "reason": "done" }), "promoted"));
}

fn audited(site: &Site) -> String {
    json_of(&site.person("sec", Role::Security).get("/api/v1/audit")).to_string()
}

#[test]
fn a_ledger_is_pinned_and_continued() {
    let (site, project) = (Site::new("pin"), Project::new("pin"));
    let machine = site.machine(Scope::Push, "shop");
    filled(&project);
    assert_eq!(json_of(&machine.get(PATH))["next"], 0);
    let no_key = machine.lines(PATH, body(None, &project.lines(), &project.head()));
    assert_eq!(no_key.status, 400, "{}", text(&no_key));
    let first = json_of(&machine.lines(PATH, body(Some(&project.key), &project.lines(), &project.head())));
    assert_eq!(first, json!({ "kept": 3, "next": 3, "pinned": true }));
    assert!(audited(&site).contains("its keys are pinned"));
    // The same again, nothing new, and only what is new.
    let whole = body(Some(&project.key), &project.lines(), &project.head());
    assert_eq!(json_of(&machine.lines(PATH, whole))["kept"], 0);
    assert_eq!(json_of(&machine.lines(PATH, body(None, &[], &project.head())))["kept"], 0);
    project.add("testudo:other/v1", json!({}));
    let new = body(None, &project.lines()[3..], &project.head());
    assert_eq!(json_of(&machine.lines(PATH, new)), json!({ "kept": 1, "next": 4, "pinned": false }));
    // It is on the line of time, and the board knows it.
    let ana = site.person("ana", Role::Viewer);
    let page = text(&ana.get("/products/shop/timeline"));
    assert!(
        page.contains("prod-1 1.2.0: promoted") && page.contains("1 high &lt;b&gt;") && page.contains("✓ verified")
    );
    let board = json_of(&ana.get("/api/v1/products/shop/board"));
    let deploy = board["phases"].as_array().unwrap().iter().find(|phase| phase["phase"] == "deploy").unwrap();
    assert_eq!(deploy["state"], "fine", "{deploy}");
    assert!(text(&ana.get("/products/shop/ledgers/prod/2")).contains("testudo:release/v1"));
    assert_eq!(ana.get("/products/shop/ledgers/prod/4").status, 404);
}

/// Pushes what must be refused, and checks that nothing changed but the audit.
fn refused(site: &Site, machine: &Asker<'_>, (name, body): (&str, Vec<u8>)) {
    let before = json_of(&machine.get(PATH));
    let answer = machine.lines(PATH, body);
    assert_eq!(answer.status, 409, "{name}: {}", text(&answer));
    assert_eq!(json_of(&machine.get(PATH)), before, "{name}");
    assert!(audited(site).contains("ledger.refused"), "{name}");
}

#[test]
fn edits_cuts_and_foreign_keys_are_refused_and_told() {
    let (site, project, other) = (Site::new("refuse"), Project::new("refuse"), Project::new("other"));
    let machine = site.machine(Scope::Push, "shop");
    filled(&project);
    let (early_lines, early_head) = (project.lines(), project.head());
    project.add("testudo:other/v1", json!({ "n": 1 }));
    let (lines, head) = (project.lines(), project.head());
    machine.lines(PATH, body(Some(&project.key), &lines, &head));
    filled(&other);
    other.add("testudo:other/v1", json!({}));
    other.add("testudo:other/v1", json!({}));
    refused(&site, &machine, ("cut off", body(None, &early_lines, &early_head)));
    refused(&site, &machine, ("another ledger", body(None, &other.lines()[4..], &other.head())));
    refused(&site, &machine, ("a key that was not pinned", body(Some(&other.key), &lines, &head)));
    let mut edited = lines.clone();
    edited[1] = other.lines()[1].clone();
    refused(&site, &machine, ("an edit of what is known", body(None, &edited, &head)));
    project.add("testudo:other/v1", json!({ "n": 2 }));
    project.add("testudo:other/v1", json!({ "n": 3 }));
    refused(&site, &machine, ("a gap", body(None, &project.lines()[5..], &project.head())));
    refused(&site, &machine, ("the end is missing", body(None, &project.lines()[4..5], &project.head())));
    let newest = project.lines();
    let text_of = |line: &[u8]| String::from_utf8(line.to_vec()).unwrap();
    let broken = text_of(&newest[4]).replacen("\"sig\":\"", "\"sig\":\"AA", 1).into_bytes();
    refused(
        &site,
        &machine,
        ("a signature that does not fit", body(None, &[broken, newest[5].clone()], &project.head())),
    );
    assert_eq!(json_of(&machine.lines(PATH, body(None, &newest[4..], &project.head())))["kept"], 2);
}

#[test]
fn what_is_no_ledger_is_no_push() {
    let (site, project) = (Site::new("odd"), Project::new("odd"));
    let machine = site.machine(Scope::Push, "shop");
    filled(&project);
    let key = Some(&project.key);
    for (name, body) in [
        ("nothing", Vec::new()),
        ("no head", body(key, &project.lines(), b"{}")),
        ("only a head", body(key, &[], &project.head())),
        (
            "a key that is none",
            b"{\"publicKey\":\"x\"}\n".iter().copied().chain(body(None, &project.lines(), &project.head())).collect(),
        ),
        ("garbage", vec![0xff; 300]),
    ] {
        let status = machine.lines(PATH, body).status;
        assert!(matches!(status, 400 | 409), "{name}: {status}");
    }
    let elsewhere = "/api/v1/products/shop/ledgers/a%20b";
    assert_eq!(machine.lines(elsewhere, body(key, &project.lines(), &project.head())).status, 400);
    let staging = "/api/v1/products/shop/ledgers/staging";
    assert_eq!(
        machine.lines(staging, body(key, &project.lines(), &project.head())).status,
        409,
        "of another environment"
    );
}

#[test]
fn other_keys_count_once_an_administrator_accepts_them_and_the_past_stays() {
    let (site, mut project) = (Site::new("rotate"), Project::new("rotate"));
    let (machine, admin) = (site.machine(Scope::Push, "shop"), site.person("admin", Role::Admin));
    filled(&project);
    machine.lines(PATH, body(Some(&project.key), &project.lines(), &project.head()));
    // The project signs with another key from now on.
    let old = std::mem::replace(&mut project.key, SigningKey::generate().unwrap());
    let subject = vec![Subject::new("s", "sha256", "00")];
    let event = Event { subject, predicate_type: "testudo:other/v1".to_owned(), predicate: json!({}) };
    let trusted = [old.public().clone()];
    let by = Appender { key: &project.key, trusted: &trusted, time: "2026-03-01T10:00:00Z", actor: "ana" };
    let journal = &project.journal;
    // Its head is of the old key, which only its owner replaces.
    assert!(journal.append(&event, by).is_ok());
    let new = body(None, &project.lines()[3..], &project.head());
    assert_eq!(machine.lines(PATH, new.clone()).status, 409);
    let accept = |keys: &str, reason: &str| {
        admin.form("/products/shop/manage/keys", &[("environment", "prod"), ("keys", keys), ("reason", reason)]).status
    };
    // The page offers the keys of now as they are.
    let page = String::from_utf8(admin.get("/products/shop/manage").body).unwrap();
    assert!(page.contains(&format!(">{}</textarea>", old.public().to_pem())), "{page}");
    let key = project.key.public().to_pem();
    assert_eq!((accept(&key, ""), accept("x", "lost"), accept("", "lost")), (400, 400, 400));
    assert_eq!(accept(&key, "the old one was lost"), 303);
    assert!(audited(&site).contains("other keys count behind entry 2: the old one was lost"));
    assert_eq!(json_of(&machine.get(PATH))["next"], 3, "what is known stays");
    assert_eq!(json_of(&machine.lines(PATH, new))["kept"], 1);
    let (before, after) =
        (text(&admin.get("/products/shop/ledgers/prod/2")), text(&admin.get("/products/shop/ledgers/prod/3")));
    let line = |key: &SigningKey| key.public().to_pem().lines().nth(1).unwrap().to_owned();
    assert!(before.contains(&line(&old)) && after.contains(&line(&project.key)) && !after.contains(&line(&old)));
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
    let change = |statement: &str| {
        site.hub.store.write(|connection| Ok::<_, crate::HubError>(connection.execute_batch(statement)?)).unwrap();
        site.hub.verify().unwrap().join("; ")
    };
    assert!(change("DROP TRIGGER line_is_not_changed; UPDATE ledger_line SET line = (SELECT line FROM ledger_line WHERE seq = 0) WHERE seq = 1").contains("ledger prod of shop: entry 1 of the copy"));
    assert!(
        change(&format!("UPDATE ledger SET keys = '{}'", old.public().to_pem()))
            .contains("its keys are others than entry")
    );
}

#[test]
fn a_finding_leads_to_the_gates_that_it_failed_and_back() {
    let (site, project) = (Site::new("gates"), Project::new("gates"));
    let (machine, ana) = (site.machine(Scope::Push, "shop"), site.person("ana", Role::Viewer));
    machine.json(
        "/api/v1/products/shop/scans?whole=.",
        &a_report(&[a_finding(1, "a.py"), a_finding(4, "b.py")], "complete"),
    );
    assert!(
        text(&ana.get("/")).contains("not set up yet") && text(&ana.get("/")).contains("testudo push --ledger dev")
    );
    let open = |number: usize, severity: &str| json!({ "fingerprint": a_finding(number, "")["fingerprint"], "rule": "r", "severity": severity });
    let report = a_report(&[], "complete");
    let scan = json!({
        "tool": report["tool"], "started": report["started"], "targets": ["."], "coverage": [], "summary": report["summary"],
        "open": [open(1, "high"), open(4, "low"), open(9, "critical")], "notices": {}
    });
    let gate = |scan: u64, settings: Value| json!({ "verdict": "failed", "reasons": ["x"], "scan": scan, "policy": { "settings": settings, "files": {} } });
    project.add(predicate::SCAN, scan);
    project.add(predicate::GATE, gate(0, json!({})));
    machine.lines(PATH, body(Some(&project.key), &project.lines(), &project.head()));
    project.add(predicate::GATE, gate(0, json!({ "gate.fail-on": "low" })));
    project.add(predicate::GATE, gate(u64::MAX, json!({})));
    let rest = machine.lines(PATH, body(None, &project.lines()[2..], &project.head()));
    assert_eq!(json_of(&rest)["kept"], 2);
    let page = |path: &str| text(&ana.get(path));
    let link = |seq: u64| format!("href=\"/products/shop/ledgers/prod/{seq}\"");
    let (high, low) = (page("/findings/1"), page("/findings/2"));
    assert!(high.contains(&link(1)) && high.contains(&link(2)), "{high}");
    assert!(!low.contains(&link(1)) && low.contains(&link(2)), "{low}");
    let whole = json_of(&ana.get("/api/v1/findings/1"));
    assert_eq!((&whole["gates_failed"], &whole["gates"][0]["environment"]), (&json!(2), &json!("prod")));
    assert!(
        page("/products/shop/ledgers/prod/1").contains("href=\"/findings/1\"")
            && !page("/products/shop/ledgers/prod/1").contains("href=\"/findings/2\"")
    );
    assert!(page("/products/shop/ledgers/prod/2").contains("which no scan brought to the hub"));
    assert!(page("/products/shop/ledgers/prod/3").contains("None: it failed for another reason"));
    assert!(!page("/products/shop/ledgers/prod/0").contains("Findings that it failed for"));
    assert!(page("/findings?scan=1").contains("name=\"scan\" inputmode=\"numeric\" pattern=\"[0-9]*\" value=\"1\""));
    assert!(high.contains("First seen in") && high.contains("/findings?state=&amp;scan=1"));
    assert!(!text(&ana.get("/")).contains("testudo push --ledger dev"));
}

#[test]
fn entries_that_the_hub_cannot_read_are_on_the_line_of_time() {
    let (site, project) = (Site::new("unread"), Project::new("unread"));
    let machine = site.machine(Scope::Push, "shop");
    for kind in
        [predicate::GATE, predicate::RELEASE, predicate::ALERT, predicate::SCAN, predicate::CONCERN, predicate::HOST]
    {
        project.add(kind, json!({ "of": "a later version" }));
    }
    machine.lines(PATH, body(Some(&project.key), &project.lines(), &project.head()));
    let line = json_of(&site.person("ana", Role::Viewer).get("/api/v1/products/shop/timeline"));
    let said: Vec<&str> =
        line["moments"].as_array().unwrap().iter().map(|moment| moment["said"].as_str().unwrap()).collect();
    assert_eq!(said.len(), 6, "{said:?}");
    assert!(said.iter().all(|said| said.contains("this version of the hub cannot read what it says")), "{said:?}");
}

#[test]
fn a_look_at_a_host_is_on_the_line_with_what_it_could_decide() {
    let (site, project) = (Site::new("host-look"), Project::new("host-look"));
    let machine = site.machine(Scope::Push, "shop");
    let look = |results: &[&str]| {
        let check = |(at, result): (usize, &&str)| json!({ "id": at.to_string(), "title": "t", "result": result });
        let checks: Vec<_> = results.iter().enumerate().map(check).collect();
        let policy = json!({ "id": "base", "name": "Base", "sha256": "00", "checks": checks });
        let tool = json!({ "name": "testudo-agent", "version": "0.1.0" });
        json!({ "tool": tool, "host": "web-1", "started": "2026-01-10T10:00:00Z", "policies": [policy] })
    };
    for results in [&["passed", "failed"][..], &["passed", "not-applicable"], &["not-applicable"]] {
        project.add(predicate::HOST, look(results));
    }
    machine.lines(PATH, body(Some(&project.key), &project.lines(), &project.head()));
    let line = json_of(&site.person("ana", Role::Viewer).get("/api/v1/products/shop/timeline"));
    let mut said: Vec<_> =
        line["moments"].as_array().unwrap().iter().map(|own| (own["said"].clone(), own["mark"].clone())).collect();
    said.sort_by_key(|(said, _)| said.to_string());
    let own = |text: &str, mark: &str| (json!(format!("host web-1: {text}")), json!(mark));
    assert_eq!(
        said,
        [
            own("0 checks passed, 0 failed, 1 not applicable", "look"),
            own("1 checks passed, 0 failed, 1 not applicable", "plain"),
            own("1 checks passed, 1 failed, 0 not applicable", "look"),
        ]
    );
}
