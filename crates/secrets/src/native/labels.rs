//! Labels: values that name something, or speak of a secret, instead of being one.
//!
//! Programs are full of texts with the word *secret* in them: keys of settings, names of objects, ids of messages, flags.
//! They are spelled, of words with separators or changes of case between them, where a secret is made or chosen.

use super::{trigrams::unseen, words};

/// `NAME_OF_SOMETHING`.
#[must_use]
pub(super) fn is_constant(value: &str) -> bool {
    value.contains('_') && value.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

/// Number of words that a value is made of.
#[must_use]
pub(super) fn word_count(value: &str) -> usize {
    let bytes = value.as_bytes();
    let starts = |at: &usize| {
        let before = at.checked_sub(1).map(|p| bytes[p]);
        bytes[*at].is_ascii_alphabetic()
            && before
                .is_none_or(|b| !b.is_ascii_alphabetic() || b.is_ascii_lowercase() && bytes[*at].is_ascii_uppercase())
    };
    (0..bytes.len()).filter(starts).count()
}

/// Whether words make a sentence, as in `this-is-our-signing-key`: chosen, where a name would be shorter.
#[must_use]
pub(super) fn is_sentence(value: &str) -> bool {
    word_count(value) >= 5 && value.len() >= 16 && !value.contains(['.', '/', ':', '|', '_'])
}

/// Whether a value is a label of a program: words and a version behind them (`files-wrapping-v1`), or a ticket and words
/// (`ab-12241-new-dialog`).
#[must_use]
pub(super) fn is_coined(value: &str) -> bool {
    let pieces: Vec<&str> = value.split(['-', '_', '.', '/', ':']).collect();
    let number = |text: &str| !text.is_empty() && text.len() <= 6 && text.bytes().all(|b| b.is_ascii_digit());
    let named = |piece: &&str| piece.bytes().any(|b| b.is_ascii_lowercase()) && !words::is_noise(piece);
    let short =
        |piece: &&str| piece.trim_end_matches(|c: char| c.is_ascii_digit()).bytes().all(|b| b.is_ascii_lowercase());
    let (Some((last, rest)), Some((first, behind))) = (pieces.split_last(), pieces.split_first()) else { return false };
    let versioned =
        last.strip_prefix('v').is_some_and(number) && rest.len() >= 2 && rest.iter().all(|p| named(p) && short(p));
    let (ticket, words) =
        (behind.first().is_some_and(|n| n.len() >= 3 && number(n)), behind.get(1..).unwrap_or_default());
    let short_first = first.len() <= 5 && short(first) && named(first);
    versioned || ticket && short_first && words.len() >= 3 && words.iter().all(|p| named(p) && short(p))
}

/// Whether a value is the name of a text that a program shows: words in small letters, dots between them, hyphens within
/// (`admin.oauth2.token-status-made`).
#[must_use]
pub(super) fn is_message(value: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let piece = |piece: &str| {
        piece
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .split('-')
            .all(|word| word.len() >= 2 && words::is_word(word))
    };
    value.split('.').count() >= 3 && value.split('.').all(|p| p.bytes().all(plain) && piece(p))
}

/// Whether a value was made up to be seen as one: words, and a number that only counts behind them (`mock-token-12345`).
#[must_use]
pub(super) fn is_made_up(value: &str) -> bool {
    let Some((words, number)) = value.rsplit_once(['-', '_']) else { return false };
    let counts = matches!(number, "123" | "1234" | "12345" | "123456" | "1234567" | "12345678" | "67890" | "abc123");
    counts && words.split(['-', '_']).all(words::is_word) && words.contains(['-', '_'])
}

/// Whether a value is the name of a field: words in small letters about a secret, one of them a form of it
/// (`password_hash_b64`).
#[must_use]
pub(super) fn is_field(value: &str) -> bool {
    let plain = value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let pieces: Vec<&str> = value.split('_').collect();
    let about = |piece: &&str| matches!(*piece, "password" | "hash" | "token" | "secret" | "key");
    plain && pieces.len() >= 3 && pieces.iter().filter(|piece| about(piece)).count() >= 2
}

/// A name of an object, as Kubernetes takes them: words in small letters and numbers, hyphens between them.
#[must_use]
pub(super) fn is_label(value: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let piece = |piece: &str| piece.len() <= 3 || words::is_word(piece.trim_end_matches(|c: char| c.is_ascii_digit()));
    value.contains('-') && value.bytes().all(allowed) && value.split('-').all(piece)
}

/// Whether words say what they would hold: `admin-password`, `GATEWAY_PASSWORD`, `#password`, `password-of-admin`.
#[must_use]
pub(super) fn names_itself(value: &str) -> bool {
    let begins =
        ["password-of", "password_of", "secret-of", "secret_of", "token-of", "key-of", "password-for", "secret-for"];
    if begins.iter().any(|begin| value.to_ascii_lowercase().starts_with(begin)) {
        return true;
    }
    let lower = value.trim_end_matches(|c: char| !c.is_alphanumeric()).to_ascii_lowercase();
    [
        "password",
        "passwd",
        "pass",
        "secret",
        "token",
        "key",
        "pwd",
        "passphrase",
        "credentials",
        "field",
        "input",
        "hash",
        "salt",
    ]
    .iter()
    .any(|noun| lower.ends_with(noun))
}

/// Words of which sentences are made, and names of things hardly ever.
const OF_SENTENCES: &[&str] = &[
    "a", "an", "and", "are", "at", "be", "do", "i", "in", "is", "it", "least", "long", "my", "need", "no", "nobody",
    "not", "of", "or", "our", "really", "should", "so", "some", "super", "that", "thats", "the", "this", "to", "use",
    "very", "we", "with", "you", "your",
];

/// Whether words make a sentence that somebody wrote to be a secret, as in `you-really-need-to-change-this`; chains of nouns
/// are names.
#[must_use]
pub(super) fn is_phrase(value: &str) -> bool {
    let spoken = words::pieces(value).filter(|w| OF_SENTENCES.contains(&w.to_ascii_lowercase().as_str())).count();
    is_sentence(value) && spoken > 0
}

/// Whether a value is spelled: letters that read like language in several pieces, and few digits, each behind or between
/// words. What a program makes at random falls apart into short pieces and strange triples.
#[must_use]
pub(super) fn is_spelled(value: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':' | b'/');
    if !value.bytes().all(allowed) || is_leet(value) {
        return false;
    }
    let (mut count, mut letters, mut strange) = (0, 0, 0);
    for word in words::pieces(value).filter(|w| w.bytes().all(|b| b.is_ascii_alphabetic())) {
        count += 1;
        letters += word.len();
        strange += unseen(word);
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    count >= 2 && letters >= count * 3 && strange * 4 <= letters && digits * 4 <= value.len()
}

/// Whether digits stand inside of words, where letters were.
fn is_leet(value: &str) -> bool {
    value.as_bytes().windows(3).any(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_digit() && w[2].is_ascii_lowercase())
}

/// Whether a spelled value says the words of its own name again, as `test-secret-key` does under `secretKey`.
#[must_use]
pub(super) fn is_echo(name: &str, value: &str) -> bool {
    let lower = |text: &str| words::pieces(text).map(str::to_ascii_lowercase).collect::<Vec<_>>();
    let name = lower(name.rsplit('.').next().unwrap_or(name));
    let said = lower(value);
    name.len() >= 2 && said.windows(name.len()).any(|window| window == name) && is_spelled(value)
}

/// Whether a value is a list of words or short numbers, or of names and words: `t1:13,14;t2:11`, `user:name,key:password`.
#[must_use]
pub(super) fn is_list(value: &str) -> bool {
    let word = |piece: &str| {
        let plain = piece.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        !piece.is_empty() && plain && (piece.len() <= 4 || words::is_identifier(piece))
    };
    let path = |piece: &str| piece.contains('/') && piece.split('/').all(word);
    let several = value.contains([',', ';']);
    let pairs = value.contains(':') && value.split([',', ';', ':']).all(word);
    several && (pairs || value.split(',').all(path))
}

/// Whether a value is an assignment of its own: `grant_type=client_credentials`, `action='redirect'`.
#[must_use]
pub(super) fn is_assignment(value: &str) -> bool {
    let name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    value
        .trim_start_matches(['?', '&'])
        .split_once('=')
        .is_some_and(|(left, right)| name(left) && name(right.trim_matches(['\'', '"', '-'])))
}

/// Whether a value is the name of a migration of a data base: `0013_auto_20221214_1224`.
#[must_use]
pub(super) fn is_migration(value: &str) -> bool {
    let (number, rest) = value.split_once('_').unwrap_or_default();
    let word = |piece: &str| piece.bytes().all(|b| b.is_ascii_lowercase()) || piece.bytes().all(|b| b.is_ascii_digit());
    number.len() == 4
        && number.bytes().all(|b| b.is_ascii_digit())
        && rest.starts_with(|c: char| c.is_ascii_lowercase())
        && rest.split('_').all(word)
}

/// Whether words speak of a secret: one of them is what the value would be, as in `old-password-dialog`.
#[must_use]
pub(super) fn speaks_of(value: &str) -> bool {
    let nouns = ["password", "passwd", "pwd", "secret", "token"];
    words::pieces(value).count() >= 2 && words::pieces(value).any(|w| nouns.contains(&w.to_ascii_lowercase().as_str()))
}

/// Whether words say that a value opens nothing: `wrongpwd`, `not-correct`, `something-wrong`.
#[must_use]
pub(super) fn denies(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    ["wrong", "incorrect", "invalid", "notcorrect", "notallowed", "bad-", "bad_", "not-"]
        .iter()
        .any(|w| lower.starts_with(w))
        || ["-wrong", "_wrong", "-incorrect", "-invalid"].iter().any(|w| lower.ends_with(w))
}

/// Whether user and password of an address only say which is which: `some-user:some-password`, `userName:userPW`.
#[must_use]
pub(super) fn is_pair_of_labels(user: &str, password: &str) -> bool {
    let without = |text: &str, nouns: &[&str]| {
        let words: Vec<String> = words::pieces(text).map(str::to_ascii_lowercase).collect();
        let rest: Vec<String> = words.iter().filter(|w| !nouns.contains(&w.as_str())).cloned().collect();
        (rest.len() < words.len()).then_some(rest)
    };
    let user = without(user, &["user", "username", "name", "uname", "login", "account"]);
    let password = without(password, &["password", "pass", "passwd", "pwd", "pw", "secret", "user", "access", "token"]);
    user.zip(password).is_some_and(|(user, password)| password.is_empty() || user == password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_told_from_secrets() {
        for label in [
            "resource.azure.client.secret",
            "Harbour2.salt",
            "network.dockCertificates.pkcs12.file",
            "nextHarbourSessionByToken",
            "sm-1587-secrets-versioning",
            "org.harbour.authc.credential.Sha256CredentialsMatcher",
        ] {
            assert!(is_spelled(label), "{label}");
        }
        for secret in ["kXq7vBn2Lp9Rt", "xkqzvjwh", "c0rrect.horse", "AbXyQwErTz-kJhG", "9f86-d081-884c", "sparrow"] {
            assert!(!is_spelled(secret), "{secret}");
        }
        assert!(is_phrase("you-really-need-to-change-this") && !is_phrase("harbour-getPublishedDockList-test"));
        assert!(is_echo("secretKey", "test-secret-key-of-harbour") && !is_echo("password", "my-password-is-long"));
        assert!(
            is_list("t1:13,14;t2:11,12")
                && is_list("user:name,key:password")
                && is_list("kv/data/dock/one,kv/dock/two")
                && !is_list("Xk,9;Qz:7vB2nLp8Rt")
        );
        assert!(is_assignment("grant_type=client_credentials") && !is_assignment("Zm9vYmFy="));
        assert!(is_migration("0013_auto_20221214_1224") && !is_migration("0013_Xk9"));
        assert!(denies("wrongpwd") && denies("something-wrong") && !denies("notorious-bee"));
    }

    #[test]
    fn pairs_that_only_say_which_is_which() {
        for (user, password) in [
            ("some-user-name", "some-password"),
            ("DOMAIN_ADMIN_UNAME", "DOMAIN_ADMIN_PW"),
            ("username", "access-token"),
            ("ignored_user", "ignored_pass"),
        ] {
            assert!(is_pair_of_labels(user, password), "{user}:{password}");
        }
        for (user, password) in [("admin", "harbour"), ("user", "sparrow"), ("root", "rootpw1")] {
            assert!(!is_pair_of_labels(user, password), "{user}:{password}");
        }
    }
}
