//! Checks that a ledger is whole: no entry edited, moved, removed, cut off or slipped in.
//!
//! Three things are held against one another: each entry's signature, the hash of the line before that each entry has, and
//! heads that name the last line at some time. Signatures alone do not show what is missing, links alone not who wrote it.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, BufRead, Read as _},
};

use sha2::{Digest as _, Sha256};

use crate::{Envelope, Head, Place, STATEMENT_TYPE, Statement, VerifyingKey, statement::TYPE};

/// Largest line that is read, in bytes.
pub(crate) const MAX_LINE: usize = 64 << 20;
/// Faults that are told one by one.
const MAX_FAULTS: usize = 100;
/// Lines, and bytes of them, whose signatures are checked together.
const BATCH: (usize, usize) = (1 << 12, 16 << 20);

/// Which signatures are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Every one.
    #[default]
    EverySignature,
    /// That of the head, and of entries that no head names: many times faster. An owner of a trusted key can have written the
    /// other entries in the name of another one.
    LinksOnly,
}

/// What is wrong with a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The line is no entry of a ledger.
    NoEntry(String),
    /// The signature of a trusted key does not fit the content.
    Edited,
    /// Signed with no key that is trusted.
    ForeignKey(String),
    /// Entries are missing before this one: how many.
    Removed(u64),
    /// An earlier entry stands here: its number.
    Moved(u64),
    /// The line before is not the one that this entry was written behind.
    Unlinked,
    /// An entry of another ledger, of this environment.
    OtherLedger(String),
    /// An entry of the ledger of another environment.
    OtherEnvironment(String),
    /// The line has no end: it was written in part.
    Torn,
    /// A head names an entry that is not there any more: how many were cut off.
    CutOff(u64),
    /// There is no head, so nobody can say whether entries were cut off.
    NoHead,
    /// A head is none, or not signed with a trusted key.
    BadHead(String),
    /// The line that a head names is another one.
    NotTheHead,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = |n: &u64| if *n == 1 { "1 entry".to_owned() } else { format!("{n} entries") };
        match self {
            Self::NoEntry(why) => write!(f, "is no entry: {why}"),
            Self::Edited => f.write_str("was changed after it was signed"),
            Self::ForeignKey(id) => write!(f, "is signed with no key that is trusted ({id})"),
            Self::Removed(n) => write!(f, "follows a gap: {} before it missing", entries(n)),
            Self::Moved(seq) => write!(f, "is entry {seq}, which stood elsewhere"),
            Self::Unlinked => f.write_str("was not written behind the line before it, which was replaced"),
            Self::OtherLedger(id) => write!(f, "is of another ledger ({id})"),
            Self::OtherEnvironment(name) => write!(f, "is of the ledger of `{name}`"),
            Self::Torn => f.write_str("was written in part"),
            Self::CutOff(n) => {
                write!(f, "is the last one, and a head knows of {} behind it: the end was cut off", entries(n))
            }
            Self::NoHead => {
                f.write_str("is the last one, and there is no head: whether the end was cut off is not known")
            }
            Self::BadHead(why) => write!(f, "cannot be held against the head: {why}"),
            Self::NotTheHead => f.write_str("is not the line that a head was signed for"),
        }
    }
}

/// A fault and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1; 0 where there is none.
    pub line: usize,
    /// What is wrong.
    pub kind: FaultKind,
}

/// What a ledger is held against.
#[derive(Debug, Clone, Default)]
pub struct Heads<'a> {
    /// The signed head that stands beside it.
    pub beside: Option<&'a [u8]>,
    /// Signed heads that were kept elsewhere.
    pub kept: Vec<&'a [u8]>,
    /// What this user has seen of it before.
    pub seen: Option<Head>,
}

/// What came of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Which ledger it is; empty where it has no entry.
    pub ledger: String,
    /// Lines that were read.
    pub entries: usize,
    /// Time of the last entry.
    pub last: Option<String>,
    /// Signatures that were checked, those of heads among them.
    pub signatures: usize,
    /// Entries that each trusted key signed, by its id, as far as signatures were checked.
    pub signers: BTreeMap<String, usize>,
    /// Entries behind the head that stands beside the ledger.
    pub behind_head: u64,
    /// The last entry as a head has it; none where there is none or something is wrong.
    pub head: Option<Head>,
    /// What is wrong, in the order of lines; empty where the ledger is whole.
    pub faults: Vec<Fault>,
    /// Further faults that are not listed.
    pub more: usize,
}

/// A line that was read.
pub(crate) struct Line {
    pub(crate) envelope: Envelope,
    pub(crate) payload: Vec<u8>,
    pub(crate) statement: Statement,
}

/// Reads a line without its break: the one reader, for those who check and for those who show.
pub(crate) fn read(line: &[u8]) -> Result<Line, String> {
    let object = |bytes: &[u8]| bytes.starts_with(b"{");
    if !object(line) {
        return Err("it is no JSON object".to_owned());
    }
    let envelope: Envelope = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if envelope.payload_type != STATEMENT_TYPE {
        return Err(format!("its payload is `{}`", envelope.payload_type.escape_debug()));
    }
    let payload = envelope.payload().ok_or("its payload is no base64")?;
    if !object(&payload) {
        return Err("its payload is no JSON object".to_owned());
    }
    let statement: Statement = serde_json::from_slice(&payload).map_err(|error| format!("in its payload: {error}"))?;
    if statement.kind != TYPE {
        return Err(format!("its payload is of type `{}`", statement.kind.escape_debug()));
    }
    if !is_time(&statement.testudo.time) {
        return Err("its time is not RFC 3339 in UTC".to_owned());
    }
    Ok(Line { envelope, payload, statement })
}

/// `2026-01-31T12:00:00Z`.
fn is_time(text: &str) -> bool {
    const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd:ddZ";
    let fits = |(byte, shape): (u8, &u8)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == *shape };
    text.len() == SHAPE.len() && text.bytes().zip(SHAPE).all(fits)
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

/// Checks a ledger from its first line to its last.
///
/// # Errors
/// It cannot be read. Whatever is wrong with what was read is a fault, not an error.
pub fn verify(
    input: &mut dyn BufRead,
    heads: Heads<'_>,
    environment: &str,
    keys: &[VerifyingKey],
    depth: Depth,
) -> io::Result<Verified> {
    let mut check = Check::new(environment, keys, depth);
    check.take_heads(heads);
    let mut line = Vec::new();
    while next_line(input, &mut line)? > 0 {
        let whole = line.pop_if(|b| *b == b'\n').is_some();
        if line.len() > MAX_LINE {
            check.fault(check.result.entries + 1, FaultKind::NoEntry(format!("it is longer than {MAX_LINE} bytes")));
            break;
        }
        check.line(&line);
        if !whole {
            check.fault(check.result.entries, FaultKind::Torn);
        }
    }
    check.signatures();
    Ok(check.end())
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
    /// Entries below this number have a head that names one above them.
    vouched: u64,
    /// Number that the next entry should have.
    expected: u64,
    prev: String,
    heads: Vec<Head>,
    beside: Option<u64>,
    /// Lines whose signatures are to be checked, and how many bytes they are.
    batch: (Vec<(usize, Envelope, Vec<u8>)>, usize),
    /// The line before, in case the next one does not link to it.
    before: Option<(usize, Envelope, Vec<u8>)>,
    /// What is said of the last line.
    of_heads: Vec<FaultKind>,
}

impl<'a> Check<'a> {
    fn new(environment: &'a str, keys: &'a [VerifyingKey], depth: Depth) -> Self {
        Self {
            environment,
            keys,
            depth,
            result: Verified::default(),
            vouched: 0,
            expected: 0,
            prev: first_prev(),
            heads: Vec::new(),
            beside: None,
            batch: Default::default(),
            before: None,
            of_heads: Vec::new(),
        }
    }

    fn fault(&mut self, line: usize, kind: FaultKind) {
        if self.result.faults.len() < MAX_FAULTS {
            self.result.faults.push(Fault { line, kind });
        } else {
            self.result.more += 1;
        }
    }

    fn take_heads(&mut self, heads: Heads<'_>) {
        let read = |bytes: &[u8]| signed_head(bytes, self.environment, self.keys);
        let beside = heads.beside.map(read);
        let kept: Vec<_> = heads.kept.into_iter().map(read).collect();
        if beside.is_none() {
            self.of_heads.push(FaultKind::NoHead);
        }
        self.beside = beside.as_ref().and_then(|head| head.as_ref().ok()).map(|head| head.seq);
        for head in beside.into_iter().chain(kept) {
            match head {
                Ok(head) => {
                    self.result.signatures += 1;
                    self.heads.push(head);
                }
                Err(why) => self.of_heads.push(FaultKind::BadHead(why)),
            }
        }
        self.vouched = self.heads.iter().map(|head| head.seq.saturating_add(1)).max().unwrap_or(0);
        self.heads.extend(heads.seen);
    }

    fn line(&mut self, bytes: &[u8]) {
        self.result.entries += 1;
        let (at, hash) = (self.result.entries, hash(bytes));
        let Line { envelope, payload, statement } = match read(bytes) {
            Ok(read) => read,
            Err(why) => {
                self.fault(at, FaultKind::NoEntry(why));
                (self.prev, self.expected) = (hash, self.expected.saturating_add(1));
                return self.suspect();
            }
        };
        let place = statement.testudo;
        let (seq, linked) = (place.seq, place.prev == self.prev);
        self.of_this(at, &place);
        match seq.checked_sub(self.expected) {
            Some(0) if linked => {}
            Some(0) => self.fault(at, FaultKind::Unlinked),
            Some(missing) => self.fault(at, FaultKind::Removed(missing)),
            None => self.fault(at, FaultKind::Moved(seq)),
        }
        if self.heads.iter().any(|head| head.seq == seq && head.hash != hash) {
            self.fault(at, FaultKind::NotTheHead);
        }
        if !linked {
            self.suspect();
        }
        let named = self.vouched.checked_sub(1) == Some(seq);
        let foreign = !envelope.signatures.iter().any(|s| self.keys.iter().any(|key| key.id() == s.keyid));
        let needed = self.depth == Depth::EverySignature || seq >= self.vouched || named || foreign || !linked;
        (self.prev, self.expected) = (hash, seq.saturating_add(1));
        self.result.last = Some(place.time);
        self.before = None;
        match needed {
            true => self.check_later((at, envelope, payload)),
            false => self.before = Some((at, envelope, payload)),
        }
    }

    /// Whether an entry is of this ledger.
    fn of_this(&mut self, at: usize, place: &Place) {
        if self.result.ledger.is_empty() {
            self.result.ledger.clone_from(&place.ledger);
        } else if self.result.ledger != place.ledger {
            self.fault(at, FaultKind::OtherLedger(place.ledger.escape_debug().to_string()));
        }
        if place.environment != self.environment {
            self.fault(at, FaultKind::OtherEnvironment(place.environment.escape_debug().to_string()));
        }
    }

    fn check_later(&mut self, line: (usize, Envelope, Vec<u8>)) {
        let (lines, bytes) = &mut self.batch;
        *bytes += line.2.len();
        lines.push(line);
        if lines.len() >= BATCH.0 || *bytes >= BATCH.1 {
            self.signatures();
        }
    }

    /// Has the signature of the line before checked: what follows does not link to it.
    fn suspect(&mut self) {
        if let Some(line) = self.before.take() {
            self.check_later(line);
        }
    }

    /// Checks the signatures that wait, on all processors.
    fn signatures(&mut self) {
        let (batch, _) = std::mem::take(&mut self.batch);
        self.result.signatures += batch.len();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let keys = self.keys;
        let signers = std::thread::scope(|scope| {
            let parts: Vec<_> = batch
                .chunks(batch.len().div_ceil(threads).max(1))
                .map(|lines| scope.spawn(move || signers_of(lines, keys)))
                .collect();
            let join = |part: std::thread::ScopedJoinHandle<'_, _>| {
                part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            parts.into_iter().flat_map(join).collect::<Vec<Option<String>>>()
        });
        for ((at, envelope, _), signer) in batch.iter().zip(signers) {
            match signer {
                Some(id) => *self.result.signers.entry(id).or_default() += 1,
                None => {
                    let named = envelope.signatures.iter().any(|s| keys.iter().any(|key| key.id() == s.keyid));
                    let ids = envelope.key_ids().escape_debug().to_string();
                    self.fault(*at, if named { FaultKind::Edited } else { FaultKind::ForeignKey(ids) });
                }
            }
        }
    }

    fn end(mut self) -> Verified {
        let last = self.result.entries;
        // What heads say is told first: it must not be lost behind a hundred others.
        let mut said = std::mem::take(&mut self.of_heads);
        if last == 0 && self.heads.is_empty() {
            said = vec![FaultKind::NoEntry("the ledger is empty".to_owned())];
        }
        let cut = self.heads.iter().filter(|head| head.seq >= self.expected).map(|head| head.seq).max();
        said.extend(cut.map(|seq| FaultKind::CutOff(seq.saturating_add(1) - self.expected)));
        let other = self.heads.iter().find(|head| last > 0 && head.ledger != self.result.ledger);
        said.extend(
            other.map(|head| FaultKind::BadHead(format!("it is of another ledger ({})", head.ledger.escape_debug()))),
        );
        let room = MAX_FAULTS.saturating_sub(said.len());
        self.result.more += self.result.faults.len().saturating_sub(room);
        self.result.faults.truncate(room);
        self.result.faults.extend(said.into_iter().map(|kind| Fault { line: last, kind }));
        self.result.faults.sort_by_key(|fault| fault.line);
        if let Some(beside) = self.beside {
            self.result.behind_head = self.expected.saturating_sub(beside.saturating_add(1));
        }
        if self.result.faults.is_empty() {
            self.result.head = Some(Head {
                ledger: self.result.ledger.clone(),
                environment: self.environment.to_owned(),
                seq: self.expected.saturating_sub(1),
                hash: self.prev,
                time: self.result.last.clone().unwrap_or_default(),
            });
        }
        self.result
    }
}

/// Which key signed each line.
fn signers_of(lines: &[(usize, Envelope, Vec<u8>)], keys: &[VerifyingKey]) -> Vec<Option<String>> {
    let signer = |(_, envelope, payload): &(usize, Envelope, Vec<u8>)| envelope.signer(payload, keys);
    lines.iter().map(|line| signer(line).map(|key| key.id().to_owned())).collect()
}
