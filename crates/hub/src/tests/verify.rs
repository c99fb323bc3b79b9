//! Databases and ledgers that somebody wrote into, and hubs that ended in the middle of a decision.

use std::fs;

use serde_json::json;

use super::{Asker, Site, a_finding, a_report, json_of};
use crate::{HubError, Role, Scope};

/// A hub with people, tokens, a decision, a concern that waits and one with an answer.
fn filled(name: &str) -> Site {
    let site = Site::new(name);
    let machine = site.machine(Scope::Push, "shop");
    let report = a_report(&[a_finding(1, "a.py"), a_finding(2, "b.py")], "complete");
    machine.json("/api/v1/products/shop/scans?whole=.", &report);
    site.hub.create_token(Scope::Agent, "web-1", Some("shop")).unwrap();
    site.hub.revoke_token(2).unwrap();
    let ana = site.person("ana", Role::Security);
    assert_eq!(accept(&ana, 1), 200);
    for title in ["One?", "Two?"] {
        let concern = json!({ "product": "shop", "title": title, "owner": "ana", "due": "2026-03-20" });
        assert_eq!(ana.json("/api/v1/concerns", &concern).status, 200);
    }
    let answer = json!({ "answer": "No.", "state": "closed" });
    assert_eq!(ana.json("/api/v1/concerns/1/answer", &answer).status, 200);
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
    drop((machine, ana));
    site
}

fn accept(person: &Asker<'_>, finding: i64) -> u16 {
    let body = json!({ "findings": [finding], "state": "accepted", "reason": "known", "until": "2026-03-20" });
    person.json("/api/v1/findings/triage", &body).status
}

fn execute(site: &Site, statements: &str) {
    site.hub
        .store
        .write(|connection| {
            connection.execute_batch(statements)?;
            Ok::<_, HubError>(())
        })
        .unwrap();
}

#[test]
fn a_database_that_was_rewritten_is_seen_row_by_row() {
    for (at, (statement, said)) in [
        ("UPDATE finding SET reason = 'fine' WHERE id = 1", "finding 1 of shop: reason is \"fine\", and entry 4 says \"known\""),
        ("UPDATE finding SET until = '2027-01-01' WHERE id = 1", "finding 1 of shop: until is \"2027-01-01\", and entry 4 says \"2026-03-20\""),
        ("UPDATE finding SET decided = 'wont-fix', state = 'wont-fix' WHERE id = 1", "finding 1 of shop: state is \"wont-fix\", and entry 4 says \"accepted\""),
        ("UPDATE finding SET state = 'accepted', reason = 'x', until = '2027-01-01', decided_by = 'ana', decided = 'accepted' WHERE id = 2", "finding 2 of shop: no entry"),
        ("UPDATE finding SET decided = NULL, reason = NULL, until = NULL, decided_by = NULL, state = 'open', decision = NULL WHERE id = 1", "finding 1: is gone, and entry 4"),
        ("UPDATE person SET role = 'admin'", "person 1 (ana): role is \"admin\", and entry 3 says \"security\""),
        ("INSERT INTO person (name, role, created) VALUES ('eve', 'admin', '')", "person 2 (eve): no entry"),
        ("UPDATE token SET revoked = NULL WHERE id = 2", "token 2: revoked is null, and entry 2 says \"2026-03-01"),
        ("UPDATE token SET digest = x'00' WHERE id = 1", "token 1: digest is \"00\", and entry 0 says"),
        ("UPDATE token SET subject = 'bank' WHERE id = 1", "token 1: subject is \"bank\", and entry 0 says \"shop\""),
        ("DELETE FROM watch", "agent web-1: is gone, and entry 1"),
        ("UPDATE concern SET answer = 'Yes.' WHERE id = 1", "concern 1: answer is \"Yes.\", and entry 7 says \"No.\""),
        ("UPDATE concern SET due = '2030-01-01' WHERE id = 2", "concern 2: due is \"2030-01-01\", and entry 6 says"),
        ("UPDATE concern SET state = 'open', answer = NULL, answered_by = NULL, answered = NULL WHERE id = 1", "concern 1: state is \"open\", and entry 7 says \"closed\""),
        ("DROP TRIGGER audit_is_not_changed; UPDATE audit SET said = 'x' WHERE id = 3", "row 3 of the audit was changed"),
        ("DROP TRIGGER audit_is_not_deleted; DELETE FROM audit WHERE id > 5", "is not there any more"),
    ]
    .into_iter()
    .enumerate()
    {
        let site = filled(&format!("rewritten-{at}"));
        execute(&site, statement);
        let faults = site.hub.verify().unwrap().join("\n");
        assert!(faults.contains(said), "{statement}\n{faults}");
    }
}

#[test]
fn a_ledger_that_is_gone_cut_or_of_another_time_is_seen_and_not_added_to() {
    let cut = |path: &std::path::Path| {
        let text = fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        fs::write(path, lines[..lines.len() - 2].join("\n") + "\n").unwrap();
    };
    for (name, said) in [
        ("gone", "the hub's own ledger is gone, and the database knows of 8 entries"),
        ("cut", "the end was cut off"),
        ("older", "the end was cut off"),
        ("newer", "the database is older than the hub's own ledger: it does not know entry 7"),
    ] {
        let site = filled(&format!("ledger-{name}"));
        let (entries, head) = (site.folder.join("ledger/hub.jsonl"), site.folder.join("ledger/hub.head.json"));
        match name {
            "gone" => fs::remove_dir_all(site.folder.join("ledger")).unwrap(),
            "cut" => cut(&entries),
            "older" => {
                cut(&entries);
                fs::remove_file(head).unwrap();
            }
            _ => execute(&site, "UPDATE own_head SET head = json_set(head, '$.seq', 6)"),
        }
        let faults = site.hub.verify().unwrap().join("\n");
        assert!(faults.contains(said), "{name}: {faults}");
        // What is damaged is not continued, so nobody covers it up by going on.
        let before = fs::read(&entries).ok();
        assert!(site.hub.link("bo", Some(Role::Admin)).is_err(), "{name}");
        assert_eq!(fs::read(&entries).ok(), before, "{name}");
    }
}

/// Refuses every row of the audit, as a full disk would.
const FULL: &str = "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";

fn state(person: &Asker<'_>, finding: i64) -> String {
    let found = json_of(&person.get(&format!("/api/v1/findings/{finding}")));
    found["finding"]["state"].as_str().unwrap().to_owned()
}

#[test]
fn an_entry_whose_effect_could_not_be_written_is_finished_by_the_next_start() {
    let mut site = filled("finish-start");
    let ana = site.person("ana", Role::Security);
    let cookie = (ana.cookie.clone(), ana.form.clone());
    execute(&site, FULL);
    assert_eq!(accept(&ana, 2), 500);
    assert_eq!(state(&ana, 2), "open");
    execute(&site, "DROP TRIGGER full");
    site.restart();
    let ana = Asker { cookie: cookie.0, form: cookie.1, ..site.anybody() };
    assert_eq!(state(&ana, 2), "accepted");
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn an_entry_whose_effect_could_not_be_written_is_finished_by_the_next_decision() {
    let site = filled("finish-next");
    let ana = site.person("ana", Role::Security);
    execute(&site, FULL);
    assert_eq!(accept(&ana, 2), 500);
    assert_eq!(accept(&ana, 2), 500, "the first one has to be finished before");
    execute(&site, "DROP TRIGGER full");
    assert_eq!(accept(&ana, 1), 200);
    assert_eq!(state(&ana, 2), "accepted");
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
    let entries = fs::read_to_string(site.folder.join("ledger/hub.jsonl")).unwrap();
    assert_eq!(entries.lines().count(), 10, "each decision has one entry");
}

#[test]
fn a_decision_that_could_not_be_signed_leaves_nothing() {
    let mut site = filled("unsigned");
    let ana = site.person("ana", Role::Security);
    let cookie = (ana.cookie.clone(), ana.form.clone());
    // A folder stands where the ledger keeps what a cut in power left, so that nothing can be added to it.
    let in_the_way = site.folder.join("ledger/hub.torn");
    fs::create_dir(&in_the_way).unwrap();
    assert_eq!(accept(&ana, 2), 500);
    assert_eq!(state(&ana, 2), "open");
    fs::remove_dir(&in_the_way).unwrap();
    site.restart();
    let ana = Asker { cookie: cookie.0, form: cookie.1, ..site.anybody() };
    assert_eq!(state(&ana, 2), "open");
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
    assert_eq!(accept(&ana, 2), 200);
}

#[test]
fn an_entry_whose_head_could_not_be_written_counts() {
    let site = filled("head");
    let ana = site.person("ana", Role::Security);
    let in_the_way = site.folder.join("ledger/.hub.head.tmp");
    fs::create_dir(&in_the_way).unwrap();
    assert_eq!(accept(&ana, 2), 200);
    fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(state(&ana, 2), "accepted");
    assert_eq!(accept(&ana, 1), 200);
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn an_intent_without_an_entry_is_dropped() {
    let mut site = filled("intent");
    // The process ended behind the intent.
    let document = json!({
        "kind": "testudo:hub/v1", "subject": [], "predicate": {}, "time": "2026-03-01T00:00:00Z", "actor": "eve", "address": "x",
        "action": "person.add", "said": "eve",
        "signed": { "id": "00", "audit": "", "change": { "of": "person", "to": {
            "id": 9, "name": "eve", "role": "admin", "handles": [], "active": true, "created": "" } } }
    });
    execute(&site, &format!("INSERT INTO intent VALUES ('00', '{document}')"));
    site.restart();
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
    let left = site.hub.store.read(crate::store::intents).unwrap();
    assert_eq!(left, []);
}

#[test]
fn what_was_decided_before_decisions_had_entries_is_adopted_as_it_is() {
    use testudo_ledger::{Appender, Event, Journal, SigningKey, predicate};
    let mut site = Site::new("adopt");
    fs::remove_dir_all(&site.folder).unwrap();
    fs::create_dir_all(site.folder.join("ledger")).unwrap();
    let old = rusqlite::Connection::open(site.folder.join("hub.sqlite3")).unwrap();
    old.execute_batch(include_str!("../store/sqlite/schema/001.sql")).unwrap();
    old.execute_batch(
        "PRAGMA user_version = 1;
         INSERT INTO product (name, created) VALUES ('shop', '');
         INSERT INTO token (handle, digest, scope, subject, created, created_by, revoked) VALUES (x'00', x'0011', 'push', 'shop', 'then', 'ana', 'later');
         INSERT INTO watch VALUES ('web-1', 1);
         INSERT INTO concern (product, title, text, raised_by, raised, owner, due, state) VALUES ('shop', 'q', '', 'bo', '', 'ana', '2026-03-20', 'open');
         INSERT INTO finding (product, fingerprint, state, severity, rule, title, message, path, line, owners, detector, tool, in_tree, first_scan, last_scan, opened, decided, reason, until, decided_by, decision)
           VALUES (1, '1:00000000000000000000000000000000', 'accepted', 1, 'r', 't', 'm', 'p', 1, '[]', 'secrets', '', 1, 1, 1, '', 'accepted', 'known', '2026-03-20', 'ana', 0);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450) INSERT INTO person (name, role, created) SELECT 'p' || i, CASE WHEN i = 1 THEN 'admin' ELSE 'viewer' END, '' FROM n;",
    )
    .unwrap();
    drop(old);
    // An entry of that time, which says less.
    let pem = SigningKey::generate_pem().unwrap();
    fs::write(site.folder.join("hub.pem"), &pem).unwrap();
    let key = SigningKey::from_pem(&pem, "key").unwrap();
    let event = Event { subject: Vec::new(), predicate_type: predicate::TRIAGE.to_owned(), predicate: json!({}) };
    let by = Appender { key: &key, trusted: &[], time: "2026-03-01T00:00:00Z", actor: "ana" };
    Journal::new(&site.folder.join("ledger"), "hub").unwrap().append(&event, by).unwrap();
    site.restart();
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
    site.restart();
    let entries = fs::read_to_string(site.folder.join("ledger/hub.jsonl")).unwrap().lines().count();
    assert_eq!(entries, 4, "once, in parts");
    let admin = site.person("p1", Role::Viewer);
    assert_eq!(accept(&admin, 1), 200);
    execute(
        &site,
        "UPDATE person SET role = 'admin' WHERE name = 'p2'; UPDATE concern SET title = 'x'; DELETE FROM person WHERE name = 'p450'",
    );
    let faults = site.hub.verify().unwrap().join("; ");
    for said in ["person 2 (p2): role is \"admin\", and entry 1", "concern 1: title is \"x\"", "person 450: is gone"] {
        assert!(faults.contains(said), "{faults}");
    }
}

#[test]
fn what_the_tables_refuse_is_not_signed() {
    let site = filled("refused");
    let entries = || fs::read_to_string(site.folder.join("ledger/hub.jsonl")).unwrap();
    let before = entries();
    execute(&site, "CREATE TRIGGER no BEFORE INSERT ON person BEGIN SELECT RAISE(ABORT, 'no'); END");
    assert!(site.hub.link("bo", Some(Role::Viewer)).is_err());
    assert_eq!(entries(), before);
    execute(&site, "DROP TRIGGER no");
    assert!(site.hub.link("bo", Some(Role::Viewer)).is_ok());
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
}
