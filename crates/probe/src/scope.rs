//! What may be requested: one host, below one path, and never what ends a session or destroys something.
//!
//! A path is judged in two readings: as it stands, and as a server may read it that undoes encodings, takes a backslash
//! for a slash and resolves dots before it looks up a route. Both must be in scope.

use testudo_net::Url;

/// Words that name something that cannot be undone, or that ends the session of the test. A path or query with one of
/// them is left alone.
const LEFT_ALONE: &[&str] = &[
    "cancel",
    "clear",
    "deactivate",
    "delete",
    "destroy",
    "disable",
    "drop",
    "erase",
    "kill",
    "logoff",
    "logout",
    "purge",
    "reboot",
    "remove",
    "reset",
    "restart",
    "revoke",
    "shutdown",
    "signoff",
    "signout",
    "terminate",
    "truncate",
    "uninstall",
    "unregister",
    "unsubscribe",
    "wipe",
];

/// From this length on, a word is left alone in whatever it begins or ends: `deleteuser`, `dologout`. Shorter ones begin
/// words that mean something else: `dropdown`, `resettle`.
const LONG: usize = 6;

/// What one of the shorter words is done to.
const DONE_TO: &[&str] = &["account", "all", "cache", "data", "database", "db", "table", "tables", "user", "users"];

/// Pairs of words that mean the same as one of the above.
const PAIRS: &[(&str, &str)] = &[("log", "off"), ("log", "out"), ("shut", "down"), ("sign", "off"), ("sign", "out")];

/// How often an encoding is undone at most.
const ROUNDS: usize = 3;

/// Why a path is not requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutOfScope {
    /// Not below the path of the target, or not below what is included.
    Elsewhere,
    /// Excluded by the user.
    Excluded,
    /// It names something that ends a session or destroys.
    LeftAlone,
    /// No address can be made of it.
    Invalid,
}

impl OutOfScope {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Elsewhere => "outside of the scope",
            Self::Excluded => "excluded",
            Self::LeftAlone => "left alone, because its name says that it ends a session or destroys something",
            Self::Invalid => "no valid address",
        }
    }
}

/// The agreed bounds.
#[derive(Debug, Clone)]
pub struct Scope {
    url: Url,
    prefix: String,
    include: Vec<String>,
    exclude: Vec<String>,
}

impl Scope {
    /// The host of an address, below its folder: everything up to the last slash of its path. Paths of `include` and
    /// `exclude` stand for themselves and what is below them.
    #[must_use]
    pub fn new(url: Url, include: &[String], exclude: &[String]) -> Self {
        let path = url.target().split('?').next().unwrap_or_default();
        let prefix = path[..=path.rfind('/').unwrap_or(0)].to_owned();
        let clean = |paths: &[String]| {
            let absolute = |path: &String| format!("/{}", path.trim_matches('/'));
            paths.iter().map(absolute).collect()
        };
        Self { url, prefix, include: clean(include), exclude: clean(exclude) }
    }

    /// The address that was named.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The folder that everything is below of, with a slash at both ends.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The address of a path and query within the scope.
    ///
    /// # Errors
    /// Why it is not requested.
    pub fn admit(&self, target: &str) -> Result<Url, OutOfScope> {
        let url = self.url.clone().with_target(target).map_err(|_| OutOfScope::Invalid)?;
        let (path, query) = url.target().split_once('?').unwrap_or((url.target(), ""));
        for reading in [path.to_owned(), resolved(path)] {
            self.path(&reading)?;
        }
        // Some servers take dots out and leave others behind; nobody can tell where that leads.
        let narrow = self.prefix != "/" || !self.include.is_empty() || !self.exclude.is_empty();
        if narrow && decoded(path).contains("..") {
            return Err(OutOfScope::Elsewhere);
        }
        let query = decoded(query);
        if speaks_of_harm(&resolved(path)) || speaks_of_harm(&query) {
            return Err(OutOfScope::LeftAlone);
        }
        Ok(url)
    }

    /// Whether the fields of a form name something that is left alone.
    #[must_use]
    pub fn is_harm(&self, form: &str) -> bool {
        speaks_of_harm(&decoded(form))
    }

    fn path(&self, path: &str) -> Result<(), OutOfScope> {
        if !path.starts_with(&self.prefix) {
            return Err(OutOfScope::Elsewhere);
        }
        if self.exclude.iter().any(|excluded| is_below(&path.to_ascii_lowercase(), &excluded.to_ascii_lowercase())) {
            return Err(OutOfScope::Excluded);
        }
        let included = self.include.is_empty() || self.include.iter().any(|included| is_below(path, included));
        if included { Ok(()) } else { Err(OutOfScope::Elsewhere) }
    }
}

/// Whether a path is another one or below it.
fn is_below(path: &str, other: &str) -> bool {
    other == "/" || path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A text with its percent-encodings undone, as often as some servers do.
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..ROUNDS {
        let next = decoded_once(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

fn decoded_once(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, _, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A path as the most obliging server reads it.
fn resolved(path: &str) -> String {
    let plain = decoded(path).replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for part in plain.split('/') {
        // What stands behind a semicolon is a parameter to some servers.
        match part.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let slash = if plain.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    format!("/{}{slash}", parts.join("/"))
}

/// Whether a text has one of the words that are left alone, whatever their case and what stands around them.
fn speaks_of_harm(text: &str) -> bool {
    let words = words(text);
    words.iter().any(|word| is_harmful(word))
        || words.windows(2).any(|pair| PAIRS.contains(&(pair[0].as_str(), pair[1].as_str())))
}

/// Whether a word is one of those that are left alone, or one of them and what it is done to written together.
fn is_harmful(word: &str) -> bool {
    LEFT_ALONE.iter().any(|harm| {
        let joined = |rest: &str| rest.is_empty() || harm.len() >= LONG || DONE_TO.contains(&rest);
        word.strip_prefix(harm).is_some_and(joined) || (harm.len() >= LONG && word.ends_with(harm))
    })
}

/// The words of a text: runs of letters, and of `camelCase` each part.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in text.chars() {
        let begins = !c.is_alphabetic() || (c.is_uppercase() && before.is_lowercase());
        if begins {
            words.push(String::new());
        }
        if c.is_alphabetic() {
            words.last_mut().expect("there is a word from the start").extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(url: &str, include: &[&str], exclude: &[&str]) -> Scope {
        let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        Scope::new(Url::parse(url).unwrap(), &owned(include), &owned(exclude))
    }

    #[test]
    fn one_folder_of_one_host_is_in_scope() {
        use OutOfScope::{Elsewhere, Excluded, Invalid, LeftAlone};
        let scope = scope("https://shop.example/app/start", &[], &["/app/admin", "app/Billing/"]);
        for (target, expected) in [
            ("/app/", Ok(())),
            ("/app/x?y=1", Ok(())),
            ("/app/adminer", Ok(())),
            ("/app", Err(Elsewhere)),
            ("/apple/", Err(Elsewhere)),
            ("/", Err(Elsewhere)),
            ("/app/admin", Err(Excluded)),
            ("/app/admin/users", Err(Excluded)),
            ("/app/ADMIN/users", Err(Excluded)),
            ("/app/billing/x", Err(Excluded)),
            ("/app/%61dmin/users", Err(Excluded)),
            ("/app/x/..%2fadmin", Err(Excluded)),
            ("/app/x;v=1/..%2fadmin", Err(Excluded)),
            ("/app//admin", Err(Excluded)),
            ("/app/admin;x=1/y", Err(Excluded)),
            ("/app/..%2fother", Err(Elsewhere)),
            ("/app/%252e%252e%252fother", Err(Elsewhere)),
            ("/app/..%5cother", Err(Elsewhere)),
            ("/app/....%2f%2f....%2f%2fother", Err(Elsewhere)),
            ("/app/x?file=../../y", Ok(())),
            ("/app/../other", Err(Invalid)),
            ("/app/logout", Err(LeftAlone)),
            ("/app/LogOut.php", Err(LeftAlone)),
            ("/app/log-out", Err(LeftAlone)),
            ("/app/signOut/now", Err(LeftAlone)),
            ("/app/l%6fgout", Err(LeftAlone)),
            ("/app/users/7/delete", Err(LeftAlone)),
            ("/app/users?action=deleteAll", Err(LeftAlone)),
            ("/app/users?a=%64elete", Err(LeftAlone)),
            ("/app/deleteuser?id=7", Err(LeftAlone)),
            ("/app/dologout", Err(LeftAlone)),
            ("/app/dropdb", Err(LeftAlone)),
            ("/app/killall", Err(LeftAlone)),
            ("/app/dropdown", Ok(())),
            ("/app/clearance", Ok(())),
            ("/app/undeleted", Ok(())),
            ("/app/catalogue", Ok(())),
        ] {
            assert_eq!(scope.admit(target).map(drop), expected, "{target}");
        }
    }

    #[test]
    fn includes_narrow_the_scope() {
        let scope = scope("https://shop.example/", &["/api", "/shop/"], &["/api/internal"]);
        for (target, admitted) in [
            ("/api", true),
            ("/api/v1", true),
            ("/shop/x", true),
            ("/", false),
            ("/apis", false),
            ("/api/internal/x", false),
        ] {
            assert_eq!(scope.admit(target).is_ok(), admitted, "{target}");
        }
    }

    /// Whatever is admitted lies below the prefix in every reading.
    #[test]
    fn no_spelling_leaves_the_folder() {
        let scope = scope("https://shop.example/app/", &[], &[]);
        let parts = ["/app/", "..", "%2e", "%252f", "/", "\\", "%5c", "x", ";", "a=b", "?", "%00", ".", "//", "admin"];
        let mut seed = 3_u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        for _ in 0..20_000 {
            let text: String = (0..=next(8)).map(|_| parts[next(parts.len())]).collect();
            if let Ok(url) = scope.admit(&text) {
                let path = url.target().split('?').next().unwrap_or_default();
                assert!(path.starts_with("/app/") && resolved(path).starts_with("/app/"), "{text}");
                assert_eq!(url.origin(), "https://shop.example");
            }
        }
    }
}
