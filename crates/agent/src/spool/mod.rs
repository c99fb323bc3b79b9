//! What the agent saw and what it knows, kept so that the end of a process or of the power loses nothing.
//!
//! Events and knowledge (places in logs, what rules remember, files and ports that were told, responses) are written in
//! [frames](frame): both at once. A folder has files of frames; each file begins with all that is known, so an older one
//! can go once every sink has its events. Where the folder gets as large as it may be because the hub takes nothing, what
//! only the hub lacks gives way, the least severe first ([`thin`]). Where that is not enough, new events are not kept. Both
//! are counted, and the count is told as soon as there is room.

pub(crate) mod frame;
pub(crate) mod reader;
pub(crate) mod thin;

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use testudo_model::{AgentEvent, AgentEventBody, Severity};

use self::{
    frame::{Frame, HEAD, Kept, MAX_FRAME, PART, Read, size_of},
    reader::{path_of, segments},
};
use crate::{AgentError, machine};

/// From which size on the next file is begun, in bytes.
const SEGMENT: u64 = 4 << 20;
/// Where counts of events that were not kept stand.
const LOST: &str = "lost";

/// The spool, for the one process that writes it.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    /// The file that is written; none before there was room for one.
    file: Option<File>,
    /// Bytes of the file that is written.
    size: u64,
    number: u64,
    older: Vec<Older>,
    limit: u64,
    agent: String,
    boot: String,
    seq: u64,
    /// Number of the last event that was written.
    last: u64,
    values: BTreeMap<String, String>,
    open: Frame,
    /// Bytes of the events of the next frame.
    open_bytes: usize,
}

/// A file that is not written any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Older {
    number: u64,
    /// Number of its last event.
    last: u64,
    bytes: u64,
    /// Events of a lower rank were taken out.
    rank: u8,
}

/// What a spool was found to hold.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) last: u64,
    /// What was wrong, for people.
    pub(crate) told: Vec<String>,
    older: Vec<Older>,
}

/// Where a file stands among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    /// It was written when the agent ended.
    Last,
}

/// What is known, for somebody who only looks.
pub(crate) fn look(folder: &Path) -> Result<BTreeMap<String, String>, AgentError> {
    let mut recovered = Recovered::default();
    for number in segments(folder)? {
        match read(&path_of(folder, number)) {
            Ok(bytes) => drop(recovered.take(&bytes)),
            // The agent took it away in between: a later one has all that is known.
            Err(AgentError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(recovered.values)
}

fn read(path: &Path) -> Result<Vec<u8>, AgentError> {
    fs::read(path).map_err(|source| AgentError::Read { path: path.to_owned(), source })
}

/// The frames of a file of which all that belong together are there.
fn whole_frames(bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    take(bytes, &mut |frame| frames.push(frame));
    frames
}

/// Takes the frames of a file; gives the length of those that are whole, with all that belong to them.
fn take(bytes: &[u8], each: &mut dyn FnMut(Frame)) -> usize {
    let (mut at, mut whole, mut group) = (0, 0, Vec::new());
    while let Read::Frame(frame, length) = Frame::read(&bytes[at..]) {
        at += length;
        let more = frame.more;
        group.push(frame);
        if !more {
            group.drain(..).for_each(|frame| each(*frame));
            whole = at;
        }
    }
    whole
}

impl Recovered {
    fn take(&mut self, bytes: &[u8]) -> usize {
        take(bytes, &mut |frame| self.apply(frame))
    }

    fn apply(&mut self, frame: Frame) {
        if frame.all {
            self.values.clear();
        }
        for (key, value) in frame.set {
            match value {
                Some(value) => self.values.insert(key, value),
                None => self.values.remove(&key),
            };
        }
        self.last = frame.events.last().map_or(self.last.max(frame.after), |kept| kept.number);
    }
}

impl Spool {
    /// Opens the spool of a folder, and takes off what a cut left of the last frame.
    pub(crate) fn open(folder: &Path, agent: &str, limit: u64) -> Result<(Self, Vec<String>), AgentError> {
        let told = |source| AgentError::Write { path: folder.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(told)?;
        let mut recovered = Recovered::default();
        let numbers = segments(folder)?;
        for (at, number) in numbers.iter().enumerate() {
            let place = if at + 1 == numbers.len() { Place::Last } else { Place::Before };
            recovered.segment(folder, *number, place)?;
        }
        let number = numbers.last().map_or(1, |number| number + 1);
        let spool = Self {
            folder: folder.to_owned(),
            file: None,
            size: 0,
            number,
            older: recovered.older,
            limit,
            agent: agent.to_owned(),
            boot: machine::random::<8>()?,
            seq: 0,
            last: recovered.last,
            values: recovered.values,
            open: Frame::default(),
            open_bytes: 0,
        };
        Ok((spool, recovered.told))
    }

    pub(crate) fn boot(&self) -> &str {
        &self.boot
    }

    /// Number of the last event that is on the disk.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Something that is known.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// All that is known under names with a beginning, in order; names are given without it.
    pub(crate) fn values<'s>(&'s self, front: &'s str) -> impl Iterator<Item = (&'s str, &'s str)> {
        let from = self.values.range(front.to_owned()..);
        from.map_while(move |(key, value)| Some((key.strip_prefix(front)?, value.as_str())))
    }

    /// Sets what is known with the next frame; nothing forgets it.
    pub(crate) fn set(&mut self, key: String, value: Option<String>) {
        let same = self.values.get(&key) == value.as_ref();
        if same && !self.open.set.contains_key(&key) {
            return;
        }
        match &value {
            Some(value) => self.values.insert(key.clone(), value.clone()),
            None => self.values.remove(&key),
        };
        self.open.set.insert(key, value);
    }

    /// Adds an event to the next frame; an alert gets its id. None where there is no room, which is counted.
    pub(crate) fn add(&mut self, body: AgentEventBody) -> Option<String> {
        let Class { name, share, .. } = class(&body);
        let size = size_of(&body);
        if size > PART || self.bytes() + self.open_bytes as u64 > self.limit / 10 * share {
            let mut lost = self.lost();
            *lost.entry(name.to_owned()).or_default() += 1;
            self.keep_lost(&lost);
            return None;
        }
        let lost = self.lost();
        if !lost.is_empty() {
            self.keep_lost(&BTreeMap::new());
            self.push(AgentEventBody::Loss { lost });
        }
        self.open_bytes += size;
        Some(self.push(body))
    }

    /// Whether as much waits as one frame takes.
    pub(crate) fn is_heavy(&self) -> bool {
        self.open_bytes >= PART
    }

    fn push(&mut self, mut body: AgentEventBody) -> String {
        self.seq += 1;
        let id = format!("{}/{}/{}", self.agent, self.boot, self.seq);
        if let AgentEventBody::Alert(alert) = &mut body {
            alert.id.clone_from(&id);
        }
        let number = self.last + self.open.events.len() as u64 + 1;
        let event = AgentEvent { seq: self.seq, time: machine::now(), body };
        self.open.events.push(Kept { number, boot: self.boot.clone(), event });
        id
    }

    /// What stands for the id of an alert that there was no room for.
    pub(crate) fn unkept(&self) -> String {
        format!("{}/{}/0", self.agent, self.boot)
    }

    fn lost(&self) -> BTreeMap<String, u64> {
        self.value(LOST).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    fn keep_lost(&mut self, lost: &BTreeMap<String, u64>) {
        let text = serde_json::to_string(lost).expect("names and numbers can be written as JSON");
        self.set(LOST.to_owned(), (!lost.is_empty()).then_some(text));
    }

    /// Events of the next frame.
    pub(crate) fn waiting(&self) -> usize {
        self.open.events.len()
    }

    fn bytes(&self) -> u64 {
        self.size + self.older.iter().map(|older| older.bytes).sum::<u64>()
    }

    /// Writes what waits. With events it is on the disk when this is done; where it cannot be written it goes on waiting.
    pub(crate) fn commit(&mut self) -> Result<(), AgentError> {
        if self.open.events.is_empty() && self.open.set.is_empty() {
            return Ok(());
        }
        self.keep_open()
    }

    /// Begins the file of this start; where that fails the next frame begins it.
    ///
    /// # Errors
    /// There is no room, or no right to it.
    pub(crate) fn begin(&mut self) -> Result<(), AgentError> {
        self.keep_open()
    }

    fn keep_open(&mut self) -> Result<(), AgentError> {
        if self.size >= SEGMENT {
            self.roll()?;
        }
        let mut frame = std::mem::take(&mut self.open);
        frame.after = self.last;
        let set = (self.size == 0).then(|| {
            // What is known and what happened stand in one group here, too.
            frame.all = true;
            std::mem::replace(&mut frame.set, self.known())
        });
        let before = self.size;
        let written = self.write(&frame);
        if let Err(source) = written {
            // What was written in part would hide all that comes behind it.
            if let Some(file) = &self.file {
                drop(file.set_len(before));
            }
            self.size = before;
            let set = set.unwrap_or_else(|| std::mem::take(&mut frame.set));
            self.open = Frame { all: false, set, ..frame };
            return Err(self.told(source));
        }
        self.last = frame.events.last().map_or(self.last, |kept| kept.number);
        self.open_bytes = 0;
        Ok(())
    }

    fn told(&self, source: io::Error) -> AgentError {
        AgentError::Write { path: path_of(&self.folder, self.number), source }
    }

    fn write(&mut self, frame: &Frame) -> io::Result<()> {
        let path = path_of(&self.folder, self.number);
        if self.file.is_none() {
            self.file = Some(create(&path)?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let is_first = self.size == 0;
        for part in frame.parts(self.open_bytes, PART) {
            let bytes = part.bytes()?;
            file.write_all(&bytes)?;
            self.size += bytes.len() as u64;
        }
        // Places without events may be lost with the power; then lines are read again that brought nothing.
        if is_first || !frame.events.is_empty() {
            file.sync_data()?;
        }
        if is_first { File::open(&self.folder)?.sync_all() } else { Ok(()) }
    }

    fn roll(&mut self) -> Result<(), AgentError> {
        if let Some(file) = &self.file {
            file.sync_data().map_err(|source| self.told(source))?;
        }
        let file = create(&path_of(&self.folder, self.number + 1)).map_err(|source| self.told(source))?;
        self.older.push(Older { number: self.number, last: self.last, bytes: self.size, rank: 0 });
        self.number += 1;
        (self.file, self.size) = (Some(file), 0);
        Ok(())
    }

    /// All that is known, as a file begins with it.
    fn known(&self) -> BTreeMap<String, Option<String>> {
        self.values.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect()
    }

    /// Takes away files whose events every sink has.
    pub(crate) fn forget(&mut self, done: u64) -> Result<(), AgentError> {
        while let Some(&Older { number, last, .. }) = self.older.first() {
            if last > done {
                break;
            }
            let path = path_of(&self.folder, number);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(AgentError::Write { path, source: error });
                }
                _ => drop(self.older.remove(0)),
            }
        }
        Ok(())
    }
}

impl Recovered {
    fn segment(&mut self, folder: &Path, number: u64, place: Place) -> Result<(), AgentError> {
        let path = path_of(folder, number);
        let bytes = read(&path)?;
        let whole = self.take(&bytes);
        if whole < bytes.len() {
            let cut = bytes.len() - whole;
            if place == Place::Before || is_damaged(&bytes[whole..]) {
                self.told.push(format!(
                    "{}: {cut} bytes cannot be read: the file was damaged, and events of it are lost",
                    path.display()
                ));
            }
            let write = |source| AgentError::Write { path: path.clone(), source };
            let file = OpenOptions::new().write(true).open(&path).map_err(write)?;
            file.set_len(whole as u64).and_then(|()| file.sync_data()).map_err(write)?;
        }
        self.older.push(Older { number, last: self.last, bytes: whole as u64, rank: 0 });
        Ok(())
    }
}

/// Whether bytes are more than what the end of a process leaves: the beginning of a group of frames.
fn is_damaged(bytes: &[u8]) -> bool {
    let mut at = 0;
    loop {
        match Frame::read(&bytes[at..]) {
            Read::Frame(_, length) => at += length,
            Read::End => return false,
            Read::Torn => break,
        }
    }
    let length = bytes[at..].first_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length) as usize);
    length > MAX_FRAME || (bytes.len() - at >= HEAD && bytes.len() - at - HEAD >= length)
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
}

/// What an event is where there is no room for all.
struct Class {
    /// Under which its loss is counted.
    name: &'static str,
    /// Up to how many tenths of the limit it is kept.
    share: u64,
    /// Those of a lower rank give way first.
    rank: u8,
}

fn class(body: &AgentEventBody) -> Class {
    let (name, share, rank) = match body {
        AgentEventBody::Alert(alert) => match alert.severity {
            Severity::Critical => ("critical", 10, 4),
            Severity::High => ("high", 10, 3),
            Severity::Medium => ("medium", 9, 2),
            Severity::Low => ("low", 8, 1),
            Severity::Info => ("info", 8, 1),
        },
        AgentEventBody::Heartbeat => ("heartbeat", 7, 0),
        AgentEventBody::Response(_) => ("response", 10, 4),
        AgentEventBody::Loss { .. } => ("loss", 10, 4),
        _ => ("start", 10, 4),
    };
    Class { name, share, rank }
}

#[cfg(test)]
mod tests {
    use super::{reader::Reader, *};

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("testudo-spool-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        folder
    }

    fn numbers(folder: &Path, after: u64) -> Vec<u64> {
        let events = Reader::new(folder).events(after, 1000).unwrap();
        events.into_iter().map(|kept| kept.number).collect()
    }

    #[test]
    fn what_was_written_is_there_after_any_cut() {
        let folder = folder("cut");
        let (mut spool, _) = Spool::open(&folder, "web-1", 1 << 20).unwrap();
        let mut sizes = Vec::new();
        for number in 0..5 {
            spool.set("log:x".to_owned(), Some(number.to_string()));
            spool.add(AgentEventBody::Heartbeat).unwrap();
            spool.commit().unwrap();
            sizes.push(spool.size);
        }
        let path = path_of(&folder, spool.number);
        let bytes = fs::read(&path).unwrap();
        drop(spool);
        for cut in (0..bytes.len()).step_by(7) {
            fs::remove_dir_all(&folder).unwrap();
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &bytes[..cut]).unwrap();
            let (spool, _) = Spool::open(&folder, "web-1", 1 << 20).unwrap();
            let whole = sizes.iter().filter(|size| **size <= cut as u64).count();
            // A place is known exactly as far as its events are.
            assert_eq!(spool.value("log:x").map(str::to_owned), whole.checked_sub(1).map(|n| n.to_string()), "{cut}");
            assert_eq!(numbers(&folder, 0), (1..=whole as u64).collect::<Vec<_>>());
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn files_go_when_everybody_has_their_events_and_knowledge_stays() {
        let folder = folder("roll");
        let (mut spool, _) = Spool::open(&folder, "web-1", 1 << 30).unwrap();
        spool.set("known:a".to_owned(), Some("1".to_owned()));
        let long = "x".repeat(1 << 20);
        for _ in 0..12 {
            spool.add(AgentEventBody::Loss { lost: BTreeMap::from([(long.clone(), 1)]) });
            spool.commit().unwrap();
        }
        let before = segments(&folder).unwrap().len();
        assert!(before > 2);
        spool.forget(spool.last).unwrap();
        assert_eq!(segments(&folder).unwrap().len(), 1);
        let last = spool.last;
        drop(spool);
        let (spool, _) = Spool::open(&folder, "web-1", 1 << 30).unwrap();
        assert_eq!((spool.value("known:a"), spool.last), (Some("1"), last));
        assert_eq!(look(&folder).unwrap()["known:a"], "1");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_has_no_room_is_counted_exactly() {
        let folder = folder("full");
        let (mut spool, _) = Spool::open(&folder, "web-1", 4000).unwrap();
        let mut refused = 0;
        for _ in 0..200 {
            refused += u64::from(spool.add(AgentEventBody::Heartbeat).is_none());
            spool.commit().unwrap();
        }
        assert!(refused > 100 && refused < 200, "{refused}");
        drop(spool);
        let (mut spool, _) = Spool::open(&folder, "web-1", 1 << 20).unwrap();
        spool.add(AgentEventBody::Heartbeat).unwrap();
        spool.commit().unwrap();
        let events = Reader::new(&folder).events(200 - refused, 10).unwrap();
        let lost = AgentEventBody::Loss { lost: BTreeMap::from([("heartbeat".to_owned(), refused)]) };
        assert_eq!((events.len(), &events[0].event.body), (2, &lost));
        // Numbers of a start have no gaps.
        assert_eq!(events.iter().map(|kept| kept.event.seq).collect::<Vec<_>>(), [1, 2]);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_turn_that_is_too_long_for_a_frame_is_a_group_that_counts_when_it_is_whole() {
        let folder = folder("group");
        let (mut spool, _) = Spool::open(&folder, "web-1", 1 << 30).unwrap();
        let long = "x".repeat(1 << 20);
        for number in 0..6 {
            spool.set(format!("file:{number}"), Some(long.clone()));
            spool.add(AgentEventBody::Loss { lost: BTreeMap::from([(long.clone(), number)]) }).unwrap();
        }
        assert!(spool.is_heavy());
        spool.commit().unwrap();
        let path = path_of(&folder, spool.number);
        let bytes = fs::read(&path).unwrap();
        let mut lengths = Vec::new();
        while let Read::Frame(_, length) = Frame::read(&bytes[lengths.iter().sum::<usize>()..]) {
            lengths.push(length);
        }
        assert!(lengths.len() > 2 && lengths.iter().all(|length| *length < PART + 1000), "{lengths:?}");
        assert_eq!(numbers(&folder, 0), (1..=6).collect::<Vec<_>>());
        // What is known is more than a part too, where the next file begins.
        spool.add(AgentEventBody::Heartbeat).unwrap();
        spool.commit().unwrap();
        drop(spool);
        let (spool, told) = Spool::open(&folder, "web-1", 1 << 30).unwrap();
        assert_eq!((spool.last, spool.values("file:").count(), told.len()), (7, 6, 0));
        drop(spool);
        assert_eq!(numbers(&folder, 6), [7]);
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir_all(&folder).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(numbers(&folder, 0), [0; 0]);
        let (spool, told) = Spool::open(&folder, "web-1", 1 << 30).unwrap();
        assert_eq!((spool.last, spool.values("file:").count(), told.len()), (0, 0, 0));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_was_damaged_is_told() {
        let folder = folder("damaged");
        let (mut spool, _) = Spool::open(&folder, "web-1", 1 << 20).unwrap();
        let first = path_of(&folder, spool.number);
        let mut places = Vec::new();
        for _ in 0..3 {
            places.push(spool.size as usize);
            spool.add(AgentEventBody::Heartbeat).unwrap();
            spool.commit().unwrap();
        }
        drop(spool);
        let whole = fs::read(&first).unwrap();
        let mut bent = whole.clone();
        bent[places[1] + HEAD] ^= 1;
        fs::write(&first, &bent).unwrap();
        // It has valid frames behind it, and then a valid file.
        let (mut spool, told) = Spool::open(&folder, "web-1", 1 << 20).unwrap();
        spool.begin().unwrap();
        assert_eq!((told.len(), spool.last), (1, 1));
        drop(spool);
        fs::write(&first, &bent).unwrap();
        let mut reader = Reader::new(&folder);
        assert_eq!(reader.events(0, 10).unwrap().len(), 1);
        let unread = reader.unread();
        assert!(unread.len() == 1 && unread[0].contains("cannot be read"), "{unread:?}");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_cannot_be_written_waits_and_is_there_once() {
        let folder = folder("no-room");
        let (mut spool, _) = Spool::open(&folder, "web-1", 1 << 20).unwrap();
        spool.begin().unwrap();
        let file = spool.file.replace(OpenOptions::new().append(true).open("/dev/full").unwrap());
        spool.set("log:x".to_owned(), Some("1".to_owned()));
        spool.add(AgentEventBody::Heartbeat).unwrap();
        assert!(spool.commit().unwrap_err().to_string().contains("cannot be written"));
        spool.add(AgentEventBody::Heartbeat).unwrap();
        assert!(spool.commit().is_err());
        assert_eq!((spool.waiting(), numbers(&folder, 0).len()), (2, 0));
        spool.file = file;
        spool.commit().unwrap();
        assert_eq!((spool.waiting(), numbers(&folder, 0)), (0, vec![1, 2]));
        drop(spool);
        let (spool, _) = Spool::open(&folder, "web-1", 1 << 20).unwrap();
        assert_eq!((spool.last, spool.value("log:x")), (2, Some("1")));
        fs::remove_dir_all(&folder).unwrap();
    }
}
