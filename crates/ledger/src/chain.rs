//! Checks that a ledger is whole: no entry edited, moved, removed, cut off or slipped in.
//!
//! The head vouches for the last line by its hash, and each line for the one before, so one good signature covers all
//! lines up to it. Whoever appends checks the signature of the line that it continues ([`crate::Journal::append`]), so no
//! signed entry stands on an unsigned one. Signatures are looked at where this does not reach: behind the head, where a
//! link is broken, and everywhere if that is asked for.

use std::{
    fmt,
    io::{self, BufRead, Read as _},
};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::{Envelope, Head, Place, STATEMENT_TYPE, VerifyingKey, statement::TYPE};

/// Largest line that is read, in bytes.
pub(crate) const MAX_LINE: usize = 64 << 20;
/// Faults that are told one by one.
const MAX_FAULTS: usize = 100;
/// Signatures that are checked together.
const BATCH: usize = 1 << 12;

/// Which signatures are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// That of the head, and those that it does not vouch for.
    #[default]
    Chain,
    /// Every one.
    EverySignature,
}

/// What is wrong with a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The line is no entry of a ledger.
    NoEntry(String),
    /// The signature does not fit the content.
    Edited,
    /// Signed with a key that is not trusted.
    ForeignKey(String),
    /// Entries are missing before this one: how many.
    Removed(u64),
    /// An earlier entry stands here: its number.
    Moved(u64),
    /// The line before is not the one that this entry was written behind.
    Unlinked,
    /// An entry of the ledger of another environment.
    OtherEnvironment(String),
    /// The line has no end: it was written in part.
    Torn,
    /// The head names an entry that is not there any more: how many were cut off.
    CutOff(u64),
    /// There is no head, so nobody can say whether entries were cut off.
    NoHead,
    /// The head is none, or not signed with a trusted key.
    BadHead(String),
    /// The line that the head names is another one.
    NotTheHead,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEntry(why) => write!(f, "is no entry: {why}"),
            Self::Edited => f.write_str("was changed after it was signed"),
            Self::ForeignKey(id) => write!(f, "is signed with a key that is not trusted ({id})"),
            Self::Removed(n) => write!(f, "follows a gap: {n} entries before it are missing"),
            Self::Moved(seq) => write!(f, "is entry {seq}, which stood elsewhere"),
            Self::Unlinked => f.write_str("was not written behind the line before it, which was replaced"),
            Self::OtherEnvironment(name) => write!(f, "is of the ledger of `{name}`"),
            Self::Torn => f.write_str("was written in part; the next entry that is recorded repairs this"),
            Self::CutOff(n) => write!(f, "is the last one, but the head knows of {n} more: the end was cut off"),
            Self::NoHead => {
                f.write_str("is the last one, and there is no head: whether the end was cut off is not known")
            }
            Self::BadHead(why) => write!(f, "cannot be held against the head: {why}"),
            Self::NotTheHead => f.write_str("is not the line that the head was signed for"),
        }
    }
}

/// A fault and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub kind: FaultKind,
}

/// What came of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Lines that were read.
    pub entries: usize,
    /// Time of the last entry.
    pub last: Option<String>,
    /// Signatures that were checked, that of the head among them.
    pub signatures: usize,
    /// What is wrong, in the order of lines; empty where the ledger is whole.
    pub faults: Vec<Fault>,
    /// Further faults that are not listed.
    pub more: usize,
}

/// A line that was read.
pub(crate) struct Line {
    pub(crate) envelope: Envelope,
    pub(crate) payload: Vec<u8>,
    pub(crate) place: Place,
}

/// The part of a statement that the chain needs.
#[derive(Deserialize)]
struct Slim {
    #[serde(rename = "_type")]
    kind: String,
    testudo: Place,
}

/// Reads a line without its break.
pub(crate) fn read(line: &[u8]) -> Result<Line, String> {
    let envelope: Envelope = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if envelope.payload_type != STATEMENT_TYPE {
        return Err(format!("its payload is `{}`", envelope.payload_type.escape_debug()));
    }
    let payload = envelope.payload().ok_or("its payload is no base64")?;
    let slim: Slim = serde_json::from_slice(&payload).map_err(|error| format!("in its payload: {error}"))?;
    if slim.kind != TYPE {
        return Err(format!("its payload is of type `{}`", slim.kind.escape_debug()));
    }
    Ok(Line { envelope, payload, place: slim.testudo })
}

/// Hash of a line without its break.
pub(crate) fn hash(line: &[u8]) -> String {
    testudo_model::hex(&Sha256::digest(line))
}

/// What the first entry has for the hash of the line before.
pub(crate) fn first_prev() -> String {
    "0".repeat(64)
}

/// Reads a line with its break, at most `MAX_LINE` bytes of it. Empty at the end.
pub(crate) fn next_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    line.clear();
    input.take(MAX_LINE as u64 + 1).read_until(b'\n', line)
}

/// Checks a ledger from its first line to its last. `head` is what stands beside it, or was kept elsewhere.
///
/// # Errors
/// It cannot be read. Whatever is wrong with what was read is a fault, not an error.
pub fn verify(
    input: &mut dyn BufRead,
    head: Option<&[u8]>,
    environment: &str,
    keys: &[VerifyingKey],
    depth: Depth,
) -> io::Result<Verified> {
    let mut check = Check::new(environment, keys, depth);
    let head = head.map(|bytes| signed_head(bytes, environment, keys));
    check.result.signatures += usize::from(matches!(head, Some(Ok(_))));
    check.vouched = match &head {
        Some(Ok(head)) => head.seq.saturating_add(1),
        _ => 0,
    };
    let mut line = Vec::new();
    while next_line(input, &mut line)? > 0 {
        let whole = line.pop_if(|b| *b == b'\n').is_some();
        if line.len() > MAX_LINE {
            check.fault(check.result.entries + 1, FaultKind::NoEntry(format!("it is longer than {MAX_LINE} bytes")));
            break;
        }
        check.line(&line, head.as_ref().and_then(|head| head.as_ref().ok()));
        if !whole {
            check.fault(check.result.entries, FaultKind::Torn);
        }
    }
    check.signatures();
    check.end(head);
    check.result.faults.sort_by_key(|fault| fault.line);
    Ok(check.result)
}

/// The head, where a trusted key signed it.
pub(crate) fn signed_head(bytes: &[u8], environment: &str, keys: &[VerifyingKey]) -> Result<Head, String> {
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if envelope.payload_type != Head::TYPE {
        return Err("it is no head of a ledger".to_owned());
    }
    let payload = envelope.payload().ok_or("its payload is no base64")?;
    if envelope.signer(&payload, keys).is_none() {
        let known = keys.iter().any(|key| envelope.signatures.iter().any(|s| s.keyid == key.id()));
        let ids = envelope.key_ids();
        return Err(if known {
            "it was changed after it was signed".to_owned()
        } else {
            format!("it is signed with a key that is not trusted ({})", ids.escape_debug())
        });
    }
    let head: Head = serde_json::from_slice(&payload).map_err(|error| error.to_string())?;
    if head.environment != environment {
        return Err(format!("it is of the ledger of `{}`", head.environment.escape_debug()));
    }
    Ok(head)
}

struct Check<'a> {
    environment: &'a str,
    keys: &'a [VerifyingKey],
    depth: Depth,
    result: Verified,
    /// Entries below this number have a head that vouches for them.
    vouched: u64,
    /// Number that the next entry should have.
    expected: u64,
    prev: String,
    /// Lines whose signatures are to be checked.
    batch: Vec<(usize, Line)>,
    /// The line before, in case the next one does not link to it.
    before: Option<(usize, Line)>,
}

impl<'a> Check<'a> {
    fn new(environment: &'a str, keys: &'a [VerifyingKey], depth: Depth) -> Self {
        let result = Verified::default();
        let (batch, before) = (Vec::new(), None);
        Self { environment, keys, depth, result, vouched: 0, expected: 0, prev: first_prev(), batch, before }
    }

    fn fault(&mut self, line: usize, kind: FaultKind) {
        if self.result.faults.len() < MAX_FAULTS {
            self.result.faults.push(Fault { line, kind });
        } else {
            self.result.more += 1;
        }
    }

    fn line(&mut self, bytes: &[u8], head: Option<&Head>) {
        self.result.entries += 1;
        let (at, hash) = (self.result.entries, hash(bytes));
        let read = match read(bytes) {
            Ok(read) => read,
            Err(why) => {
                self.fault(at, FaultKind::NoEntry(why));
                (self.prev, self.expected) = (hash, self.expected + 1);
                return self.suspect();
            }
        };
        let Place { seq, prev, environment, time, .. } = &read.place;
        let (seq, linked) = (*seq, *prev == self.prev);
        if environment != self.environment {
            self.fault(at, FaultKind::OtherEnvironment(environment.escape_debug().to_string()));
        }
        self.result.last = Some(time.clone());
        match seq.checked_sub(self.expected) {
            Some(0) if linked => {}
            Some(0) => self.fault(at, FaultKind::Unlinked),
            Some(missing) => self.fault(at, FaultKind::Removed(missing)),
            None => self.fault(at, FaultKind::Moved(seq)),
        }
        if head.is_some_and(|head| head.seq == seq && head.hash != hash) {
            self.fault(at, FaultKind::NotTheHead);
        }
        if !linked {
            self.suspect();
        }
        let last_vouched = self.vouched.checked_sub(1) == Some(seq);
        let foreign = !read.envelope.signatures.iter().any(|s| self.keys.iter().any(|key| key.id() == s.keyid));
        let needed = self.depth == Depth::EverySignature || seq >= self.vouched || last_vouched || foreign || !linked;
        (self.prev, self.expected) = (hash, seq.saturating_add(1));
        self.suspect_if_needed(needed, at, read);
    }

    /// Has the signature of a line checked, or keeps the line for the case that the next one does not link to it.
    fn suspect_if_needed(&mut self, needed: bool, at: usize, line: Line) {
        self.before = None;
        if needed {
            self.batch.push((at, line));
        } else {
            self.before = Some((at, line));
        }
        if self.batch.len() >= BATCH {
            self.signatures();
        }
    }

    /// Has the signature of the line before checked: what follows does not vouch for it.
    fn suspect(&mut self) {
        self.batch.extend(self.before.take());
    }

    /// Checks the signatures that wait, on all processors.
    fn signatures(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        self.result.signatures += batch.len();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let keys = self.keys;
        let bad = std::thread::scope(|scope| {
            let part = |lines| scope.spawn(move || unsigned(lines, keys));
            let parts: Vec<_> = batch.chunks(batch.len().div_ceil(threads).max(1)).map(part).collect();
            let join = |part: std::thread::ScopedJoinHandle<'_, _>| {
                part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            parts.into_iter().flat_map(join).collect::<Vec<Fault>>()
        });
        bad.into_iter().for_each(|Fault { line, kind }| self.fault(line, kind));
    }

    fn end(&mut self, head: Option<Result<Head, String>>) {
        let last = self.result.entries;
        match head {
            None if last == 0 => {}
            None => self.fault(last, FaultKind::NoHead),
            Some(Err(why)) => self.fault(last, FaultKind::BadHead(why)),
            Some(Ok(head)) if head.seq >= self.expected => {
                self.fault(last, FaultKind::CutOff(head.seq.saturating_add(1) - self.expected));
            }
            Some(Ok(_)) => {}
        }
    }
}

/// The lines that no trusted key signed.
fn unsigned(lines: &[(usize, Line)], keys: &[VerifyingKey]) -> Vec<Fault> {
    let fault = |(at, line): &(usize, Line)| {
        let Line { envelope, payload, .. } = line;
        if envelope.signer(payload, keys).is_some() {
            return None;
        }
        let named = envelope.signatures.iter().any(|s| keys.iter().any(|key| key.id() == s.keyid));
        let kind = if named { FaultKind::Edited } else { FaultKind::ForeignKey(envelope.key_ids()) };
        Some(Fault { line: *at, kind })
    };
    lines.iter().filter_map(fault).collect()
}
