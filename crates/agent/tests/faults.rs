//! The agent is ended with SIGKILL at random moments while a log is written and rotated and the hub fails at random: at the
//! end the hub, the file of alerts and the ledger have every line once.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

const KILLS: u64 = 55;
const PATIENCE: Duration = Duration::from_secs(120);

/// A small generator (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// What a hub has: events by start and number, and how often it was asked.
#[derive(Default)]
struct Store {
    events: BTreeMap<(String, u64), Value>,
    requests: u64,
    gaps: u64,
}

/// A hub that stores by start and number, and fails before or after it stored.
fn serve(listener: TcpListener, store: Arc<Mutex<Store>>) {
    thread::spawn(move || {
        let mut random = Random(7);
        for stream in listener.incoming().flatten() {
            let fate = random.below(4);
            // A process that was ended leaves half a request.
            answer(stream, &store, fate).unwrap_or_default();
        }
    });
}

fn answer(mut stream: TcpStream, store: &Mutex<Store>, fate: u64) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut length, mut authorized) = (0, false);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            // The process was ended while it wrote.
            return Ok(());
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap_or(0);
        }
        authorized |= line == "authorization: bearer s3cr3t";
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    assert!(authorized, "the token goes along");
    if fate == 0 {
        return stream.write_all(b"HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n");
    }
    let batch: Value = serde_json::from_slice(&body)?;
    let boot = batch["boot"].as_str().unwrap_or_default().to_owned();
    let mut store = store.lock().unwrap();
    store.requests += 1;
    let known = |store: &Store| {
        store.events.range((boot.clone(), 0)..=(boot.clone(), u64::MAX)).next_back().map_or(0, |((_, seq), _)| *seq)
    };
    let mut last = known(&store);
    for event in batch["events"].as_array().into_iter().flatten() {
        let seq = event["seq"].as_u64().unwrap_or(0);
        if seq > last + 1 {
            store.gaps += 1;
        }
        if seq > last {
            last = seq;
            store.events.insert((boot.clone(), seq), event.clone());
        }
    }
    drop(store);
    if fate == 1 {
        // It has them, and nobody hears of it.
        return Ok(());
    }
    let text = format!("{{\"acknowledged\":{last}}}");
    stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()).as_bytes())
}

fn start(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_testudo-agent"))
        .args(["run", "--config", "testudo.toml"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The ports in alerts about logins that failed: each line of the log has its own.
fn numbers<'v>(alerts: impl Iterator<Item = &'v Value>) -> Vec<u64> {
    let wanted = alerts.filter(|alert| alert["rule"] == "agent-sshd-invalid-user");
    wanted.filter_map(|alert| alert["fields"]["srcport"].as_str()?.parse().ok()).collect()
}

fn alert_file(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).map(|line| line["body"].clone()).collect()
}

#[test]
fn nothing_is_lost_and_nothing_is_there_twice() {
    let folder: PathBuf = std::env::temp_dir().join(format!("testudo-agent-faults-{}", std::process::id()));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let store = Arc::new(Mutex::new(Store::default()));
    serve(listener, Arc::clone(&store));
    fs::write(folder.join("token"), "s3cr3t\n").unwrap();
    fs::write(folder.join("auth.log"), "").unwrap();
    let config = format!(
        "[agent]\nname = \"web-1\"\nstate-dir = \"state\"\n[[agent.logs]]\npath = \"auth.log\"\nfrom = \"beginning\"\n[agent.fim]\ntrees = []\n[agent.ports]\nwatch = false\n[agent.hub]\nurl = \"http://{address}\"\ntoken-file = \"token\"\n[agent.ledger]\nenvironment = \"prod\"\nat = \"low\"\n"
    );
    fs::write(folder.join("testudo.toml"), config).unwrap();
    let mut random = Random(42);
    let mut written = 0;
    for kill in 0..KILLS {
        let mut child = start(&folder);
        // The moment of the end: while it starts, reads, keeps, records or sends.
        let until = Instant::now() + Duration::from_millis(5 + random.below(700));
        while Instant::now() < until {
            let mut log = fs::OpenOptions::new().append(true).create(true).open(folder.join("auth.log")).unwrap();
            for _ in 0..random.below(3) {
                written += 1;
                // A user of its own each time, from an address of its own: no rule over several lines joins them.
                let from = format!("10.{}.{}.{}", written >> 16, (written >> 8) & 255, written & 255);
                let line =
                    format!("Oct 11 22:14:15 web-1 sshd[1]: Invalid user u{written} from {from} port {written}\n");
                let (front, rest) = line.split_at(random.below(line.len() as u64) as usize);
                log.write_all(front.as_bytes()).unwrap();
                log.write_all(rest.as_bytes()).unwrap();
            }
            thread::sleep(Duration::from_millis(random.below(20)));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if kill % 10 == 9 {
            fs::rename(folder.join("auth.log"), folder.join(format!("auth.log-{kill}"))).unwrap();
        }
    }
    let mut child = start(&folder);
    let all: Vec<u64> = (1..=written).collect();
    let begun = Instant::now();
    let hub = || {
        let store = store.lock().unwrap();
        let bodies: Vec<Value> = store.events.values().map(|event| event["body"].clone()).collect();
        (numbers(bodies.iter()), store.requests, store.gaps)
    };
    while hub().0.len() < all.len() && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(200));
    }
    let ledger = || {
        // An entry that was cut off by a kill is taken off, and that is an entry of its own.
        let mut alerts = 0;
        let journal = testudo_ledger::Journal::new(&folder.join(".testudo/ledger"), "prod").unwrap();
        let read = journal.entries(&mut |entry| {
            alerts += usize::from(entry.statement.predicate_type == testudo_ledger::predicate::ALERT);
            testudo_ledger::Next::Entry
        });
        read.map_or(0, |()| alerts)
    };
    while ledger() < all.len() && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(200));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    let sorted = |mut numbers: Vec<u64>| {
        numbers.sort_unstable();
        numbers
    };
    let (at_hub, requests, gaps) = hub();
    assert!(written > 200 && requests > 20, "{written} lines, {requests} requests");
    assert_eq!(gaps, 0);
    assert_eq!(sorted(at_hub), all, "at the hub");
    assert_eq!(sorted(numbers(alert_file(&folder.join("state/alerts.jsonl")).iter())), all, "in the file");
    assert_eq!(ledger(), all.len(), "in the ledger");
    let ids: BTreeSet<String> = alert_file(&folder.join("state/alerts.jsonl"))
        .iter()
        .filter_map(|alert| alert["id"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(ids.len(), all.len());
    fs::remove_dir_all(&folder).unwrap();
}
