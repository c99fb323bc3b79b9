//! The hub's own ledger: what people decided here, signed with a key that never leaves the folder of the hub.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use testudo_ledger::{
    Appender, Depth, Entry, Event, Head, Heads, Journal, LedgerError, Next, SigningKey, Statement, Verified, predicate,
};

use crate::{
    HubError,
    change::{FIELD, Signed},
    http::Body,
    store::Intent,
};

/// Name of the ledger.
const NAME: &str = "hub";

/// The hub's own ledger.
#[derive(Debug)]
pub(crate) struct Decisions {
    journal: Journal,
    key: SigningKey,
    /// File that whoever decides holds a lock on, in any process.
    lock: PathBuf,
    alone: Mutex<()>,
}

/// Nobody else decides as long as this is there.
#[derive(Debug)]
pub(crate) struct Alone<'a> {
    _thread: MutexGuard<'a, ()>,
    _process: File,
}

impl Decisions {
    /// Opens the ledger of a folder. Its key is made the first time.
    pub(crate) fn open(folder: &Path) -> Result<Self, HubError> {
        let path = folder.join("hub.pem");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(&path)?,
            Err(source) => return Err(HubError::Folder { path, source }),
        };
        let key = SigningKey::from_pem(&text, &path.display().to_string())?;
        let journal = Journal::new(&folder.join("ledger"), NAME)?;
        Ok(Self { journal, key, lock: folder.join("decisions.lock"), alone: Mutex::default() })
    }

    /// Waits until nobody else decides.
    pub(crate) fn alone(&self) -> Result<Alone<'_>, HubError> {
        let thread = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = || {
            let file = OpenOptions::new().write(true).create(true).truncate(false).open(&self.lock)?;
            file.lock().map(|()| file)
        };
        let process = lock().map_err(|source| HubError::Folder { path: self.lock.clone(), source })?;
        Ok(Alone { _thread: thread, _process: process })
    }

    /// Writes the entry of an intent. Gives the head behind it.
    ///
    /// # Errors
    /// It was not written, or nobody can say whether it was.
    pub(crate) fn add(&self, _: &Alone<'_>, intent: &Intent) -> Result<Head, HubError> {
        let mut predicate = intent.predicate.clone();
        predicate[FIELD] = serde_json::to_value(&intent.signed)?;
        let event = Event { subject: intent.subject.clone(), predicate_type: intent.kind.clone(), predicate };
        let by = Appender { key: &self.key, trusted: &[], time: &intent.time, actor: &intent.actor };
        match self.journal.append(&event, by) {
            Ok(added) => Ok(Head {
                ledger: added.ledger,
                environment: NAME.to_owned(),
                seq: added.seq,
                hash: added.hash,
                time: intent.time.clone(),
            }),
            // The entry may be there all the same, such as where only its head could not be written.
            Err(error) => self.find(&intent.signed.id)?.ok_or(error.into()),
        }
    }

    /// The head behind the entry of an intent; none where there is no such entry and never will be.
    pub(crate) fn find(&self, id: &str) -> Result<Option<Head>, HubError> {
        self.journal.mend(&[self.key.public().clone()])?;
        let mut found = None;
        self.each(&mut |entry| {
            if signed(&entry.statement).is_some_and(|signed| signed.id == id) {
                found = Some(head(&entry));
                return Next::Stop;
            }
            Next::Entry
        })?;
        Ok(found)
    }

    /// The head behind the last entry; none where there is none.
    pub(crate) fn last(&self) -> Result<Option<Head>, HubError> {
        Ok(self.journal.last()?.as_ref().map(head))
    }

    /// Whether the ledger ends with the entry that the database knows as the last one.
    ///
    /// # Errors
    /// It does not, or cannot be read: nothing may be added to it.
    pub(crate) fn continues(&self, known: Option<&Head>) -> Result<(), HubError> {
        let last = self.last()?;
        let same = match (known, &last) {
            (None, None) => true,
            (Some(known), Some(last)) if (known.seq, &known.hash) == (last.seq, &last.hash) => true,
            _ => self.only_repaired_since(known)?,
        };
        if same { Ok(()) } else { Err(HubError::Parted) }
    }

    /// Whether nothing stands behind what is known but notes that an entry was written in part and taken off.
    fn only_repaired_since(&self, known: Option<&Head>) -> Result<bool, HubError> {
        let (mut found, mut only) = (known.is_none(), true);
        self.each(&mut |entry| {
            let seq = entry.statement.testudo.seq;
            match known {
                Some(known) if seq == known.seq => found = head(&entry).hash == known.hash,
                Some(known) if seq < known.seq => {}
                _ => only &= entry.statement.predicate_type == predicate::REPAIR,
            }
            if only { Next::Entry } else { Next::Stop }
        })?;
        Ok(found && only)
    }

    /// Gives every entry in order. A ledger that is not there has none.
    pub(crate) fn each(&self, each: &mut dyn FnMut(Entry) -> Next) -> Result<(), HubError> {
        match self.journal.entries(each) {
            Err(LedgerError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(()),
            read => Ok(read?),
        }
    }

    /// One entry; none where there is none of that number.
    pub(crate) fn entry(&self, seq: u64) -> Result<Option<Entry>, HubError> {
        let mut found = None;
        self.each(&mut |entry| {
            if entry.statement.testudo.seq == seq {
                found = Some(entry);
                return Next::Stop;
            }
            Next::Entry
        })?;
        Ok(found)
    }

    /// Holds every line and signature against each other, and against what the database has seen of the ledger.
    pub(crate) fn check(&self, seen: Option<Head>) -> Result<Verified, HubError> {
        let heads = Heads { seen, ..Heads::default() };
        Ok(self.journal.verify(&[self.key.public().clone()], heads, Depth::EverySignature)?)
    }

    /// The public half of the key (PEM).
    pub(crate) fn public_key(&self) -> String {
        self.key.public().to_pem()
    }
}

/// What an entry says beside its own type; none where it was not written by a change.
pub(crate) fn signed(statement: &Statement) -> Option<Signed> {
    serde_json::from_value(statement.predicate.get(FIELD)?.clone()).ok()
}

fn head(entry: &Entry) -> Head {
    let place = &entry.statement.testudo;
    Head {
        ledger: place.ledger.clone(),
        environment: place.environment.clone(),
        seq: place.seq,
        hash: Body::of(entry.line.clone()).digest().to_owned(),
        time: place.time.clone(),
    }
}

/// Makes the key, for the owner of the folder alone. Of two processes that do so at once, the first one's key counts.
fn create(path: &Path) -> Result<String, HubError> {
    let wrong = |source| HubError::Folder { path: PathBuf::from(path), source };
    let text = SigningKey::generate_pem()?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    options
        .open(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(wrong)?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary).map_err(wrong)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(wrong(error)),
        _ => fs::read_to_string(path).map_err(wrong),
    }
}
