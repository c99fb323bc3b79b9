//! `--verify` through the real binary, against servers on the loopback interface: what is asked, what is never asked,
//! and that no output holds a value.
#![expect(clippy::print_stderr, reason = "a test that cannot run says so")]
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]
#![expect(unreachable_pub, reason = "the server is shared with tests of other crates")]

#[path = "../../net/tests/server/mod.rs"]
mod server;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use server::{Answer, Server};

/// A value of the made-up issuer: nothing real looks like it, and no file of the repository holds it.
fn token(name: &str) -> String {
    let tail: String =
        name.bytes().cycle().take(16).enumerate().map(|(at, b)| format!("{b}{}", (b'a' + at as u8) as char)).collect();
    format!("{}_{}", "acmetok", &tail[..32])
}

/// A folder with a tree to scan, rules that ask `url`, and a home directory beside it.
struct Case(PathBuf);

impl Case {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("testudo-verify-{name}-{}", std::process::id()));
        fs::remove_dir_all(&path).ok();
        fs::create_dir_all(path.join("tree")).unwrap();
        fs::create_dir_all(path.join("home")).unwrap();
        Self(path.canonicalize().unwrap())
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A rule whose request is `GET url` with the value in a header, beside `more` keys.
    fn rule(&self, url: &str, more: &str) {
        let rule = format!(
            "[[rules]]\nid = \"acme-token\"\ndescription = \"Acme token\"\nregex = '''\\b(acmetok_[0-9a-z]{{32}})\\b'''\n\
             keywords = [\"acmetok_\"]\n[rules.testudo]\nseverity = \"high\"\nconfidence = \"high\"\n\
             [rules.testudo.verify]\nurl = \"{url}\"\nactive = [200]\ninactive = [401]\n{more}\n"
        );
        self.write("rules.toml", &rule);
    }

    fn leak(&self, file: &str, value: &str) {
        self.write(&format!("tree/{file}"), &format!("token = \"{value}\"\n"));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_testudo"));
        command.args(arguments).current_dir(self.0.join("tree")).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if ["TESTUDO_", "GIT_", "NO_COLOR", "CLICOLOR", "COLUMNS", "XDG_"].iter().any(|ours| name.starts_with(ours))
            {
                command.env_remove(name);
            }
        }
        command.env("HOME", self.0.join("home")).env("TESTUDO_SECRETS_VERIFY_TIMEOUT", "2");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@a.example");
        }
        command
    }

    /// Scans with the rules; gives everything that was printed and written, and the report.
    fn scan(&self, arguments: &[&str]) -> Scanned {
        let rules = self.0.join("rules.toml");
        let report = self.0.join("report.json");
        let output = format!("json={}", report.display());
        let fixed = ["scan", "--rules", rules.to_str().unwrap(), "--output", &output];
        let ran = self.command(&[&fixed[..], arguments].concat()).output().unwrap();
        let printed = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        let json = fs::read_to_string(&report).unwrap_or_default();
        Scanned { code: ran.status.code(), printed, report: serde_json::from_str(&json).unwrap_or_default() }
    }

    fn cache(&self) -> PathBuf {
        self.0.join("home/.cache/testudo/live-checks")
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

struct Scanned {
    code: Option<i32>,
    printed: String,
    report: Value,
}

impl Scanned {
    /// File name, state, reason, severity and confidence of each finding.
    fn states(&self) -> Vec<String> {
        let findings = self.report["findings"].as_array().unwrap_or_else(|| panic!("{}", self.printed));
        let row = |f: &Value| {
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            let path = text(&f["location"]["path"]);
            let file = Path::new(&path).file_name().unwrap().to_str().unwrap().to_owned();
            let said = &f["verification"];
            [file, text(&said["state"]), text(&said["reason"]), text(&f["severity"]), text(&f["confidence"])].join(" ")
        };
        findings.iter().map(row).collect()
    }

    fn only(&self) -> String {
        let states = self.states();
        assert_eq!(states.len(), 1, "{states:?}");
        states[0].clone()
    }

    fn fingerprints(&self) -> Vec<Value> {
        self.report["findings"].as_array().unwrap().iter().map(|f| f["fingerprint"].clone()).collect()
    }
}

/// Answers by the value that the request carries.
fn issuer(live: &str, dead: &str) -> Server {
    let (live, dead) = (live.to_owned(), dead.to_owned());
    Server::start(move |request| match request {
        request if request.contains(&live) => Answer::status(200),
        request if request.contains(&dead) => Answer::status(401),
        _ => Answer::status(500),
    })
}

const HEADER: &str = "headers = { Authorization = \"Bearer {{secret}}\" }";

#[test]
fn answers_change_how_a_finding_counts_and_nothing_else() {
    let (live, dead, odd) = (token("live"), token("dead"), token("odd"));
    let server = issuer(&live, &dead);
    let case = Case::new("answers");
    case.rule(&format!("{}/me", server.origin()), HEADER);
    case.leak("a.env", &live);
    case.leak("b.env", &dead);
    case.leak("c.env", &odd);
    let plain = case.scan(&["."]);
    assert_eq!(plain.states(), ["a.env - - high high", "b.env - - high high", "c.env - - high high"]);
    assert_eq!(server.requests().len(), 0, "nobody is asked without --verify");
    assert!(!case.cache().exists());

    let asked = case.scan(&["--verify", "--verify-host", &server.origin(), "."]);
    assert_eq!(
        asked.states(),
        ["a.env active - critical high", "b.env inactive - medium high", "c.env unknown unexpected-status high high"]
    );
    assert_eq!(asked.fingerprints(), plain.fingerprints());
    assert_eq!((asked.code, server.requests().len()), (Some(0), 3));
    for text in [
        "live: the issuer accepted it (127.0.0.1, status 200)",
        "dead: the issuer refused it (127.0.0.1, status 401)",
        "asked 1 issuer about 3 secrets: 1 live, 1 dead, 1 unknown",
        "verification-incomplete",
    ] {
        assert!(
            asked.printed.split_whitespace().collect::<Vec<_>>().join(" ").contains(text),
            "{text}: {}",
            asked.printed
        );
    }
    let request = server.requests().concat().to_ascii_lowercase();
    assert!(request.contains(&format!("authorization: bearer {live}")), "{request}");
    let gate = case.scan(&["--verify", "--verify-host", &server.origin(), "--fail-on", "critical", "."]);
    assert_eq!(gate.code, Some(1));
}

#[test]
fn one_question_for_each_value_whatever_the_number_of_files() {
    let (live, dead) = (token("live"), token("dead"));
    let server = issuer(&live, &dead);
    let case = Case::new("once");
    case.rule(&format!("{}/me?t={{{{secret}}}}", server.origin()), "");
    for file in ["a.env", "b/c.env", "b/d.env"] {
        case.leak(file, &live);
    }
    let asked = case.scan(&["--verify", "--verify-host", &server.origin(), "."]);
    assert_eq!(asked.states().len(), 3);
    assert!(asked.states().iter().all(|state| state.ends_with("active - critical high")), "{:?}", asked.states());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn answers_are_remembered_for_a_while() {
    let (live, dead) = (token("live"), token("dead"));
    let server = issuer(&live, &dead);
    let case = Case::new("memory");
    case.rule(&format!("{}/me", server.origin()), HEADER);
    case.leak("a.env", &live);
    case.leak("b.env", &dead);
    case.leak("c.env", &token("odd"));
    let origin = server.origin();
    let scan = || case.scan(&["--verify", "--verify-host", &origin, "."]);
    let first = scan();
    assert_eq!(server.requests().len(), 3);
    let second = scan();
    assert_eq!(second.states(), first.states());
    assert_eq!(server.requests().len(), 4, "only what is unknown is asked again");
    assert_eq!(second.report["summary"]["verification"]["remembered"], 2);

    let text = fs::read_to_string(case.cache()).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(!text.contains("acmetok"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&case.cache()), mode(case.cache().parent().unwrap())), (0o600, 0o700));
    }
    // An hour later: what was written then is past its time.
    let old: String = text
        .lines()
        .map(|line| match line.rsplit_once(' ') {
            Some((entry, until)) => until.parse::<u64>().map_or(format!("{line}\n"), |_| format!("{entry} 1000\n")),
            None => format!("{line}\n"),
        })
        .collect();
    fs::write(case.cache(), old).unwrap();
    scan();
    assert_eq!(server.requests().len(), 7, "what is past its time is asked again");
    // A rule that asks something else does not take the answers of another question.
    case.rule(&format!("{origin}/other"), HEADER);
    scan();
    assert_eq!(server.requests().len(), 10);
    // A file that others can write is not believed.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(case.cache(), fs::Permissions::from_mode(0o666)).unwrap();
        scan();
        assert_eq!(server.requests().len(), 13);
    }
}

#[test]
fn what_is_no_answer_is_unknown_and_leads_nowhere() {
    let value = token("any");
    let other = Server::start(|_| Answer::status(200));
    let target = other.origin();
    let server = Server::start(move |request| match request.split_whitespace().nth(1) {
        Some("/redirect") => Answer::redirect(&format!("{target}/steal")),
        Some("/silence") => Answer::Silence,
        Some("/garbage") => Answer::Bytes(b"\0\x01\x02 HTTP?\r\n\r\n".to_vec()),
        Some("/nothing") => Answer::Bytes(Vec::new()),
        Some("/head") => Answer::Endless(b"HTTP/1.1 200 OK\r\nX-Long: x".to_vec()),
        Some("/limit") => Answer::status(429),
        Some("/body") => {
            Answer::Endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nx".to_vec())
        }
        _ => Answer::status(503),
    });
    let case = Case::new("no-answer");
    case.leak("a.env", &value);
    for (path, state) in [
        ("redirect", "unknown redirect high high"),
        ("silence", "unknown timeout high high"),
        ("garbage", "unknown bad-answer high high"),
        ("nothing", "unknown bad-answer high high"),
        ("head", "unknown bad-answer high high"),
        ("limit", "unknown rate-limited high high"),
        ("broken", "unknown unexpected-status high high"),
        // Only the status counts; the body is not read.
        ("body", "active - critical high"),
    ] {
        case.rule(&format!("{}/{path}", server.origin()), HEADER);
        let hosts = ["--verify-host", &server.origin(), "--verify-host", &other.origin()];
        let asked = case.scan(&[&["--verify"][..], &hosts, &["--strict", "."]].concat());
        assert_eq!(asked.only(), format!("a.env {state}"), "{path}");
        assert!(!asked.printed.contains(&value), "{path}: {}", asked.printed);
    }
    assert_eq!(other.requests().len(), 0, "a redirect is not followed, even to a host that is allowed");
}

#[test]
fn nobody_is_asked_who_was_not_allowed() {
    let value = token("any");
    let server = Server::start(|_| Answer::status(200));
    let (origin, port) = (server.origin(), server.address.port());
    let case = Case::new("not-allowed");
    case.leak("a.env", &value);
    case.rule(&format!("{origin}/me"), HEADER);
    let hosts = |hosts: &[&str]| {
        let flags = hosts.iter().flat_map(|host| ["--verify-host", host]);
        case.scan(&["--verify"].into_iter().chain(flags).chain(["."]).collect::<Vec<_>>())
    };
    for allowed in [&[][..], &["api.acme.example"], &["http://127.0.0.2"], &["https://127.0.0.1"]] {
        let asked = hosts(allowed);
        assert_eq!(asked.only(), "a.env unknown host-not-allowed high high", "{allowed:?}");
        assert!(asked.printed.contains("--verify-host"), "{}", asked.printed);
        assert!(asked.printed.contains("asked 0 issuers about 1 secret"), "{}", asked.printed);
        assert_eq!(asked.code, Some(0));
    }
    // A name that leads to this machine, allowed as a public host.
    case.rule(&format!("https://localhost:{port}/me"), HEADER);
    let asked = hosts(&[&format!("localhost:{port}")]);
    assert_eq!(asked.only(), "a.env unknown address-refused high high");
    assert_eq!(server.requests().len(), 0);
    // Hosts that cannot be allowed, and requests that cannot be sent, end the command before anything is scanned.
    for host in ["127.0.0.1", "*", "http://api.acme.example", "169.254.169.254", "https://169.254.169.254", "a/b"] {
        let refused = hosts(&[host]);
        assert_eq!(refused.code, Some(2), "{host}: {}", refused.printed);
    }
    for (url, more) in [
        ("http://api.acme.example/me", HEADER),
        ("https://{{secret}}.evil.example/", ""),
        ("https://api.acme.example/me", "method = \"DELETE\"\nheaders = { A = \"{{secret}}\" }"),
        ("https://api.acme.example/me", "headers = { Host = \"{{secret}}\" }"),
    ] {
        case.rule(url, more);
        let refused = hosts(&[]);
        assert_eq!(refused.code, Some(2), "{url}: {}", refused.printed);
        assert!(refused.printed.contains("[rules.testudo.verify]"), "{}", refused.printed);
    }
    assert_eq!(case.command(&["scan", "--verify-host", "a.example", "."]).output().unwrap().status.code(), Some(2));
}

#[test]
fn a_scanned_tree_cannot_have_itself_asked_about() {
    let server = Server::start(|_| Answer::status(200));
    let case = Case::new("tree");
    case.leak("a.env", &token("any"));
    case.rule(&format!("{}/me", server.origin()), HEADER);
    let config = |verify: &str| {
        let (rules, origin) = (case.0.join("rules.toml"), server.origin());
        let text =
            format!("[scan]\nrules = [\"{}\"]\n[secrets]\n{verify}verify-hosts = [\"{origin}\"]\n", rules.display());
        case.write("tree/testudo.toml", &text);
    };
    let run = |arguments: &[&str]| {
        let ran = case.command(&[&["scan"][..], arguments, &["."]].concat()).output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    config("verify = \"on\"\n");
    assert!(run(&[]).contains("verification-setting"));
    config("");
    assert!(run(&["--verify"]).contains("`secrets.verify-hosts`"));
    let told = run(&["--verify", "--verify-host", &server.origin()]);
    assert!(told.contains("`scan.rules`") && told.contains("host is not allowed"), "{told}");
    assert_eq!(server.requests().len(), 0);
    // Named by the user, the same file counts.
    config("verify = \"on\"\n");
    assert!(run(&["--config", "testudo.toml"]).contains("1 live"));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn what_was_accepted_is_not_asked_about() {
    let server = Server::start(|_| Answer::status(200));
    let case = Case::new("accepted");
    let line = format!("token = \"{}\" # testudo:ignore acme-token -- made up for a test\n", token("any"));
    case.write("tree/a.env", &line);
    case.rule(&format!("{}/me", server.origin()), HEADER);
    let asked = case.scan(&["--verify", "--verify-host", &server.origin(), "-v", "."]);
    assert_eq!(asked.report["summary"]["suppressed"], 1, "{}", asked.printed);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn history_and_staged_changes_are_asked_about_too() {
    let (live, dead) = (token("live"), token("dead"));
    let server = issuer(&live, &dead);
    let case = Case::new("history");
    case.rule(&format!("{}/me", server.origin()), HEADER);
    let git = |arguments: &[&str]| {
        let mut command = case.command(&[]);
        let environment: Vec<_> = command.get_envs().map(|(k, v)| (k.to_owned(), v.map(ToOwned::to_owned))).collect();
        command = Command::new("git");
        command.args(arguments).current_dir(case.0.join("tree"));
        for (name, value) in environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.output().is_ok_and(|ran| ran.status.success())
    };
    if !git(&["init", "-q", "-b", "main", "."]) {
        eprintln!("skipped: git is not installed");
        return;
    }
    case.leak("a.env", &live);
    assert!(git(&["add", "."]) && git(&["commit", "-qm", "one"]));
    case.write("tree/a.env", "token = none\n");
    assert!(git(&["commit", "-qam", "two"]));
    case.leak("b.env", &dead);
    assert!(git(&["add", "."]));
    let verify = ["--verify", "--verify-host", &server.origin()];
    let history = case.scan(&[&verify[..], &["--history", "."]].concat());
    assert_eq!(history.states(), ["a.env active - critical high"]);
    let staged = case.scan(&[&verify[..], &["--staged", "."]].concat());
    assert_eq!(staged.states(), ["b.env inactive - medium high"]);
    assert_eq!(server.requests().len(), 2);
}

/// Every output, with every answer, in every format and loudness: the value is nowhere, in no form.
#[test]
fn no_output_holds_a_value() {
    let (live, dead) = (token("live"), token("dead"));
    let server = issuer(&live, &dead);
    let case = Case::new("silent");
    // A port on which nobody listens, and that no test is given.
    let closed = "127.0.0.1:1";
    case.leak("a.env", &live);
    case.leak("b.env", &dead);
    let values = [live.clone(), dead.clone(), live[8..].to_owned(), dead[8..].to_owned()];
    let urls = [
        format!("{}/v1/{{{{secret}}}}/me?t={{{{secret}}}}", server.origin()),
        format!("http://{closed}/{{{{secret}}}}"),
        format!("https://{}/{{{{secret}}}}", server.address),
    ];
    for url in &urls {
        case.rule(url, "basic = \"{{secret}}:\"");
        let hosts = [server.origin(), format!("http://{closed}"), format!("https://{}", server.address)];
        let hosts: Vec<&str> = hosts.iter().flat_map(|host| ["--verify-host", host]).collect();
        for format in [
            "terminal",
            "json",
            "jsonl",
            "sarif",
            "junit",
            "gitlab-codequality",
            "gitlab-secrets",
            "github",
            "markdown",
            "csv",
            "html",
        ] {
            for loudness in [&["-v"][..], &["-q"], &[]] {
                let asked = case.scan(&[&["--verify", "--format", format], &hosts[..], loudness, &["."]].concat());
                let everything = format!("{}{}", asked.printed, asked.report);
                for value in &values {
                    assert!(!everything.contains(value.as_str()), "{url} {format} {loudness:?}");
                }
                assert_eq!(asked.code, Some(0), "{url} {format}: {}", asked.printed);
            }
        }
    }
    let cache = fs::read_to_string(case.cache()).unwrap();
    assert!(values.iter().all(|value| !cache.contains(value.as_str())), "{cache}");
}

/// Variables that send other programs through a proxy do nothing here.
#[test]
fn a_proxy_of_the_environment_sees_nothing() {
    let (live, dead) = (token("live"), token("dead"));
    let (server, proxy) = (issuer(&live, &dead), Server::start(|_| Answer::status(200)));
    let case = Case::new("proxy");
    case.rule(&format!("{}/me", server.origin()), HEADER);
    case.leak("a.env", &live);
    let rules = case.0.join("rules.toml");
    let mut command =
        case.command(&["scan", "--rules", rules.to_str().unwrap(), "--verify", "--verify-host", &server.origin(), "."]);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(name, proxy.origin());
    }
    assert!(command.output().unwrap().status.success());
    assert_eq!((server.requests().len(), proxy.requests().len()), (1, 0));
}
