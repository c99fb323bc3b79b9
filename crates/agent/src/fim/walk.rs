//! Every path of some trees, in the order in which a baseline has them. Links are not followed, and other file systems
//! not entered.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::state::order;

/// How deep folders are followed.
const MAX_DEPTH: usize = 200;

/// Takes every path, and every folder that cannot be read.
type Told<'t> = (&'t mut dyn FnMut(&Path), &'t mut dyn FnMut(&Path, &io::Error));

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    trees: Vec<PathBuf>,
    exclude: Vec<PathBuf>,
}

impl Scope {
    pub(crate) fn new(trees: &[PathBuf], exclude: &[PathBuf]) -> Self {
        let mut sorted = trees.to_vec();
        sorted.sort_by(|a, b| order(a).cmp(order(b)));
        let mut trees: Vec<PathBuf> = Vec::new();
        for tree in sorted {
            // A tree within another one is looked at once.
            if !trees.iter().any(|other| tree.starts_with(other)) {
                trees.push(tree);
            }
        }
        Self { trees, exclude: exclude.to_vec() }
    }

    pub(crate) fn trees(&self) -> &[PathBuf] {
        &self.trees
    }

    /// Whether a path is looked at.
    pub(crate) fn has(&self, path: &Path) -> bool {
        self.trees.iter().any(|tree| path.starts_with(tree)) && !self.is_excluded(path)
    }

    fn is_excluded(&self, path: &Path) -> bool {
        self.exclude.iter().any(|other| path.starts_with(other))
    }

    /// Calls `each` with every path, and `failed` with folders that cannot be read.
    pub(crate) fn walk(&self, each: &mut dyn FnMut(&Path), failed: &mut dyn FnMut(&Path, &io::Error)) {
        for tree in &self.trees {
            let Ok(found) = fs::symlink_metadata(tree) else { continue };
            self.below(tree, found.dev(), 0, (each, failed));
        }
    }

    /// The same below one path.
    pub(crate) fn walk_from(&self, path: &Path, each: &mut dyn FnMut(&Path)) {
        if let Ok(found) = fs::symlink_metadata(path) {
            self.below(path, found.dev(), 0, (each, &mut |_, _| {}));
        }
    }

    fn below(&self, path: &Path, dev: u64, depth: usize, told: Told<'_>) {
        if self.is_excluded(path) {
            return;
        }
        let (each, failed) = told;
        each(path);
        let is_folder = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir() && found.dev() == dev);
        if !is_folder || depth >= MAX_DEPTH {
            return;
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return failed(path, &error),
        };
        let mut names: Vec<OsString> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        for name in names {
            self.below(&path.join(name), dev, depth + 1, (each, failed));
        }
    }
}
