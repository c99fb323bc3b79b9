//! What administrators decide about products.

use serde_json::json;

use super::{Site, a_finding, a_report, json_of, text};
use crate::{Role, Scope};

#[test]
fn the_default_branch_can_be_changed() {
    let site = Site::new("manage-branch");
    let (machine, admin) = (site.machine(Scope::Push, "shop"), site.person("admin", Role::Admin));
    let push = |branch: &str, path: &str| {
        let report = a_report(&[a_finding(path.len(), path)], "complete");
        json_of(&machine.json(&format!("/api/v1/products/shop/scans?whole=.&ref={branch}"), &report))
    };
    assert_eq!(push("work", "a.py")["opened"], 1);
    assert_eq!(push("main", "aa.py")["beside"], true);
    assert_eq!(admin.form("/products/shop/manage/branch", &[("branch", " ")]).status, 400);
    assert_eq!(admin.form("/products/none/manage/branch", &[("branch", "main")]).status, 404);
    assert_eq!(admin.form("/products/shop/manage/branch", &[("branch", "main")]).status, 303);
    let now = push("main", "aaa.py");
    assert_eq!((&now["opened"], &now["closed"]), (&json!(1), &json!(1)));
    assert_eq!(push("work", "aaaa.py")["beside"], true);
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
    site.hub
        .store
        .write(|connection| Ok::<_, crate::HubError>(connection.execute("UPDATE product SET default_ref = 'eve'", [])?))
        .unwrap();
    assert!(site.hub.verify().unwrap().join(" ").contains("product shop: default_branch is \"eve\", and entry"));
}

#[test]
fn an_archived_product_takes_nothing_and_comes_back() {
    let site = Site::new("archive");
    let (machine, admin) = (site.machine(Scope::Push, "shop"), site.person("admin", Role::Admin));
    let push =
        || machine.json("/api/v1/products/shop/scans?whole=.", &a_report(&[a_finding(1, "a.py")], "complete")).status;
    assert_eq!(push(), 200);
    let keep = |aside: &str, reason: &str| {
        admin.form("/products/shop/manage/archive", &[("aside", aside), ("reason", reason)]).status
    };
    assert_eq!((keep("yes", ""), keep("", "old")), (400, 400));
    assert_eq!(keep("yes", "nobody uses it"), 303);
    assert_eq!(push(), 409);
    assert_eq!(machine.json("/api/v1/products/shop/facts", &json!({})).status, 409);
    assert!(text(&admin.get("/")).contains("Archived"));
    assert!(text(&admin.get("/audit")).contains("shop is archived: nobody uses it"));
    assert_eq!(keep("no", "it is used"), 303);
    assert_eq!(push(), 200);
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn a_product_goes_with_what_was_pushed_and_what_was_decided_stays() {
    let site = Site::new("delete");
    let (machine, admin) = (site.machine(Scope::Push, "shop"), site.person("admin", Role::Admin));
    let other = site.machine(Scope::Push, "other");
    site.hub.create_token(Scope::Agent, "web-1", Some("shop")).unwrap();
    let report = a_report(&[a_finding(1, "a.py")], "complete");
    machine.json("/api/v1/products/shop/scans?whole=.&ref=main", &report);
    machine.json("/api/v1/products/shop/scans?whole=.&ref=work", &report);
    other.json("/api/v1/products/other/scans?whole=.", &a_report(&[a_finding(2, "b.py")], "complete"));
    let decision = json!({ "findings": [1], "state": "accepted", "reason": "known", "until": "2026-03-20" });
    assert_eq!(admin.json("/api/v1/findings/triage", &decision).status, 200);
    assert_eq!(admin.get("/").status, 200);
    let delete = |name: &str, reason: &str| {
        admin.form("/products/shop/manage/delete", &[("name", name), ("reason", reason)]).status
    };
    assert_eq!((delete("", "old"), delete("Shop", "old"), delete("shop", "")), (400, 400, 400));
    assert_eq!(admin.get("/products/shop").status, 200);
    assert_eq!(delete("shop", "it was sold"), 303);
    assert_eq!(
        (admin.get("/products/shop").status, admin.get("/findings/1").status, admin.get("/findings/2").status),
        (404, 404, 200)
    );
    assert_eq!(machine.json("/api/v1/products/shop/scans", &report).status, 401, "its token counts no more");
    assert!(text(&admin.get("/audit")).contains("shop is gone: it was sold"));
    let decided = json_of(&admin.get("/api/v1/audit"))
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["action"] == "finding.triage")
        .unwrap()["decision"]
        .clone();
    assert_eq!(admin.get(&format!("/decisions/{decided}")).status, 200);
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
    // One of the same name begins anew.
    let again = site.machine(Scope::Push, "shop");
    assert_eq!(json_of(&again.json("/api/v1/products/shop/scans?ref=main", &report))["opened"], 1);
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
}
