//! What a hostile repository, file or client can write, and what becomes of it.

use serde_json::{Value, json};

use super::{Site, a_finding, a_report, json_of, text};
use crate::{Role, Scope};

/// Texts that act where they are not escaped.
const TEXTS: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title></main><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{7*7}}",
    "\u{202e}gnp.exe",
    "a\0b\u{1b}[2J",
    "'; DROP TABLE finding; --",
    "%_\\%' OR 1=1",
    "\u{1f600}é",
    "../../etc/passwd",
];

#[test]
fn hostile_texts_are_text_on_every_page() {
    let site = Site::new("xss");
    let machine = site.machine(Scope::Push, "shop");
    let findings: Vec<Value> = TEXTS
        .iter()
        .enumerate()
        .map(|(at, hostile)| {
            let mut finding = a_finding(at, hostile);
            for field in ["rule", "title", "message"] {
                finding[field] = json!(hostile);
            }
            finding["owner"] = json!([hostile]);
            finding["aliases"] = json!([hostile]);
            finding["fix"] = json!({ "description": hostile });
            finding["snippet"] = json!({ "line": 1, "text": hostile, "highlight": [0, 1] });
            finding
        })
        .collect();
    assert_eq!(machine.json("/api/v1/products/shop/scans?whole=.", &a_report(&findings, "complete")).status, 200);
    let hostile = TEXTS.join(" ");
    let facts = json!({
        "roles": [{ "id": hostile, "people": [hostile], "channel": hostile }],
        "plan": { "path": hostile, "owner": hostile },
        "controls": [{ "id": hostile, "status": "failing", "owner": "ana", "reason": hostile }],
        "pipelines": [hostile], "owners": { ".": ["ana", hostile] }
    });
    assert_eq!(machine.json("/api/v1/products/shop/facts", &facts).status, 200);
    let ana = site.person("ana", Role::Admin);
    let mut branches = Vec::new();
    for hostile in TEXTS.iter().filter(|text| !text.chars().any(char::is_control)) {
        let branch = crate::http::encode(hostile);
        let path = format!("/api/v1/products/shop/scans?whole=.&default=main&ref={branch}");
        assert_eq!(machine.json(&path, &a_report(&findings[..1], "complete")).status, 200, "{hostile}");
        branches.push(format!("/products/shop/branch?name={branch}"));
    }
    for hostile in TEXTS.iter().filter(|text| !text.chars().any(char::is_control)) {
        let concern =
            json!({ "product": "shop", "title": hostile, "text": hostile, "owner": "ana", "due": "2026-03-30" });
        assert_eq!(ana.json("/api/v1/concerns", &concern).status, 200, "{hostile}");
        let answer = json!({ "findings": [1], "state": "accepted", "reason": hostile, "until": "2026-03-30" });
        assert_eq!(ana.json("/api/v1/findings/triage", &answer).status, 200, "{hostile}");
    }
    let mut pages = vec![
        "/",
        "/work",
        "/findings?state=",
        "/findings?text=%3Cscript%3E&owner=%22%3E",
        "/concerns",
        "/concerns?about=%22%3E%3Cscript%3E",
        "/audit",
        "/admin",
        "/products/shop",
        "/products/shop/timeline",
        "/products/shop/manage",
        "/sessions",
        "/decisions/0",
        "/%3Cscript%3E",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect::<Vec<_>>();
    pages.extend(branches);
    pages.extend((1..=TEXTS.len()).map(|id| format!("/findings/{id}")));
    pages.extend((1..=9).map(|id| format!("/concerns/{id}")));
    for path in &pages {
        let page = text(&ana.get(path));
        for mark in ["<script>alert", "<img src=x", "<svg/onload", "' onmouseover='", "\u{202e}", "\u{1b}"] {
            assert!(!page.contains(mark), "{path} has {mark}");
        }
        assert!(!page.contains("style=\""), "{path}: no style in elements");
        assert_eq!(page.matches("<script").count(), 1, "{path}: the one own script");
        assert!(
            !page.contains("href=\"javascript:") && !page.contains("http://") && !page.contains("https://"),
            "{path}"
        );
        assert_eq!(page.matches("<h1>").count(), 1, "{path}");
    }
    assert_eq!(json_of(&ana.get("/api/v1/findings?state=&text=DROP+TABLE"))["findings"].as_array().unwrap().len(), 1);
}

#[test]
fn odd_paths_lead_nowhere() {
    let site = Site::new("paths");
    let ana = site.person("ana", Role::Admin);
    for path in [
        "/..",
        "/../hub.pem",
        "/%2e%2e/hub.pem",
        "/products/..%2f..%2fhub.pem",
        "/products/%00",
        "//",
        "/findings/",
        "/findings//1",
        "/findings/0",
        "/findings/-1",
        "/findings/1;drop",
        "/findings/99999999999999999999",
        "/decisions/99",
        "/products/none",
        "/products/none/timeline",
        "/api",
        "/api/v1",
        "/api/v2/findings",
        "/hub.sqlite3",
        "/welcome/../..",
        "/FINDINGS",
        "/api/v1/alerts/none",
    ] {
        let status = ana.get(path).status;
        assert!(matches!(status, 400 | 404), "{path}: {status}");
    }
    for query in ["state=x", "severity=x", "scan=x", "after=x", "after=9-1", "after=1-", "after=1-1-1", "before=%ff"] {
        assert_eq!(ana.get(&format!("/findings?{query}")).status, 400, "{query}");
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "post"] {
        let status = ana.send(method, "/findings", None, Vec::new()).status;
        assert_eq!(status, 405, "{method}");
    }
}

#[test]
fn numbers_that_nothing_has_are_told_apart_from_words_and_never_an_error_of_the_hub() {
    let site = Site::new("numbers");
    let (machine, ana) = (site.machine(Scope::Push, "shop"), site.person("ana", Role::Admin));
    assert_eq!(machine.json("/api/v1/products/shop/scans", &a_report(&[], "complete")).status, 200);
    for path in ["/findings/N", "/concerns/N", "/decisions/N", "/products/shop/ledgers/dev/N", "/api/v1/findings/N"] {
        for (number, status) in [
            ("999", 404),
            ("9223372036854775807", 404),
            ("9223372036854775808", 400),
            ("18446744073709551616", 400),
            ("x", 400),
        ] {
            assert_eq!(ana.get(&path.replace('N', number)).status, status, "{path} {number}");
        }
    }
    assert_eq!(ana.get("/api/v1/audit?before=9223372036854775808").status, 400);
    assert_eq!(ana.get("/findings?scan=9223372036854775808").status, 400);
}

#[test]
fn errors_are_pages_for_people_and_problems_for_programs() {
    let site = Site::new("problems");
    let ana = site.person("ana", Role::Viewer);
    let answer = |path: &str, accept: Option<&'static str>| {
        let request = super::Request {
            method: "GET".to_owned(),
            target: super::Target::parse(path).unwrap(),
            address: std::net::IpAddr::from([127, 0, 0, 1]),
            headers: [("host", super::HOST)]
                .into_iter()
                .chain(accept.map(|accept| ("accept", accept)))
                .map(|(name, value)| (name, value.to_owned()))
                .collect(),
            body: super::Body::of(Vec::new()),
        };
        super::http::answer(&site.hub, &request)
    };
    for path in ["/nothing", "/findings", "/api/v1/findings", "/api/nothing", "/admin/people"] {
        for (accept, kind) in [
            (Some("text/html"), "text/html"),
            (Some("application/xhtml+xml, TEXT/HTML;q=0.9"), "text/html"),
            (Some("*/*"), "application/problem+json"),
            (Some("application/json"), "application/problem+json"),
            (None, "application/problem+json"),
        ] {
            let refused = answer(path, accept);
            let media = super::header(&refused, "content-type").unwrap();
            assert!(refused.status >= 400 && media.starts_with(kind), "{path} {accept:?}: {media}");
            if kind == "text/html" {
                assert!(text(&refused).contains("<main id=\"main\""), "{path}");
            } else {
                let problem: Value = serde_json::from_slice(&refused.body).unwrap();
                assert_eq!(problem["status"], refused.status, "{path}");
                assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
            }
        }
    }
    let method = ana.send("PUT", "/concerns", None, Vec::new());
    assert_eq!(super::header(&method, "allow"), Some("GET, HEAD, POST"));
}

#[test]
fn json_that_is_too_deep_or_odd_is_refused() {
    let site = Site::new("depth");
    let machine = site.machine(Scope::Push, "shop");
    let send = |path: &str, body: Vec<u8>| machine.send("POST", path, Some("application/json"), body).status;
    let mut deep = a_finding(1, "a.py").to_string();
    let nest = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    deep = deep.replace("\"properties\":{}", &format!("\"properties\":{{\"x\":{nest}}}"));
    let report = a_report(&[], "complete").to_string().replace("\"findings\":[]", &format!("\"findings\":[{deep}]"));
    // What nobody reads is passed over without going down into it.
    let ignored = a_report(&[], "complete").to_string().replacen('{', &format!("{{\"ignored\":{nest},"), 1);
    assert_eq!(send("/api/v1/products/shop/scans", ignored.into_bytes()), 200);
    for (name, body) in [
        ("deep", report.into_bytes()),
        ("empty", Vec::new()),
        ("two", b"{}{}".to_vec()),
        ("no UTF-8", vec![b'{', b'"', 0xff, b'"', b':', b'1', b'}']),
        ("a list", b"[1]".to_vec()),
        ("twice", b"{\"schema\":1,\"schema\":2}".to_vec()),
    ] {
        for path in ["/api/v1/products/shop/scans", "/api/v1/products/shop/facts"] {
            assert_eq!(send(path, body.clone()), 400, "{name} at {path}");
        }
    }
    let many = json!({ "lockfiles": vec!["x"; 20_000] });
    assert_eq!(machine.json("/api/v1/products/shop/facts", &many).status, 400);
    assert_eq!(machine.json("/api/v1/products/shop/facts", &json!({ "other": 1 })).status, 400);
}

/// Bytes that nobody meant: every reader says no, and none ends the thread that reads.
#[test]
fn mutated_bodies_are_answered() {
    let site = Site::new("mutated");
    let (machine, agent) = (site.machine(Scope::Push, "shop"), site.machine(Scope::Agent, "web-1"));
    let seeds = [
        (&machine, "/api/v1/products/shop/scans?whole=.", a_report(&[a_finding(1, "a.py")], "complete")),
        (
            &machine,
            "/api/v1/products/shop/facts",
            json!({ "roles": [{ "id": "web", "people": ["bo"] }], "owners": { ".": ["a"] } }),
        ),
        (
            &agent,
            "/api/v1/agents/web-1/events",
            json!({ "agent": "web-1", "host": "h", "boot": "b", "previous": "", "events": [
            { "seq": 1, "time": "2026-03-01T00:00:00Z", "class": "heartbeat" }] }),
        ),
    ];
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for (asker, path, seed) in &seeds {
        let whole = serde_json::to_vec(seed).unwrap();
        for _ in 0..300 {
            let mut bytes = whole.clone();
            for _ in 0..=random(3) {
                let at = random(bytes.len());
                match random(3) {
                    0 => bytes[at] = u8::try_from(random(256)).unwrap(),
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, b"\"{}[]:,0-e\\"[random(11)]),
                }
            }
            let status = asker.send("POST", path, Some("application/json"), bytes.clone()).status;
            assert!(status < 500, "{path} {status} {}", String::from_utf8_lossy(&bytes));
        }
    }
}
