//! The file of alerts: one event a line, added at its end, for people and for programs that read along.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::Value;
use testudo_model::AgentEventBody;

use super::Sink;
use crate::{AgentError, spool::frame::Kept};

/// How far back is looked for what is there already, in bytes: more than one batch, which is a frame and a few events.
const BACK: u64 = 8 << 20;

/// The file.
#[derive(Debug)]
pub(crate) struct AlertFile {
    path: PathBuf,
    agent: String,
    open: Option<File>,
    /// Ids at the end of the file when it was opened.
    there: BTreeSet<String>,
}

impl AlertFile {
    pub(crate) fn new(path: &Path, agent: &str) -> Self {
        Self { path: path.to_owned(), agent: agent.to_owned(), open: None, there: BTreeSet::new() }
    }

    /// Opens the file, takes off a line that was written in part, and learns what is there.
    fn open(&mut self) -> io::Result<()> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(&self.path)?;
        let length = file.metadata()?.len();
        let from = length.saturating_sub(BACK);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        (&mut file).take(BACK).read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if whole < bytes.len() {
            file.set_len(from + whole as u64)?;
        }
        let lines = bytes[..whole].split(|byte| *byte == b'\n');
        let id = |line: &[u8]| serde_json::from_slice::<Value>(line).ok()?["event"].as_str().map(str::to_owned);
        self.there = lines.filter_map(id).collect();
        self.open = Some(file);
        Ok(())
    }

    fn write(&mut self, events: &[Kept]) -> io::Result<()> {
        // Whoever rotates the file takes it away, or cuts it.
        let named = std::fs::metadata(&self.path).ok().map(|found| (found.dev(), found.ino()));
        let own = self.open.as_ref().and_then(|file| file.metadata().ok()).map(|found| (found.dev(), found.ino()));
        if own.is_none() || named != own {
            self.open()?;
        }
        let mut lines = Vec::new();
        for kept in events {
            let id = id(&self.agent, kept);
            if !self.there.remove(&id) {
                lines.extend(line(id, kept).into_iter().flatten());
            }
        }
        let Some(file) = &mut self.open else { return Ok(()) };
        file.write_all(&lines)?;
        // Whoever is told that the events are here forgets them.
        file.sync_data()
    }
}

fn id(agent: &str, kept: &Kept) -> String {
    format!("{agent}/{}/{}", kept.boot, kept.event.seq)
}

/// One line.
#[derive(Serialize)]
struct Entry<'k> {
    event: String,
    time: &'k str,
    #[serde(flatten)]
    body: &'k AgentEventBody,
}

/// The line of an event; none for those that nobody reads.
fn line(event: String, kept: &Kept) -> Option<Vec<u8>> {
    if matches!(kept.event.body, AgentEventBody::Heartbeat) {
        return None;
    }
    let entry = Entry { event, time: &kept.event.time, body: &kept.event.body };
    let mut line = serde_json::to_vec(&entry).expect("texts and numbers can be written as JSON");
    line.push(b'\n');
    Some(line)
}

impl Sink for AlertFile {
    fn take(&mut self, events: &[Kept]) -> Result<u64, AgentError> {
        let written = self.write(events);
        if let Err(source) = written {
            // What is there now is not known.
            self.open = None;
            return Err(AgentError::Write { path: self.path.clone(), source });
        }
        Ok(events.last().map_or(0, |kept| kept.number))
    }
}
