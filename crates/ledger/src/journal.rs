//! The file of a ledger: adding to it so that a power cut loses nothing, and reading it.
//!
//! `<folder>/<environment>.jsonl` has the entries, `<environment>.head.json` the signed head. A line is on the disk before
//! the head that names it, so after a cut the head may be old, but never ahead.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use sha2::{Digest as _, Sha256};

#[cfg(feature = "fault")]
use crate::fault;
use crate::{
    Depth, Envelope, Event, Head, Heads, LedgerError, Place, STATEMENT_TYPE, SigningKey, Statement, Subject, Verified,
    VerifyingKey,
    chain::{self, MAX_LINE},
    predicate,
    statement::TYPE,
};

/// How the names of the two files end.
const ENTRIES: &str = ".jsonl";
const HEAD: &str = ".head.json";
/// What every entry begins with.
const BEGINNING: &[u8] = b"{\"payloadType\":";
/// Largest head that is read, in bytes.
const MAX_HEAD: u64 = 1 << 16;
/// How long another program may be adding an entry.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);
/// Longest name of an environment.
const MAX_NAME: usize = 64;

/// Who adds an entry, when and with which key.
#[derive(Debug, Clone, Copy)]
pub struct Appender<'a> {
    /// Signs.
    pub key: &'a SigningKey,
    /// Keys whose entries may be continued; the own key always may.
    pub trusted: &'a [VerifyingKey],
    /// Now, RFC 3339 in UTC.
    pub time: &'a str,
    /// Who or what acts.
    pub actor: &'a str,
}

/// An entry that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The ledger.
    pub ledger: String,
    /// Its number.
    pub seq: u64,
    /// Hash of its line.
    pub hash: String,
    /// Bytes of an entry written in part that were taken off before.
    pub repaired: usize,
}

/// An entry that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The line without its break, which is the envelope.
    pub line: Vec<u8>,
    /// What it says.
    pub statement: Statement,
}

/// The ledger of one environment.
#[derive(Debug, Clone)]
pub struct Journal {
    folder: PathBuf,
    environment: String,
}

impl Journal {
    /// The ledger of `environment` in a folder; neither needs to be there yet.
    ///
    /// # Errors
    /// The name is none.
    pub fn new(folder: &Path, environment: &str) -> Result<Self, LedgerError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let begins = environment.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !begins || environment.len() > MAX_NAME || !environment.chars().all(fits) {
            return Err(LedgerError::Environment(environment.escape_debug().to_string()));
        }
        Ok(Self { folder: folder.to_owned(), environment: environment.to_owned() })
    }

    /// The environments that have a ledger, or the head of one, in a folder, in order.
    ///
    /// # Errors
    /// The folder is there and cannot be read.
    pub fn environments(folder: &Path) -> Result<Vec<String>, LedgerError> {
        let read = |source| LedgerError::Read { path: folder.to_owned(), source };
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(read)?,
        };
        let mut names = BTreeSet::new();
        for entry in entries {
            let name = entry.map_err(read)?.file_name().to_string_lossy().into_owned();
            let name = name.strip_suffix(ENTRIES).or_else(|| name.strip_suffix(HEAD));
            // Other files are none of ours.
            names.extend(name.filter(|name| Self::new(folder, name).is_ok()).map(str::to_owned));
        }
        Ok(names.into_iter().collect())
    }

    /// The environment.
    #[must_use]
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The file of the entries.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join(format!("{}{ENTRIES}", self.environment))
    }

    /// The file of the head.
    #[must_use]
    pub fn head_path(&self) -> PathBuf {
        self.folder.join(format!("{}{HEAD}", self.environment))
    }

    /// Where bytes are kept that were written of an entry when the power went.
    fn torn_path(&self) -> PathBuf {
        self.folder.join(format!("{}.torn", self.environment))
    }

    /// Records an event. Others that record at the same time wait.
    ///
    /// # Errors
    /// The ledger cannot be written, its last entry is damaged or of nobody who is trusted, or its end was cut off.
    /// [`LedgerError::Head`] says that the entry was recorded, and its head was not.
    pub fn append(&self, event: &Event, by: Appender<'_>) -> Result<Appended, LedgerError> {
        let path = self.path();
        let write = |source| LedgerError::Write { path: path.clone(), source };
        self.make_folder()?;
        plain(&path)?;
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(write)?;
        self.lock(&file)?;
        let keys: Vec<VerifyingKey> = by.trusted.iter().chain([by.key.public()]).cloned().collect();
        let head = self.head(&keys)?;
        self.heal(&mut file, head.as_ref())?;
        let mut tail = self.tail(&mut file, &keys, head)?;
        let torn = self.torn()?;
        if let Some(bytes) = &torn {
            let hash = testudo_model::hex(&Sha256::digest(bytes));
            let repair = Event {
                subject: vec![Subject::new("partial entry", "sha256", &hash)],
                predicate_type: predicate::REPAIR.to_owned(),
                predicate: json!({ "bytes": bytes.len(), "sha256": hash }),
            };
            tail = self.write(&mut file, &repair, by, tail)?;
            let kept = self.torn_path().with_extension(format!("torn.{}", tail.next - 1));
            fs::rename(self.torn_path(), kept).map_err(write)?;
        }
        let tail = self.write(&mut file, event, by, tail)?;
        let repaired = torn.map_or(0, |bytes| bytes.len());
        Ok(Appended { ledger: tail.ledger, seq: tail.next - 1, hash: tail.hash, repaired })
    }

    /// Completes or takes off what a power cut left of the last entry, so that all that is there can be read. Where there is
    /// no ledger nothing is done.
    ///
    /// # Errors
    /// The ledger cannot be written, or is damaged.
    pub fn mend(&self, keys: &[VerifyingKey]) -> Result<(), LedgerError> {
        let path = self.path();
        plain(&path)?;
        let mut file = match OpenOptions::new().read(true).append(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(LedgerError::Write { path, source }),
        };
        self.lock(&file)?;
        let head = self.head(keys)?;
        self.heal(&mut file, head.as_ref())
    }

    /// Waits until nobody else adds to the ledger.
    fn lock(&self, file: &File) -> Result<(), LedgerError> {
        let path = self.path();
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(LedgerError::Busy { path, seconds: PATIENCE.as_secs() }),
                Err(TryLockError::Error(source)) => return Err(LedgerError::Write { path, source }),
            }
        }
    }

    /// Makes the folder and the one around it, never through a link: a hostile tree could lead elsewhere.
    fn make_folder(&self) -> Result<(), LedgerError> {
        for folder in self.own_folders() {
            match fs::create_dir(folder) {
                Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(LedgerError::Write { path: folder.to_owned(), source });
                }
                _ => no_link(folder)?,
            }
        }
        Ok(())
    }

    /// The folder and the one around it, the outer one first.
    fn own_folders(&self) -> impl Iterator<Item = &Path> {
        let outer = self.folder.parent().filter(|outer| !outer.as_os_str().is_empty());
        outer.into_iter().chain([self.folder.as_path()])
    }

    /// Takes off what was written of an entry when the power went, and keeps it in a file of its own. What a head names was
    /// whole once: then the file is damaged, and stays as it is.
    fn heal(&self, file: &mut File, head: Option<&Head>) -> Result<(), LedgerError> {
        let path = self.path();
        let read = |source| LedgerError::Read { path: path.clone(), source };
        let write = |source| LedgerError::Write { path: path.clone(), source };
        let len = file.metadata().map_err(read)?.len();
        let start = last_line(file, len).map_err(read)?;
        let bytes = bytes_of(file, start, len).map_err(read)?;
        if bytes.is_empty() || bytes.ends_with(b"\n") {
            return Ok(());
        }
        if chain::read(&bytes).is_ok() {
            // Only its end is missing.
            return file.write_all(b"\n").and_then(|()| file.sync_data()).map_err(write);
        }
        let begun = |of: &[u8]| bytes.iter().zip(of).all(|(a, b)| a == b);
        let before = self.last_number(file, start)?;
        if !begun(BEGINNING) || head.is_some_and(|head| before.is_none_or(|last| last < head.seq)) {
            let why = "the line has no end, and is not what a power cut leaves of a new entry: the ledger was damaged";
            let line = line_number(file, start).unwrap_or(0);
            return Err(LedgerError::Line { path, line, why: why.to_owned() });
        }
        let torn = self.torn_path();
        plain(&torn)?;
        let keep = || {
            let mut kept = File::create(&torn)?;
            kept.write_all(&bytes)?;
            kept.sync_all()
        };
        keep().map_err(|source| LedgerError::Write { path: torn.clone(), source })?;
        file.set_len(start).and_then(|()| file.sync_data()).map_err(write)
    }

    /// The number of the last entry before an offset.
    fn last_number(&self, file: &mut File, end: u64) -> Result<Option<u64>, LedgerError> {
        let read = |source| LedgerError::Read { path: self.path(), source };
        let start = last_line(file, end).map_err(read)?;
        let mut line = bytes_of(file, start, end).map_err(read)?;
        line.pop_if(|b| *b == b'\n');
        Ok(chain::read(&line).ok().map(|read| read.statement.testudo.seq))
    }

    /// What a power cut left, which no entry tells of yet.
    fn torn(&self) -> Result<Option<Vec<u8>>, LedgerError> {
        let path = self.torn_path();
        plain(&path)?;
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|file| file.take(MAX_LINE as u64).read_to_end(&mut bytes)) {
            Ok(_) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LedgerError::Read { path, source }),
        }
    }

    /// Where the next entry goes. The last one has to be sound.
    fn tail(&self, file: &mut File, keys: &[VerifyingKey], head: Option<Head>) -> Result<Tail, LedgerError> {
        let path = self.path();
        let read = |source| LedgerError::Read { path: path.clone(), source };
        let len = file.metadata().map_err(read)?.len();
        if len == 0 {
            return match head {
                None => Ok(Tail { ledger: new_id()?, next: 0, hash: chain::first_prev() }),
                Some(head) => Err(self.cut(0, head.seq.saturating_add(1))),
            };
        }
        let start = last_line(file, len).map_err(read)?;
        let mut line = bytes_of(file, start, len).map_err(read)?;
        line.pop_if(|b| *b == b'\n');
        let number = || line_number(file, start).unwrap_or(0);
        let wrong = |why: String| LedgerError::Line { path: path.clone(), line: number(), why };
        let entry = chain::read(&line).map_err(wrong)?;
        if entry.envelope.signer(&entry.payload, keys).is_none() {
            let keyid = entry.envelope.key_ids().escape_debug().to_string();
            return Err(LedgerError::Untrusted { path: path.clone(), line: number(), keyid });
        }
        let (place, hash) = (entry.statement.testudo, chain::hash(&line));
        let next =
            place.seq.checked_add(1).ok_or_else(|| wrong("the number of the entry is the last there is".to_owned()))?;
        let tail = Tail { ledger: place.ledger, next, hash };
        match head {
            _ if place.environment != self.environment => Err(wrong("the entry is of another environment".to_owned())),
            // The power may have gone between the first entry and the first head.
            None if next == 1 => Ok(tail),
            None => {
                Err(wrong("there is no head beside the ledger, so entries may be missing behind this one".to_owned()))
            }
            Some(head) if head.ledger != tail.ledger => Err(wrong("the head is of another ledger".to_owned())),
            Some(head) if head.seq > place.seq => Err(self.cut(number(), head.seq - place.seq)),
            Some(head) if head.seq == place.seq && head.hash != tail.hash => {
                Err(wrong("the head names another line".to_owned()))
            }
            Some(_) => Ok(tail),
        }
    }

    fn cut(&self, line: usize, missing: u64) -> LedgerError {
        let entries = if missing == 1 { "1 entry".to_owned() } else { format!("{missing} entries") };
        let why = format!("the head knows of {entries} behind this line: the end was cut off");
        LedgerError::Line { path: self.path(), line, why }
    }

    /// The head; none where there is none.
    fn head(&self, keys: &[VerifyingKey]) -> Result<Option<Head>, LedgerError> {
        let path = self.head_path();
        let Some(bytes) = self.head_bytes()? else { return Ok(None) };
        let head = chain::signed_head(&bytes, &self.environment, keys);
        head.map(Some).map_err(|why| LedgerError::Line { path, line: 1, why })
    }

    /// The head as it stands in its file; none where there is none.
    ///
    /// # Errors
    /// It cannot be read, or is no plain file.
    pub fn head_bytes(&self) -> Result<Option<Vec<u8>>, LedgerError> {
        let path = self.head_path();
        plain(&path)?;
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|file| file.take(MAX_HEAD).read_to_end(&mut bytes)) {
            Ok(_) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LedgerError::Read { path, source }),
        }
    }

    /// Writes an entry and the head that names it.
    fn write(&self, file: &mut File, event: &Event, by: Appender<'_>, at: Tail) -> Result<Tail, LedgerError> {
        let path = self.path();
        let place = Place {
            ledger: at.ledger.clone(),
            environment: self.environment.clone(),
            seq: at.next,
            prev: at.hash,
            time: by.time.to_owned(),
            actor: by.actor.to_owned(),
        };
        let statement = Statement {
            kind: TYPE.to_owned(),
            subject: event.subject.clone(),
            predicate_type: event.predicate_type.clone(),
            predicate: event.predicate.clone(),
            testudo: place,
        };
        let mut line = signed(STATEMENT_TYPE, &statement, by.key);
        if line.len() > MAX_LINE {
            return Err(LedgerError::TooLarge { path, size: line.len(), most: MAX_LINE });
        }
        let hash = chain::hash(&line);
        line.push(b'\n');
        #[cfg(feature = "fault")]
        if fault::is_due("append.torn") {
            drop(file.write_all(&line[..line.len() / 2]));
            fault::end();
        }
        file.write_all(&line).map_err(|source| LedgerError::Write { path: path.clone(), source })?;
        #[cfg(feature = "fault")]
        fault::reach("append.unsynced");
        file.sync_data().map_err(|source| LedgerError::Write { path, source })?;
        let (ledger, environment) = (at.ledger, self.environment.clone());
        let head =
            Head { ledger: ledger.clone(), environment, seq: at.next, hash: hash.clone(), time: by.time.to_owned() };
        self.write_head(by.key, &head)?;
        #[cfg(feature = "fault")]
        fault::reach("append.done");
        Ok(Tail { ledger, next: at.next.saturating_add(1), hash })
    }

    fn write_head(&self, key: &SigningKey, head: &Head) -> Result<(), LedgerError> {
        let path = self.head_path();
        // One name for all: whoever writes holds the lock, and what an earlier one left is taken away.
        let temporary = self.folder.join(format!(".{}.head.tmp", self.environment));
        drop(fs::remove_file(&temporary));
        let write = || {
            let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
            file.write_all(&signed(Head::TYPE, head, key))?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| LedgerError::Head { path: path.clone(), seq: head.seq, source })
    }

    /// Checks the ledger against the head beside it and others. A ledger that is not there has no entry.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn verify(&self, keys: &[VerifyingKey], heads: Heads<'_>, depth: Depth) -> Result<Verified, LedgerError> {
        let path = self.path();
        let beside = self.head_bytes()?;
        let heads = Heads { beside: beside.as_deref().or(heads.beside), ..heads };
        let mut input: Box<dyn BufRead> = match self.open() {
            Ok(input) => Box::new(input),
            Err(LedgerError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Box::new(io::empty()),
            Err(error) => return Err(error),
        };
        chain::verify(&mut input, heads, &self.environment, keys, depth)
            .map_err(|source| LedgerError::Read { path, source })
    }

    /// Gives every entry in order, without checking signatures. Stops where `each` says so.
    ///
    /// # Errors
    /// There is no ledger, it cannot be read, or a line is no entry.
    pub fn entries(&self, each: &mut dyn FnMut(Entry) -> Next) -> Result<(), LedgerError> {
        let path = self.path();
        let mut input = self.open()?;
        let (mut bytes, mut line) = (Vec::new(), 0);
        while chain::next_line(&mut input, &mut bytes)
            .map_err(|source| LedgerError::Read { path: path.clone(), source })?
            > 0
        {
            line += 1;
            // An entry that was written in part is none.
            let Some(whole) = bytes.strip_suffix(b"\n") else { break };
            let wrong = |why: String| LedgerError::Line { path: path.clone(), line, why };
            let read = chain::read(whole).map_err(wrong)?;
            if each(Entry { line: whole.to_vec(), statement: read.statement }) == Next::Stop {
                break;
            }
        }
        Ok(())
    }

    /// The last entry, without checking its signature; none where there is none.
    ///
    /// # Errors
    /// The ledger cannot be read, or its last line is no entry.
    pub fn last(&self) -> Result<Option<Entry>, LedgerError> {
        let path = self.path();
        let read = |source| LedgerError::Read { path: path.clone(), source };
        let mut file = match self.open() {
            Ok(input) => input.into_inner(),
            Err(LedgerError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let len = file.metadata().map_err(read)?.len();
        let start = last_line(&mut file, len).map_err(read)?;
        let mut line = bytes_of(&mut file, start, len).map_err(read)?;
        if line.is_empty() {
            return Ok(None);
        }
        line.pop_if(|b| *b == b'\n');
        let wrong =
            |why: String| LedgerError::Line { path: path.clone(), line: line_number(&file, start).unwrap_or(0), why };
        let statement = chain::read(&line).map_err(wrong)?.statement;
        Ok(Some(Entry { line, statement }))
    }

    fn open(&self) -> Result<BufReader<File>, LedgerError> {
        let path = self.path();
        self.own_folders().try_for_each(no_link)?;
        plain(&path)?;
        File::open(&path).map(BufReader::new).map_err(|source| LedgerError::Read { path, source })
    }
}

/// Whether reading goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// With the next entry.
    Entry,
    /// Not.
    Stop,
}

/// A signed value as a line without its break.
fn signed(payload_type: &str, value: &impl serde::Serialize, key: &SigningKey) -> Vec<u8> {
    let payload = serde_json::to_vec(value).expect("the shape has nothing that JSON cannot hold");
    let envelope = Envelope::sign(payload_type, &payload, key);
    serde_json::to_vec(&envelope).expect("the shape has nothing that JSON cannot hold")
}

/// Where the next entry goes.
struct Tail {
    ledger: String,
    /// Its number.
    next: u64,
    /// Hash of the line before.
    hash: String,
}

/// A new ledger's name.
fn new_id() -> Result<String, LedgerError> {
    let mut bytes = [0; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes).map_err(|_| LedgerError::Random)?;
    Ok(testudo_model::hex(&bytes))
}

/// Refuses a link where a folder is expected.
fn no_link(folder: &Path) -> Result<(), LedgerError> {
    match fs::symlink_metadata(folder) {
        Ok(found) if !found.is_dir() => Err(LedgerError::NotPlain { path: folder.to_owned() }),
        _ => Ok(()),
    }
}

/// Refuses what is there and is no plain file.
fn plain(path: &Path) -> Result<(), LedgerError> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(LedgerError::NotPlain { path: path.to_owned() }),
        _ => Ok(()),
    }
}

/// Where the last line begins; a break at the very end is part of it.
fn last_line(file: &mut File, len: u64) -> io::Result<u64> {
    const STEP: u64 = 1 << 16;
    let mut end = len.saturating_sub(1);
    while end > 0 && len - end <= MAX_LINE as u64 {
        let start = end.saturating_sub(STEP);
        let piece = bytes_of(file, start, end)?;
        if let Some(at) = piece.iter().rposition(|b| *b == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(end)
}

fn bytes_of(file: &mut File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(to - from).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Line of an offset, from 1.
fn line_number(file: &File, offset: u64) -> io::Result<usize> {
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(0))?;
    let (mut input, mut buffer, mut line) = (BufReader::new(file.take(offset)), vec![0; 1 << 16], 1);
    loop {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            return Ok(line);
        }
        line += buffer[..read].iter().filter(|b| **b == b'\n').count();
    }
}
