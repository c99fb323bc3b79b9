//! Every route against everybody who can ask, from the OpenAPI document. What each may do stands here a second time, as a table
//! of its own: a route whose permission is wrong in the code is wrong here.

use serde_json::{Value, json};

use super::{Asker, Site, a_finding, a_report, text};
use crate::{Role, Scope};

/// Columns: anonymous, viewer, developer, security, admin, push, agent.
const MAY: &[(&str, [bool; 7])] = &[
    ("open", [true, true, true, true, true, true, true]),
    ("read", [false, true, true, true, true, false, false]),
    ("raise", [false, true, true, true, true, false, false]),
    ("triage", [false, false, true, true, true, false, false]),
    ("answer", [false, false, true, true, true, false, false]),
    ("audit", [false, false, false, true, true, false, false]),
    ("administer", [false, false, false, false, true, false, false]),
    ("push", [false, false, false, false, false, true, false]),
    ("agent", [false, false, false, false, false, false, true]),
];

/// Routes by their permission, as they were meant. One that is missing here fails the test.
const MEANT: &[(&str, &str)] = &[
    ("GET /hub.css", "open"),
    ("GET /hub.js", "open"),
    ("GET /sign-in", "open"),
    ("GET /welcome/{link}", "open"),
    ("POST /welcome/{link}", "open"),
    ("POST /sign-out", "read"),
    ("GET /sessions", "read"),
    ("POST /sessions/end", "read"),
    ("POST /sessions/{session}/end", "read"),
    ("GET /", "read"),
    ("GET /products/{product}", "read"),
    ("GET /products/{product}/manage", "administer"),
    ("POST /products/{product}/manage/branch", "administer"),
    ("POST /products/{product}/manage/keys", "administer"),
    ("POST /products/{product}/manage/archive", "administer"),
    ("POST /products/{product}/manage/delete", "administer"),
    ("GET /products/{product}/branch", "read"),
    ("GET /products/{product}/timeline", "read"),
    ("GET /products/{product}/ledgers/{environment}/{seq}", "read"),
    ("GET /decisions/{seq}", "read"),
    ("GET /work", "read"),
    ("GET /findings", "read"),
    ("GET /findings/{finding}", "read"),
    ("POST /findings/triage", "triage"),
    ("GET /concerns", "read"),
    ("POST /concerns", "raise"),
    ("GET /concerns/{concern}", "read"),
    ("POST /concerns/{concern}/assign", "answer"),
    ("POST /concerns/{concern}/answer", "answer"),
    ("GET /alerts", "read"),
    ("GET /audit", "audit"),
    ("GET /admin", "administer"),
    ("POST /admin/people", "administer"),
    ("POST /admin/people/{person}", "administer"),
    ("POST /admin/people/{person}/link", "administer"),
    ("POST /admin/people/{person}/active", "administer"),
    ("POST /admin/tokens", "administer"),
    ("POST /admin/tokens/{token}/revoke", "administer"),
    ("GET /api/v1/openapi.json", "open"),
    ("GET /api/v1/me", "read"),
    ("GET /api/v1/sessions", "read"),
    ("GET /api/v1/products", "read"),
    ("GET /api/v1/products/{product}/board", "read"),
    ("GET /api/v1/products/{product}/timeline", "read"),
    ("GET /api/v1/products/{product}/scans", "read"),
    ("GET /api/v1/products/{product}/branches", "read"),
    ("GET /api/v1/products/{product}/branch", "read"),
    ("GET /api/v1/plan-roles", "read"),
    ("GET /api/v1/work", "read"),
    ("GET /api/v1/findings", "read"),
    ("GET /api/v1/findings/{finding}", "read"),
    ("POST /api/v1/findings/triage", "triage"),
    ("GET /api/v1/concerns", "read"),
    ("POST /api/v1/concerns", "raise"),
    ("POST /api/v1/concerns/{concern}/answer", "answer"),
    ("GET /api/v1/alerts", "read"),
    ("GET /api/v1/alerts/{alert}", "read"),
    ("GET /api/v1/agents", "read"),
    ("GET /api/v1/audit", "audit"),
    ("GET /api/v1/people", "administer"),
    ("GET /api/v1/tokens", "administer"),
    ("POST /api/v1/products/{product}/scans", "push"),
    ("GET /api/v1/products/{product}/ledgers/{environment}", "push"),
    ("POST /api/v1/products/{product}/ledgers/{environment}", "push"),
    ("POST /api/v1/products/{product}/facts", "push"),
    ("POST /api/v1/agents/{agent}/events", "agent"),
];

/// Operations of the document: method, path, operation.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(|(method, op)| (method.to_ascii_uppercase(), path.clone(), op.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

/// A body that may be refused for what it says, but never for its form.
fn send(asker: &Asker<'_>, (method, path): (&str, &str), operation: &Value) -> u16 {
    let content = &operation["requestBody"]["content"];
    let response = match content.as_object().and_then(|content| content.keys().next()).map(String::as_str) {
        None => asker.send(method, path, None, Vec::new()),
        Some("application/x-www-form-urlencoded") => asker.form(path, &[("state", "accepted")]),
        Some("application/json") => asker.json(path, &json!({})),
        Some(_) => asker.lines(path, b"{}\n".to_vec()),
    };
    // A page or an answer that is refused says so and shows nothing.
    if matches!(response.status, 401 | 403) {
        assert!(!text(&response).contains("Password in clear text"), "{method} {path}");
    }
    response.status
}

fn filled(path: &str) -> String {
    let values = [
        ("{link}", "0"),
        ("{product}", "shop"),
        ("{environment}", "dev"),
        ("{agent}", "web-1"),
        ("{alert}", "web-1%2Fb%2F1"),
        ("{seq}", "0"),
        ("{finding}", "1"),
        ("{concern}", "1"),
        ("{person}", "999"),
        ("{token}", "999"),
        ("{session}", "0011223344556677"),
    ];
    let path = values.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
    assert!(!path.contains('{'), "{path} has a name that this test does not know");
    path
}

#[test]
fn every_route_admits_exactly_whom_it_should() {
    let site = Site::new("matrix");
    let push = site.machine(Scope::Push, "shop");
    let pushed = push.json("/api/v1/products/shop/scans?whole=.", &a_report(&[a_finding(1, "a.py")], "complete"));
    assert_eq!(pushed.status, 200);
    let agent = site.machine(Scope::Agent, "web-1");
    let people = Role::ALL.map(|role| site.person(role.as_str(), role));
    let document = crate::openapi();
    let operations = operations(&document);
    assert_eq!(operations.len(), MEANT.len(), "a route is missing in the table of this test, or is not there any more");
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for (method, path, operation) in &operations {
        let name = format!("{method} {path}");
        let permission = operation["x-testudo-permission"].as_str().expect("every operation has a permission");
        let meant = MEANT.iter().find(|(own, _)| *own == name).unwrap_or_else(|| panic!("{name} is not in the table"));
        assert_eq!(permission, meant.1, "{name}");
        if path == "/sign-out" {
            // It would end the sessions of this test; nobody else may.
            assert_eq!(send(&site.anybody(), (method, path), operation), 401);
            continue;
        }
        let may = MAY.iter().find(|(own, _)| *own == permission).unwrap().1;
        let askers = [&site.anybody(), &people[0], &people[1], &people[2], &people[3], &push, &agent];
        for (at, asker) in askers.into_iter().enumerate() {
            asked += 1;
            let status = send(asker, (method, &filled(path)), operation);
            // The welcome of a link that is none is refused for another reason.
            let denied = matches!(status, 401 | 403) && !(path == "/welcome/{link}" && status == 403);
            if denied == may[at] || status >= 500 {
                wrong.push(format!("{name}, column {at}: {status}"));
            }
            let anonymous = at == 0 && denied;
            assert!(!anonymous || status == 401, "{name}: {status}");
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "of {asked} requests");
    assert!(asked > 350, "{asked}");
}

#[test]
fn a_token_speaks_for_one_product_or_agent() {
    let site = Site::new("one-product");
    let (push, agent) = (site.machine(Scope::Push, "shop"), site.machine(Scope::Agent, "web-1"));
    for (method, path, operation) in operations(&crate::openapi()) {
        let permission = operation["x-testudo-permission"].as_str().unwrap();
        let other = filled(&path).replace("/shop", "/other").replace("/web-1", "/web-2");
        match permission {
            "push" => assert_eq!(send(&push, (&method, &other), &operation), 403, "{method} {path}"),
            "agent" => assert_eq!(send(&agent, (&method, &other), &operation), 403, "{method} {path}"),
            _ => {}
        }
    }
    assert_eq!(site.anybody().get("/api/v1/products/other/board").status, 401);
}

#[test]
fn a_token_that_was_taken_back_or_made_up_counts_no_more() {
    let site = Site::new("revoked");
    let push = site.machine(Scope::Push, "shop");
    let path = "/api/v1/products/shop/ledgers/dev";
    assert_eq!(push.get(path).status, 200);
    site.hub.revoke_token(1).unwrap();
    assert_eq!(push.get(path).status, 401);
    let other = Asker { bearer: Some(format!("{}{}", crate::TOKEN_PREFIX, "0".repeat(64))), ..site.anybody() };
    assert_eq!(other.get(path).status, 401);
    // A token that is wrong is refused on pages that everybody may see too, and guessing has an end.
    let last = (0..30).map(|_| other.get("/sign-in").status).fold(None, |_, status| Some(status));
    assert_eq!(last, Some(429));
    site.pass(61);
    assert_eq!(other.get("/sign-in").status, 401);
}

#[test]
fn the_document_is_openapi() {
    let document = crate::openapi();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = std::collections::BTreeSet::new();
    let text = document.to_string();
    for (method, path, operation) in operations(&document) {
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
        let named = operation["parameters"].as_array().unwrap().iter().filter(|p| p["in"] == "path").count();
        assert_eq!(named, path.matches('{').count(), "{path}");
    }
    // Every reference leads somewhere.
    for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
    }
    assert!(!text.contains("#/$defs/"));
}
