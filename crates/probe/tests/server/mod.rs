//! An application on the loopback interface for tests, and a clock that goes only when somebody waits. What is answered is
//! written out byte by byte, because the answers that matter are often those that no server library would send.

use std::{
    cell::Cell,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use testudo_net::{Trust, Url};
use testudo_probe::{Clock, Limits, Network, ProbeError, Probed, Profile, Target, Unverified, link};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub target: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub head: String,
    pub body: String,
    /// How many came before it.
    pub number: usize,
}

impl Received {
    /// The value of a field of the query, decoded.
    pub fn field(&self, name: &str) -> String {
        self.query.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).next()
    }
}

/// What is sent back.
pub enum Reply {
    Bytes(Vec<u8>),
    /// These bytes, and then the last of them until nobody reads any more.
    Endless(Vec<u8>),
    /// Nothing.
    Silence,
}

/// An answer of a status, a type, further header lines and a body.
pub fn answer(status: u16, kind: &str, lines: &[&str], body: &str) -> Reply {
    let mut head = format!("HTTP/1.1 {status} Any\r\nContent-Length: {}\r\n", body.len());
    if !kind.is_empty() {
        head.push_str(&format!("Content-Type: {kind}\r\n"));
    }
    lines.iter().for_each(|line| head.push_str(&format!("{line}\r\n")));
    Reply::Bytes(format!("{head}\r\n{body}").into_bytes())
}

/// A page that nothing is wrong with.
pub fn page(body: &str) -> Reply {
    answer(200, "text/html; charset=utf-8", GOOD, body)
}

pub fn missing() -> Reply {
    answer(404, "text/html", GOOD, "<p>nothing here</p>")
}

/// Headers that every check is content with.
pub const GOOD: &[&str] = &[
    "X-Content-Type-Options: nosniff",
    "Content-Security-Policy: default-src 'self'; frame-ancestors 'self'",
    "Referrer-Policy: no-referrer",
    "Strict-Transport-Security: max-age=31536000",
];

type Handler = dyn Fn(&Received) -> Reply + Send + Sync;

/// A running application.
pub struct Server {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    connections: Arc<Mutex<usize>>,
}

impl Server {
    pub fn start(handler: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let (log, count, handler): (_, _, Arc<Handler>) =
            (Arc::clone(&received), Arc::clone(&connections), Arc::new(handler));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                *count.lock().unwrap() += 1;
                let (log, handler) = (Arc::clone(&log), Arc::clone(&handler));
                thread::spawn(move || serve(stream, &log, &*handler));
            }
        });
        Self { address, received, connections }
    }

    pub fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Received>>, handler: &Handler) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 8192]);
    let request = loop {
        match stream.read(&mut buffer) {
            Ok(read) if read > 0 => bytes.extend_from_slice(&buffer[..read]),
            _ => return,
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if body.len() >= length.unwrap_or(0) {
            break parsed(head, body);
        }
    };
    let request = {
        let mut log = log.lock().unwrap();
        let request = Received { number: log.len(), ..request };
        log.push(request.clone());
        request
    };
    match handler(&request) {
        Reply::Bytes(bytes) => drop(stream.write_all(&bytes)),
        Reply::Endless(bytes) => {
            let last = bytes[bytes.len() - 1..].repeat(1 << 14);
            let mut written = stream.write_all(&bytes);
            while written.is_ok() {
                written = stream.write_all(&last);
            }
        }
        Reply::Silence => while stream.read(&mut buffer).is_ok_and(|read| read > 0) {},
    }
}

fn parsed(head: &str, body: &str) -> Received {
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let (path, query) = (path.to_owned(), link::pairs(query));
    Received { method, path, query, head: head.to_owned(), body: body.to_owned(), target, number: 0 }
}

/// A clock that goes only when somebody waits.
#[derive(Debug, Default)]
pub struct Still(pub Cell<Duration>);

impl Clock for Still {
    fn now(&self) -> Duration {
        self.0.get()
    }

    fn unix(&self) -> u64 {
        1_700_000_000 + self.0.get().as_secs()
    }

    fn sleep(&self, time: Duration) {
        self.0.set(self.0.get() + time);
    }
}

/// A target as a user names it, with nothing else said.
pub fn target(url: Url) -> Target {
    Target {
        url,
        profile: Profile::Safe,
        include: Vec::new(),
        exclude: Vec::new(),
        limits: Limits { rate: 10, requests: 5_000, time: Duration::from_secs(36_000) },
        headers: Vec::new(),
        unverified: Unverified::Withhold,
        description: None,
        seed: 7,
    }
}

/// Probes over the network.
pub fn probe(target: &Target) -> Result<Probed, ProbeError> {
    let mut wire = Network::new(target.url.clone(), Trust::Mozilla, Duration::from_secs(20));
    testudo_probe::run(target, &mut wire, &Still::default())
}

/// Ids of the rules that found something, each once.
pub fn rules(probed: &Probed) -> Vec<String> {
    let mut ids: Vec<String> = probed.findings.iter().map(|finding| finding.rule.clone()).collect();
    ids.sort();
    ids.dedup();
    ids
}
