//! Masks values of secrets in what the agent tells: programs write them into logs, and commands have them as arguments.
//!
//! Masked is what follows a name that speaks of a secret (`password=`, `--token `, `Authorization: Bearer `), user
//! information of addresses, the flags by which usual programs take a password (`mysql -p`, `curl -u`), and tokens whose
//! form says what they are. No more than that: the detector of secrets is larger than this whole program.

use std::{ops::Range, sync::LazyLock};

use regex::bytes::Regex;

/// Names that speak of a secret.
const NAMES: &str = "pass(?:wor[dt]|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|credential|auth";
/// A value: what is quoted is one, with all the blanks in it.
const VALUE: &str = r#"("[^"]*"|'[^']*'|[^\s"'&;,]+)"#;
/// Programs, and the flag behind which they take a password; the value may stand at once behind it.
const FLAGS: &[(&str, &str)] = &[
    (r"mysql[a-z_]*|mariadb[a-z-]*", "-p"),
    ("sshpass", r"-p\s*"),
    ("redis-cli", r"-a\s+"),
    (r"ldap[a-z]+", r"-w\s+"),
    (r"smbclient|rpcclient|wmic|winexe|rdesktop|xfreerdp", r"(?:-U\s*[^\s%]+%|-p\s*|/p:)"),
    (r"curl|wget|http|https|svn|nmap", r#"(?:-u|-U|--user|--proxy-user)[=\s]?\s*["']?[^\s:"']+:"#),
    ("openssl", r"-(?:passin|passout|pass|k)\s+(?:pass:)?"),
    (r"htpasswd\s+-[a-z]*b[a-z]*\s+\S+\s+\S+", ""),
];
/// Tokens that are known by their form: of AWS, GitHub, GitLab, Slack, and signed ones (RFC 7519).
const FORMS: &[&str] = &[
    "(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",
    "gh[pousr]_[A-Za-z0-9]{36,}",
    "github_pat_[A-Za-z0-9_]{22,}",
    "glpat-[A-Za-z0-9_-]{20,}",
    "xox[abeoprs]-[A-Za-z0-9-]{10,}",
    r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+",
];

static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    let scheme = r"(?:(?:bearer|basic|digest|negotiate|token)\s+)?";
    let assigned = format!(r#"(?:{NAMES})[a-z_-]*(?:"?\s*[=:]\s*|%3d){scheme}{VALUE}"#);
    let flags = format!(r"--?[a-z-]*(?:{NAMES})[a-z-]*(?:=|\s+){VALUE}");
    let url = r"[a-z][a-z0-9+.-]*://[^\s:/@]*:([^\s/@]+)@";
    let of = |(program, flag): &(&str, &str)| format!(r"\b(?-i:{program})(?:\s[^\n|;]*?)?\s(?-i:{flag}){VALUE}");
    let programs = FLAGS.iter().map(of).collect::<Vec<_>>().join("|");
    let forms = FORMS.join("|");
    let all = format!(r"(?i-u)(?:{flags}|{assigned}|{url}|{programs}|(?-i:\b({forms})))");
    Regex::new(&all).expect("the expression is ours and is tested")
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
            ("COMMAND=/usr/bin/mysql -u root -pVALUE shop", "hunter22"),
            ("mysqldump -pVALUE --all-databases", "hunter22"),
            ("deploy --password VALUE now", "hunter22"),
            ("deploy --password 'VALUE' now", "one two three"),
            ("PASSWORD=\"VALUE\" ./run", "one two three"),
            ("PGPASSWORD=VALUE psql", "hunter22"),
            ("Authorization: Basic VALUE", "dXNlcjpwYXNz"),
            ("curl -s -u admin:VALUE https://api.example/", "hunter22"),
            ("curl -uadmin:VALUE https://api.example/", "hunter22"),
            ("curl --user 'admin:VALUE' https://api.example/", "hunter22"),
            ("sshpass -p VALUE ssh root@h", "hunter22"),
            ("redis-cli -h h -a VALUE get x", "hunter22"),
            ("openssl enc -pass pass:VALUE -in x", "hunter22"),
            ("htpasswd -bc /etc/nginx/users bob VALUE", "hunter22"),
            ("git clone https://bob:VALUE@git.example/x", "hunter22"),
        ] {
            let out = masked(&text.replace("VALUE", value));
            assert!(!out.contains(value), "{out}");
        }
        // Nothing in this file looks like a live token.
        for (front, rest) in [
            ("AK", "IA0123456789ABCDEF"),
            ("gh", "p_0123456789abcdefghijklmnopqrstuvwxyzAB"),
            ("xo", "xb-0123456789ab"),
        ] {
            let token = format!("{front}{rest}");
            let out = masked(&format!("GET /{token} HTTP/1.1"));
            assert!(!out.contains(rest) && out.starts_with("GET /"), "{out}");
        }
        for text in [
            "Failed password for root from 192.0.2.1 port 22",
            "bob : command not allowed ; USER=root",
            "COMMAND=/usr/bin/mysql -p shop",
            "ls -u a:b | mkdir -p /srv/x",
            "curl -u admin https://api.example/",
            "GET /curl/http -port 1",
        ] {
            assert_eq!(masked(text), text);
        }
        assert_eq!(masked("a\u{1b}[31m"), "a\u{fffd}[31m");
    }
}
