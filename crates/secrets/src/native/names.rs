//! What a name speaks of: a password, a token, a key, or only something about one.

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
    "rate",
    "throttle",
    "quota",
    "interval",
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
    "fingerprint",
    "checksum",
    "digest",
    "sha",
    "sha1",
    "sha256",
    "sha512",
    "md5",
    "hmac",
    "signature",
    "hash",
    "hashed",
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
    "rotation",
    "lifetime",
    "ring",
    "chain",
    "mgr",
    "dialog",
    "modal",
    "toggle",
    "visibility",
    "visible",
    "hidden",
    "autocomplete",
    "kind",
    "annotation",
    "extractor",
    "resolver",
    "endpoints",
    "options",
    "settings",
    "config",
    "configuration",
    "policies",
    "requirements",
    "warning",
    "info",
    "details",
    "success",
    "failed",
    "failure",
    "expired",
    "strategy",
    "guard",
    "middleware",
    "controller",
    "model",
    "schema",
    "interface",
    "impl",
    "exception",
    "identifier",
    "ip",
    "ips",
    "function",
    "encryption",
    "rotated",
    "used",
    "encoding",
    "sender",
    "receiver",
    "recipient",
    "iterations",
    "iteration",
    "rounds",
    "supported",
    "versioning",
    "matcher",
    "template",
    "comparator",
    "converter",
    "serializer",
    "deserializer",
    "protocol",
    "tag",
    "tags",
    "topic",
    "alias",
    "aliases",
    "directory",
    "folder",
    "bucket",
    "region",
    "namespace",
    "permission",
    "permissions",
    "notice",
    "notification",
    "renewal",
    "separator",
    "delimiter",
    "position",
    "offset",
    "complexity",
    "require",
    "requires",
];

/// Names that hold one of the words by accident, or a key that is public.
const ACCIDENTAL: &[&str] = &[
    // A nonce of a handshake (RFC 6455 section 4.1).
    "web_socket_key",
    "websocket_key",
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
    "public",
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
    "authenticity_token",
    "verification_token",
    "nonce_field",
    "site_key",
    "sitekey",
    "website_key",
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
    "dict_key",
    "unique_key",
    "composite_key",
    "natural_key",
    "range_key",
    "prop_key",
    "lock_key",
    "release_key",
    "config_key",
    "error_key",
    "query_key",
    "registry_key",
    "reg_key",
    "class_list",
];

/// What a key can be for, where it is one that must not be known.
const PURPOSES: &[&str] = &[
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
    "jwt",
    "enc",
    "crypt",
    "hash",
    "token",
];

/// Ends of the names of files.
const EXTENSIONS: &[&str] = &[
    "txt", "js", "ts", "css", "py", "rb", "go", "rs", "java", "kt", "php", "html", "json", "yml", "yaml", "xml", "md",
    "c", "h", "cs", "png", "svg", "jpg", "jar", "gz", "zip", "tar", "lock", "sh", "conf", "ini", "csv", "sql", "crt",
    "pub",
];

/// Words in front of a name that make it the name of an action or of a choice.
const ACTIONS: &[&str] = &[
    "update",
    "change",
    "reset",
    "forgot",
    "forget",
    "show",
    "hide",
    "validate",
    "check",
    "verify",
    "require",
    "requires",
    "confirm",
    "generate",
    "create",
    "get",
    "use",
    "uses",
    "has",
    "is",
    "need",
    "needs",
    "no",
    "ask",
    "prompt",
    "remember",
    "allow",
    "enable",
    "disable",
    "skip",
    "save",
    "store",
    "rotate",
    "revoke",
    "invalid",
    "missing",
    "on",
    "handle",
    "parse",
    "error",
    "err",
    "msg",
    "label",
    "title",
    "hint",
    "placeholder",
    "help",
];

/// Names of marks that say whether something is secret, without separators.
const FLAGS: &[&str] = &["issecret", "ispassword", "istoken", "nopass", "nopasswd", "nopassword"];

/// Whether a name says what is done with a secret: `update_password: always`.
#[must_use]
pub(super) fn is_action(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let snake = snake(last);
    snake.split_once('_').is_some_and(|(first, _)| ACTIONS.contains(&first))
}

/// Whether a name says that its value was made unreadable: encrypted, wrapped with another key, or hashed.
#[must_use]
pub(super) fn is_sealed(name: &str) -> bool {
    snake(name).split('_').any(|part| matches!(part, "encrypted" | "wrapped" | "sealed" | "hashed"))
}

/// Whether a name is that of a token against forged requests, which lives as long as a session.
#[must_use]
pub(super) fn is_passing(name: &str) -> bool {
    let snake = snake(name);
    let last = snake.rsplit('_').find(|part| !part.is_empty()).unwrap_or_default();
    let forged = ["csrf", "xsrf", "authenticity_token", "verification_token"].iter().any(|word| snake.contains(word));
    forged && !ABOUT.contains(&last)
}

/// `adminpass`, `ftppwd`: a password under a name written as one word.
fn ends_in_pass(part: &str) -> bool {
    let head = part.strip_suffix("pass").or_else(|| part.strip_suffix("pwd"));
    let other = [
        "by", "com", "over", "under", "tres", "sur", "low", "high", "band", "multi", "one", "two", "pre", "render",
        "sub", "single", "first", "second", "final", "last",
    ];
    head.is_some_and(|head| head.len() >= 2 && !other.contains(&head))
}

/// What a name speaks of; none where it only seems to.
#[must_use]
pub(super) fn kind_of(name: &str) -> Option<Kind> {
    if name.rsplit_once('.').is_some_and(|(_, end)| EXTENSIONS.contains(&end)) {
        return None;
    }
    let snake = snake(name);
    let parts: Vec<&str> = snake.split('_').filter(|p| !p.is_empty()).collect();
    let last = parts.iter().rev().find(|p| !p.bytes().all(|b| b.is_ascii_digit()))?;
    if FLAGS.contains(&snake.replace('_', "").as_str()) {
        return None;
    }
    let ends_in_password = matches!(*last, "password" | "passwd" | "pwd" | "passphrase" | "pass");
    // `CSRF_SECRET`, `TRANSLATION_API_KEY`: a variable that says so is one, whatever else is in its name.
    let variable = name.contains('_') && !name.bytes().any(|b| b.is_ascii_lowercase());
    let stated = variable && ["secret", "secret_key", "api_key", "storage_key"].iter().any(|end| snake.ends_with(end));
    // `DB_PASSWORD_TEST` is the password of a test's database.
    let about = ABOUT.contains(last) && !(variable && *last == "test");
    let forged = |p: &&str| p.starts_with("csrf") || p.starts_with("xsrf");
    if about
        || !ends_in_password && !stated && parts.iter().any(forged)
        || !ends_in_password && !stated && ACCIDENTAL.iter().any(|a| contains_word(&snake, a))
    {
        return None;
    }
    // A salt of a password is no password.
    if *last == "salt" {
        return Some(Kind::Secret);
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
        || parts.iter().any(|p| ends_in_pass(p))
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
        "nonce",
        "seed",
        "community",
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
    // `masterkey`, `jwtkey`: what a key is for and the key, written as one word.
    let compound = |p: &&str| p.strip_suffix("key").is_some_and(|purpose| PURPOSES.contains(&purpose));
    let keyed = has(&["key", "apikey", "keys", "secretkey", "accesskey", "privatekey", "authkey"]);
    let qualified = has(&["apikey", "secretkey", "accesskey", "privatekey", "authkey"])
        || parts.iter().any(compound)
        || has(PURPOSES);
    if (keyed || parts.iter().any(compound)) && qualified {
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
    let bytes = snake.as_bytes();
    let starts = (0..bytes.len()).filter(|at| *at == 0 || !bytes[at - 1].is_ascii_lowercase());
    let mut ends = starts.filter(|at| bytes[*at..].starts_with(word.as_bytes())).map(|at| at + word.len());
    ends.any(|end| bytes.get(end).is_none_or(|b| !b.is_ascii_lowercase()))
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
            ("password-list.txt", None),
            ("ftppass", Some(Kind::Password)),
            ("highpass", None),
            ("masterkey", Some(Kind::Key)),
            ("passwordDialog", None),
            ("otp_pepper", Some(Kind::Secret)),
            ("issecret", None),
            ("isSecret", None),
            ("publicResourceKey", None),
            ("csrfmiddlewaretoken", None),
            ("CSRF_SECRET", Some(Kind::Secret)),
            ("password_last_used", None),
            ("secretEncoding", None),
            ("togglePassword.classList", None),
            ("MasterPasswordSalt", Some(Kind::Secret)),
        ] {
            assert_eq!(kind_of(name), expected, "{name}");
        }
    }

    #[test]
    fn sealed_values_are_told_by_their_names() {
        for (name, expected) in [("encrypted_key", true), ("wrappedUserKey", true), ("encryptionKey", false)] {
            assert_eq!(is_sealed(name), expected, "{name}");
        }
    }

    #[test]
    fn actions_are_told_from_secrets() {
        for (name, expected) in
            [("update_password", true), ("showPassword", true), ("db_password", false), ("on", false)]
        {
            assert_eq!(is_action(name), expected, "{name}");
        }
    }
}
