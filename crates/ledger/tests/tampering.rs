//! Every way to change a ledger is seen, a power cut is healed, and nothing that stands in the file makes a check crash.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use testudo_ledger::{
    Appender, Depth, Envelope, Event, FaultKind, Heads, Journal, LedgerError, Next, SigningKey, Subject, Verified,
    VerifyingKey, predicate,
};

struct Ledger {
    folder: PathBuf,
    journal: Journal,
    key: SigningKey,
}

impl Ledger {
    fn new(name: &str, entries: usize) -> Self {
        let folder = std::env::temp_dir().join(format!("testudo-ledger-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        let journal = Journal::new(&folder, "prod").unwrap();
        let ledger = Self { folder, journal, key: SigningKey::generate().unwrap() };
        (0..entries).for_each(|n| {
            ledger.append(n).unwrap();
        });
        ledger
    }

    fn append(&self, number: usize) -> Result<testudo_ledger::Appended, LedgerError> {
        append(&self.journal, &self.key, &[], number)
    }

    fn keys(&self) -> Vec<VerifyingKey> {
        vec![self.key.public().clone()]
    }

    fn check(&self, depth: Depth) -> Verified {
        self.journal.verify(&self.keys(), Heads::default(), depth).unwrap()
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(self.journal.path()).unwrap().lines().map(str::to_owned).collect()
    }

    fn set(&self, lines: &[String]) {
        fs::write(self.journal.path(), lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    }

    /// The faults of a check, as `line kind`, for both depths.
    fn faults(&self) -> Vec<(usize, FaultKind)> {
        let told = |depth| self.check(depth).faults.into_iter().map(|f| (f.line, f.kind)).collect::<Vec<_>>();
        let (links, every) = (told(Depth::LinksOnly), told(Depth::EverySignature));
        assert_eq!(links.is_empty(), every.is_empty(), "{links:?} {every:?}");
        every
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn append(
    journal: &Journal,
    key: &SigningKey,
    trusted: &[VerifyingKey],
    number: usize,
) -> Result<testudo_ledger::Appended, LedgerError> {
    let event = Event {
        subject: vec![Subject::new("app", "sha256", &format!("{number:064x}"))],
        predicate_type: predicate::SCAN.to_owned(),
        predicate: json!({ "number": number }),
    };
    journal.append(&event, Appender { key, trusted, time: "2026-01-31T12:00:00Z", actor: "ada" })
}

/// The line with its payload changed and signed again with a key.
fn forged(line: &str, key: &SigningKey, from: &str, to: &str) -> String {
    let envelope: Envelope = serde_json::from_str(line).unwrap();
    let payload = String::from_utf8(envelope.payload().unwrap()).unwrap().replace(from, to);
    serde_json::to_string(&Envelope::sign(&envelope.payload_type, payload.as_bytes(), key)).unwrap()
}

#[test]
fn a_whole_ledger_is_whole() {
    let ledger = Ledger::new("whole", 9);
    let checked = ledger.check(Depth::LinksOnly);
    assert_eq!((checked.entries, checked.faults.len(), checked.signatures), (9, 0, 2));
    let checked = ledger.check(Depth::EverySignature);
    assert_eq!((checked.entries, checked.faults.len(), checked.signatures), (9, 0, 10));
    let mut numbers = Vec::new();
    ledger
        .journal
        .entries(&mut |entry| {
            numbers.push((entry.statement.testudo.seq, entry.statement.predicate["number"].as_u64().unwrap()));
            if numbers.len() < 4 { Next::Entry } else { Next::Stop }
        })
        .unwrap();
    assert_eq!(numbers, [(0, 0), (1, 1), (2, 2), (3, 3)]);
    assert_eq!(Journal::environments(&ledger.folder).unwrap(), ["prod"]);
}

#[test]
fn every_change_is_seen_where_it_is() {
    let ledger = Ledger::new("changes", 6);
    let lines = ledger.lines();
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut changed = lines.clone();
        change(&mut changed);
        ledger.set(&changed);
        ledger.faults()
    };
    let edited = |at: usize| {
        let envelope: Envelope = serde_json::from_str(&lines[at]).unwrap();
        let payload = String::from_utf8(envelope.payload().unwrap()).unwrap().replace("\"number\"", "\"nomber\"");
        let other = Envelope::sign(&envelope.payload_type, payload.as_bytes(), &ledger.key);
        serde_json::to_string(&Envelope { payload: other.payload, ..envelope }).unwrap()
    };
    assert_eq!(with(&|_| {}), []);
    assert_eq!(with(&|l| l[2] = edited(2)), [(3, FaultKind::Edited), (4, FaultKind::Unlinked)]);
    assert_eq!(with(&|l| l[5] = edited(5)), [(6, FaultKind::NotTheHead), (6, FaultKind::Edited)]);
    // Whoever has the key still cannot change what others kept the head of.
    let by_owner = forged(&lines[5], &ledger.key, "\"number\"", "\"nomber\"");
    assert_eq!(with(&|l| l[5].clone_from(&by_owner)), [(6, FaultKind::NotTheHead)]);
    assert_eq!(with(&|l| drop(l.remove(2))), [(3, FaultKind::Removed(1))]);
    assert_eq!(with(&|l| drop(l.remove(0))), [(1, FaultKind::Removed(1))]);
    let moved = with(&|l| l.swap(1, 2));
    assert_eq!(moved, [(2, FaultKind::Removed(1)), (3, FaultKind::Moved(1)), (4, FaultKind::Removed(1))]);
    assert_eq!(with(&|l| l.truncate(4)), [(4, FaultKind::CutOff(2))]);
    assert_eq!(with(&|l| l.clear()), [(0, FaultKind::CutOff(6))]);
    assert_eq!(with(&|l| l.push(String::new())).len(), 1);
    let stranger = SigningKey::generate().unwrap();
    let foreign = forged(&lines[3], &stranger, "x", "x");
    let id = stranger.public().id().to_owned();
    assert_eq!(with(&|l| l[3].clone_from(&foreign)), [(4, FaultKind::ForeignKey(id)), (5, FaultKind::Unlinked)]);
    assert!(matches!(&with(&|l| l[1] = "{}".to_owned())[..], [(2, FaultKind::NoEntry(_)), (3, FaultKind::Unlinked)]));
    let dev = forged(&lines[5], &ledger.key, "\"prod\"", "\"dev\"");
    assert_eq!(
        with(&|l| l[5].clone_from(&dev)),
        [(6, FaultKind::OtherEnvironment("dev".to_owned())), (6, FaultKind::NotTheHead)]
    );
}

#[test]
fn a_head_that_is_gone_or_of_somebody_else_is_seen() {
    let ledger = Ledger::new("heads", 3);
    let head = fs::read(ledger.journal.head_path()).unwrap();
    let stranger = Ledger::new("stranger", 3);
    fs::copy(stranger.journal.head_path(), ledger.journal.head_path()).unwrap();
    assert!(matches!(&ledger.faults()[..], [(3, FaultKind::BadHead(why))] if why.contains("not trusted")));
    fs::write(ledger.journal.head_path(), "{").unwrap();
    assert!(matches!(&ledger.faults()[..], [(3, FaultKind::BadHead(_))]));
    fs::remove_file(ledger.journal.head_path()).unwrap();
    assert_eq!(ledger.faults(), [(3, FaultKind::NoHead)]);
    assert!(ledger.append(3).unwrap_err().to_string().contains("no head"));
    // A head that was kept elsewhere takes its place.
    let kept = Heads { kept: vec![&head], ..Heads::default() };
    let checked = ledger.journal.verify(&ledger.keys(), kept.clone(), Depth::EverySignature).unwrap();
    assert_eq!(checked.faults[0].kind, FaultKind::NoHead);
    ledger.set(&ledger.lines()[..2]);
    let checked = ledger.journal.verify(&ledger.keys(), kept, Depth::EverySignature).unwrap();
    assert!(checked.faults.iter().any(|fault| fault.kind == FaultKind::CutOff(1)));
}

#[test]
fn a_ledger_that_was_cut_or_signed_by_a_stranger_is_not_continued() {
    let ledger = Ledger::new("refused", 4);
    let stranger = SigningKey::generate().unwrap();
    let told = append(&ledger.journal, &stranger, &[], 4).unwrap_err().to_string();
    assert!(told.contains("not trusted"), "{told}");
    append(&ledger.journal, &stranger, &ledger.keys(), 4).unwrap();
    assert!(ledger.append(5).is_err());
    assert_eq!(append(&ledger.journal, &ledger.key, &[stranger.public().clone()], 5).unwrap().seq, 5);
    let both = [ledger.key.public().clone(), stranger.public().clone()];
    assert_eq!(ledger.journal.verify(&both, Heads::default(), Depth::EverySignature).unwrap().faults, []);
    let lines = ledger.lines();
    ledger.set(&lines[..3]);
    let told = append(&ledger.journal, &ledger.key, &both, 6).unwrap_err().to_string();
    assert!(told.contains("cut off"), "{told}");
    // A part of what the head knows is no power cut.
    let torn = format!("{}\n{}", lines[..5].join("\n"), &lines[5][..90]);
    fs::write(ledger.journal.path(), &torn).unwrap();
    let told = append(&ledger.journal, &ledger.key, &both, 6).unwrap_err().to_string();
    assert!(told.contains("was damaged"), "{told}");
    assert_eq!(fs::read_to_string(ledger.journal.path()).unwrap(), torn);
    ledger.set(&[]);
    assert!(append(&ledger.journal, &ledger.key, &both, 6).is_err());
}

/// The owner of one trusted key writes in the name of another: only the links are right.
#[test]
fn who_signed_is_looked_at_and_not_who_is_said_to_have() {
    let ledger = Ledger::new("names", 3);
    let other = SigningKey::generate().unwrap();
    let both = [ledger.key.public().clone(), other.public().clone()];
    let said = |envelope: Envelope| {
        let mut envelope = envelope;
        envelope.signatures[0].keyid = ledger.key.public().id().to_owned();
        serde_json::to_string(&envelope).unwrap()
    };
    let mut lines: Vec<String> = Vec::new();
    for line in ledger.lines() {
        let old: Envelope = serde_json::from_str(&line).unwrap();
        let mut payload: serde_json::Value = serde_json::from_slice(&old.payload().unwrap()).unwrap();
        payload["predicate"]["number"] = json!(77);
        let prev =
            lines.last().map_or("0".repeat(64), |l| testudo_model::hex(&<sha2::Sha256 as sha2::Digest>::digest(l)));
        payload["testudo"]["prev"] = json!(prev);
        lines.push(said(Envelope::sign(&old.payload_type, payload.to_string().as_bytes(), &other)));
    }
    ledger.set(&lines);
    fs::remove_file(ledger.journal.head_path()).unwrap();
    let checked = ledger.journal.verify(&ledger.keys(), Heads::default(), Depth::EverySignature).unwrap();
    assert_eq!(checked.faults.iter().filter(|fault| fault.kind == FaultKind::Edited).count(), 3);
    let checked = ledger.journal.verify(&both, Heads::default(), Depth::EverySignature).unwrap();
    assert_eq!(checked.signers.into_iter().collect::<Vec<_>>(), [(other.public().id().to_owned(), 3)]);
}

#[test]
fn a_ledger_of_another_project_is_not_this_one() {
    let (ledger, other) = (Ledger::new("one", 3), Ledger::new("two", 0));
    (0..3).for_each(|n| drop(append(&other.journal, &ledger.key, &[], n).unwrap().hash));
    let seen = ledger.check(Depth::EverySignature).head;
    assert_eq!(seen.as_ref().unwrap().seq, 2);
    let theirs = fs::read(other.journal.head_path()).unwrap();
    let of = |heads: Heads<'_>| {
        let checked = ledger.journal.verify(&ledger.keys(), heads, Depth::EverySignature).unwrap();
        checked.faults.into_iter().map(|fault| fault.kind.to_string()).collect::<Vec<_>>().join(", ")
    };
    assert!(of(Heads { kept: vec![&theirs], ..Heads::default() }).contains("of another ledger"));
    assert_eq!(of(Heads { seen: seen.clone(), ..Heads::default() }), "");
    // Both files are put back to an older state: only who has seen the newer one knows.
    let (old, head) = (fs::read(ledger.journal.path()).unwrap(), fs::read(ledger.journal.head_path()).unwrap());
    ledger.append(3).unwrap();
    let newer = ledger.check(Depth::EverySignature).head;
    fs::write(ledger.journal.path(), old).unwrap();
    fs::write(ledger.journal.head_path(), head).unwrap();
    assert_eq!(of(Heads { seen, ..Heads::default() }), "");
    assert!(of(Heads { seen: newer, ..Heads::default() }).contains("1 entry behind it: the end was cut off"));
    fs::copy(other.journal.path(), ledger.journal.path()).unwrap();
    assert!(of(Heads::default()).contains("of another ledger"));
}

#[test]
fn a_power_cut_at_any_byte_is_healed() {
    let ledger = Ledger::new("cuts", 2);
    let before = fs::read(ledger.journal.path()).unwrap();
    let head = fs::read(ledger.journal.head_path()).unwrap();
    ledger.append(2).unwrap();
    let after = fs::read(ledger.journal.path()).unwrap();
    for end in before.len()..=after.len() {
        if !(end - before.len()).is_multiple_of(37) && end + 3 < after.len() {
            continue;
        }
        // The head is written behind the line, so it is still the old one.
        fs::write(ledger.journal.path(), &after[..end]).unwrap();
        fs::write(ledger.journal.head_path(), &head).unwrap();
        let added = ledger.append(7).unwrap();
        let (torn, whole) = (end - before.len(), end + 1 >= after.len());
        assert_eq!(added.repaired, if whole { 0 } else { torn }, "{end}");
        assert_eq!(added.seq, if whole || torn > 0 { 3 } else { 2 }, "{end}");
        assert_eq!(ledger.faults(), [], "{end}");
        fs::write(ledger.journal.path(), &before).unwrap();
        fs::write(ledger.journal.head_path(), &head).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    let ledger = Ledger::new("links", 1);
    let elsewhere = ledger.folder.join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    std::os::unix::fs::symlink(&elsewhere, ledger.folder.join("dev.jsonl")).unwrap();
    let dev = Journal::new(&ledger.folder, "dev").unwrap();
    assert!(matches!(append(&dev, &ledger.key, &[], 0), Err(LedgerError::NotPlain { .. })));
    let link = ledger.folder.join("link");
    std::os::unix::fs::symlink(&ledger.folder, &link).unwrap();
    let through = Journal::new(&link, "qa").unwrap();
    assert!(matches!(append(&through, &ledger.key, &[], 0), Err(LedgerError::NotPlain { .. })));
    assert_eq!(fs::read(&elsewhere).unwrap(), b"");
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for name in ["", "..", "a/b", "-a", ".a", "a\nb", &"a".repeat(65)] {
        assert!(Journal::new(Path::new("x"), name).is_err(), "{name}");
    }
    assert!(Journal::new(Path::new("x"), "prod-eu.1").is_ok());
}

#[test]
fn entries_of_many_that_record_at_once_are_one_chain() {
    let ledger = Ledger::new("threads", 0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let ledger = &ledger;
            scope.spawn(move || {
                (0..10).for_each(|n| {
                    ledger.append(thread * 10 + n).unwrap();
                })
            });
        }
    });
    assert_eq!((ledger.check(Depth::EverySignature).entries, ledger.faults()), (40, vec![]));
}

/// Random changes of bytes, moves, cuts: never a crash, and never called whole unless the bytes are the same.
#[test]
fn no_random_change_passes() {
    let ledger = Ledger::new("random", 5);
    let original = fs::read(ledger.journal.path()).unwrap();
    let mut state = 11_u64;
    let mut number = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for round in 0..1500 {
        let mut bytes = original.clone();
        for _ in 0..=number(2) {
            let at = number(bytes.len());
            match number(4) {
                0 => bytes[at] ^= 1 << number(8),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"{}\"\n,0"[number(6)]),
                _ => bytes.truncate(at.max(1)),
            }
        }
        fs::write(ledger.journal.path(), &bytes).unwrap();
        let depth = if round % 2 == 0 { Depth::LinksOnly } else { Depth::EverySignature };
        let faults = ledger.check(depth).faults;
        assert_eq!(faults.is_empty(), bytes == original, "round {round}: {faults:?}");
    }
}
