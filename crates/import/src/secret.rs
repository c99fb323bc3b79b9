//! Keeping what a report shows of secrets out of findings: values, matches, source lines, and messages that a rule may have
//! filled with them.
//!
//! A finding that is imported has no snippet at all: a report says which lines a rule matched, but not what else in them
//! opens something.

use testudo_redact::mask;

/// Numbers of weaknesses that are about secrets which can be read: stored, sent, logged or written into code.
const WEAKNESSES: &[u32] = &[200, 256, 257, 259, 260, 312, 319, 321, 522, 532, 540, 547, 615, 798];

/// Parts of names of rules that look for secrets.
const WORDS: &[&str] = &[
    "secret",
    "passw",
    "passphrase",
    "credential",
    "token",
    "api-key",
    "api_key",
    "apikey",
    "private-key",
    "private_key",
    "privatekey",
    "access-key",
    "access_key",
    "hardcoded",
    "hard-coded",
    "hard_coded",
    "jwt",
];

/// Shortest piece of a message that is masked: shorter ones are everywhere.
const SHORTEST: usize = 2;

/// What stands for a message that may hold a secret nobody can tell from the rest.
const WITHHELD: &str =
    "the message of the report is left out, because it may hold the secret; look at the place itself";

/// Whether a rule may show secrets, by its name and its weaknesses.
pub(crate) fn is_about(names: &[&str], cwe: &[u32]) -> bool {
    let speaks = |name: &&str| WORDS.iter().any(|word| name.to_ascii_lowercase().contains(word));
    names.iter().any(speaks) || cwe.iter().any(|number| WEAKNESSES.contains(number))
}

/// The message of a rule about secrets: only where it is one of the rule's own texts, which do not depend on the place. A rule
/// fills others with values of variables, and nobody can tell which part of them is a secret.
pub(crate) fn message(text: &str, fixed: &[&str]) -> String {
    if fixed.iter().any(|own| own.trim() == text.trim()) { text.to_owned() } else { WITHHELD.to_owned() }
}

/// A text without a value, and without the lines of a value that has several.
pub(crate) fn without(text: &str, value: &str) -> String {
    let pieces = std::iter::once(value).chain(value.lines()).map(str::trim).filter(|piece| piece.len() >= SHORTEST);
    pieces.fold(
        text.to_owned(),
        |text, piece| if text.contains(piece) { text.replace(piece, &mask(piece)) } else { text },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_about_secrets_are_known_by_name_or_weakness() {
        for (names, cwe, expected) in [
            (&["py.hardcoded-password"][..], &[][..], true),
            (&["acme", "Acme API_KEY"], &[], true),
            (&["x"], &[798], true),
            (&["sql-injection"], &[89], false),
        ] {
            assert_eq!(is_about(names, cwe), expected, "{names:?}");
        }
    }

    #[test]
    fn only_what_the_rule_itself_says_is_kept() {
        for (text, fixed, expected) in [
            ("a password is here", &["title", "a password is here "][..], "a password is here"),
            ("the password swordfish9 is here", &["a password is here"], WITHHELD),
            ("swordfish9.", &[], WITHHELD),
        ] {
            assert_eq!(message(text, fixed), expected);
        }
    }

    #[test]
    fn every_line_of_a_value_is_masked() {
        assert_eq!(without("a BEGIN\nb END c", "BEGIN\nb END"), "a …(11) c");
        assert_eq!(without("x b END", "BEGIN\nb END"), "x …(5)");
    }
}
