//! Values that are not the secret: references, versions, formats, pieces of programs.

use super::placeholder;

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
        )
        || is_public_nkey(value)
        || is_option(value)
        || is_version(value)
        || is_format(value)
        || is_program(value)
}

/// A public key of NATS: 35 bytes in base32, and a first letter that says whose key it is. A secret one begins with `S`.
fn is_public_nkey(value: &str) -> bool {
    value.len() == 56
        && value.starts_with(['N', 'C', 'O', 'A', 'U', 'X'])
        && value.bytes().all(|b| b.is_ascii_uppercase() || matches!(b, b'2'..=b'7'))
}

/// An option of a command: `--status`, `-5`.
fn is_option(value: &str) -> bool {
    value.starts_with("--") || value.starts_with('-') && value.len() <= 3
}

/// A version or an address: numbers and dots only, after what ranges of versions begin with.
fn is_version(value: &str) -> bool {
    let number = value.trim_start_matches(['~', '^', 'v', '=', '>', '<']);
    let release = number.split(['-', '+']).next().unwrap_or(number);
    let parts: Vec<&str> = release.split('.').collect();
    parts.len() >= 2 && parts.iter().all(|p| (1..=4).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
}

/// A text into which something is put: `%s`, `{}`, `{0}`, `{name}`, `$NAME`, `:name`.
fn is_format(value: &str) -> bool {
    let bytes = value.as_bytes();
    let directive = value.contains("%s") || value.contains("%d") || value.contains("%@") || value.contains("{}");
    let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
    let braces = || {
        memchr::memchr_iter(b'{', bytes).any(|open| {
            let inside = bytes[open + 1..].iter().take_while(|b| name(b)).count();
            inside > 0 && bytes.get(open + 1 + inside) == Some(&b'}')
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
        "<br",
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
        ] {
            assert!(is_reference(value), "{value}");
        }
        let key = "B7QK".repeat(14);
        assert!(is_reference(&key.replacen('B', "O", 1)) && !is_reference(&key.replacen('B', "S", 1)));
        for value in ["Tr0ub4dor&3", "1.2.3.4.5e", "pa$$word1", "-Rope7dock", "a{b", "c0rrect.horse", "xK9%s2mPq!vR8w"]
        {
            assert!(!is_reference(value), "{value}");
        }
    }
}
