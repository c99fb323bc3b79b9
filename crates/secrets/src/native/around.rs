//! What stands around a value on its line: whether it is the value of its name at all, and what else it may be.
//!
//! Expressions see a name and what follows it. Whether that is the first word of a sentence, a part of an address or a
//! piece of a program without line breaks shows in the text on both sides.

use std::ops::Range;

/// Bytes behind a value that are looked at.
const BEHIND: usize = 160;

/// Bytes of an address in front of a value that are looked at.
const ADDRESS: usize = 200;

/// Bytes of a line that no person wrote.
const LONG: usize = 2_000;

/// Whether a bare value is only the first word of prose: `Pass: generated directory was created`. `behind` is what
/// follows it.
pub(super) fn begins_prose(value: &str, behind: &[u8]) -> bool {
    let plain = value.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '.' | ',' | '\u{2019}'));
    if !plain || !behind.starts_with(b" ") {
        return false;
    }
    let line = behind.iter().take(BEHIND).position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(behind.len().min(BEHIND));
    let text = String::from_utf8_lossy(&behind[..line]);
    let mut words = text.split_whitespace().peekable();
    let begins = words.peek().is_some_and(|first| first.starts_with(char::is_alphabetic));
    let words: Vec<&str> = words.collect();
    // Two words of a sentence make one, whatever a program puts at its end.
    begins
        && (words.iter().all(|word| is_of_prose(word))
            || words.len() > 2 && words[..2].iter().all(|word| is_plain(word)))
}

/// Whether a word is letters only, as in a sentence.
fn is_plain(word: &str) -> bool {
    word.len() >= 2 && word.bytes().all(|b| b.is_ascii_lowercase())
}

/// Whether a word may be one of a sentence: no switch, operator, comment, variable or assignment.
fn is_of_prose(word: &str) -> bool {
    let word = word.trim_end_matches(['"', '\'', '`', '\\', '\u{fffd}']);
    let marks = |c: char| matches!(c, '-' | '_' | '\'' | '.' | ',' | ':' | '!' | '?' | '(' | ')' | '/' | '\u{2019}');
    let switch = word.starts_with('-') && word.len() > 1;
    let sign = switch || word.starts_with("//") || word.contains("://");
    !sign && word.chars().all(|c| c.is_alphanumeric() || marks(c))
}

/// Whether a name is a part of a name with colons, as in `urn:app:secret:name`. `before` is what precedes it, `head` runs
/// from it to the value.
pub(super) fn is_in_urn(before: &[u8], head: &str) -> bool {
    let joined = head.ends_with(':') && head.matches(':').count() == 1;
    joined && before.strip_suffix(b":").and_then(<[u8]>::last).is_some_and(u8::is_ascii_alphanumeric)
}

/// Whether a name stands in the query of an address: `?name=value&other=value`. `before` is what precedes it. Two `&` are an
/// operator.
pub(super) fn is_in_query(before: &[u8]) -> bool {
    match before.split_last() {
        Some((b'?', rest)) => rest.last().is_some_and(|b| b.is_ascii_alphanumeric() || b"/-_.}>)".contains(b)),
        Some((b'&', rest)) => rest.last().is_some_and(|b| b.is_ascii_alphanumeric() || b"%-_.=}>)".contains(b)),
        Some((b';', rest)) => rest.ends_with(b"&amp"),
        _ => false,
    }
}

/// Whether a name is one of a connection's settings, blanks between them: `host=db user=joe password=...`. `before` is what
/// precedes the name, `behind` what follows its value.
pub(super) fn is_in_connection(before: &[u8], behind: &[u8]) -> bool {
    let is_setting = |word: &[u8]| SETTINGS.iter().any(|name| word.starts_with(name));
    let blank = |b: &u8| *b == b' ' || *b == b'"' || *b == b'\'' || *b == b'`';
    let precedes = before.ends_with(b" ") && before.trim_ascii_end().rsplit(blank).next().is_some_and(is_setting);
    precedes || behind.strip_prefix(b" ").is_some_and(is_setting)
}

/// Settings of a connection to a database (libpq, section "Connection Strings").
const SETTINGS: [&[u8]; 7] = [b"user=", b"host=", b"hostaddr=", b"port=", b"dbname=", b"sslmode=", b"database="];

/// Whether a user stands right before a name: `user: joe, password: ...`. `before` is what precedes the name.
pub(super) fn follows_user(before: &[u8]) -> bool {
    let line = before.rsplit(|b| *b == b'\n').next().unwrap_or_default().to_ascii_lowercase();
    let Some(at) = USERS.iter().filter_map(|word| memchr::memmem::rfind(&line, word).map(|at| at + word.len())).max()
    else {
        return false;
    };
    let rest = line[at..].trim_ascii_start();
    let rest = rest.strip_prefix(b"name").unwrap_or(rest).trim_ascii_start();
    let Some(rest) = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"=")) else { return false };
    let named = rest.trim_ascii();
    !named.is_empty() && named.iter().filter(|b| b.is_ascii_whitespace()).count() <= 2
}

/// Words in front of the name of somebody.
const USERS: [&[u8]; 5] = [b"user", b"login", b"account", b"email", b"admin"];

/// Whether a value belongs to the address of a picture that shows a state (a badge): its token reads that one picture.
/// `start` is where its name starts.
pub(super) fn is_in_badge(text: &[u8], start: usize) -> bool {
    let before = &text[start.saturating_sub(ADDRESS)..start];
    if !before.ends_with(b"?") && !before.ends_with(b"&") {
        return false;
    }
    let delimiter = |b: &u8| b.is_ascii_whitespace() || b"\"'`()<>".contains(b);
    let address = before.rsplit(delimiter).next().unwrap_or_default().to_ascii_lowercase();
    [&b"badge"[..], b"shields.io"].iter().any(|mark| memchr::memmem::find(&address, mark).is_some())
}

/// Whether a value stands in an attribute that a page gives to every browser: `data-settings='{"token": ...`. `before`
/// is what precedes its name.
pub(super) fn is_in_page(before: &[u8]) -> bool {
    let Some(at) = memchr::memmem::rfind(before, b" data-") else { return false };
    let attribute = &before[at + 1..];
    let name = attribute.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
    let rest = &attribute[name..];
    let open = rest.strip_prefix(b"='").or_else(|| rest.strip_prefix(b"=\""));
    open.is_some_and(|rest| rest.starts_with(b"{") && !rest.contains(&b'}'))
}

/// Whether a value is an argument of what a test puts in the place of an account: `MockUser(name = "joe", password = ...`.
pub(super) fn is_of_mock(before: &[u8]) -> bool {
    let Some(open) = before.iter().rposition(|b| matches!(b, b'(' | b')')) else { return false };
    let word = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
    let length = before[..open].iter().rev().take_while(word).count();
    before[open] == b'(' && memchr::memmem::find(&before[open - length..open].to_ascii_lowercase(), b"mock").is_some()
}

/// Whether what stands in front of a name says that it is another's: a constraint of a data base (`FOREIGN KEY`), the key by
/// which others know somebody (`GPG key: ...`), the alias in front of a ciphertext, the folder that a shell is in (`$PWD`).
pub(super) fn is_of_another(before: &[u8], name: &str) -> bool {
    let ends = |words: &[&str]| {
        let lower = before.to_ascii_lowercase();
        words.iter().any(|word| lower.ends_with(word.as_bytes()))
    };
    let key = name.len() == 3 && name.eq_ignore_ascii_case("key");
    key && ends(&["foreign ", "primary ", "unique ", "gpg ", "pgp ", "{cipher}{"])
        || matches!(name, "PWD" | "OLDPWD") && ends(&["$", "${"])
}

/// Bytes on each side of a value in which the parameters of its hash stand.
const PARAMETERS: usize = 240;

/// Whether a value is what a password was hashed to: a digest in base64 or hexadecimal, with the number of `iterations` beside
/// it. `range` is where the value is.
pub(super) fn is_stored_hash(text: &[u8], range: &Range<usize>) -> bool {
    let value = &text[range.clone()];
    let coded = value.iter().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(b));
    // SHA-256 and SHA-512 in base64 with padding, or in hexadecimal.
    let digest = coded
        && match value.len() {
            44 | 88 => value.ends_with(b"="),
            64 | 128 => value.iter().all(u8::is_ascii_hexdigit),
            _ => false,
        };
    if !digest {
        return false;
    }
    let around = &text[range.start.saturating_sub(PARAMETERS)..text.len().min(range.end + PARAMETERS)];
    memchr::memmem::find(&around.to_ascii_lowercase(), b"iterations").is_some()
}

/// Whether a literal is put together with what follows: `"prefix-" + name`.
pub(super) fn is_piece(value: &str, behind: &[u8]) -> bool {
    let behind = &behind[..behind.len().min(8)];
    value.ends_with(['-', '_', ':', '/', '=', '.', ' ']) && behind.trim_ascii_start().starts_with(b"+")
}

/// Whether a place is inside of an expression of a template, as in `{{- $password := include "x" . }}`. `before` is what
/// precedes it.
pub(super) fn is_in_template(before: &[u8]) -> bool {
    let open = memchr::memmem::rfind(before, b"{{");
    open.is_some_and(|at| memchr::memmem::find(&before[at..], b"}}").is_none() && before[at + 2..].contains(&b'$'))
}

/// Whether a supposed literal is what stands between two: the quote in front of it closed one, as in
/// `"?token=".concat(name), "` or `"password: "),E=[C,"`.
pub(super) fn is_between_literals(value: &str) -> bool {
    let bytes = value.as_bytes();
    let opens = |pair: &[u8]| pair[0].is_ascii_alphabetic() && b"(=[".contains(&pair[1]);
    let signs = bytes.iter().filter(|b| b"(),;=[]{}+".contains(b)).count();
    let first = bytes.first().is_some_and(|b| b").,;+]}".contains(b));
    first && signs >= 3 && bytes.windows(2).any(opens)
}

/// Whether the line of a value is so long that no person wrote it.
pub(super) fn is_on_long_line(text: &[u8], range: &Range<usize>) -> bool {
    let (from, to) = (range.start.saturating_sub(LONG), text.len().min(range.end + LONG));
    let before = memchr::memrchr(b'\n', &text[from..range.start]).map_or(from, |at| from + at + 1);
    let behind = memchr::memchr(b'\n', &text[range.end..to]).map_or(to, |at| range.end + at);
    behind - before >= LONG
}

/// Where a bare value ends that is one of several in the query of an address: `a=value&b=...`.
pub(super) fn end_in_query(value: &[u8]) -> usize {
    let named = |at: &usize| {
        let rest = &value[at + 1..];
        let rest = rest.strip_prefix(b"amp;").unwrap_or(rest);
        let name = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_-.[]%".contains(b)).count();
        name > 0 && rest.get(name) == Some(&b'=')
    };
    memchr::memchr_iter(b'&', value).find(named).unwrap_or(value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_told_by_their_parameters() {
        let digest = "Rko3".repeat(21) + "Qw==";
        for (text, expected) in [
            (format!("\"password\": \"{digest}\", \"salt\": \"x\", \"iterations\": 101"), true),
            (format!("\"password\": \"{digest}\""), false),
            ("\"password\": \"Rope-7dock\", \"iterations\": 101".to_owned(), false),
        ] {
            let start = text.find(": \"").unwrap() + 3;
            let end = start + text[start..].find('"').unwrap();
            assert_eq!(is_stored_hash(text.as_bytes(), &(start..end)), expected, "{text}");
        }
    }

    #[test]
    fn settings_of_addresses_and_connections() {
        for (before, expected) in [
            ("https://x.example/v1?", true),
            ("/v1?a=1&", true),
            ("a=1&amp;", true),
            ("if (a &&", false),
            ("what ?", false),
        ] {
            assert_eq!(is_in_query(before.as_bytes()), expected, "{before}");
        }
        assert!(is_in_connection(b"\"host=db ", b""));
        assert!(is_in_connection(b"\"", b" sslmode=disable"));
        assert!(!is_in_connection(b"a = ", b" b"));
        assert!(follows_user(b"Username: joe, ") && follows_user(b"login=joe "));
        assert!(!follows_user(b"the user wants a ") && !follows_user(b"user: "));
    }

    #[test]
    fn expressions_of_templates() {
        assert!(is_in_template(b"x {{- $root"));
        assert!(!is_in_template(b"{{ $a }} db_") && !is_in_template(b"user: {{"));
    }

    #[test]
    fn keys_of_another_kind() {
        for (before, name, expected) in [
            ("the FOREIGN ", "KEY", true),
            ("our PGP ", "key", true),
            ("[[ \"$", "PWD", true),
            ("UID=x;", "PWD", false),
        ] {
            assert_eq!(is_of_another(before.as_bytes(), name), expected, "{before}{name}");
        }
    }

    #[test]
    fn sentences_are_told_from_commands() {
        for (value, behind, expected) in [
            ("generated", " folder was made\"\nx", true),
            ("no-op", " when THIS_IS_UNSET is not set\"", true),
            ("Output", " matches expected output:\\n$output\"", true),
            ("Ei-paikallinen", " k\u{e4}ytt\u{e4}j\u{e4}.", true),
            ("Aktuelles", " Passwort\r\nnext=1", true),
            ("harbour", "\nmore words", false),
            ("harbour", "", false),
            ("harbour", " # the old one", false),
            ("harbour", " // the old one", false),
            ("harbour", " -h localhost", false),
            ("harbour", " && run it", false),
            ("harbour", " port=5432", false),
            ("harbour", " run $IT", false),
            ("harbour", " \\", false),
            ("Rope7dock", " is the word", false),
        ] {
            assert_eq!(begins_prose(value, behind.as_bytes()), expected, "{value}{behind}");
        }
    }

    #[test]
    fn places_on_a_line_are_told() {
        for (text, expected) in [
            ("[![a](https://ci.example/badge.svg?", true),
            ("<img src=\"https://img.shields.io/x?a=b&", true),
            ("badge https://ci.example/x?", false),
            ("https://ci.example/badge/", false),
        ] {
            assert_eq!(is_in_badge(text.as_bytes(), text.len()), expected, "{text}");
        }
        for (before, head, expected) in
            [("urn:app:", "secret:", true), (" ", "secret:", false), ("pass:", "secret: ", false), (":", "key:", false)]
        {
            assert_eq!(is_in_urn(before.as_bytes(), head), expected, "{before}{head}");
        }
        for (before, expected) in [
            ("<a data-b-c='{\"", true),
            ("<a data-b='{\"x\": {}, \"", false),
            ("data='{", false),
            ("<a data-b=", false),
        ] {
            assert_eq!(is_in_page(before.as_bytes()), expected, "{before}");
        }
        for (before, expected) in
            [("@WithMockUser(name = \"joe\", ", true), ("mock(a), b(", false), ("mock(a), ", false), ("User(", false)]
        {
            assert_eq!(is_of_mock(before.as_bytes()), expected, "{before}");
        }
        for (value, behind, expected) in
            [("dock-", " + now()", true), ("dock", " + now()", false), ("dock-", ";", false)]
        {
            assert_eq!(is_piece(value, behind.as_bytes()), expected, "{value}{behind}");
        }
        for (value, expected) in [
            (".concat(name),n.show(", true),
            ("),E=[C,", true),
            (")Rope7,dock", false),
            (".dock.rope", false),
            ("Rope(a),b=c;", false),
        ] {
            assert_eq!(is_between_literals(value), expected, "{value}");
        }
        for (value, end) in [("a7&b=c", 2), ("a7&amp;b_c=d", 2), ("a7&b", 4), ("a7", 2), ("", 0), ("a&&b=", 2)] {
            assert_eq!(end_in_query(value.as_bytes()), end, "{value}");
        }
        let (short, long) = ("x".repeat(LONG / 2), "x".repeat(LONG));
        assert!(is_on_long_line(long.as_bytes(), &(9..12)) && !is_on_long_line(short.as_bytes(), &(9..12)));
        assert!(!is_on_long_line(format!("{short}\n{short}").as_bytes(), &(9..12)));
    }
}
