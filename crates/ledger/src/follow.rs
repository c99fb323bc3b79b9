//! Continues a copy of a ledger that is kept elsewhere. New lines are held against the last one that the keeper knows, so that
//! nobody has to send what was sent before, and nothing that was kept once can be changed or taken back.

use crate::{
    Envelope, Fault, FaultKind, Head, Statement, VerifyingKey,
    chain::{self, Line},
};

/// An entry that continues a ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// The line without its break, which is the envelope.
    pub line: Vec<u8>,
    /// Hash of the line.
    pub hash: String,
    /// What it says.
    pub statement: Statement,
}

/// What is known of a ledger: who may sign it, and how far it was seen.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The environment.
    pub environment: &'a str,
    /// Keys whose entries count.
    pub keys: &'a [VerifyingKey],
    /// The last entry that was seen; none where nothing was.
    pub last: Option<&'a Head>,
}

/// Checks lines that follow on what is known, and the signed head that came with them. Every signature is checked.
///
/// # Errors
/// The first thing that is wrong, with its line from 1; line 0 is the head.
pub fn follow(known: Known<'_>, lines: &[&[u8]], head: &[u8]) -> Result<Vec<Followed>, Fault> {
    let of_head = |kind| Fault { line: 0, kind };
    let head =
        chain::signed_head(head, known.environment, known.keys).map_err(|why| of_head(FaultKind::BadHead(why)))?;
    let mut ledger = known.last.map_or_else(|| head.ledger.clone(), |last| last.ledger.clone());
    if head.ledger != ledger {
        return Err(of_head(FaultKind::OtherLedger(head.ledger.escape_debug().to_string())));
    }
    let mut expected = known.last.map_or(0, |last| last.seq.saturating_add(1));
    let mut prev = known.last.map_or_else(chain::first_prev, |last| last.hash.clone());
    // What was seen once cannot be gone.
    if let Some(last) = known.last.filter(|last| head.seq < last.seq) {
        return Err(of_head(FaultKind::CutOff(last.seq - head.seq)));
    }
    let mut named = known.last.filter(|last| last.seq == head.seq).map(|last| last.hash.clone());
    let mut followed = Vec::new();
    for (at, bytes) in lines.iter().enumerate() {
        let wrong = |kind| Fault { line: at + 1, kind };
        let line = chain::read(bytes).map_err(|why| wrong(FaultKind::NoEntry(why)))?;
        check(&line, (known, &ledger), (expected, &prev)).map_err(wrong)?;
        let hash = chain::hash(bytes);
        if expected == head.seq {
            named = Some(hash.clone());
        }
        ledger.clone_from(&line.statement.testudo.ledger);
        expected = expected.saturating_add(1);
        prev.clone_from(&hash);
        followed.push(Followed { line: bytes.to_vec(), hash, statement: line.statement });
    }
    match named {
        None if head.seq >= expected => Err(of_head(FaultKind::CutOff(head.seq - expected + 1))),
        Some(hash) if hash != head.hash => Err(of_head(FaultKind::NotTheHead)),
        _ => Ok(followed),
    }
}

/// Whether a line is the entry that is expected here.
fn check(line: &Line, (known, ledger): (Known<'_>, &str), (expected, prev): (u64, &str)) -> Result<(), FaultKind> {
    let place = &line.statement.testudo;
    if line.envelope.signer(&line.payload, known.keys).is_none() {
        return Err(unsigned(&line.envelope, known.keys));
    }
    if place.environment != known.environment {
        return Err(FaultKind::OtherEnvironment(place.environment.escape_debug().to_string()));
    }
    if place.ledger != ledger {
        return Err(FaultKind::OtherLedger(place.ledger.escape_debug().to_string()));
    }
    match place.seq.checked_sub(expected) {
        Some(0) if place.prev == prev => Ok(()),
        Some(0) => Err(FaultKind::Unlinked),
        Some(missing) => Err(FaultKind::Removed(missing)),
        None => Err(FaultKind::Moved(place.seq)),
    }
}

fn unsigned(envelope: &Envelope, keys: &[VerifyingKey]) -> FaultKind {
    let named = envelope.signatures.iter().any(|s| keys.iter().any(|key| key.id() == s.keyid));
    if named { FaultKind::Edited } else { FaultKind::ForeignKey(envelope.key_ids().escape_debug().to_string()) }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process};

    use serde_json::json;

    use super::*;
    use crate::{Appender, Event, Journal, SigningKey, Subject};

    /// Lines and head of a new ledger after each of so many entries.
    fn ledger(name: &str, key: &SigningKey, count: usize) -> Vec<(Vec<Vec<u8>>, Vec<u8>)> {
        let folder = env::temp_dir().join(format!("testudo-follow-{}-{name}", process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        let journal = Journal::new(&folder.join("l"), "dev").unwrap();
        let mut states = Vec::new();
        for at in 0..count {
            let event = Event {
                subject: vec![Subject::new("s", "sha256", "00")],
                predicate_type: "testudo:test/v1".to_owned(),
                predicate: json!({ "at": at }),
            };
            let by = Appender { key, trusted: &[], time: "2026-01-31T12:00:00Z", actor: "ana" };
            journal.append(&event, by).unwrap();
            let text = fs::read(journal.path()).unwrap();
            let lines = text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(<[u8]>::to_vec).collect();
            states.push((lines, journal.head_bytes().unwrap().unwrap()));
        }
        fs::remove_dir_all(&folder).unwrap();
        states
    }

    fn head_of(followed: &[Followed]) -> Head {
        let last = followed.last().unwrap();
        let place = &last.statement.testudo;
        Head {
            ledger: place.ledger.clone(),
            environment: place.environment.clone(),
            seq: place.seq,
            hash: last.hash.clone(),
            time: place.time.clone(),
        }
    }

    fn refs(lines: &[Vec<u8>]) -> Vec<&[u8]> {
        lines.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn only_what_continues_a_ledger_is_taken() {
        let key = SigningKey::generate().unwrap();
        let keys = [key.public().clone()];
        let states = ledger("own", &key, 4);
        let known = |last| Known { environment: "dev", keys: &keys, last };
        let (two, head) = &states[1];
        let first = follow(known(None), &refs(two), head).unwrap();
        assert_eq!(first.len(), 2);
        let last = head_of(&first);
        let (four, newest) = &states[3];
        assert_eq!(follow(known(Some(&last)), &refs(&four[2..]), newest).unwrap().len(), 2);
        // Nothing new is no fault.
        assert_eq!(follow(known(Some(&last)), &[], head).unwrap().len(), 0);
        let kind = |last, lines: &[Vec<u8>], head: &[u8]| follow(known(last), &refs(lines), head).unwrap_err().kind;
        assert_eq!(kind(Some(&last), &[], &states[0].1), FaultKind::CutOff(1));
        assert_eq!(kind(Some(&last), &[], newest), FaultKind::CutOff(2));
        assert_eq!(kind(Some(&last), &four[3..], newest), FaultKind::Removed(1));
        assert_eq!(kind(Some(&last), four, newest), FaultKind::Moved(0));
        let other = ledger("other", &key, 3);
        assert!(matches!(kind(Some(&last), &other[2].0[2..], &other[2].1), FaultKind::OtherLedger(_)));
        let foreign = ledger("foreign", &SigningKey::generate().unwrap(), 1);
        assert!(matches!(kind(None, &foreign[0].0, &foreign[0].1), FaultKind::BadHead(_)));
        assert!(matches!(kind(None, &foreign[0].0, &states[0].1), FaultKind::ForeignKey(_)));
        let replaced = Head { hash: "0".repeat(64), ..last.clone() };
        assert_eq!(kind(Some(&replaced), &four[2..], newest), FaultKind::Unlinked);
        assert_eq!(kind(Some(&replaced), &[], head), FaultKind::NotTheHead);
        let elsewhere = Known { environment: "prod", ..known(None) };
        assert!(matches!(follow(elsewhere, &refs(two), head).unwrap_err().kind, FaultKind::BadHead(_)));
    }

    #[test]
    fn an_edited_line_is_told_by_its_signature() {
        let key = SigningKey::generate().unwrap();
        let keys = [key.public().clone()];
        let (lines, head) = &ledger("edited", &key, 1)[0];
        let mut envelope: Envelope = serde_json::from_slice(&lines[0]).unwrap();
        let payload = String::from_utf8(envelope.payload().unwrap()).unwrap().replace("\"ana\"", "\"eve\"");
        let forged = Envelope::sign(crate::STATEMENT_TYPE, payload.as_bytes(), &SigningKey::generate().unwrap());
        envelope.payload = forged.payload;
        let line = serde_json::to_vec(&envelope).unwrap();
        let known = Known { environment: "dev", keys: &keys, last: None };
        assert_eq!(follow(known, &[&line], head).unwrap_err(), Fault { line: 1, kind: FaultKind::Edited });
    }
}
