//! What a push closes, and what it must not.

use serde_json::{Value, json};

use super::{Asker, Site, a_finding, a_report, json_of};
use crate::{Role, Scope};

fn push(machine: &Asker<'_>, query: &str, report: &Value) -> Value {
    json_of(&machine.json(&format!("/api/v1/products/shop/scans{query}"), report))
}

fn states(person: &Asker<'_>) -> Vec<(String, String)> {
    let list = json_of(&person.get("/api/v1/findings?state="));
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let mut states: Vec<_> =
        list["findings"].as_array().unwrap().iter().map(|row| (text(row, "path"), text(row, "state"))).collect();
    states.sort();
    states
}

#[test]
fn what_a_whole_scan_does_not_find_again_is_closed_and_may_come_back() {
    let site = Site::new("closing");
    let (machine, ana) = (site.machine(Scope::Push, "shop"), site.person("ana", Role::Viewer));
    let both = a_report(&[a_finding(1, "a.py"), a_finding(2, "b/c.py")], "complete");
    let first = push(&machine, "?whole=.", &both);
    assert_eq!((first["opened"].as_u64(), first["closed"].as_u64()), (Some(2), Some(0)));
    assert_eq!(push(&machine, "?whole=.", &both)["known"], true);
    let second = push(&machine, "?whole=.", &a_report(&[a_finding(1, "a.py")], "complete"));
    assert_eq!((second["opened"].as_u64(), second["closed"].as_u64()), (Some(0), Some(1)));
    assert_eq!(states(&ana), [("a.py".into(), "open".into()), ("b/c.py".into(), "closed".into())]);
    let third = push(&machine, "?whole=.", &both);
    assert_eq!((third["opened"].as_u64(), third["closed"].as_u64()), (Some(1), Some(0)));
    assert_eq!(states(&ana)[1].1, "open");
}

#[test]
fn what_was_not_looked_at_again_stays_open() {
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut report = a_report(&[], "complete");
        change(&mut report);
        report
    };
    let cases: Vec<(&str, &str, Value)> = vec![
        ("incomplete", "?whole=.", a_report(&[], "incomplete")),
        ("not run", "?whole=.", a_report(&[], "not-run")),
        ("no extent", "", a_report(&[], "complete")),
        ("elsewhere", "?whole=b", a_report(&[], "complete")),
        ("a name that only begins alike", "?whole=a", a_report(&[], "complete")),
        ("rule off", "?whole=.&off=generic-password", a_report(&[], "complete")),
        ("nothing looked at", "?whole=.", changed(&|r| r["coverage"][0]["units"] = json!(0))),
        ("no coverage", "?whole=.", changed(&|r| r["coverage"] = json!([]))),
        ("another detector", "?whole=.", changed(&|r| r["coverage"][0]["detector"] = json!("deps"))),
        ("another tool", "?whole=.", changed(&|r| r["coverage"][0]["tool"] = json!({ "name": "x", "version": "1" }))),
        ("other rules", "?whole=.", changed(&|r| r["coverage"][0]["rules_digest"] = json!("unknown"))),
        ("hidden", "?whole=.", changed(&|r| r["summary"]["hidden"] = json!(1))),
        ("summary", "?whole=.", changed(&|r| r["summary"]["complete"] = json!(false))),
    ];
    for (at, (name, query, report)) in cases.into_iter().enumerate() {
        let site = Site::new(&format!("kept-{at}"));
        let (machine, ana) = (site.machine(Scope::Push, "shop"), site.person("ana", Role::Viewer));
        push(&machine, "?whole=.", &a_report(&[a_finding(1, "a.py")], "complete"));
        let done = push(&machine, query, &report);
        assert_eq!((done["closed"].as_u64(), done["kept"].as_u64()), (Some(0), Some(1)), "{name}");
        assert_eq!(done["reasons"].as_array().unwrap().len(), 1, "{name}");
        assert_eq!(states(&ana), [("a.py".into(), "open".into())], "{name}");
    }
}

#[test]
fn findings_of_history_and_of_other_tools_are_not_closed_by_a_look_at_files() {
    let site = Site::new("history");
    let (machine, ana) = (site.machine(Scope::Push, "shop"), site.person("ana", Role::Viewer));
    let (mut old, mut foreign) = (a_finding(1, "a.py"), a_finding(2, "b.py"));
    old["location"]["commit"] =
        json!({ "id": "0", "author": "a", "email": "", "date": "", "subject": "", "in_head": false });
    foreign["properties"] = json!({ "tool": "semgrep" });
    push(&machine, "?whole=.", &a_report(&[old, foreign], "complete"));
    let done = push(&machine, "?whole=.", &a_report(&[], "complete"));
    assert_eq!((done["closed"].as_u64(), done["kept"].as_u64()), (Some(0), Some(2)));
    assert!(states(&ana).iter().all(|(_, state)| state == "open"));
}

#[test]
fn what_the_view_hides_is_named_and_stays() {
    let site = Site::new("hidden");
    let machine = site.machine(Scope::Push, "shop");
    push(&machine, "?whole=.", &a_report(&[a_finding(1, "a.py"), a_finding(2, "b.py")], "complete"));
    let mut report = a_report(&[], "complete");
    report["summary"]["hidden"] = json!(1);
    report["hidden"] = json!([a_finding(1, "a.py")["fingerprint"]]);
    let done = push(&machine, "?whole=.", &report);
    assert_eq!((done["closed"].as_u64(), done["kept"].as_u64()), (Some(1), Some(0)));
}

#[test]
fn paths_count_from_the_root_of_the_project() {
    let site = Site::new("base");
    let (machine, ana) = (site.machine(Scope::Push, "shop"), site.person("ana", Role::Viewer));
    push(&machine, "?base=apps%2Fweb&whole=apps%2Fweb", &a_report(&[a_finding(1, "a.py")], "complete"));
    assert_eq!(states(&ana)[0].0, "apps/web/a.py");
    assert_eq!(push(&machine, "?whole=apps", &a_report(&[], "complete"))["closed"], 1);
}

#[test]
fn a_report_that_is_cut_off_changes_nothing() {
    let site = Site::new("cut");
    let (machine, ana) = (site.machine(Scope::Push, "shop"), site.person("ana", Role::Viewer));
    push(&machine, "?whole=.", &a_report(&[a_finding(1, "a.py")], "complete"));
    let whole = serde_json::to_vec(&a_report(&[a_finding(2, "b.py"), a_finding(3, "c.py")], "complete")).unwrap();
    let path = "/api/v1/products/shop/scans?whole=.";
    for end in (0..whole.len()).step_by(7) {
        let answer = machine.send("POST", path, Some("application/json"), whole[..end].to_vec());
        assert_eq!(answer.status, 400, "{end}");
    }
    for (name, report) in [("schema", json!("x")), ("summary", Value::Null), ("coverage", Value::Null)] {
        let mut other = a_report(&[a_finding(2, "b.py")], "complete");
        if report.is_null() {
            drop(other.as_object_mut().unwrap().remove(name))
        } else {
            other[name] = report
        }
        assert_eq!(machine.json(path, &other).status, 400, "{name}");
    }
    assert_eq!(states(&ana), [("a.py".into(), "open".into())]);
}

#[test]
fn lists_go_on_where_the_page_before_ended() {
    let site = Site::new("pages");
    let (machine, ana) = (site.machine(Scope::Push, "shop"), site.person("ana", Role::Viewer));
    let all: Vec<Value> = (0..260).map(|at| a_finding(at, &format!("src/{at}.py"))).collect();
    push(&machine, "?whole=.", &a_report(&all, "complete"));
    for filter in [
        "",
        "owner=%40org%2Fweb&",
        "text=SRC%2F&",
        "rule=generic-password&",
        "product=shop&",
        "owner=%40org%2Fweb&text=py&product=shop&",
    ] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page = json_of(&ana.get(&format!("/api/v1/findings?{filter}{after}")));
            let rows = page["findings"].as_array().unwrap();
            let order = ["info", "low", "medium", "high", "critical"];
            let rank = |row: &Value| order.iter().position(|word| row["severity"] == *word).unwrap();
            seen.extend(rows.iter().map(|row| (rank(row), row["id"].as_i64().unwrap())));
            match page["next"].as_str() {
                Some(next) => after = format!("after={next}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), 260, "{filter}");
        assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "{filter}");
    }
    let count =
        |query: &str| json_of(&ana.get(&format!("/api/v1/findings?{query}")))["findings"].as_array().unwrap().len();
    assert_eq!(count("text=src%2F25.py"), 1);
    assert_eq!(count("text=%25"), 0, "a percent sign is a character");
    assert_eq!(count("severity=critical"), 52);
    assert_eq!(count("owner=%40nobody"), 0);
    assert_eq!(count("product=other"), 0);
}

#[test]
fn other_branches_are_shown_and_neither_open_nor_close() {
    let site = Site::new("branches");
    let (machine, ana) = (site.machine(Scope::Push, "shop"), site.person("ana", Role::Viewer));
    let main = a_report(&[a_finding(1, "a.py"), a_finding(2, "b.py")], "complete");
    let first = push(&machine, "?whole=.&ref=main", &main);
    assert_eq!((&first["opened"], &first["beside"]), (&json!(2), &json!(false)));
    // The branch mends one and brings another.
    let work = a_report(&[a_finding(1, "a.py"), a_finding(3, "c.py")], "complete");
    let other = push(&machine, "?whole=.&ref=work%2Fx", &work);
    assert_eq!((&other["opened"], &other["closed"], &other["only_here"]), (&json!(0), &json!(0), &json!(1)));
    assert!(other["reasons"][0].as_str().unwrap().contains("`main` is the default branch"), "{other}");
    assert_eq!(states(&ana), [("a.py".into(), "open".into()), ("b.py".into(), "open".into())]);
    assert_eq!(push(&machine, "?whole=.&ref=work%2Fx", &work)["known"], true);
    let page = super::text(&ana.get("/products/shop/branch?name=work%2Fx"));
    assert!(page.contains("only here") && page.contains("finding 1</a>") && page.contains("c.py"), "{page}");
    assert_eq!(ana.get("/products/shop/branch?name=none").status, 404);
    let list = json_of(&ana.get("/api/v1/products/shop/branches"));
    assert_eq!((list.as_array().unwrap().len(), &list[0]["findings"]), (1, &json!(2)));
    // A branch that nobody named, now that one is known, is another one too.
    let unnamed = push(&machine, "?whole=.", &a_report(&[], "complete"));
    assert_eq!((&unnamed["closed"], &unnamed["reasons"][1]), (&json!(0), &json!("name the branch with --ref")));
    // Its facts do not count either, and a late scan of a branch keeps nothing open on the default one.
    let facts = json!({ "roles": [{ "id": "web", "people": ["eve"] }] });
    let of = |branch: &str| format!("/api/v1/products/shop/facts?ref={branch}");
    assert_eq!(json_of(&machine.json(&of("work"), &facts))["kept"], false);
    assert_eq!(json_of(&ana.get("/api/v1/plan-roles")), json!([]));
    assert_eq!(json_of(&machine.json(&of("main"), &facts))["kept"], true);
    let mut late = a_report(&[], "complete");
    late["started"] = json!("2026-03-09T00:00:00Z");
    push(&machine, "?whole=.&ref=work%2Fx", &late);
    assert_eq!(push(&machine, "?whole=.&ref=main", &work)["closed"], 1);
    assert_eq!(
        states(&ana),
        [("a.py".into(), "open".into()), ("b.py".into(), "closed".into()), ("c.py".into(), "open".into())]
    );
}

#[test]
fn what_the_repository_says_is_its_default_branch_counts_from_the_first_push_on() {
    let site = Site::new("default-branch");
    let (machine, ana) = (site.machine(Scope::Push, "shop"), site.person("ana", Role::Viewer));
    let work = push(&machine, "?whole=.&ref=work&default=trunk", &a_report(&[a_finding(1, "a.py")], "complete"));
    assert_eq!((&work["beside"], states(&ana).len()), (&json!(true), 0));
    let audit = json_of(&site.person("sec", Role::Security).get("/api/v1/audit")).to_string();
    assert!(audit.contains("shop: trunk is the default branch, as the first push that named one said"), "{audit}");
    // A later push does not say otherwise.
    let again = push(&machine, "?whole=.&ref=work&default=work", &a_report(&[a_finding(2, "a.py")], "complete"));
    assert_eq!(again["beside"], true);
    assert_eq!(push(&machine, "?whole=.&ref=trunk", &a_report(&[a_finding(1, "a.py")], "complete"))["opened"], 1);
    for wrong in ["a%0ab", &"x".repeat(300)] {
        let path = format!("/api/v1/products/shop/scans?ref={wrong}");
        assert_eq!(machine.json(&path, &a_report(&[], "complete")).status, 400);
    }
}

#[test]
fn branches_that_are_kept_have_an_end() {
    let site = Site::new("many-branches");
    let (machine, ana) = (site.machine(Scope::Push, "shop"), site.person("ana", Role::Viewer));
    push(&machine, "?ref=main", &a_report(&[], "complete"));
    for at in 0..crate::store::BRANCHES + 3 {
        push(&machine, &format!("?ref=b{at}"), &a_report(&[a_finding(at, "a.py")], "complete"));
    }
    let list = json_of(&ana.get("/api/v1/products/shop/branches"));
    assert_eq!(list.as_array().unwrap().len(), crate::store::BRANCHES);
    assert_eq!(ana.get("/products/shop/branch?name=b0").status, 404);
}
