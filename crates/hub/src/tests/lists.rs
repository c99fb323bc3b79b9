//! Lists that have an end say so, and where they go on.

use serde_json::{Value, json};

use super::{Asker, Site, a_finding, a_report, header, json_of, text};
use crate::{HubError, Role, Scope};

fn execute(site: &Site, statement: &str) {
    site.hub.store.write(|connection| Ok::<_, HubError>(connection.execute_batch(statement)?)).unwrap();
}

/// Everything of a list, part by part, as the header `Link` leads on.
fn whole(person: &Asker<'_>, path: &str) -> Vec<Value> {
    let (mut all, mut path) = (Vec::new(), path.to_owned());
    loop {
        let answer = person.get(&path);
        let rows = json_of(&answer).as_array().unwrap().clone();
        assert!(rows.len() <= 100, "{path}");
        all.extend(rows);
        match header(&answer, "link").map(str::to_owned) {
            Some(link) => {
                let next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
                path = next.unwrap().to_owned();
            }
            None => return all,
        }
    }
}

const NUMBERS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 650)";

#[test]
fn nothing_of_a_list_is_left_out() {
    let site = Site::new("lists");
    let (machine, ana) = (site.machine(Scope::Push, "shop"), site.person("ana", Role::Security));
    machine.json("/api/v1/products/shop/scans?whole=.", &a_report(&[a_finding(1, "a.py")], "complete"));
    execute(
        &site,
        &format!(
            "{NUMBERS} INSERT INTO concern (product, title, text, raised_by, raised, owner, due, state, answer, answered_by) SELECT 'shop', 'q' || i, '', 'bo', '2026-03-01T00:00:00Z', CASE WHEN i = 640 THEN 'ana' ELSE 'bo' END, date('2026-03-01', '+' || (i % 9) || ' days'), CASE WHEN i % 2 THEN 'closed' ELSE 'open' END, CASE WHEN i % 2 THEN 'a' END, CASE WHEN i % 2 THEN 'x' END FROM n"
        ),
    );
    execute(
        &site,
        &format!(
            "{NUMBERS} INSERT INTO scan (product, digest, received, started, tool, complete) SELECT 1, 'd' || i, '', '', '', 1 FROM n"
        ),
    );
    execute(
        &site,
        &format!(
            "{NUMBERS} INSERT INTO audit (time, actor, address, action, said, hash) SELECT '', '', '', '', '', '' FROM n"
        ),
    );
    let alert = json!({ "id": "web/b/1", "rule": "r", "title": "t", "severity": "low", "message": "m", "location": { "path": "p" }, "time": "2026-03-01T00:00:00Z", "detector": "agent" });
    execute(
        &site,
        &format!(
            "{NUMBERS} INSERT INTO alert (id, agent, host, time, severity, rule, title, document) SELECT 'web/b/' || i, 'web', 'h', '2026-03-01T00:00:00Z', 1, 'r', 't', '{alert}' FROM n"
        ),
    );
    assert_eq!(whole(&ana, "/api/v1/concerns").len(), 325);
    assert_eq!(whole(&ana, "/api/v1/concerns?state=answered").len(), 325);
    assert_eq!(ana.get("/api/v1/concerns?state=x").status, 400);
    assert_eq!(whole(&ana, "/api/v1/products/shop/scans").len(), 651);
    assert_eq!(whole(&ana, "/api/v1/alerts").len(), 650);
    assert!(whole(&ana, "/api/v1/audit").len() > 650);
    for path in ["/api/v1/alerts?before=none", "/alerts?before=none"] {
        assert_eq!(ana.get(path).status, 400, "{path}: not the first page again");
    }
    // Pages say how much of it they show, and lead on.
    let page = text(&ana.get("/concerns"));
    assert!(page.contains("Waiting for an answer, the earliest day first: 100 of 325"), "{page}");
    assert!(
        page.contains("Answered, the newest first: 100 of 325") && page.contains("/concerns?state=open&amp;after=")
    );
    assert!(text(&ana.get("/products/shop")).contains("The newest 10 of 651"));
    // What is somebody's is theirs, however many others wait.
    let work = json_of(&ana.get("/api/v1/work"));
    assert!(work["items"].as_array().unwrap().iter().any(|item| item["title"] == "q640"), "{work}");
    assert_eq!((&work["more_concerns"], &work["more_findings"]), (&json!(false), &json!(false)));
    let bo = json_of(&site.person("bo", Role::Viewer).get("/api/v1/work"));
    assert_eq!((&bo["more_concerns"], bo["items"].as_array().unwrap().len()), (&json!(true), 100));
}

#[test]
fn what_is_cut_is_said() {
    let site = Site::new("cuts");
    let (machine, ana) = (site.machine(Scope::Push, "shop"), site.person("ana", Role::Viewer));
    let mut related = a_finding(1, "a.py");
    let place = related["location"].clone();
    related["related"] = json!(vec![place; 60]);
    let mut large = a_finding(2, "b.py");
    large["rule"] = json!("r".repeat(70_000));
    let mut wordy = a_finding(4, "e.py");
    wordy["snippet"] = json!({ "line": 1, "text": "x".repeat(70_000), "highlight": [0, 1] });
    let mut owned = a_finding(3, "c.py");
    owned["owner"] = json!((0..30).map(|at| format!("@o{at:02}")).collect::<Vec<_>>());
    let done =
        machine.json("/api/v1/products/shop/scans?whole=.", &a_report(&[related, large, owned, wordy], "complete"));
    assert_eq!(done.status, 200);
    let page = |id: u32| text(&ana.get(&format!("/findings/{id}")));
    assert!(page(1).contains("the first 50 of 60"), "{}", page(1));
    assert!(page(2).contains("more than is kept in full"));
    assert!(page(3).contains("@o19") && page(3).contains("and 10 more"), "{}", page(3));
    assert!(page(4).contains("more than is kept in full") && !page(4).contains("xxxx"));
    // What an earlier scan said in full is not shown for what it is now.
    machine.json("/api/v1/products/shop/scans?whole=.", &a_report(&[a_finding(2, "b.py")], "complete"));
    assert!(!page(2).contains("more than is kept in full"));
    let mut again = a_finding(2, "b.py");
    again["rule"] = json!("r".repeat(70_000));
    machine.json("/api/v1/products/shop/scans?whole=.", &a_report(&[again], "complete"));
    assert!(page(2).contains("more than is kept in full"));
    let many: Vec<Value> = (10..90).map(|at| a_finding(at, "d.py")).collect();
    machine.json("/api/v1/products/shop/scans?whole=.", &a_report(&many, "complete"));
    let line = text(&ana.get("/products/shop/timeline"));
    assert!(line.contains("the worst 20 of the new ones have a moment of their own"), "{line}");
    assert!(text(&ana.get("/findings")).contains("80 findings, 50 of them here"));
    let twice = json!({ "roles": [{ "id": "web", "people": ["a"] }, { "id": "web", "people": ["b"] }] });
    assert_eq!(machine.json("/api/v1/products/shop/facts", &twice).status, 400, "which of both counts nobody knows");
}

#[test]
fn what_cannot_be_read_is_an_error_and_not_nothing() {
    let site = Site::new("unreadable");
    let machine = site.machine(Scope::Push, "shop");
    machine.json("/api/v1/products/shop/scans?whole=.", &a_report(&[a_finding(1, "a.py")], "complete"));
    let ana = site.person("ana", Role::Admin);
    for (statement, path, back) in [
        ("UPDATE product SET facts = 'x'", "/api/v1/products", "UPDATE product SET facts = '{}'"),
        ("UPDATE finding SET owners = 'x'", "/api/v1/findings", "UPDATE finding SET owners = '[]'"),
        ("UPDATE person SET handles = '[1]'", "/api/v1/people", "UPDATE person SET handles = '[]'"),
    ] {
        execute(&site, statement);
        assert_eq!(ana.get(path).status, 500, "{path}");
        execute(&site, back);
        assert_eq!(ana.get(path).status, 200, "{path}");
    }
}
