//! Credential files whose form alone says where the secret is.

use std::ops::Range;

use testudo_model::Confidence;

use super::{placeholder, words};
use crate::base64;

/// A secret in a known file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Structured {
    /// Id of the rule.
    pub(super) rule: &'static str,
    /// Where the value is.
    pub(super) range: Range<usize>,
    /// How sure.
    pub(super) confidence: Confidence,
}

/// Whether a file of this name is read for its form, whatever words are in it.
#[must_use]
pub(super) fn wants(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(
        name.as_str(),
        ".pgpass"
            | "pgpass"
            | "pgpass.conf"
            | ".netrc"
            | "_netrc"
            | "netrc"
            | ".authinfo"
            | ".htdigest"
            | "config.json"
            | ".dockercfg"
            | ".dockerconfigjson"
    ) || name.ends_with("htpasswd")
}

/// Finds the secrets of a credential file, by its name.
pub(super) fn find(path: &str, text: &str) -> Vec<Structured> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let mut found = match name.as_str() {
        ".pgpass" | "pgpass" | "pgpass.conf" => lines(text, pgpass),
        ".netrc" | "_netrc" | "netrc" | ".authinfo" => netrc(text),
        _ if name.ends_with("htpasswd") || name == ".htdigest" => lines(text, htpasswd),
        _ if name == "config.json" && path.contains("docker")
            || name == ".dockercfg"
            || name == ".dockerconfigjson" =>
        {
            docker(text)
        }
        _ => Vec::new(),
    };
    if matches!(name.rsplit_once('.').map(|(_, e)| e), Some("yaml" | "yml" | "json" | "tpl")) && text.contains("Secret")
    {
        found.extend(kubernetes(text));
    }
    found
}

/// Finds the secret of a line, with the rule that reports it.
type LineReader = fn(&str) -> Option<(Range<usize>, &'static str)>;

/// Applies a reader to each line that is no comment.
fn lines(text: &str, read: LineReader) -> Vec<Structured> {
    let mut at = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        if !bare.trim_start().starts_with('#')
            && let Some((range, rule)) = read(bare)
        {
            found.extend(structured(rule, bare, range, at));
        }
        at += line.len();
    }
    found
}

fn structured(rule: &'static str, line: &str, range: Range<usize>, at: usize) -> Option<Structured> {
    let value = line.get(range.clone())?;
    let doubtful = placeholder::is_placeholder(value) || words::is_common(value);
    let confidence = if doubtful { Confidence::Low } else { Confidence::High };
    (!value.is_empty() && !placeholder::is_template(value)).then(|| Structured {
        rule,
        range: range.start + at..range.end + at,
        confidence,
    })
}

/// `host:port:database:user:password`, with `\:` escaped (PostgreSQL documentation, "The Password File").
fn pgpass(line: &str) -> Option<(Range<usize>, &'static str)> {
    let bytes = line.as_bytes();
    let mut colons = (0..bytes.len()).filter(|at| bytes[*at] == b':' && (*at == 0 || bytes[*at - 1] != b'\\'));
    let fourth = colons.nth(3)?;
    Some((fourth + 1..line.len(), "pgpass-password"))
}

/// `user:hash` of Apache's password files.
fn htpasswd(line: &str) -> Option<(Range<usize>, &'static str)> {
    let (user, hash) = line.split_once(':')?;
    let last = hash.rfind(':').map_or(0, |p| p + 1);
    let known =
        ["$apr1$", "$2y$", "$2a$", "$2b$", "{SHA}", "{SSHA}", "$1$", "$5$", "$6$"].iter().any(|p| hash.starts_with(p));
    let digest = hash.len() - last == 32 && hash[last..].bytes().all(|b| b.is_ascii_hexdigit());
    let crypt = hash.len() == 13 && !hash.contains(' ');
    (known || digest || crypt).then(|| (user.len() + 1 + last..line.len(), "htpasswd-hash"))
}

/// `machine x login y password z`, over lines (GNU inetutils, ".netrc").
fn netrc(text: &str) -> Vec<Structured> {
    let mut found = Vec::new();
    let mut expect_value = false;
    for word in words_of(text) {
        let value = &text[word.clone()];
        if expect_value {
            found.extend(structured("netrc-password", text, word.clone(), 0));
        }
        expect_value = matches!(value, "password" | "passwd") && !expect_value;
    }
    found
}

fn words_of(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    text.split(|c: char| c.is_ascii_whitespace()).filter_map(move |word| {
        let range = at..at + word.len();
        at += word.len() + 1;
        (!word.is_empty()).then_some(range)
    })
}

/// `"auth": "base64(user:password)"`.
fn docker(text: &str) -> Vec<Structured> {
    let mut found = Vec::new();
    for (at, key) in text.match_indices("\"auth\"") {
        let Some(open) = text[at + key.len()..].find('"').map(|p| at + key.len() + p + 1) else { continue };
        let Some(close) = text[open..].find('"').map(|p| open + p) else { continue };
        let decoded = base64::lenient(&text.as_bytes()[open..close]).unwrap_or_default();
        if decoded.contains(&b':') {
            found.extend(structured("docker-registry-auth", text, open..close, 0));
        }
    }
    found
}

/// Values below `data:` of a Kubernetes Secret: base64 of text that nobody else may read.
fn kubernetes(text: &str) -> Vec<Structured> {
    let mut found = Vec::new();
    let mut at = 0;
    for document in text.split("\n---") {
        if document
            .lines()
            .any(|l| l.trim_end().trim_matches(['"', ',', ' ']).replace("\": \"", ": ").ends_with("kind: Secret"))
        {
            found.extend(secret_data(document, at));
        }
        at += document.len() + 4;
    }
    found
}

fn secret_data(document: &str, base: usize) -> Vec<Structured> {
    let (mut found, mut at, mut depth) = (Vec::new(), base, None);
    for line in document.split_inclusive('\n') {
        let bare = line.trim_end();
        let indent = bare.len() - bare.trim_start().len();
        let trimmed = bare.trim_start().trim_start_matches('"');
        match depth {
            Some(level) if indent <= level && !bare.is_empty() => depth = None,
            _ => {}
        }
        if depth.is_some()
            && let Some((key, value)) = trimmed.split_once(':')
        {
            let value = value.trim().trim_matches([' ', '"', '\'', ',']);
            let offset = bare.find(value).filter(|_| value.len() >= 6);
            let decoded = base64::lenient(value.as_bytes()).and_then(|b| String::from_utf8(b).ok());
            let harmless = ["username", "user", "host", "port", "ca.crt", "tls.crt", "namespace", "email", "url"]
                .iter()
                .any(|k| key.trim_matches('"').eq_ignore_ascii_case(k));
            if let (Some(offset), Some(decoded)) = (offset, decoded)
                && !harmless
            {
                let doubtful = words::is_common(decoded.trim())
                    || placeholder::is_placeholder(decoded.trim())
                    || words::is_identifier(decoded.trim())
                    || decoded.trim().len() < 4;
                let confidence = if doubtful { Confidence::Low } else { Confidence::High };
                found.push(Structured {
                    rule: "kubernetes-secret-data",
                    range: at + offset..at + offset + value.len(),
                    confidence,
                });
            }
        }
        if trimmed.trim_end_matches('"').starts_with("data:") || trimmed.starts_with("data\":") {
            depth = Some(indent);
        }
        at += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(path: &str, text: &str) -> Vec<(&'static str, String, Confidence)> {
        find(path, text).into_iter().map(|s| (s.rule, text[s.range].to_owned(), s.confidence)).collect()
    }

    #[test]
    fn each_file_gives_its_secret() {
        let high = Confidence::High;
        for (path, text, expected) in [
            (
                "home/.pgpass",
                "# c\ndb.example:5432:app:joe:dock\\:Rope7\n",
                vec![("pgpass-password", "dock\\:Rope7", high)],
            ),
            (
                ".netrc",
                "machine a.example\n  login joe password Rope-7-dock\n",
                vec![("netrc-password", "Rope-7-dock", high)],
            ),
            (
                "web/.htpasswd",
                "joe:$apr1$abc$defghijk\nnonsense\n",
                vec![("htpasswd-hash", "$apr1$abc$defghijk", high)],
            ),
            (
                ".docker/config.json",
                "{\"auths\":{\"r\":{\"auth\": \"am9lOlJvcGU3ZG9jaw==\"}}}",
                vec![("docker-registry-auth", "am9lOlJvcGU3ZG9jaw==", high)],
            ),
            (
                "k/s.yaml",
                "kind: Secret\ndata:\n  pw: Um9wZTdfIXpROHg=\n  username: am9lam9lam9l\ntype: Opaque\n",
                vec![("kubernetes-secret-data", "Um9wZTdfIXpROHg=", high)],
            ),
            ("k/c.yaml", "kind: ConfigMap\ndata:\n  pw: Um9wZS03LWRvY2s=\n", vec![]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(r, v, c)| (r, v.to_owned(), c)).collect();
            assert_eq!(values(path, text), expected, "{path}");
        }
    }
}
