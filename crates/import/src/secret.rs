//! Keeping what a report shows of secrets out of findings: values, matches, source lines, and messages that a rule filled
//! with them.
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

/// Longest message, in pieces, and longest source text, in bytes, that are compared; of longer ones the message is left out.
const MAX_PIECES: usize = 400;
const MAX_SOURCE: usize = 16 << 10;

/// What stands for a message that may hold a secret nobody can tell from the rest.
const WITHHELD: &str =
    "the message of the report is left out, because it may hold the secret; look at the place itself";

/// Whether a rule may show secrets, by its name and its weaknesses.
pub(crate) fn is_about(names: &[&str], cwe: &[u32]) -> bool {
    let speaks = |name: &&str| WORDS.iter().any(|word| name.to_ascii_lowercase().contains(word));
    names.iter().any(speaks) || cwe.iter().any(|number| WEAKNESSES.contains(number))
}

/// A message without pieces of the source text that it quotes.
///
/// `source` is what the report shows of the matched text, `fixed` are texts that do not depend on the place: the rule's
/// own. A message that is one of them is kept. Where the report does not show what was matched, nobody can say which part
/// of a message is the secret, so it is left out.
pub(crate) fn message(text: &str, source: Option<&str>, fixed: &[&str]) -> String {
    if fixed.iter().any(|own| own.trim() == text.trim()) {
        return text.to_owned();
    }
    let comparable = |source: &&str| source.len() <= MAX_SOURCE && text.split(is_border).nth(MAX_PIECES).is_none();
    let Some(source) = source.filter(comparable) else { return WITHHELD.to_owned() };
    let whole = source.trim();
    let text = if whole.is_empty() { text.to_owned() } else { text.replace(whole, &mask(whole)) };
    let (mut out, mut rest) = (String::with_capacity(text.len()), text.as_str());
    while !rest.is_empty() {
        let end = rest.find(is_border).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at(end);
        let quoted = piece.chars().count() >= SHORTEST && source.contains(piece);
        if quoted && !fixed.iter().any(|own| own.contains(piece)) {
            out.push_str(&mask(piece));
        } else {
            out.push_str(piece);
        }
        let border = tail.chars().next().map_or(0, char::len_utf8);
        out.push_str(&tail[..border]);
        rest = &tail[border..];
    }
    out
}

fn is_border(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '(' | ')' | '<' | '>')
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
    fn what_a_message_quotes_is_masked() {
        let line = "password = \"correct horse 9f\"";
        for (text, source, fixed, expected) in [
            ("found: correct horse 9f", Some(line), &[][..], "found: …(7) …(5) …(2)"),
            ("password here: 'correct'", Some(line), &["a password here"], "password here: '…(7)'"),
            ("static", None, &["static"], "static"),
            ("found: correct", None, &[], WITHHELD),
            ("key has leaked", Some("zzz"), &[], "key has leaked"),
        ] {
            assert_eq!(message(text, source, fixed), expected);
        }
    }

    #[test]
    fn every_line_of_a_value_is_masked() {
        assert_eq!(without("a BEGIN\nb END c", "BEGIN\nb END"), "a …(11) c");
        assert_eq!(without("x b END", "BEGIN\nb END"), "x …(5)");
    }
}
