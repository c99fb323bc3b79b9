//! Words: what is language and what is chosen or random.

use super::trigrams::unseen;

/// Values that everybody writes and that open nothing worth reporting. Sorted.
const COMMON: &[&str] = &[
    "abc",
    "abc123",
    "access",
    "account",
    "admin",
    "administrator",
    "alice",
    "anonymous",
    "any",
    "apikey",
    "app",
    "auth",
    "authorization",
    "bar",
    "basic",
    "baz",
    "bearer",
    "bob",
    "boolean",
    "bytes",
    "changeit",
    "client",
    "code",
    "config",
    "contrasena",
    "credential",
    "credentials",
    "db",
    "debug",
    "default",
    "demo",
    "dev",
    "development",
    "digest",
    "disabled",
    "empty",
    "enabled",
    "env",
    "error",
    "false",
    "file",
    "filter",
    "foo",
    "geheim",
    "guest",
    "hello",
    "hidden",
    "hunter",
    "hunter2",
    "id",
    "ignored",
    "input",
    "int",
    "integer",
    "invalid",
    "john",
    "key",
    "keys",
    "letmein",
    "local",
    "localhost",
    "login",
    "master",
    "me",
    "motdepasse",
    "my-password",
    "my-secret",
    "my-token",
    "mykey",
    "mypass",
    "mypassword",
    "mysecret",
    "mytoken",
    "name",
    "new",
    "newpassword",
    "nil",
    "no",
    "none",
    "nothing",
    "null",
    "number",
    "oauth",
    "oauth2",
    "object",
    "off",
    "ok",
    "old",
    "on",
    "optional",
    "owner",
    "pass",
    "pass123",
    "passphrase",
    "passwd",
    "password",
    "password1",
    "password123",
    "password2",
    "passwords",
    "passwort",
    "plain",
    "postgres",
    "private",
    "prod",
    "production",
    "public",
    "pwd",
    "required",
    "root",
    "secret",
    "secretkey",
    "secrets",
    "senha",
    "session",
    "some",
    "someone",
    "something",
    "staging",
    "string",
    "strong",
    "super",
    "supersecret",
    "system",
    "test",
    "test1",
    "test123",
    "tester",
    "testing",
    "testpass",
    "testpassword",
    "text",
    "this",
    "token",
    "topsecret",
    "true",
    "type",
    "undefined",
    "unknown",
    "unset",
    "unused",
    "user",
    "username",
    "users",
    "valid",
    "value",
    "vault",
    "verysecret",
    "wrong",
    "wrongpassword",
    "x-oauth-basic",
    "yes",
];

/// Names of accounts that are passwords of the same accounts. Sorted.
const ACCOUNTS: &[&str] =
    &["admin", "administrator", "guest", "mongo", "mysql", "oracle", "postgres", "rabbitmq", "root", "sa"];

/// Whether a value is the name of an account that a system is set up with, and often its password too.
#[must_use]
pub(super) fn is_account(value: &str) -> bool {
    ACCOUNTS.binary_search(&value).is_ok()
}

/// Passwords that are chosen most often, and tried first by whoever breaks in. Words that rather stand for a password are
/// not among them. Sorted.
const CHOSEN: &[&str] = &[
    "111111",
    "112233",
    "121212",
    "123123",
    "123321",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1q2w3e",
    "1q2w3e4r",
    "1qaz2wsx",
    "555555",
    "654321",
    "666666",
    "696969",
    "777777",
    "888888",
    "987654321",
    "a123456",
    "abcd1234",
    "admin",
    "admin1",
    "admin123",
    "admin1234",
    "adminadmin",
    "administrator",
    "asdf",
    "asdf1234",
    "asdfgh",
    "baseball",
    "batman",
    "charlie",
    "dragon",
    "football",
    "freedom",
    "guest",
    "hunter2",
    "iloveyou",
    "killer",
    "letmein",
    "login",
    "master",
    "michael",
    "mongo",
    "monkey",
    "mustang",
    "mysql",
    "ninja",
    "oracle",
    "p@ssw0rd",
    "p@ssword",
    "pa55w0rd",
    "pa55word",
    "pass123",
    "pass1234",
    "passw0rd",
    "postgres",
    "princess",
    "qazwsx",
    "qwerty",
    "qwerty123",
    "qwertyuiop",
    "rabbitmq",
    "raspberry",
    "root",
    "root123",
    "rootroot",
    "s3cr3t",
    "s3cret",
    "shadow",
    "starwars",
    "sunshine",
    "superman",
    "superuser",
    "toor",
    "trustno1",
    "ubuntu",
    "vagrant",
    "welcome",
    "welcome1",
    "whatever",
    "zaq12wsx",
    "zxcvbnm",
];

/// Whether a value is one of the passwords that are chosen most often.
#[must_use]
pub(super) fn is_often_chosen(value: &str) -> bool {
    CHOSEN.binary_search(&value.to_ascii_lowercase().as_str()).is_ok()
}

/// Secrets that a product or its documentation ships with, so that everybody knows them: where one is set, it opens nothing
/// only because nobody has tried. Sorted.
const SHIPPED: &[&str] = &[
    "2AvVhdsgUs0FSA3SDFAdag==",
    "4AvVhmFLUs0KTA3Kprsdag==",
    "5iveL!fe",
    "Harbor12345",
    "PrivateKeyForEncryptionOfRadAsyncUploadConfiguration",
    "SW2YcwTIb9zpOOhoPsMm",
    "ThisTokenIsNotSoSecretChangeIt",
    "Z3VucwAAAAAAAAAAAAAAAA==",
    "c292a0a3aa32397cdb050e233733900f",
    "cryptography_not_found_storing_passwords_in_plain_text",
    "default_token",
    "kPH+bIxk5D2deZiIxcaaaA==",
    "keyboard cat",
    "minioadmin",
    "some secret hurr",
    "thisISaSECRET_1234",
];

/// Whether a value is a secret that everybody knows.
#[must_use]
pub(super) fn is_shipped(value: &str) -> bool {
    SHIPPED.binary_search(&value).is_ok()
}

/// Whether a value is one of the words that everybody writes.
#[must_use]
pub(super) fn is_common(value: &str) -> bool {
    let lower = value.trim().to_ascii_lowercase();
    let bare = lower.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    COMMON.binary_search(&lower.as_str()).is_ok()
        || COMMON.binary_search(&bare).is_ok()
        || is_numbered(value) && !is_often_chosen(&lower)
        || is_metasyntactic(&lower)
}

/// Whether a value is one of the words that everybody writes and a number behind it: `password3`, `user-12`, `newToken2`.
/// What accounts are named after is chosen for them, numbers and all.
fn is_numbered(value: &str) -> bool {
    let word = value.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = value.len() - word.len();
    let word = word.trim_end_matches(['-', '_']).to_ascii_lowercase();
    (1..=2).contains(&digits)
        && COMMON.binary_search(&word.as_str()).is_ok()
        && !is_often_chosen(&word)
        && !is_account(&word)
}

/// Whether a value is made of the words that stand for anything, such as `foobarbaz`.
fn is_metasyntactic(lower: &str) -> bool {
    let mut rest = lower;
    while let Some(left) = ["foo", "bar", "baz", "qux"].iter().find_map(|word| rest.strip_prefix(word)) {
        rest = left.trim_start_matches(['-', '_', '.']);
    }
    rest.is_empty() && !lower.is_empty()
}

/// Whether a value is made of words of letters only, joined by separators or by case: an identifier, not a secret.
#[must_use]
pub(super) fn is_identifier(value: &str) -> bool {
    let separator = |c: char| matches!(c, '_' | '-' | '.' | '/' | ':' | '|');
    if !value.chars().all(|c| c.is_ascii_alphanumeric() || separator(c)) {
        return false;
    }
    let words: Vec<&str> = value.split(separator).filter(|p| !p.is_empty()).flat_map(camel).collect();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    // Random text of mixed case falls apart into pieces of one or two letters.
    !words.is_empty() && letters * 2 >= words.len() * 5 && words.iter().all(|word| is_word(word))
}

/// The words and numbers of a value, split at separators and at changes of case.
pub(super) fn pieces(value: &str) -> impl Iterator<Item = &str> {
    let separator = |c: char| !c.is_ascii_alphanumeric();
    value.split(separator).filter(|p| !p.is_empty()).flat_map(camel)
}

/// Splits `camelCase` and `HTTPServer2` at changes of case and before digits.
fn camel(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let (mut parts, mut start) = (Vec::new(), 0);
    for at in 1..bytes.len() {
        let (before, here) = (bytes[at - 1], bytes[at]);
        let rise = before.is_ascii_lowercase() && here.is_ascii_uppercase();
        let fall = here.is_ascii_uppercase()
            && before.is_ascii_uppercase()
            && bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        if rise
            || fall
            || before.is_ascii_alphabetic() && here.is_ascii_digit()
            || before.is_ascii_digit() && here.is_ascii_alphabetic()
        {
            parts.push(&text[start..at]);
            start = at;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Whether letters read like a word: vowels and consonants in the proportions of language, or a short number.
#[must_use]
pub(super) fn is_word(part: &str) -> bool {
    if part.bytes().all(|b| b.is_ascii_digit()) {
        return part.len() <= 4;
    }
    if !part.bytes().all(|b| b.is_ascii_alphabetic()) {
        return false;
    }
    let acronym = part.len() <= 5 && part.bytes().all(|b| b.is_ascii_uppercase());
    part.len() <= 3 || acronym || unseen(part) <= (part.len() / 5).max(1)
}

/// Whether the letters of a value read like no language: most of their triples occur in no word.
#[must_use]
pub(super) fn is_noise(value: &str) -> bool {
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    letters >= 5 && unseen(value) * 2 >= letters
}

/// Whether a value is one plain word of everyday English or programming.
#[must_use]
pub(super) fn is_plain_word(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_lowercase()) && unseen(value) == 0
}

/// Number of neighbouring letters that hardly occur in English words.
#[must_use]
pub(super) fn unlikely_pairs(text: &str) -> usize {
    let lower = text.to_ascii_lowercase();
    lower
        .as_bytes()
        .windows(2)
        .filter(|w| {
            w[0].is_ascii_lowercase() && w[1].is_ascii_lowercase() && !LIKELY[usize::from(w[0] - b'a')].contains(&w[1])
        })
        .count()
}

/// For each letter, the letters that follow it in ordinary words.
const LIKELY: [&[u8]; 26] = [
    b"bcdfgiklmnprstuvwxyz",
    b"abeijlorstuy",
    b"aceihklorstuy",
    b"adegilmnorsuvwy",
    b"abcdefgilmnopqrstuvwxy",
    b"aefilortuy",
    b"aeghilnorstuy",
    b"aeilmnorstuy",
    b"abcdefgklmnoprstvxz",
    b"aeou",
    b"aeilnosuwy",
    b"abcdefgiklmnopstuvwy",
    b"abeimnopsuy",
    b"acdefgijklnorstuvwy",
    b"abcdefgiklmnoprstuvwxy",
    b"aehiloprstuy",
    b"u",
    b"abcdefgiklmnoprstuvwy",
    b"acdefhiklmnopqrstuwy",
    b"acehilmorstuwyz",
    b"abcdefgilmnoprst",
    b"aeioy",
    b"aehinorst",
    b"aceiptuy",
    b"aceilmnoprst",
    b"aeiloyz",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        assert!(ACCOUNTS.is_sorted() && CHOSEN.is_sorted() && SHIPPED.is_sorted());
        assert!(COMMON.windows(2).all(|w| w[0] < w[1]), "{:?}", COMMON.windows(2).find(|w| w[0] >= w[1]));
    }

    #[test]
    fn numbers_behind_common_words_change_nothing() {
        for (value, expected) in [
            ("password3", true),
            ("newPassword-2", true),
            ("user2", true),
            ("admin2", false),
            ("welcome1", false),
            ("password345", false),
            ("harbour2", false),
        ] {
            assert_eq!(is_common(value), expected, "{value}");
        }
    }

    #[test]
    fn language_and_noise() {
        for text in [
            "database_password",
            "getUserToken",
            "HTTPServer",
            "my-service.example",
            "session-cookie-v2",
            "authentication",
        ] {
            assert!(is_identifier(text), "{text}");
        }
        for text in ["xkqzvjwhqp", "aB3xQ9zLk2", "9f86d081884c", "Tr0ub4dor&3", "qzxvkjhw"] {
            assert!(!is_identifier(text), "{text}");
        }
    }
}
