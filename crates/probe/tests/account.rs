//! What a run says of itself: where it could not look, it does not say that everything was looked at.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]
#![expect(unreachable_pub, reason = "the application is shared with other tests")]
#![expect(dead_code, reason = "the application is shared with tests that ask more of it")]

mod server;

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use server::{GOOD, Received, Reply, Server, answer, missing, page, probe, rules, target};
use testudo_model::CoverageState;
use testudo_net::Trust;
use testudo_probe::{Clock, Description, Limits, Network, Profile, Target};

#[test]
fn a_door_that_is_shut_is_told() {
    type Shut = fn(&Received) -> Reply;
    let cases: [(&str, Shut, CoverageState); 5] = [
        (
            "sign-on elsewhere",
            |_| answer(302, "", &["Location: https://login.example/"], ""),
            CoverageState::Incomplete,
        ),
        ("refused", |_| answer(401, "text/html", GOOD, "<p>no"), CoverageState::Incomplete),
        (
            "a coding that nobody asked for",
            |_| answer(200, "text/html", &["Content-Encoding: br"], "xyz"),
            CoverageState::Incomplete,
        ),
        (
            "sign-on here",
            |request| match request.path.as_str() {
                "/" => answer(302, "", &["Location: /login"], ""),
                _ => page("<form action=/go><input name=q></form>"),
            },
            CoverageState::Complete,
        ),
        ("open", |_| page("<p>nothing that takes input"), CoverageState::Complete),
    ];
    for (case, shut, state) in cases {
        let server = Server::start(shut);
        let probed = probe(&target(server.url("/"))).unwrap();
        assert_eq!(probed.coverage.state, state, "{case}");
        let told = probed.notices.iter().any(|notice| notice.message.contains("nothing was tested"));
        assert_eq!(told, state == CoverageState::Incomplete, "{case}: {:?}", probed.notices);
    }
}

#[test]
fn packed_pages_are_read() {
    let packed = |body: &str| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(body.as_bytes()).unwrap();
        let body = gzip.finish().unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n{}\r\n\r\n",
            body.len(),
            GOOD.join("\r\n")
        );
        Reply::Bytes([head.into_bytes(), body].concat())
    };
    let server = Server::start(move |request| match request.path.as_str() {
        "/" => packed("<img src='/i?q=1'>"),
        "/i" => packed(&format!("<p>{}</p>", request.field("q"))),
        _ => missing(),
    });
    let probed = probe(&target(server.url("/"))).unwrap();
    assert_eq!(rules(&probed), ["probe-xss-reflected"], "{:?}", probed.notices);
}

/// A condition is seen although each page has a token of its own.
#[test]
fn what_changes_by_itself_hides_nothing() {
    let server = Server::start(|request| match request.path.as_str() {
        "/" => page("<a href='/v?q=1'>v</a>"),
        "/v" => {
            let text = request.field("q");
            let parts: Vec<&str> = text.split('\'').collect();
            let holds = match parts.as_slice() {
                [plain] => *plain == "1",
                ["1", " AND ", left, "=", right] => left == right,
                _ => false,
            };
            let token = request.number * 7_919;
            page(&format!("<input name=csrf value='t{token:x}'><p>{}</p>", if holds { "one" } else { "none" }))
        }
        _ => missing(),
    });
    assert_eq!(rules(&probe(&target(server.url("/"))).unwrap()), ["probe-sql-injection-boolean"]);
}

#[test]
fn notices_that_are_not_kept_are_counted() {
    let paths: String = (0..70).map(|n| format!("  /p{n}: {{post: {{responses: {{}}}}}}\n")).collect();
    let server = Server::start(|_| page("<p>x"));
    let text = format!("openapi: 3.0.0\npaths:\n{paths}");
    let description = Some(Description::Text { name: "a.yaml".to_owned(), text });
    let probed = probe(&Target { description, ..target(server.url("/")) }).unwrap();
    assert_eq!(probed.coverage.skipped["probe-skipped"], 70);
    assert!(probed.notices.iter().any(|notice| notice.message.starts_with("20 more notices of this kind")));
}

/// Headers of the connection are no inputs, and no header or field asks for another method in the safe profile.
#[test]
fn a_description_cannot_bend_requests() {
    let text = "
openapi: 3.0.0
paths:
  /a:
    get:
      parameters:
        - {name: Host, in: header, example: evil.example}
        - {name: Content-Length, in: header, example: '9'}
        - {name: q, in: query, example: x}
      responses: {}
  /b:
    get:
      parameters: [{name: X-HTTP-Method-Override, in: header, example: PUT}]
      responses: {}
  /c:
    get:
      parameters: [{name: _method, in: query, example: PUT}]
      responses: {}
"
    .to_owned();
    let server = Server::start(|_| page("<p>x"));
    let description = Some(Description::Text { name: "a.yaml".to_owned(), text });
    let probed = probe(&Target { description, profile: Profile::Safe, ..target(server.url("/")) }).unwrap();
    assert_eq!(probed.coverage.state, CoverageState::Complete, "{:?}", probed.notices);
    let received = server.received();
    assert!(
        received.iter().any(|one| one.path == "/a") && !received.iter().any(|one| one.path == "/b" || one.path == "/c")
    );
    assert!(received.iter().all(|one| one.header("host") == Some(server.address.to_string())));
    let told = |path: &str| probed.notices.iter().any(|notice| notice.message.contains(path));
    assert!(told("/b") && told("/c"), "{:?}", probed.notices);
}

/// A clock that goes.
struct Real(Instant);

impl Clock for Real {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn unix(&self) -> u64 {
        1_700_000_000
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// The agreed time ends a request that hangs: the run does not wait for the longer time that one answer may take.
#[test]
fn the_agreed_time_ends_a_request_that_hangs() {
    let server = Server::start(|request| match request.number {
        0 => page("<a href='/v?q=1'>v</a>"),
        _ => Reply::Silence,
    });
    let limits = Limits { time: Duration::from_millis(700), ..target(server.url("/")).limits };
    let wanted = Target { limits, ..target(server.url("/")) };
    let mut wire = Network::new(wanted.url.clone(), Trust::Mozilla, Duration::from_secs(3_600));
    // Without the end of the agreed time this never comes back.
    let probed = testudo_probe::run(&wanted, &mut wire, &Real(Instant::now())).unwrap();
    assert_eq!(probed.coverage.state, CoverageState::Incomplete);
    assert!(probed.notices.iter().any(|notice| notice.message.contains("--max-time")), "{:?}", probed.notices);
}
