//! Every page in a real headless Chromium, with an accessibility check. `browser/run` installs what it needs; where that, node
//! or Chromium is absent, the test says so and looks at nothing.
#![expect(clippy::print_stderr, reason = "a test that cannot run says so")]
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Command, id},
    sync::Arc,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use testudo_hub::{Encryption, Hub, HubError, Listener, Moment, Role, RuleSet, Scope, Settings, World};
use testudo_ledger::{Appender, Event, Journal, SigningKey, Subject, predicate};

/// This machine: a browser has its own idea of today.
#[derive(Debug)]
struct Machine;

/// Day of the calendar from days since 1970 (Gregorian calendar).
fn day(days: i64) -> String {
    let (mut year, mut rest) = (1970, days);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while rest >= 365 + i64::from(leap(year)) {
        rest -= 365 + i64::from(leap(year));
        year += 1;
    }
    let months = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while rest >= months[month] {
        rest -= months[month];
        month += 1;
    }
    format!("{year:04}-{:02}-{:02}", month + 1, rest + 1)
}

impl World for Machine {
    fn now(&self) -> Moment {
        let seconds = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        let rest = seconds % 86_400;
        let text = format!("{}T{:02}:{:02}:{:02}Z", day(seconds / 86_400), rest / 3600, rest / 60 % 60, rest % 60);
        Moment { seconds, text }
    }

    fn random(&self) -> Result<[u8; 32], HubError> {
        let mut bytes = [0; 32];
        fs::File::open("/dev/urandom")
            .and_then(|mut file| file.read_exact(&mut bytes))
            .map_err(|_| HubError::Random)?;
        Ok(bytes)
    }
}

fn post(address: SocketAddr, token: &str, (path, media): (&str, &str), body: &[u8]) {
    let head = format!(
        "POST /api/v1{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: {media}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
}

const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];

fn finding(number: usize) -> Value {
    let titles = ["Password in clear text", "Private key in clear text", "SQL built from <script>alert(1)</script>"];
    let at = |column: usize| json!({ "line": number + 1, "column": column, "offset": 30 });
    let folder = ["auth", "views", "a folder with quite a long name that goes on and on"][number % 3];
    json!({
        "id": format!("{number:010}"), "rule": "generic-password", "title": titles[number % 3],
        "message": "The value stands in the code; whoever can read it has it.", "severity": SEVERITIES[number % 5],
        "confidence": "high", "persona": "regular", "detector": "secrets",
        "location": { "path": format!("apps/portal/src/{folder}/file_{number}.py"), "span": { "start": at(1), "end": at(9) } },
        "fingerprint": format!("1:{number:032x}"), "cwe": [798], "owasp": ["A07"],
        "owner": if number.is_multiple_of(4) { json!(["admin"]) } else { json!(["@org/web", "@org/db"]) },
        "snippet": { "line": number + 1, "text": format!("db_password = \"h*******4\"  # {}", "a long line of source ".repeat(8)), "highlight": [15, 24] },
        "fix": { "description": "Take it out, revoke it, and keep the new one in the vault." }, "properties": {}
    })
}

fn report(numbers: std::ops::Range<usize>) -> Vec<u8> {
    let findings: Vec<Value> = numbers.map(finding).collect();
    serde_json::to_vec(&json!({
        "schema": "testudo/scan/1", "tool": { "name": "testudo", "version": "0.1.0" }, "started": "2026-03-01T00:00:00Z",
        "targets": ["."],
        "coverage": [{ "detector": "secrets", "state": "complete", "rules_digest": "known", "rules": 3, "scope": ["."],
            "units": 40, "bytes": 100, "skipped": {}, "counts": {} }],
        "notices": [],
        "summary": { "by_severity": {}, "findings": findings.len(), "suppressed": 0, "hidden": 0, "incidents": 0, "complete": true },
        "findings": findings
    }))
    .unwrap()
}

/// A ledger with gates and a release that went back.
fn ledger(folder: &Path) -> Vec<u8> {
    let journal = Journal::new(&folder.join("ledger-of-project"), "prod").unwrap();
    let key = SigningKey::generate().unwrap();
    let release = |version: &str, state: &str, step: Value| {
        (
            predicate::RELEASE,
            json!({ "release": "prod-1", "version": version, "fence": 1, "state": state, "step": step }),
        )
    };
    let gate = |verdict: &str, reasons: Value| {
        let policy = json!({ "settings": {}, "files": {} });
        (predicate::GATE, json!({ "verdict": verdict, "reasons": reasons, "scan": 0, "policy": policy }))
    };
    let outcome = |stage: &str, passed: bool, reason: &str| json!({ "kind": "outcome", "stage": stage, "attempt": 1, "passed": passed, "reason": reason, "millis": 1200 });
    let events = [
        gate("failed", json!(["2 findings at or above high"])),
        gate("passed", json!([])),
        release("1.2.0", "planned", json!({ "kind": "begun", "pipeline": "00" })),
        release("1.2.0", "deployed", outcome("deploy", true, "the probe reports 1.2.0")),
        release("1.2.0", "verifying", outcome("verify", false, "exit code 1")),
        release("1.2.0", "rolled-back", json!({ "kind": "ended", "reason": "the known good version runs again" })),
    ];
    for (kind, predicate) in events {
        let event = Event {
            subject: vec![Subject::new("shop.tar", "sha256", "00")],
            predicate_type: kind.to_owned(),
            predicate,
        };
        let time = Machine.now().text;
        let by = Appender { key: &key, trusted: &[], time: &time, actor: "ana" };
        journal.append(&event, by).unwrap();
    }
    let key = serde_json::to_vec(&json!({ "publicKey": key.public().to_pem() })).unwrap();
    let head: Value = serde_json::from_slice(&journal.head_bytes().unwrap().unwrap()).unwrap();
    [key, b"\n".to_vec(), fs::read(journal.path()).unwrap(), serde_json::to_vec(&head).unwrap()].concat()
}

fn events() -> Vec<u8> {
    let time = Machine.now().text;
    let alert = |seq: u64, severity: &str| {
        json!({ "seq": seq, "time": time, "class": "alert", "body": {
            "id": format!("web-1/b/{seq}"), "rule": "fim.changed", "title": "A watched file changed", "severity": severity,
            "message": "/etc/passwd: content, mtime", "location": { "path": "/etc/passwd", "host": "web-1" }, "time": time,
            "detector": "agent", "release": if seq == 4 { json!("prod-1") } else { Value::Null } } })
    };
    let response = json!({ "seq": 3, "time": time, "class": "response", "body": { "id": "r1", "alert": "web-1/b/2", "action": "block",
        "target": "192.0.2.1", "host": "web-1", "state": "active", "time": time, "until": time, "reason": "5 failed logins" } });
    let start = json!({ "seq": 1, "time": time, "class": "start", "body": { "version": "0.1.0", "watches": ["files"], "reduced": ["ports: no permission"] } });
    serde_json::to_vec(&json!({ "agent": "web-1", "host": "web-1.clinic.example", "boot": "b", "previous": "",
        "events": [start, alert(2, "high"), response, alert(4, "medium")] }))
    .unwrap()
}

fn fill(address: SocketAddr, hub: &Hub, folder: &Path) {
    const JSON: &str = "application/json";
    let push = hub.create_token(Scope::Push, "clinic-portal", None).unwrap();
    let scans = "/products/clinic-portal/scans?whole=.&ref=main";
    post(address, &push, (scans, JSON), &report(0..120));
    post(address, &push, (scans, JSON), &report(4..124));
    post(address, &push, ("/products/clinic-portal/scans?whole=.&ref=work%2Fx", JSON), &report(2..40));
    post(address, &push, ("/products/clinic-portal/ledgers/prod", "application/jsonl"), &ledger(folder));
    let facts = json!({
        "roles": [{ "id": "web", "people": ["admin", "bo"], "channel": "#web" }, { "id": "appsec", "people": ["ana"], "channel": "#sec" }],
        "plan": { "path": "security/plan.toml", "owner": "role:appsec", "controls": { "satisfied": 4, "failing": 1, "missing": 2 } },
        "controls": [{ "id": "session-expiry", "status": "failing", "owner": "role:web", "reason": "2 open findings of CWE-613" }],
        "hook": true, "pipelines": [".github/workflows/ci.yml"], "lockfiles": ["Cargo.lock"], "releases": ["prod"],
        "owners": { ".": ["@org/web"], "testudo.toml": ["role:web"] }
    });
    post(address, &push, ("/products/clinic-portal/facts?ref=main", JSON), &serde_json::to_vec(&facts).unwrap());
    let agent = hub.create_token(Scope::Agent, "web-1", Some("clinic-portal")).unwrap();
    post(address, &agent, ("/agents/web-1/events", JSON), &events());
}

fn found(names: &[&str]) -> Option<String> {
    let here = |name: &&&str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    names.iter().find(here).map(|name| (*name).to_owned())
}

#[test]
fn every_page_in_a_browser() {
    let modules =
        env::var("TESTUDO_BROWSER_MODULES").ok().filter(|folder| Path::new(folder).join("node_modules").is_dir());
    let chromium =
        env::var("TESTUDO_CHROMIUM").ok().or_else(|| found(&["chromium", "chromium-browser", "google-chrome"]));
    let (Some(modules), Some(chromium), Some(node)) = (modules, chromium, found(&["node"])) else {
        eprintln!(
            "skipped: every_page_in_a_browser: run crates/hub/browser/run, with node, npm and Chromium installed"
        );
        return;
    };
    let which = Command::new("sh").args(["-c", "command -v \"$0\"", &chromium]).output().unwrap();
    let chromium = String::from_utf8(which.stdout).unwrap().trim().to_owned();
    let folder: PathBuf = env::temp_dir().join(format!("testudo-hub-browser-{}", id()));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.address();
    let settings = Settings {
        folder: folder.join("data"),
        rules: RuleSet { digest: "known".to_owned(), ..RuleSet::default() },
        world: Box::new(Machine),
        encryption: Encryption::None,
        address: Some(address),
        trouble: |line| eprintln!("{line}"),
    };
    let hub = Arc::new(Hub::open(settings).unwrap());
    let served = Arc::clone(&hub);
    thread::spawn(move || listener.serve(served));
    fill(address, &hub, &folder);
    let link = hub.link("admin", Some(Role::Admin)).unwrap();
    let mut check = Command::new(node);
    check
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/browser/check.mjs"))
        .arg(format!("http://{address}"))
        .arg(&link.path);
    check.args(env::var("TESTUDO_PICTURES").ok());
    let output = check.env("TESTUDO_BROWSER_MODULES", modules).env("TESTUDO_CHROMIUM", chromium).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("{said}{}", String::from_utf8_lossy(&output.stderr));
    drop(fs::remove_dir_all(&folder));
    assert!(output.status.success(), "{said}");
}
