//! Concerns: none ends without an answer, in the interface and in the store.

use serde_json::{Value, json};

use super::{Site, json_of, text};
use crate::{Role, Scope, store};

/// A hub with a product, whose plan has a role.
fn planned(name: &str) -> Site {
    let site = Site::new(name);
    let facts = json!({ "roles": [{ "id": "appsec", "people": ["ana"] }] });
    assert_eq!(site.machine(Scope::Push, "shop").json("/api/v1/products/shop/facts", &facts).status, 200);
    site
}

fn concern(owner: &str) -> Value {
    json!({ "product": "shop", "title": "May we log e-mail addresses?", "text": "In the shop.\nFor support.", "owner": owner, "due": "2026-03-20" })
}

#[test]
fn nothing_ends_without_an_answer() {
    let site = planned("answer");
    let (bo, ana) = (site.person("bo", Role::Developer), site.person("ana", Role::Security));
    assert_eq!(json_of(&bo.json("/api/v1/concerns", &concern("role:appsec")))["number"], 1);
    let path = "/api/v1/concerns/1/answer";
    for answer in ["", " \n\t "] {
        assert_eq!(ana.json(path, &json!({ "answer": answer, "state": "closed" })).status, 400);
        assert_eq!(ana.form("/concerns/1/answer", &[("answer", answer), ("state", "closed")]).status, 400);
    }
    assert_eq!(ana.json(path, &json!({ "state": "closed" })).status, 400);
    assert_eq!(ana.json(path, &json!({ "answer": "No.", "state": "open" })).status, 400);
    // The table refuses it too, whoever writes.
    for statement in [
        "UPDATE concern SET state = 'closed'",
        "UPDATE concern SET state = 'closed', answer = '  ', answered_by = 'x'",
        "UPDATE concern SET state = 'accepted', answer = 'x'",
    ] {
        let refused = site.hub.store.write(|connection| {
            connection.execute(statement, [])?;
            Ok::<_, crate::HubError>(())
        });
        assert!(refused.is_err(), "{statement}");
    }
    assert_eq!(
        bo.json(path, &json!({ "answer": "Yes!", "state": "closed" })).status,
        403,
        "only its owner, or security"
    );
    let done = json_of(&ana.json(path, &json!({ "answer": "No: mask them.", "state": "closed" })));
    assert_eq!((&done["state"], &done["answered_by"], &done["decision"]), (&json!("closed"), &json!("ana"), &json!(4)));
    assert!(text(&ana.get("/decisions/4")).contains("testudo:concern/v1"));
    assert_eq!(ana.json(path, &json!({ "answer": "Yes.", "state": "closed" })).status, 409, "it has an answer");
    assert!(text(&bo.get("/concerns/1")).contains("No: mask them."));
    assert_eq!(site.hub.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn an_owner_answers_and_a_day_is_needed() {
    let site = planned("owner");
    let bo = site.person("bo", Role::Developer);
    for (name, value) in
        [("owner", ""), ("due", ""), ("due", "2026-02-01"), ("title", ""), ("product", " "), ("title", "a\nb")]
    {
        let mut wrong = concern("bo");
        wrong[name] = json!(value);
        assert_eq!(bo.json("/api/v1/concerns", &wrong).status, 400, "{name} {value}");
    }
    assert_eq!(
        bo.form("/concerns", &[("product", "shop"), ("title", "x"), ("owner", "role:appsec"), ("due", "2026-03-09")])
            .status,
        303
    );
    assert_eq!(bo.form("/concerns/1/answer", &[("answer", "y"), ("state", "closed")]).status, 403);
    let ana = site.person("ana", Role::Security);
    assert_eq!(ana.form("/concerns/1/assign", &[("owner", "bo"), ("due", "2026-03-10")]).status, 303);
    let row = site.hub.store.read(|connection| store::concern(connection, 1)).unwrap().unwrap();
    assert_eq!((row.concern.owner.as_deref(), row.concern.due.as_deref()), (Some("bo"), Some("2026-03-10")));
    assert_eq!(bo.form("/concerns/1/answer", &[("answer", "y"), ("state", "accepted")]).status, 303);
}

#[test]
fn the_audit_is_only_added_to_and_shows_a_change() {
    let site = planned("audit");
    let ana = site.person("ana", Role::Security);
    ana.json("/api/v1/concerns", &concern("ana"));
    ana.json("/api/v1/concerns/1/answer", &json!({ "answer": "No.", "state": "closed" }));
    let rows = json_of(&ana.get("/api/v1/audit"));
    let actions: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        ["concern.answer", "concern.raise", "session.begin", "link.create", "person.add", "facts.push", "token.create"]
    );
    assert_eq!(rows[0]["decision"], 3);
    let change = |statement: &str| {
        site.hub.store.write(|connection| {
            connection.execute_batch(statement)?;
            Ok::<_, crate::HubError>(())
        })
    };
    assert!(change("UPDATE audit SET actor = 'eve'").is_err());
    assert!(change("DELETE FROM audit").is_err());
    change("DROP TRIGGER audit_is_not_changed; UPDATE audit SET actor = 'eve' WHERE id = 2").unwrap();
    assert!(site.hub.verify().unwrap().join(" ").contains("row 2"));
}

#[test]
fn viewers_ask_and_see_what_became_of_it_and_nothing_is_about_or_for_nobody() {
    let site = planned("viewer");
    let (vi, ana) = (site.person("vi", Role::Viewer), site.person("ana", Role::Security));
    site.names("ana", &["@org/security"]);
    for (name, value) in [("product", "none"), ("owner", "nobody"), ("owner", "role:none"), ("owner", "@nobody")] {
        let mut wrong = concern("ana");
        wrong[name] = json!(value);
        assert_eq!(vi.json("/api/v1/concerns", &wrong).status, 400, "{name} {value}");
    }
    for (at, owner) in ["ana", "@ana", "role:appsec", "@org/security"].into_iter().enumerate() {
        assert_eq!(json_of(&vi.json("/api/v1/concerns", &concern(owner)))["number"], at + 1, "{owner}");
    }
    assert_eq!(ana.form("/concerns/1/assign", &[("owner", "nobody"), ("due", "2026-03-10")]).status, 400);
    assert_eq!(vi.form("/concerns/1/answer", &[("answer", "y"), ("state", "closed")]).status, 403);
    assert_eq!(ana.form("/concerns/1/answer", &[("answer", "No."), ("state", "closed")]).status, 303);
    let page = text(&vi.get("/concerns"));
    assert!(page.contains("Asked by you") && page.contains("<button>Raise</button>"));
    assert!(text(&vi.get("/concerns/1")).contains("No."));
    assert!(!text(&site.person("bo", Role::Viewer).get("/concerns")).contains("Asked by you"));
}
