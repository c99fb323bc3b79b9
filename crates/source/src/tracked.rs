//! Files that git tracks although an ignore file names them: they are part of the project, so they are read.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use crate::{
    choice::PathChoice,
    git::{ReadLimits, Repository, index, tree::EntryKind},
    walk::{FoundFile, GlobError, WalkOptions},
};

/// Adds tracked files below `root` that a walk left out because of `.gitignore`. What `.testudoignore`, `--include` and
/// `--exclude` leave out stays out. Nothing is added where there is no repository, or its index cannot be read.
///
/// # Errors
/// A glob is malformed.
pub(crate) fn add(root: &Path, options: &WalkOptions, files: &mut Vec<FoundFile>) -> Result<(), GlobError> {
    let Some(paths) = tracked(root, options) else { return Ok(()) };
    let known: HashSet<&Path> = files.iter().filter_map(|f| f.path.strip_prefix(root).ok()).collect();
    let left: Vec<PathBuf> = paths.into_iter().filter(|path| !known.contains(path.as_path())).collect();
    if left.is_empty() {
        return Ok(());
    }
    let mut choice = PathChoice::new(root, options)?;
    for path in left {
        if !choice.wants(&path) {
            continue;
        }
        let place = root.join(&path);
        if let Some(size) = plain(root, &place) {
            files.push(FoundFile { path: place, size });
        }
    }
    Ok(())
}

/// Paths of the index below `root`, relative to it.
fn tracked(root: &Path, options: &WalkOptions) -> Option<Vec<PathBuf>> {
    let repository = Repository::discover(root, ReadLimits::default()).ok()?;
    let place = repository.index_path(options.index_file.as_deref());
    let index = index::read(&place, repository.objects().hash_len()).ok()?;
    let below = root.canonicalize().ok()?.strip_prefix(repository.work_tree()?).ok()?.to_owned();
    let files = index.files.into_iter().filter(|file| file.kind == EntryKind::File);
    let paths = files.filter_map(|file| String::from_utf8(file.path).ok());
    Some(paths.filter_map(|path| Path::new(&path).strip_prefix(&below).ok().map(Path::to_owned)).collect())
}

/// Size of a plain file that really lies below `root`.
fn plain(root: &Path, place: &Path) -> Option<u64> {
    let metadata = place.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
    place.canonicalize().ok()?.starts_with(root.canonicalize().ok()?).then_some(metadata.len())
}
