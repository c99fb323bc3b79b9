//! Jobs that are files, archives in them, or standard input.

use std::{fs, io::Read as _, path::PathBuf};

use testudo_model::{Location, Notice, NoticeCode};
use testudo_scan::{Job, Loaded, Loader};
use testudo_source::{Content, Origin, Unit, archive, walk::FoundFile};

/// What limits reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Largest file in bytes.
    pub(super) file: u64,
    /// Nesting depth of archives; 0 leaves them closed.
    pub(super) archive_depth: u32,
}

/// Files, each a job.
pub(super) struct Files {
    pub(super) files: Vec<FoundFile>,
    pub(super) limits: Limits,
}

impl Loader for Files {
    fn jobs(&self) -> usize {
        self.files.len()
    }

    fn load(&self, job: Job, unit: &mut dyn FnMut(Unit)) -> Loaded {
        let file = &self.files[job];
        let name = testudo_source::walk::display(&file.path);
        if file.size > self.limits.file {
            let message = format!(
                "{} bytes, more than the limit of {}; raise it with --max-file-size",
                file.size, self.limits.file
            );
            return Loaded { notices: vec![Notice::new(NoticeCode::TooLarge, Location::file(name), message)] };
        }
        match fs::read(&file.path) {
            Ok(bytes) => open(Unit::new(name, bytes, Origin::File), self.limits, unit),
            Err(error) => Loaded {
                notices: vec![Notice::new(
                    NoticeCode::Unreadable,
                    Location::file(name),
                    format!("{error}; check the permissions"),
                )],
            },
        }
    }
}

/// Gives a unit, and what is in it where it is an archive.
pub(super) fn open(outer: Unit, limits: Limits, unit: &mut dyn FnMut(Unit)) -> Loaded {
    let head = &outer.bytes[..outer.bytes.len().min(512)];
    let archive = limits.archive_depth > 0
        && outer.content == Content::Binary
        && archive::Kind::detect(&outer.path, head).is_some();
    if !archive {
        unit(outer);
        return Loaded::default();
    }
    let rules = archive::Limits { depth: limits.archive_depth as usize, ..archive::Limits::default() };
    let outcome = archive::expand(&outer.path, &outer.bytes, &rules, &mut |member| {
        let inner = Unit::new(outer.path.clone(), member.bytes, outer.origin.clone());
        unit(Unit { members: member.path.to_vec(), ..inner });
    });
    let notice = |problem: archive::Problem| {
        let location = Location { members: problem.path.clone(), ..Location::file(outer.path.clone()) };
        let code = match problem.kind {
            archive::ProblemKind::Damaged(_) => NoticeCode::ArchiveDamaged,
            archive::ProblemKind::Encrypted => NoticeCode::ArchiveEncrypted,
            _ => NoticeCode::ArchiveLimit,
        };
        Notice::new(code, location, problem.kind.to_string())
    };
    Loaded { notices: outcome.problems.into_iter().map(notice).collect() }
}

/// Standard input: one unit, or the members of an archive.
pub(super) struct Stdin {
    bytes: Vec<u8>,
    limits: Limits,
}

impl Stdin {
    /// Reads all of standard input.
    pub(super) fn read(limits: Limits) -> std::io::Result<Self> {
        let mut bytes = Vec::new();
        // One byte more than the limit shows that there is more.
        std::io::stdin().lock().take(limits.file.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(Self { bytes, limits })
    }
}

impl Loader for Stdin {
    fn jobs(&self) -> usize {
        1
    }

    fn load(&self, _: Job, unit: &mut dyn FnMut(Unit)) -> Loaded {
        if self.bytes.len() as u64 > self.limits.file {
            let message = format!("more than the limit of {} bytes; raise it with --max-file-size", self.limits.file);
            return Loaded { notices: vec![Notice::new(NoticeCode::TooLarge, Location::file("-"), message)] };
        }
        open(Unit::new("-", self.bytes.clone(), Origin::Stdin), self.limits, unit)
    }
}

/// A target that is a single file.
pub(super) fn single(path: PathBuf) -> FoundFile {
    let size = fs::metadata(&path).map_or(0, |m| m.len());
    FoundFile { path, size }
}
