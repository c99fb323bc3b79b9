//! The hub as those see it who ask: requests in, answers out, without a socket where none is needed.

mod agent;
mod concern;
mod hostile;
mod ledger;
mod lists;
mod matrix;
mod product;
mod scan;
mod session;
mod socket;
mod triage;
mod verify;

use std::{
    env, fs,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    process,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};

use crate::{
    Encryption, Hub, HubError, Moment, Role, RuleSet, Scope, Settings, World,
    http::{self, Body, Request, Response, Target},
};

/// A machine whose time a test sets.
#[derive(Debug, Default, Clone)]
pub(crate) struct Clock {
    seconds: Arc<AtomicI64>,
    drawn: Arc<AtomicU64>,
}

impl World for Clock {
    fn now(&self) -> Moment {
        let seconds = self.seconds.load(Ordering::Relaxed);
        let (day, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let text = format!("2026-03-{:02}T{:02}:{:02}:{:02}Z", day + 1, rest / 3600, rest / 60 % 60, rest % 60);
        Moment { seconds, text }
    }

    fn random(&self) -> Result<[u8; 32], HubError> {
        use sha2::Digest as _;
        Ok(sha2::Sha256::digest(self.drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes()).into())
    }
}

/// A hub of a test; its folder goes with it.
pub(crate) struct Site {
    pub(crate) hub: Hub,
    pub(crate) clock: Clock,
    folder: PathBuf,
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn settings(folder: &Path, clock: &Clock, encryption: Encryption) -> Settings {
    Settings {
        folder: folder.to_owned(),
        rules: RuleSet { digest: "known".to_owned(), ids: ["generic-password", "r"].map(str::to_owned).into() },
        world: Box::new(clock.clone()),
        encryption,
        address: Some(HOST.parse().unwrap()),
        trouble: |_| {},
    }
}

const HOST: &str = "127.0.0.1:7878";

impl Site {
    pub(crate) fn new(name: &str) -> Self {
        Self::with(name, Encryption::None)
    }

    fn with(name: &str, encryption: Encryption) -> Self {
        let folder = env::temp_dir().join(format!("testudo-hub-{}-{name}", process::id()));
        drop(fs::remove_dir_all(&folder));
        let clock = Clock::default();
        let settings = settings(&folder, &clock, encryption);
        Self { hub: Hub::open(settings).unwrap(), clock, folder }
    }

    /// Lets time pass.
    fn pass(&self, seconds: i64) {
        self.clock.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Somebody without a cookie or token.
    pub(crate) fn anybody(&self) -> Asker<'_> {
        Asker { site: self, cookie: None, form: String::new(), bearer: None, origin: Some("same-origin") }
    }

    /// A machine with a new token.
    pub(crate) fn machine(&self, scope: Scope, subject: &str) -> Asker<'_> {
        let token = self.hub.create_token(scope, subject, None).unwrap();
        Asker { bearer: Some(token), ..self.anybody() }
    }

    /// A person who is signed in.
    pub(crate) fn person(&self, name: &str, role: Role) -> Asker<'_> {
        let link = self.hub.link(name, Some(role)).unwrap();
        let entered = self.anybody().form(&link.path, &[]);
        assert_eq!(entered.status, 303, "{}", text(&entered));
        let cookie = header(&entered, "set-cookie").unwrap();
        let pair = cookie.split(';').next().unwrap().to_owned();
        let mut asker = Asker { cookie: Some(pair), ..self.anybody() };
        asker.form = json_of(&asker.get("/api/v1/me"))["form_token"].as_str().unwrap().to_owned();
        asker
    }

    /// Gives a person names.
    pub(crate) fn names(&self, person: &str, names: &[&str]) {
        let admin = self.person("names", Role::Admin);
        let people = json_of(&admin.get("/api/v1/people"));
        let known = people.as_array().unwrap().iter().find(|row| row["name"] == person).unwrap();
        let (path, role) = (format!("/admin/people/{}", known["id"]), known["role"].as_str().unwrap());
        assert_eq!(admin.form(&path, &[("role", role), ("handles", &names.join(" "))]).status, 303);
    }

    /// Ends the hub in the middle of whatever it does, and starts another one with the same state.
    pub(crate) fn restart(&mut self) {
        self.hub = Hub::open(settings(&self.folder, &self.clock, Encryption::None)).unwrap();
    }
}

/// Somebody who asks.
#[derive(Clone)]
pub(crate) struct Asker<'s> {
    site: &'s Site,
    cookie: Option<String>,
    form: String,
    bearer: Option<String>,
    origin: Option<&'static str>,
}

impl Asker<'_> {
    fn send(&self, method: &str, path: &str, media: Option<&str>, body: Vec<u8>) -> Response {
        let mut headers = vec![("host", HOST.to_owned())];
        headers.extend(self.cookie.iter().map(|cookie| ("cookie", cookie.clone())));
        headers.extend(self.bearer.iter().map(|token| ("authorization", format!("Bearer {token}"))));
        headers.extend(self.origin.iter().map(|origin| ("sec-fetch-site", (*origin).to_owned())));
        if !path.starts_with("/api/") {
            headers.push(("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8".to_owned()));
        }
        headers.extend(media.iter().map(|media| ("content-type", (*media).to_owned())));
        if media != Some("application/x-www-form-urlencoded") && !self.form.is_empty() {
            headers.push(("x-testudo-form", self.form.clone()));
        }
        let Some(target) = Target::parse(path) else { return http::Refusal::malformed("the address").to_json() };
        let request = Request {
            method: method.to_owned(),
            target,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            headers,
            body: Body::of(body),
        };
        http::answer(&self.site.hub, &request)
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.send("GET", path, None, Vec::new())
    }

    /// Sends a form with the token of the session.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let own = [(http::TOKEN, self.form.as_str())];
        let pairs =
            own.iter().chain(fields).map(|(name, value)| format!("{}={}", http::encode(name), http::encode(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        self.send("POST", path, Some("application/x-www-form-urlencoded"), body.into_bytes())
    }

    pub(crate) fn json(&self, path: &str, body: &Value) -> Response {
        self.send("POST", path, Some("application/json"), serde_json::to_vec(body).unwrap())
    }

    fn lines(&self, path: &str, body: Vec<u8>) -> Response {
        self.send("POST", path, Some("application/jsonl"), body)
    }
}

pub(crate) fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

pub(crate) fn json_of(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{}", text(response));
    serde_json::from_slice(&response.body).unwrap()
}

fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    response.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str())
}

/// A finding of a report.
pub(crate) fn a_finding(number: usize, path: &str) -> Value {
    let at = |column: u32| json!({ "line": 3, "column": column, "offset": 30 });
    json!({
        "id": format!("{number:010}"), "rule": "generic-password", "title": "Password in clear text",
        "message": "a password", "severity": (["critical", "high", "medium", "low", "info"])[number % 5],
        "confidence": "high", "persona": "regular", "detector": "secrets",
        "location": { "path": path, "span": { "start": at(1), "end": at(9) } },
        "fingerprint": format!("1:{number:032x}"), "cwe": [798], "owner": ["@org/web"], "properties": {}
    })
}

/// A report with findings, whole or not.
pub(crate) fn a_report(findings: &[Value], state: &str) -> Value {
    json!({
        "schema": "testudo/scan/1", "tool": { "name": "testudo", "version": "0.1.0" }, "started": "2026-03-01T00:00:00Z",
        "targets": ["."], "findings": findings,
        "coverage": [{ "detector": "secrets", "state": state, "rules_digest": "known", "rules": 3, "scope": ["."], "units": 4,
            "bytes": 100, "skipped": {}, "counts": {} }],
        "notices": [],
        "summary": { "by_severity": {}, "findings": findings.len(), "suppressed": 0, "hidden": 0, "incidents": 0,
            "complete": state == "complete" }
    })
}
