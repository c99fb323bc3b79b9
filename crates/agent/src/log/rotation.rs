//! Files that rotation leaves beside a log: renamed (`auth.log.1`), dated (`auth.log-20260131`), copied, compressed.
//!
//! A file is known by how it begins, because a copy and a compressed file have nothing else of the old one. What is
//! compressed by `gzip` is read through; other forms are only known to be there.

use std::{
    fmt,
    fs::{self, File, Metadata},
    io::{self, BufReader, Read, Seek as _, SeekFrom},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use testudo_model::hex;

/// Bytes at the beginning of a file by which it is known.
const BEGINNING: u64 = 256;
/// How much of a compressed file is unpacked, in bytes.
const MAX_UNPACKED: u64 = 4 << 30;
/// Endings of compressed files that are not read.
const UNREAD: &[&str] = &["xz", "bz2", "zst"];

/// A place in a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    dev: u64,
    ino: u64,
    pub(super) offset: u64,
    /// How many bytes at the beginning were there, and their SHA-256.
    head: (u64, String),
    /// When the file was written last, in nanoseconds since 1970: what was rotated after it is newer.
    #[serde(default)]
    time: i128,
}

/// How a file is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Gzip,
    /// In a form that is not read.
    Other,
}

/// A file beside a log.
#[derive(Debug, Clone)]
pub(super) struct Rotated {
    pub(super) path: PathBuf,
    pub(super) form: Form,
    time: i128,
}

/// Where a log is read from.
pub(super) enum Source {
    Plain(File),
    /// Only read from its beginning to its end.
    Gzip(Box<io::Take<MultiGzDecoder<BufReader<File>>>>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Plain(_)) { "Plain" } else { "Gzip" })
    }
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(into),
            Self::Gzip(packed) => match packed.read(into)? {
                0 if packed.limit() == 0 => Err(io::Error::other("it is too large when it is unpacked")),
                read => Ok(read),
            },
        }
    }
}

impl Source {
    /// Goes to an offset, which is one of the unpacked file.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.seek(SeekFrom::Start(offset)).map(drop),
            Self::Gzip(_) => {
                let passed = io::copy(&mut (&mut *self).take(offset), &mut io::sink())?;
                if passed < offset { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
            }
        }
    }
}

impl Rotated {
    /// The file, from its beginning.
    pub(super) fn open(&self) -> io::Result<Source> {
        match self.form {
            Form::Plain => open(&self.path).map(Source::Plain),
            Form::Gzip => Ok(Source::Gzip(Box::new(unpacked(open(&self.path)?)))),
            Form::Other => Err(io::Error::other("it is compressed in a way that is not read")),
        }
    }

    /// Whether it was written after a place was taken.
    pub(super) fn is_after(&self, position: &Position) -> bool {
        position.time != 0 && self.time > position.time
    }

    /// Whether it is the very file of a place.
    pub(super) fn is_of(&self, position: &Position) -> bool {
        self.form == Form::Plain && open(&self.path).is_ok_and(|file| position.is_of(&file).unwrap_or(false))
    }

    /// Whether it is a copy of the file of a place, made later.
    pub(super) fn is_copy_of(&self, position: &Position) -> bool {
        position.head.0 > 0
            && self.time >= position.time
            && self.open().and_then(|mut source| position.heads(&mut source)).unwrap_or(false)
    }

    /// The place behind all of it, where it is not read.
    pub(super) fn passed(&self) -> io::Result<Position> {
        let found = fs::symlink_metadata(&self.path)?;
        Ok(Position::new(&found, found.len(), b""))
    }

    /// The place at an offset of it.
    pub(super) fn position(&self, offset: u64) -> io::Result<Position> {
        let file = open(&self.path)?;
        match self.form {
            Form::Plain => Position::of(&file, offset),
            _ => {
                let found = file.metadata()?;
                let mut head = Vec::new();
                unpacked(file).take(BEGINNING).read_to_end(&mut head)?;
                Ok(Position::new(&found, offset, &head))
            }
        }
    }
}

fn unpacked(file: File) -> io::Take<MultiGzDecoder<BufReader<File>>> {
    MultiGzDecoder::new(BufReader::new(file)).take(MAX_UNPACKED)
}

impl Position {
    /// The place at an offset of a file.
    pub(super) fn of(file: &File, offset: u64) -> io::Result<Self> {
        let found = file.metadata()?;
        let head = beginning(file, BEGINNING.min(found.len()))?;
        Ok(Self::new(&found, offset, &head))
    }

    fn new(found: &Metadata, offset: u64, head: &[u8]) -> Self {
        let head = (head.len() as u64, digest(head));
        Self { dev: found.dev(), ino: found.ino(), offset, head, time: modified(found) }
    }

    /// Whether it is a place of this file.
    pub(super) fn is_of(&self, file: &File) -> io::Result<bool> {
        let found = file.metadata()?;
        let same = (found.dev(), found.ino()) == (self.dev, self.ino) && found.len() >= self.offset;
        Ok(same && self.begins(file)?)
    }

    /// Whether a file begins as that of the place did.
    pub(super) fn begins(&self, file: &File) -> io::Result<bool> {
        Ok(digest(&beginning(file, self.head.0)?) == self.head.1)
    }

    fn heads(&self, source: &mut Source) -> io::Result<bool> {
        let mut head = Vec::new();
        source.take(self.head.0).read_to_end(&mut head)?;
        Ok(digest(&head) == self.head.1)
    }

    /// Whether nothing was in the file when the place was taken.
    pub(super) fn is_blank(&self) -> bool {
        self.head.0 == 0
    }

    /// Whether the file was written since the place was taken, or more of its beginning is known now.
    pub(super) fn is_stale(&self, found: &Metadata) -> bool {
        self.head.0 < BEGINNING.min(found.len()) || self.time != modified(found)
    }
}

/// Opens a plain file, which is never waited for and never a link: whoever may write beside a log could name any file.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Err(Errno::LOOP) => return Err(io::Error::other("it is a link; name the file that it leads to")),
        file => File::from(file?),
    };
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no plain file")) }
}

/// Files beside a log that rotation leaves, the oldest first; of two that are one the plain one comes first.
pub(super) fn rotated(path: &Path) -> io::Result<Vec<Rotated>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(Vec::new()) };
    let name = name.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let other = entry.file_name().to_string_lossy().into_owned();
        let Some(rest) = other.strip_prefix(&name).filter(|rest| rest.starts_with(['.', '-'])) else { continue };
        let form = match rest.rsplit_once('.').map(|(_, end)| end) {
            Some("gz") => Form::Gzip,
            Some(end) if UNREAD.contains(&end) => Form::Other,
            _ => Form::Plain,
        };
        if let Some(meta) = entry.metadata().ok().filter(Metadata::is_file) {
            found.push(Rotated { path: entry.path(), form, time: modified(&meta) });
        }
    }
    // Of two that were written within one tick the one with the greater number is older: `log.2`, `log.1`.
    let stem = |file: &Rotated| match file.form {
        Form::Plain => file.path.clone(),
        _ => file.path.with_extension(""),
    };
    found.sort_by_cached_key(|file| {
        let stem = stem(file);
        (file.time, std::cmp::Reverse((stem.as_os_str().len(), stem)), file.form != Form::Plain)
    });
    Ok(found)
}

fn beginning(file: &File, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length.min(BEGINNING)).unwrap_or(0)];
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn modified(found: &Metadata) -> i128 {
    i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec())
}
