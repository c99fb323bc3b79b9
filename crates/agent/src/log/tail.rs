//! Following a log file over its rotations, by renaming (a new file under the old name) and by copying (the file is cut).
//! A place in a log is the file, the offset, and a digest of how the file begins: a file that begins otherwise is another.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use testudo_model::hex;

use super::MAX_LINE;
use crate::config::{LogFile, LogStart};

/// Bytes at the beginning of a file by which it is known.
const BEGINNING: u64 = 256;
/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// A place in a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    dev: u64,
    ino: u64,
    offset: u64,
    /// How many bytes at the beginning were there, and their SHA-256.
    head: (u64, String),
}

/// A log that is followed.
#[derive(Debug)]
pub(crate) struct Tail {
    log: LogFile,
    open: Option<Open>,
    position: Option<Position>,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// What was read and not given out: the beginning of a line.
    rest: Vec<u8>,
    /// Whether the rest of a line is passed over, whose beginning was given out.
    skips: bool,
    /// Whether another file has the name by now.
    is_old: bool,
}

impl Tail {
    pub(crate) fn new(log: LogFile, position: Option<Position>) -> Self {
        Self { log, open: None, position }
    }

    pub(crate) fn log(&self) -> &LogFile {
        &self.log
    }

    /// Where the log was read to; none before it was there.
    pub(crate) fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// The next whole lines, about [`PIECE`] bytes of them; empty where there are none yet. Lines that are too long are cut.
    pub(crate) fn lines(&mut self) -> io::Result<Vec<Vec<u8>>> {
        for _ in 0..2 {
            if self.open.is_none() && !self.find()? {
                return Ok(Vec::new());
            }
            self.check()?;
            let lines = self.read()?;
            if !lines.is_empty() {
                return Ok(lines);
            }
            // The old file is at its end: what has its name now is next.
            let ended = self.open.as_ref().is_some_and(|open| open.is_old);
            if !ended {
                break;
            }
            self.open = None;
            self.position = Some(Position::default());
        }
        Ok(Vec::new())
    }

    /// Opens the file of the position, where it still is, or else the one that has its name.
    fn find(&mut self) -> io::Result<bool> {
        let file = match File::open(&self.log.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A log that comes into being later is read from its beginning.
                self.position.get_or_insert_default();
                return Ok(false);
            }
            file => file?,
        };
        let found = file.metadata()?;
        let Some(position) = self.position.take() else {
            let offset = if self.log.start == LogStart::End { line_start(&file, found.len())? } else { 0 };
            self.begin(file, offset)?;
            return Ok(true);
        };
        if position.is_of(&file)? {
            self.begin(file, position.offset)?;
        } else if let Some(old) = renamed(&self.log.path, &position)? {
            self.begin(old, position.offset)?;
            if let Some(open) = &mut self.open {
                open.is_old = true;
            }
        } else {
            self.begin(file, 0)?;
        }
        Ok(true)
    }

    fn begin(&mut self, mut file: File, offset: u64) -> io::Result<()> {
        file.seek(SeekFrom::Start(offset))?;
        self.position = Some(Position::of(&file, offset)?);
        self.open = Some(Open { file, rest: Vec::new(), skips: false, is_old: false });
        Ok(())
    }

    /// Whether the file was cut, or another one has its name.
    fn check(&mut self) -> io::Result<()> {
        let (Some(open), Some(position)) = (&mut self.open, &mut self.position) else { return Ok(()) };
        let found = open.file.metadata()?;
        let read_to = position.offset + open.rest.len() as u64;
        if found.len() < read_to || (found.len() > read_to && !position.begins(&open.file)?) {
            open.rest.clear();
            open.file.seek(SeekFrom::Start(0))?;
            *position = Position::of(&open.file, 0)?;
        } else if position.head.0 < BEGINNING.min(found.len()) {
            *position = Position::of(&open.file, position.offset)?;
        }
        if let Ok(named) = fs::metadata(&self.log.path) {
            open.is_old |= (named.dev(), named.ino()) != (found.dev(), found.ino());
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let (Some(open), Some(position)) = (&mut self.open, &mut self.position) else { return Ok(Vec::new()) };
        let mut lines = Vec::new();
        let mut piece = vec![0; PIECE];
        while lines.is_empty() {
            let read = open.file.read(&mut piece)?;
            if read == 0 {
                break;
            }
            open.rest.extend_from_slice(&piece[..read]);
            cut(open, position, &mut lines);
        }
        Ok(lines)
    }
}

/// Takes whole lines off what was read.
fn cut(open: &mut Open, position: &mut Position, lines: &mut Vec<Vec<u8>>) {
    while let Some(at) = memchr::memchr(b'\n', &open.rest) {
        let line: Vec<u8> = open.rest.drain(..=at).collect();
        position.offset += line.len() as u64;
        if !std::mem::take(&mut open.skips) {
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            lines.push(line.strip_suffix(b"\r").unwrap_or(line).to_vec());
        }
    }
    if open.rest.len() > MAX_LINE {
        let line = std::mem::take(&mut open.rest);
        position.offset += line.len() as u64;
        if !std::mem::replace(&mut open.skips, true) {
            lines.push(line);
        }
    }
}

impl Position {
    fn of(file: &File, offset: u64) -> io::Result<Self> {
        let found = file.metadata()?;
        let length = BEGINNING.min(found.len());
        Ok(Self { dev: found.dev(), ino: found.ino(), offset, head: (length, digest(file, length)?) })
    }

    /// Whether it is a place of this file.
    fn is_of(&self, file: &File) -> io::Result<bool> {
        let found = file.metadata()?;
        let same = (found.dev(), found.ino()) == (self.dev, self.ino) && found.len() >= self.offset;
        Ok(same && self.begins(file)?)
    }

    fn begins(&self, file: &File) -> io::Result<bool> {
        Ok(digest(file, self.head.0)? == self.head.1)
    }
}

fn digest(file: &File, length: u64) -> io::Result<String> {
    use std::os::unix::fs::FileExt as _;
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    Ok(hex(&Sha256::digest(&bytes[..read])))
}

/// The beginning of the line that an offset is in.
fn line_start(file: &File, end: u64) -> io::Result<u64> {
    use std::os::unix::fs::FileExt as _;
    let from = end.saturating_sub(MAX_LINE as u64);
    let mut bytes = vec![0; usize::try_from(end - from).unwrap_or(0)];
    let read = file.read_at(&mut bytes, from)?;
    Ok(memchr::memrchr(b'\n', &bytes[..read]).map_or(from, |at| from + at as u64 + 1))
}

/// The file of a position under another name of the same folder, as rotation leaves it: `auth.log.1`.
fn renamed(path: &Path, position: &Position) -> io::Result<Option<File>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
    let name = name.to_string_lossy().into_owned();
    for entry in fs::read_dir(folder)?.flatten() {
        let begins = entry.file_name().to_string_lossy().starts_with(&name);
        let found = entry.metadata().ok().filter(|_| begins);
        if found.is_some_and(|found| found.is_file() && (found.dev(), found.ino()) == (position.dev, position.ino)) {
            let file = File::open(PathBuf::from(folder).join(entry.file_name()))?;
            if position.is_of(&file)? {
                return Ok(Some(file));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::config::LogFormat;

    struct Log {
        folder: PathBuf,
        path: PathBuf,
        tail: Tail,
    }

    impl Log {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("testudo-tail-{name}-{}", std::process::id()));
            drop(fs::remove_dir_all(&folder));
            fs::create_dir_all(&folder).unwrap();
            let path = folder.join("auth.log");
            let log = LogFile { path: path.clone(), format: LogFormat::Syslog, start: LogStart::End };
            Self { folder, path, tail: Tail::new(log, None) }
        }

        fn write(&self, text: &str) {
            let mut file = fs::OpenOptions::new().append(true).create(true).open(&self.path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn lines(&mut self) -> String {
            let mut all = Vec::new();
            loop {
                let lines = self.tail.lines().unwrap();
                if lines.is_empty() {
                    break;
                }
                all.extend(lines.into_iter().map(|line| String::from_utf8(line).unwrap()));
            }
            all.join(",")
        }

        /// The process ends and another one goes on.
        fn restart(&mut self) {
            self.tail = Tail::new(self.tail.log.clone(), self.tail.position.clone());
        }
    }

    #[test]
    fn rotations_and_restarts_lose_nothing_and_repeat_nothing() {
        for restarts in [false, true] {
            let mut log = Log::new(&format!("rotate-{restarts}"));
            log.write("old\n");
            assert_eq!(log.lines(), "");
            let then = |log: &mut Log, expected: &str| {
                if restarts {
                    log.restart();
                }
                assert_eq!(log.lines(), expected, "restarts: {restarts}");
            };
            log.write("a\nb\npart");
            then(&mut log, "a,b");
            log.write("ial\n");
            then(&mut log, "partial");
            // By renaming, with a line that was written before it.
            log.write("last\n");
            fs::rename(&log.path, log.folder.join("auth.log.1")).unwrap();
            log.write("new\n");
            then(&mut log, "last,new");
            // By cutting.
            fs::write(&log.path, "x\n").unwrap();
            then(&mut log, "x");
            // By cutting, and more was written than had been read.
            fs::write(&log.path, "yy\nzz\nmore than before\n").unwrap();
            then(&mut log, "yy,zz,more than before");
            fs::remove_file(&log.path).unwrap();
            then(&mut log, "");
            log.write("again\n");
            then(&mut log, "again");
            fs::remove_dir_all(&log.folder).unwrap();
        }
    }

    #[test]
    fn a_line_without_end_is_cut_and_the_rest_of_it_passed_over() {
        let mut log = Log::new("long");
        assert_eq!(log.lines(), "");
        log.write(&"x".repeat(3 * MAX_LINE));
        let found = log.lines();
        assert!(found.len() > MAX_LINE && found.len() <= 2 * MAX_LINE, "{}", found.len());
        log.write("yyy\nnext\n");
        assert_eq!(log.lines(), "next");
        fs::remove_dir_all(&log.folder).unwrap();
    }
}
