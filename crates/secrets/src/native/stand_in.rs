//! Values that Kingfisher takes for stand-ins, whatever rule finds them.
//!
//! Its list is about runs of the keyboard, sample keys, variables, and assignments of words that are no secrets. The same
//! cases are told apart here, read as assignments and addresses.

/// Texts that nobody's secret holds.
const TELLING: [&str; 4] = ["123456789", "abcdefghij", "<secretmanager>", "classpath://"];

/// Words that names of secrets hold.
const NAMES: [&str; 6] = ["pass", "pwd", "secret", "cred", "key", "auth"];

/// What is assigned to such a name and is none.
const NO_SECRETS: [&str; 9] =
    ["encrypted", "true", "false", "null", "nil", "none", "hunter2", "#/components/schemas/", "openssl rand"];

/// Most characters between a name and the sign behind it, and between the sign and what is assigned.
const NEAR: usize = 8;

/// Whether a value stands for a secret and is none.
pub(super) fn is_stand_in(value: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(value).to_lowercase();
    TELLING.iter().any(|text| lower.contains(text))
        || is_sample_key(&lower)
        || is_variable(&lower)
        || is_sample_address(&lower)
        || assigned(&lower).any(|value| {
            let bare = value.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '('));
            let name = bare.strip_prefix('$').map_or(0, |rest| rest.bytes().take_while(is_word).count());
            name >= 4 || NO_SECRETS.iter().any(|word| starts_with_word(bare, word))
        })
}

/// Key ids of AWS as documentation and tests make them up, and values that end in `EXAMPLEKEY`.
fn is_sample_key(lower: &str) -> bool {
    let id = lower.find("akia").map(|at| &lower[at + 4..]);
    let id =
        id.is_some_and(|id| id.starts_with("test") || ["example", "fake", "sample"].iter().any(|w| id.contains(w)));
    id || lower.contains([':', '=']) && ["examplekey", "secretmanager"].iter().any(|word| lower.ends_with(word))
}

/// `name=${VARIABLE}`.
fn is_variable(lower: &str) -> bool {
    let Some((head, rest)) = lower.split_once("${") else { return false };
    let length = rest.bytes().take_while(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'-')).count();
    head.contains(['=', ':']) && (5..=30).contains(&length) && rest[length..].starts_with('}')
}

/// An address with credentials whose host begins with `example` or `test`.
fn is_sample_address(lower: &str) -> bool {
    let Some((credentials, host)) = lower.split_once("//").and_then(|(_, rest)| rest.split_once('@')) else {
        return false;
    };
    let near: String = host.chars().take(16 + "example".len()).collect();
    credentials.contains(':') && (near.contains("example") || near.contains("test"))
}

/// What is assigned to each name that speaks of a secret.
fn assigned(lower: &str) -> impl Iterator<Item = &str> {
    let ends = NAMES.iter().flat_map(|name| lower.match_indices(name).map(|(at, name)| &lower[at + name.len()..]));
    ends.filter_map(|rest| {
        let sign = rest.char_indices().take(NEAR + 1).find(|(_, c)| matches!(c, '=' | ':' | '?'))?;
        Some(&rest[sign.0 + 1..])
    })
}

fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || *byte == b'_'
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| !rest.as_bytes().first().is_some_and(is_word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_are_known() {
        for (value, expected) in [
            ("q8Zr7Tn2Lw4s", false),
            ("x0123456789y", true),
            ("ABCDEFGHIJ", true),
            ("AKIAQ8ZREXAMPLE", true),
            ("password = true", true),
            ("password = trueblue", false),
            ("password = $HOME_DIR", true),
            ("password = q8Zr7Tn2", false),
            ("api_key: openssl rand -hex 8", true),
            ("https://user:q8Zr7Tn2@example.org", true),
            ("https://user:q8Zr7Tn2@db.acme", false),
            ("x=${ACME_KEY}", true),
            ("a=\u{e9}key=\u{e9}", false),
        ] {
            assert_eq!(is_stand_in(value.as_bytes()), expected, "{value}");
        }
    }
}
