//! Making room where one sink takes nothing for a long time: what all others have is taken out of older files, the least
//! severe first. How many are taken out is on the disk before they are, so a loss may be counted twice after a crash, but
//! is never left out.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use super::{Spool, class, frame::Frame, frame::Kept, read, reader::path_of, whole_frames};
use crate::AgentError;

/// From how many tenths of the limit on room is made, and down to how many.
const CROWDED: u64 = 6;
const GOAL: u64 = 5;
/// Ranks below which events are taken out, one after another; at last all are.
const RANKS: [u8; 4] = [1, 2, 3, u8::MAX];

/// Which events sinks have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// Number of the last event that all but the slowest one have.
    pub(crate) by_most: u64,
    /// Number of the last event that all have.
    pub(crate) by_all: u64,
}

impl Spool {
    /// Takes out what only the slowest sink lacks, where the spool is nearly as large as it may be.
    pub(crate) fn make_room(&mut self, taken: Taken) -> Result<(), AgentError> {
        if self.bytes() <= self.limit / 10 * CROWDED {
            return Ok(());
        }
        for rank in RANKS {
            let mut at = 0;
            while let Some(older) = self.older.get(at).copied().filter(|older| older.last <= taken.by_most) {
                if self.bytes() <= self.limit / 10 * GOAL {
                    return Ok(());
                }
                if older.rank < rank {
                    self.thin(at, rank, taken.by_all)?;
                }
                at += usize::from(self.older.get(at).is_some_and(|same| same.number == older.number));
            }
        }
        Ok(())
    }

    /// Takes events below a rank out of an older file, and the file away where nothing is left.
    fn thin(&mut self, at: usize, rank: u8, done: u64) -> Result<(), AgentError> {
        let older = self.older[at];
        let path = path_of(&self.folder, older.number);
        let events = whole_frames(&read(&path)?).into_iter().flat_map(|frame| frame.events);
        let open: Vec<Kept> = events.filter(|kept| kept.number > done).collect();
        let (kept, gone): (Vec<Kept>, Vec<Kept>) =
            open.into_iter().partition(|kept| class(&kept.event.body).rank >= rank);
        let mut lost = self.lost();
        for event in &gone {
            *lost.entry(format!("hub:{}", class(&event.event.body).name)).or_default() += 1;
        }
        self.keep_lost(&lost);
        self.commit()?;
        let told = |source| AgentError::Write { path: path.clone(), source };
        if kept.is_empty() {
            fs::remove_file(&path).map_err(told)?;
            self.older.remove(at);
        } else {
            let bytes = written(kept, older.last).map_err(told)?;
            replace(&path, &bytes).map_err(told)?;
            self.older[at] = super::Older { bytes: bytes.len() as u64, rank, ..older };
        }
        Ok(())
    }
}

/// Events as a file, which ends with the number of an event that is not there any more. What was known then is known
/// better by the file behind it.
fn written(events: Vec<Kept>, last: u64) -> io::Result<Vec<u8>> {
    let after = events.first().map_or(last, |kept| kept.number - 1);
    let mut bytes = Vec::new();
    for part in (Frame { after, events, ..Frame::default() }).parts(usize::MAX, super::PART) {
        bytes.extend(part.bytes()?);
    }
    bytes.extend(Frame { after: last, ..Frame::default() }.bytes()?);
    Ok(bytes)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use testudo_model::{AgentEventBody, Severity};

    use super::{super::reader::Reader, *};
    use crate::alert;

    fn alert_of(severity: Severity, size: usize) -> AgentEventBody {
        let mut alert = alert::of_damage(&"x ".repeat(size / 2));
        alert.severity = severity;
        alert.fields.insert("long".to_owned(), "x".repeat(size));
        AgentEventBody::Alert(alert)
    }

    fn severities(folder: &Path) -> (Vec<Severity>, u64) {
        let mut lost = 0;
        let events = Reader::new(folder).events(0, 1_000_000).unwrap();
        let severity = |kept: Kept| match kept.event.body {
            AgentEventBody::Alert(alert) => Some(alert.severity),
            AgentEventBody::Loss { lost: more } => {
                lost += more.values().sum::<u64>();
                None
            }
            _ => None,
        };
        let severities = events.into_iter().filter_map(severity).collect();
        (severities, lost)
    }

    fn filled(name: &str, limit: u64) -> (PathBuf, Spool) {
        let folder = std::env::temp_dir().join(format!("testudo-thin-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        let (mut spool, _) = Spool::open(&folder, "web-1", limit).unwrap();
        for number in 0..3000 {
            let severity = if number % 10 == 0 { Severity::High } else { Severity::Low };
            spool.add(alert_of(severity, 5000)).unwrap();
            if number % 50 == 49 {
                spool.commit().unwrap();
            }
        }
        (folder, spool)
    }

    #[test]
    fn low_events_give_way_to_high_ones_and_are_counted() {
        let (folder, mut spool) = filled("low", 30 << 20);
        let before = spool.bytes();
        // Nobody has them: nothing gives way.
        spool.make_room(Taken { by_most: 0, by_all: 0 }).unwrap();
        assert_eq!(spool.bytes(), before);
        let mut reader = Reader::new(&folder);
        let read = reader.events(0, 100).unwrap().len() as u64;
        spool.make_room(Taken { by_most: spool.last(), by_all: 0 }).unwrap();
        assert!(spool.bytes() <= 15 << 20);
        spool.add(AgentEventBody::Heartbeat).unwrap();
        spool.commit().unwrap();
        let (left, lost) = severities(&folder);
        assert_eq!(left.iter().filter(|severity| **severity == Severity::High).count(), 300);
        assert_eq!(left.len() as u64 + lost, 3000);
        assert!(lost > 500, "{lost}");
        // Whoever read the file before it was written anew goes on where it was.
        let rest = reader.events(read, 1_000_000).unwrap();
        assert!(rest.iter().all(|kept| kept.number > read) && reader.unread().is_empty());
        let (last, again) = (spool.last(), spool.bytes());
        drop(spool);
        let (spool, told) = Spool::open(&folder, "web-1", 30 << 20).unwrap();
        assert_eq!((spool.last(), spool.bytes(), told.len()), (last, again, 0));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn at_last_the_oldest_of_all_go_and_what_everybody_has_is_no_loss() {
        let (folder, mut spool) = filled("all", 30 << 20);
        spool.limit = 10 << 20;
        spool.make_room(Taken { by_most: spool.last(), by_all: 1000 }).unwrap();
        assert!(spool.bytes() <= 5 << 20, "{}", spool.bytes());
        spool.add(AgentEventBody::Heartbeat).unwrap();
        spool.commit().unwrap();
        let (left, lost) = severities(&folder);
        assert_eq!(left.len() as u64 + lost, 2000);
        fs::remove_dir_all(&folder).unwrap();
    }
}
