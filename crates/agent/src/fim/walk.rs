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

    /// What is looked at in either of two scopes.
    pub(crate) fn with(&self, other: &Self) -> Self {
        Self::new(&[&*self.trees, &other.trees].concat(), &[&*self.exclude, &other.exclude].concat())
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

/// What a tree is: a folder or a link, by device, inode and target. Of a plain file nothing but that it is there: it is
/// watched from its folder.
pub(crate) type Root = Option<(u64, u64, Option<PathBuf>)>;

/// What some trees are; a tree that is not there is nothing.
pub(crate) fn roots(trees: &[PathBuf]) -> Vec<Root> {
    let root = |tree: &PathBuf| {
        let found = fs::symlink_metadata(tree).ok()?;
        let is_plain = !found.is_dir() && !found.is_symlink();
        Some(if is_plain { (0, 0, None) } else { (found.dev(), found.ino(), fs::canonicalize(tree).ok()) })
    };
    trees.iter().map(root).collect()
}

/// Some trees, and where those lead that are links.
pub(crate) fn with_targets(trees: &[PathBuf]) -> Vec<PathBuf> {
    let links = trees.iter().filter(|tree| tree.is_symlink());
    let targets: Vec<PathBuf> = links.filter_map(|tree| fs::canonicalize(tree).ok()).collect();
    [trees, &targets].concat()
}
