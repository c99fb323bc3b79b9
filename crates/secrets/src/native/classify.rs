//! The key/value classifier: is the value assigned to a name that speaks of secrets a secret?
//!
//! What the name says (password, token, key ...) decides what a value must look like; where it stands (quoted in code,
//! bare in a configuration file) decides whether it is a value at all. The verdict is a confidence, so that the default
//! view stays quiet and an audit sees everything.

use testudo_model::Confidence;

use super::{placeholder, validate, words};
use crate::entropy::shannon;

/// What a name speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Something a person types.
    Password,
    /// A secret shared between programs.
    Secret,
    /// A bearer token.
    Token,
    /// A cryptographic or API key.
    Key,
    /// A key of some kind: only a value that is plainly random speaks for a secret.
    Unqualified,
}

impl Kind {
    /// Id of the rule that reports it.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Self::Password => "generic-password",
            Self::Secret => "generic-secret",
            Self::Token => "generic-token",
            Self::Key | Self::Unqualified => "generic-key",
        }
    }
}

/// Kind of file, as far as it says what a bare word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// Bare words are values: env, ini, properties, yaml, shell.
    Settings,
    /// Bare words are names of the program; only literals are values.
    Code,
    /// Prose with samples in it.
    Prose,
}

impl Syntax {
    /// Decides by the name of a file.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let file = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        let extension = file.rsplit_once('.').map_or("", |(_, e)| e);
        match extension {
            "md" | "markdown" | "rst" | "adoc" | "asciidoc" | "txt" | "html" | "htm" | "po" | "pot" | "tex" => {
                Self::Prose
            }
            "env" | "ini" | "cfg" | "conf" | "cnf" | "config" | "properties" | "props" | "yml" | "yaml" | "tfvars"
            | "sh" | "bash" | "zsh" | "bat" | "cmd" | "envrc" | "local" | "production" | "development" | "staging"
            | "test" | "log" | "sql" | "ovpn" | "service" | "plist" | "toml" => Self::Settings,
            _ if file.starts_with('.') => Self::Settings,
            _ if file.starts_with(".env")
                || file.starts_with("env")
                || file.starts_with("dockerfile")
                || file.starts_with("docker-compose") =>
            {
                Self::Settings
            }
            "" => Self::Settings,
            _ => Self::Code,
        }
    }
}

/// One assignment.
#[derive(Debug, Clone, Copy)]
pub struct Assignment<'a> {
    /// The whole name on the left, quotes and brackets off.
    pub name: &'a str,
    /// The value, quotes off.
    pub value: &'a str,
    /// Whether it stood in quotes.
    pub quoted: Quoting,
    /// Kind of file.
    pub syntax: Syntax,
}

/// Whether a value stood in quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// It did.
    Quoted,
    /// It did not.
    Bare,
}

/// Ends of names that speak about a secret instead of holding one.
const ABOUT: &[&str] = &[
    "name",
    "names",
    "id",
    "ids",
    "type",
    "types",
    "url",
    "uri",
    "path",
    "paths",
    "file",
    "files",
    "filename",
    "dir",
    "field",
    "fields",
    "label",
    "placeholder",
    "prompt",
    "title",
    "text",
    "message",
    "msg",
    "error",
    "errors",
    "help",
    "hint",
    "desc",
    "description",
    "length",
    "len",
    "size",
    "min",
    "max",
    "count",
    "limit",
    "ttl",
    "expiry",
    "expires",
    "expiration",
    "timeout",
    "age",
    "format",
    "regex",
    "pattern",
    "policy",
    "rule",
    "rules",
    "validator",
    "validation",
    "mode",
    "method",
    "algorithm",
    "alg",
    "algo",
    "scheme",
    "provider",
    "endpoint",
    "host",
    "issuer",
    "audience",
    "scope",
    "scopes",
    "header",
    "headers",
    "prefix",
    "suffix",
    "param",
    "params",
    "parameter",
    "attr",
    "attribute",
    "property",
    "column",
    "table",
    "index",
    "ref",
    "reference",
    "arn",
    "version",
    "enabled",
    "required",
    "set",
    "reset",
    "change",
    "changed",
    "confirm",
    "confirmation",
    "input",
    "class",
    "element",
    "selector",
    "query",
    "callback",
    "handler",
    "manager",
    "service",
    "store",
    "storage",
    "cache",
    "factory",
    "provider",
    "map",
    "generator",
    "encoder",
    "decoder",
    "parser",
    "reader",
    "writer",
    "helper",
    "util",
    "utils",
    "test",
    "tests",
    "spec",
    "usage",
    "status",
    "state",
    "date",
    "time",
    "at",
    "by",
    "in",
    "count",
    "fingerprint",
    "checksum",
    "digest",
    "hmac",
    "signature",
    "hash",
    "hashed",
    "digest",
    "encrypted",
    "env",
    "var",
    "variable",
    "source",
    "target",
    "location",
    "group",
    "role",
    "roles",
    "user",
    "username",
    "email",
    "account",
    "identity",
    "subject",
    "domain",
    "code",
    "codes",
    "char",
    "chars",
    "press",
    "down",
    "up",
    "board",
    "word",
    "words",
    "frame",
    "frames",
    "event",
    "events",
    "bindings",
    "binding",
    "value_from",
    "valuefrom",
    "exists",
    "valid",
    "invalid",
    "missing",
    "mismatch",
    "strength",
    "screen",
    "page",
    "view",
    "form",
    "button",
    "icon",
    "link",
    "color",
    "style",
    "width",
    "height",
    "order",
    "sort",
    "pair",
    "pairs",
    "list",
    "size",
    "usage",
    "rotation",
    "lifetime",
    "ring",
    "chain",
];

/// Names that hold one of the words by accident, or a key that is public.
const ACCIDENTAL: &[&str] = &[
    "author",
    "authority",
    "authorities",
    "authored",
    "bypass",
    "compass",
    "passed",
    "passenger",
    "passing",
    "passive",
    "passport",
    "passthrough",
    "pass_through",
    "passage",
    "tokenize",
    "tokenizer",
    "tokenized",
    "tokens",
    "max_tokens",
    "keyword",
    "keyboard",
    "keycode",
    "keypress",
    "keydown",
    "keyup",
    "keyof",
    "keyframe",
    "monkey",
    "turkey",
    "hockey",
    "primary_key",
    "primarykey",
    "foreign_key",
    "foreignkey",
    "public_key",
    "publickey",
    "pubkey",
    "sort_key",
    "partition_key",
    "cache_key",
    "hash_key",
    "row_key",
    "routing_key",
    "publishable",
    "secretary",
    "credits",
    "accredited",
    "authenticated",
    "authorized",
    "authentication_type",
    "basalt",
    "saltwater",
    "unauth",
    "oauth_version",
    "csrf",
    "xsrf",
    "nonce_field",
    "site_key",
    "sitekey",
    "object_key",
    "s3_key",
    "key_id",
    "keyid",
    "access_key_id",
    "accesskeyid",
    "kms",
    "ssh_key_name",
    "keyname",
    "idempotency",
    "gpg_key",
    "pgp_key",
    "i18n",
    "translation",
    "message_key",
    "storage_key",
    "index_key",
    "lookup_key",
    "group_key",
    "map_key",
    "json_key",
    "token_uri",
    "auth_uri",
    "keystore",
    "truststore",
    "key_alias",
    "keyalias",
    "checksum",
    "integrity",
    "answer",
    "ssh_key",
    "host_key",
    "known_hosts",
    "map_key",
    "dict_key",
    "unique_key",
    "composite_key",
    "natural_key",
    "range_key",
    "prop_key",
];

/// What a name speaks of; none where it only seems to.
#[must_use]
pub fn kind_of(name: &str) -> Option<Kind> {
    let snake = snake(name);
    let parts: Vec<&str> = snake.split('_').filter(|p| !p.is_empty()).collect();
    let last = parts.iter().rev().find(|p| !p.bytes().all(|b| b.is_ascii_digit()))?;
    let ends_in_password = matches!(*last, "password" | "passwd" | "pwd" | "passphrase" | "pass");
    if ABOUT.contains(last) || !ends_in_password && ACCIDENTAL.iter().any(|a| contains_word(&snake, a)) {
        return None;
    }
    let has = |words: &[&str]| {
        parts.iter().any(|p| {
            words.iter().any(|w| p == w || p.len() > w.len() && w.len() >= 5 && (p.ends_with(w) || p.starts_with(w)))
        })
    };
    let joined = |words: &[&str]| words.iter().any(|w| snake.contains(w));
    if has(&[
        "password",
        "passwd",
        "pwd",
        "passphrase",
        "passcode",
        "passwort",
        "kennwort",
        "senha",
        "contrasena",
        "motdepasse",
        "passw",
        "userpass",
        "dbpass",
        "rootpass",
        "requirepass",
        "masterauth",
        "storepass",
        "keypass",
    ]) || has(&["pass", "pw", "psk"]) && !has(&["key"])
        || joined(&["mot_de_passe"])
    {
        return Some(Kind::Password);
    }
    if has(&[
        "secret",
        "secrets",
        "appsecret",
        "clientsecret",
        "salt",
        "pepper",
        "credential",
        "credentials",
        "cred",
        "creds",
    ]) {
        return Some(Kind::Secret);
    }
    if has(&["token", "bearer", "jwt", "accesstoken", "authtoken", "refreshtoken", "apitoken"]) {
        return Some(Kind::Token);
    }
    let keyed = has(&["key", "apikey", "keys", "secretkey", "accesskey", "privatekey", "authkey"]);
    let qualified = has(&["apikey", "secretkey", "accesskey", "privatekey", "authkey"])
        || has(&[
            "api",
            "access",
            "private",
            "secret",
            "encryption",
            "encrypt",
            "signing",
            "sign",
            "auth",
            "master",
            "app",
            "application",
            "account",
            "shared",
            "storage",
            "crypto",
            "cipher",
            "aes",
            "hmac",
            "service",
            "admin",
            "license",
            "licence",
            "subscription",
            "consumer",
            "webhook",
            "deploy",
            "session",
            "cookie",
            "security",
            "base",
        ]);
    if keyed && qualified {
        return Some(Kind::Key);
    }
    if *last == "key" || *last == "data" && keyed {
        return Some(Kind::Unqualified);
    }
    (has(&["auth", "authorization"]) && *last == "auth" || *last == "authorization").then_some(Kind::Token)
}

/// `camelCase` and separators to `snake_case`.
fn snake(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut out = String::with_capacity(name.len() + 4);
    for (at, &b) in bytes.iter().enumerate() {
        if b.is_ascii_uppercase() {
            let after_lower = at > 0 && (bytes[at - 1].is_ascii_lowercase() || bytes[at - 1].is_ascii_digit());
            let ends_run =
                at > 0 && bytes[at - 1].is_ascii_uppercase() && bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
            if after_lower || ends_run {
                out.push('_');
            }
            out.push(char::from(b.to_ascii_lowercase()));
        } else if b.is_ascii_alphanumeric() {
            out.push(char::from(b));
        } else {
            out.push('_');
        }
    }
    out
}

fn contains_word(snake: &str, word: &str) -> bool {
    snake.match_indices(word).any(|(at, _)| {
        let bounded = |b: Option<&u8>| b.is_none_or(|b| !b.is_ascii_lowercase());
        let bytes = snake.as_bytes();
        bounded(at.checked_sub(1).and_then(|p| bytes.get(p))) && bounded(bytes.get(at + word.len()))
    })
}

/// Judges one assignment; none where it holds no secret.
#[must_use]
pub fn judge(assignment: &Assignment<'_>) -> Option<(Kind, Confidence)> {
    let kind = kind_of(assignment.name)?;
    let value = default_of(assignment.value.trim());
    if !is_literal(assignment, value) || is_reference(value) {
        return None;
    }
    let confidence = match kind {
        Kind::Password => password(value)?,
        Kind::Secret | Kind::Token | Kind::Key => machine(value)?,
        Kind::Unqualified => machine(value)
            .filter(|c| *c == Confidence::High && value.len() >= 20 && shannon(value.as_bytes()) >= 3.5)
            .map(|_| Confidence::Medium)?,
    };
    Some((kind, adjust(assignment, kind, value, confidence)))
}

/// The value that holds when nothing else is set: `${NAME:value}`, `${NAME:-value}`.
fn default_of(value: &str) -> &str {
    let value = value.strip_prefix("{noop}").unwrap_or(value);
    let inside = value.strip_prefix("${").and_then(|v| v.strip_suffix('}'));
    let default = inside.and_then(|v| v.split_once(':')).map(|(_, d)| d.trim_start_matches(['-', '=']));
    default.filter(|d| !d.is_empty() && !d.starts_with(['?', '+', '$'])).unwrap_or(value)
}

/// Whether the value is written here at all.
fn is_literal(assignment: &Assignment<'_>, value: &str) -> bool {
    if value.is_empty() || value.len() > 512 || value.bytes().any(|b| b < 0x20) {
        return false;
    }
    if assignment.quoted == Quoting::Bare
        && (value.contains('(')
            || value.contains('}') && !value.contains('{')
            || value.starts_with(['+', '?', '|', '&'])
            || value.contains("->"))
    {
        return false;
    }
    match (assignment.quoted, assignment.syntax) {
        (Quoting::Quoted, _) | (Quoting::Bare, Syntax::Settings) => true,
        // In prose, commands and settings are quoted: `NAME=value`, all in capitals.
        (Quoting::Bare, Syntax::Prose) => {
            assignment.name.len() > 4 && !assignment.name.bytes().any(|b| b.is_ascii_lowercase())
        }
        // In code a bare word is a name; only something no name can be is a value.
        (Quoting::Bare, Syntax::Code) => false,
    }
}

/// Values that point elsewhere, or are no values of a secret by their form.
fn is_reference(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let starts = |list: &[&str]| list.iter().any(|p| lower.starts_with(p));
    placeholder::is_template(value)
        || starts(&[
            "http://",
            "https://",
            "file:",
            "env:",
            "env.",
            "process.env",
            "os.environ",
            "getenv",
            "vault:",
            "ref+",
            "secret:",
            "ssm:",
            "arn:",
            "enc[",
            "enc(",
            "!vault",
            "data:",
            "urn:",
            "sha256:",
            "/run/",
            "/etc/",
            "/var/",
            "/home/",
            "~/",
            "./",
            "../",
            "sops",
            "ansible_",
            "kms:",
            "op://",
            "keyring:",
            "{cipher}",
            "\\u",
            "var.",
            "local.",
            "module.",
            "data.",
            "self.",
            "this.",
            "config.",
            "settings.",
            "params.",
            "args.",
            "options.",
            "request.",
            "req.",
        ])
        || lower.starts_with('/') && value.bytes().filter(|b| *b == b'/').count() > 1
        || value.contains("://") && !value.contains('@')
        // Django marks accounts without a usable password like this.
        || value.len() == 41 && value.starts_with('!') && value[1..].bytes().all(|b| b.is_ascii_alphanumeric())
        || value.contains("()")
        || (value.contains('(') && value.ends_with(')'))
        || matches!(
            lower.as_str(),
            "true" | "false" | "null" | "none" | "nil" | "yes" | "no" | "on" | "off" | "undefined" | "~" | "*" | "-"
        )
}

/// Counts of character classes.
struct Shape {
    lower: usize,
    upper: usize,
    digit: usize,
    other: usize,
    space: usize,
    len: usize,
}

fn shape(value: &str) -> Shape {
    let count = |f: fn(&char) -> bool| value.chars().filter(f).count();
    let len = value.chars().count();
    let (lower, upper, digit) = (count(|c| c.is_lowercase()), count(|c| c.is_uppercase()), count(char::is_ascii_digit));
    let space = count(|c| c.is_whitespace());
    Shape { lower, upper, digit, other: len - lower - upper - digit - space, space, len }
}

fn password(value: &str) -> Option<Confidence> {
    let s = shape(value);
    if s.space > 2 || s.len < 3 || s.len > 128 || s.lower + s.upper + s.digit == 0 {
        return None;
    }
    if placeholder::is_placeholder(value) || words::is_common(value) {
        return (s.space == 0 && s.len >= 4 && !placeholder::is_template(value)).then_some(Confidence::Low);
    }
    let classes = [s.lower, s.upper, s.digit, s.other].iter().filter(|n| **n > 0).count();
    if s.space > 0 {
        // A phrase of several words is a passphrase now and then, and prose most of the time.
        return (s.digit > 0 && s.other > 0).then_some(Confidence::Low);
    }
    if words::is_identifier(value)
        && (s.digit == 0 || s.digit == 1 && value.contains(['_', '-']) || value.contains(['|', ':']))
    {
        let plain = !value.to_ascii_lowercase().starts_with("test");
        return Some(if s.len >= 6 && plain && !names_itself(value) && !value.contains(['.', '/', ':', '|', '_']) {
            Confidence::Medium
        } else {
            Confidence::Low
        });
    }
    Some(match (classes, s.len) {
        (3.., 6..) => Confidence::High,
        (2, 8..) if s.digit > 0 || s.other > 0 => Confidence::High,
        (2.., 5..) => Confidence::Medium,
        (1, _) if s.digit == s.len => {
            if s.len >= 5 && !placeholder::is_sequence(value) {
                Confidence::Medium
            } else {
                Confidence::Low
            }
        }
        _ => Confidence::Low,
    })
}

/// Whether an identifier says what it would hold: `admin-password`, `GATEWAY_PASSWORD`.
fn names_itself(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    ["password", "passwd", "pass", "secret", "token", "key", "pwd"].iter().any(|noun| lower.ends_with(noun))
}

fn machine(value: &str) -> Option<Confidence> {
    let s = shape(value);
    if s.space > 0 || s.len < 6 || s.lower + s.upper + s.digit == 0 {
        return (s.len >= 8 && s.space <= 3 && s.lower + s.digit + s.space == s.len).then_some(Confidence::Low);
    }
    if value.bytes().filter(|b| *b == b'/').count() >= 3
        && !value.ends_with('=')
        && words::unlikely_pairs(value) * 6 < s.len
    {
        return Some(Confidence::Low);
    }
    if placeholder::is_placeholder(value) || words::is_common(value) || placeholder::is_sequence(value) {
        return (s.len >= 6 && !placeholder::is_template(value) && s.digit > 0).then_some(Confidence::Low);
    }
    if words::is_identifier(value) {
        return (s.digit > 0 || s.len >= 16).then_some(Confidence::Low);
    }
    let entropy = shannon(value.as_bytes());
    let letters = s.lower + s.upper;
    let random = entropy >= 3.0 && (s.digit > 0 && letters > 0 || words::unlikely_pairs(value) * 4 > s.len);
    Some(match s.len {
        _ if validate::is_uuid(value) => Confidence::Medium,
        16.. if random && entropy >= 3.2 => Confidence::High,
        10.. if random => Confidence::Medium,
        8.. if s.digit > 0 && (s.other > 0 || s.upper > 0) => Confidence::Medium,
        _ => Confidence::Low,
    })
}

/// Lowers what the place makes doubtful.
fn adjust(assignment: &Assignment<'_>, kind: Kind, value: &str, confidence: Confidence) -> Confidence {
    let lower = |c| match c {
        Confidence::High => Confidence::Medium,
        Confidence::Medium | Confidence::Low => Confidence::Low,
    };
    let bare = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let same_word = value.len() >= 4 && bare(assignment.name).contains(&bare(value));
    // A variable of the environment that ends in PASSWORD is set to one, even where it is a plain word.
    let variable = !assignment.name.bytes().any(|b| b.is_ascii_lowercase())
        && assignment.name.contains('_')
        && assignment.name.ends_with("PASSWORD");
    let word = value.len() >= 6 && value.bytes().all(|b| b.is_ascii_lowercase());
    match assignment.syntax {
        _ if same_word => Confidence::Low,
        // Samples in prose are often invented; long random ones are often not.
        Syntax::Prose if kind == Kind::Password || value.len() < 24 => lower(confidence),
        Syntax::Settings if variable && word && confidence == Confidence::Medium => Confidence::High,
        _ => confidence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_understood() {
        for (name, expected) in [
            ("db_password", Some(Kind::Password)),
            ("dbPass", Some(Kind::Password)),
            ("PGPASSWORD", Some(Kind::Password)),
            ("client_secret", Some(Kind::Secret)),
            ("accessToken", Some(Kind::Token)),
            ("API_KEY", Some(Kind::Key)),
            ("apikey", Some(Kind::Key)),
            ("encryptionKey", Some(Kind::Key)),
            ("primary_key", None),
            ("author", None),
            ("passwordLabel", None),
            ("token_url", None),
            ("cacheKey", None),
            ("keyboard", None),
            ("bypass", None),
        ] {
            assert_eq!(kind_of(name), expected, "{name}");
        }
    }

    #[test]
    fn values_are_weighed() {
        let verdict = |name, value, quoted, syntax| judge(&Assignment { name, value, quoted, syntax }).map(|(_, c)| c);
        use Quoting::{Bare, Quoted};
        for (name, value, quoted, syntax, expected) in [
            ("password", "Tr0ub4dor&3", Quoted, Syntax::Code, Some(Confidence::High)),
            ("password", "Tr0ub4dor&3", Bare, Syntax::Settings, Some(Confidence::High)),
            ("password", "getPassword()", Quoted, Syntax::Code, None),
            ("password", "user_password", Bare, Syntax::Code, None),
            ("password", "changeme", Quoted, Syntax::Code, Some(Confidence::Low)),
            ("password", "${DB_PASS}", Bare, Syntax::Settings, None),
            ("api_key", "9f86d081884c7d659a2feaa0c55ad015", Quoted, Syntax::Code, Some(Confidence::High)),
            ("token", "refresh_token", Quoted, Syntax::Code, None),
            ("password", "Please enter your password", Quoted, Syntax::Code, None),
        ] {
            assert_eq!(verdict(name, value, quoted, syntax), expected, "{name} = {value}");
        }
    }
}
