//! Reads `[agent]` of `testudo.toml`. Every key has a default, so an empty table watches what a usual host has. What is
//! wrong is told with its place, all of it at once.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value as Json, json};
use testudo_model::Severity;
use testudo_policy::{
    problem::FileProblem,
    table::{Codes, Problem, Sink, Table, Value, Word},
};
use toml::de::DeTable;

use crate::{AgentError, log::Cidr, machine, sca::TIMEOUT};

const CODES: Codes = Codes { key: "AGENT-KEY", missing: "AGENT-MISSING", kind: "AGENT-TYPE", value: "AGENT-VALUE" };
/// The section of the configuration.
const SECTION: &str = "agent";
const KEYS: &[&str] = &[
    "alerts",
    "fim",
    "hub",
    "ledger",
    "logs",
    "name",
    "ports",
    "releases",
    "response",
    "rules",
    "sca",
    "spool-limit-mb",
    "state-dir",
    "tags",
];
const LOG_KEYS: &[&str] = &["format", "from", "path"];
const FIM_KEYS: &[&str] = &["exclude", "release-trees", "trees"];
const PORT_KEYS: &[&str] = &["allow", "watch"];
const RESPONSE_KEYS: &[&str] = &["allow", "ipv6-prefix", "max-per-minute", "mode", "rules", "ttl"];
const HUB_KEYS: &[&str] = &["allow-private", "ca", "token-env", "token-file", "url"];
const LEDGER_KEYS: &[&str] = &["at", "environment", "folder", "key"];
const ALERT_KEYS: &[&str] = &["file", "level"];
const SCA_KEYS: &[&str] = &["commands", "policies", "timeout"];
const RELEASE_KEYS: &[&str] = &["key", "ledger"];
/// Largest configuration that is read, in bytes.
const MAX_SIZE: u64 = 1 << 20;
/// Where the agent keeps what it knows, unless told otherwise.
const STATE: &str = "/var/lib/testudo-agent";
/// Where logs usually are; those that are not there are passed over.
const LOGS: &[(&str, LogFormat)] = &[
    ("/var/log/auth.log", LogFormat::Syslog),
    ("/var/log/secure", LogFormat::Syslog),
    ("/var/log/nginx/access.log", LogFormat::Plain),
    ("/var/log/apache2/access.log", LogFormat::Plain),
    ("/var/log/httpd/access_log", LogFormat::Plain),
];
/// Trees whose files are watched, unless told otherwise.
const TREES: &[&str] = &["/boot", "/etc", "/root/.ssh", "/usr/bin", "/usr/local/bin", "/usr/local/sbin", "/usr/sbin"];
/// Files that programs write all the time.
const EXCLUDED: &[&str] =
    &["/etc/adjtime", "/etc/mtab", "/etc/resolv.conf", "/etc/ld.so.cache", "/etc/cups/subscriptions.conf"];
/// Rules whose source is blocked, unless told otherwise.
const RULES: &[&str] = &[
    "agent-sshd-brute-force",
    "agent-sshd-preauth-brute-force",
    "agent-sshd-user-enumeration",
    "agent-web-attacks",
    "agent-web-brute-force",
    "agent-web-scan",
];
const TTL: Duration = Duration::from_secs(600);
const PER_MINUTE: u32 = 10;
/// A customer of a provider has at least such a network (RFC 6177).
pub(crate) const PREFIX6: u8 = 64;
const SPOOL_MB: u64 = 256;
/// From which level on a rule makes an alert, unless told otherwise.
const LEVEL: u32 = 3;

/// How lines of a log begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// With time, machine and program.
    #[default]
    Syslog,
    /// With nothing: the line is the message, as in logs of web servers.
    Plain,
}

/// Where a log is read from when it is seen first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogStart {
    /// From its end: what was before the agent is not told.
    #[default]
    End,
    /// From its beginning.
    Beginning,
}

/// One log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// Where it is.
    pub path: PathBuf,
    /// How its lines begin.
    pub format: LogFormat,
    /// Where to begin.
    pub start: LogStart,
}

/// What is watched of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FimConfig {
    /// Folders and files.
    pub trees: Vec<PathBuf>,
    /// What of them is not looked at.
    pub exclude: Vec<PathBuf>,
    /// Folders that releases write.
    pub release_trees: Vec<PathBuf>,
}

/// What is watched of ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortsConfig {
    /// Whether they are.
    pub watch: bool,
    /// Ports that may be opened: `tcp/443`.
    pub allow: Vec<String>,
}

/// What happens to the source of an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResponseMode {
    /// Nothing.
    Off,
    /// It is told what would be done.
    #[default]
    DryRun,
    /// It is blocked.
    Enforce,
}

/// How attacks are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseConfig {
    /// What is done.
    pub mode: ResponseMode,
    /// For which rules.
    pub rules: Vec<String>,
    /// For how long.
    pub ttl: Duration,
    /// Who is never blocked.
    pub allow: Vec<Cidr>,
    /// How many within a minute, at most.
    pub per_minute: u32,
    /// How many leading bits of IPv6 addresses are one source, 32 to 128.
    pub prefix6: u8,
}

/// Where events are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubConfig {
    /// Scheme, host and port.
    pub url: String,
    /// Where the token stands.
    pub token: Token,
    /// Whether the name of the hub may stand for a private address.
    pub allow_private: bool,
    /// Certificates of the authorities that vouch for it, where these are not those of browsers.
    pub ca: Option<PathBuf>,
}

/// Where a token stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// In a file.
    File(PathBuf),
    /// In an environment variable.
    Variable(String),
}

/// What goes into a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerConfig {
    /// Folder of the ledger.
    pub folder: PathBuf,
    /// Its environment.
    pub environment: String,
    /// The key that signs; none stands for the agent's own.
    pub key: Option<PathBuf>,
    /// From which severity on alerts are recorded.
    pub at: Severity,
}

/// Whose releases explain changes of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasesConfig {
    /// Folder of the ledger.
    pub folder: PathBuf,
    /// The environment of this host.
    pub environment: String,
    /// Public keys that are trusted.
    pub key: PathBuf,
}

/// How the configuration of this host is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScaConfig {
    /// Policies, or folders of them, beside ours.
    pub policies: Vec<PathBuf>,
    /// Whether commands that policies name are run.
    pub commands: bool,
    /// How long each may take.
    pub timeout: Duration,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name of the agent.
    pub name: String,
    /// Words for this host, by which a plan finds it.
    pub tags: Vec<String>,
    /// Folder of what it knows.
    pub state: PathBuf,
    /// Logs.
    pub logs: Vec<LogFile>,
    /// Folder of rules that take the place of ours.
    pub rules: Option<PathBuf>,
    /// Files.
    pub fim: FimConfig,
    /// Ports.
    pub ports: PortsConfig,
    /// Checks of the host's configuration.
    pub sca: ScaConfig,
    /// Answers.
    pub response: ResponseConfig,
    /// The hub.
    pub hub: Option<HubConfig>,
    /// The ledger.
    pub ledger: Option<LedgerConfig>,
    /// Releases.
    pub releases: Option<ReleasesConfig>,
    /// The file of alerts.
    pub alerts: PathBuf,
    /// From which level on a rule makes an alert.
    pub level: u8,
    /// How large the spool may be, in bytes.
    pub spool_limit: u64,
}

impl Config {
    /// What holds where nothing is configured. Relative paths count from `root`.
    #[must_use]
    pub fn standard() -> Self {
        let state = PathBuf::from(STATE);
        let log = |(path, format): &(&str, LogFormat)| LogFile {
            path: PathBuf::from(path),
            format: *format,
            start: LogStart::End,
        };
        Self {
            name: machine::host(),
            tags: Vec::new(),
            logs: LOGS.iter().map(log).collect(),
            rules: None,
            fim: FimConfig {
                trees: TREES.iter().map(PathBuf::from).collect(),
                exclude: EXCLUDED.iter().map(PathBuf::from).collect(),
                release_trees: Vec::new(),
            },
            ports: PortsConfig { watch: true, allow: Vec::new() },
            sca: ScaConfig { policies: Vec::new(), commands: true, timeout: TIMEOUT },
            response: ResponseConfig {
                mode: ResponseMode::default(),
                rules: RULES.iter().map(|rule| (*rule).to_owned()).collect(),
                ttl: TTL,
                allow: Vec::new(),
                per_minute: PER_MINUTE,
                prefix6: PREFIX6,
            },
            hub: None,
            ledger: None,
            releases: None,
            alerts: state.join("alerts.jsonl"),
            level: LEVEL as u8,
            spool_limit: SPOOL_MB << 20,
            state,
        }
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    /// It cannot be read, or something in it is wrong.
    pub fn load(path: &Path) -> Result<Self, AgentError> {
        let told = |source| AgentError::Read { path: path.to_owned(), source };
        if fs::metadata(path).map_err(told)?.len() > MAX_SIZE {
            return Err(AgentError::TooLarge { path: path.to_owned(), limit: MAX_SIZE });
        }
        let text = fs::read_to_string(path).map_err(told)?;
        let root = path.parent().filter(|root| !root.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let root = fs::canonicalize(root).map_err(told)?;
        Self::read(&text, path, &root)
    }

    /// Reads the text of a configuration. Relative paths count from `root`.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn read(text: &str, path: &Path, root: &Path) -> Result<Self, AgentError> {
        let document = DeTable::parse(text).map_err(|error| {
            let fault = testudo_policy::problem::Fault::new(error.message(), None).at(error.span().unwrap_or(0..0));
            AgentError::Configuration(vec![fault.in_file(text, path)])
        })?;
        let mut config = Self::standard();
        let Some((_, value)) = document.get_ref().iter().find(|(name, _)| name.get_ref() == SECTION) else {
            return Ok(config);
        };
        let mut sink = Sink { file: 0, codes: CODES, problems: Vec::new() };
        config.fill(value, root, &mut sink);
        let problems: Vec<FileProblem> =
            sink.problems.into_iter().map(|problem| problem.fault.in_file(text, path)).collect();
        if problems.is_empty() { Ok(config) } else { Err(AgentError::Configuration(problems)) }
    }

    fn fill(&mut self, value: Value<'_, '_>, root: &Path, sink: &mut Sink) {
        let Some(mut table) = Table::open("[agent]", KEYS, value, sink) else { return };
        if let Some(word) = table.text("name") {
            self.name = name(&mut table, word);
        }
        self.tags = table.words("tags").into_iter().map(|word| name(&mut table, word)).collect();
        if let Some(word) = table.text("state-dir") {
            self.state = root.join(word.text);
            self.alerts = self.state.join("alerts.jsonl");
        }
        self.rules = table.text("rules").map(|word| root.join(word.text));
        if table.has("spool-limit-mb")
            && let Some((number, _)) = table.need_number("spool-limit-mb")
        {
            self.spool_limit = u64::from(number.max(1)) << 20;
        }
        let parts = ["logs", "fim", "ports", "response", "hub", "ledger", "alerts", "releases", "sca"];
        let values = parts.map(|part| table.get(part));
        if table.has("logs") {
            self.logs = table.list("logs").into_iter().filter_map(|value| log(value, root, table.sink())).collect();
        }
        let sink = table.sink();
        let [_, fim, ports, response, hub, ledger, alerts, releases, sca] = values;
        fim.and_then(|value| self.fim(value, root, sink));
        ports.and_then(|value| self.ports(value, sink));
        sca.and_then(|value| self.sca(value, root, sink));
        response.and_then(|value| self.response(value, sink));
        alerts.and_then(|value| self.alerts(value, root, sink));
        self.hub = hub.and_then(|value| self::hub(value, root, sink));
        self.ledger = ledger.and_then(|value| self::ledger(value, root, sink));
        self.releases = releases.and_then(|value| self::releases(value, root, sink));
    }

    fn fim(&mut self, value: Value<'_, '_>, root: &Path, sink: &mut Sink) -> Option<()> {
        let mut table = Table::open("[agent.fim]", FIM_KEYS, value, sink)?;
        let paths = |words: Vec<Word>| words.into_iter().map(|word| root.join(word.text)).collect();
        if table.has("trees") {
            self.fim.trees = paths(table.words("trees"));
        }
        self.fim.exclude.extend::<Vec<PathBuf>>(paths(table.words("exclude")));
        self.fim.release_trees = paths(table.words("release-trees"));
        Some(())
    }

    fn ports(&mut self, value: Value<'_, '_>, sink: &mut Sink) -> Option<()> {
        let mut table = Table::open("[agent.ports]", PORT_KEYS, value, sink)?;
        if table.has("watch") {
            self.ports.watch = table.flag("watch");
        }
        for word in table.words("allow") {
            let port = word
                .text
                .split_once('/')
                .filter(|(proto, port)| matches!(*proto, "tcp" | "udp") && port.parse::<u16>().is_ok());
            if port.is_none() {
                wrong(&mut table, &word, "this is no port", "write the protocol and the number, such as tcp/443");
            }
            self.ports.allow.push(word.text);
        }
        Some(())
    }

    fn sca(&mut self, value: Value<'_, '_>, root: &Path, sink: &mut Sink) -> Option<()> {
        let mut table = Table::open("[agent.sca]", SCA_KEYS, value, sink)?;
        self.sca.policies = table.words("policies").into_iter().map(|word| root.join(word.text)).collect();
        if table.has("commands") {
            self.sca.commands = table.flag("commands");
        }
        self.sca.timeout = table.time("timeout").unwrap_or(TIMEOUT).max(Duration::from_secs(1));
        Some(())
    }

    fn response(&mut self, value: Value<'_, '_>, sink: &mut Sink) -> Option<()> {
        const MODES: &[(&str, ResponseMode)] =
            &[("dry-run", ResponseMode::DryRun), ("enforce", ResponseMode::Enforce), ("off", ResponseMode::Off)];
        let mut table = Table::open("[agent.response]", RESPONSE_KEYS, value, sink)?;
        self.response.mode = table.choice("mode", MODES).unwrap_or_default();
        if table.has("rules") {
            self.response.rules = table.words("rules").into_iter().map(|word| word.text).collect();
        }
        self.response.ttl = table.time("ttl").unwrap_or(TTL).max(Duration::from_secs(1));
        for word in table.words("allow") {
            match Cidr::parse(&word.text) {
                Some(range) => self.response.allow.push(range),
                None => wrong(&mut table, &word, "this is no range of addresses", "write it as 192.0.2.0/24"),
            }
        }
        if table.has("max-per-minute") {
            self.response.per_minute = table.need_number("max-per-minute").map_or(PER_MINUTE, |(number, _)| number);
        }
        if let Some((bits, place)) = table.has("ipv6-prefix").then(|| table.need_number("ipv6-prefix")).flatten() {
            match u8::try_from(bits).ok().filter(|bits| (32..=128).contains(bits)) {
                Some(bits) => self.response.prefix6 = bits,
                None => table.sink().push(Problem::new(
                    CODES.value,
                    &place,
                    "this is no length of a prefix",
                    Some("write a number from 32 to 128".to_owned()),
                )),
            }
        }
        Some(())
    }

    fn alerts(&mut self, value: Value<'_, '_>, root: &Path, sink: &mut Sink) -> Option<()> {
        let mut table = Table::open("[agent.alerts]", ALERT_KEYS, value, sink)?;
        if let Some(word) = table.text("file") {
            self.alerts = root.join(word.text);
        }
        if table.has("level") {
            let level = table.need_number("level").map_or(LEVEL, |(number, _)| number);
            self.level = u8::try_from(level.clamp(1, 16)).unwrap_or(16);
        }
        Some(())
    }
}

/// A name as it may stand in addresses and in a plan.
fn name(table: &mut Table<'_, '_>, word: Word) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if word.text.is_empty() || !word.text.chars().all(fits) || word.text.len() > 64 {
        wrong(table, &word, "this is no name", "use letters, digits, `-`, `_` and `.`, at most 64 of them");
    }
    word.text
}

fn wrong(table: &mut Table<'_, '_>, word: &Word, what: &str, help: &str) {
    table.sink().push(Problem::new(CODES.value, &word.place, what, Some(help.to_owned())));
}

fn log(value: Value<'_, '_>, root: &Path, sink: &mut Sink) -> Option<LogFile> {
    let mut table = Table::open("[[agent.logs]]", LOG_KEYS, value, sink)?;
    let path = table.need_text("path");
    if path.text.contains('*') {
        let help = "write one [[agent.logs]] for each file, such as /var/log/nginx/access.log; rotated files are found";
        wrong(&mut table, &path, "this is a pattern, and logs are named one by one", help);
    }
    let format = table.choice("format", &[("syslog", LogFormat::Syslog), ("plain", LogFormat::Plain)]);
    let start = table.choice("from", &[("end", LogStart::End), ("beginning", LogStart::Beginning)]);
    Some(LogFile { path: root.join(path.text), format: format.unwrap_or_default(), start: start.unwrap_or_default() })
}

fn hub(value: Value<'_, '_>, root: &Path, sink: &mut Sink) -> Option<HubConfig> {
    let mut table = Table::open("[agent.hub]", HUB_KEYS, value, sink)?;
    let url = table.need_text("url");
    let (file, variable) = (table.text("token-file"), table.text("token-env"));
    let ca = table.text("ca").map(|word| root.join(word.text));
    let token = match (file, variable) {
        (Some(file), _) => Token::File(root.join(file.text)),
        (None, Some(variable)) => Token::Variable(variable.text),
        (None, None) => Token::Variable("TESTUDO_HUB_TOKEN".to_owned()),
    };
    let allow_private = table.flag("allow-private");
    if let Err(why) = testudo_net::HostRule::parse(url.text.trim_end_matches('/')) {
        wrong(&mut table, &url, &why.to_string(), "write scheme, host and port, such as https://hub.example");
    }
    Some(HubConfig { url: url.text.trim_end_matches('/').to_owned(), token, allow_private, ca })
}

fn ledger(value: Value<'_, '_>, root: &Path, sink: &mut Sink) -> Option<LedgerConfig> {
    const AT: &[(&str, Severity)] = &[
        ("info", Severity::Info),
        ("low", Severity::Low),
        ("medium", Severity::Medium),
        ("high", Severity::High),
        ("critical", Severity::Critical),
    ];
    let mut table = Table::open("[agent.ledger]", LEDGER_KEYS, value, sink)?;
    let folder = table.text("folder").map_or(root.join(".testudo").join("ledger"), |word| root.join(word.text));
    Some(LedgerConfig {
        folder,
        environment: table.need_text("environment").text,
        key: table.text("key").map(|word| root.join(word.text)),
        at: table.choice("at", AT).unwrap_or(Severity::Medium),
    })
}

fn releases(value: Value<'_, '_>, root: &Path, sink: &mut Sink) -> Option<ReleasesConfig> {
    let mut table = Table::open("[agent.releases]", RELEASE_KEYS, value, sink)?;
    let ledger = table.need_text("ledger");
    let path = root.join(&ledger.text);
    let environment = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".jsonl"));
    let Some(environment) = environment else {
        wrong(&mut table, &ledger, "this is no ledger", "name its file, such as .testudo/ledger/prod.jsonl");
        return None;
    };
    Some(ReleasesConfig {
        environment: environment.to_owned(),
        folder: path.parent().map(Path::to_owned).unwrap_or_default(),
        key: root.join(table.need_text("key").text),
    })
}

/// The JSON Schema of a configuration with the section of the agent in it.
#[must_use]
pub fn configuration_schema(mut rest: Json) -> Json {
    rest["properties"][SECTION] = schema();
    rest
}

/// The JSON Schema (draft 2020-12) of the section.
fn schema() -> Json {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let time = json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" });
    let table = |properties: Json, required: Json| json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required });
    let number = json!({ "type": "integer", "minimum": 0 });
    let mut schema = table(
        json!({
            "name": text, "tags": texts, "state-dir": text, "rules": text, "spool-limit-mb": number,
            "logs": { "type": "array", "items": table(json!({
                "path": text, "format": { "enum": ["syslog", "plain"] }, "from": { "enum": ["end", "beginning"] },
            }), json!(["path"])) },
            "fim": table(json!({ "trees": texts, "exclude": texts, "release-trees": texts }), json!([])),
            "ports": table(json!({ "watch": { "type": "boolean" }, "allow": texts }), json!([])),
            "sca": table(json!({ "policies": texts, "commands": { "type": "boolean" }, "timeout": time }), json!([])),
            "response": table(json!({
                "mode": { "enum": ["dry-run", "enforce", "off"] }, "rules": texts, "ttl": time, "allow": texts,
                "max-per-minute": number, "ipv6-prefix": { "type": "integer", "minimum": 32, "maximum": 128 },
            }), json!([])),
            "hub": table(json!({
                "url": text, "token-file": text, "token-env": text, "allow-private": { "type": "boolean" }, "ca": text,
            }), json!(["url"])),
            "ledger": table(json!({
                "environment": text, "folder": text, "key": text,
                "at": { "enum": ["info", "low", "medium", "high", "critical"] },
            }), json!(["environment"])),
            "alerts": table(json!({ "file": text, "level": number }), json!([])),
            "releases": table(json!({ "ledger": text, "key": text }), json!(["ledger", "key"])),
        }),
        json!([]),
    );
    schema["description"] = json!("What an agent watches on a host, and what it does about it.");
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, AgentError> {
        Config::read(text, Path::new("testudo.toml"), Path::new("/srv"))
    }

    #[test]
    fn what_is_written_and_what_is_not() {
        let text = r#"
[agent]
name = "web-1"
tags = ["portal"]
state-dir = "state"
[[agent.logs]]
path = "/var/log/auth.log"
from = "beginning"
[agent.fim]
trees = ["/etc"]
release-trees = ["/srv/app"]
[agent.sca]
policies = ["policies"]
commands = false
[agent.response]
mode = "enforce"
ttl = "30s"
allow = ["192.0.2.0/24"]
ipv6-prefix = 56
[agent.hub]
url = "http://127.0.0.1:7878/"
token-file = "token"
[agent.ledger]
environment = "prod"
[agent.releases]
ledger = ".testudo/ledger/prod.jsonl"
key = "ops.pub"
"#;
        let config = read(text).unwrap();
        assert_eq!((config.name.as_str(), config.state.as_path()), ("web-1", Path::new("/srv/state")));
        assert_eq!(config.logs[0].start, LogStart::Beginning);
        let sca = ScaConfig { policies: vec![PathBuf::from("/srv/policies")], commands: false, timeout: TIMEOUT };
        assert_eq!((config.tags, config.sca), (vec!["portal".to_owned()], sca));
        assert_eq!((config.response.mode, config.response.prefix6), (ResponseMode::Enforce, 56));
        assert_eq!(config.hub.unwrap().url, "http://127.0.0.1:7878");
        assert_eq!(config.ledger.unwrap().at, Severity::Medium);
        assert_eq!(config.releases.unwrap().environment, "prod");
        assert_eq!(read("").unwrap(), Config::standard());
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        for (text, why) in [
            ("[agent]\nnmae = \"x\"", "did you mean `name`?"),
            ("[agent]\nname = \"a b\"", "this is no name"),
            ("[agent]\ntags = [\"a b\"]", "this is no name"),
            ("[agent.sca]\ntimeout = \"long\"", "no time"),
            ("[agent.response]\nmode = \"force\"", "did you mean `enforce`?"),
            ("[agent.response]\nallow = [\"x\"]", "no range"),
            ("[agent.response]\nttl = \"10\"", "no time"),
            ("[agent.response]\nipv6-prefix = 8", "no length of a prefix"),
            ("[agent.hub]\nurl = \"http://hub.example\"", "of this machine only"),
            ("[agent.ledger]\nat = \"low\"", "needs `environment`"),
            ("[agent.ports]\nallow = [\"443\"]", "no port"),
            ("[agent.releases]\nledger = \"x\"\nkey = \"k\"", "no ledger"),
            ("[[agent.logs]]\npath = \"/var/log/nginx/*.log\"", "one [[agent.logs]] for each file"),
            ("[[agent.logs]]\nformat = \"syslog\"", "needs `path`"),
            ("[agent", "testudo.toml"),
        ] {
            let told = read(text).unwrap_err().to_string();
            assert!(told.contains(why), "{text}: {told}");
        }
    }
}
