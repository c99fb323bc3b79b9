//! Measures a hub: start, memory, taking in a large report, and how long each list takes afterwards.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

/// How often each page is asked for.
const ROUNDS: usize = 20;
/// Lists, with filters that many, few and no findings meet.
const LISTS: &[&str] = &[
    "/",
    "/work",
    "/findings",
    "/findings?state=&severity=low",
    "/findings?rule=rule-7",
    "/findings?owner=%40org%2Fteam-3",
    "/findings?owner=%40org%2Frare",
    "/findings?owner=%40nobody",
    "/findings?text=file_99",
    "/findings?text=file_99999",
    "/findings?text=nothing-is-like-this",
    "/findings?text=nothing-is-like-this&severity=high&rule=rule-7&product=shop&owner=%40org%2Fteam-3",
    "/findings?after=0-500",
    "/findings?scan=1",
    "/findings/50000",
    "/products/shop",
    "/products/shop/timeline",
    "/concerns",
    "/alerts",
    "/audit",
    "/admin",
    "/api/v1/findings?product=shop",
];

/// A hub that ends with its owner.
struct Running {
    child: Child,
    address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn bench(program: &Path, findings: usize) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("testudo-hub-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = measure(program, findings, &folder);
    fs::remove_dir_all(&folder)?;
    measured
}

fn measure(program: &Path, findings: usize, folder: &Path) -> Result<()> {
    let (running, link, begun) = start(program, folder)?;
    exchange(&running.address, "GET /sign-in HTTP/1.1", &[], &[])?;
    println!("start to first answer: {} ms", begun.elapsed().as_millis());
    println!("memory after start: {} MB", memory(&running)?);
    let made = Command::new(program)
        .args(["hub", "token", "create", "--scope", "push", "--product", "shop", "--data"])
        .arg(folder.join("data"))
        .output()?;
    let authorization = format!("authorization: Bearer {}", String::from_utf8(made.stdout)?.trim());
    let report = report(findings);
    for round in ["the first time", "with every finding known"] {
        // Another start, so that it is not the very same document.
        let body = report.replace("STARTED", round);
        let now = Instant::now();
        let headers = [authorization.as_str(), "content-type: application/json"];
        let answer =
            exchange(&running.address, "POST /api/v1/products/shop/scans?whole=. HTTP/1.1", &headers, body.as_bytes())?;
        println!("{findings} findings ({} MB) {round}: {:.1} s", body.len() >> 20, now.elapsed().as_secs_f64());
        if !answer.starts_with("HTTP/1.1 200") {
            bail!("{answer}");
        }
    }
    println!("memory after that: {} MB", memory(&running)?);
    let entered = exchange(
        &running.address,
        &format!("POST {link} HTTP/1.1"),
        &["sec-fetch-site: same-origin", "content-type: application/x-www-form-urlencoded"],
        &[],
    )?;
    let cookie = entered.split("set-cookie: ").nth(1).and_then(|rest| rest.split(';').next()).context("no session")?;
    let cookie = format!("cookie: {cookie}");
    for list in LISTS {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let now = Instant::now();
            let answer = exchange(&running.address, &format!("GET {list} HTTP/1.1"), &[cookie.as_str()], &[])?;
            times.push(now.elapsed());
            if !answer.starts_with("HTTP/1.1 200") {
                bail!("{list}: {answer}");
            }
        }
        times.sort();
        let millis = |time: Duration| time.as_secs_f64() * 1000.0;
        println!("{:6.1} ms, at most {:6.1} ms: {list}", millis(times[ROUNDS / 2]), millis(times[ROUNDS - 1]));
    }
    println!("memory in the end: {} MB", memory(&running)?);
    Ok(())
}

/// Starts a hub, and gives the path of the link that it printed.
fn start(program: &Path, folder: &Path) -> Result<(Running, String, Instant)> {
    let begun = Instant::now();
    let mut child = Command::new(program)
        .args(["hub", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.join("data"))
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| program.display().to_string())?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let mut line = || lines.next().context("the hub said nothing")?.context("the hub said nothing");
    let address = line()?.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let link = line()?.split_whitespace().next().unwrap_or_default().to_owned();
    let path = link.split_once(&address).map(|(_, path)| path.to_owned()).context("no link")?;
    Ok((Running { child, address }, path, begun))
}

fn memory(running: &Running) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", running.child.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? >> 10)
}

fn exchange(address: &str, request: &str, headers: &[&str], body: &[u8]) -> Result<String> {
    let mut head = format!("{request}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for header in headers {
        write!(head, "{header}\r\n")?;
    }
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(b"\r\n")?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// A report with findings such as a large organisation has.
fn report(findings: usize) -> String {
    let mut out = String::from(
        "{\"schema\":\"testudo/scan/1\",\"tool\":{\"name\":\"testudo\",\"version\":\"0.1.0\"},\"started\":\"STARTED\",\"targets\":[\".\"],\"findings\":[",
    );
    for at in 0..findings {
        let severity = ["info", "low", "medium", "high", "critical"][at % 5];
        let owner = if at % 1000 == 0 { "@org/rare".to_owned() } else { format!("@org/team-{}", at % 10) };
        let line = at % 500 + 1;
        let comma = if at == 0 { "" } else { "," };
        out += &format!(
            "{comma}{{\"id\":\"{at:010}\",\"rule\":\"rule-{}\",\"title\":\"Something is wrong here\",\"message\":\"The value in line {line} stands in the code, and whoever can read the code has it\",\
             \"severity\":\"{severity}\",\"confidence\":\"high\",\"persona\":\"regular\",\"detector\":\"secrets\",\"location\":{{\"path\":\"services/part-{}/src/file_{at}.py\",\
             \"span\":{{\"start\":{{\"line\":{line},\"column\":5,\"offset\":90}},\"end\":{{\"line\":{line},\"column\":25,\"offset\":110}}}}}},\"fingerprint\":\"1:{at:032x}\",\
             \"cwe\":[798],\"owasp\":[\"A07\"],\"aliases\":[],\"owner\":[\"{owner}\"],\"snippet\":{{\"line\":{line},\"text\":\"password = h*****2\",\"highlight\":[11,18]}},\
             \"fix\":{{\"description\":\"Take it out, revoke it, and keep the new one in the vault.\"}},\"suppressed\":null,\"properties\":{{}}}}",
            at % 50,
            at % 40,
        );
    }
    out + "],\"coverage\":[{\"detector\":\"secrets\",\"state\":\"complete\",\"rules_digest\":\"00\",\"rules\":3,\"scope\":[\".\"],\"units\":40,\"bytes\":100}],\"notices\":[],\
           \"summary\":{\"by_severity\":{},\"findings\":1,\"suppressed\":0,\"hidden\":0,\"incidents\":1,\"complete\":true}}"
}
