//! The file of a ledger: adding to it so that a power cut loses nothing, and reading it.
//!
//! `<folder>/<environment>.jsonl` has the entries, `<environment>.head.json` the signed head. A line is on the disk before
//! the head that names it, so after a cut the head may be old, but never ahead.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    Depth, Envelope, Event, Head, LedgerError, Place, STATEMENT_TYPE, SigningKey, Statement, Subject, Verified,
    VerifyingKey,
    chain::{self, MAX_LINE},
    predicate,
    statement::TYPE,
};

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
    /// Its number.
    pub seq: u64,
    /// Bytes of an entry written in part that were taken off before.
    pub repaired: usize,
}

/// An entry that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The line, which is the envelope.
    pub line: String,
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

    /// The environments that have a ledger in a folder, in order.
    #[must_use]
    pub fn environments(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let name = |entry: fs::DirEntry| Some(entry.file_name().to_str()?.strip_suffix(".jsonl")?.to_owned());
        let mut names: Vec<String> = entries.filter_map(name).collect();
        names.sort();
        names
    }

    /// The environment.
    #[must_use]
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// The file of the entries.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.jsonl", self.environment))
    }

    /// The file of the head.
    #[must_use]
    pub fn head_path(&self) -> PathBuf {
        self.folder.join(format!("{}.head.json", self.environment))
    }

    /// Records an event. Others that record at the same time wait.
    ///
    /// # Errors
    /// The ledger cannot be written, its last entry is damaged or of nobody who is trusted, or its end was cut off.
    pub fn append(&self, event: &Event, by: Appender<'_>) -> Result<Appended, LedgerError> {
        let path = self.path();
        let write = |source| LedgerError::Write { path: path.clone(), source };
        self.make_folder()?;
        plain(&path)?;
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(write)?;
        self.lock(&file)?;
        let torn = self.heal(&mut file)?;
        let mut tail = self.tail(&mut file, by)?;
        if let Some((bytes, hash)) = &torn {
            let repair = Event {
                subject: vec![Subject::new("partial entry", "sha256", hash)],
                predicate_type: predicate::REPAIR.to_owned(),
                predicate: json!({ "bytes": bytes, "sha256": hash }),
            };
            tail = self.write(&mut file, &repair, by, tail)?;
        }
        let (next, hash) = self.write(&mut file, event, by, tail)?;
        self.write_head(by, next - 1, &hash)?;
        Ok(Appended { seq: next - 1, repaired: torn.map_or(0, |(bytes, _)| bytes) })
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

    fn make_folder(&self) -> Result<(), LedgerError> {
        let write = |source| LedgerError::Write { path: self.folder.clone(), source };
        fs::create_dir_all(&self.folder).map_err(write)?;
        // A hostile tree could lead elsewhere with a link.
        for folder in self.folder.ancestors().take(2) {
            if fs::symlink_metadata(folder).is_ok_and(|found| found.is_symlink()) {
                return Err(LedgerError::NotPlain { path: folder.to_owned() });
            }
        }
        Ok(())
    }

    /// Takes off what was written of an entry when the power went: its bytes, and their hash.
    fn heal(&self, file: &mut File) -> Result<Option<(usize, String)>, LedgerError> {
        let path = self.path();
        let read = |source| LedgerError::Read { path: path.clone(), source };
        let write = |source| LedgerError::Write { path: path.clone(), source };
        let len = file.metadata().map_err(read)?.len();
        let start = last_line(file, len).map_err(read)?;
        let line = bytes_of(file, start, len).map_err(read)?;
        if line.is_empty() || line.ends_with(b"\n") {
            return Ok(None);
        }
        if chain::read(&line).is_ok() {
            // Only its end is missing.
            file.write_all(b"\n").and_then(|()| file.sync_data()).map_err(write)?;
            return Ok(None);
        }
        file.set_len(start).and_then(|()| file.sync_data()).map_err(write)?;
        Ok(Some((line.len(), testudo_model::hex(&Sha256::digest(&line)))))
    }

    /// The number of the next entry and the hash of the last one, which has to be sound.
    fn tail(&self, file: &mut File, by: Appender<'_>) -> Result<(u64, String), LedgerError> {
        let path = self.path();
        let read = |source| LedgerError::Read { path: path.clone(), source };
        let len = file.metadata().map_err(read)?.len();
        let start = last_line(file, len).map_err(read)?;
        let mut line = bytes_of(file, start, len).map_err(read)?;
        line.pop_if(|b| *b == b'\n');
        let keys: Vec<VerifyingKey> = by.trusted.iter().chain([by.key.public()]).cloned().collect();
        let head = self.head(&keys)?;
        if line.is_empty() {
            return match head {
                None => Ok((0, chain::first_prev())),
                Some(head) => Err(self.cut(0, head.seq + 1)),
            };
        }
        let number = || line_number(file, start).unwrap_or(0);
        let entry = chain::read(&line).map_err(|why| LedgerError::Line { path: path.clone(), line: number(), why })?;
        if entry.envelope.signer(&entry.payload, &keys).is_none() {
            let keyid = entry.envelope.key_ids().escape_debug().to_string();
            return Err(LedgerError::Untrusted { path: path.clone(), line: number(), keyid });
        }
        let (seq, hash) = (entry.place.seq, chain::hash(&line));
        let wrong = |why: &str| LedgerError::Line { path: path.clone(), line: number(), why: why.to_owned() };
        match head {
            _ if entry.place.environment != self.environment => Err(wrong("the entry is of another environment")),
            // The power may have gone between the first entry and the first head.
            None if seq == 0 => Ok((1, hash)),
            None => Err(wrong("there is no head beside the ledger, so entries may be missing behind this one")),
            Some(head) if head.seq > seq => Err(self.cut(number(), head.seq - seq)),
            Some(head) if head.seq == seq && head.hash != hash => Err(wrong("the head names another line")),
            Some(_) => Ok((seq + 1, hash)),
        }
    }

    fn cut(&self, line: usize, missing: u64) -> LedgerError {
        let why = format!("the head knows of {missing} more entries behind this line: the end was cut off");
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

    /// Writes an entry; gives the number of the next one and the hash of this one.
    fn write(
        &self,
        file: &mut File,
        event: &Event,
        by: Appender<'_>,
        (seq, prev): (u64, String),
    ) -> Result<(u64, String), LedgerError> {
        let path = self.path();
        let place = Place {
            environment: self.environment.clone(),
            seq,
            prev,
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
        file.write_all(&line).and_then(|()| file.sync_data()).map_err(|source| LedgerError::Write { path, source })?;
        Ok((seq + 1, hash))
    }

    fn write_head(&self, by: Appender<'_>, seq: u64, hash: &str) -> Result<(), LedgerError> {
        let path = self.head_path();
        let head = Head { environment: self.environment.clone(), seq, hash: hash.to_owned(), time: by.time.to_owned() };
        let temporary = self.folder.join(format!(".{}.head.{}.tmp", self.environment, std::process::id()));
        drop(fs::remove_file(&temporary));
        let write = || {
            let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
            file.write_all(&signed(Head::TYPE, &head, by.key))?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| {
            // The first error is the one to tell; a file left behind is only untidy.
            drop(fs::remove_file(&temporary));
            LedgerError::Write { path: path.clone(), source }
        })
    }

    /// Checks the ledger. `head` is one that was kept elsewhere; without it, the one beside the ledger counts.
    ///
    /// # Errors
    /// There is no ledger, or it cannot be read.
    pub fn verify(&self, keys: &[VerifyingKey], head: Option<&[u8]>, depth: Depth) -> Result<Verified, LedgerError> {
        let path = self.path();
        let own = match head {
            Some(_) => None,
            None => self.head_bytes()?,
        };
        let head = head.or(own.as_deref());
        let mut input = self.open()?;
        chain::verify(&mut input, head, &self.environment, keys, depth)
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
            let statement = serde_json::from_slice(&read.payload).map_err(|error| wrong(error.to_string()))?;
            let text = String::from_utf8_lossy(whole).into_owned();
            if each(Entry { line: text, statement }) == Next::Stop {
                break;
            }
        }
        Ok(())
    }

    fn open(&self) -> Result<BufReader<File>, LedgerError> {
        let path = self.path();
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
