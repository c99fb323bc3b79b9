//! Contents of files as gitleaks looks at them: cut into fragments, and archives opened as deep as it was asked to.
//!
//! gitleaks knows archives by their names. A member is named `archive!member`, a compressed stream has no name of its own.

use std::io::{self, Read};

use testudo_secrets::{
    engine::Workspace,
    gitleaks::{ArchiveName, CompatFinding, Fragment, Fragments, is_application},
};
use testudo_source::archive::{self, DEPTH_MAX, Kind, Limits, ProblemKind};

use super::Front;

/// What stands between the name of an archive and that of a member.
const SEPARATOR: &str = "!";

/// Looks at contents and collects what is found.
pub(super) struct Contents<'a> {
    front: &'a Front,
    /// Commit id; empty for files.
    commit: String,
    workspace: Workspace,
    found: Vec<CompatFinding>,
    /// Memory that streams are read into.
    buffer: Vec<u8>,
    /// What is left of the limits for the outermost file.
    limits: Limits,
}

impl<'a> Contents<'a> {
    pub(super) fn new(front: &'a Front) -> Self {
        let (commit, workspace, limits) = (String::new(), Workspace::default(), Limits::default());
        Self { front, commit, workspace, found: Vec::new(), buffer: Vec::new(), limits }
    }

    /// Looks at one file, and at what it holds where it is an archive. What is found is left to be [taken](Self::take).
    pub(super) fn of_file(&mut self, path: &str, bytes: &[u8], commit: &str) {
        commit.clone_into(&mut self.commit);
        self.limits = Limits { depth: 1, ..Limits::default() };
        self.content(&[], path, bytes);
    }

    /// The same of a file that is no archive, however long it is: no more than some of it is in memory at a time.
    ///
    /// # Errors
    /// It cannot be read on.
    pub(super) fn of_stream(&mut self, path: &str, stream: &mut dyn Read) -> io::Result<()> {
        self.commit.clear();
        let (mut text, mut cut) = (std::mem::take(&mut self.buffer), Cut::default());
        text.clear();
        while !self.front.is_own(path) {
            let before = text.len();
            // A read that fails leaves what was read before it.
            let read = Read::take(&mut *stream, PIECE).read_to_end(&mut text);
            let ends = read.is_err() || text.len() - before < PIECE as usize;
            let least = if ends { 1 } else { Fragments::MOST };
            let looked = self.fragments(path, &text, &mut cut, least);
            text.drain(..looked);
            if ends || cut.application {
                self.buffer = text;
                return read.map(drop);
            }
        }
        Ok(())
    }

    /// What was found since this was asked last.
    pub(super) fn take(&mut self) -> Vec<CompatFinding> {
        std::mem::take(&mut self.found)
    }

    /// `outer` are the archives around it.
    fn content(&mut self, outer: &[String], path: &str, bytes: &[u8]) {
        let full: Vec<&str> = outer.iter().map(String::as_str).chain([path]).collect();
        let full = full.join(SEPARATOR);
        let Some(name) = ArchiveName::of(path) else { return self.text(&full, bytes) };
        let most = self.front.flags.max_archive_depth;
        if outer.len() as i64 >= most || outer.len() >= DEPTH_MAX {
            if most != 0 {
                self.front.log.warn(&format!("{full}: archive not opened: --max-archive-depth is {most}"));
            }
            return;
        }
        if name.streams.is_empty() {
            return self.archive(outer, path, &name, bytes);
        }
        let Some(kind) = chosen(&name.streams, Kind::detect(path, bytes)) else { return self.mistaken(&full) };
        let (plain, problem) = archive::decompress(kind, bytes, &self.limits);
        self.unread(&full, problem);
        if name.containers.is_empty() {
            self.text(&full, &plain);
        } else {
            self.archive(outer, path, &name, &plain);
        }
    }

    fn archive(&mut self, outer: &[String], path: &str, name: &ArchiveName, bytes: &[u8]) {
        let mut inner = outer.to_vec();
        inner.push(path.to_owned());
        match chosen(&name.containers, Kind::detect(path, bytes)) {
            Some(_) => self.members(&inner, bytes),
            None => self.mistaken(&inner.join(SEPARATOR)),
        }
    }

    /// `inner` ends with the archive itself.
    fn members(&mut self, inner: &[String], bytes: &[u8]) {
        let limits = self.limits.clone();
        let name = inner.last().map(String::as_str).unwrap_or_default();
        let outcome = archive::expand(name, bytes, &limits, &mut |member| {
            let name = member.path.join("/");
            let left = self.limits.total_bytes.checked_sub(member.bytes.len() as u64);
            let members = self.limits.members.checked_sub(1);
            let (Some(left), Some(members)) = (left, members) else { return self.limits.members = 0 };
            (self.limits.total_bytes, self.limits.members) = (left, members);
            // gitleaks asks its global allow list about the names in the outermost archive alone.
            if !(inner.len() == 1 && self.front.scanner.skips_path(&name)) {
                self.content(inner, &name, &member.bytes);
            }
        });
        // That archives inside are not opened by the reader of archives is meant: they are opened here, by their names.
        let problems = outcome.problems.into_iter().filter(|p| p.kind != ProblemKind::Limit("depth"));
        for problem in problems {
            let names: Vec<&str> = inner.iter().chain(&problem.path).map(String::as_str).collect();
            self.unread(&names.join(SEPARATOR), Some(problem.kind));
        }
        if self.limits.members == 0 {
            self.unread(&inner.join(SEPARATOR), Some(ProblemKind::Limit("total_bytes")));
        }
    }

    fn mistaken(&self, path: &str) {
        let why = "its format is not read, or it is not what its name says".to_owned();
        self.unread(path, Some(ProblemKind::Unsupported(why)));
    }

    fn unread(&self, path: &str, problem: Option<ProblemKind>) {
        if let Some(problem) = problem {
            self.front.log.warn(&format!("{path}: {problem}"));
        }
    }

    fn text(&mut self, path: &str, bytes: &[u8]) {
        if !self.front.is_own(path) {
            self.fragments(path, bytes, &mut Cut::default(), 1);
        }
    }

    /// Looks at fragments as long as so many bytes are there to cut one from. Gives how many bytes were looked at.
    fn fragments(&mut self, path: &str, text: &[u8], cut: &mut Cut, least: usize) -> usize {
        let mut at = 0;
        while text.len() - at >= least {
            let piece = &text[at..at + cut.fragments.next_len(&text[at..])];
            // gitleaks looks at the type of every fragment as long as no line break was seen.
            if cut.lines == 0 && is_application(&piece[..piece.len().min(100_000)]) {
                cut.application = true;
                break;
            }
            let fragment = Fragment { text: piece, path, commit: &self.commit, start_line: cut.lines + 1 };
            self.found.extend(self.front.scanner.detect(&fragment, &mut self.workspace));
            cut.lines += piece.iter().filter(|b| **b == b'\n').count();
            at += piece.len();
        }
        at
    }
}

/// Bytes that are read of a stream at a time.
const PIECE: u64 = 1 << 22;

/// How far a text was cut into fragments.
#[derive(Default)]
struct Cut {
    fragments: Fragments,
    /// Line breaks so far.
    lines: usize,
    /// Whether it is no text, and the rest is left out.
    application: bool,
}

/// The format that is read: what the bytes are, where the name allows it.
fn chosen(named: &[Option<Kind>], detected: Option<Kind>) -> Option<Kind> {
    detected.filter(|kind| named.contains(&Some(*kind)))
}
