//! Following a log file over its rotations, by renaming (a new file under the old name) and by copying (the file is cut).
//! Lines that were written between the last look and a rotation are read from what [rotation](super::rotation) left. Where
//! that is not to be found it is told, with what is known of the loss.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    ops::Range,
    os::unix::fs::{FileExt as _, MetadataExt as _},
};

pub(crate) use super::rotation::Position;
use super::{
    MAX_LINE,
    rotation::{Form, Rotated, Source, open, rotated},
};
use crate::config::{LogFile, LogStart};

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;
/// Files that are gone through at once, at most.
const MAX_FILES: usize = 100;

/// A log that is followed.
#[derive(Debug)]
pub(crate) struct Tail {
    log: LogFile,
    open: Option<Open>,
    position: Option<Position>,
    /// Whether the file of the position was read to its end, and is left for the next one.
    is_done: bool,
    lost: Vec<String>,
}

/// Whole lines, in order.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    text: Vec<u8>,
    lines: Vec<Range<usize>>,
}

#[derive(Debug)]
struct Open {
    source: Source,
    /// What was read and not given out: the beginning of a line.
    rest: Vec<u8>,
    /// Whether the rest of a line is passed over, whose beginning was given out.
    skips: bool,
    /// Whether nothing more is written into it: another file has the name by now.
    is_old: bool,
}

impl Lines {
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.iter().map(|line| &self.text[line.clone()])
    }
}

impl Tail {
    pub(crate) fn new(log: LogFile, position: Option<Position>) -> Self {
        Self { log, open: None, position, is_done: false, lost: Vec::new() }
    }

    pub(crate) fn log(&self) -> &LogFile {
        &self.log
    }

    /// Where the log was read to; none before it was there.
    pub(crate) fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// What could not be read since this was asked last.
    pub(crate) fn lost(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lost)
    }

    /// How many bytes of the log are not read yet.
    pub(crate) fn behind(&self) -> u64 {
        let (Some(Open { source: Source::Plain(file), rest, .. }), Some(position)) = (&self.open, &self.position)
        else {
            return 0;
        };
        let length = file.metadata().map_or(0, |found| found.len());
        length.saturating_sub(position.offset + rest.len() as u64)
    }

    /// The next whole lines, about [`PIECE`] bytes of them; empty where there are none yet. Lines that are too long are cut.
    pub(crate) fn lines(&mut self) -> io::Result<Lines> {
        for _ in 0..MAX_FILES {
            if self.open.is_none() && !self.find()? {
                return Ok(Lines::default());
            }
            if self.open.is_none() {
                // It could not be read, and was passed.
                continue;
            }
            if self.is_cut()? {
                // The rest of what was there is in the copy, where there is one.
                self.open = None;
                continue;
            }
            let lines = self.read()?;
            if !lines.is_empty() {
                return Ok(lines);
            }
            // The old file is at its end: what comes after it is next.
            let Some(open) = self.open.take_if(|open| open.is_old) else { break };
            self.is_done = true;
            if !open.rest.is_empty() && !open.skips {
                return Ok(self.unended(open.rest));
            }
        }
        Ok(Lines::default())
    }

    /// The last line of a file that nobody ends any more.
    fn unended(&mut self, text: Vec<u8>) -> Lines {
        if let Some(position) = &mut self.position {
            position.offset += text.len() as u64;
        }
        let whole = 0..text.len();
        Lines { text, lines: vec![whole] }
    }

    /// Opens the file of the position, where there is more of it, or else the next one: what was rotated after it, or what
    /// has the name now.
    fn find(&mut self) -> io::Result<bool> {
        let named = match open(&self.log.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            file => Some(file?),
        };
        let Some(position) = self.position.clone() else { return self.first(named) };
        if named.is_none() && position == Position::default() {
            return Ok(false);
        }
        let rotated = rotated(&self.log.path)?;
        let is_own = match &named {
            Some(file) => position.is_of(file)?,
            None => false,
        };
        // Of a file that was empty nothing is known but its number, which it keeps when it is copied and cut.
        let is_copied = position.is_blank() && rotated.iter().any(|file| file.is_after(&position));
        if let Some(file) = named.as_ref().filter(|_| is_own && !is_copied) {
            return self.begin_named(file.try_clone()?, position.offset).map(|()| true);
        }
        self.after(&position, &rotated, named)
    }

    /// Opens the file of a position where rotation put it, or else what comes after it.
    fn after(&mut self, position: &Position, rotated: &[Rotated], named: Option<File>) -> io::Result<bool> {
        // Copies bear the time at which they were made, and so may others: the file itself comes before them.
        let same = rotated.iter().position(|file| file.is_of(position));
        let same = same.or_else(|| rotated.iter().position(|file| file.is_copy_of(position)));
        let is_empty = named.as_ref().is_none_or(|file| file.metadata().is_ok_and(|found| found.len() == 0));
        let is_last = |at: usize| at + 1 == rotated.len();
        if let Some(at) = same
            && (!self.is_done || (is_empty && is_last(at) && rotated[at].form == Form::Plain))
        {
            return self.begin_rotated(&rotated[at], position.offset).map(|()| true);
        }
        // Clocks of file systems tick in milliseconds: where the file of the position is still there, its place says what
        // comes next, and else the time. A position that is of no file yet comes before all that is there now.
        let later = match same {
            Some(at) => rotated[at + 1..].iter().find(|file| !file.is_copy_of(position)),
            None => rotated.iter().find(|file| file.is_after(position)),
        };
        if later.is_none() && named.is_none() {
            return Ok(false);
        }
        if same.is_none() && !self.is_done && !position.is_blank() {
            self.miss(position);
        }
        match (later, named) {
            (Some(file), _) => self.begin_rotated(file, 0)?,
            (None, Some(file)) => self.begin_named(file, 0)?,
            (None, None) => return Ok(false),
        }
        Ok(true)
    }

    /// Opens a log that was never read.
    fn first(&mut self, named: Option<File>) -> io::Result<bool> {
        let Some(file) = named else {
            // A log that comes into being later is read from its beginning.
            self.position = Some(Position::default());
            return Ok(false);
        };
        let length = file.metadata()?.len();
        let offset = if self.log.start == LogStart::End { line_start(&file, length)? } else { 0 };
        self.begin_named(file, offset)?;
        Ok(true)
    }

    fn begin_named(&mut self, file: File, offset: u64) -> io::Result<()> {
        let position = Position::of(&file, offset)?;
        self.begin(Source::Plain(file), position)
    }

    fn begin_rotated(&mut self, file: &Rotated, offset: u64) -> io::Result<()> {
        let begun = file.open().and_then(|source| Ok((source, file.position(offset)?)));
        let name = file.path.display();
        match begun.and_then(|(source, position)| self.begin(source, position)) {
            Ok(()) => self.open.iter_mut().for_each(|open| open.is_old = file.form != Form::Plain),
            Err(error) => {
                self.lost
                    .push(format!("{name}: cannot be read: {error}; what is in it behind byte {offset} is not told"));
                self.pass(file)?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, mut source: Source, position: Position) -> io::Result<()> {
        source.seek(position.offset)?;
        self.position = Some(position);
        self.is_done = false;
        self.open = Some(Open { source, rest: Vec::new(), skips: false, is_old: false });
        Ok(())
    }

    /// Goes behind a file that cannot be read.
    fn pass(&mut self, file: &Rotated) -> io::Result<()> {
        self.position = Some(file.passed()?);
        self.is_done = true;
        self.open = None;
        Ok(())
    }

    fn miss(&mut self, position: &Position) {
        self.lost.push(format!(
            "{}: the file that was read to byte {} was cut or taken away, and no copy of it is found; what was written into it behind that byte is not told",
            self.log.path.display(),
            position.offset
        ));
    }

    /// Whether the file was cut. Learns also whether another one has its name.
    fn is_cut(&mut self) -> io::Result<bool> {
        let (Some(open), Some(position)) = (&mut self.open, &mut self.position) else { return Ok(false) };
        let Source::Plain(file) = &open.source else { return Ok(false) };
        let found = file.metadata()?;
        let read_to = position.offset + open.rest.len() as u64;
        let is_stale = position.is_stale(&found);
        if found.len() < read_to || (is_stale && !position.begins(file)?) {
            return Ok(true);
        }
        if is_stale {
            *position = Position::of(file, position.offset)?;
        }
        // Programs write into the old file until they open the new one.
        if let Ok(named) = fs::symlink_metadata(&self.log.path) {
            open.is_old |= (named.dev(), named.ino()) != (found.dev(), found.ino()) && named.len() > 0;
        }
        Ok(false)
    }

    fn read(&mut self) -> io::Result<Lines> {
        let (Some(open), Some(position)) = (&mut self.open, &mut self.position) else { return Ok(Lines::default()) };
        let mut piece = vec![0; PIECE];
        loop {
            let read = match open.source.read(&mut piece) {
                Ok(read) => read,
                Err(error) if matches!(open.source, Source::Gzip(_)) => {
                    let at = position.offset;
                    self.lost.push(format!(
                        "{}: what rotation left of it cannot be unpacked behind byte {at}: {error}",
                        self.log.path.display()
                    ));
                    0
                }
                Err(error) => return Err(error),
            };
            if read == 0 {
                return Ok(Lines::default());
            }
            open.rest.extend_from_slice(&piece[..read]);
            let (lines, cut) = cut(open, position);
            if cut > 0 {
                self.lost.push(format!(
                    "{}: {cut} lines are longer than {MAX_LINE} bytes; what is behind that was not looked at",
                    self.log.path.display()
                ));
            }
            if !lines.is_empty() {
                return Ok(lines);
            }
        }
    }
}

/// Takes whole lines off what was read, and says how many were too long.
fn cut(open: &mut Open, position: &mut Position) -> (Lines, u64) {
    let (mut lines, mut at, mut too_long) = (Vec::new(), 0, 0);
    for end in memchr::memchr_iter(b'\n', &open.rest) {
        if !std::mem::take(&mut open.skips) {
            let line = open.rest[at..end].strip_suffix(b"\r").unwrap_or(&open.rest[at..end]);
            too_long += u64::from(line.len() > MAX_LINE);
            lines.push(at..at + line.len().min(MAX_LINE));
        }
        at = end + 1;
    }
    let left = open.rest.len() - at;
    if left > MAX_LINE {
        if !std::mem::replace(&mut open.skips, true) {
            too_long += 1;
            lines.push(at..at + MAX_LINE);
        }
        at = open.rest.len();
    }
    position.offset += at as u64;
    let rest = open.rest.split_off(at);
    let text = std::mem::replace(&mut open.rest, rest);
    (Lines { text, lines }, too_long)
}

/// The beginning of the line that an offset is in.
fn line_start(file: &File, end: u64) -> io::Result<u64> {
    let from = end.saturating_sub(MAX_LINE as u64);
    let mut bytes = vec![0; usize::try_from(end - from).unwrap_or(0)];
    let read = file.read_at(&mut bytes, from)?;
    Ok(memchr::memrchr(b'\n', &bytes[..read]).map_or(from, |at| from + at as u64 + 1))
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, path::PathBuf};

    use rustix::fs::Mode;

    use super::*;
    use crate::config::LogFormat;

    struct Log {
        folder: PathBuf,
        path: PathBuf,
        tail: Tail,
        lost: Vec<String>,
    }

    impl Log {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("testudo-tail-{name}-{}", std::process::id()));
            drop(fs::remove_dir_all(&folder));
            fs::create_dir_all(&folder).unwrap();
            let path = folder.join("auth.log");
            let log = LogFile { path: path.clone(), format: LogFormat::Syslog, start: LogStart::End };
            Self { folder, path, tail: Tail::new(log, None), lost: Vec::new() }
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
                all.extend(lines.iter().map(|line| String::from_utf8(line.to_vec()).unwrap()));
            }
            all.join(",")
        }

        /// The process ends and another one goes on.
        fn restart(&mut self) {
            self.lost.extend(self.tail.lost());
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
            // Twice a file was cut of which there was no copy; what was taken away is read to its end where it is open.
            log.lost.extend(log.tail.lost());
            assert_eq!(log.lost.len(), if restarts { 3 } else { 2 }, "{:?}", log.lost);
            fs::remove_dir_all(&log.folder).unwrap();
        }
    }

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn what_was_written_before_a_file_was_cut_is_read_from_its_copy() {
        for (restarts, form) in [(false, ""), (true, ""), (false, ".gz"), (true, ".gz")] {
            let mut log = Log::new(&format!("copy-{restarts}{form}"));
            log.write("first\n");
            assert_eq!(log.lines(), "");
            log.write("a\npart");
            assert_eq!(log.lines(), "a");
            for (turn, text) in [(1, "ial\nb\n"), (2, "d\nunended")] {
                log.write(text);
                let copy = log.folder.join(format!("auth.log.{turn}{form}"));
                let whole = fs::read(&log.path).unwrap();
                fs::write(copy, if form.is_empty() { whole } else { packed(&whole) }).unwrap();
                fs::OpenOptions::new().write(true).truncate(true).open(&log.path).unwrap();
                if restarts {
                    log.restart();
                }
                log.write(if turn == 1 { "c\n" } else { "e\n" });
                assert_eq!(log.lines(), ["partial,b,c", "d,unended,e"][turn - 1], "{restarts} {form}");
            }
            assert_eq!(log.tail.lost(), Vec::<String>::new());
            fs::remove_dir_all(&log.folder).unwrap();
        }
    }

    #[test]
    fn what_was_packed_at_once_is_read_and_what_cannot_be_is_told() {
        for (form, restarts, expected) in [
            ("gz", false, "rest,new"),
            ("gz", true, "rest,new"),
            // The open file is read to its end, whatever became of it.
            ("xz", false, "rest,new"),
            ("xz", true, "new"),
            ("broken.gz", true, "new"),
        ] {
            let mut log = Log::new(&format!("packed-{form}-{restarts}"));
            log.write("first\n");
            assert_eq!(log.lines(), "");
            log.write("a\n");
            assert_eq!(log.lines(), "a");
            log.write("rest\n");
            let whole = fs::read(&log.path).unwrap();
            let left = if form == "gz" { packed(&whole) } else { b"no gzip".to_vec() };
            fs::write(log.folder.join(format!("auth.log.1.{form}")), left).unwrap();
            fs::remove_file(&log.path).unwrap();
            if restarts {
                log.restart();
            }
            log.write("new\n");
            assert_eq!(log.lines(), expected, "{form} {restarts}");
            let lost = log.tail.lost();
            assert_eq!(lost.is_empty(), expected.contains("rest"), "{form} {restarts} {lost:?}");
            fs::remove_dir_all(&log.folder).unwrap();
        }
    }

    #[test]
    fn a_program_that_goes_on_with_the_old_file_is_heard() {
        for restarts in [false, true] {
            let mut log = Log::new(&format!("late-{restarts}"));
            log.write("first\n");
            assert_eq!(log.lines(), "");
            let mut program = fs::OpenOptions::new().append(true).open(&log.path).unwrap();
            fs::rename(&log.path, log.folder.join("auth.log.1")).unwrap();
            fs::write(&log.path, "").unwrap();
            for text in ["a", "b"] {
                program.write_all(format!("{text}\n").as_bytes()).unwrap();
                assert_eq!(log.lines(), text, "{restarts}");
                if restarts {
                    log.restart();
                }
            }
            program.write_all(b"c\n").unwrap();
            log.write("new\n");
            assert_eq!(log.lines(), "c,new", "{restarts}");
            fs::remove_dir_all(&log.folder).unwrap();
        }
    }

    #[test]
    fn a_line_without_end_is_cut_and_the_rest_of_it_passed_over() {
        let mut log = Log::new("long");
        assert_eq!(log.lines(), "");
        log.write(&"x".repeat(3 * MAX_LINE));
        let found = log.lines();
        assert_eq!(found.len(), MAX_LINE);
        assert!(log.tail.lost().concat().contains("1 lines are longer"));
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
