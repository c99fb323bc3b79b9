//! Credential files that are sections, keys and values: which file, which syntax, which keys hold a secret.

use std::ops::Range;

use super::{super::json, Structured, structured};

/// How a file writes keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    /// `key = value` or `key: value`, one a line.
    Lines,
    /// Members of objects.
    Json,
    /// `<key>value</key>` and `key="name" value="value"`.
    Xml,
}

/// One kind of file.
struct Format {
    /// Rule that reports its secrets.
    rule: &'static str,
    /// Ends of paths, lower case, at a `/`; one that begins with `*` ends a name.
    files: &'static [&'static str],
    syntax: Syntax,
    /// Ends of keys, lower case, whose values are secrets; one that ends in `/` is the name of the object around them.
    keys: &'static [&'static str],
}

const REGISTRY: &str = "package-registry-credential";
const CLOUD: &str = "cloud-client-credential";
const CLIENT: &str = "client-password";

macro_rules! formats {
    ($($rule:expr, $syntax:ident, [$($file:literal),+], [$($key:literal),+];)+) => {
        &[$(Format { rule: $rule, files: &[$($file),+], syntax: Syntax::$syntax, keys: &[$($key),+] },)+]
    };
}

const FORMATS: &[Format] = formats! {
    REGISTRY, Lines, [".npmrc", "npmrc"], ["_authtoken", "_auth", "_password"];
    REGISTRY, Lines, [".yarnrc", ".yarnrc.yml"], ["npmauthtoken", "npmauthident", "_authtoken", "_auth", "_password"];
    REGISTRY, Lines, [".pypirc"], ["password"];
    REGISTRY, Lines, [".gem/credentials"], ["api_key"];
    REGISTRY, Lines, [".cargo/credentials", ".cargo/credentials.toml"], ["token"];
    REGISTRY, Lines, [".ivy2/.credentials", ".sbt/.credentials"], ["password"];
    REGISTRY, Lines, ["gradle.properties"], ["password", "passwd", "token", "secret", "apikey"];
    REGISTRY, Json, ["auth.json"], ["password", "token", "github-oauth/", "gitlab-token/", "bearer/"];
    REGISTRY, Xml, ["nuget.config"], ["cleartextpassword"];
    REGISTRY, Xml, ["settings.xml"], ["password", "passphrase"];
    "git-credential", Lines, ["config/hub", "gh/hosts.yml"], ["oauth_token"];
    "kubeconfig-credential", Lines, [".kube/config", "kubeconfig", "kubeconfig.yaml", "kubeconfig.yml", "*.kubeconfig"],
        ["client-key-data", "token", "password", "client-secret"];
    CLOUD, Lines, [".aws/credentials", ".aws/config", ".boto"],
        ["secret_access_key", "session_token", "refresh_token"];
    CLOUD, Lines, [".s3cfg"], ["secret_key", "gpg_passphrase", "access_token"];
    CLOUD, Lines, ["rclone.conf"], ["pass", "password", "password2", "secret_access_key", "client_secret"];
    CLOUD, Lines, ["doctl/config.yaml", ".terraformrc", "terraform.rc"], ["access-token", "token"];
    CLOUD, Json, ["credentials.tfrc.json"], ["token"];
    CLOUD, Json, ["application_default_credentials.json"], ["refresh_token", "client_secret", "private_key"];
    CLOUD, Json, [".azure/accesstokens.json", "msal_token_cache.json"], ["accesstoken", "refreshtoken", "secret"];
    CLIENT, Lines, [".my.cnf", "my.cnf", "my.ini"], ["password", "passwd"];
    CLIENT, Lines, ["asterisk/sip.conf", "asterisk/manager.conf", "winscp.ini"], ["secret", "password"];
    CLIENT, Xml, ["sitemanager.xml", "recentservers.xml", "filezilla.xml"], ["pass"];
    CLIENT, Json, ["credentials-config.json", "robomongo.json", "robo3t.json"],
        ["password", "userpassword", "passphrase"];
    CLIENT, Json, ["sftp-config.json", ".vscode/sftp.json", ".ftpconfig", ".remote-sync.json"],
        ["password", "passphrase", "pass"];
};

/// Whether a file of this name, in lower case, may be one of the table.
pub(super) fn wants(name: &str) -> bool {
    let last = |file: &&&str| {
        let file = file.rsplit('/').next().unwrap_or(file);
        file.strip_prefix('*').map_or(file == name, |end| name.ends_with(end))
    };
    FORMATS.iter().flat_map(|f| f.files).any(|file| last(&file))
}

/// Finds the secrets of a file of the table. `path` is in lower case.
pub(super) fn find(path: &str, text: &str) -> Vec<Structured> {
    let is = |file: &&str| match file.strip_prefix('*') {
        Some(end) => path.ends_with(end),
        None => path.strip_suffix(file).is_some_and(|head| head.is_empty() || head.ends_with('/')),
    };
    let Some(format) = FORMATS.iter().find(|f| f.files.iter().any(is)) else { return Vec::new() };
    let mut found = Vec::new();
    let mut each = |key: &str, range: Range<usize>| {
        let key = key.to_ascii_lowercase();
        // The parent alone counts for a key in the list with a slash, the end of the key for the others.
        let secret = format.keys.iter().any(|k| match k.strip_suffix('/') {
            Some(parent) => key.split('/').rev().nth(1) == Some(parent),
            None => ends(key.rsplit('/').next().unwrap_or(&key), k),
        });
        if secret && !matches!(&text[range.clone()], "true" | "false" | "null" | "True" | "False") {
            found.extend(structured(format.rule, text, range, 0));
        }
    };
    match format.syntax {
        Syntax::Lines => lines(text, &mut each),
        Syntax::Json => {
            for scalar in json::scalars(text, 0).into_iter().filter(|s| s.string) {
                each(scalar.path.trim_end_matches('/'), scalar.range);
            }
        }
        Syntax::Xml => xml(text, &mut each),
    }
    found
}

/// Whether a key is `end`, or ends in it as a word of its own: `proxyPassword`, `db.password`.
fn ends(key: &str, end: &str) -> bool {
    key.strip_suffix(end).is_some_and(|head| end.len() > 5 || !head.ends_with(|c: char| c.is_ascii_alphanumeric()))
}

fn lines(text: &str, each: &mut dyn FnMut(&str, Range<usize>)) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        let separator = content.find('=').into_iter().chain(content.find(": ")).min();
        if let Some(separator) = separator
            && !content.starts_with(['#', ';', '!'])
        {
            let key = content[..separator].trim().trim_matches(['"', '\'', ':', '-', ' ']);
            let key = key.rsplit([':', '/', ' ', '"']).next().unwrap_or(key);
            let value = content[separator + 1..].trim_start_matches(['=', ' ', '\t']);
            let value = value.trim_end_matches(',').trim_matches(['"', '\'']);
            let start = at + (value.as_ptr() as usize - line.as_ptr() as usize);
            each(key, start..start + value.len());
        }
        at += line.len();
    }
}

/// Most bytes of one tag.
const TAG: usize = 1 << 10;

fn xml(text: &str, each: &mut dyn FnMut(&str, Range<usize>)) {
    for (open, _) in text.match_indices('<') {
        let inside = &text.as_bytes()[open + 1..text.len().min(open + TAG)];
        let Some(head) = memchr::memchr(b'>', inside).and_then(|end| text.get(open + 1..open + 1 + end)) else {
            continue;
        };
        if let Some((key, value)) = attribute(head, "key").zip(attribute(head, "value")) {
            each(&head[key], open + 1 + value.start..open + 1 + value.end);
        }
        let name = head.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        let start = open + 1 + head.len() + 1;
        let content = text[start..].split('<').next().unwrap_or_default();
        let value = content.trim();
        // `encoding="crypt"` is FileZilla's mark of a value that its master password protects.
        if !value.is_empty() && !head.ends_with('/') && !head.contains("\"crypt\"") {
            let from = start + (content.len() - content.trim_start().len());
            each(name, from..from + value.len());
        }
    }
}

/// Where the value of an attribute is in a tag.
fn attribute(head: &str, name: &str) -> Option<Range<usize>> {
    let start = head.find(&format!(" {name}=\""))? + name.len() + 3;
    Some(start..start + head[start..].find('"')?)
}

#[cfg(test)]
mod tests {
    use testudo_model::Confidence;

    use super::*;

    fn values<'a>(path: &str, text: &'a str) -> Vec<(&'static str, &'a str, Confidence)> {
        find(path, text).into_iter().map(|s| (s.rule, &text[s.range], s.confidence)).collect()
    }

    #[test]
    fn every_file_gives_its_secrets_and_nothing_else() {
        for (path, text, expected) in [
            (
                "home/.npmrc",
                "//r.example/:_authToken=abc7-Dock\n//r.example/:_auth=${A}\nemail=a@b.example\n",
                vec!["abc7-Dock"],
            ),
            (".yarnrc.yml", "npmAuthToken: \"abc7-Dock\"\nnpmAlwaysAuth: true\n", vec!["abc7-Dock"]),
            (".gem/credentials", "---\n:rubygems_api_key: abc7-Dock\n", vec!["abc7-Dock"]),
            ("x/gradle.properties", "systemProp.https.proxyPassword=Rope-7\norg.gradle.jvmargs=-X\n", vec!["Rope-7"]),
            (
                "auth.json",
                r#"{"http-basic": {"r.example": {"username": "u", "password": "Rope-7"}}, "github-oauth": {"h": "tok77"}}"#,
                vec!["Rope-7", "tok77"],
            ),
            ("NuGet.Config", "<add key=\"ClearTextPassword\" value=\"Rope-7\" />", vec![]),
            ("nuget.config", "<add key=\"ClearTextPassword\" value=\"Rope-7\" />", vec!["Rope-7"]),
            ("m2/settings.xml", "<password>\n  Rope-7\n</password><password>{abc=}</password>", vec!["Rope-7"]),
            (
                ".kube/config",
                "    token: abc7-Dock\n    tokenFile: /x\n    client-key-data: TUlJ\n",
                vec!["abc7-Dock", "TUlJ"],
            ),
            ("rclone.conf", "pass = Rope-7\nask_password = false\nbypass = 12345\n", vec!["Rope-7"]),
            (".my.cnf", "password = \"a;b;c\"\ndefault_password_lifetime = 0\n#password = x\n", vec!["a;b;c"]),
            ("sitemanager.xml", "<Pass encoding=\"crypt\">abcd</Pass><Pass>Rope-7</Pass>", vec!["Rope-7"]),
            ("notes.txt", "password = Rope-7\n", vec![]),
        ] {
            let found: Vec<&str> = values(path, text).into_iter().map(|(_, value, _)| value).collect();
            assert_eq!(found, expected, "{path}");
        }
        assert_eq!(values(".pypirc", "password = changeme\n"), [(REGISTRY, "changeme", Confidence::Low)]);
    }

    #[test]
    fn any_text_is_read() {
        let pieces = ["<", ">", "pass", "=", ": ", "\"", "\n", "/", " key=\"", " value=\"", "ä", "-", "\t"];
        let mut state = 23u64;
        for _ in 0..3000 {
            let mut text = String::new();
            for _ in 0..30 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            for path in ["rclone.conf", "sitemanager.xml", "robomongo.json", "nuget.config"] {
                assert!(find(path, &text).iter().all(|s| text.get(s.range.clone()).is_some()), "{text}");
            }
        }
    }
}
