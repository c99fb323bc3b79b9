//! The file of accepted states: one line of JSON a path, in the order of the walk; a head with the trees, and at the end the
//! number of paths and the SHA-256 of all before. It is written beside its name and then renamed, so it is whole or not there.
//! Nothing of it is kept in memory but where lines begin.

use std::{
    cmp::Ordering,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use testudo_model::hex;

use super::{
    path_of,
    state::{State, order},
    text,
    walk::Scope,
};
use crate::AgentError;

/// Version of the format.
const VERSION: u32 = 1;
/// Longest line, in bytes.
const MAX_LINE: u64 = 1 << 20;

/// What is accepted, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) version: u32,
    /// RFC 3339 in UTC.
    pub(crate) made: String,
    pub(crate) trees: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) exclude: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    p: String,
    s: State,
}

#[derive(Serialize, Deserialize)]
struct End {
    paths: u64,
    sha256: String,
}

/// An open baseline.
#[derive(Debug)]
pub(crate) struct Baseline {
    path: PathBuf,
    file: File,
    pub(crate) head: Head,
    /// Where each line begins, and where the last one ends.
    offsets: Vec<u64>,
}

/// A baseline that is being written.
pub(crate) struct Writer {
    path: PathBuf,
    new: PathBuf,
    out: BufWriter<File>,
    hash: Sha256,
    paths: u64,
}

impl Head {
    pub(crate) fn new(made: String, trees: &[PathBuf], exclude: &[PathBuf]) -> Self {
        let texts = |paths: &[PathBuf]| paths.iter().map(|path| text(path)).collect();
        Self { version: VERSION, made, trees: texts(trees), exclude: texts(exclude) }
    }
}

impl Baseline {
    /// Opens a baseline, and checks that it is whole.
    pub(crate) fn open(path: &Path) -> Result<Self, AgentError> {
        let told = |source| AgentError::Read { path: path.to_owned(), source };
        let damaged = |why: &str| AgentError::Damaged {
            path: path.to_owned(),
            why: format!("{why}; make the baseline again with `testudo agent fim init`"),
        };
        let file = File::open(path).map_err(told)?;
        let mut reader = BufReader::new(&file);
        let (mut hash, mut offsets, mut at) = (Sha256::new(), Vec::new(), 0);
        let (mut line, mut head, mut last) = (Vec::new(), None, Vec::new());
        loop {
            line.clear();
            let read = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).map_err(told)?;
            if read == 0 {
                break;
            }
            if !line.ends_with(b"\n") {
                return Err(damaged("its last line has no end"));
            }
            if !last.is_empty() {
                hash.update(&last);
            }
            match &head {
                None => head = Some(serde_json::from_slice::<Head>(&line).map_err(|_| damaged("this is no baseline"))?),
                Some(_) => offsets.push(at),
            }
            at += read as u64;
            std::mem::swap(&mut last, &mut line);
        }
        let head = head.filter(|head| head.version == VERSION).ok_or_else(|| damaged("it is of another version"))?;
        let end: End = serde_json::from_slice(&last).map_err(|_| damaged("it has no end"))?;
        if end.paths + 1 != offsets.len() as u64 || end.sha256 != hex(&hash.finalize()) {
            return Err(damaged("it is not what was written"));
        }
        Ok(Self { path: path.to_owned(), file, head, offsets })
    }

    /// What it is of.
    pub(crate) fn scope(&self) -> Scope {
        let paths = |texts: &[String]| texts.iter().map(|text| path_of(text)).collect::<Vec<_>>();
        Scope::new(&paths(&self.head.trees), &paths(&self.head.exclude))
    }

    /// How many paths it has.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The path and state of a number.
    pub(crate) fn entry(&self, number: usize) -> Result<(PathBuf, State), AgentError> {
        let (from, to) = (self.offsets[number], self.offsets[number + 1]);
        let mut bytes = vec![0; usize::try_from(to - from).unwrap_or(0)];
        let told = |source| AgentError::Read { path: self.path.clone(), source };
        self.file.read_exact_at(&mut bytes, from).map_err(told)?;
        let line: Line = serde_json::from_slice(&bytes).map_err(|error| told(io::Error::other(error)))?;
        Ok((path_of(&line.p), line.s))
    }

    /// The number of the first path that is not before another one.
    fn position(&self, path: &Path) -> Result<usize, AgentError> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from.midpoint(to);
            if order(&self.entry(middle)?.0).cmp(order(path)) == Ordering::Less {
                from = middle + 1
            } else {
                to = middle
            }
        }
        Ok(from)
    }

    /// What was accepted of a path.
    pub(crate) fn find(&self, path: &Path) -> Result<Option<State>, AgentError> {
        let number = self.position(path)?;
        if number >= self.len() {
            return Ok(None);
        }
        let (found, state) = self.entry(number)?;
        Ok((found == path).then_some(state))
    }

    /// The paths at and below another one.
    pub(crate) fn below(&self, path: &Path) -> Result<Vec<PathBuf>, AgentError> {
        let mut paths = Vec::new();
        for number in self.position(path)?..self.len() {
            let (found, _) = self.entry(number)?;
            if !found.starts_with(path) {
                break;
            }
            paths.push(found);
        }
        Ok(paths)
    }
}

impl Writer {
    pub(crate) fn begin(path: &Path, head: &Head) -> Result<Self, AgentError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let new = path.with_file_name(format!(".{name}.new"));
        let create = || {
            match fs::remove_file(&new) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)
        };
        let file = create().map_err(|source| AgentError::Write { path: path.to_owned(), source })?;
        let mut writer = Self { path: path.to_owned(), new, out: BufWriter::new(file), hash: Sha256::new(), paths: 0 };
        let line = serde_json::to_vec(head).expect("texts and numbers can be written as JSON");
        writer.line(line)?;
        Ok(writer)
    }

    /// Adds the next path; they come in the order of the walk.
    pub(crate) fn add(&mut self, path: &Path, state: State) -> Result<(), AgentError> {
        self.paths += 1;
        let line = serde_json::to_vec(&Line { p: text(path), s: state });
        self.line(line.expect("texts and numbers can be written as JSON"))
    }

    fn line(&mut self, mut line: Vec<u8>) -> Result<(), AgentError> {
        line.push(b'\n');
        self.hash.update(&line);
        self.out.write_all(&line).map_err(|source| AgentError::Write { path: self.path.clone(), source })
    }

    /// Ends the file and gives it its name.
    pub(crate) fn end(mut self) -> Result<u64, AgentError> {
        let end = End { paths: self.paths, sha256: hex(&self.hash.finalize()) };
        let mut line = serde_json::to_vec(&end).expect("texts and numbers can be written as JSON");
        line.push(b'\n');
        let mut finish = || {
            self.out.write_all(&line)?;
            self.out.flush()?;
            self.out.get_ref().sync_all()?;
            fs::rename(&self.new, &self.path)
        };
        finish().map_err(|source| AgentError::Write { path: self.path.clone(), source })?;
        Ok(self.paths)
    }
}
