//! Values that are not the secret: references, versions, formats, pieces of programs.

use super::{placeholder, words};

/// Values that point elsewhere, or are no values of a secret by their form.
#[must_use]
pub(super) fn is_reference(value: &str) -> bool {
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
                // Encodings, and the data bases of accounts that a system can ask.
                | "utf-8" | "utf8" | "utf_8" | "utf-16" | "latin-1" | "latin1" | "iso-8859-1" | "compat" | "files"
        )
        || is_public_nkey(value)
        || is_option(value)
        || is_escape(value)
        || is_tag(value)
        || is_requirement(value)
        || is_wire_tag(value)
        || is_windows_path(value)
        || lower.starts_with("{\"")
        || is_version(value)
        || is_moment(value)
        || is_ipv6(value)
        || is_digest(&lower)
        || is_image(value)
        || is_file(&lower)
        || is_scope(value)
        || is_format(value)
        || is_program(value)
}

/// A public key of NATS: 35 bytes in base32, and a first letter that says whose key it is. A secret one begins with `S`.
fn is_public_nkey(value: &str) -> bool {
    value.len() == 56
        && value.starts_with(['N', 'C', 'O', 'A', 'U', 'X'])
        && value.bytes().all(|b| b.is_ascii_uppercase() || matches!(b, b'2'..=b'7'))
}

/// What a terminal does, such as showing a colour: `\033[31m`.
fn is_escape(value: &str) -> bool {
    ["\\033[", "\\x1b[", "\\e[", "\\u001b["].iter().any(|escape| value.starts_with(escape))
}

/// A tag of YAML that takes a value away or from elsewhere: `!reset null` (Compose), `!secret name` (Home Assistant), `!Ref Name`
/// (CloudFormation). Any other word behind `!` may be a password.
fn is_tag(value: &str) -> bool {
    const TAGS: [&str; 8] = ["!reset", "!override", "!secret", "!include", "!env", "!env_var", "!ref", "!sub"];
    TAGS.iter().any(|tag| value.eq_ignore_ascii_case(tag))
}

/// An option of a command: `--status`, `-5`.
fn is_option(value: &str) -> bool {
    value.starts_with("--") || value.starts_with('-') && value.len() <= 3
}

/// How a field of a message is written, as generators of programs for Protocol Buffers note it: `bytes,4,rep,name=dock`.
fn is_wire_tag(value: &str) -> bool {
    let mut parts = value.split(',');
    let kind =
        parts.next().is_some_and(|kind| ["bytes", "varint", "group"].contains(&kind) || kind.starts_with("fixed"));
    kind && parts.next().is_some_and(|n| n.parse::<u32>().is_ok())
        && parts.next().is_some_and(|rule| ["opt", "rep", "req"].contains(&rule))
}

/// A package and the versions that will do, `rope>=3.0.0`, or a number of repetitions in a grammar (RFC 5234), `1*DIGIT`.
fn is_requirement(value: &str) -> bool {
    let version = |mark: &str| value.split_once(mark).is_some_and(|(_, v)| v.starts_with(|c: char| c.is_ascii_digit()));
    let grammar = value.split_once('*').is_some_and(|(count, rule)| {
        count.len() == 1 && count.bytes().all(|b| b.is_ascii_digit()) && rule.bytes().all(|b| b.is_ascii_uppercase())
    });
    version(">=") || version("==") || version("~=") || grammar
}

/// A path of Windows or of its registry: `Software\\Vendor\\Product`.
fn is_windows_path(value: &str) -> bool {
    let steps = value.as_bytes().windows(2).filter(|w| w[0] == b'\\' && w[1].is_ascii_uppercase()).count();
    let first = value.split('\\').next().unwrap_or_default();
    steps >= 2 && first.len() >= 3 && first.bytes().all(|b| b.is_ascii_alphabetic())
}

/// A version or an address: numbers and dots only, after what ranges of versions begin with.
fn is_version(value: &str) -> bool {
    let number = value.trim_start_matches(['~', '^', 'v', '=', '>', '<']);
    let release = number.split(['-', '+']).next().unwrap_or(number);
    let parts: Vec<&str> = release.split('.').collect();
    // Identifiers of objects (ITU-T X.660) have more numbers, and longer ones.
    let most = if parts.len() >= 5 { 6 } else { 4 };
    parts.len() >= 2 && parts.iter().all(|p| (1..=most).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
}

/// A date, with or without a time behind it (ISO 8601): `2011-02-04`, `2011-02-04T10:00:00Z`.
fn is_moment(value: &str) -> bool {
    let bytes = value.as_bytes();
    let date = bytes.len() >= 10
        && bytes[..10].iter().enumerate().all(|(at, b)| match at {
            4 | 7 => *b == b'-',
            _ => b.is_ascii_digit(),
        });
    let time = |b: &u8| b.is_ascii_digit() || b"T Z:.+-".contains(b);
    date && bytes[10..].iter().all(time) && bytes.get(10).is_none_or(|b| matches!(b, b'T' | b' '))
}

/// An address of IPv6 (RFC 4291 section 2.2).
fn is_ipv6(value: &str) -> bool {
    let groups = value.split(':').count();
    (groups == 8 || groups >= 3 && value.contains("::")) && value.parse::<std::net::Ipv6Addr>().is_ok()
}

/// A digest that says how it was made: `sha256:...`, with or without more in front.
fn is_digest(lower: &str) -> bool {
    lower.rsplit_once(':').is_some_and(|(head, digest)| {
        let kinds = ["md5", "sha1", "sha256", "sha384", "sha512"];
        kinds.iter().any(|kind| head.ends_with(kind))
            && digest.len() >= 32
            && digest.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// An image of a container with its tag: `store/server:community-7.0.2`.
fn is_image(value: &str) -> bool {
    let Some((name, tag)) = value.split_once(':') else { return false };
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'/' | b'-' | b'.' | b'_');
    let release = tag.split('-').any(|part| is_version(part.trim_start_matches('v')));
    name.contains('/') && name.bytes().all(plain) && release
}

/// A file of a program, a library or a document: `libdock.1.0.so`.
fn is_file(lower: &str) -> bool {
    let Some((stem, end)) = lower.rsplit_once('.') else { return false };
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '(' | ')');
    let ends = [
        "so",
        "dll",
        "dylib",
        "exe",
        "ps1",
        "bat",
        "sh",
        "js",
        "ts",
        "py",
        "rb",
        "jar",
        "json",
        "yml",
        "yaml",
        "xml",
        "pem",
        "crt",
        "jks",
        "p12",
        "pfx",
        "txt",
        "conf",
        "properties",
        "html",
        "css",
        "png",
        "svg",
    ];
    !stem.is_empty() && ends.contains(&end) && stem.chars().all(plain)
}

/// A name of a class of tokens with variables in it, as highlighters of source text write it: `comment.$S2`.
fn is_scope(value: &str) -> bool {
    let variable = |part: &str| part.strip_prefix('$').is_some_and(|name| (1..=2).contains(&name.len()));
    value.contains(".$") && value.split('.').all(|part| variable(part) || words::is_identifier(part))
}

/// A text into which something is put: `%s`, `{}`, `{0}`, `{name}`, `$NAME`, `:name`.
fn is_format(value: &str) -> bool {
    let bytes = value.as_bytes();
    let directive = value.contains("%s") || value.contains("%d") || value.contains("%@") || value.contains("{}");
    let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
    let braces = || {
        memchr::memchr_iter(b'{', bytes).any(|open| {
            let inside = bytes[open + 1..].iter().take_while(|b| name(b)).count();
            let behind = &bytes[open + 1 + inside..];
            // `{Type.Call(argument)}` of a literal with expressions in it.
            let call = behind.starts_with(b"(") && memchr::memmem::find(behind, b")}").is_some();
            inside > 0 && (behind.starts_with(b"}") || call)
        })
    };
    let variable = || {
        memchr::memchr_iter(b'$', bytes).any(|at| {
            let name = bytes[at + 1..].iter().take_while(|b| b.is_ascii_uppercase() || **b == b'_').count();
            name >= 4 && bytes[at + 1..at + 1 + name].contains(&b'_')
        })
    };
    directive && !placeholder::is_random(value) || braces() || variable()
}

/// A piece of a program or an expression over texts.
fn is_program(value: &str) -> bool {
    [
        "::", "=>", "&&", "||", "();", "(?", "\\d", "\\w", "\\s", "[a-z", "[A-Z", "[0-9", "[^", ".*", ".+", "</", "/>",
        "<br", "?.", ".[", "].",
    ]
    .iter()
    .any(|mark| value.contains(mark))
        || value.starts_with('^') && value.ends_with('$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_points_elsewhere_is_no_value() {
        for value in [
            "process.env.X",
            "\\033[31m",
            "\\x1b[1;32m",
            "!reset",
            "--status",
            "-5",
            "^1.2.3",
            "10.0.0.1",
            "user=%s",
            "Pw%s-Tail!99aBc",
            "jdbc:%sP4ss!Word77",
            "prefix-{name}",
            "a$DB_PASS",
            "Foo::bar",
            "^[a-z]+$",
            "{{ x }}",
            "/etc/passwd/x",
            "getToken()",
            "<b>x</b>",
            "_context.Part?.Something",
            "OUI.[DockKey]",
            "a_rule[this].b",
            "2011-02-04",
            "2011-02-04T10:11:12+00:00",
            "fe80:0:0:0:204:61ff:fe9d:f156",
            "2001:db8::1",
            "libdock.1.0.so",
            "dock_k5.dll",
            "rope-dock_(1).js",
            "store/server:community-7.0.2",
            "comment.$S2.$2",
            "utf-8",
            "rope>=3.0.0",
            "bytes,4,rep,name=dock",
            "1*DOCKCHAR",
            "1.3.6.1.4.1.34380.1.1.4",
            "Software\\Harbour\\Dock",
            "Dock_{Helpers.Encode(rope)}",
            "{\"user\":\"",
        ] {
            assert!(is_reference(value), "{value}");
        }
        assert!(is_reference(&format!("rl-sha256:{}", "0f9e8d7c".repeat(8))));
        let key = "B7QK".repeat(14);
        assert!(is_reference(&key.replacen('B', "O", 1)) && !is_reference(&key.replacen('B', "S", 1)));
        for value in [
            "!sunflower",
            "Tr0ub4dor&3",
            "1.2.3.4.5e",
            "pa$$word1",
            "-Rope7dock",
            "a{b",
            "c0rrect.horse",
            "2011-02-04-Dock!",
            "Rope$.so!",
            "Rope.$even7",
            "xK9%s2mPq!vR8w",
        ] {
            assert!(!is_reference(value), "{value}");
        }
    }
}
