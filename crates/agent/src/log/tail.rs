//! Following a log file over its rotations, by renaming (a new file under the old name) and by copying (the file is cut).
//! A place in a log is the file, the offset, and a digest of how the file begins: a file that begins otherwise is another.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
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

/// Files that are gone through at once, at most.
const MAX_FILES: usize = 100;

/// Under which name a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    /// That of the log.
    Own,
    /// One that rotation gave it.
    Another,
}

/// A place in a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    dev: u64,
    ino: u64,
    offset: u64,
    /// How many bytes at the beginning were there, and their SHA-256.
    head: (u64, String),
    /// When the file was written last, in nanoseconds since 1970: what was rotated after it is newer.
    #[serde(default)]
    time: i128,
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
        for _ in 0..MAX_FILES {
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
        }
        Ok(Vec::new())
    }

    /// Opens the file of the position, where there is more of it, or else the next one: what was rotated after it, or what
    /// has the name now.
    fn find(&mut self) -> io::Result<bool> {
        let named = match open(&self.log.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            file => Some(file?),
        };
        let Some(position) = self.position.take() else {
            let Some(file) = named else {
                // A log that comes into being later is read from its beginning.
                self.position = Some(Position::default());
                return Ok(false);
            };
            let length = file.metadata()?.len();
            let offset = if self.log.start == LogStart::End { line_start(&file, length)? } else { 0 };
            self.begin(file, offset, Name::Own)?;
            return Ok(true);
        };
        self.position = Some(position.clone());
        if let Some(file) = &named
            && position.is_of(file)?
        {
            self.begin(file.try_clone()?, position.offset, Name::Own)?;
            return Ok(true);
        }
        if named.is_none() && position == Position::default() {
            return Ok(false);
        }
        let rotated = rotated(&self.log.path)?;
        let is_own = |file: &&(i128, PathBuf)| {
            open(&file.1).is_ok_and(|opened| {
                let more = opened.metadata().is_ok_and(|found| found.len() > position.offset);
                more && position.is_of(&opened).unwrap_or(false)
            })
        };
        // Clocks of file systems tick in milliseconds: where the file of the position is still there, its place says what
        // comes next, and else the time. A position that is of no file yet comes before all that is there now.
        let of_position =
            |file: &(i128, PathBuf)| open(&file.1).is_ok_and(|file| position.is_of(&file).unwrap_or(false));
        let later = match rotated.iter().position(of_position) {
            Some(at) => rotated.get(at + 1),
            None => rotated.iter().find(|file| position.time != 0 && file.0 > position.time),
        };
        if let Some((_, path)) = rotated.iter().find(is_own) {
            self.begin(open(path)?, position.offset, Name::Another)?;
        } else if let Some((_, path)) = later {
            self.begin(open(path)?, 0, Name::Another)?;
        } else if let Some(file) = named {
            self.begin(file, 0, Name::Own)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn begin(&mut self, mut file: File, offset: u64, name: Name) -> io::Result<()> {
        file.seek(SeekFrom::Start(offset))?;
        self.position = Some(Position::of(&file, offset)?);
        self.open = Some(Open { file, rest: Vec::new(), skips: false, is_old: name == Name::Another });
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
        } else if position.head.0 < BEGINNING.min(found.len()) || position.time != modified(&found) {
            *position = Position::of(&open.file, position.offset)?;
        }
        if let Ok(named) = fs::symlink_metadata(&self.log.path) {
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

/// Opens a plain file, which is never waited for and never a link: whoever may write beside a log could name any file.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Err(Errno::LOOP) => return Err(io::Error::other("it is a link; name the file that it leads to")),
        file => File::from(file?),
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no plain file")) }
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
        let head = (length, digest(file, length)?);
        Ok(Self { dev: found.dev(), ino: found.ino(), offset, head, time: modified(&found) })
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

fn modified(found: &Metadata) -> i128 {
    i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec())
}

/// Files beside a log that rotation leaves (`auth.log.1`, `auth.log-20260131`), the oldest first. Compressed ones are none
/// that can be gone on with.
fn rotated(path: &Path) -> io::Result<Vec<(i128, PathBuf)>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(Vec::new()) };
    let name = name.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let other = entry.file_name().to_string_lossy().into_owned();
        let rest = other.strip_prefix(&name).filter(|rest| rest.starts_with(['.', '-']));
        let plain = rest.is_some_and(|rest| ![".gz", ".xz", ".bz2", ".zst"].iter().any(|end| rest.ends_with(end)));
        if let Some(meta) = entry.metadata().ok().filter(|meta| plain && meta.is_file()) {
            found.push((modified(&meta), entry.path()));
        }
    }
    // Of two that were written within one tick the one with the greater number is older: `log.2`, `log.1`.
    found.sort_by(|(time, path), (other_time, other)| {
        time.cmp(other_time).then_with(|| (other.as_os_str().len(), other).cmp(&(path.as_os_str().len(), path)))
    });
    Ok(found)
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
            // By renaming, twice while nobody looked.
            log.write("one\n");
            fs::rename(&log.path, log.folder.join("auth.log-a")).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
            log.write("two\n");
            fs::rename(&log.path, log.folder.join("auth.log-b")).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
            log.write("three\n");
            then(&mut log, "one,two,three");
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

    #[test]
    fn only_plain_files_are_read() {
        let mut log = Log::new("plain");
        fs::write(log.folder.join("secret"), "a\n").unwrap();
        std::os::unix::fs::symlink("secret", &log.path).unwrap();
        assert!(log.tail.lines().unwrap_err().to_string().contains("a link"));
        fs::remove_file(&log.path).unwrap();
        // Opening this would wait until somebody writes into it.
        rustix::fs::mknodat(rustix::fs::CWD, &log.path, rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .unwrap();
        assert!(log.tail.lines().unwrap_err().to_string().contains("no plain file"));
        fs::remove_file(&log.path).unwrap();
        log.write("b\n");
        assert_eq!(log.lines(), "");
        fs::remove_dir_all(&log.folder).unwrap();
    }
}
