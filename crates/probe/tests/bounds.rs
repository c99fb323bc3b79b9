//! A server that watches: whatever it answers, no request goes beyond what was agreed.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]
#![expect(unreachable_pub, reason = "the application is shared with other tests")]
#![expect(dead_code, reason = "the application is shared with tests that ask more of it")]

mod server;

use std::{cell::RefCell, time::Duration};

use server::{GOOD, Received, Reply, Server, Still, answer, page, probe, target};
use testudo_model::CoverageState;
use testudo_net::{
    NetError, Trust, Url,
    tls::{Look, OldVersion, SeenCertificate},
};
use testudo_probe::{Answer, Ask, Clock as _, Description, Limits, Network, ProbeError, Profile, Target, Wire};

/// Words that no request may hold.
const HARM: &[&str] = &["logout", "log%6fut", "signout", "delete", "remove", "reset"];

/// A description that leads everywhere but to the target.
const HOSTILE: &str = "
openapi: 3.1.0
servers: [{url: 'https://evil.example/app'}, {url: 'http://169.254.169.254/'}]
paths:
  /ok: {get: {responses: {}}}
  /../outside: {get: {responses: {}}}
  /..%2foutside: {get: {responses: {}}}
  //evil.example/x: {get: {responses: {}}}
  /logout: {get: {responses: {}}}
  /users/{id}/delete: {get: {responses: {}}}
  /things: {post: {responses: {}}, delete: {responses: {}}, put: {responses: {}}, patch: {responses: {}}, trace: {responses: {}}}
  /far/{where}: {get: {parameters: [{name: where, in: path, example: '../../outside'}], responses: {}}}
  /loop: {$ref: '#/paths/~1loop'}
  http://evil.example/: {get: {responses: {}}}
  '?x': {get: {responses: {}}}
";

/// Answers that try to lead away.
fn hostile(request: &Received, other: &str) -> Reply {
    let to = |place: &str| answer(302, "text/html", &[&format!("Location: {place}")], "");
    match request.path.as_str() {
        "/app/" => {
            let mut links = String::new();
            for place in [
                "/app/a",
                "/app/away",
                "/app/out",
                "/app/loop",
                "/app/logout",
                "/app/sub/Log-Out",
                "/app/x?do=delete",
                "/app/%6cogout",
                "/",
                "/outside",
                "../outside",
                "..%2foutside",
                "/app/../outside",
                "/app/..%5coutside",
                "//evil.example/",
                "https://evil.example/",
                "javascript:x",
                "\\\\evil.example\\x",
                "/app/item?id=1",
            ] {
                links.push_str(&format!("<a href=\"{place}\">x</a>"));
            }
            links.push_str(&format!("<a href=\"{other}/x\">x</a><a href='{}/x'>x</a>", other.replace("http:", "")));
            links.push_str(&format!(
                "<form action='{other}/f'><input name=a></form><form action=/f><input name=a></form>"
            ));
            links.push_str("<form action='/app/f'><input name=action value=delete></form>");
            links.push_str("<form method=post action='/app/f'><input name=a></form>");
            page(&links)
        }
        "/app/away" => to(&format!("{other}/away")),
        "/app/out" => to("/app/logout"),
        "/app/loop" => to(&format!("/app/loop?n={}", request.number)),
        "/app/item" => to(&request.field("id")),
        _ => page("<a href='/app/users/1/delete'>x</a><a href='//evil.example'>x</a>"),
    }
}

fn assert_within(received: &[Received], methods: &[&str]) {
    for request in received {
        let place = request.target.to_ascii_lowercase();
        assert!(request.path.starts_with("/app/"), "{}", request.target);
        assert!(HARM.iter().all(|word| !place.contains(word)), "{}", request.target);
        assert!(!request.path.contains("..") && !request.path.contains("%2e%2e"), "{}", request.target);
        assert!(methods.contains(&request.method.as_str()), "{} {}", request.method, request.target);
        assert_eq!(request.header("accept-encoding").as_deref(), Some("identity"));
    }
}

#[test]
fn nothing_leads_out_of_the_scope() {
    let other = Server::start(|_| page("<p>other"));
    let origin = format!("http://{}", other.address);
    for (profile, methods) in [
        (Profile::Safe, &["GET", "HEAD", "OPTIONS"][..]),
        (Profile::Full, &["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]),
    ] {
        let origin = origin.clone();
        let server = Server::start(move |request| hostile(request, &origin));
        let description = Some(Description::Text { name: "hostile".to_owned(), text: HOSTILE.to_owned() });
        let probed = probe(&Target { profile, description, ..target(server.url("/app/")) }).unwrap();
        assert!(server.received().len() > 50, "{profile:?}: {}", server.received().len());
        assert_within(&server.received(), methods);
        assert_eq!(other.connections(), 0, "{profile:?}");
        assert!(
            probed.findings.iter().all(|f| f.location.url.as_deref().unwrap().starts_with(&server.url("/").origin()))
        );
    }
}

#[test]
fn exclusions_and_inclusions_hold() {
    let server = Server::start(|_| {
        page("<a href=/a/x>1</a><a href=/b/x>2</a><a href=/b/in/x>3</a><a href=/c>4</a><a href=/B/%69n/y>5</a>")
    });
    let bounded = Target {
        include: vec!["/b".to_owned(), "/B".to_owned()],
        exclude: vec!["/b/in".to_owned()],
        ..target(server.url("/b/"))
    };
    probe(&bounded).unwrap();
    let paths: Vec<String> = server.received().into_iter().map(|request| request.path).collect();
    assert!(paths.iter().any(|path| path == "/b/x"));
    assert!(paths.iter().all(|path| path.starts_with("/b/") && !path.to_lowercase().contains("/in/")), "{paths:?}");
    let outside = Target { include: vec!["/a".to_owned()], ..target(server.url("/b/")) };
    assert!(matches!(probe(&outside), Err(ProbeError::Target(_))));
}

/// The network, and when each request left by the clock of the run.
struct Watched<'a> {
    inner: Network,
    clock: &'a Still,
    times: RefCell<Vec<Duration>>,
}

impl Wire for Watched<'_> {
    fn send(&self, url: &Url, ask: &Ask, within: Duration) -> Result<Answer, NetError> {
        self.times.borrow_mut().push(self.clock.now());
        self.inner.send(url, ask, within)
    }

    fn look(&self) -> Result<Look, NetError> {
        self.inner.look()
    }

    fn agrees(&self, version: OldVersion) -> Result<bool, NetError> {
        self.inner.agrees(version)
    }

    fn trust(&mut self, seen: SeenCertificate) {
        self.inner.trust(seen);
    }
}

fn times(target: &Target) -> (Vec<Duration>, testudo_probe::Probed) {
    let clock = Still::default();
    let inner = Network::new(target.url.clone(), Trust::Mozilla, Duration::from_secs(20));
    let mut wire = Watched { inner, clock: &clock, times: RefCell::default() };
    let probed = testudo_probe::run(target, &mut wire, &clock).unwrap();
    (wire.times.into_inner(), probed)
}

#[test]
fn rate_and_number_are_never_exceeded() {
    for (rate, requests) in [(1, 30), (7, 111), (50, 400)] {
        let other = "http://127.0.0.1:9".to_owned();
        let server = Server::start(move |request| hostile(request, &other));
        let limits = Limits { rate, requests, time: Duration::from_secs(36_000) };
        let (times, probed) = times(&Target { limits, ..target(server.url("/app/")) });
        let rate = rate as usize;
        assert!(times.windows(rate + 1).all(|turns| turns[rate] - turns[0] >= Duration::from_secs(1)), "{rate}");
        assert!(times.len() <= requests as usize);
        assert_eq!(server.connections(), times.len());
        if times.len() == requests as usize {
            assert_eq!(probed.coverage.state, CoverageState::Incomplete);
            assert!(probed.notices.iter().any(|notice| notice.code.as_str() == "probe-ended"));
        }
        assert_eq!(probed.coverage.counts["requests"], times.len() as u64);
    }
}

#[test]
fn the_number_is_exact_to_the_last_request() {
    for requests in [1, 2, 5, 19] {
        let server = Server::start(|_| page("<a href='/v?q=1'>v</a>"));
        let limits = Limits { requests, ..target(server.url("/")).limits };
        let probed = probe(&Target { limits, ..target(server.url("/")) }).unwrap();
        assert_eq!(server.connections(), requests as usize);
        assert_eq!(probed.coverage.state, CoverageState::Incomplete);
    }
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    for (status, seconds) in [(429, 7), (503, 11)] {
        let server = Server::start(move |request| match request.number % 9 {
            3 => answer(status, "text/html", &[&format!("Retry-After: {seconds}")], "later"),
            _ => page("<a href='/v?q=1'>v</a>"),
        });
        let (times, _) = times(&target(server.url("/")));
        let wait = Duration::from_secs(seconds);
        let asked: Vec<usize> = (0..times.len() - 1).filter(|at| at % 9 == 3).collect();
        assert!(asked.len() > 3);
        assert!(asked.iter().all(|at| times[at + 1] - times[*at] >= wait), "{status}");
    }
    let server = Server::start(|_| answer(429, "text/html", &["Retry-After: 99999999"], "later"));
    let (times, probed) = times(&target(server.url("/")));
    assert_eq!((times.len(), probed.coverage.state), (1, CoverageState::Incomplete));
}

#[test]
fn thousands_of_links_do_not_make_thousands_of_requests() {
    let server = Server::start(|request| {
        if request.number > 70 {
            return page("<p>x");
        }
        let links = (0..3_000).map(|n| format!("<a href='/{}/p{n}/{}'>x</a>", request.number, n % 97));
        page(&links.collect::<String>())
    });
    let probed = probe(&target(server.url("/"))).unwrap();
    assert!(server.received().len() <= 5_000);
    assert!(probed.coverage.counts["pages"] <= 60);
    assert!(probed.notices.iter().any(|notice| notice.code.as_str() == "probe-limit"));
}

/// What no server library would send.
fn broken(case: &str) -> Reply {
    let page =
        |head: &str, body: &[u8]| Reply::Bytes([b"HTTP/1.1 200 OK\r\n", head.as_bytes(), b"\r\n", body].concat());
    match case {
        "endless body" => Reply::Endless(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>x".to_vec()),
        "endless tags" => Reply::Bytes(
            [b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n".to_vec(), b"<a href='?x'>".repeat(50_000)].concat(),
        ),
        "endless head" => Reply::Endless(b"HTTP/1.1 200 OK\r\nX-Long: x".to_vec()),
        "many headers" => page(&"A: b\r\n".repeat(50_000), b""),
        "no HTTP" => Reply::Bytes(b"220 mail ready\r\n\r\n".to_vec()),
        "nothing" => Reply::Bytes(Vec::new()),
        "cut" => page("Content-Type: text/html\r\nContent-Length: 999\r\n", b"<a href=/"),
        "other bytes" => page(
            "Content-Type: text/html\r\nSet-Cookie: \u{fc}=\x01;;;=\r\nServer: \u{fc}1.2\r\n",
            &(0..=255).collect::<Vec<u8>>().repeat(40),
        ),
        "a coding" => page(
            "Content-Type: text/html\r\nContent-Encoding: gzip\r\n",
            &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3].repeat(100),
        ),
        "deep" => page("Content-Type: text/html\r\n", "<div>".repeat(90_000).as_bytes()),
        "chunks that lie" => page("Transfer-Encoding: chunked\r\n", b"ffffffffff\r\nabc"),
        _ => page("Location: http://[::1\r\nContent-Type: text/html\r\n", b""),
    }
}

#[test]
fn broken_answers_end_in_an_account() {
    for case in [
        "endless body",
        "endless tags",
        "endless head",
        "many headers",
        "no HTTP",
        "nothing",
        "cut",
        "other bytes",
        "a coding",
        "deep",
        "chunks that lie",
        "a location that is none",
    ] {
        let server = Server::start(move |request| match request.number {
            0 => page("<a href='/v?q=1'>v</a><a href='/w'>w</a>"),
            _ => broken(case),
        });
        let limits = Limits { requests: 24, ..target(server.url("/")).limits };
        let probed = probe(&Target { limits, ..target(server.url("/")) }).unwrap();
        assert!(server.connections() <= 24, "{case}");
        assert_eq!(probed.coverage.counts["requests"], server.connections() as u64, "{case}");
        let active = probed.findings.iter().filter(|finding| finding.properties["class"] == "malicious").count();
        assert_eq!(active, 0, "{case}: {:?}", server::rules(&probed));
    }
}

#[test]
fn silence_ends_a_run() {
    let server = Server::start(|request| match request.number {
        0 => answer(200, "text/html", GOOD, "<a href='/v?q=1'>v</a>"),
        _ => Reply::Silence,
    });
    let wanted = target(server.url("/"));
    let mut wire = Network::new(wanted.url.clone(), Trust::Mozilla, Duration::from_millis(50));
    let probed = testudo_probe::run(&wanted, &mut wire, &Still::default()).unwrap();
    assert_eq!(probed.coverage.state, CoverageState::Incomplete);
    assert!(server.connections() < 20);
}

#[test]
fn a_target_that_is_not_there_is_told() {
    let unused = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let url = Url::parse(&format!("http://{unused}/")).unwrap();
    assert!(matches!(probe(&target(url)), Err(ProbeError::Unreachable(_))));
    let link_local = Url::parse("http://169.254.169.254/").unwrap();
    assert!(matches!(probe(&target(link_local)), Err(ProbeError::Unreachable(NetError::AddressRefused { .. }))));
}

#[test]
fn a_plan_sends_nothing_and_names_what_a_run_begins_with() {
    let server = Server::start(|_| page("<p>x"));
    let description = Some(Description::Text {
        name: "a".to_owned(),
        text: "openapi: 3.0.0\npaths: {'/a': {get: {parameters: [{name: q, in: query, schema: {type: integer}}], responses: {}}, post: {responses: {}}}}".to_owned(),
    });
    let wanted = Target { description, ..target(server.url("/")) };
    let planned = testudo_probe::plan(&wanted).unwrap();
    assert_eq!(server.connections(), 0);
    let classes: std::collections::BTreeSet<_> = planned.iter().map(|ask| ask.class.as_str()).collect();
    assert_eq!(classes.into_iter().collect::<Vec<_>>(), ["look", "malicious", "unexpected", "valid"]);
    assert!(planned.iter().all(|ask| ask.method == "GET"));
    probe(&wanted).unwrap();
    let sent: Vec<String> = server.received().into_iter().map(|request| request.target).collect();
    let valid: Vec<&str> =
        planned.iter().filter(|ask| ask.class.as_str() == "valid").map(|ask| ask.target.as_str()).collect();
    assert!(valid.iter().all(|target| sent.iter().any(|one| one == target)), "{valid:?}");
}

/// Answers made of pieces, at random.
struct Chance(RefCell<u64>);

impl Chance {
    fn below(&self, most: usize) -> usize {
        let mut seed = self.0.borrow_mut();
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) as usize % most
    }
}

impl Wire for Chance {
    fn send(&self, _: &Url, ask: &Ask, _: Duration) -> Result<Answer, NetError> {
        const NAMES: &[&str] = &[
            "content-type",
            "set-cookie",
            "location",
            "content-security-policy",
            "retry-after",
            "refresh",
            "server",
            "strict-transport-security",
        ];
        const VALUES: &[&str] = &[
            "text/html",
            "a=b; Max-Age",
            "//",
            "http://",
            "script-src",
            ";;,",
            "99999999999999999999",
            "\u{fc}",
            "0;url=",
            "max-age=",
        ];
        const PIECES: &[&str] = &[
            "<a href=",
            "<form action=",
            "<input name=",
            ">",
            "'",
            "\"",
            "é",
            "<script>",
            "root:",
            ":0:",
            "\n",
            "{",
            "}",
            "[",
            "&#",
            "%",
            "?x=1",
        ];
        let text =
            |most: usize, of: &[&str]| (0..self.below(most)).map(|_| of[self.below(of.len())]).collect::<String>();
        let mut body = text(60, PIECES);
        if self.below(2) == 0 {
            body.push_str(&ask.target);
        }
        let headers =
            (0..self.below(6)).map(|_| (NAMES[self.below(NAMES.len())].to_owned(), text(4, VALUES))).collect();
        let status = [200, 200, 200, 302, 404, 500, 429, 204, 999][self.below(9)];
        Ok(Answer { status, headers, body: body.into_bytes(), ..Answer::default() })
    }

    fn look(&self) -> Result<Look, NetError> {
        Err(NetError::Authorities)
    }

    fn agrees(&self, _: OldVersion) -> Result<bool, NetError> {
        Ok(true)
    }

    fn trust(&mut self, _: SeenCertificate) {}
}

#[test]
fn answers_at_random_end_in_an_account() {
    for seed in 0..40 {
        let wanted = Target {
            limits: Limits { requests: 300, ..Limits::default() },
            description: Some(Description::Text { name: "hostile".to_owned(), text: HOSTILE.to_owned() }),
            ..target(Url::parse("http://shop.example/app/").unwrap())
        };
        let run = || testudo_probe::run(&wanted, &mut Chance(RefCell::new(seed)), &Still::default()).unwrap();
        let (one, two) = (run(), run());
        assert_eq!(one.findings, two.findings, "{seed}");
        assert_eq!(one.coverage, two.coverage, "{seed}");
    }
}
