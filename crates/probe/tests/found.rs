//! What is found, and what only looks like it: each weakness on an application that has it, and its look-alikes on one
//! that nothing is wrong with.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]
#![expect(unreachable_pub, reason = "the application is shared with other tests")]
#![expect(dead_code, reason = "the application is shared with tests that ask more of it")]

mod server;

use std::cell::Cell;
use std::time::Duration;

use server::{GOOD, Received, Reply, Server, Still, answer, missing, page, probe, rules, target};
use testudo_model::Confidence;
use testudo_net::{
    NetError, Trust, Url,
    tls::{Look, OldVersion, SeenCertificate},
};
use testudo_probe::{Answer, Ask, Clock as _, Description, Network, Profile, Wire};

const DESCRIPTION: &str = "
openapi: 3.0.3
paths:
  /pets/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses:
        '200': {description: ok, content: {application/json: {schema: {type: object, required: [id], properties: {id: {type: integer}}}}}}
";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// What a database does with a query whose condition is `text`, with `'` around it.
fn quoted_rows(text: &str) -> Result<bool, ()> {
    let parts: Vec<&str> = text.split('\'').collect();
    match parts.as_slice() {
        [plain] => Ok(*plain == "1"),
        ["1", " AND ", left, "=", right] => Ok(left == right),
        ["1", ..] if parts.len() % 2 == 1 => Ok(false),
        _ if parts.len() % 2 == 1 => Ok(false),
        _ => Err(()),
    }
}

/// The output of `echo TEXT` in a shell that knows `;` and `$((a*b))`.
fn shell(text: &str) -> String {
    let commands = text.split(';').map(|command| {
        let said = command.trim().strip_prefix("echo ").unwrap_or_default();
        let Some((before, rest)) = said.split_once("$((") else { return String::new() };
        let Some((sum, after)) = rest.split_once("))") else { return String::new() };
        let product: u64 = sum.split('*').map(|n| n.parse::<u64>().unwrap_or(0)).product();
        format!("{before}{product}{after}")
    });
    commands.collect::<Vec<_>>().join("\n")
}

const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nbin:x:1:1:bin:/bin:/sbin/nologin\n";

/// An application with one weakness at `/v`.
fn weak(rule: &str, request: &Received) -> Reply {
    let input = request.field("q");
    let start = page("<a href='/v?q=1'>v</a>");
    match (request.path.as_str(), rule) {
        ("/", "probe-content-type-options") => answer(200, "text/html", &GOOD[1..], "<p>x"),
        ("/", "probe-csp-missing") => answer(200, "text/html", &[GOOD[0], GOOD[2], "X-Frame-Options: DENY"], "<p>x"),
        ("/", "probe-csp-weak") => {
            let policy = "Content-Security-Policy: script-src * 'unsafe-inline'; frame-ancestors 'none'";
            answer(200, "text/html", &[GOOD[0], GOOD[2], policy], "<p>x")
        }
        ("/", "probe-frame-protection") => {
            answer(200, "text/html", &[GOOD[0], GOOD[2], "Content-Security-Policy: default-src 'self'"], "<p>x")
        }
        ("/", "probe-referrer-policy") => answer(200, "text/html", &GOOD[..2], "<p>x"),
        ("/", "probe-server-banner") => with_line("Server: nginx/1.25.3"),
        ("/", "probe-cookie-httponly") => with_line("Set-Cookie: sid=a; SameSite=Lax"),
        ("/", "probe-cookie-samesite") => with_line("Set-Cookie: sid=a; HttpOnly"),
        ("/", "probe-cookie-prefix") => with_line("Set-Cookie: __Host-x=a; Path=/"),
        ("/", "probe-cors-credentials") => match request.header("origin") {
            Some(origin) => {
                let lines = [
                    format!("Access-Control-Allow-Origin: {origin}"),
                    "Access-Control-Allow-Credentials: true".to_owned(),
                ];
                let lines: Vec<&str> = GOOD.iter().copied().chain(lines.iter().map(String::as_str)).collect();
                answer(200, "text/html", &lines, "<p>x")
            }
            None => start,
        },
        ("/", "probe-directory-listing") => page("<title>Index of /</title><a href='../'>..</a>"),
        ("/", _) => start,
        ("/v", "probe-stack-trace") => {
            answer(500, "text/plain", GOOD, "File \"a.py\", line 3, in f\nFile \"b.py\", line 4, in g")
        }
        ("/v", "probe-xss-reflected") => page(&format!("<p>{input}</p>")),
        ("/v", "probe-sql-injection-error") => match quoted_rows(&input) {
            Ok(_) => page("<p>same"),
            Err(()) => answer(500, "text/html", GOOD, "unrecognized token: &quot;&#39;x&quot;"),
        },
        ("/v", "probe-sql-injection-boolean") => page(if quoted_rows(&input) == Ok(true) { "one" } else { "none" }),
        ("/v", "probe-path-traversal") if input.starts_with("../") && input.ends_with("/etc/passwd") => {
            answer(200, "text/plain", GOOD, PASSWD)
        }
        ("/v", "probe-command-injection") => page(&format!("<pre>{}</pre>", shell(&input))),
        ("/v", "probe-open-redirect") => {
            answer(302, "", &[&format!("Location: {}", input.replace(['\r', '\n'], ""))], "")
        }
        ("/v", _) => page("<p>v"),
        ("/actuator", "probe-exposed-actuator") => {
            answer(200, "application/json", GOOD, "{\"_links\":{\"self\":{\"href\":\"/actuator\"}}}")
        }
        ("/openapi.json", "probe-exposed-api-description") => {
            answer(200, "application/json", GOOD, "{\"openapi\":\"3.0.0\",\"paths\":{}}")
        }
        ("/backup.sql", "probe-exposed-backup") => answer(200, "text/plain", GOOD, "CREATE TABLE a (b int);\n"),
        ("/.DS_Store", "probe-exposed-ds-store") => answer(200, "", GOOD, "\0\0\0\u{1}Bud1\0"),
        ("/.env", "probe-exposed-environment") => answer(200, "text/plain", GOOD, "APP_MODE=test\n"),
        ("/.git/HEAD", "probe-exposed-git") => answer(200, "text/plain", GOOD, "ref: refs/heads/main\n"),
        ("/phpinfo.php", "probe-exposed-phpinfo") => {
            page("<title>PHP 8 - phpinfo()</title><h1>PHP Version 8</h1><td class=\"e\">")
        }
        ("/server-status", "probe-exposed-server-status") => {
            page("<h1>Apache Server Status for a</h1>Server Version: x")
        }
        (path, "probe-api-server-error") if path.starts_with("/pets/") => match path[6..].parse::<i32>() {
            Ok(id) => answer(200, "application/json", GOOD, &format!("{{\"id\":{id}}}")),
            Err(_) => answer(500, "text/plain", GOOD, "boom"),
        },
        ("/pets/1", "probe-api-undocumented-status") => answer(202, "application/json", GOOD, "{\"id\":1}"),
        ("/pets/1", "probe-api-schema-mismatch") => answer(200, "application/json", GOOD, "{\"id\":\"one\"}"),
        _ => missing(),
    }
}

fn with_line(line: &str) -> Reply {
    let lines: Vec<&str> = GOOD.iter().copied().chain([line]).collect();
    answer(200, "text/html", &lines, "<p>x")
}

/// Rules that need another wire or host; they have tests of their own.
const ELSEWHERE: &[&str] = &[
    "probe-cookie-secure",
    "probe-hsts-missing",
    "probe-plain-http",
    "probe-tls-certificate-expired",
    "probe-tls-certificate-expires",
    "probe-tls-certificate-name",
    "probe-tls-certificate-untrusted",
    "probe-tls-old-version",
];

#[test]
fn each_weakness_is_found_on_an_application_that_has_it_and_nothing_else_is() {
    for rule in testudo_probe::RULES.iter().map(|rule| rule.id).filter(|id| !ELSEWHERE.contains(id)) {
        let server = Server::start(move |request| weak(rule, request));
        let description = Description::Text { name: "api.yaml".to_owned(), text: DESCRIPTION.to_owned() };
        let api = rule.starts_with("probe-api");
        let probed =
            probe(&testudo_probe::Target { description: api.then_some(description), ..target(server.url("/")) })
                .unwrap();
        assert_eq!(rules(&probed), [rule], "{:#?}", probed.notices);
        for finding in &probed.findings {
            let text = |key: &str| finding.properties.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
            assert!(text("reproduce").starts_with("curl "), "{rule}");
            assert_eq!(finding.confidence, Confidence::High, "{rule}");
            if text("class") == "malicious" {
                let roles: Vec<&str> = finding.properties["evidence"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|e| e["role"].as_str().unwrap())
                    .collect();
                assert!(roles.iter().filter(|role| **role == "replay").count() >= 2, "{rule}: {roles:?}");
                assert!(roles.contains(&"control"), "{rule}: {roles:?}");
            }
        }
    }
}

/// What looks like a weakness and is none, at `/v`.
fn look_alike(case: &str, request: &Received) -> Reply {
    let input = request.field("q");
    if request.path == "/" {
        return page("<a href='/v?q=1'>v</a><a href='/v?q=other'>v</a>");
    }
    if request.path == "/pets/1" {
        return answer(200, "application/json", GOOD, "{\"id\":1}");
    }
    match case {
        // Whatever is asked for is answered with a page, also where a file is asked for.
        "soft 404" => page("<p>APP=1 ref: refs/heads/main Index of / phpinfo()"),
        "soft 404 of a text" => answer(200, "text/plain", GOOD, "APP_MODE=test\n"),
        "soft 404 of git" => answer(200, "text/plain", GOOD, "ref: refs/heads/main\n"),
        _ if request.path != "/v" => missing(),
        "encoded" => page(&format!("<p title=\"{0}\">{0}</p><script>var a='x';</script>", escaped(&input))),
        "json" => answer(200, "application/json", GOOD, &format!("{{\"q\":\"{input}\"}}")),
        "plain text" => answer(200, "text/plain", GOOD, &input),
        "in a value" => page(&format!("<input value=\"{}\">", input.replace('"', "&quot;"))),
        "in a comment" => page(&format!("<!-- {} -->", input.replace("--", ""))),
        "in a textarea" => page(&format!("<textarea>{}</textarea>", input.replace("</", ""))),
        "in a string" => {
            let safe = input.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\"").replace('<', "\\u003c");
            page(&format!("<script>var a='{safe}';</script>"))
        }
        "in a string of JSON" => page(&format!("<script type='application/json'>\"{}\"</script>", escaped(&input))),
        "error words" => page("<p>You have an error in your SQL syntax. ORA-01756. root:x:0:0:root:/root:/bin/bash"),
        "error words of a failure" => answer(500, "text/html", GOOD, "You have an error in your SQL syntax"),
        "every third fails" if request.number.is_multiple_of(3) => {
            answer(500, "text/html", GOOD, "unrecognized token: \"x\"")
        }
        "every second fails" if request.number.is_multiple_of(2) => {
            answer(500, "text/html", GOOD, "near \"x\": syntax error")
        }
        "changes with each request" => page(&format!("<p>{}", request.number)),
        "changes with each second request" => page(&format!("<p>{}", request.number / 2 % 2)),
        "changes with the input" => page(&format!("<p>{}", input.bytes().map(u32::from).sum::<u32>() % 7)),
        "numbers are read up to the first letter" => page(if input.starts_with('1') { "one" } else { "none" }),
        "a search for words" => page(if input == "1" || input.is_empty() { "one" } else { "none" }),
        "reckons" => {
            let numbers: Vec<u64> = input.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
            let large: Vec<u64> = numbers.into_iter().filter(|n| *n >= 10_000).collect();
            page(&format!(
                "<p>{}",
                large.chunks(2).map(|two| two.iter().product::<u64>().to_string()).collect::<Vec<_>>().join(" ")
            ))
        }
        "redirect to a list" => {
            let known = if input.starts_with("https://partner.example/") { &input } else { "/" };
            answer(302, "", &[&format!("Location: {known}")], "")
        }
        "redirect within" => answer(302, "", &[&format!("Location: /login?next={}", link(&input))], ""),
        "redirect with a prefix" => {
            answer(302, "", &[&format!("Location: https://{}/x/{}", "shop.example", link(&input))], "")
        }
        "a page that names the address" => page(&format!("<a href='/go?to={}'>go</a>", link(&input))),
        "a file of one folder" if input.contains("..") || input.starts_with('/') => {
            answer(400, "text/plain", GOOD, "no such name")
        }
        "a failure of everything" => answer(500, "text/html", GOOD, "<p>out of order"),
        _ => page("<p>v"),
    }
}

fn link(text: &str) -> String {
    testudo_probe::link::encode(text)
}

#[test]
fn what_only_looks_like_a_weakness_is_not_found() {
    for case in [
        "soft 404",
        "soft 404 of a text",
        "soft 404 of git",
        "encoded",
        "json",
        "plain text",
        "in a value",
        "in a comment",
        "in a textarea",
        "in a string",
        "in a string of JSON",
        "error words",
        "error words of a failure",
        "every third fails",
        "every second fails",
        "changes with each request",
        "changes with each second request",
        "changes with the input",
        "numbers are read up to the first letter",
        "a search for words",
        "reckons",
        "redirect to a list",
        "redirect within",
        "redirect with a prefix",
        "a page that names the address",
        "a file of one folder",
        "a failure of everything",
    ] {
        let server = Server::start(move |request| look_alike(case, request));
        let probed = probe(&target(server.url("/"))).unwrap();
        assert_eq!(rules(&probed), Vec::<String>::new(), "{case}: {:#?}", probed.findings);
        assert!(server.received().iter().any(|request| request.target.starts_with("/v?q=")), "{case}");
    }
}

/// Servers that fail now and then, whatever they are sent.
#[test]
fn an_operation_that_fails_by_chance_is_no_finding() {
    for every in [2, 3, 4, 5, 7] {
        let server = Server::start(move |request| match request.path.strip_prefix("/pets/") {
            Some(_) if request.number % every == 1 => answer(500, "text/plain", GOOD, "busy"),
            Some(_) => answer(200, "application/json", GOOD, "{\"id\":1}"),
            None => page("<p>x"),
        });
        let description = Some(Description::Text { name: "a".to_owned(), text: DESCRIPTION.to_owned() });
        let probed = probe(&testudo_probe::Target { description, ..target(server.url("/")) }).unwrap();
        assert!(!rules(&probed).iter().any(|rule| rule == "probe-api-server-error"), "{every}");
    }
}

/// Fingerprints do not depend on canaries, hosts, or what else was found.
#[test]
fn a_finding_keeps_its_identity() {
    let one = |seed, extra: &'static str| {
        let server = Server::start(move |request| match request.path.as_str() {
            "/" => page(&format!("{extra}<a href='/v?q=1'>v</a>")),
            _ => weak("probe-xss-reflected", request),
        });
        let probed = probe(&testudo_probe::Target { seed, ..target(server.url("/")) }).unwrap();
        probed.findings.iter().map(|finding| finding.fingerprint.to_string()).collect::<Vec<_>>()
    };
    let first = one(1, "");
    assert_eq!(first.len(), 1);
    assert_eq!(first, one(2, "<a href='/other?x=1'>other</a>"));
}

/// A shell whose output nobody sees: the clock goes as far as a command says.
struct Sleeper<'a> {
    inner: Network,
    clock: &'a Still,
    /// Seconds for each answer, by the number that a command says.
    takes: fn(u64) -> Duration,
    asked: Cell<u64>,
}

impl Wire for Sleeper<'_> {
    fn send(&self, url: &Url, ask: &Ask, within: Duration) -> Result<Answer, NetError> {
        let sent = testudo_probe::link::decode(&ask.target);
        let said = sent.split(";sleep ").nth(1).and_then(|rest| rest.split(';').next()?.parse().ok());
        if let Some(said) = said {
            self.asked.set(self.asked.get() + 1);
            self.clock.sleep((self.takes)(said));
        }
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

#[test]
fn a_command_without_output_is_proven_by_time_and_a_slow_page_is_not() {
    for (takes, found) in [
        ((|said| Duration::from_secs(said)) as fn(u64) -> Duration, true),
        (|said| Duration::from_millis(said * 1_000 + 300), true),
        (|_| Duration::from_secs(3), false),
        (|said| Duration::from_secs(said * 3), false),
        (|said| Duration::from_secs(said.min(2)), false),
        (|_| Duration::ZERO, false),
    ] {
        let server = Server::start(|request| weak("none", request));
        let (clock, target) = (Still::default(), target(server.url("/")));
        let inner = Network::new(target.url.clone(), Trust::Mozilla, Duration::from_secs(20));
        let mut wire = Sleeper { inner, clock: &clock, takes, asked: Cell::new(0) };
        let probed = testudo_probe::run(&target, &mut wire, &clock).unwrap();
        assert!(wire.asked.get() > 0);
        let expected: &[&str] = if found { &["probe-command-injection"] } else { &[] };
        assert_eq!(rules(&probed), expected);
    }
}

#[test]
fn full_sends_forms_and_bodies_and_finds_what_is_behind_them() {
    let server = Server::start(|request| match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/") => page("<form method=post action=/send><input name=text></form>"),
        ("POST", "/send") => {
            let fields = testudo_probe::link::pairs(&request.body);
            page(&fields.iter().map(|(_, value)| format!("<b>{value}</b>")).collect::<String>())
        }
        _ => missing(),
    });
    let safe = probe(&target(server.url("/"))).unwrap();
    assert_eq!(rules(&safe), Vec::<String>::new());
    assert!(server.received().iter().all(|request| request.method == "GET"));
    let full = probe(&testudo_probe::Target { profile: Profile::Full, ..target(server.url("/")) }).unwrap();
    assert_eq!(rules(&full), ["probe-xss-reflected"]);
    assert_eq!(full.findings[0].properties["parameter_in"], "form");
}
