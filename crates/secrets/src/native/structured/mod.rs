//! Credential files whose form alone says where the secret is. Lines of fields are read here, sections of keys and
//! values by the table in [`formats`], the others by a module each.

mod docker;
mod formats;
mod kubernetes;
mod terraform;

use std::ops::Range;

use testudo_model::Confidence;

use super::{placeholder, words};

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

/// Names of files that are read here, whatever words are in them.
const NAMES: &[&str] = &[
    ".pgpass",
    "pgpass",
    "pgpass.conf",
    ".netrc",
    "_netrc",
    "netrc",
    ".authinfo",
    ".htdigest",
    "config.json",
    ".dockercfg",
    ".dockerconfigjson",
    ".git-credentials",
    "master.key",
];

/// Whether a file of this name is read for its form, whatever words are in it.
#[must_use]
pub(super) fn wants(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || ["htpasswd", ".tfstate", ".tfstate.backup", ".ipynb"].iter().any(|end| name.ends_with(end))
        || formats::wants(&name)
}

/// Finds the secrets of a credential file, by its name.
pub(super) fn find(path: &str, text: &str) -> Vec<Structured> {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let mut found = match name {
        ".pgpass" | "pgpass" | "pgpass.conf" => lines(text, pgpass),
        ".netrc" | "_netrc" | "netrc" | ".authinfo" => netrc(text),
        ".git-credentials" => lines(text, git_credentials),
        "master.key" => master_key(text).into_iter().collect(),
        _ if name.ends_with("htpasswd") || name == ".htdigest" => lines(text, htpasswd),
        _ if name == "config.json" && lower.contains("docker")
            || name == ".dockercfg"
            || name == ".dockerconfigjson" =>
        {
            docker::find(text)
        }
        _ if name.ends_with(".tfstate") || name.ends_with(".tfstate.backup") => terraform::find(text),
        _ => formats::find(&lower, text),
    };
    let manifest = matches!(name.rsplit_once('.').map(|(_, e)| e), Some("yaml" | "yml" | "json" | "tpl"));
    if manifest && text.contains("Secret") {
        found.extend(kubernetes::find(text));
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
    // Maven and Jenkins write encrypted values in braces.
    let encrypted = value.starts_with('{') && value.ends_with('}');
    let doubtful = placeholder::is_placeholder(value) || words::is_common(value);
    let confidence = if doubtful { Confidence::Low } else { Confidence::High };
    (!value.is_empty() && !encrypted && !placeholder::is_template(value)).then(|| Structured {
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

/// `https://user:password@host` (git-credential-store).
fn git_credentials(line: &str) -> Option<(Range<usize>, &'static str)> {
    let start = line.find("://")? + 3;
    let end = start + line[start..].find('@')?;
    let colon = start + line[start..end].find(':')?;
    Some((colon + 1..end, "git-credential"))
}

/// Rails encrypts its credentials with a key of 16 bytes, written in hexadecimal.
fn master_key(text: &str) -> Option<Structured> {
    let key = text.trim();
    let start = text.find(key)?;
    let hex = key.len() == 32 && key.bytes().all(|b| b.is_ascii_hexdigit());
    if hex { structured("rails-master-key", text, start..start + key.len(), 0) } else { None }
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
            (
                "k/s.json",
                "{\"kind\": \"Secret\", \"stringData\": {\"a\": \"Rope7_!zQ8x\", \"host\": \"Rope7_!zQ8x\"}}",
                vec![("kubernetes-secret-data", "Rope7_!zQ8x", Confidence::Medium)],
            ),
            (
                "a.tfstate",
                r#"{"outputs": {"a": {"value": "Rope7_!zQ8x", "sensitive": true}, "b": {"value": "Rope7_!zQ8x"}},
                "resources": [{"type": "x_db", "instances": [{"attributes": {"port": "90", "pw": "dock"},
                "sensitive_attributes": [[{"type": "get_attr", "value": "pw"}]]}]},
                {"type": "random_password", "instances": [{"attributes": {"result": "Rope7!dock"}}]}]}"#,
                vec![
                    ("terraform-state-secret", "Rope7_!zQ8x", high),
                    ("terraform-state-secret", "dock", Confidence::Medium),
                    ("terraform-state-secret", "Rope7!dock", high),
                ],
            ),
            (
                ".git-credentials",
                "https://joe:Rope7dock@git.example\nhttps://joe@git.example\n",
                vec![("git-credential", "Rope7dock", high)],
            ),
            (
                "config/master.key",
                "0f1e2d3c4b5a69788796a5b4c3d2e1f0\n",
                vec![("rails-master-key", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", high)],
            ),
            ("k/c.yaml", "kind: ConfigMap\ndata:\n  pw: Um9wZS03LWRvY2s=\n", vec![]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(r, v, c)| (r, v.to_owned(), c)).collect();
            assert_eq!(values(path, text), expected, "{path}");
        }
    }
}
