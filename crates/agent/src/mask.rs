//! Masks values of secrets in what the agent tells: programs write them into logs, and commands have them as arguments.
//!
//! What follows a name that speaks of a secret (`password=`, `--token `, `Authorization: Bearer `, user information of
//! addresses) is masked. No more than that: the detector of secrets is larger than this whole program.

use std::{ops::Range, sync::LazyLock};

use regex::bytes::Regex;

static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    let names = "pass(?:wor[dt]|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|credential|auth";
    let named = format!(r#"(?:{names})[a-z_-]*(?:"?\s*[=:]\s*|%3d|\s+)(?:bearer\s+|basic\s+)?["']?([^\s"'&;,]+)"#);
    let flags = format!(r#"--?[a-z-]*(?:{names})[a-z-]*(?:=|\s+)["']?([^\s"'&;]+)"#);
    let url = r"[a-z][a-z0-9+.-]*://[^\s:/@]*:([^\s/@]+)@";
    let assigned = named.replace(r"|\s+)(?:bearer", r")(?:bearer");
    Regex::new(&format!("(?i-u)(?:{flags}|{assigned}|{url})")).expect("the expression is ours and is tested")
});

/// The text with values of secrets masked, and nothing in it that steers a terminal.
pub(crate) fn masked(text: &str) -> String {
    let ranges: Vec<Range<usize>> = SECRET
        .captures_iter(text.as_bytes())
        .filter_map(|found| found.iter().skip(1).flatten().next().map(|value| value.range()))
        .collect();
    testudo_redact::printable(&testudo_redact::mask_ranges(text.as_bytes(), &ranges).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_masked_and_the_rest_is_not() {
        for (text, value) in [
            ("COMMAND=/bin/mysql --password=VALUE db", "hunter22"),
            ("curl -H 'Authorization: Bearer VALUE' x", "abcabcabc"),
            ("GET /?api_key=VALUE&x=1", "abcabcabc"),
            ("login --token VALUE", "abcabcabc"),
            ("psql postgres://u:VALUE@db.example/x", "abcabcabc"),
            ("DB_PASSWORD='VALUE'", "abcabcabc"),
        ] {
            let out = masked(&text.replace("VALUE", value));
            assert!(!out.contains(value), "{out}");
        }
        for text in ["Failed password for root from 192.0.2.1 port 22", "bob : command not allowed ; USER=root"] {
            assert_eq!(masked(text), text);
        }
        assert_eq!(masked("a\u{1b}[31m"), "a\u{fffd}[31m");
    }
}
