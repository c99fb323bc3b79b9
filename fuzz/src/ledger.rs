//! Target: a ledger, its head and keys that somebody else wrote.

use testudo_ledger::{Depth, Heads, SigningKey, VerifyingKey, verify};

use crate::input::text;

/// What comes before the first zero byte is the head, the rest the ledger. No key signed any of it.
pub fn ledger(bytes: &[u8]) {
    let (head, lines) = bytes.split_at(bytes.iter().position(|b| *b == 0).unwrap_or(0));
    let lines = lines.strip_prefix(b"\0").unwrap_or(lines);
    let key = SigningKey::generate().expect("the system gives random numbers");
    let heads = Heads { beside: (!head.is_empty()).then_some(head), ..Heads::default() };
    for depth in [Depth::LinksOnly, Depth::EverySignature] {
        let checked =
            verify(&mut &*lines, heads.clone(), "prod", &[key.public().clone()], depth).expect("memory can be read");
        assert!(!checked.faults.is_empty());
    }
}

/// A text that should be a key.
pub fn key(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(key) = SigningKey::from_pem(&text, "key") {
        let again = VerifyingKey::all_from_pem(&key.public().to_pem(), "key").expect("what was written can be read");
        assert_eq!(again, [key.public().clone()]);
    }
    for key in VerifyingKey::all_from_pem(&text, "key").unwrap_or_default() {
        let again = VerifyingKey::all_from_pem(&key.to_pem(), "key").expect("what was written can be read");
        assert_eq!(again, [key]);
    }
}
