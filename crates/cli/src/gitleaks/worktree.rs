//! `gitleaks git --staged` and `--pre-commit`: what `git diff -U0` shows of the index and of the work tree.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use testudo_secrets::{
    engine::Workspace,
    gitleaks::{ArchiveName, Fragment},
};
use testudo_source::git::{
    CommitObject, Object, Oid, ReadLimits, Reader, Repository,
    attributes::{Attributes, Show},
    index::{self, Index, StagedFile},
    lines, rename, staged,
    tree::EntryKind,
    tree_diff::Side,
};

use super::{Front, content::Contents};

/// The added lines of the index against `HEAD`, below `source`.
pub(super) fn staged(front: &Front, source: &Path) -> Result<()> {
    let repository = &Repository::discover(source, ReadLimits::default())?;
    let index = read_index(repository)?;
    let mut reader = repository.objects().reader();
    let head = match repository.head() {
        Some(head) => Some(CommitObject::parse(&reader.read(&head)?.bytes).context("HEAD is not a commit")?.tree),
        None => None,
    };
    let mut changes = staged::changes(&mut reader, head, &index);
    // git compares only what lies below the directory that it is asked about, former names included.
    let prefix = prefix(repository, source);
    changes.difference.removed.retain(|side| side.path.starts_with(prefix.as_bytes()));
    changes.difference.added.retain(|side| side.path.starts_with(prefix.as_bytes()));
    let sources = rename::sources(&mut reader, &changes.difference);
    let before = |source: Option<usize>| changes.difference.removed.get(source?).map(|side| side.oid);
    let added = changes.difference.added.iter().zip(sources).map(|(side, source)| (side.clone(), before(source)));
    let changed = changes.changed.iter().filter(|c| c.path.starts_with(prefix.as_bytes()));
    let changed = changed.map(|c| (Side { path: c.path.clone(), oid: c.new, kind: c.kind }, Some(c.old)));
    let mut look = Look::new(front, repository);
    for (side, old) in changed.chain(added).filter(|(side, _)| side.kind != EntryKind::Submodule) {
        let path = String::from_utf8_lossy(&side.path).into_owned();
        let show = look.attributes.show(&path);
        let shown = shown(&mut reader, show, old, side.oid);
        look.at(&path, shown);
    }
    Ok(())
}

/// The added lines of files in the work tree against the index, below `source`.
pub(super) fn unstaged(front: &Front, source: &Path) -> Result<()> {
    let repository = &Repository::discover(source, ReadLimits::default())?;
    let root = repository.work_tree().context("a bare repository has no work tree")?.to_owned();
    let index = read_index(repository)?;
    let mut reader = repository.objects().reader();
    let mut look = Look::new(front, repository);
    let prefix = prefix(repository, source);
    for file in index.files.iter().filter(|f| f.kind == EntryKind::File && f.path.starts_with(prefix.as_bytes())) {
        let path = String::from_utf8_lossy(&file.path).into_owned();
        let place: PathBuf = root.join(&path);
        if is_as_staged(&place, file) {
            continue;
        }
        let (Ok(new), Ok(old)) = (fs::read(&place), reader.read(&file.oid)) else { continue };
        let show = look.attributes.show(&path);
        let shown = match lines_between(show, &old.bytes, &new) {
            Some(lines) => Shown::Lines(lines),
            // gitleaks reads an archive from the index, also where the one in the work tree is another.
            None => Shown::Binary(old),
        };
        look.at(&path, shown);
    }
    Ok(())
}

/// Whether a file has the size and time that the index remembers, or is no file any more.
fn is_as_staged(place: &Path, file: &StagedFile) -> bool {
    let Ok(metadata) = fs::symlink_metadata(place) else { return true };
    let modified = metadata.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    // The index keeps the low 32 bits of each.
    let time = modified.map(|t| (t.as_secs() as u32, t.subsec_nanos()));
    !metadata.is_file() || (metadata.len() as u32 == file.size && time == Some(file.modified))
}

fn read_index(repository: &Repository) -> Result<Index> {
    let place = repository.index_path(crate::files::git_index().as_deref());
    Ok(index::read(&place, repository.objects().hash_len())?)
}

/// Path of `source` below the top of the work tree, with a slash behind; empty for the top.
pub(super) fn prefix(repository: &Repository, source: &Path) -> String {
    let below = repository.work_tree().zip(fs::canonicalize(source).ok());
    let below = below.and_then(|(root, path)| Some(testudo_source::walk::display(path.strip_prefix(root).ok()?)));
    below.filter(|path| !path.is_empty() && path != ".").map(|path| path + "/").unwrap_or_default()
}

/// The date that gitleaks reports where there is no commit yet: the zero of Go's time.
const NO_DATE: &str = "0001-01-01T00:00:00Z";

struct Look<'a> {
    front: &'a Front,
    attributes: Attributes,
    workspace: Workspace,
    contents: Contents<'a>,
}

impl<'a> Look<'a> {
    fn new(front: &'a Front, repository: &Repository) -> Self {
        let (attributes, contents) = (Attributes::new(repository), Contents::new(front));
        Self { front, attributes, workspace: Workspace::default(), contents }
    }

    fn at(&mut self, path: &str, shown: Shown) {
        if self.front.scanner.skips_path(path) {
            return;
        }
        let mut found = match shown {
            Shown::Lines(pieces) if !self.front.is_own(path) => {
                let fragment = |(start_line, text): &(usize, Vec<u8>)| {
                    let fragment = Fragment { text, path, commit: "", start_line: *start_line };
                    self.front.scanner.detect(&fragment, &mut self.workspace)
                };
                pieces.iter().flat_map(fragment).collect()
            }
            Shown::Binary(file) if ArchiveName::of(path).is_some() => {
                self.contents.of_file(path, &file.bytes, "");
                self.contents.take()
            }
            _ => Vec::new(),
        };
        found.iter_mut().for_each(|finding| NO_DATE.clone_into(&mut finding.date));
        self.front.keep(found);
    }
}

/// What git shows of a change.
pub(super) enum Shown {
    /// The added lines, each run with its first line number.
    Lines(Vec<(usize, Vec<u8>)>),
    /// Nothing but that a binary file changed: its content.
    Binary(Object),
    /// Nothing at all: only the name changed, or nothing can be read.
    Nothing,
}

/// What git shows of a change from one content to another.
pub(super) fn shown(reader: &mut Reader<'_>, show: Show, old: Option<Oid>, new: Oid) -> Shown {
    if old == Some(new) {
        return Shown::Nothing;
    }
    let Ok(new) = reader.read(&new) else { return Shown::Nothing };
    let old = old.and_then(|oid| reader.read(&oid).ok());
    match lines_between(show, old.as_ref().map(|o| o.bytes.as_slice()).unwrap_or_default(), &new.bytes) {
        Some(lines) => Shown::Lines(lines),
        None => Shown::Binary(new),
    }
}

/// The added lines; none where git calls one of the files binary.
fn lines_between(show: Show, old: &[u8], new: &[u8]) -> Option<Vec<(usize, Vec<u8>)>> {
    let binary = lines::is_binary(new) || lines::is_binary(old);
    if show == Show::Never || show == Show::ByContent && binary {
        return None;
    }
    Some(lines::added(old, new).into_iter().map(|a| (a.line, new[a.range].to_vec())).collect())
}
