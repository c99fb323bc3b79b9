//! Values that stand for a secret without being one.

use std::sync::OnceLock;

use super::words;
use crate::engine::literal::LiteralScanner;

/// Words that people put where a secret will go. Compared inside the value, in lower case.
const WORDS: &[&str] = &[
    "example",
    "changeme",
    "change_me",
    "change-me",
    "change me",
    "changethis",
    "change_this",
    "change-this",
    "set-secure",
    "placeholder",
    "your_",
    "your-",
    "yourapi",
    "yourpass",
    "yoursecret",
    "yourtoken",
    "your ",
    "xxxx",
    "redacted",
    "dummy",
    "sample",
    "insert",
    "replace",
    "<secret",
    "notreal",
    "not-real",
    "not_a_real",
    "not-a-",
    "not_a_",
    "fixme",
    "lorem",
    "deadbeef",
    "0000000",
    "1234567890",
    "abcdefgh",
    "qwertyui",
    "...",
    "***",
    "censored",
    "removed",
    "my-secret-",
    "enter_",
    "enter-",
    "goes_here",
    "goes-here",
    "goeshere",
    "please",
    "_here",
    "-here",
    "put_",
    "undefined",
    "to-be-",
];

/// Words so short that random text holds them by chance in some mixture of cases: they count as people write them.
const SHORT: &[&str] = &["fake", "todo"];

/// Whether a value is a placeholder, a template or a run of the same character.
#[must_use]
pub(super) fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    is_template(value)
        || is_monotone(&lower)
        || has_word(value)
        || has_short_word(value)
        || has_long_run(&lower)
        || is_stuttered(&lower)
        || is_shortened(value)
        || is_marked(value)
}

/// Whether one of the short words is in the value, in small letters, in capitals, or with a capital in front. The
/// shortest has to stand alone.
fn has_short_word(value: &str) -> bool {
    let written = |word: &&str| {
        let capital = word[..1].to_ascii_uppercase() + &word[1..];
        value.contains(*word) || value.contains(&word.to_ascii_uppercase()) || value.contains(&capital)
    };
    SHORT.iter().any(written)
        || value.split(|c: char| !c.is_ascii_alphanumeric()).any(|piece| piece.eq_ignore_ascii_case("tbd"))
}

/// Whether one of the words is in the value.
fn has_word(value: &str) -> bool {
    static SCANNER: OnceLock<LiteralScanner> = OnceLock::new();
    let mut found = false;
    let scanner = SCANNER.get_or_init(|| LiteralScanner::new(WORDS));
    scanner.scan(value.as_bytes(), 0..value.len(), |_| found = true);
    found
}

/// Whether the value is filled in later: `${X}`, `{{x}}`, `<x>`, `%s`, `$(cmd)`, `#{x}`, `%X%`, `@x@`.
#[must_use]
pub(super) fn is_template(value: &str) -> bool {
    let value = value.trim();
    let wrapped = |open: &str, close: &str| {
        value.len() > open.len() + close.len() && value.starts_with(open) && value.ends_with(close)
    };
    let inside = MARKS.iter().any(|(open, _)| value.contains(open));
    inside && !is_random(value)
        || wrapped("<", ">")
        || wrapped("%", "%")
        || wrapped("@", "@")
        || wrapped("{", "}")
        || wrapped("[", "]")
        || wrapped("__", "__")
        || value.starts_with("!!!")
        || value.starts_with('$')
            && value[1..].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && value.len() > 1
        || value.starts_with('%') && value.len() <= 4
}

/// What opens something that is filled in later, and what closes it.
const MARKS: &[(&str, &str)] =
    &[("${", "}"), ("{{", "}}"), ("$(", ")"), ("#{", "}"), ("<%", "%>"), ("[[", "]]"), ("%(", ")"), ("((", "))")];

/// Directives of formats: what is put in their place closes nothing.
const DIRECTIVES: &[&str] = &["%s", "%d", "%@"];

/// Whether a value that holds such a mark holds it by chance: nothing closes it, and all else is plainly random. Passwords
/// that a program makes of all printable characters look like this now and then.
#[must_use]
pub(super) fn is_random(value: &str) -> bool {
    let closed =
        |(open, close): &(&str, &str)| value.find(open).is_some_and(|at| value[at + open.len()..].contains(close));
    let marks = MARKS.iter().map(|(open, _)| *open).chain(DIRECTIVES.iter().copied());
    let held: usize = marks.clone().map(|mark| value.matches(mark).count()).sum();
    if held != 1 || value.contains("{}") || MARKS.iter().any(closed) || value.contains(char::is_whitespace) {
        return false;
    }
    let rest = marks.fold(value.to_owned(), |text, mark| text.replacen(mark, " ", 1));
    let count = |kind: fn(&char) -> bool| rest.chars().filter(kind).count();
    let special = |c: &char| c.is_ascii_punctuation() && !matches!(c, '_' | '-' | '.' | ',' | '/' | ':' | '=');
    let runs = rest.split(|c: char| !c.is_ascii_alphabetic());
    rest.len() > 12
        && count(char::is_ascii_lowercase) > 1
        && count(char::is_ascii_uppercase) > 1
        && count(char::is_ascii_digit) > 1
        && count(special) > 0
        && !runs.filter(|run| run.len() >= 4).any(|run| words::is_plain_word(&run.to_ascii_lowercase()))
}

/// A word between signs that say what was there: `$encrypted$`, `**masked**`.
fn is_marked(value: &str) -> bool {
    let inside = value.trim_matches(['$', '*', '#', '~', '|']);
    let letters = |text: &str| text.len() >= 4 && text.bytes().all(|b| b.is_ascii_lowercase());
    let sides = (value.len() - inside.len()) / 2;
    sides > 0 && letters(inside) && value[..sides] == value[value.len() - sides..] && words::is_word(inside)
}

/// A value with its middle left out: `gA..H`.
fn is_shortened(value: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let part = |text: &str| !text.is_empty() && text.len() <= 8 && text.bytes().all(allowed);
    value.split_once("..").is_some_and(|(head, tail)| part(head) && part(tail))
}

/// Whether a text only repeats one piece of at most so many characters: `keykeykeykey`.
#[must_use]
pub(super) fn is_repeated(text: &[u8], most: usize) -> bool {
    (1..=most.min(text.len() / 3)).any(|piece| text.iter().zip(&text[piece..]).all(|(a, b)| a == b))
}

/// One character, or two, over and over.
fn is_monotone(value: &str) -> bool {
    let mut kinds: Vec<char> = value.chars().collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.len() <= 1 || kinds.len() == 2 && value.chars().count() >= 8
}

/// Whether each letter or digit stands three times or more in a row: `aaaabbbb-cccc-dddd`.
fn is_stuttered(value: &str) -> bool {
    let bytes: Vec<u8> = value.bytes().filter(u8::is_ascii_alphanumeric).collect();
    bytes.len() >= 9 && bytes.chunk_by(|a, b| a == b).all(|run| run.len() >= 3)
}

/// Eight or more of one character in a row.
fn has_long_run(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.windows(8).any(|w| w.iter().all(|b| *b == w[0]))
}

/// Whether a long value only counts up or down: `0123456789abcdef`.
#[must_use]
pub(super) fn is_sequence(value: &str) -> bool {
    let mut bytes = value.as_bytes().to_vec();
    // `00001111aaaabbbb` counts too.
    bytes.dedup();
    let step = |w: &[u8]| w[1].wrapping_sub(w[0]) == 1 || w[0].wrapping_sub(w[1]) == 1 || w == b"9a";
    let steps = bytes.windows(2).filter(|w| step(w)).count();
    bytes.len() >= 6 && steps * 4 >= (bytes.len() - 1) * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_and_real_values() {
        for value in [
            "changeme",
            "${DB_PASS}",
            "{{ vault.pw }}",
            "<token>",
            "xxxxxxxxxxxx",
            "your-api-key",
            "%s",
            "$SECRET",
            "AKIAIOSFODNN7EXAMPLE",
            "********",
            "aaaaaaaaaaaa",
            "AAAAbbbb-cccc-dddd-eeee-ffffgggghhhh",
            "FakeKey77",
            "gX..H",
            "12345-st..E",
            "$encrypted$",
            "**masked**",
            "((job.password))",
            "some-words-to-sign-please-make-your-own",
            "key-TBD-1",
            "Xk9!$(cat)2mPqvR8w",
            "Xk9!${secretmanager2R8w",
        ] {
            assert!(is_placeholder(value), "{value}");
        }
        for value in [
            "Z7TBDQ3XW5",
            "8htBDsMOGG",
            "q8fAkE7Tn2",
            "hunter2-dock",
            "Tr0ub4dor&3",
            "9f86d081884c7d65",
            "p@ss$word1",
            "zq8X-77ab",
            "xK9$(2mPq!vR8w",
            "tR4#{vQ9&zLp2Xk",
        ] {
            assert!(!is_placeholder(value), "{value}");
        }
        assert!(is_repeated(b"keykeykeyke", 8) && !is_repeated(b"keykeykexke", 8) && !is_repeated(b"keykey", 8));
        assert!(
            is_sequence("0123456789")
                && is_sequence("fedcba98")
                && is_sequence("000011112222333344445555aaaabbbb")
                && !is_sequence("a8f3kd92")
        );
    }
}
