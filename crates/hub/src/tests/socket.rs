//! Over a real socket: limits of size and time, and what the library in front lets through.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use super::Clock;
use crate::{Encryption, Hub, HubError, Listener, RuleSet, Scope, Settings};

/// A hub that listens until the tests end.
fn serve(name: &str) -> (SocketAddr, String, Arc<Hub>) {
    let folder = std::env::temp_dir().join(format!("testudo-hub-socket-{}-{name}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.address();
    let settings = Settings {
        folder,
        rules: RuleSet::default(),
        world: Box::new(Clock::default()),
        encryption: Encryption::None,
        address: Some(address),
        trouble: |_| {},
    };
    let hub = Arc::new(Hub::open(settings).unwrap());
    let token = hub.create_token(Scope::Push, "shop", None).unwrap();
    let served = Arc::clone(&hub);
    thread::spawn(move || listener.serve(served));
    (address, token, hub)
}

fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // The hub may close before everything was sent.
    drop(stream.write_all(request));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[test]
fn requests_are_bounded() {
    let (address, token, _hub) = serve("bounds");
    let close = "connection: close\r\n";
    let get = |target: &str, more: &str| {
        exchange(address, format!("GET {target} HTTP/1.1\r\nhost: {address}\r\n{more}{close}\r\n").as_bytes())
    };
    assert_eq!(status(&get("/sign-in", "")), "200");
    let head = |target: &str| {
        exchange(address, format!("HEAD {target} HTTP/1.1\r\nhost: {address}\r\n{close}\r\n").as_bytes())
    };
    for (target, code) in
        [("/sign-in", "200"), ("/api/v1/openapi.json", "200"), ("/nothing", "404"), ("/findings", "401")]
    {
        let (whole, asked) = (get(target, ""), head(target));
        assert_eq!(status(&asked), code, "{target}");
        let head_of = |answer: &str| {
            let lines = answer.split("\r\n\r\n").next().unwrap().lines();
            lines.filter(|line| !line.starts_with("date:")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(head_of(&asked), head_of(&whole), "{target}");
        assert!(asked.ends_with("\r\n\r\n") && !whole.ends_with("\r\n\r\n"), "{target}: no body");
    }
    assert_eq!(status(&get("/", "")), "401");
    assert_eq!(status(&get("/nothing", "")), "404");
    assert_eq!(status(&get("/%00", "")), "400");
    assert_eq!(status(&get(&format!("http://{address}/sign-in"), "")), "400", "an absolute target");
    assert!(matches!(status(&get(&format!("/{}", "a".repeat(5000)), "")), "400" | "404"));
    assert_eq!(status(&get("/sign-in", &format!("x: {}\r\n", "a".repeat(20_000)))), "431");
    assert_eq!(status(&get("/sign-in", &"x: y\r\n".repeat(100))), "431");
    assert_eq!(status(&get("/sign-in", "host: evil.example\r\n")), "400", "two hosts");
    let elsewhere = exchange(address, format!("GET /sign-in HTTP/1.1\r\nhost: evil.example\r\n{close}\r\n").as_bytes());
    assert_eq!(status(&elsewhere), "400");
    let post = |path: &str, headers: &str, body: &str| {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n{headers}{close}\r\n"
        );
        exchange(address, format!("{head}{body}").as_bytes())
    };
    let facts = "/api/v1/products/shop/facts";
    assert_eq!(status(&post(facts, "content-length: 2\r\n", "{}")), "200");
    assert_eq!(status(&post(facts, "content-length: 5000000\r\n", "{}")), "413", "told before it is sent");
    let stranger = format!(
        "POST /api/v1/products/shop/scans HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: 100000000\r\n\r\n{{"
    );
    assert_eq!(status(&exchange(address, stranger.as_bytes())), "401", "told before the body is received");
    let chunk = format!("{:x}\r\n{}\r\n", 60_000, " ".repeat(60_000));
    let chunked = format!("{}0\r\n\r\n", chunk.repeat(80));
    assert_eq!(status(&post(facts, "transfer-encoding: chunked\r\n", &chunked)), "413", "told while it is sent");
    let both = post(facts, "content-length: 2\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    assert_eq!(both.matches("HTTP/1.1 ").count(), 1, "one request, one answer: {both}");
    assert_eq!(status(&post("/hub.css", "content-length: 2\r\n", "{}")), "405");
    assert_eq!(status(&exchange(address, b"NONSENSE\r\n\r\n")), "400");
}

#[test]
fn who_sends_slowly_is_left_alone_and_stops_nobody() {
    let (address, token, _hub) = serve("slow");
    let head = format!(
        "POST /api/v1/products/shop/facts HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    let slow: Vec<TcpStream> = (0..40)
        .map(|at| {
            let mut stream = TcpStream::connect(address).unwrap();
            // Half of them send no more than the beginning of their headers.
            let part = if at % 2 == 0 { head.as_bytes() } else { &b"GET / HT"[..] };
            stream.write_all(part).unwrap();
            stream
        })
        .collect();
    let quick =
        exchange(address, format!("GET /sign-in HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes());
    assert_eq!(status(&quick), "200");
    // In the end each of them is told, or its connection is closed.
    for mut stream in slow {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || matches!(status(&answer), "400" | "408"), "{answer}");
    }
}

/// A connection from another address of this machine.
fn from(source: &str, address: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connected = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
        socket.connect(address).await.unwrap().into_std().unwrap()
    });
    connected.set_nonblocking(false).unwrap();
    connected.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    connected
}

fn asks(mut stream: TcpStream, address: SocketAddr) -> String {
    let request = format!("GET /sign-in HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn slow_clients_shut_nobody_out_however_many_they_are() {
    let (address, _token, _hub) = serve("shut-out");
    // A page that is open in a browser, from its own address.
    let early = from("127.0.0.9", address);
    let slow: Vec<TcpStream> = (0..340)
        .map(|at| {
            // Five addresses, each with more than one may have.
            let mut stream = from(&format!("127.0.0.{}", 20 + at % 5), address);
            let form = format!(
                "POST /welcome/0 HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 9\r\n\r\na"
            );
            let part = if at % 2 == 0 { form.as_bytes() } else { &b"GET / HT"[..] };
            // Where the hub ended it already, it is out of the way.
            drop(stream.write_all(part));
            stream
        })
        .collect();
    assert_eq!(status(&asks(from("127.0.0.7", address), address)), "200", "from elsewhere");
    assert_eq!(status(&asks(from("127.0.0.20", address), address)), "200", "from one of their addresses");
    assert_eq!(status(&asks(early, address)), "200", "who was there first keeps the place");
    drop(slow);
}

#[test]
fn pages_are_answered_while_everybody_writes_and_too_many_are_told_to_come_again() {
    let (address, token, hub) = serve("busy");
    let (begun, wait) = std::sync::mpsc::channel();
    let (go_on, stop) = std::sync::mpsc::channel::<()>();
    // Somebody writes for as long as the test wants.
    let writer = thread::spawn(move || {
        hub.store.write(|_| {
            begun.send(()).unwrap();
            stop.recv().unwrap();
            Ok::<_, HubError>(())
        })
    });
    wait.recv().unwrap();
    let request = format!(
        "POST /api/v1/products/shop/facts HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
    );
    let mut waiting = Vec::new();
    let told = loop {
        assert!(waiting.len() < 60, "nobody was told");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        if stream.read_to_string(&mut answer).is_ok() {
            break answer;
        }
        waiting.push(stream);
    };
    assert!(status(&told) == "503" && told.contains("retry-after: 2"), "{told}");
    assert_eq!(status(&asks(from("127.0.0.1", address), address)), "200", "a page finds a thread");
    go_on.send(()).unwrap();
    writer.join().unwrap().unwrap();
    for mut stream in waiting {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(status(&answer), "200", "{answer}");
    }
}

#[test]
fn only_this_machine_is_served_in_clear_text() {
    for (address, encryption, may) in [
        ("127.0.0.1:0", Encryption::None, true),
        ("[::1]:0", Encryption::None, true),
        ("0.0.0.0:0", Encryption::None, false),
        ("192.0.2.1:443", Encryption::None, false),
        ("0.0.0.0:0", Encryption::InFront, true),
    ] {
        let folder = std::env::temp_dir().join(format!("testudo-hub-clear-{}", std::process::id()));
        let settings = Settings {
            folder: folder.clone(),
            rules: RuleSet::default(),
            world: Box::new(Clock::default()),
            encryption,
            address: Some(address.parse().unwrap()),
            trouble: |_| {},
        };
        let opened = Hub::open(settings);
        assert_eq!(opened.is_ok(), may, "{address}");
        assert!(may || matches!(opened, Err(HubError::ClearText(_))));
        drop(std::fs::remove_dir_all(&folder));
    }
}
