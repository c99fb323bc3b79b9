//! A server on the loopback interface for tests: what it answers is written out byte by byte, because the answers that
//! matter are those that no server library would send. Tests of other crates use it too.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What is done with one request.
pub enum Answer {
    /// These bytes, then the connection is closed.
    Bytes(Vec<u8>),
    /// These bytes, then the last of them again and again until the other side has enough.
    Endless(Vec<u8>),
    /// Nothing, until the other side has enough.
    Silence,
}

impl Answer {
    /// A status without a body.
    pub fn status(status: u16) -> Self {
        Self::Bytes(format!("HTTP/1.1 {status} Any\r\nContent-Length: 0\r\n\r\n").into_bytes())
    }

    /// A redirect.
    pub fn redirect(to: &str) -> Self {
        Self::Bytes(format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes())
    }
}

type Decide = dyn Fn(&str) -> Answer + Send + Sync;

/// A running server. It ends with the test.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server that decides by the text of each request.
    pub fn start(decide: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (address, requests) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (log, decide): (_, Arc<Decide>) = (Arc::clone(&requests), Arc::new(decide));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, decide) = (Arc::clone(&log), Arc::clone(&decide));
                thread::spawn(move || serve(stream, &log, &*decide));
            }
        });
        Self { address, requests }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, sorted. A connection without a request is an empty text.
    pub fn requests(&self) -> Vec<String> {
        let mut all = self.requests.lock().unwrap().clone();
        all.sort();
        all
    }
}

/// First byte of a TLS connection (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 22;

fn serve(mut stream: TcpStream, log: &Mutex<Vec<String>>, decide: &Decide) {
    // Counted before anything is read, so that nobody connects unseen.
    let at = {
        let mut log = log.lock().unwrap();
        log.push(String::new());
        log.len() - 1
    };
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&request) {
        match stream.read(&mut buffer) {
            Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
            _ => return,
        }
        if request.first() == Some(&TLS_HANDSHAKE) {
            return drop(stream.write_all(b"no TLS is spoken here"));
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    log.lock().unwrap()[at].clone_from(&request);
    match decide(&request) {
        Answer::Bytes(bytes) => drop(stream.write_all(&bytes)),
        Answer::Endless(bytes) => {
            let last = bytes[bytes.len() - 1..].repeat(1 << 14);
            let mut written = stream.write_all(&bytes);
            while written.is_ok() {
                written = stream.write_all(&last);
            }
        }
        Answer::Silence => while stream.read(&mut buffer).is_ok_and(|read| read > 0) {},
    }
}

/// Whether head and body are there.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}
