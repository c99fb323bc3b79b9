//! The hub's own ledger: what people decided here, signed with a key that never leaves the folder of the hub.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::Serialize;
use testudo_ledger::{Appender, Depth, Entry, Event, Heads, Journal, LedgerError, Next, SigningKey, Subject};

use crate::HubError;

/// Name of the ledger.
const NAME: &str = "hub";

/// The hub's own ledger.
#[derive(Debug)]
pub(crate) struct Decisions {
    journal: Journal,
    key: SigningKey,
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
        Ok(Self { journal: Journal::new(&folder.join("ledger"), NAME)?, key })
    }

    /// Adds what was decided. Gives the number of the entry.
    pub(crate) fn add(
        &self,
        (kind, said): (&str, &impl Serialize),
        subject: Vec<Subject>,
        (time, actor): (&str, &str),
    ) -> Result<u64, HubError> {
        let event = Event { subject, predicate_type: kind.to_owned(), predicate: serde_json::to_value(said)? };
        let by = Appender { key: &self.key, trusted: &[], time, actor };
        Ok(self.journal.append(&event, by)?.seq)
    }

    /// One entry; none where there is none of that number.
    pub(crate) fn entry(&self, seq: u64) -> Result<Option<Entry>, HubError> {
        let mut found = None;
        let read = self.journal.entries(&mut |entry| {
            if entry.statement.testudo.seq == seq {
                found = Some(entry);
                return Next::Stop;
            }
            Next::Entry
        });
        match read {
            Err(LedgerError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            read => Ok(read.map(|()| found)?),
        }
    }

    /// What is wrong with the ledger; none where it is whole.
    pub(crate) fn fault(&self) -> Result<Option<String>, HubError> {
        if self.journal.last()?.is_none() {
            return Ok(None);
        }
        let keys = [self.key.public().clone()];
        let verified = self.journal.verify(&keys, Heads::default(), Depth::EverySignature)?;
        Ok(verified
            .faults
            .first()
            .map(|fault| format!("entry in line {} of the hub's own ledger {}", fault.line, fault.kind)))
    }

    /// The public half of the key (PEM).
    pub(crate) fn public_key(&self) -> String {
        self.key.public().to_pem()
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
