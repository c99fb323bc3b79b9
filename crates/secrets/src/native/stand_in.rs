//! Values that Kingfisher takes for stand-ins, whatever rule finds them.
//!
//! Most of its conditions are about matches that are whole assignments (`password=...`); a value alone meets few of them.

use std::sync::LazyLock;

use crate::engine::Pattern;

/// A name that speaks of a secret, up to what is assigned to it.
const ASSIGNED: &str = "(?:pass(?:w(?:or)?d)?|pwd|secret|cred|key|auth(?:orization)?)[^=:?]{0,8}[=:?][^=:?]{0,8}";

/// Conditions behind an assignment: redacted, a variable, generated, encrypted, a truth value, nothing, or a known joke.
const VALUES: [&str; 7] = [
    r"\s(?:&&|\|\||\*{5})",
    r"\b\w{4,12}\s{0,6}=\s{0,6}\D{0,3}\w",
    r"\$\w{4}",
    "encrypted",
    r"\b(?:true|false)\b",
    r"\b(?:null|nil|none|pass(?:w(?:or)?d)?|pwd|secret|cred|key|auth(?:orization)?).{1,6}$",
    "hunter2",
];

/// Conditions about the value as a whole.
const WHOLE: [&str; 11] = [
    "123456789|abcdefghij",
    r"\bAKIA(?:.*?EXAMPLE|.*?FAKE|TEST|.*?SAMPLE)\b",
    "[:=][^:=]{0,64}EXAMPLEKEY",
    r"[:=][^:=]{0,32}\bSECRETMANAGER",
    "<secretmanager>",
    "[=:?][^=:?]{0,8}#/components/schemas/",
    r"\bmongodb(?:\+srv)?://(?:user|foo)[^:@]+:(?:pass|bar)[^@]+@[-\w.%+/:]{3}",
    r"\bclasspath://",
    r"\b[^\s]{0,16}[=:][^$]*\$\{[a-z_-]{5,30}\}",
    r"\b(?:https?:)?//[^:@]{3,50}:[^:@]{3,50}@[\w.]{0,16}(?:example|test)",
    r"(?:pass(?:w(?:or)?d)?|pwd|secret|cred|key|auth(?:orization)?)[^=:?]{0,16}[=:?][^=:?]{0,8}\bopenssl\s{0,4}rand\b",
];

static CONDITIONS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let assigned = VALUES.iter().map(|value| format!("(?i){ASSIGNED}(?:{value})"));
    let whole = WHOLE.iter().map(|condition| format!("(?i)(?:{condition})"));
    assigned.chain(whole).map(|source| Pattern::unchecked(&source)).collect()
});

/// Whether a value stands for a secret and is none.
pub(super) fn is_stand_in(value: &[u8]) -> bool {
    CONDITIONS.iter().any(|condition| condition.is_match(value))
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
            ("password = $HOME_DIR", true),
            ("password = q8Zr7Tn2", false),
            ("api_key: openssl rand -hex 8", true),
            ("https://user:q8Zr7Tn2@db.example", true),
            ("https://user:q8Zr7Tn2@db.acme", false),
            ("x=${ACME_KEY}", true),
        ] {
            assert_eq!(is_stand_in(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn conditions_can_be_used() {
        for condition in CONDITIONS.iter() {
            assert!(Pattern::new(condition.as_str()).is_ok(), "{}", condition.as_str());
        }
    }
}
