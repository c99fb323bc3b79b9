//! The logs of the configuration, read in turn: each a piece at a time, up to its end or until the time of a turn is over.
//! Where a log is written faster than it is read, that is told, and by how much.

use std::time::{Duration, Instant};

use crate::{
    config::LogFile,
    log::tail::{Position, Tail},
};

/// How long a log may be behind before that is told.
const LAG: Duration = Duration::from_secs(10);
/// How long nothing more is said of it then.
const SILENCE: Duration = Duration::from_secs(60);

/// The logs.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    all: Vec<Followed>,
}

#[derive(Debug)]
struct Followed {
    tail: Tail,
    has_more: bool,
    /// Since when it was not read to its end.
    since: Option<Instant>,
    told: Option<Instant>,
}

/// What there is to say of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Note {
    /// It cannot be read now.
    Unreadable(String),
    /// Lines were lost.
    Lost(String),
    /// It is so many bytes behind, for so many seconds.
    Behind(u64, u64),
}

/// What takes what is read.
pub(crate) trait Reader {
    /// Lines of a log, in order, and where the log is read to with them.
    fn lines(&mut self, log: &LogFile, lines: &mut dyn Iterator<Item = &[u8]>, position: &Position);
    /// What there is to say of it.
    fn note(&mut self, log: &LogFile, note: Note);
}

impl Logs {
    pub(crate) fn new(tails: impl Iterator<Item = Tail>) -> Self {
        Self { all: tails.map(|tail| Followed { tail, has_more: false, since: None, told: None }).collect() }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tail> {
        self.all.iter().map(|log| &log.tail)
    }

    /// Whether the last turn ended before all was read.
    pub(crate) fn has_more(&self) -> bool {
        self.all.iter().any(|log| log.has_more)
    }

    /// Reads all logs to their ends, or for a time.
    pub(crate) fn read(&mut self, time: Duration, reader: &mut dyn Reader) {
        let begun = Instant::now();
        self.all.iter_mut().for_each(|log| log.has_more = true);
        while self.has_more() {
            for log in self.all.iter_mut().filter(|log| log.has_more) {
                log.piece(reader);
            }
            if begun.elapsed() >= time {
                break;
            }
        }
        for log in &mut self.all {
            log.look_at_lag(reader);
        }
    }
}

impl Followed {
    fn piece(&mut self, reader: &mut dyn Reader) {
        self.has_more = match self.tail.lines() {
            Ok(lines) => {
                if let Some(position) = self.tail.position() {
                    reader.lines(self.tail.log(), &mut lines.iter(), position);
                }
                !lines.is_empty()
            }
            Err(error) => {
                let what = format!("{}: cannot be read: {error}", self.tail.log().path.display());
                reader.note(self.tail.log(), Note::Unreadable(what));
                false
            }
        };
        for lost in self.tail.lost() {
            reader.note(self.tail.log(), Note::Lost(lost));
        }
    }

    fn look_at_lag(&mut self, reader: &mut dyn Reader) {
        if !self.has_more {
            (self.since, self.told) = (None, None);
            return;
        }
        let since = self.since.get_or_insert_with(Instant::now).elapsed();
        if since >= LAG && self.told.is_none_or(|told| told.elapsed() >= SILENCE) {
            self.told = Some(Instant::now());
            reader.note(self.tail.log(), Note::Behind(self.tail.behind(), since.as_secs()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;
    use crate::config::{LogFormat, LogStart};

    #[derive(Default)]
    struct Seen {
        lines: Vec<String>,
        notes: Vec<Note>,
    }

    impl Reader for Seen {
        fn lines(&mut self, log: &LogFile, lines: &mut dyn Iterator<Item = &[u8]>, _: &Position) {
            self.lines.extend(lines.map(|_| log.path.file_name().unwrap().to_string_lossy().into_owned()));
        }

        fn note(&mut self, _: &LogFile, note: Note) {
            self.notes.push(note);
        }
    }

    fn logs(name: &str) -> (PathBuf, Logs) {
        let folder = std::env::temp_dir().join(format!("testudo-follow-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let line = format!("{}\n", "x".repeat(99));
        let tails = ["a", "b"].map(|name| {
            let path = folder.join(name);
            fs::write(&path, line.repeat(20_000)).unwrap();
            Tail::new(LogFile { path, format: LogFormat::Plain, start: LogStart::Beginning }, None)
        });
        (folder, Logs::new(tails.into_iter()))
    }

    #[test]
    fn a_turn_reads_all_logs_in_turn_and_ends_in_time() {
        let (folder, mut logs) = logs("turn");
        let mut seen = Seen::default();
        logs.read(Duration::ZERO, &mut seen);
        // A piece of each.
        let count = |seen: &Seen, name: &str| seen.lines.iter().filter(|own| *own == name).count();
        assert!(logs.has_more() && count(&seen, "a") < 20_000 && count(&seen, "a") == count(&seen, "b"));
        logs.read(Duration::from_secs(3600), &mut seen);
        assert_eq!((logs.has_more(), seen.lines.len(), seen.notes.len()), (false, 40_000, 0));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn how_far_a_log_is_behind_is_told_and_not_again_at_once() {
        let (folder, mut logs) = logs("lag");
        let mut seen = Seen::default();
        logs.read(Duration::ZERO, &mut seen);
        logs.all[0].since = Instant::now().checked_sub(LAG);
        logs.read(Duration::ZERO, &mut seen);
        logs.read(Duration::ZERO, &mut seen);
        assert_eq!(seen.notes.len(), 1, "{:?}", seen.notes);
        assert!(matches!(seen.notes[0], Note::Behind(1_000_000.., 10..)), "{:?}", seen.notes);
        fs::remove_dir_all(&folder).unwrap();
    }
}
