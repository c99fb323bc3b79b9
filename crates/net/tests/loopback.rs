//! The client against servers on the loopback interface: what it sends, what it takes, and where it does not go.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]
#![expect(unreachable_pub, reason = "the server is shared with tests of other crates")]

mod server;

use std::time::Duration;

use server::{Answer, Server};
use testudo_net::{Client, HostRule, Method, NetError, Policy, Redirects, Request, Timeouts, Url};

fn policy(hosts: &[&str]) -> Policy {
    let hosts = hosts.iter().map(|host| HostRule::parse(host).unwrap()).collect();
    let timeouts = Timeouts { connect: Duration::from_secs(5), total: Duration::from_secs(20) };
    Policy { hosts, timeouts, ..Policy::default() }
}

fn get(client: &Client, url: &str) -> Result<u16, NetError> {
    client.send(&Request::get(Url::parse(url).unwrap())).map(|response| response.status())
}

#[test]
fn a_request_is_sent_as_written_and_nothing_is_added_from_the_machine() {
    let server = Server::start(|_| Answer::status(418));
    let request = Request {
        method: Method::Post,
        url: Url::parse(&format!("{}/a%20b:c?d=%26", server.origin())).unwrap(),
        headers: vec![("X-Token".to_owned(), "abc".to_owned())],
        body: Some(b"{\"a\":1}".to_vec()),
    };
    let response = Client::new(policy(&[&server.origin()])).send(&request).unwrap();
    assert_eq!(response.status(), 418);
    let sent = server.requests().concat().to_ascii_lowercase();
    let mut lines: Vec<&str> = sent.split("\r\n").collect();
    assert_eq!(lines.remove(0), "post /a%20b:c?d=%26 http/1.1");
    lines.sort_unstable();
    let host = format!("host: {}", server.address);
    let agent = format!("user-agent: testudo/{}", env!("CARGO_PKG_VERSION"));
    let expected = [
        "",
        "accept-encoding: identity",
        "accept: */*",
        "content-length: 7",
        &host,
        &agent,
        "x-token: abc",
        "{\"a\":1}",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_body_comes_in_whole_or_not_at_all() {
    let server = Server::start(|request| {
        Answer::Bytes(match request.split_whitespace().nth(1) {
            Some("/whole") => b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec(),
            Some("/cut") => b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello".to_vec(),
            Some("/coded") => b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx".to_vec(),
            _ => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n".to_vec(),
        })
    });
    let client = Client::new(policy(&[&server.origin()]));
    let body = |path: &str| {
        let url = Url::parse(&format!("{}{path}", server.origin())).unwrap();
        client.send(&Request::get(url.clone())).and_then(|r| r.body()?.bytes()).map_err(|e| e.to_string())
    };
    assert_eq!(body("/whole"), Ok(b"hello".to_vec()));
    assert_eq!(body("/chunked"), Ok(b"hello!".to_vec()));
    assert_eq!(body("/cut").unwrap_err(), "127.0.0.1: the answer is not valid HTTP, or its headers are too long");
    assert_eq!(body("/coded").unwrap_err(), "127.0.0.1: the answer has a content coding that was not asked for");
}

#[test]
fn an_endless_body_is_cut_and_an_endless_head_refused() {
    let server = Server::start(|request| match request.split_whitespace().nth(1) {
        Some("/body") => Answer::Endless(b"HTTP/1.1 200 OK\r\n\r\nx".to_vec()),
        Some("/head") => Answer::Endless(b"HTTP/1.1 200 OK\r\nX-Long: x".to_vec()),
        Some("/line") => Answer::Endless(b"HTTP/1.1 200 x".to_vec()),
        Some("/hello") => Answer::Bytes(b"220 mail ready\r\n\r\n".to_vec()),
        _ => Answer::Bytes(Vec::new()),
    });
    let client = Client::new(policy(&[&server.origin()]));
    let url = |path: &str| Url::parse(&format!("{}{path}", server.origin())).unwrap();
    let host = url("/").host().clone();
    let response = client.send(&Request::get(url("/body"))).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.body().unwrap().bytes(), Err(NetError::TooLarge { host: host.clone(), limit: 1 << 20 }));
    for path in ["/head", "/line", "/hello", "/nothing"] {
        let error = client.send(&Request::get(url(path))).map(|r| r.status());
        assert_eq!(error, Err(NetError::BadAnswer { host: host.clone() }), "{path}");
    }
}

#[test]
fn a_slow_server_is_left() {
    let server = Server::start(|_| Answer::Silence);
    let timeouts = Timeouts { connect: Duration::from_secs(5), total: Duration::from_millis(200) };
    let client = Client::new(Policy { timeouts, ..policy(&[&server.origin()]) });
    let host = Url::parse(&server.origin()).unwrap().host().clone();
    assert_eq!(get(&client, &server.origin()), Err(NetError::Timeout { host }));
}

#[test]
fn redirects_are_answers_unless_the_policy_follows_them() {
    let target = Server::start(|_| Answer::status(200));
    let origin = target.origin();
    let server = Server::start(move |request| match request.split_whitespace().nth(1) {
        Some("/near") => Answer::redirect("/end"),
        Some("/end") => Answer::status(204),
        Some("/round") => Answer::redirect("/round"),
        Some("/dots") => Answer::redirect("/../end"),
        _ => Answer::redirect(&format!("{origin}/there")),
    });
    let (here, there) = (server.origin(), target.origin());
    let never = Client::new(policy(&[&here, &there]));
    assert_eq!(get(&never, &format!("{here}/far")), Ok(302));
    assert_eq!(target.requests().len(), 0);

    let follows = Policy { redirects: Redirects::UpTo(3), ..policy(&[&here, &there]) };
    let client = Client::new(follows.clone());
    assert_eq!(get(&client, &format!("{here}/near")), Ok(204));
    let host = Url::parse(&here).unwrap().host().clone();
    for path in ["/round", "/dots"] {
        assert_eq!(get(&client, &format!("{here}{path}")), Err(NetError::Redirect { host: host.clone() }), "{path}");
    }
    let headers = vec![("Authorization".to_owned(), "abc".to_owned()), ("Range".to_owned(), "bytes=5-".to_owned())];
    let far = Request { headers, ..Request::get(Url::parse(&format!("{here}/far")).unwrap()) };
    assert_eq!(client.send(&far).unwrap().status(), 200);
    let sent = target.requests().concat().to_ascii_lowercase();
    assert!(sent.contains("range: bytes=5-") && !sent.contains("authorization"), "{sent}");

    let narrow = client.for_hosts(policy(&[&here]).hosts);
    assert!(matches!(narrow.send(&far), Err(NetError::PortNotAllowed { .. })));
    assert!(matches!(client.send(&Request { method: Method::Post, ..far }), Err(NetError::Redirect { .. })));
    assert_eq!(target.requests().len(), 1);
}

#[test]
fn a_name_that_leads_to_this_machine_is_not_connected_to() {
    let server = Server::start(|_| Answer::status(200));
    let port = server.address.port();
    let client = Client::new(policy(&[&format!("localhost:{port}")]));
    let error = get(&client, &format!("https://localhost:{port}/")).unwrap_err();
    assert!(matches!(error, NetError::AddressRefused { .. }), "{error}");
    assert!(error.to_string().contains("loopback"), "{error}");
    assert_eq!(server.requests().len(), 0);
    // Who vouches for the name gets as far as TLS, which this server does not speak.
    let vouched = Client::new(policy(&[&format!("https://localhost:{port}")]));
    let error = get(&vouched, &format!("https://localhost:{port}/?token=abc")).unwrap_err();
    assert!(matches!(error, NetError::Tls { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("abc"), "{error:?}");
}

#[test]
fn what_is_not_allowed_is_not_connected_to() {
    let server = Server::start(|_| Answer::status(200));
    let port = server.address.port();
    let client = Client::new(policy(&["https://127.0.0.1", "a.example"]));
    for url in [server.origin(), format!("https://127.0.0.1:{port}/"), format!("http://localhost:{port}/")] {
        assert!(get(&client, &url).is_err(), "{url}");
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn headers_that_would_change_the_request_are_refused() {
    let server = Server::start(|_| Answer::status(200));
    let client = Client::new(policy(&[&server.origin()]));
    for (name, value) in [
        ("Host", "other.example"),
        ("content-length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "upgrade"),
        ("X-A", "a\r\nX-B: b"),
        ("X-A", "a\nb"),
        ("X-A", "a\0b"),
        ("X-A", "\u{7f}"),
        ("X-A", "ü"),
        ("X-A", " a"),
        ("X-A", "a\t"),
        ("X A", "a"),
        ("X-A:", "a"),
        ("", "a"),
    ] {
        let headers = vec![(name.to_owned(), value.to_owned())];
        let request = Request { headers, ..Request::get(Url::parse(&server.origin()).unwrap()) };
        let error = client.send(&request).map(|r| r.status());
        assert_eq!(error, Err(NetError::Header { name: name.to_owned() }), "{value:?}");
    }
    assert_eq!(server.requests().len(), 0);
}
